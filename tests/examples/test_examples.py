"""Every example prints what its README shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from doubles import cpp_build
from doubles.transcripts import Shown, differs, run_shown, transcript
from edge_irdet.machine.gpu import has_nvidia_device

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
LONGEST = 40


def in_a_copy(tmp_path: Path) -> Path:
    """The examples where they may write, with the checkout above them for what builds from it."""
    copy = tmp_path / "examples"
    shutil.copytree(EXAMPLES, copy)
    return copy


@pytest.mark.parametrize("name", NAMES)
def test_an_example_prints_what_its_readme_shows(name: str, tmp_path: Path) -> None:
    _skip_where_it_cannot_run(name)
    shown = transcript(EXAMPLES / name / "README.md")
    assert shown, "the README shows no command"
    folder = in_a_copy(tmp_path) / name
    for one in shown:
        one = Shown(one.command.replace("../..", str(EXAMPLES.parent)), one.output)
        difference = differs(one.output, run_shown(one, folder))
        assert difference is None, f"$ {one.command}\n{difference}"


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_small_and_its_readme_is_about_it(name: str) -> None:
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name[:2]} ")
    for path in sorted((EXAMPLES / name).iterdir()):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) < LONGEST or path.name == "README.md", f"{path.name} has {len(lines)} lines"
        assert path.name == "README.md" or path.name in text, f"the README does not name {path.name}"


def test_the_list_names_every_example() -> None:
    listed = re.findall(r"\]\((\d\d_\w+)/\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert listed == NAMES


@pytest.fixture(autouse=True)
def onnxruntime_of_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the C and C++ examples load."""
    monkeypatch.setenv("EDGE_IRDET_ONNXRUNTIME", str(cpp_build.onnxruntime_library()))


def _skip_where_it_cannot_run(name: str) -> None:
    if name.endswith(("c_host", "cpp_host")):
        cpp_build.require_compiler()
        cpp_build.require_onnxruntime_headers()
    if name.endswith("engine"):
        pytest.importorskip("tensorrt_rtx", reason="no builder here; pip install '.[tensorrt-rtx]'")
        if has_nvidia_device():
            pytest.skip("its README shows a machine without a GPU")
