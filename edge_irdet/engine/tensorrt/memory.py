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
    graph_bytes: int,
    workspace_mb: int,
    cuda: CudaAdapter | None,
    available: int | None,
    *,
    integrated: bool = False,
) -> None:
    """Check free memory before a build.

    Args:
        graph_bytes: size of the ONNX graph.
        workspace_mb: cap of the builder's workspace.
        cuda: an attached adapter where the builder uses a GPU; None where it does not.
        available: host memory that can be had without swapping, bytes; None skips that check.
        integrated: the GPU shares the host's memory. Then the needs of both are added and compared with
            ``available``: what CUDA calls free there is without the caches that the system would give back.

    Raises:
        EngineMemoryError: there is less than the build may need.
    """
    weights = COPIES_OF_WEIGHTS * graph_bytes
    host_need = LIBRARY_BYTES + weights
    device_need = 0 if cuda is None else workspace_mb * 2**20 + weights
    of_workspace = f"({workspace_mb} of them workspace)"
    wanting = []
    if integrated:
        need = host_need + device_need
        if available is not None and available < need:
            wanting.append(
                f"the build needs about {megabytes(need)} MB {of_workspace} of the memory that processor and "
                f"GPU share, {megabytes(available)} are free"
            )
    else:
        if available is not None and available < host_need:
            wanting.append(
                f"the build needs about {megabytes(host_need)} MB of host memory, "
                f"{megabytes(available)} are free"
            )
        free = None if cuda is None else cuda.memory()[0]
        if free is not None and free < device_need:
            wanting.append(
                f"the build needs about {megabytes(device_need)} MB of GPU memory {of_workspace}, "
                f"{megabytes(free)} are free"
            )
    if wanting:
        raise EngineMemoryError(
            "; ".join(wanting),
            f"close other programs (on a Jetson the desktop: sudo systemctl isolate multi-user.target), or "
            f"lower the workspace: --workspace {max(64, workspace_mb // 2)}",
        )
