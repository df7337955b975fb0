"""Nothing is written over what is read, however the two are written."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from doubles.command_line import refused, run
from edge_irdet.errors import OptionError
from edge_irdet.stream.sinks.opening import open_sink, open_sinks
from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.uri import path_of_file_uri


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a film, a folder of frames and links to all of them, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my video.mp4").write_bytes(b"film")
    (tmp_path / "hard.mp4").hardlink_to(tmp_path / "my video.mp4")
    (tmp_path / "soft.mp4").symlink_to("my video.mp4")
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "0.png").write_bytes(b"picture")
    (tmp_path / "hard.png").hardlink_to(tmp_path / "frames" / "0.png")
    (tmp_path / "frames" / "1.png").symlink_to("../other.png")
    (tmp_path / "other.png").write_bytes(b"another")
    (tmp_path / "frames" / "hard.mp4").hardlink_to(tmp_path / "my video.mp4")
    (tmp_path / "alias").symlink_to("frames")
    return tmp_path


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/my%20video.mp4", "/a/my video.mp4"),
        ("file:///a/my video.mp4", "/a/my video.mp4"),
        ("file://localhost/a/b.mp4", "/a/b.mp4"),
        ("FILE://LOCALHOST/a/b.mp4", "/a/b.mp4"),
        ("file:/a/b.mp4", "/a/b.mp4"),
        ("file:////a/b.mp4", "/a/b.mp4"),
        ("file://a/b.mp4", "a/b.mp4"),
        ("file:a/b.mp4", "a/b.mp4"),
        ("file://localhost.mp4", "localhost.mp4"),
        ("file:///a/100%25%3F.mp4", "/a/100%?.mp4"),
        ("file:///a/caf%E9.mp4", os.fsdecode(b"/a/caf\xe9.mp4")),
        ("file:///a/b#1.mp4", "/a/b#1.mp4"),
    ],
)
def test_sources_and_outputs_read_file_uris_alike(uri: str, path: str) -> None:
    assert path_of_file_uri(uri) == path
    assert open_source(uri).path == Path(path)
    assert open_sink(uri).path == Path(path)
    assert open_sink(f"mot:{uri}").path == Path(path)


@pytest.mark.parametrize("uri", ["file:", "file://", "file:///a%00b.mp4", "file:///a.mp4?x=1", "mot:file:"])
def test_a_file_uri_that_names_no_file_is_refused_on_both_sides(uri: str) -> None:
    with pytest.raises(OptionError):
        open_sink(uri)
    if not uri.startswith("mot:"):
        with pytest.raises(OptionError):
            open_source(uri)


FILM = ("my video.mp4", "file://{here}/my%20video.mp4", "FILE://localhost{here}/my%20video.mp4", "./soft.mp4")


@pytest.mark.parametrize("source", FILM)
@pytest.mark.parametrize(
    "output",
    [
        *FILM,
        "hard.mp4",
        "frames/../my video.mp4",
        "alias/hard.mp4",
        "mot:my video.mp4",
        "mot:file://{here}/my%20video.mp4",
        "MOT:my video.mp4",
        "my vide{n}.mp4",
    ],
)
def test_an_output_is_never_the_film_that_is_read(here: Path, source: str, output: str) -> None:
    if "{n}" in output:
        (here / "my vide0.mp4").symlink_to("my video.mp4")
    output = output.replace("{here}", str(here))
    with pytest.raises(OptionError, match="the source itself"):
        open_sinks([output], [source.replace("{here}", str(here))])


@pytest.mark.parametrize(
    "source", ["frames", "alias", "file:frames", "frames/*", "al*/?.png", "frames/[0-9]*"]
)
@pytest.mark.parametrize("output", ["frames/0.png", "hard.png", "alias/0.png", "other.png", "mot:hard.png"])
def test_an_output_is_never_one_of_the_images_that_are_read(here: Path, source: str, output: str) -> None:
    with pytest.raises(OptionError, match="one of its images"):
        open_sinks([output], [source])


def test_a_film_that_a_pattern_names_is_read(here: Path) -> None:
    with pytest.raises(OptionError, match="the source itself"):
        open_sinks(["my video.mp4"], ["frames/*.mp4"])


@pytest.mark.parametrize("output", ["frames/new.png", "alias/new.png", "file:frames/new.png"])
@pytest.mark.parametrize("source", ["frames", "alias", "frames/*.png"])
def test_a_new_image_among_those_that_are_read_would_be_read_too(
    here: Path, source: str, output: str
) -> None:
    with pytest.raises(OptionError, match="one of its images"):
        open_sinks([output], [source])


def test_other_files_beside_the_source_are_free(here: Path) -> None:
    outputs = ["frames/out.jsonl", "out.mp4", "new.png", "frames/film.mp4", "-", "unix://frames.sock"]
    assert len(open_sinks(outputs, ["frames"])) == len(outputs)
    assert len(open_sinks(["my video-2.jsonl"], ["my video.mp4", "rtsp://camera/1", "synthetic:"])) == 1


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("unix:///run/a%20b.sock?mode=660", "unix:///run/a b.sock"),
        ("unix:///run/a.sock", "zmq:ipc:///run/a.sock"),
        ("/dev/null", "mot:/dev/null"),
        ("gst:filesrc location=hard.mp4 ! decodebin", "my video.mp4"),
        ('gst:filesrc location="my video.mp4" ! decodebin', "soft.mp4"),
    ],
)
def test_sockets_devices_and_files_of_pipelines_are_read_as_well(
    here: Path, source: str, output: str
) -> None:
    with pytest.raises(OptionError, match="the source itself"):
        open_sinks([output], [source])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("new.jsonl", "file:new%2Ejsonl"),
        ("frames/new.jsonl", "alias/new.jsonl"),
        ("hard.mp4", "soft.mp4"),
        ("unix:///run/a.sock", "zmq:ipc:///run/a.sock"),
        ("mot:new.txt", "file:./new.txt"),
    ],
)
def test_one_file_under_two_names_is_named_twice(here: Path, one: str, other: str) -> None:
    with pytest.raises(OptionError, match="twice"):
        open_sinks([one, other], ["synthetic:"])


def test_the_files_of_the_stream_itself_are_kept(here: Path) -> None:
    package = here / "package"
    package.mkdir()
    (package / "package.json").write_bytes(b"{}")
    (here / "graph.csv").hardlink_to(package / "package.json")
    (here / "linked").symlink_to("package")
    for output in ("package/package.csv", "linked/deep/new.jsonl", "file:package/out.mp4"):
        with pytest.raises(OptionError, match="which the stream reads"):
            open_sinks([output], ["synthetic:"], inputs=[package])
    (here / "token.txt").write_text("secret")
    (here / "token.csv").symlink_to("token.txt")
    for output in ("token.txt", "token.csv", "mot:token.txt"):
        with pytest.raises(OptionError, match="which the stream reads"):
            open_sinks([output], ["synthetic:"], inputs=[here / "token.txt"])
    (here / "password.txt").write_text("secret")
    with pytest.raises(OptionError, match="which the stream reads"):
        open_sinks(["password.txt", "mqtt://me@host/t?password_file=password.txt"], ["synthetic:"])
    for health in ("hard.mp4", "soft.mp4"):
        with pytest.raises(OptionError, match="the source itself"):
            open_sinks([], ["my video.mp4"], reserved=[here / health])
        with pytest.raises(OptionError, match="the health file"):
            open_sinks(["my video.mp4"], ["synthetic:"], reserved=[here / health])


@pytest.mark.parametrize(
    "name", ["x" * 300 + ".jsonl", "x" * 5000 + ".jsonl", "loop/a.jsonl", "my video.mp4/a.csv"]
)
def test_a_name_that_no_file_can_have_is_compared_without_a_traceback(here: Path, name: str) -> None:
    (here / "loop").symlink_to("loop")
    for source in ("frames", "my video.mp4", "frames/*", "synthetic:"):
        assert len(open_sinks([name], [source])) == 1


def test_the_film_survives_the_command_that_would_write_over_it(tmp_path: Path) -> None:
    place = tmp_path / "my video.avi"
    writer = cv2.VideoWriter(str(place), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(3):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    before = place.read_bytes()
    source = f"file://{tmp_path}/my%20video.avi".replace(" ", "%20")
    for arguments in (
        ("--output", "my video.avi"),
        ("--output", "file:my%20video.avi"),
        ("--health-file", "my video.avi"),
    ):
        refused(run("stream", "--source", source, *arguments, folder=tmp_path), "E701")
        assert place.read_bytes() == before
    package = ("--package", "light-sgmtlm-reduced")
    inside = f"file://{Path(open_source.__code__.co_filename).parents[2]}/models/light-sgmtlm-reduced/x.jsonl"
    refused(run("stream", "--source", source, *package, "--output", inside, folder=tmp_path), "E701")


def test_standard_output_may_not_be_the_source(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "film.mp4"
    place.write_bytes(b"film")
    saved = os.dup(1)
    descriptor = os.open(place, os.O_WRONLY | os.O_APPEND)
    try:
        os.dup2(descriptor, 1)
        with pytest.raises(OptionError, match="the source itself"):
            open_sinks(["-"], [str(place)])
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(descriptor)
    assert len(open_sinks(["-"], [str(place)])) == 1
