"""Settings of the whole test run."""

import os

# Tests work on tiny arrays: more threads only wait for one another, most of all on a busy machine. Set before
# torch or NumPy is imported, and inherited by the commands that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
