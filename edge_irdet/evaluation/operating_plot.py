"""The plot of what a detector finds against what it raises falsely."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

from edge_irdet.files import write_bytes_atomically

LABEL_DISTANCE = 0.08
"""Share of an axis between two thresholds that are written beside their points."""

FEWEST = 0.5
"""Share of the least positive rate at which points without any false alarm are drawn."""


def write_plot(
    curve: Sequence[tuple[float, float, float]], chosen: int, path: Path, *, title: str, axes: tuple[str, str]
) -> None:
    """Draw a curve with its thresholds and the chosen one, as the suffix of ``path`` says (PNG or SVG).

    The horizontal axis is logarithmic; thresholds without a false alarm stand at its left end.

    Args:
        curve: score threshold, false alarms and share found (0..1) of each point, thresholds rising.
        chosen: index of the chosen point.
        path: of the file.
        title: heading.
        axes: names of the horizontal and the vertical axis.

    Raises:
        OutputFailedError: the file cannot be written.
    """
    # The figure without pyplot: no state of the process, no display.
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    positive = [alarms for _, alarms, _ in curve if alarms > 0]
    floor = FEWEST * min(positive, default=1.0)
    places = [max(alarms, floor) for _, alarms, _ in curve]
    found = [100 * share for _, _, share in curve]
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    plot = figure.add_subplot()
    plot.semilogx(places, found, color="tab:blue", marker=".", markersize=4, linewidth=1.2)
    span = math.log(max(places) / min(places)) or 1.0
    labelled = [(math.log(places[chosen]) / span, found[chosen] / 100)]
    for place, share, (score, _, _) in zip(places, found, curve, strict=True):
        here = math.log(place) / span, share / 100
        if min(math.dist(here, other) for other in labelled) > LABEL_DISTANCE:
            labelled.append(here)
            plot.annotate(f"{score:.2f}", (place, share), (5, -11), textcoords="offset points", fontsize=8)
    plot.plot(places[chosen], found[chosen], "o", color="tab:red", markersize=8)
    plot.annotate(
        f"chosen: {curve[chosen][0]:.2f}",
        (places[chosen], found[chosen]),
        (-8, 8),
        textcoords="offset points",
        horizontalalignment="right",
        color="tab:red",
    )
    if len(positive) < len(curve):
        plot.axvline(floor, color="0.7", linewidth=0.8, linestyle=":")
        plot.annotate(
            "none", (floor, 0), (3, 4), xycoords=("data", "axes fraction"), textcoords="offset points"
        )
    plot.set_ylim(-4, 110)
    plot.set_title(title, fontsize=10)
    plot.set_xlabel(axes[0])
    plot.set_ylabel(f"{axes[1]}, %")
    plot.grid(visible=True, which="both", linewidth=0.3)
    content = io.BytesIO()
    # No date and no random ids: the same curve gives the same file.
    with rc_context({"svg.hashsalt": "edge_irdet", "svg.fonttype": "none"}):
        kind = path.suffix.lower().removeprefix(".")
        metadata = {"Date": None} if kind == "svg" else None
        figure.savefig(content, format=kind, dpi=120, metadata=metadata)
    write_bytes_atomically(path, content.getvalue())
