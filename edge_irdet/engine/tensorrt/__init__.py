"""TensorRT: finding it, building engines, knowing what they fit, running them."""
