from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.errors import RecipeError
from edge_irdet.export.precision.recipe import (
    Int8Recipe,
    RangeMethod,
    Recipe,
    Remainder,
    matching_nodes,
    read_recipe,
)

yaml = pytest.importorskip("yaml")

SHIPPED = sorted((Path(__file__).parents[3] / "calibration").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_recipes_are_valid(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    assert recipe.int8.keep_float


def test_there_are_shipped_recipes() -> None:
    assert {path.stem for path in SHIPPED} >= {"light-sgmtlm", "light-sgmtlm-reduced"}


def test_all_fields(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: other\nint8: {method: percentile, percentile: 99.5, images: 9, seed: 4, keep_float: [a, b*],"
        " remainder: fp16}\nfp16: {keep_float: [c]}\n"
    )
    recipe = read_recipe(path)
    assert recipe.name == "other"
    assert recipe.int8 == Int8Recipe(RangeMethod.PERCENTILE, 99.5, 9, 4, ("a", "b*"), Remainder.FP16)
    assert recipe.fp16.keep_float == ("c",)


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("# nothing\n")
    assert read_recipe(path) == Recipe("mine")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("int8: {imagess: 4}", "unknown field int8.imagess; known are images, keep_float"),
        ("fp16: {remainder: fp32}", "unknown field fp16.remainder"),
        ("int16: {}", "unknown field int16"),
        ("int8: 3", "int8"),
        ("int8: {images: many}", "images"),
        ("int8: {images: 1}", "at least 8"),
        ("int8: {method: entropy}", "method"),
        ("int8: {percentile: 0}", "percentile"),
        ("int8: {keep_float: stages}", "keep_float"),
        ("- a\n- b", "holds list"),
        ("int8: [", "is not YAML"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_bad_recipes(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message):
        read_recipe(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is not there"):
        read_recipe(tmp_path / "absent.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(RecipeError, match="not UTF-8"):
        read_recipe(tmp_path / "binary.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(RecipeError, match="pipe"):
        read_recipe(tmp_path / "pipe.yaml")
    with pytest.raises(RecipeError, match="name"):
        read_recipe(tmp_path / ("x" * 300))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "seed: 2001-99-99",
        "int8: {images: " + "9" * 5000 + "}",
        "int8: {images: 1e999}",
        "a: &a [1, 2]\nb: &b [*a, *a]\nint8: {keep_float: [*b, *b]}",
        "int8: {seed: 9999999999999999999999}",
        "int8: {seed: -1}",
        "{" + "# " * 200_000 + "}",
        "? [1, 2]\n: 3",
    ],
)
def test_hostile_yaml_is_refused_as_a_recipe(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(RecipeError):
        read_recipe(tmp_path / "mine.yaml")


@given(st.lists(st.text("abc/", min_size=1), min_size=1, max_size=6, unique=True))
def test_a_name_matches_itself_and_a_star_all(names: list[str]) -> None:
    assert matching_nodes(["*"], names) == tuple(names)
    assert matching_nodes([names[-1]], names) == (names[-1],)
    assert matching_nodes([], names) == ()
    with pytest.raises(RecipeError, match="matches no node"):
        matching_nodes(["d*"], names)
