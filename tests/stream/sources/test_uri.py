from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.errors import OptionError, SourceMissingError, UnknownSourceError
from edge_irdet.stream.sources.image_folder import natural_key
from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.sources.synthetic import SyntheticSource
from edge_irdet.stream.sources.v4l2 import V4L2Source
from edge_irdet.stream.sources.video_file import VideoFileSource
from edge_irdet.stream.uri import parse_uri, redact_text, redact_uri


def test_forms_reach_their_source(tmp_path) -> None:
    assert isinstance(open_source("synthetic:"), SyntheticSource)
    assert isinstance(open_source("synthetic:sea?seed=3&size=640x512&bits=16"), SyntheticSource)
    assert isinstance(open_source("/dev/video7"), V4L2Source)
    camera = open_source("v4l2:///dev/video1?format=Y16&size=640x512&rate=9")
    assert isinstance(camera, V4L2Source)
    assert camera.device.name == "video1"
    assert camera.wanted.pixel_format is not None
    assert (camera.wanted.pixel_format.name, camera.wanted.size, camera.wanted.rate) == ("Y16", (640, 512), 9)
    video = open_source(f"file://{tmp_path}/with%20space.mp4")
    assert isinstance(video, VideoFileSource)
    assert video.path == tmp_path / "with space.mp4"


@pytest.mark.parametrize("uri", ["rtps://camera/1", "magic:", "gopher://x"])
def test_unknown_schemes_list_the_forms(uri: str) -> None:
    with pytest.raises(UnknownSourceError) as caught:
        open_source(uri)
    assert "synthetic:" in caught.value.next_step
    assert "/dev/videoN" in caught.value.next_step


def test_the_nearest_scheme_is_suggested() -> None:
    with pytest.raises(UnknownSourceError, match="did you mean synthetic"):
        open_source("syntetic:sea")


@pytest.mark.parametrize(
    "uri",
    [
        "synthetic:lava",
        "synthetic:?speed=3",
        "synthetic:?seed",
        "synthetic:?seed=",
        "synthetic:?seed=one",
        "synthetic:?seed=1&seed=2",
        "synthetic:?size=320",
        "synthetic:?size=0x0",
        "synthetic:?bits=12",
        "synthetic:?frames=0",
        "synthetic:?targets=-1",
        "synthetic:?rate=0",
        "v4l2:///dev/video0?format=RGB",
        "v4l2:///dev/video0?size=big",
        "v4l2:///dev/video0?rate=fast",
        "v4l2:///dev/video0?color=1",
    ],
)
def test_wrong_parameters_are_refused(uri: str) -> None:
    with pytest.raises(OptionError):
        open_source(uri)


@pytest.mark.parametrize("uri", ["", "no/such/folder", "no/such/image.png"])
def test_paths_that_are_not_there(uri: str) -> None:
    with pytest.raises(SourceMissingError):
        open_source(uri)


def test_credentials_never_leave() -> None:
    for uri in (
        "magic://admin:hunter2@10.0.0.1:554/stream?token=s3cret&x=1",
        "magic://admin:hunter2@host/?password=s3cret",
        "magic://admin:a@hunter2@host/x?pass=s3cret",
        "magic://admin:hunter2/s3cret@host/x",
        "magic://host/x?user=hunter2&login=s3cret",
    ):
        assert "hunter2" not in redact_uri(uri)
        assert "s3cret" not in redact_uri(uri)
        with pytest.raises(UnknownSourceError) as caught:
            open_source(uri)
        assert "hunter2" not in str(caught.value)
        assert "s3cret" not in str(caught.value)
    assert redact_uri("rtsp://10.0.0.1/a?channel=1") == "rtsp://10.0.0.1/a?channel=1"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://cam/v?access_token=S", "http://cam/v?access_token=***"),
        ("http://cam/v?api_key=S&size=1", "http://cam/v?api_key=***&size=1"),
        ("http://cam/v&sig=S", "http://cam/v&sig=***"),
        ("http://cam/cgi?loginuse=a&loginpas=S", "http://cam/cgi?loginuse=***&loginpas=***"),
        ("https://h/v?X-Amz-Signature=S#silence=2", "https://h/v?X-Amz-Signature=***#silence=2"),
        ("rtsp://cam/user=a_password=S_channel=1.sdp", "rtsp://cam/user=***"),
        ("rtsp:/u:S@h/x", "rtsp:/***@h/x"),
        ("rtsp//u:S@h/x", "***@h/x"),
        ("u:S@h/x", "***@h/x"),
        ("http//cam/v?pw=S", "http//cam/v?pw=***"),
        ("udp://239.0.0.1:5000?S", "udp://239.0.0.1:5000?***"),
        ("mqtts://u:S@broker/a/b?qos=1", "mqtts://***@broker/a/b?qos=1"),
        ("file:///data/cam@2/a=b.mp4", "file:///data/cam@2/a=b.mp4"),
        ("/data/cam@2/a.mp4", "/data/cam@2/a.mp4"),
        ("frames/a?=*.png", "frames/a?=*.png"),
        ("synthetic:sea?seed=3", "synthetic:sea?seed=3"),
        ("unix:///run/a.sock", "unix:///run/a.sock"),
    ],
)
def test_what_of_a_uri_is_shown(uri: str, shown: str) -> None:
    assert redact_uri(uri) == shown
    assert redact_uri(shown) == shown
    assert redact_text(f"source {uri!r} is lost, again") == f"source {shown!r} is lost, again"


@given(st.text())
def test_parsing_never_fails_but_with_its_own_error(text: str) -> None:
    with contextlib.suppress(OptionError):
        parse_uri(text)


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_natural_order_is_the_numbers_order(numbers: list[int]) -> None:
    names = [f"frame_{number}.png" for number in numbers]
    ordered = sorted(names, key=natural_key)
    assert ordered == [f"frame_{number}.png" for number in sorted(numbers)]


@given(st.lists(st.text(max_size=8)))
def test_any_names_can_be_ordered(names: list[str]) -> None:
    assert sorted(sorted(names, key=natural_key)) == sorted(names)


def test_a_password_with_a_question_mark_is_no_parameter() -> None:
    for uri in ("magic://me:pa?ss@host/x", "magic://me:a?hunter2=1&hunter2=2@host"):
        parsed = parse_uri(uri)
        assert parsed.parameters == {}
    with pytest.raises(OptionError) as caught:
        parse_uri("magic://me:hunter2@host?x=1&x=2")
    assert "hunter2" not in str(caught.value)
