"""CUDA bindings behind one adapter: device memory, streams, graphs."""
