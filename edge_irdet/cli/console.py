"""The terminal, for text of which parts come from elsewhere: names of files, classes, data sets, devices."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from edge_irdet.intake import escape_controls


class PlainConsole(Console):
    """A console on which a text means itself: no markup, no emoji codes, and control characters escaped.

    Tables and their titles are printed by it too. What is drawn in style is a :class:`~rich.text.Text`.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """A text as what is printed."""
        return super().render_str(escape_controls(text), **{**options, "markup": False, "emoji": False})
