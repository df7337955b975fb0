"""What ``edge-irdet stream`` prints at its end."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from edge_irdet.scoring import ScoringSink
from edge_irdet.stream.summary import StreamSummary


def print_summary(summary: StreamSummary, own_rate: bool, console: Console) -> None:
    """A table of the stream's figures, and where its results are.

    Args:
        summary: of the stream.
        own_rate: frames came at the source's own rate. Where they were read as fast as they were taken, the
            time from capture to record is that of waiting in a full queue, and says nothing of a camera.
        console: to print to.
    """
    table = Table(show_header=False, title="stream")
    lost = f"{summary.dropped} dropped, {summary.missed} missed, {summary.skipped} skipped"
    table.add_row("frames", f"{summary.frames} ({lost})")
    if summary.interruptions:
        table.add_row("interruptions", f"{summary.interruptions}")
    table.add_row("detections", f"{summary.detections}")
    if summary.fps is not None:
        table.add_row("end to end", f"{summary.fps:.1f} frames/s")
    stages = [("detector", summary.detector_ms), ("outputs", summary.sinks_ms)]
    if own_rate:
        stages.insert(0, ("latency, capture to record", summary.latency_ms))
    for name, part in stages:
        if part.p50 is not None:
            table.add_row(name, f"p50 {part.p50:.2f}  p90 {part.p90:.2f}  p99 {part.p99:.2f} ms")
    console.print(table)
    if not own_rate:
        console.print(
            "As fast as possible; --pace realtime measures the latency.", style="dim", highlight=False
        )
    for sink in summary.sinks:
        if sink.sink == ScoringSink.usage:
            continue
        missed = f", {sink.lost} lost" if sink.lost else ""
        place = f", in {sink.file}" if sink.file not in (None, sink.sink) else ""
        console.print(f"{sink.sink}: {sink.written} records{missed}{place}", highlight=False)


def print_score(score: ScoringSink, console: Console) -> None:
    """A table of what was found of the scene's true targets; nothing where no frame had a truth."""
    counts = score.counts
    if counts.fa is None or counts.false_alarms_per_image is None:
        return
    table = Table(title=f"against the scene's truth, within {score.distance:g} px")
    for heading in ("targets by longer side", "in frames", "Pd"):
        table.add_column(heading, justify="left" if heading.startswith("targets") else "right")
    for name, found in score.by_size.items():
        if found.targets:
            table.add_row(name, f"{found.targets}", _percent(found.pd))
    table.add_section()
    table.add_row("all", f"{counts.targets}", _percent(counts.pd))
    console.print(table)
    console.print(
        f"false alarms: {counts.false_alarms_per_image:.3f} per frame, Fa {counts.fa:.2e} of the pixels",
        highlight=False,
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
