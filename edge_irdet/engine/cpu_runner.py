"""The CPU runner, on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edge_irdet.engine.border import GraphBorder
from edge_irdet.engine.runner import Runner, TensorSpec
from edge_irdet.errors import RunnerError
from edge_irdet.package import EXPORT_STEP

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
    """

    def __init__(
        self,
        graph: bytes | Callable[[], bytes],
        threads: int = 0,
        *,
        origin: str = "the graph",
        border: GraphBorder | None = None,
    ) -> None:
        super().__init__()
        self._graph = graph
        self._threads = threads
        self._origin = origin
        self._border = border
        self._session: Any = None
        self._binding: Any = None
        self._arrays: dict[str, NDArray[np.float32]] = {}

    @property
    def name(self) -> str:
        """``cpu``."""
        return "cpu"

    def _activate_impl(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        # Threads that spin between frames would take the core from capture and from the host's other nodes.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        content = self._graph() if callable(self._graph) else self._graph
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions have no common base but Exception.
            raise RunnerError(
                f"ONNX Runtime refuses {self._origin}: {str(error).splitlines()[0]}",
                EXPORT_STEP,
            ) from error
        self._inputs = {item.name: self._spec(item) for item in session.get_inputs()}
        self._outputs = {item.name: self._spec(item) for item in session.get_outputs()}
        # Before anything of the sizes that the graph states is allocated.
        if self._border is not None:
            self._border.require(self._inputs, self._outputs, self._origin, EXPORT_STEP)
        self._session = session
        self._binding = session.io_binding()
        self._arrays = {}
        for name, spec in self._outputs.items():
            array = np.zeros(spec.shape, np.float32)
            self._arrays[name] = array
            self._binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

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
        try:
            self._session.run_with_iobinding(self._binding)
        except Exception as error:  # as above
            raise RunnerError(
                f"ONNX Runtime failed on {self._origin}: {str(error).splitlines()[0]}",
                "check free memory (free -h), then run the command again",
            ) from error
        return self._arrays

    def _deactivate_impl(self) -> None:
        self._session = None
        self._binding = None
        self._arrays = {}
