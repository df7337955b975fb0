"""TensorRT's Python module, whichever is there, with its differences probed in one place.

``tensorrt`` (8.5 on JetPack 5, 10.x on JetPack 6 and 7, 11) and ``tensorrt_rtx`` have one API in different
states: 11 dropped the precision flags and ``EXPLICIT_BATCH``, and 8.5 has no strong typing and no progress
monitor. What is there is asked of the module itself, never concluded from its version.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import math
import re
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from edge_irdet.engine.cuda.adapter import Device
from edge_irdet.engine.tensorrt.identity import Host, memory_class
from edge_irdet.errors import EdgeIrdetError, ExtraMissingError, OptionError, TensorRTError
from edge_irdet.errors.installation import install_step

MODULES = ("tensorrt", "tensorrt_rtx")
"""Modules :func:`open_tensorrt` looks for, in this order."""

LOG_LINES = 8
"""How many of TensorRT's last warnings and errors an error text carries."""

KEPT_LINES = 256
"""How many are kept, of all threads."""

LINE_LENGTH = 400
"""Longer log lines are cut there in an error text."""

_MISSING_LIBRARY = re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file")
"""How the dynamic linker names a library that it does not find."""

BuildProgress = Callable[[str, float], None]
"""Called with a phase's name and its fraction done; may raise to stop the build."""


class _SharedLog:
    """The one logger of a TensorRT module: TensorRT keeps the first that it is given for the whole process.

    Lines are kept with the thread that logged them, so that a failure is told with its own.
    """

    def __init__(self, trt: Any) -> None:
        important = (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR, trt.ILogger.WARNING)
        lines: deque[tuple[int, int, str]] = deque(maxlen=KEPT_LINES)
        numbers = itertools.count()

        class Logger(trt.ILogger):  # type: ignore[misc]
            def __init__(self) -> None:
                trt.ILogger.__init__(self)  # pybind11 wants the base called by name

            def log(self, severity: Any, message: str) -> None:
                if severity in important:
                    line = message.strip()[:LINE_LENGTH]
                    lines.append((next(numbers), threading.get_ident(), line))

        self.logger = Logger()
        self._lines = lines
        self._numbers = numbers

    def position(self) -> int:
        """Number that the next line gets, at least."""
        return next(self._numbers)

    def since(self, position: int) -> list[str]:
        """Lines from a position on, of this thread and of TensorRT's own threads."""
        others = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
        return [
            line for number, thread, line in tuple(self._lines) if number > position and thread not in others
        ]


_shared_logs: dict[str, tuple[Any, _SharedLog]] = {}
_shared_logs_lock = threading.Lock()


def _shared_log(trt: Any) -> _SharedLog:
    with _shared_logs_lock:
        known = _shared_logs.get(trt.__name__)
        if known is None or known[0] is not trt:
            known = _shared_logs[trt.__name__] = (trt, _SharedLog(trt))
        return known[1]


class LogCapture:
    """The last log lines of TensorRT since this was made, for the errors that follow them.

    Args:
        trt: the TensorRT module.

    Attributes:
        logger: what TensorRT takes as its logger; one for each module, kept until the process ends.
    """

    def __init__(self, trt: Any) -> None:
        self._shared = _shared_log(trt)
        self.logger = self._shared.logger
        self._start = self._shared.position()

    def tail(self) -> str:
        """The last lines, one a line, indented; a statement that there were none else."""
        lines = self._shared.since(self._start)[-LOG_LINES:]
        return "\n".join(f"  TensorRT: {line}" for line in lines) or "  TensorRT said nothing"

    def clear(self) -> None:
        """Forget the lines: what is logged from here on belongs to the next step."""
        self._start = self._shared.position()

    def require(
        self,
        result: Any,
        what: str,
        next_step: str,
        error: type[EdgeIrdetError] = TensorRTError,
    ) -> Any:
        """Give ``result`` back, unless it is one of the nulls by which TensorRT reports a failure.

        Raises:
            TensorRTError: (or ``error``) the result is None or False; the text carries the last log lines.
        """
        if result is None or result is False:
            raise error(f"{what}\n{self.tail()}", next_step)
        return result

    def create(
        self, error: type[EdgeIrdetError], what: str, next_step: str, factory: Any, *arguments: Any
    ) -> Any:
        """Call one of TensorRT's factories; a null is an error.

        Raises:
            ``error``: the factory gave None, or raised as the bindings do where C++ gave a null pointer.
        """
        result = None
        with contextlib.suppress(TypeError, RuntimeError):
            result = factory(*arguments)
        return self.require(result, f"TensorRT could not create its {what}", next_step, error)


