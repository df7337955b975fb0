"""Every fuzz target for a few seconds; ``make fuzz`` goes on for hours."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fuzzing import fuzz, run_input
from mutation import Mutator
from targets import TARGETS, BrokenPromiseError

INPUTS = 300


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_hostile_inputs_end_in_a_result_or_a_coded_error(target: str) -> None:
    report = fuzz([target], first=0, inputs=INPUTS)
    assert report.inputs == {target: INPUTS}
    assert not report.finds, "\n\n".join(
        f"{find.target} {find.number}: {find.problem}\n{find.trace}" for find in report.finds[:3]
    )


def test_both_ends_are_reached() -> None:
    """A fuzzer whose inputs are all refused, or all taken, tests little."""
    report = fuzz(["picture", "masks", "frame-message"], first=0, inputs=300)
    for target, count in report.inputs.items():
        assert 0 < report.refused[target] < count, target


def test_the_same_number_is_the_same_input() -> None:
    tree = {"a": [1, 2, {"b": "text"}], "c": 0.5}
    assert Mutator(7).encoded(tree) == Mutator(7).encoded(tree)
    assert len({Mutator(number).encoded(tree) for number in range(200)}) > 150


@pytest.mark.parametrize(
    "error", [ValueError("wrong"), RecursionError(), MemoryError(), BrokenPromiseError("x")]
)
def test_what_is_not_coded_is_a_find(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(mutator: Mutator, folder: Path) -> None:
        raise error

    monkeypatch.setitem(TARGETS, "broken", broken)
    refused, find = run_input("broken", 3, tmp_path)
    assert not refused
    assert find is not None
    assert type(error).__name__ in find.problem
    assert not (tmp_path / "input").exists()
