"""``edge-irdet stream``."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from enum import Enum
from pathlib import Path

import click
import cloup
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from edge_irdet.cli.console import PlainConsole
from edge_irdet.cli.formatting import Command, Usages
from edge_irdet.cli.logs import LogFormat, start_logging
from edge_irdet.cli.options import FILE, MAP16, THREADS, Uri, choice_of, environment_option
from edge_irdet.cli.stream_summary import print_score, print_summary
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.engine.cuda.adapter import ADAPTERS, AUTO
from edge_irdet.engine.selection import RUNTIMES
from edge_irdet.errors import OptionError
from edge_irdet.package import DEFAULT_PACKAGE, NmsRule, Precision, SixteenBitSpec, package_directory
from edge_irdet.preview import PreviewConfig, PreviewSink, preview_address, preview_token
from edge_irdet.preview.config import TOKEN_VARIABLE
from edge_irdet.scoring import ScoringSink
from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.pace import Pace
from edge_irdet.stream.pipeline import Pipeline, PipelineConfig
from edge_irdet.stream.policy import FramePolicy
from edge_irdet.stream.process import keep_latency_even, stopped_by_signals
from edge_irdet.stream.reconnection import ReconnectionConfig
from edge_irdet.stream.sinks.opening import open_sinks, sink_usages
from edge_irdet.stream.sinks.sink import Output
from edge_irdet.stream.sources.opening import open_source, source_usages
from edge_irdet.stream.watchdog import HealthFile
from edge_irdet.tracking import Tracker, TrackerConfig


def uri_forms() -> Usages:
    """The forms of all sources and outputs, whose modules are loaded for this alone."""
    return {"Sources": tuple(source_usages().values()), "Outputs": tuple(sink_usages())}


class OnOutputFailure(str, Enum):
    """What follows when an output cannot take a record."""

    CONTINUE = "continue"
    """It is counted as lost, and the stream goes on."""

    STOP = "stop"
    """The stream ends."""


@cloup.command(
    "stream", cls=Command, usages=uri_forms, short_help="Detect targets in every frame of a source."
)
@cloup.option_group(
    "Source",
    environment_option(
        "--source",
        "source_uris",
        required=True,
        multiple=True,
        type=Uri(),
        help="Where frames come from; the forms are below. Repeat it for several sources in one process.",
    ),
    environment_option(
        "--policy",
        type=choice_of(FramePolicy),
        show_default="latest for live sources, else lossless",
        help="latest drops waiting frames as soon as a newer one is there, lossless processes all.",
    ),
    environment_option(
        "--pace",
        type=choice_of(Pace),
        default=Pace.FREE.value,
        help="free reads files and scenes as fast as they are processed. realtime plays them at their own "
        "rate, as a camera would; with --policy latest, frames that come too fast are dropped.",
    ),
    environment_option(
        "--frames", type=click.IntRange(min=1), metavar="N", help="End after this many frames."
    ),
    environment_option(
        "--wait-for-source",
        type=click.FloatRange(min=0),
        default=0.0,
        metavar="SECONDS",
        help="How long a live source may take to appear at the start.",
    ),
    environment_option(
        "--give-up-after",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        show_default="retry indefinitely",
        help="End when a live source has been lost for this long.",
    ),
)
@cloup.option_group(
    "Detection",
    environment_option(
        "--package", default=DEFAULT_PACKAGE, metavar="PACKAGE", help="A directory or a shipped name."
    ),
    environment_option(
        "--runtime",
        type=click.Choice(RUNTIMES),
        default=RUNTIMES[0],
        help="auto takes TensorRT if an engine of the package fits this device, else the CPU.",
    ),
    environment_option(
        "--device", type=click.IntRange(min=0), default=0, metavar="N", help="Number of the GPU."
    ),
    environment_option(
        "--cuda",
        type=click.Choice([AUTO, *ADAPTERS]),
        default=AUTO,
        help="CUDA binding; auto takes the first that is installed.",
    ),
    environment_option(
        "--precision",
        type=choice_of(Precision),
        show_default="the fastest engine that fits; fp32 on the CPU",
        help="Numeric precision.",
    ),
    environment_option(
        "--score",
        type=click.FloatRange(0, 1),
        metavar="SCORE",
        show_default="the package's",
        help="Detections with a lower score are dropped.",
    ),
    environment_option(
        "--nms", type=choice_of(NmsRule), show_default="the package's", help="Suppression rule."
    ),
    environment_option("--map16", **MAP16),
    environment_option("--threads", **THREADS),
)
@cloup.option_group(
    "Tracking",
    environment_option(
        "--track", is_flag=True, help="Follow targets from frame to frame; records then carry tracks."
    ),
    environment_option(
        "--birth-score",
        type=click.FloatRange(0, 1),
        metavar="SCORE",
        show_default="the score threshold",
        help="With --track: score that a new track needs; lower scores only continue a track.",
    ),
)
@cloup.option_group(
    "Output",
    environment_option(
        "--output",
        "outputs",
        multiple=True,
        type=Uri(),
        help="Where records go; the forms are below. Repeat it for several outputs.",
    ),
    environment_option(
        "--overwrite",
        is_flag=True,
        help="Replace files that are there. Else .jsonl and .csv are appended to, and the others take a new "
        "name, such as out-2.mp4.",
    ),
    environment_option(
        "--on-output-failure",
        type=choice_of(OnOutputFailure),
        default=OnOutputFailure.CONTINUE.value,
        help="When an output cannot take a record: count it as lost and continue, or stop the stream.",
    ),
)
@cloup.option_group(
    "Monitoring",
    environment_option(
        "--preview",
        metavar="[HOST:]PORT",
        help="Web page with the live picture, /metrics and /healthz. Hosts other than this one need a token.",
    ),
    environment_option(
        "--preview-token-file",
        type=FILE,
        show_default=f"the token in {TOKEN_VARIABLE}",
        help="File with the token of the preview.",
    ),
    environment_option(
        "--health-file",
        type=FILE,
        help="JSON file, rewritten every few seconds while the stream is alive. systemd needs no file.",
    ),
    environment_option(
        "--log-format", type=choice_of(LogFormat), default=LogFormat.TEXT.value, help="Form of log lines."
    ),
    environment_option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="info",
        help="Lowest level that is logged.",
    ),
    environment_option("--quiet", is_flag=True, help="No progress bar and no summary."),
)
def stream_command(
    source_uris: tuple[str, ...],
    package: str,
    outputs: tuple[str, ...],
    runtime: str,
    device: int,
    cuda: str,
    precision: str | None,
    score: float | None,
    nms: NmsRule | None,
    track: bool,
    birth_score: float | None,
    policy: FramePolicy | None,
    pace: str,
    frames: int | None,
    threads: int,
    wait_for_source: float,
    give_up_after: float | None,
    on_output_failure: str,
    overwrite: bool,
    preview: str | None,
    preview_token_file: Path | None,
    health_file: Path | None,
    log_format: str,
    log_level: str,
    quiet: bool,
    map16: SixteenBitSpec | None,
) -> None:
    """Detect targets in every frame of a source and write records. Ctrl-C ends it with every record written.

    Each option has an environment variable; the command line has precedence. In EDGE_IRDET_SOURCE and
    EDGE_IRDET_OUTPUT semicolons separate several values.

    \b
    Examples:
      edge-irdet stream --source synthetic:treeline --output out.jsonl
      edge-irdet stream --source /dev/video0 --map16 linear-percentile --output -
    """
    sources = [open_source(uri) for uri in source_uris]
    read = [package_directory(package), *([] if preview_token_file is None else [preview_token_file])]
    sinks = open_sinks(outputs, source_uris, [] if health_file is None else [health_file], read, overwrite)
    detector = Detector(
        package,
        DetectorConfig(
            runtime=runtime,
            precision=precision,
            device=device,
            cuda=cuda,
            threads=threads,
            score_threshold=score,
            nms=nms,
            sixteen_bit=map16,
        ),
    )
    start_logging(LogFormat(log_format), log_level)
    if birth_score is not None and not track:
        raise OptionError("--birth-score is given without --track", "add --track, or omit it")
    tracking = TrackerConfig(birth_score=birth_score or 0.0)
    pipeline_config = PipelineConfig(
        policy=None if policy is None else FramePolicy(policy),
        pace=Pace(pace),
        max_frames=frames,
        reconnection=ReconnectionConfig(
            wait_for_source_seconds=wait_for_source, give_up_after_seconds=give_up_after
        ),
        stop_on_output_failure=on_output_failure == OnOutputFailure.STOP.value,
        tracker=(lambda: Tracker(tracking)) if track else None,
    )
    # The terminal is for people; standard output may be the feed.
    console = PlainConsole(stderr=True, quiet=quiet)
    console.print(detector.reason, style="dim", highlight=False)
    with detector, ExitStack() as stack:
        page, scoring = None, None
        if preview is not None:
            page = _page(preview, preview_token_file)
            sinks.append(Output(page))
        if any(source.has_truth for source in sources):
            scoring = ScoringSink()
            sinks.append(Output(scoring))
        pipeline = Pipeline(sources, detector, sinks, pipeline_config)
        if page is not None:
            page.start()
            stack.callback(page.close)
            console.print(f"preview: {page.url}", highlight=False)
        stack.enter_context(HealthFile(health_file, pipeline.board))
        stack.enter_context(stopped_by_signals(pipeline))
        stack.enter_context(_StreamProgress(pipeline.board, frames, console))
        keep_latency_even()
        try:
            pipeline.run()
        finally:
            stack.close()
            summary = pipeline.summary()
            if summary.frames:
                print_summary(summary, summary.live or Pace(pace) is Pace.REALTIME, console)
                if scoring is not None:
                    print_score(scoring, console)
    summary.require_complete()


def _page(address: str, token_file: Path | None) -> PreviewSink:
    host, port = preview_address(address)
    return PreviewSink(PreviewConfig(host, port, preview_token(token_file)))


class _StreamProgress(Progress):
    """A bar that reads the board whenever it draws itself."""

    def __init__(self, board: StreamBoard, frames: int | None, console: Console) -> None:
        self._board = board
        self._frames = frames
        super().__init__(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[found]} detections"),
            TimeElapsedColumn(),
            console=console,
            disable=console.quiet or not console.is_terminal,
        )
        sources = board.sources
        name = sources[0].uri if len(sources) == 1 else f"{len(sources)} sources"
        self.add_task(name, found=0)

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar as it is now."""
        summary = self._board.summary()
        counts = [source.frame_count for source in self._board.sources]
        known = sum(count for count in counts if count is not None) if None not in counts else None
        for task in self.tasks:  # one, and none yet while this is being made
            total = self._frames or known
            self.update(task.id, completed=summary.frames, total=total, found=summary.detections)
        return super().get_renderables()
