"""The command line: each command composes API objects, nothing else."""

from __future__ import annotations

import os
import sys

import click
import cloup
import cv2

from edge_irdet import __version__
from edge_irdet.cli.build import build_command
from edge_irdet.cli.calibrate import calibrate_command
from edge_irdet.cli.data import data_commands
from edge_irdet.cli.evaluate import evaluate_command
from edge_irdet.cli.explain import explain_command
from edge_irdet.cli.export import export_command
from edge_irdet.cli.formatting import CONTEXT, Group
from edge_irdet.cli.info import info_command
from edge_irdet.cli.package import package_commands
from edge_irdet.cli.sources import sources_command
from edge_irdet.cli.stream import stream_command
from edge_irdet.cli.threshold import threshold_command
from edge_irdet.cli.train import train_command
from edge_irdet.errors import EdgeIrdetError, OutputFailedError
from edge_irdet.intake import escape_controls
from edge_irdet.package import SCHEMA_VERSION
from edge_irdet.record import RECORD_SCHEMA
from edge_irdet.stream.second_signal import ended_by_second_signal
from edge_irdet.stream.uri import redact_text

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


@cloup.group(cls=Group, context_settings=CONTEXT)
@click.version_option(
    __version__,
    message=f"edge-irdet %(version)s, record schema {RECORD_SCHEMA}, manifest schema {SCHEMA_VERSION}",
)
def commands() -> None:
    """Infrared small-target detection on NVIDIA Jetson: from a camera to detections, from data to a model.

    Exit codes: 0 done, 2 an error or wrong use, 130 interrupted.
    Every error has a code, which edge-irdet explain CODE explains.
    """


SECTIONS: dict[str, list[click.Command]] = {
    "Run": [sources_command, stream_command],
    "Device": [build_command],
    "Make your own model": [
        data_commands,
        info_command,
        train_command,
        export_command,
        threshold_command,
        evaluate_command,
        calibrate_command,
    ],
    "Look up": [package_commands, explain_command],
}
"""Commands in the order of work, by headings of the help."""

for title, members in SECTIONS.items():
    commands.add_section(cloup.Section(title, members))


def main() -> None:
    """Entry point of ``edge-irdet``."""
    # What OpenCV warns of is either expected here or turned into an error of ours with a next step.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    with ended_by_second_signal():
        status = _run()
    try:
        if sys.stdout is not None:  # closed by the caller: edge-irdet ... >&-
            sys.stdout.flush()
    except OSError as error:
        status = _output_lost(error)
    sys.exit(status)


def _run() -> int:
    try:
        status = commands.main(prog_name="edge-irdet", standalone_mode=False)
    except EdgeIrdetError as error:
        return _report(error)
    except click.exceptions.Abort:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SystemExit:  # click does so at a broken pipe
        return EXIT_ERROR
    except OSError as error:
        if error.filename is not None:
            raise  # of a file, which the command should have turned into an error with a code
        return _output_lost(error)
    return status if isinstance(status, int) else 0


def _report(error: EdgeIrdetError) -> int:
    # Names of files and classes come from outside: their control characters must not reach the terminal.
    text = escape_controls(redact_text(str(error)))
    print(f"error {text}\n  more: edge-irdet explain {error.code}", file=sys.stderr)
    return EXIT_ERROR


def _output_lost(error: OSError) -> int:
    """Standard output takes nothing more: what is left of the output is discarded."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return EXIT_ERROR  # the reader has gone (edge-irdet ... | head), and knows
    reason = error.strerror or str(error)
    return _report(
        OutputFailedError(f"standard output cannot be written: {reason}", "free space, for example: df -h")
    )
