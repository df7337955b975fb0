"""How much device memory a runtime takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edge_irdet.engine.cuda.adapter import ADAPTERS, CudaAdapter, open_cuda
from edge_irdet.errors import ExtraMissingError

MIB = 2**20


class DeviceMemory:
    """Keeps the largest fall of the device's free memory; other programs' use is in it too.

    It is read while the adapter is attached to this thread, and never attached twice: pycuda cannot nest.

    Args:
        cuda: an attached adapter; None where there is no binding to ask.
    """

    def __init__(self, cuda: CudaAdapter | None) -> None:
        self._cuda = cuda
        self._before = 0 if cuda is None else cuda.memory()[0]
        self._lowest = self._before

    def look(self) -> None:
        """Read the free memory now."""
        if self._cuda is not None:
            self._lowest = min(self._lowest, self._cuda.memory()[0])

    @property
    def peak_mb(self) -> float | None:
        """Largest fall seen at any look, MiB; None where there is no binding to ask."""
        return None if self._cuda is None else round((self._before - self._lowest) / MIB, 1)


@contextmanager
def device_memory_watched(index: int = 0) -> Iterator[DeviceMemory]:
    """A :class:`DeviceMemory` from here on, by the first adapter that is installed.

    The CUDA context is there before the first reading, so its own memory does not count.
    """
    cuda = _first_adapter()
    if cuda is None:
        yield DeviceMemory(None)
        return
    cuda.attach(index)
    try:
        yield DeviceMemory(cuda)
    finally:
        cuda.detach()


def _first_adapter() -> CudaAdapter | None:
    for name in ADAPTERS:
        try:
            cuda = open_cuda(name)
        except ExtraMissingError:
            continue
        return cuda if cuda.device_count() else None
    return None
