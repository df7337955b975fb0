// What an ONNX file points to outside of itself, as edge_irdet/graph_content.py finds it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace eird {

// Checks that a graph holds the values of all its tensors itself: no hash of the manifest covers another file. Throws
// ContentRefused.
void require_self_contained(const std::uint8_t* bytes, std::size_t size);

}  // namespace eird
