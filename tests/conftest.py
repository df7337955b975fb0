"""Settings of the whole test run, and what tests of several rooms share."""

import os

# Tests work on tiny arrays: more threads only wait for one another, most of all on a busy machine. Set before
# torch or NumPy is imported, and inherited by the commands that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from numpy.typing import NDArray

from doubles.image_files import ImageWriter, write_image_file


@pytest.fixture
def write_image() -> ImageWriter:
    """Writes an array as an image file, making its folders."""
    return write_image_file


@pytest.fixture
def ramp() -> NDArray[np.uint8]:
    """A 40 wide, 30 high grey image in which no two neighbours are equal."""
    return (np.arange(40)[None, :] * 3 + np.arange(30)[:, None] * 4).astype(np.uint8)
