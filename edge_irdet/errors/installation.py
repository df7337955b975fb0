"""How to install what is missing: edge_irdet is installed from a checkout, not from an index."""

from __future__ import annotations

import shlex
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
"""The checkout, where this package runs from one; else the folder that it is installed into."""


def install_step(extra: str) -> str:
    """The command that installs an extra of edge_irdet, for the ``next_step`` of an error.

    It names the checkout this package runs from. Where it was installed from one that cannot be known, the
    path is left to the reader.

    Args:
        extra: name of the extra, as in ``pyproject.toml``.
    """
    if (CHECKOUT / "pyproject.toml").is_file():
        return f"pip install -e {shlex.quote(f'{CHECKOUT}[{extra}]')}"
    return f"pip install '/path/to/edge_irdet[{extra}]', with the path of your checkout of edge_irdet"


UPDATE_STEP = "update edge_irdet: git pull in its checkout, then pip install it again from there"
"""What to do where a file was written by a newer version."""
