"""``edge-irdet stream``."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from edge_irdet.cli.options import choice_of, map16_option
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.engine.selection import RUNTIMES, choose_runner
from edge_irdet.errors import FramesSkippedError
from edge_irdet.package import DEFAULT_PACKAGE, NmsRule, Precision, SixteenBitSpec, open_package
from edge_irdet.stream.pipeline import Pipeline, PipelineConfig
from edge_irdet.stream.policy import FramePolicy
from edge_irdet.stream.record import Record
from edge_irdet.stream.sinks import SINK_USAGES, open_sinks
from edge_irdet.stream.sources import SOURCE_USAGES, open_source
from edge_irdet.stream.summary import StreamSummary

USAGES = "\n".join(
    ["\b", "Sources:", *(f"  {usage}" for usage in SOURCE_USAGES.values()), "", "\b", "Outputs:"]
    + [f"  {usage}" for usage in SINK_USAGES]
)


@click.command("stream", epilog=USAGES)
@click.option("--source", required=True, help="Where frames come from; the forms are below.")
@click.option("--package", default=DEFAULT_PACKAGE, show_default=True, help="A directory or a shipped name.")
@click.option("--output", "outputs", multiple=True, help="Where results go; may be repeated.")
@click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    default=RUNTIMES[0],
    show_default=True,
    help="auto takes TensorRT where an engine of the package fits this device, else the CPU.",
)
@click.option(
    "--precision", type=choice_of(Precision), help="[default: the fastest engine that fits; fp32 on the CPU]"
)
@click.option("--score", type=click.FloatRange(0, 1), help="Score threshold. [default: the package's]")
@click.option("--nms", type=choice_of(NmsRule), help="Suppression rule. [default: the package's]")
@click.option("--policy", type=choice_of(FramePolicy), help="[default: latest live, lossless else]")
@click.option("--frames", type=click.IntRange(min=1), help="End after this many frames.")
@click.option("--threads", type=click.IntRange(min=0), default=0, help="CPU threads; 0 takes one a core.")
@click.option("--quiet", is_flag=True, help="No progress bar and no summary.")
@map16_option
def stream_command(
    source: str,
    package: str,
    outputs: tuple[str, ...],
    runtime: str,
    precision: str | None,
    score: float | None,
    nms: NmsRule | None,
    policy: FramePolicy | None,
    frames: int | None,
    threads: int,
    quiet: bool,
    map16: SixteenBitSpec | None,
) -> None:
    """Detect targets in every frame of a source and write records. Ctrl-C ends it with every record written.

    \b
    Examples:
      edge-irdet stream --source synthetic: --output detections.jsonl --output overlay.mp4
      edge-irdet stream --source /dev/video0 --map16 linear-percentile --output -
    """
    opened = open_source(source)
    sinks = open_sinks(outputs, source)
    config = DetectorConfig(
        score_threshold=score, nms=None if nms is None else NmsRule(nms), sixteen_bit=map16
    )
    held = open_package(package)
    asked = None if precision is None else Precision(precision)
    selection = choose_runner(held, asked, runtime, threads=threads)
    # The terminal is for people; standard output may be the feed.
    console = Console(stderr=True, quiet=quiet)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[found]} detections"),
        TimeElapsedColumn(),
        console=console,
        disable=quiet,
    )
    console.print(selection.reason, style="dim", highlight=False)
    with Detector(held, config, selection.runner) as detector, bar:
        task = bar.add_task(opened.uri, total=frames, found=0)
        found = 0

        def on_frame(record: Record) -> None:
            nonlocal found
            found += len(record.detections)
            bar.update(task, advance=1, total=frames or opened.frame_count, found=found)

        pipeline = Pipeline(
            opened,
            detector,
            sinks,
            PipelineConfig(None if policy is None else FramePolicy(policy), frames),
            on_frame,
        )
        try:
            with _stopped_by_signals(pipeline):
                pipeline.run()
        finally:
            bar.stop()
            summary = pipeline.summary()
            if summary.frames:
                _print_summary(summary, console, outputs)
    if summary.skipped:
        raise FramesSkippedError(
            f"{summary.skipped} of {summary.frames + summary.skipped} frames could not be read and were "
            f"skipped: {'; '.join(summary.skip_reasons)}",
            "replace or remove these files; the records of all other frames are written",
        )


@contextmanager
def _stopped_by_signals(pipeline: Pipeline) -> Iterator[None]:
    """Let Ctrl-C and a service manager's SIGTERM end the stream in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        pipeline.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_summary(summary: StreamSummary, console: Console, outputs: tuple[str, ...]) -> None:
    table = Table(show_header=False, title="stream")
    table.add_row("frames", f"{summary.frames} ({summary.dropped} dropped, {summary.skipped} skipped)")
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
    for output in outputs:
        if output != "-":
            console.print(f"written: {output}", highlight=False)
