"""Every option of stream has an environment variable, for a service manager's EnvironmentFile."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.cli.options import LIST_SEPARATOR, Uri
from edge_irdet.cli.stream import stream_command
from edge_irdet.record import decode_record


def stream(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("EDGE_IRDET_")}
    return subprocess.run(
        [sys.executable, "-m", "edge_irdet", "stream", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
        env={**clean, **{f"EDGE_IRDET_{name}": value for name, value in variables.items()}},
        check=False,
    )


def test_every_option_has_the_variable_of_its_name() -> None:
    options = [option for option in stream_command.params if isinstance(option, click.Option)]
    assert len(options) > 20
    for option in options:
        name = max(option.opts, key=len).removeprefix("--").replace("-", "_").upper()
        assert option.envvar == f"EDGE_IRDET_{name}"
        assert option.show_envvar


def test_the_environment_alone_configures_a_stream(tmp_path: Path) -> None:
    finished = stream(
        tmp_path,
        SOURCE="synthetic:?frames=4; synthetic:sea?frames=3&seed=2 ;",
        OUTPUT="all.jsonl;table.csv",
        TRACK="1",
        QUIET="true",
        SCORE="0.5",
        HEALTH_FILE="",
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    records = [decode_record(line) for line in (tmp_path / "all.jsonl").read_bytes().splitlines()]
    assert len(records) == 7
    assert all(record.tracks is not None for record in records)
    assert (tmp_path / "table.csv").is_file()


def test_the_command_line_has_precedence(tmp_path: Path) -> None:
    finished = stream(
        tmp_path,
        "--source",
        "synthetic:?frames=2",
        "--frames",
        "1",
        SOURCE="missing.mp4",
        FRAMES="7",
        OUTPUT="out.jsonl",
    )
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / "out.jsonl").read_bytes().count(b"\n") == 1


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SCORE", "7"),
        ("SCORE", "high"),
        ("FRAMES", "0"),
        ("TRACK", "perhaps"),
        ("POLICY", "newest"),
        ("MAP16", "magic"),
        ("GIVE_UP_AFTER", "-1"),
        ("LOG_LEVEL", "loud"),
        ("RUNTIME", "gpu"),
    ],
)
def test_a_wrong_value_is_refused_and_its_variable_named(variable: str, value: str, tmp_path: Path) -> None:
    finished = stream(tmp_path, "--source", "synthetic:?frames=1", **{variable: value})
    assert finished.returncode == 2
    assert f"EDGE_IRDET_{variable}" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("SOURCE", "missing.mp4", "E102"),
        ("OUTPUT", "out.gif", "E501"),
        ("PACKAGE", "absent", "E201"),
        ("PREVIEW", "here", "E701"),
        ("SOURCE", "file;with.mp4", "E102"),
    ],
)
def test_an_error_of_the_stream_names_the_variables_in_use(
    variable: str, value: str, code: str, tmp_path: Path
) -> None:
    given = () if variable == "SOURCE" else ("--source", "synthetic:?frames=1")
    finished = stream(tmp_path, *given, **{variable: value})
    assert finished.returncode == 2
    assert f"error {code} " in finished.stderr
    assert f"options from the environment: EDGE_IRDET_{variable}\n" in finished.stderr


def test_a_wrong_value_on_the_command_line_does_not_blame_a_variable(tmp_path: Path) -> None:
    finished = stream(tmp_path, "--source", "synthetic:?frames=1", "--score", "7", SCORE="0.5")
    assert finished.returncode == 2
    assert "'--score'" in finished.stderr
    assert "EDGE_IRDET_SCORE" not in finished.stderr


@pytest.mark.parametrize("empty", ["", " ; ;"])
def test_no_source_at_all_names_option_and_variable(empty: str, tmp_path: Path) -> None:
    finished = stream(tmp_path, SOURCE=empty)
    assert finished.returncode == 2
    assert "--source" in finished.stderr
    assert "EDGE_IRDET_SOURCE" in finished.stderr


@given(st.lists(st.text(st.characters(blacklist_characters=LIST_SEPARATOR)).map(str.strip).filter(bool)))
def test_a_list_comes_out_as_it_went_in(uris: list[str]) -> None:
    assert Uri().split_envvar_value(f" {LIST_SEPARATOR} ".join(uris)) == uris
