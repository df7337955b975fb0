"""The paper's own figures, printed beside ours; never used to compute anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedFigures:
    """Figures of the paper's tables for one variant."""

    parameters: str
    """Parameters as printed (Tables II, XII); the full model's "M" is 2^20, the reduced one's 10^6."""

    flops: dict[int, float]
    """Square input side -> FLOPs in G as printed (torchstat's rule)."""

    note: str = ""
    """What is known to be wrong with them."""


PUBLISHED: dict[str, PublishedFigures] = {
    "light-sgmtlm": PublishedFigures(
        "45.53 Mi",
        {320: 19.68, 416: 36.51, 512: 50.39, 608: 71.05, 992: 189.16},
        "the paper's figures at 320, 512, 608 and 992 are 9.75 % below what its own 416 figure implies; "
        "nothing in the text explains it",
    ),
    "light-sgmtlm-reduced": PublishedFigures(
        "0.49 M", {320: 0.26, 416: 0.43, 512: 0.65, 608: 0.92, 992: 2.46}
    ),
}
"""Variant name -> figures."""
