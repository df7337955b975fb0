"""The variants' networks in torch on the GPU, with random weights, against the same on the CPU.

It needs no package and no ONNX runtime: what it shows is that the networks themselves, eager and as CUDA
graphs, compute the same on the GPU. Its latencies are of torch's kernels, not of TensorRT's.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from acceptance.frames import Outputs, outputs_of, scene_frames
from acceptance.gpu_runners import TorchCudaRunner
from acceptance.isolation import CheckFailedError, CheckSkippedError, Findings
from edge_irdet.engine.runner import TensorSpec
from edge_irdet.engine.runner_latency import measure_latency

if TYPE_CHECKING:
    from edge_irdet.export.graph import DeployedGraph

MIB = 2**20
INPUT_SIZE = (320, 320)
"""Width and height."""

PARITY_FRAMES = 4
SEED = 0


@dataclass(frozen=True)
class RandomWeightBounds:
    """Largest allowed difference at one percentile of all boxes."""

    percentile: float
    box_pixels: float
    score: float


RANDOM_WEIGHT_BOUNDS = {
    "fp32": RandomWeightBounds(99, 0.5, 5e-3),
    "fp16": RandomWeightBounds(50, 0.1, 2e-3),
}
"""Random weights amplify rounding as trained ones do not, so the largest difference says nothing.

On a CPU, FP32 differs from FP64 by 0.013 px and 1.3e-4 at the 99th percentile, FP16 from FP32 by 0.03 px and
5e-4 in the median; another frame differs by 18 px and 0.32, and by 0.41 px and 7e-3."""


def check_torch(
    findings: Findings, variant: str, precision: str, frames: int, size: tuple[int, int] = INPUT_SIZE
) -> None:
    """Compare a variant's deployed graph on the GPU with the CPU's in FP32, and time it.

    Args:
        findings: takes the figures.
        variant: ``light-sgmtlm-reduced`` or ``light-sgmtlm``.
        precision: ``fp32`` (without TF32), or ``fp16``: the network in FP16, the decode in FP32.
        frames: frames timed eagerly and again as a CUDA graph.
        size: width and height of the network's input.

    Raises:
        CheckSkippedError: this torch has no CUDA, or sees no GPU.
        CheckFailedError: the outputs are too far apart.
    """
    import torch

    if not torch.cuda.is_available():
        raise CheckSkippedError(f"torch {torch.__version__} sees no GPU (CUDA {torch.version.cuda})")
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    width, height = size
    graph = random_graph(variant, size)
    inputs = {"image": TensorSpec.of((1, 1, height, width), np.uint8)}
    images = [image[None, None] for image in scene_frames(size)[:PARITY_FRAMES]]
    with torch.no_grad():
        expected = [
            {
                name: tensor.numpy()
                for name, tensor in zip(graph.output_names, graph(torch.from_numpy(image)), strict=True)
            }
            for image in images
        ]
    outputs = {name: TensorSpec.of(array.shape, np.float32) for name, array in expected[0].items()}
    findings.add(
        torch=torch.__version__,
        torch_cuda=torch.version.cuda,
        cudnn=torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        weights=f"random, seed {SEED}",
        input_size=list(size),
    )
    _run_on_gpu(findings, graph, precision, inputs, outputs, images, expected, frames)


def _run_on_gpu(
    findings: Findings,
    graph: DeployedGraph,
    precision: str,
    inputs: dict[str, TensorSpec],
    outputs: dict[str, TensorSpec],
    images: list[Any],
    expected: list[Any],
    frames: int,
) -> None:
    import torch

    if precision == "fp16":
        from edge_irdet.engine.tensorrt.torch_tensorrt import run_network_in_half

        run_network_in_half(graph)
    graph = graph.cuda()
    launches: list[dict[str, Any]] = []
    for cuda_graph in (False, True):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        with TorchCudaRunner(graph, inputs, outputs, cuda_graph) as runner:
            found = outputs_of(runner, "image", images)
            launches.append({"launch": "CUDA graph" if cuda_graph else "eager"})
            launches[-1]["against_cpu_fp32"] = require_near(expected, found, precision)
            launches[-1]["latency_ms"] = measure_latency(runner, frames)
            launches[-1]["peak_device_memory_mb"] = round(torch.cuda.max_memory_reserved() / MIB, 1)
        findings.add(launches=launches)


def require_near(expected: list[Outputs], found: list[Outputs], precision: str) -> dict[str, Any]:
    """How far two runs of a network with random weights are apart, over all boxes, as figures.

    Raises:
        CheckFailedError: beyond :data:`RANDOM_WEIGHT_BOUNDS`, or a value is not finite.
    """
    bounds = RANDOM_WEIGHT_BOUNDS[precision]
    distances = {
        name: np.concatenate(
            [
                np.abs(one[name].astype(np.float64) - other[name]).ravel()
                for one, other in zip(expected, found, strict=True)
            ]
        )
        for name in ("boxes", "scores")
    }
    figures: dict[str, Any] = {
        f"{name}_p{rank}": float(np.percentile(distance, rank))
        for name, distance in distances.items()
        for rank in (50, 99, 100)
    }
    figures["bounds"] = asdict(bounds)
    if not all(np.isfinite(distance).all() for distance in distances.values()):
        raise CheckFailedError(f"an output is not finite: {figures}")
    rank = f"p{bounds.percentile:g}"
    if figures[f"boxes_{rank}"] > bounds.box_pixels or figures[f"scores_{rank}"] > bounds.score:
        raise CheckFailedError(f"the outputs are too far from the CPU's: {figures}")
    return figures


def random_graph(variant: str, size: tuple[int, int]) -> DeployedGraph:
    """A variant with random weights on the CPU, the same at every call of one torch version.

    Batch normalisation has seen a few frames, so that activations neither vanish nor grow with depth, and the
    objectness bias is 0, so that scores are not all next to nothing.
    """
    import torch

    from edge_irdet.export.graph import DeployedGraph
    from edge_irdet.network.variants import build_network, variant_config

    torch.manual_seed(SEED)
    model = build_network(variant_config(variant))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # average over what it sees, instead of a trace of the initial values
    images = torch.from_numpy(np.stack(scene_frames(size)[:PARITY_FRAMES]))
    with torch.no_grad():
        model.train()(images[:, None].expand(-1, 3, -1, -1).float() / 255.0)
        for conv in model.det.convs:
            bias = conv.bias.view(3, -1)  # type: ignore[operator]
            bias[:, 4] = 0.0
    return DeployedGraph(model.eval(), saliency=False)