class TensorRTModule:
    """One of the modules, opened.

    Args:
        trt: the imported module.

    Attributes:
        trt: the module itself.
        name: ``tensorrt`` or ``tensorrt_rtx``.
        version: its version.
    """

    def __init__(self, trt: Any) -> None:
        self.trt = trt
        self.name = str(trt.__name__)
        self.version = str(trt.__version__)

    def host(self, device: Device) -> Host:
        """This machine, as an engine's identity is compared with it."""
        return Host(
            module=self.name,
            tensorrt=self.version,
            compute_capability=device.compute_capability,
            device=device.name,
            multiprocessors=device.multiprocessors,
            memory_gib=memory_class(device.total_bytes),
        )

    @property
    def builds_without_gpu(self) -> bool:
        """Whether the builder compiles ahead of time for named targets: TensorRT-RTX does, TensorRT times
        its kernels on the GPU at hand.
        """
        return hasattr(self.trt.IBuilderConfig, "num_compute_capabilities")

    @property
    def strongly_typed(self) -> bool:
        """Whether networks can be strongly typed: precision comes from the graph."""
        return hasattr(self.trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED")

    def network_flags(self) -> int:
        """Creation flags of a network: strongly typed and with an explicit batch, where each is there."""
        # The bits differ between major versions, so they are taken from the enumeration.
        flags = self.trt.NetworkDefinitionCreationFlag
        names = [name for name in ("STRONGLY_TYPED", "EXPLICIT_BATCH") if hasattr(flags, name)]
        return sum(1 << int(getattr(flags, name)) for name in names)

    def builder_flag(self, name: str) -> Any:
        """A builder flag by name, or None where this version has none."""
        return getattr(self.trt.BuilderFlag, name, None)

    def targets(self) -> dict[str, Any]:
        """Compute capabilities that can be built for without their GPU: ``8.6`` -> the module's own value."""
        kinds = getattr(self.trt, "ComputeCapability", None)
        names = [name for name in dir(kinds) if name.startswith("SM") and name[2:].isdigit()]
        return {f"{name[2:-1]}.{name[-1]}": getattr(kinds, name) for name in names}

    def progress_monitor(self, progress: BuildProgress) -> Any:
        """A monitor that reports to ``progress``; None where the module has none (before 9).

        Its attribute ``error`` keeps what ``progress`` raised; the build is then stopped.
        """
        base: Any = getattr(self.trt, "IProgressMonitor", None)
        if base is None:
            return None

        class Monitor(base):  # type: ignore[misc]
            def __init__(self) -> None:
                base.__init__(self)
                self._steps: dict[str, int] = {}
                self.error: BaseException | None = None

            def phase_start(self, name: str, parent: str | None, steps: int) -> None:
                self._steps[name] = max(1, steps)
                self._report(name, 0.0)

            def step_complete(self, name: str, step: int) -> bool:
                self._report(name, min(1.0, (step + 1) / self._steps.get(name, 1)))
                return self.error is None

            def phase_finish(self, name: str) -> None:
                self._steps.pop(name, None)
                self._report(name, 1.0)

            def _report(self, name: str, fraction: float) -> None:
                # An exception must not cross TensorRT's C++: it is kept, the build stopped, and raised after.
                try:
                    if self.error is None:
                        progress(name, fraction)
                except BaseException as error:
                    self.error = error

        return Monitor()


def open_tensorrt(name: str = "auto") -> TensorRTModule:
    """Import TensorRT; nothing of it is called.

    Args:
        name: ``tensorrt``, ``tensorrt_rtx``, or ``auto`` for the first that is installed.

    Raises:
        OptionError: another name.
        ExtraMissingError: not installed.
    """
    if name not in ("auto", *MODULES):
        raise OptionError(
            f"there is no TensorRT module {name!r}", f"choose auto or one of {', '.join(MODULES)}"
        )
    reasons = []
    for module in MODULES if name == "auto" else (name,):
        try:
            return TensorRTModule(importlib.import_module(module))
        except (ImportError, OSError) as error:  # OSError: a library that is there cannot be loaded
            reasons.append(f"{module}: {error}")
    found = "; ".join(reasons)
    if (library := _MISSING_LIBRARY.search(found)) is not None:
        raise ExtraMissingError(
            f"TensorRT is installed, but its library {library[1]} is missing ({found})",
            f"install the package that has it (apt-file search {library[1]}), or, in a container, mount the "
            "host's: containers of JetPack 7.2 lack libnvdla_compiler.so",
        )
    raise ExtraMissingError(
        f"TensorRT cannot be imported ({found})",
        "on a Jetson: sudo apt install python3-libnvinfer, and a venv made with --system-site-packages; "
        f"on a PC with an RTX GPU: {install_step('tensorrt-rtx')}",
    )


def megabytes(size: float) -> int:
    """Bytes as whole MiB, rounded up."""
    return math.ceil(size / 2**20)
