"""Only what a stream uses is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import edge_irdet

STREAM = Path(edge_irdet.__file__).parent / "stream"
SHARED = {
    "sources": {"opening", "source", "opencv_capture", "reading_thread", "reachability", "timestamps"},
    "sinks": {
        "video_container",
        "video_encoder",
        "opening",
        "sink",
        "line_file",
        "parameters",
        "socket_file",
        "output_file",
        "earlier_lines",
    },
}
"""Modules that are neither a source nor a sink themselves."""

KINDS = {
    f"edge_irdet.stream.{folder}.{path.stem}"
    for folder, shared in SHARED.items()
    for path in (STREAM / folder).iterdir()
    if not path.name.startswith("__") and path.stem not in shared
}
"""The modules of all sources and sinks."""

LOADED_BY = """
import importlib, json, sys
loaded = {}
for code in json.loads(sys.stdin.read()):
    for name in [name for name in sys.modules if name.startswith("edge_irdet.stream")]:
        del sys.modules[name]
    exec(code, {})
    loaded[code] = list(sys.modules)
print(json.dumps(loaded))
"""


def loaded_by(codes: list[str]) -> dict[str, set[str]]:
    """The sources and sinks that are loaded after each of these ran, each with none loaded before."""
    finished = subprocess.run(
        [sys.executable, "-c", LOADED_BY],
        input=json.dumps(codes),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return {code: KINDS & set(names) for code, names in json.loads(finished.stdout).items()}


def test_a_source_or_sink_loads_no_other() -> None:
    assert {"edge_irdet.stream.sources.synthetic", "edge_irdet.stream.sinks.jsonl"} <= KINDS
    assert loaded_by([f"import {kind}" for kind in KINDS]) == {f"import {kind}": {kind} for kind in KINDS}


def test_opening_one_loads_no_other() -> None:
    opened = {
        ("sources", "synthetic:"): "synthetic",
        ("sources", "/dev/video0"): "v4l2",
        ("sources", "rtsp://camera/1"): "network",
        ("sources", "film.mp4"): "video_file",
        ("sources", "*.png"): "image_folder",
        ("sources", "csi://0"): "gstreamer",
        ("sources", "unix:///run/frames.sock"): "unix_socket",
        ("sinks", "-"): "jsonl",
        ("sinks", "a.mp4"): "overlay_video",
        ("sinks", "udp://127.0.0.1:5005"): "udp",
    }
    expected = {
        f"from edge_irdet.stream.{folder}.opening import open_{folder[:-1]} as opened\nopened({uri!r})": {
            f"edge_irdet.stream.{folder}.{kind}"
        }
        for (folder, uri), kind in opened.items()
    }
    assert loaded_by(list(expected)) == expected


def test_the_pipeline_loads_none() -> None:
    code = "import edge_irdet.stream.pipeline"
    assert loaded_by([code]) == {code: set()}
