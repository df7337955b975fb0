"""``edge-irdet stream``."""

import click


@click.command("stream")
def stream_command() -> None:
    """Placeholder until the pipeline lands in this session."""
