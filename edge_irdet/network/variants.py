"""The named variants."""

from __future__ import annotations

from dataclasses import replace

from edge_irdet.errors import OptionError
from edge_irdet.network.light_sgmtlm import NetworkConfig

VARIANTS: dict[str, NetworkConfig] = {
    "light-sgmtlm": NetworkConfig(80, 4),
    "light-sgmtlm-reduced": NetworkConfig(8, 4, saliency_resolution="full"),
    "light-sgmtlm-s": NetworkConfig(32, 1),
    "light-sgmtlm-m": NetworkConfig(48, 2),
    "light-sgmtlm-l": NetworkConfig(64, 3),
}
"""Variant name -> configuration with one class and no ablation. Sizes s, m, l follow YOLOv5's (Table VI)."""

ABLATIONS: dict[str, NetworkConfig] = {
    f"light-sgmtlm-reduced{suffix}": replace(VARIANTS["light-sgmtlm-reduced"], **changes)
    for suffix, changes in (
        ("-without-head", {"saliency_head": False}),
        ("-without-saliency", {"saliency_head": False, "feature_extraction": False}),
        ("-without-siwd", {"backbone": "csp"}),
        ("-yolov5", {"backbone": "csp", "saliency_head": False, "feature_extraction": False}),
    )
}
"""The reduced variant with parts taken out, as in Tables V and VII; for measuring, not for shipping."""


def variant_config(name: str, classes: int = 1) -> NetworkConfig:
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
