"""The C++ library that Python is compared with."""

from __future__ import annotations

import pytest
from parity.cpp_library import CppLibrary

from doubles import cpp_build


@pytest.fixture(scope="session")
def cpp() -> CppLibrary:
    """The release build, with the library of ONNX Runtime that Python's wheel has."""
    cpp_build.require_onnxruntime_headers()
    folder = cpp_build.build("cpu")
    return CppLibrary(folder / "jetson" / "libedge_irdet.so", cpp_build.onnxruntime_library())
