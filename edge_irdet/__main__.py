"""``edge-irdet`` and ``python -m edge_irdet``, which torchrun can start."""

from __future__ import annotations

import sys

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


def main() -> None:
    """Entry point: the command line, loaded so that Ctrl-C and a missing dependency are told in words."""
    try:
        from edge_irdet.cli import main as run
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("edge_irdet"):
            raise
        print(
            f"error: {error.name} is not installed for {sys.executable}\n"
            "  next: activate the environment that edge_irdet was installed into (source .venv/bin/activate)",
            file=sys.stderr,
        )
        sys.exit(EXIT_ERROR)
    run()


if __name__ == "__main__":
    main()
