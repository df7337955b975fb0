"""The CUDA adapter against real CUDA: copies, streams, threads, graphs, and whether everything comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acceptance.isolation import CheckFailedError, Findings
from edge_irdet.engine.cuda.adapter import (
    CudaAdapter,
    PinnedBuffer,
    open_cuda,
    require_driver,
)
from edge_irdet.errors import CudaError
from edge_irdet.machine.gpu import format_cuda_version

MIB = 2**20


@dataclass(frozen=True)
class Sizes:
    """How much memory the exercise moves."""

    contents: tuple[int, ...] = (1, 4097, 8 * MIB)
    """Bytes of the buffers whose content is compared: one byte, one over a page, many pages."""

    large: int = 64 * MIB
    """Bytes of the copies that are timed and of each allocation of the balance."""

    rounds: int = 16
    """Allocations and frees of the balance."""


def check_adapter(findings: Findings, name: str, index: int = 0) -> None:
    """Exercise one adapter, by name, on the GPU.

    Raises:
        ExtraMissingError: its binding is not installed.
        DriverMissingError, DriverOutdatedError, CudaError: CUDA refused something.
        CheckFailedError: something came out differently than it went in.
    """
    exercise(findings, open_cuda(name), index)


def exercise(findings: Findings, cuda: CudaAdapter, index: int = 0, sizes: Sizes | None = None) -> None:
    """Exercise an adapter; see :func:`check_adapter`."""
    sizes = sizes or Sizes()
    device = require_driver(cuda, index)
    findings.add(
        device=device.name,
        compute_capability=device.compute_capability,
        driver_cuda=format_cuda_version(cuda.driver_version()),
        runtime_cuda=format_cuda_version(cuda.runtime_version()),
    )
    with attached(cuda, index):
        with a_stream(cuda) as stream:
            for size in sizes.contents:
                _copy_there_and_back(cuda, stream, size)
            findings.add(contents_compared_bytes=list(sizes.contents))
        _two_streams(cuda, sizes.contents[-1])
        findings.add(two_streams="both contents right")
        _two_threads(cuda, index, sizes.contents[-1])
        findings.add(two_threads="both contents right, each with a context and a stream of its own")
        findings.add(**_timed_copies(cuda, sizes.large))
        findings.add(cuda_graph=_graph(cuda, sizes.contents[-1]))
        _refuses_too_much(cuda, 4 * device.total_bytes, sizes.contents[-1])
        findings.add(too_large_an_allocation="refused as CudaError; the next copy was right")
        findings.add(balance=_balance(cuda, sizes))


@contextmanager
def attached(cuda: CudaAdapter, index: int) -> Iterator[None]:
    """The adapter attached to this thread."""
    cuda.attach(index)
    try:
        yield
    finally:
        cuda.detach()


@contextmanager
def a_stream(cuda: CudaAdapter) -> Iterator[int]:
    """A stream, waited for and freed at the end."""
    stream = cuda.create_stream()
    try:
        yield stream
    finally:
        cuda.synchronise(stream)
        cuda.destroy_stream(stream)


@contextmanager
def device_memory(cuda: CudaAdapter, size: int) -> Iterator[int]:
    """Device memory, freed at the end."""
    address = cuda.allocate(size)
    try:
        yield address
    finally:
        cuda.free(address)


@contextmanager
def pinned(cuda: CudaAdapter, size: int) -> Iterator[PinnedBuffer]:
    """Page-locked memory, freed at the end; its array is what the adapter promises.

    Raises:
        CheckFailedError: the array has another size, type or place than the buffer says.
    """
    buffer = cuda.allocate_pinned(size)
    try:
        array = buffer.array
        as_stated = array.nbytes == size and array.dtype == np.uint8 and array.ctypes.data == buffer.address
        if not as_stated:
            raise CheckFailedError(
                f"a pinned buffer of {size} bytes at {buffer.address:#x} has an array of "
                f"{array.nbytes} bytes of {array.dtype} at {array.ctypes.data:#x}"
            )
        yield buffer
    finally:
        cuda.free_pinned(buffer)


def _random_bytes(seed: int, size: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, size, np.uint8)


def _require_same(what: str, expected: NDArray[np.uint8], found: NDArray[np.uint8]) -> None:
    wrong = int(np.count_nonzero(expected != found))
    if wrong:
        raise CheckFailedError(f"{what}: {wrong} of {expected.size} bytes came back wrong")


def _copy_there_and_back(cuda: CudaAdapter, stream: int, size: int, seed: int = 0) -> None:
    content = _random_bytes(seed, size)
    with (
        pinned(cuda, size) as source,
        pinned(cuda, size) as target,
        device_memory(cuda, size) as address,
        drained(cuda, stream),
    ):
        source.array[:] = content
        target.array[:] = ~content  # what is not overwritten is wrong in every byte
        cuda.copy_to_device(address, source, stream)
        cuda.copy_to_host(target, address, stream)
        cuda.synchronise(stream)
        _require_same(f"{size} bytes to the device and back", content, target.array)


@contextmanager
def drained(cuda: CudaAdapter, *streams: int) -> Iterator[None]:
    """The streams have run out at the end, also after a failure: nothing may be freed under them."""
    try:
        yield
    finally:
        for stream in streams:
            cuda.synchronise(stream)


def _two_streams(cuda: CudaAdapter, size: int) -> None:
    contents = [_random_bytes(seed, size) for seed in (1, 2)]
    with (
        a_stream(cuda) as first,
        a_stream(cuda) as second,
        pinned(cuda, size) as one,
        pinned(cuda, size) as two,
        device_memory(cuda, size) as there,
        device_memory(cuda, size) as other,
        drained(cuda, first, second),
    ):
        work = ((first, one, there, contents[0]), (second, two, other, contents[1]))
        for stream, buffer, address, content in work:
            buffer.array[:] = content
            cuda.copy_to_device(address, buffer, stream)
        for stream, _, _, _ in work:
            cuda.synchronise(stream)
        for stream, buffer, address, content in work:
            buffer.array[:] = ~content
            cuda.copy_to_host(buffer, address, stream)
        for stream, buffer, _, content in work:
            cuda.synchronise(stream)
            _require_same("a copy on one of two streams", content, buffer.array)


def _two_threads(cuda: CudaAdapter, index: int, size: int) -> None:
    """A second thread with its own context and stream, while this one keeps its own."""
    errors: list[BaseException] = []

    def other_thread() -> None:
        try:
            with attached(cuda, index), a_stream(cuda) as stream:
                _copy_there_and_back(cuda, stream, size, seed=3)
        except BaseException as error:  # raised again in the thread that waits
            errors.append(error)

    with a_stream(cuda) as stream:
        thread = threading.Thread(target=other_thread, name="second thread")
        thread.start()
        try:
            _copy_there_and_back(cuda, stream, size, seed=4)
        finally:
            thread.join()
        if errors:
            raise errors[0]
        _copy_there_and_back(cuda, stream, size, seed=5)


def _timed_copies(cuda: CudaAdapter, size: int) -> dict[str, Any]:
    """Rates of a pinned copy, and how much of it the call itself took: an asynchronous call returns early."""
    figures: dict[str, Any] = {"timed_copy_mb": size / MIB}
    with (
        a_stream(cuda) as stream,
        pinned(cuda, size) as buffer,
        device_memory(cuda, size) as address,
        drained(cuda, stream),
    ):
        copies: dict[str, Callable[[], None]] = {
            "to_device": lambda: cuda.copy_to_device(address, buffer, stream),
            "to_host": lambda: cuda.copy_to_host(buffer, address, stream),
        }
        for direction, copy in copies.items():
            copy()  # the first touches every page
            cuda.synchronise(stream)
            started = time.perf_counter()
            copy()
            queued = time.perf_counter()
            cuda.synchronise(stream)
            ended = time.perf_counter()
            figures[f"{direction}_gb_per_s"] = round(size / (ended - started) / 1e9, 2)
            figures[f"{direction}_queued_ms"] = round(1e3 * (queued - started), 4)
            figures[f"{direction}_done_ms"] = round(1e3 * (ended - started), 4)
    return figures


def _graph(cuda: CudaAdapter, size: int) -> str:
    """Capture a copy to the device and back, and replay it on new contents."""
    if not cuda.supports_graphs:
        try:
            cuda.begin_capture(0)
        except CudaError:
            return f"{cuda.name} cannot capture, and says so"
        raise CheckFailedError(f"{cuda.name} says that it cannot capture, and begin_capture raised nothing")
    with (
        a_stream(cuda) as stream,
        pinned(cuda, size) as source,
        pinned(cuda, size) as target,
        device_memory(cuda, size) as address,
        drained(cuda, stream),
    ):
        target.array.fill(0)
        source.array.fill(255)
        cuda.begin_capture(stream)
        try:
            cuda.copy_to_device(address, source, stream)
            cuda.copy_to_host(target, address, stream)
        finally:
            graph = cuda.end_capture(stream)
        try:
            cuda.synchronise(stream)
            if target.array.any():
                raise CheckFailedError("what was captured had run already before its graph was launched")
            for seed in (6, 7, 8):
                content = _random_bytes(seed, size)
                source.array[:] = content
                cuda.launch_graph(graph, stream)
                cuda.synchronise(stream)
                _require_same(f"replay {seed - 5} of a CUDA graph", content, target.array)
        finally:
            cuda.destroy_graph(graph)
    return "captured; 3 replays on new contents right"


def _refuses_too_much(cuda: CudaAdapter, size: int, then: int) -> None:
    try:
        address = cuda.allocate(size)
    except CudaError:
        with a_stream(cuda) as stream:
            _copy_there_and_back(cuda, stream, then, seed=9)
        return
    cuda.free(address)
    raise CheckFailedError(f"{size} bytes, four times the device's memory, were allocated")


def _balance(cuda: CudaAdapter, sizes: Sizes) -> dict[str, Any]:
    """Whether what was freed is free again; half of what was taken is allowed for other programs."""
    before, _ = cuda.memory()
    lowest = before
    for _ in range(sizes.rounds):
        with device_memory(cuda, sizes.large), pinned(cuda, sizes.large), a_stream(cuda):
            lowest = min(lowest, cuda.memory()[0])
    after, _ = cuda.memory()
    taken = sizes.rounds * sizes.large
    figures = {
        "allocated_and_freed_mb": taken / MIB,
        "free_before_mb": round(before / MIB, 1),
        "free_after_mb": round(after / MIB, 1),
        "lowest_free_mb": round(lowest / MIB, 1),
    }
    if before - after > taken / 2:
        raise CheckFailedError(f"memory was not given back: {figures}")
    return figures
