"""The named variants."""

from __future__ import annotations

from dataclasses import replace

from edge_irdet.errors import OptionError
from edge_irdet.network.edge import EdgeConfig, EdgeLightSGMTLM
from edge_irdet.network.heads import Anchors
from edge_irdet.network.light_sgmtlm import LightSGMTLM, NetworkConfig
from edge_irdet.network.network import Network

VariantConfig = NetworkConfig | EdgeConfig
"""What defines a network, the paper's or ours; strides and the sides that a level answers for are its."""

PAPER_VARIANTS: dict[str, NetworkConfig] = {
    "light-sgmtlm": NetworkConfig(80, 4),
    "light-sgmtlm-reduced": NetworkConfig(8, 4, saliency_resolution="full"),
    "light-sgmtlm-s": NetworkConfig(32, 1),
    "light-sgmtlm-m": NetworkConfig(48, 2),
    "light-sgmtlm-l": NetworkConfig(64, 3),
}
"""The paper's, with one class and no ablation. Sizes s, m, l follow YOLOv5's (Table VI)."""

VARIANTS: dict[str, VariantConfig] = {**PAPER_VARIANTS, "light-sgmtlm-edge": EdgeConfig()}
"""Variant name -> configuration with one class."""

ABLATIONS: dict[str, NetworkConfig] = {
    f"light-sgmtlm-reduced{suffix}": replace(PAPER_VARIANTS["light-sgmtlm-reduced"], **changes)
    for suffix, changes in (
        ("-without-head", {"saliency_head": False}),
        ("-without-saliency", {"saliency_head": False, "feature_extraction": False}),
        ("-without-siwd", {"backbone": "csp"}),
        ("-yolov5", {"backbone": "csp", "saliency_head": False, "feature_extraction": False}),
    )
}
"""The reduced variant with parts taken out, as in Tables V and VII; for measuring, not for shipping."""


def variant_config(name: str, classes: int = 1) -> VariantConfig:
    """The configuration of a named variant or ablation.

    Raises:
        OptionError: there is no variant of that name.
    """
    configs = VARIANTS | ABLATIONS
    if name not in configs:
        raise OptionError(
            f"there is no variant {name!r}", f"choose one of: {', '.join(VARIANTS)} (edge-irdet info --help)"
        )
    return replace(configs[name], classes=classes)


def build_network(config: VariantConfig, anchors: Anchors | None = None) -> Network:
    """The network of a configuration, with random weights.

    Args:
        config: see :func:`variant_config`.
        anchors: [level][anchor] = (width, height) in network pixels; None takes the placeholders.
    """
    if isinstance(config, EdgeConfig):
        return EdgeLightSGMTLM(config) if anchors is None else EdgeLightSGMTLM(config, anchors)
    return LightSGMTLM(config) if anchors is None else LightSGMTLM(config, anchors)
