"""TensorRT's Python module, whichever is there, with its differences probed in one place.

``tensorrt`` (8.5 on JetPack 5, 10.x on JetPack 6 and 7, 11) and ``tensorrt_rtx`` have one API in different
states: 11 dropped the precision flags and ``EXPLICIT_BATCH``, and 8.5 has no strong typing and no progress
monitor. What is there is asked of the module itself, never concluded from its version.
"""

from __future__ import annotations

import contextlib
import importlib
import math
from collections import deque
from collections.abc import Callable
from typing import Any

from edge_irdet.engine.cuda.adapter import Device
from edge_irdet.engine.tensorrt.identity import Host
from edge_irdet.errors import EdgeIrdetError, ExtraMissingError, OptionError, TensorRTError
from edge_irdet.errors.installation import install_step

MODULES = ("tensorrt", "tensorrt_rtx")
"""Modules :func:`open_tensorrt` looks for, in this order."""

LOG_LINES = 8
"""How many of TensorRT's last warnings and errors an error text carries."""

LINE_LENGTH = 400
"""Longer log lines are cut there in an error text."""

BuildProgress = Callable[[str, float], None]
"""Called with a phase's name and its fraction done; may raise to stop the build."""


class LogCapture:
    """Keeps the last log lines of TensorRT, for the errors that follow them.

    Args:
        trt: the TensorRT module.

    Attributes:
        logger: what TensorRT takes as its logger; it must outlive everything that TensorRT made with it.
    """

    def __init__(self, trt: Any) -> None:
        important = (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR, trt.ILogger.WARNING)
        lines: deque[str] = deque(maxlen=LOG_LINES)

        class Logger(trt.ILogger):  # type: ignore[misc]
            def __init__(self) -> None:
                trt.ILogger.__init__(self)  # pybind11 wants the base called by name

            def log(self, severity: Any, message: str) -> None:
                if severity in important:
                    lines.append(message.strip()[:LINE_LENGTH])

        self._lines = lines
        self.logger = Logger()

    def tail(self) -> str:
        """The last lines, one a line, indented; a statement that there were none else."""
        return "\n".join(f"  TensorRT: {line}" for line in self._lines) or "  TensorRT said nothing"

    def clear(self) -> None:
        """Forget the lines: what is logged from here on belongs to the next step."""
        self._lines.clear()

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
        except ImportError as error:
            reasons.append(f"{module}: {error}")
    raise ExtraMissingError(
        f"TensorRT cannot be imported ({'; '.join(reasons)})",
        "on a Jetson: sudo apt install python3-libnvinfer, and a venv made with --system-site-packages; "
        f"on a PC with an RTX GPU: {install_step('tensorrt-rtx')}",
    )


def megabytes(size: float) -> int:
    """Bytes as whole MiB, rounded up."""
    return math.ceil(size / 2**20)
