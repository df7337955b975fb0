// Where a package comes from: nothing of it changes a detection. Its values are checked for their kinds, as Python's
// reader does, so that both take and refuse the same manifests; unknown fields are ignored.
#pragma once

#include <vector>

#include "package/json.hpp"

namespace eird {

// The manifest's fields training_data, training, operating_point and metrics.
std::vector<Field> provenance_fields();

}  // namespace eird
