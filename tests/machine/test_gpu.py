"""The GPU as its driver names it, by a FAKE of libcuda; and without one, for real."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import pytest

from edge_irdet.errors import CudaError, DriverMissingError
from edge_irdet.machine import gpu
from edge_irdet.machine.gpu import Gpu, find_gpu, format_cuda_version, has_nvidia_device


def test_a_missing_driver_library_is_e602() -> None:
    with pytest.raises(DriverMissingError, match="no NVIDIA driver"):
        find_gpu(library="libcuda-that-is-not-there.so.1")


class FakeDriver:
    """A FAKE of libcuda: it fills what its caller points at."""

    def __init__(self, devices: int = 1, status: int = 0, fails: str = "") -> None:
        self._devices, self._status, self._fails = devices, status, fails

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> int:
            if name == self._fails:
                return 999
            if name == "cuInit":
                return self._status
            if name == "cuDeviceGetName":
                arguments[0].value = b"Orin (FAKE)"
                return 0
            values = {
                "cuDeviceGetCount": self._devices,
                "cuDeviceGet": 0,
                "cuDeviceTotalMem_v2": 8 << 30,
                "cuDriverGetVersion": 12060,
            }
            attributes = {75: 8, 76: 7, 18: 1}
            value = attributes[arguments[1].value] if name == "cuDeviceGetAttribute" else values[name]
            arguments[0]._obj.value = value
            return 0

        return call


def test_the_gpu_is_named_by_the_fake_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: FakeDriver())
    assert find_gpu() == Gpu("Orin (FAKE)", "8.7", 8 << 30, True, "12.6")
    with pytest.raises(DriverMissingError, match="shows 1 device"):
        find_gpu(3)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: FakeDriver(status=100))
    with pytest.raises(DriverMissingError, match="cuInit gave 100"):
        find_gpu()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: FakeDriver(fails="cuDeviceGetName"))
    with pytest.raises(CudaError, match="cuDeviceGetName gave 999"):
        find_gpu()


def test_an_nvidia_device_is_known_by_what_its_drivers_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "NVIDIA_PLACES", (str(tmp_path / "nvgpu"),))
    assert not has_nvidia_device()
    (tmp_path / "nvgpu").touch()
    assert has_nvidia_device()


def test_cuda_versions_are_written_as_people_write_them() -> None:
    assert format_cuda_version(12060) == "12.6"
    assert format_cuda_version(0) is None
