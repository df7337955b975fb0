from __future__ import annotations

import re
from pathlib import Path

import pytest

import edge_irdet.errors as errors
from edge_irdet.errors import EdgeIrdetError, OptionError
from edge_irdet.errors.catalog import AREAS, all_errors, describe_error, explanation, find_error
from edge_irdet.errors.installation import install_step

ROOT = Path(__file__).parents[1]


def test_every_error_has_its_own_code_in_a_known_area() -> None:
    codes = [error.code for error in all_errors()]
    assert codes == sorted(set(codes))
    assert {code[:2] for code in codes} == {f"E{area}" for area in AREAS}
    assert all(re.fullmatch(r"E\d{3}", code) for code in codes)


def test_every_error_is_offered_by_the_package() -> None:
    offered = {name for name in errors.__all__ if name != "EdgeIrdetError"}
    assert offered == {error.__name__ for error in all_errors()}
    assert all(issubclass(getattr(errors, name), EdgeIrdetError) for name in offered)


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.code)
def test_an_explanation_is_plain_and_complete(error: type[EdgeIrdetError]) -> None:
    assert [name for name, _ in explanation(error)] == ["When", "Check", "Fix"]
    for name, text in explanation(error):
        assert text.endswith("."), (error.code, name)
        assert text[0].isupper() or text[0] == "`", (error.code, name)
        assert "\n" not in text
        assert text.count("`") % 2 == 0
        assert "](" not in text, "a terminal shows no links"
        assert not re.search(r"\b(anew|leave \w+ away|is none)\b", text)


def test_an_error_prints_code_value_and_next_step() -> None:
    error = OptionError("the size is 31", "choose 32")
    assert str(error) == "E701 option: the size is 31\n  next: choose 32"


@pytest.mark.parametrize("written", ["E608", "e608", "608", " E608 "])
def test_a_code_is_found_however_it_is_written(written: str) -> None:
    assert find_error(written) is errors.EngineMismatchError


@pytest.mark.parametrize(("wrong", "near"), [("E613", "E612"), ("E60", "E601"), ("E806", "E606")])
def test_an_unknown_code_names_the_near_ones(wrong: str, near: str) -> None:
    with pytest.raises(OptionError, match=f"{wrong}.*near: .*{near}"):
        find_error(wrong)


@pytest.mark.parametrize("rubbish", ["", "E", "--", "E000", "\x00", "camera" * 1000, "E١٠١"])
def test_rubbish_is_an_option_error(rubbish: str) -> None:
    with pytest.raises(OptionError) as caught:
        find_error(rubbish)
    assert len(caught.value.what) < 200


def test_a_description_has_strings_only() -> None:
    described = describe_error(errors.CameraError)
    assert described["code"] == "E108"
    assert described["class"] == "CameraError"
    assert set(described) == {"code", "class", "title", "when", "check", "fix"}
    assert all(isinstance(value, str) and value for value in described.values())


def test_the_missing_extra_names_every_extra() -> None:
    table = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = table.split("[project.optional-dependencies]")[1].split("\n[project")[0]
    extras = set(re.findall(r"^([a-z-]+) = \[$", section, re.MULTILINE)) - {"dev"}
    assert len(extras) > 5
    assert {name for name in extras if f"`{name}`" in errors.ExtraMissingError.fix} == extras


def test_an_extra_is_installed_from_the_checkout() -> None:
    assert install_step("zmq") == f"pip install -e '{ROOT}[zmq]'"


def test_an_extra_of_an_installed_package_leaves_the_checkout_to_the_reader(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("edge_irdet.errors.installation.CHECKOUT", tmp_path)
    assert "'/path/to/edge_irdet[zmq]'" in install_step("zmq")
