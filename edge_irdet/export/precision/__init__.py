"""From the FP32 graph to FP16 and INT8, and the gate that each must pass."""
