// Which back end runs a package here, and why.
#pragma once

#include "detection/detector.hpp"

namespace eird {

// TensorRT where an engine fits this device, else the CPU; as edge_irdet/engine/selection.py. Throws Failure.
Chosen choose_backend(const Package& package, const DetectorOptions& options);

}  // namespace eird
