"""Everything that is wrong with labels, and not only the first of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edge_irdet.errors import LabelInvalidError

NAMED = 5
"""Problems that one error names."""


class LabelProblems:
    """Collects the errors of single labels, so that a reader can go on with the next label."""

    def __init__(self) -> None:
        self.found: list[LabelInvalidError] = []

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note the error of the label that is read inside, instead of raising it."""
        try:
            yield
        except LabelInvalidError as error:
            self.found.append(error)

    def require_none(self) -> None:
        """Raise if anything was noted.

        Raises:
            LabelInvalidError: names the first :data:`NAMED` problems and counts the others.
        """
        if not self.found:
            return
        first = self.found[0]
        if len(self.found) == 1:
            raise first
        further = len(self.found) - NAMED
        texts = [error.what for error in self.found[:NAMED]] + (
            [f"and {further} more"] if further > 0 else []
        )
        raise LabelInvalidError(
            f"{len(self.found)} labels are wrong: {'; '.join(texts)}",
            f"{first.next_step}; edge-irdet data check FOLDER lists the problems of the whole set",
        ) from first
