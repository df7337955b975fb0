from __future__ import annotations

import re
from pathlib import Path

import edge_irdet.errors as errors
from edge_irdet.errors import EdgeIrdetError

DOCUMENT = Path(__file__).parents[1] / "docs" / "reference" / "errors.md"


def concrete_errors() -> list[type[EdgeIrdetError]]:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    return [value for value in classes if issubclass(value, EdgeIrdetError) and value is not EdgeIrdetError]


def test_every_error_has_its_own_code_and_a_section() -> None:
    codes = [error.code for error in concrete_errors()]
    assert len(codes) == len(set(codes))
    sections = dict(re.findall(r"^## (E\d{3}) (.+)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    assert sections == {error.code: error.title for error in concrete_errors()}


def test_an_error_prints_code_value_and_next_step() -> None:
    error = errors.OptionError("the size is 31", "choose 32")
    assert str(error) == "E701 option: the size is 31\n  next: choose 32"
