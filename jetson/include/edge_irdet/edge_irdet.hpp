// edge_irdet for C++17: header-only over the C interface of <edge_irdet.h>, so that nothing of the standard library crosses
// the border of the shared library.
#pragma once

#include <edge_irdet/detector.hpp>
#include <edge_irdet/image.hpp>
#include <edge_irdet/record.hpp>
#include <edge_irdet/result.hpp>
#include <edge_irdet/tracker.hpp>
