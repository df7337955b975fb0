"""The command line: each command composes API objects, nothing else."""

from __future__ import annotations

import sys

import click
import cv2

from edge_irdet import __version__
from edge_irdet.cli.build import build_command
from edge_irdet.cli.calibrate import calibrate_command
from edge_irdet.cli.evaluate import evaluate_command
from edge_irdet.cli.explain import explain_command
from edge_irdet.cli.export import export_command
from edge_irdet.cli.info import info_command
from edge_irdet.cli.package import package_commands
from edge_irdet.cli.sources import sources_command
from edge_irdet.cli.stream import stream_command
from edge_irdet.cli.threshold import threshold_command
from edge_irdet.cli.train import train_command
from edge_irdet.errors import EdgeIrdetError

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edge-irdet")
def commands() -> None:
    """Infrared small-target detection: train, export, evaluate and stream Light-SGMTLM.

    Every error has a code; docs/reference/errors.md explains each.
    Exit codes: 0 done, 2 an error or bad input.
    """


for command in (
    info_command,
    train_command,
    export_command,
    calibrate_command,
    evaluate_command,
    threshold_command,
    build_command,
    package_commands,
    sources_command,
    stream_command,
    explain_command,
):
    commands.add_command(command)


def main() -> None:
    """Entry point of ``edge-irdet``."""
    # What OpenCV warns of is either expected here or turned into an error of ours with a next step.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        status = commands.main(standalone_mode=False)
    except EdgeIrdetError as error:
        print(f"error {error}\n  more: edge-irdet explain {error.code}", file=sys.stderr)
        status = EXIT_ERROR
    except click.exceptions.Abort:
        print("interrupted", file=sys.stderr)
        status = EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except BrokenPipeError:
        # The reader of our output has gone (edge-irdet ... | head); nothing is left to tell it.
        sys.stderr.close()
        status = EXIT_ERROR
    sys.exit(status if isinstance(status, int) else 0)
