"""The checks of ``benchmarks/gpu_acceptance.py``, one idea a file."""
