"""Whether there is enough free memory to build an engine, asked before the build starts.

A build that runs out of memory takes the board with it (ultralytics#17338, jkjung-avt/tensorrt_demos#344).
"""

from __future__ import annotations

from edge_irdet.engine.cuda.adapter import CudaAdapter
from edge_irdet.engine.tensorrt.module import megabytes
from edge_irdet.errors import EngineMemoryError

LIBRARY_BYTES = 800 * 2**20
"""What TensorRT's own libraries and a CUDA context take in host memory once loaded (0.8 to 1.1 GB reported
for x86-64, less on a Jetson)."""

COPIES_OF_WEIGHTS = 4
"""Copies of the weights the builder holds at once: the ONNX file, the parsed network, the formats it tries,
the plan."""


def require_memory(
    graph_bytes: int, workspace_mb: int, cuda: CudaAdapter | None, available: int | None
) -> None:
    """Check free memory before a build.

    Args:
        graph_bytes: size of the ONNX graph.
        workspace_mb: cap of the builder's workspace.
        cuda: an attached adapter where the builder uses a GPU; None where it does not.
        available: free host memory in bytes; None skips that check.

    Raises:
        EngineMemoryError: there is less than the build may need.
    """
    weights = COPIES_OF_WEIGHTS * graph_bytes
    host_need, workspace = LIBRARY_BYTES + weights, workspace_mb * 2**20
    wanting = []
    if available is not None and available < host_need:
        wanting.append(
            f"the build needs about {megabytes(host_need)} MB of host memory, {megabytes(available)} are free"
        )
    if cuda is not None:
        free, _ = cuda.memory()
        device_need = workspace + weights
        if free < device_need:
            wanting.append(
                f"the build needs about {megabytes(device_need)} MB of GPU memory "
                f"({workspace_mb} of them workspace), {megabytes(free)} are free"
            )
    if wanting:
        raise EngineMemoryError(
            "; ".join(wanting),
            f"close other programs (on a Jetson the desktop: sudo systemctl isolate multi-user.target), or "
            f"lower the workspace: --workspace {max(64, workspace_mb // 2)}",
        )
