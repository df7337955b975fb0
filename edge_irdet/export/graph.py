"""The deployed graph: grey uint8 in, decoded boxes and scores out."""

from __future__ import annotations

import copy
import tempfile
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from edge_irdet.errors import GraphRefusedError, ParityError
from edge_irdet.export.branch_merging import merge_branches
from edge_irdet.intake import first_line
from edge_irdet.network.backbone import INPUT_CHANNELS
from edge_irdet.network.blocks import SIWD, Focus
from edge_irdet.network.decode import decode_levels
from edge_irdet.network.network import Network
from edge_irdet.package import EXPORT_STEP

OPSET = 17
"""The newest opset that TensorRT 8.5's parser reads (JetPack 5)."""

INPUT_NAME = "image"


def parse_graph(content: bytes, what: str) -> onnx.ModelProto:
    """A serialised graph of a package, as onnx reads it.

    Args:
        content: of :meth:`edge_irdet.package.Package.read_graph`.
        what: whose it is, for the message.

    Raises:
        GraphRefusedError: onnx cannot read it.
    """
    try:
        return onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own, whose classes have no types
        raise GraphRefusedError(f"{what} cannot be read by onnx: {first_line(error)}", EXPORT_STEP) from error


class DeployedGraph(nn.Module):
    """What is exported: cast, scale, network with its input channels folded, decode in FP32.

    Variants for the device have the branches of their SIWD merged too; the paper's are exported as drawn.

    Args:
        model: the trained network; it is copied.
        saliency: keep the saliency head and give its map. Without it the head is dropped, which changes no
            box or score.
    """

    def __init__(self, model: Network, saliency: bool) -> None:
        super().__init__()
        self.network = fold_input_channels(copy.deepcopy(model)).eval().float()
        if model.merges_branches:
            merge_branches(self.network)
        if not saliency:
            self.network.salhead = None

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, in order."""
        names = ["boxes", "scores"]
        return names if self.network.salhead is None else [*names, "saliency"]

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Image uint8 [1, 1, H, W] -> boxes [1, N, 4] xyxy, scores [1, N, classes], saliency [1, 1, H, W]."""
        output = self.network(image.float() * (1.0 / 255.0))
        det = self.network.det
        boxes, scores = decode_levels(output.levels, det.anchors, det.strides)
        if output.saliency is None:
            return boxes, scores
        return boxes, scores, output.saliency.sigmoid()


def fold_input_channels(model: Network) -> Network:
    """Sum the first convolutions' weights over the three input channels, in place.

    The three channels carry the same grey plane, so one channel with the summed weights is exact.
    """
    stem = model.backbone.stages[0]
    if isinstance(stem, Focus):
        # Space to depth gives four planes of three channels each, plane by plane.
        weight = stem.conv.conv.weight
        folded = weight.view(weight.shape[0], 4, INPUT_CHANNELS, *weight.shape[2:]).sum(2)
        _replace_weight(stem.conv.conv, folded)
    elif isinstance(stem, SIWD):
        for block in (stem.b1, *stem.h, *stem.v, stem.b5):
            _replace_weight(block.conv, block.conv.weight.sum(1, keepdim=True))
    else:
        raise TypeError(f"unknown first stage {type(stem).__name__}")
    return model


def _replace_weight(conv: nn.Conv2d, weight: Tensor) -> None:
    conv.weight = nn.Parameter(weight.detach().clone())
    conv.in_channels = weight.shape[1]


def export_onnx(graph: DeployedGraph, size: tuple[int, int]) -> onnx.ModelProto:
    """Export to ONNX opset 17 with static shapes, simplified and checked.

    Args:
        graph: the deployed graph.
        size: (width, height), multiples of 32.

    Raises:
        ParityError: the simplifier's own check found different outputs.
    """
    import onnxsim

    image = torch.zeros((1, 1, size[1], size[0]), dtype=torch.uint8)
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The exporter announces its own retirement, and that static loops are unrolled; both are wanted here.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", TracerWarning)
        file = Path(folder) / "graph.onnx"
        torch.onnx.export(
            graph,
            (image,),
            file,
            input_names=[INPUT_NAME],
            output_names=graph.output_names,
            opset_version=OPSET,
            dynamo=False,  # the TorchScript exporter writes opset 17 itself and folds batch normalisation
        )
        model = onnx.load(str(file))
    simplified, same = onnxsim.simplify(model)
    if not same:
        raise ParityError(
            "the simplified graph computes something else than the exported one",
            "report the variant and the versions of onnx and onnxsim: pip list",
        )
    onnx.checker.check_model(simplified, full_check=True)
    return simplified
