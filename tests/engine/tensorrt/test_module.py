"""TensorRT's module: one logger for the process, and what is told where a library is missing."""

from __future__ import annotations

import importlib
import threading
from types import SimpleNamespace

import pytest

from edge_irdet.engine.tensorrt.module import LogCapture, open_tensorrt
from edge_irdet.errors import ExtraMissingError


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING, INFO = range(4)


@pytest.fixture
def trt() -> SimpleNamespace:
    return SimpleNamespace(__name__="tensorrt", ILogger=ILogger)


def test_one_module_has_one_logger(trt: SimpleNamespace) -> None:
    first, second = LogCapture(trt), LogCapture(trt)
    assert first.logger is second.logger
    assert LogCapture(SimpleNamespace(__name__="tensorrt_rtx", ILogger=ILogger)).logger is not first.logger


def test_an_error_tells_the_lines_since_its_own_start(trt: SimpleNamespace) -> None:
    first = LogCapture(trt)
    first.logger.log(ILogger.WARNING, "of the first build")
    second = LogCapture(trt)
    assert second.tail() == "  TensorRT said nothing"
    second.logger.log(ILogger.ERROR, "of the second")
    second.logger.log(ILogger.INFO, "chatter")
    assert second.tail() == "  TensorRT: of the second"
    assert "of the first build" in first.tail()
    second.clear()
    assert second.tail() == "  TensorRT said nothing"


def test_lines_of_another_thread_are_its_own(trt: SimpleNamespace) -> None:
    told: list[str] = []
    ready, done = threading.Event(), threading.Event()

    def work() -> None:
        log = LogCapture(trt)
        log.logger.log(ILogger.ERROR, "of the other thread")
        ready.set()
        done.wait(10)
        told.append(log.tail())

    here = LogCapture(trt)
    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(10)
    here.logger.log(ILogger.ERROR, "of this thread")
    assert here.tail() == "  TensorRT: of this thread"
    done.set()
    thread.join()
    assert told == ["  TensorRT: of the other thread"]


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ImportError("libnvdla_compiler.so: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(ExtraMissingError, match=r"its library libnvdla_compiler\.so is missing") as caught:
        open_tensorrt()
    assert "JetPack 7.2" in caught.value.next_step


def test_a_library_that_cannot_be_loaded_is_coded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise OSError("wrong ELF class: ELFCLASS32")

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(ExtraMissingError, match="wrong ELF class"):
        open_tensorrt("tensorrt")
