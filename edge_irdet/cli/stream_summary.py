"""What ``edge-irdet stream`` prints at its end."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from edge_irdet.stream.summary import StreamSummary


def print_summary(summary: StreamSummary, console: Console) -> None:
    """A table of the stream's figures, and where its results are."""
    table = Table(show_header=False, title="stream")
    lost = f"{summary.dropped} dropped, {summary.missed} missed, {summary.skipped} skipped"
    table.add_row("frames", f"{summary.frames} ({lost})")
    if summary.interruptions:
        table.add_row("interruptions", f"{summary.interruptions}")
    table.add_row("detections", f"{summary.detections}")
    if summary.fps is not None:
        table.add_row("end to end", f"{summary.fps:.1f} frames/s")
    for name, part in (
        ("latency, capture to record", summary.latency_ms),
        ("  detector", summary.detector_ms),
        ("  outputs", summary.sinks_ms),
    ):
        if part.p50 is not None:
            table.add_row(name, f"p50 {part.p50:.2f}  p90 {part.p90:.2f}  p99 {part.p99:.2f} ms")
    if summary.pd is not None:
        table.add_row("Pd against the scene's truth", f"{100 * summary.pd:.1f} % (within 3 px)")
    if summary.fa is not None and summary.false_alarms_per_frame is not None:
        table.add_row(
            "Fa", f"{summary.fa:.2e} of the pixels, {summary.false_alarms_per_frame:.3f} boxes a frame"
        )
    console.print(table)
    for sink in summary.sinks:
        missed = f", {sink.lost} lost" if sink.lost else ""
        console.print(f"{sink.sink}: {sink.written} records{missed}", highlight=False)
