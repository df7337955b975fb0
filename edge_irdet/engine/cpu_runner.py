"""The CPU runner, on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edge_irdet.engine.border import GraphBorder
from edge_irdet.engine.deadline import LONGEST_SECONDS, Deadline
from edge_irdet.engine.runner import Runner, TensorSpec
from edge_irdet.errors import RunnerError
from edge_irdet.intake import first_line
from edge_irdet.package import EXPORT_STEP

FATAL = 4
"""ONNX Runtime's level of messages that end the process."""

MEMORY_STEP = "check free memory (free -h), then run the command again"

ELEMENT_TYPES = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}
"""Element types a graph of this package may have at its border."""


class CpuRunner(Runner):
    """Runs an ONNX graph with ONNX Runtime's CPU kernels, into outputs that are allocated once.

    The library gets bytes and never a path: what was hashed is what runs.

    Args:
        graph: the serialised ONNX graph, or what reads it, called once per activation.
        threads: threads of one inference; 0 takes one per core.
        origin: where the graph comes from, for messages.
        border: what the graph's inputs and outputs have to be; None takes whatever it has.
        seconds: longest time of loading, and of one inference.
    """

    def __init__(
        self,
        graph: bytes | Callable[[], bytes],
        threads: int = 0,
        *,
        origin: str = "the graph",
        border: GraphBorder | None = None,
        seconds: float = LONGEST_SECONDS,
    ) -> None:
        super().__init__()
        self._graph = graph
        self._threads = threads
        self._origin = origin
        self._border = border
        self._seconds = seconds
        self._run_options = onnxruntime.RunOptions()
        self._resources = ExitStack()
        self._session: Any = None
        self._binding: Any = None
        self._arrays: dict[str, NDArray[np.float32]] = {}

    @property
    def name(self) -> str:
        """``cpu``."""
        return "cpu"

    def _activate_impl(self) -> None:
        """Load the graph and run it once, so that one that never ends is known before a frame waits for it.

        Raises:
            RunnerError: ONNX Runtime refuses it, it is not as the border says, or it takes too long.
            PackageHashError, GraphRefusedError: of what reads it.
        """
        with ExitStack() as resources:
            self._deadline = resources.enter_context(Deadline(self._seconds))
            self._load(resources)
            self._infer_impl(self._empty_feeds())
            self._resources = resources.pop_all()

    def _load(self, resources: ExitStack) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        # Its exceptions say the same, and names of a stranger's graph must not reach the terminal raw.
        options.log_severity_level = self._run_options.log_severity_level = FATAL
        # Threads that spin between frames would take the core from capture and from the host's other nodes.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        content = self._graph() if callable(self._graph) else self._graph
        with self._ending(partial(_cancel_loading, options), "refuses", EXPORT_STEP):
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._inputs = {item.name: self._spec(item) for item in session.get_inputs()}
        self._outputs = {item.name: self._spec(item) for item in session.get_outputs()}
        # Before anything of the sizes that the graph states is allocated.
        if self._border is not None:
            self._border.require(self._inputs, self._outputs, self._origin, EXPORT_STEP)
        resources.callback(self._drop)
        self._session = session
        self._binding = session.io_binding()
        for name, spec in self._outputs.items():
            array = np.zeros(spec.shape, np.float32)
            self._arrays[name] = array
            self._binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

    def _empty_feeds(self) -> dict[str, NDArray[np.generic]]:
        return {name: np.zeros(spec.shape, spec.dtype) for name, spec in self._inputs.items()}

    @contextmanager
    def _ending(self, cancel: Callable[[], None], verb: str, next_step: str) -> Iterator[None]:
        """One call into ONNX Runtime: it ends in time, and its exceptions become ours."""
        self._deadline.begin(cancel)
        try:
            yield
        except Exception as error:  # ONNX Runtime's exceptions have no common base but Exception.
            if self._deadline.end():
                raise RunnerError(
                    f"ONNX Runtime had not ended with {self._origin} after {self._deadline.seconds:g} s",
                    "choose a smaller network or a faster machine; do not run a graph of unknown origin",
                ) from error
            raise RunnerError(
                f"ONNX Runtime {verb} {self._origin}: {first_line(error)}", next_step
            ) from error
        self._deadline.end()

    def _spec(self, item: Any) -> TensorSpec:
        if item.type not in ELEMENT_TYPES or not all(isinstance(size, int) for size in item.shape):
            raise RunnerError(
                f"{self._origin} has the border tensor {item.name} of {item.type} {item.shape}",
                "graphs of this package have static shapes of uint8 or float: export the package again",
            )
        return TensorSpec.of(tuple(item.shape), ELEMENT_TYPES[item.type])

    def _infer_impl(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, NDArray[np.float32]]:
        for name, array in feeds.items():
            self._binding.bind_input(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        self._run_options.terminate = False
        with self._ending(self._terminate, "failed on", MEMORY_STEP):
            self._session.run_with_iobinding(self._binding, self._run_options)
        return self._arrays

    def _terminate(self) -> None:
        self._run_options.terminate = True

    def _deactivate_impl(self) -> None:
        self._resources.close()

    def _drop(self) -> None:
        self._session = None
        self._binding = None
        self._arrays = {}


def _cancel_loading(options: Any) -> None:
    if hasattr(options, "set_load_cancellation_flag"):  # ONNX Runtime 1.21
        options.set_load_cancellation_flag(True)
