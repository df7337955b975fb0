"""Runners of GPU runtimes other than TensorRT: ONNX Runtime's CUDA provider, and torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from acceptance.isolation import CheckSkippedError
from edge_irdet.engine.runner import Runner, TensorSpec
from edge_irdet.errors import RunnerError

if TYPE_CHECKING:
    from torch import nn

CUDA_PROVIDER = "CUDAExecutionProvider"

GRAPH_WARM_UP = 3
"""Frames before torch's CUDA graph is captured: cuDNN chooses its kernels in them."""


class OnnxCudaRunner(Runner):
    """Runs an ONNX graph with ONNX Runtime's CUDA provider; frames come from and go to host memory.

    Args:
        graph: the serialised ONNX graph.
        index: the GPU.

    Attributes:
        whole_graph_on_gpu: whether every node runs on the GPU; known once active.
    """

    def __init__(self, graph: bytes, index: int = 0) -> None:
        super().__init__()
        self._graph = graph
        self._index = index
        self._session: Any = None
        self.whole_graph_on_gpu = False

    @property
    def name(self) -> str:
        """``onnxruntime-cuda``."""
        return "onnxruntime-cuda"

    def _activate_impl(self) -> None:
        """Load the graph.

        Raises:
            CheckSkippedError: this ONNX Runtime was built without CUDA.
            RunnerError: it was built with CUDA, and refuses the graph or cannot load CUDA's libraries.
        """
        import onnxruntime

        if CUDA_PROVIDER not in onnxruntime.get_available_providers():
            raise CheckSkippedError(
                f"onnxruntime {onnxruntime.__version__} has no {CUDA_PROVIDER} "
                "(onnxruntime-gpu has; never install both)"
            )
        if hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls()  # CUDA and cuDNN of NVIDIA's wheels, where the system has none
        types = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}
        self._session = self._open(onnxruntime, all_on_gpu=True) or self._open(onnxruntime, all_on_gpu=False)
        self._inputs, self._outputs = (
            {item.name: TensorSpec.of(tuple(item.shape), types[item.type]) for item in items}
            for items in (self._session.get_inputs(), self._session.get_outputs())
        )

    def _open(self, onnxruntime: Any, all_on_gpu: bool) -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if all_on_gpu:
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        # TF32 has FP16's mantissa: FP32 would not be FP32.
        provider = (CUDA_PROVIDER, {"device_id": self._index, "use_tf32": 0})
        providers = [provider] if all_on_gpu else [provider, "CPUExecutionProvider"]
        try:
            session = onnxruntime.InferenceSession(self._graph, options, providers=providers)
        except Exception as error:  # ONNX Runtime's exceptions have no common base but Exception
            if all_on_gpu:
                return None  # some node has no CUDA kernel: the second try lets it run on the CPU
            raise RunnerError(
                f"ONNX Runtime's {CUDA_PROVIDER} refuses the graph: {str(error).splitlines()[0]}",
                "compare onnxruntime-gpu's CUDA and cuDNN with those installed",
            ) from error
        if CUDA_PROVIDER not in session.get_providers():
            # It falls back to the CPU without an error where a library is missing: that is no run on a GPU.
            raise RunnerError(
                f"ONNX Runtime could not load {CUDA_PROVIDER} and took {', '.join(session.get_providers())}",
                "compare onnxruntime-gpu's CUDA and cuDNN with those installed",
            )
        self.whole_graph_on_gpu = all_on_gpu
        return session

    def _infer_impl(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, NDArray[np.float32]]:
        names = list(self._outputs)
        return dict(zip(names, self._session.run(names, dict(feeds)), strict=True))

    def _deactivate_impl(self) -> None:
        self._session = None


class TorchCudaRunner(Runner):
    """Runs a torch module on the GPU, from and to pinned host memory, on a stream of its own.

    Args:
        module: on the GPU, in evaluation mode; forward(image) -> tuple in the order of ``outputs``.
        inputs: the one input by name.
        outputs: the outputs by name.
        cuda_graph: capture the network as a CUDA graph, and replay it; the copies are queued around it.
    """

    def __init__(
        self,
        module: nn.Module,
        inputs: Mapping[str, TensorSpec],
        outputs: Mapping[str, TensorSpec],
        cuda_graph: bool,
    ) -> None:
        super().__init__()
        self._module = module
        self._inputs = dict(inputs)
        self._outputs = dict(outputs)
        self._wants_graph = cuda_graph
        self._graph: Any = None
        self._tensors: Any = ()

    @property
    def name(self) -> str:
        """``torch-cuda``."""
        return "torch-cuda"

    def _activate_impl(self) -> None:
        import torch

        (spec,) = self._inputs.values()
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._image = torch.zeros(spec.shape, dtype=torch.uint8, device="cuda")
        self._pinned = torch.zeros(spec.shape, dtype=torch.uint8, pin_memory=True)
        self._results = [
            torch.zeros(output.shape, dtype=torch.float32, pin_memory=True)
            for output in self._outputs.values()
        ]
        self._arrays = {
            name: result.numpy() for name, result in zip(self._outputs, self._results, strict=True)
        }
        torch.cuda.synchronize()
        with torch.cuda.stream(self._stream):
            for _ in range(GRAPH_WARM_UP):
                self._queue()
        self._stream.synchronize()
        if self._wants_graph:
            graph = torch.cuda.CUDAGraph()
            with torch.no_grad(), torch.cuda.graph(graph, stream=self._stream):
                self._tensors = self._module(self._image)
            self._graph = graph

    def _queue(self) -> None:
        import torch

        with torch.no_grad():
            self._image.copy_(self._pinned, non_blocking=True)
            if self._graph is None:
                self._tensors = self._module(self._image)
            else:
                self._graph.replay()  # writes to the tensors it was captured with
            for result, tensor in zip(self._results, self._tensors, strict=True):
                result.copy_(tensor, non_blocking=True)

    def _infer_impl(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, NDArray[np.float32]]:
        import torch

        (array,) = feeds.values()
        self._pinned.numpy()[...] = array
        with torch.cuda.stream(self._stream):
            self._queue()
        self._stream.synchronize()
        return self._arrays

    def _deactivate_impl(self) -> None:
        self._graph = None
        self._results, self._arrays, self._tensors = [], {}, ()
