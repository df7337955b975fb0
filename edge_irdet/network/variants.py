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


def variant_config(name: str, classes: int = 1) -> NetworkConfig:
    """The configuration of a named variant.

    Raises:
        OptionError: there is no variant of that name.
    """
    if name not in VARIANTS:
        raise OptionError(
            f"there is no variant {name!r}", f"choose one of: {', '.join(VARIANTS)} (edge-irdet info --help)"
        )
    return replace(VARIANTS[name], classes=classes)
