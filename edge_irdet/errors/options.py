"""7xx: options."""

from __future__ import annotations

from edge_irdet.errors.base import EdgeIrdetError


class OptionError(EdgeIrdetError):
    """An option has a value out of its range, or options contradict one another."""

    code = "E701"
    title = "option"
    when = "A value is out of range, or options contradict one another."
    check = "The message gives the value and the range, or both options."
    fix = "Choose a value in the range, or omit one of the options."
