"""What the acceptance benchmark's tests share: findings that are kept, and FAKES of CUDA.

They build on the FAKES of the runner's own tests, and prove as little about CUDA and TensorRT as these.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from acceptance.isolation import Findings

from edge_irdet.errors import CudaError, DriverMissingError
from edge_irdet.machine.gpu import find_gpu

ROOT = Path(__file__).parents[2]
FAKES = ROOT / "tests" / "engine" / "tensorrt"


def loaded(name: str) -> ModuleType:
    """A module of the runner's tests, from its path."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, FAKES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


fake_cuda = loaded("fake_cuda")


fake_cuda = loaded("fake_cuda")


def has_gpu() -> bool:
    try:
        find_gpu()
    except (DriverMissingError, CudaError):
        return False
    return True


class Kept(Findings):
    """Findings that stay here."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}
        super().__init__(self._keep)

    def _keep(self, message: tuple[Any, ...]) -> None:
        assert message[0] == "figures"
        self.figures.update(message[1])


class BoundedFakeCuda(fake_cuda.FakeCuda):  # type: ignore[name-defined,misc]
    """The FAKE, which refuses more memory than it has instead of taking it from the test machine."""

    def allocate(self, size: int) -> int:
        if size > self.free_bytes:
            raise CudaError("out of memory (FAKE)", "nothing: it is a fake")
        return int(super().allocate(size))


class OneByteWrong(BoundedFakeCuda):
    """A FAKE whose copies to the host are wrong in their last byte."""

    def _copy(self, address: int, buffer: Any, to_device: bool) -> None:
        super()._copy(address, buffer, to_device)
        if not to_device:
            buffer.array[-1] ^= 1
