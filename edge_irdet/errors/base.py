"""The base of all errors: what every one of them says."""

from __future__ import annotations

from typing import ClassVar


class EdgeIrdetError(Exception):
    """Base of all errors this package raises on purpose.

    ``when``, ``check`` and ``fix`` explain the code, whatever the single case is: they are what
    ``edge-irdet explain CODE`` prints and what ``docs/reference/errors.md`` is generated from. Each is one
    paragraph of Markdown without links.

    Attributes:
        code: stable code, for scripts; ``edge-irdet explain`` lists all.
        title: the error's name.
        when: what the error means.
        check: how to find the cause.
        fix: what to do about it.
        what: what happened this time, with the offending value in it.
        next_step: the command to run, or the thing to change, next.
    """

    code: ClassVar[str] = "E000"
    title: ClassVar[str] = "unclassified"
    when: ClassVar[str] = ""
    check: ClassVar[str] = ""
    fix: ClassVar[str] = ""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.code} {self.title}: {self.what}\n  next: {self.next_step}"
