"""GStreamer pipelines, for real under the system's Python, whose OpenCV has GStreamer; the rest anywhere."""

from __future__ import annotations

import functools
import itertools
import json
import os
import subprocess
import sysconfig
from pathlib import Path

import cv2
import pytest

import edge_irdet
from doubles.network_servers import SYSTEM_PYTHON, MjpegCamera, has_rtsp_server, rtsp_server
from edge_irdet.errors import ExtraMissingError, OptionError
from edge_irdet.stream.sources.gstreamer import GStreamerSource, redact_pipeline
from edge_irdet.stream.sources.opening import open_source

SCRIPT = """
import json, sys, time
from doubles.numbered_pictures import number_of
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.stream.sources import gstreamer
from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.sources.source import ReadTimeout

uri, count, pause, gstreamer.SILENCE_S = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
gstreamer.START_SECONDS = max(2.0, gstreamer.SILENCE_S)
source, frames, said = open_source(uri), [], {}
try:
    with source:
        said["rate"] = source.rate
        while len(frames) < count:
            try:
                frame = source.read()
            except ReadTimeout:
                said["time_outs"] = said.get("time_outs", 0) + 1
                continue
            image = frame.image
            frames.append([list(image.shape), str(image.dtype), int(image.max()), int(image.min()),
                           frame.sequence, frame.pixel_format.value, number_of(image)])
            time.sleep(pause)
    with source:  # it can be opened again
        said["again"] = source.read().sequence
except EdgeIrdetError as error:
    said["error"] = str(error)
said["frames"], said["uri"] = frames, source.uri
print(json.dumps(said))
"""


def system_environment() -> dict[str, str]:
    """The system's OpenCV and NumPy come before what the test environment has."""
    root = str(Path(edge_irdet.__file__).parents[1])
    places = [
        root,
        str(Path(__file__).parents[2]),
        "/usr/lib/python3/dist-packages",
        sysconfig.get_paths()["purelib"],
    ]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places)}


@functools.cache
def why_not() -> str:
    """Why pipelines cannot be tested here; empty where they can."""
    code = "import cv2, numpy, msgspec, sys; sys.exit(not cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER))"
    try:
        finished = subprocess.run(
            [SYSTEM_PYTHON, "-c", code], capture_output=True, text=True, env=system_environment(), check=False
        )
    except OSError as error:
        return f"{SYSTEM_PYTHON}: {error.strerror}"
    if finished.returncode:
        reason = finished.stderr.strip().splitlines()[-1:] or ["its OpenCV has no GStreamer"]
        return f"{SYSTEM_PYTHON} (apt-get install python3-opencv) does not do: {reason[0]}"
    return ""


needs_gstreamer = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")


def run(uri: str, count: int = 5, pause: float = 0.0, silence: float = 5.0) -> dict:
    finished = subprocess.run(
        [SYSTEM_PYTHON, "-c", SCRIPT, uri, str(count), str(pause), str(silence)],
        capture_output=True,
        text=True,
        env=system_environment(),
        check=False,
        timeout=40,
    )
    assert finished.returncode == 0, finished.stderr
    return {**json.loads(finished.stdout), "stderr": finished.stderr}


CAPS = "width=321,height=241,framerate=30/1"


@needs_gstreamer
@pytest.mark.parametrize(
    ("form", "dtype", "pixel_format", "brightest"),
    [
        ("GRAY8", "uint8", "GREY", 235),
        ("BGR", "uint8", "GREY", 255),
        ("GRAY16_LE", "uint16", "Y16", 60395),
    ],
)
def test_a_pipeline(form: str, dtype: str, pixel_format: str, brightest: int) -> None:
    said = run(f"gst:videotestsrc is-live=true ! video/x-raw,format={form},{CAPS}")
    assert "error" not in said
    assert said["rate"] == 30.0
    assert said["again"] == 0
    for number, (shape, kind, high, low, sequence, pixels, _) in enumerate(said["frames"]):
        assert (shape, kind, sequence, pixels) == ([241, 321], dtype, number, pixel_format)
        assert high == brightest
        assert low < high / 4
    assert "WARN" not in said["stderr"]


@needs_gstreamer
@pytest.mark.parametrize("form", ["I420", "YUY2"])
def test_formats_that_cannot_be_told_apart_are_refused(form: str) -> None:
    said = run(f"gst:videotestsrc is-live=true ! video/x-raw,format={form},width=320,height=240")
    assert "E105" in said["error"]
    assert "format=GRAY8" in said["error"]
    assert said["frames"] == []


@needs_gstreamer
def test_a_pipeline_that_ends_is_lost() -> None:
    said = run(f"gst:videotestsrc num-buffers=9 is-live=true ! video/x-raw,format=GRAY8,{CAPS}", 100)
    assert "E110" in said["error"]
    assert 1 <= len(said["frames"]) <= 9


@needs_gstreamer
def test_a_pipeline_that_gives_nothing_is_waited_for_and_then_lost() -> None:
    said = run("gst:videotestsrc is-live=true ! video/x-raw,format=GRAY8,framerate=1/6", 3, silence=1.5)
    assert "gave no picture for" in said["error"]
    assert said["time_outs"] >= 1


@needs_gstreamer
def test_a_pipeline_that_never_starts() -> None:
    said = run("gst:videotestsrc ! valve drop=true ! video/x-raw,format=GRAY8", silence=1.0)
    assert "E108" in said["error"]
    assert "has not started within 2 s" in said["error"] or "cannot be started" in said["error"]


@needs_gstreamer
@pytest.mark.parametrize(
    "pipeline",
    [
        "videotestsrc ! nonsense_element",
        "v4l2src device=/dev/video99 ! video/x-raw",
        "rtspsrc location=rtsp://admin:hunter2@127.0.0.1:1/x user-pw=hunter2 ! decodebin",
    ],
)
def test_a_pipeline_that_cannot_start(pipeline: str) -> None:
    said = run(f"gst:{pipeline}")
    assert "E108" in said["error"]
    assert "gst-launch-1.0 -v" in said["error"]
    assert "hunter2" not in said["error"] + said["stderr"] + said["uri"]


@needs_gstreamer
@pytest.mark.skipif(not has_rtsp_server(), reason="needs gir1.2-gst-rtsp-server-1.0 for /usr/bin/python3")
def test_a_slow_worker_gets_young_frames() -> None:
    """The server makes 30 pictures a second; whoever reads three a second gets about every tenth."""
    with rtsp_server() as server:
        said = run(
            f"gst:rtspsrc location={server.url} latency=0 ! rtph264depay ! h264parse ! openh264dec"
            " ! videoconvert ! video/x-raw,format=GRAY8",
            count=6,
            pause=0.33,
        )
    numbers = [frame[-1] for frame in said["frames"]]
    steps = [after - before for before, after in itertools.pairwise(numbers[1:])]
    assert all(step > 3 for step in steps), numbers


@needs_gstreamer
def test_an_older_opencv_reads_network_streams() -> None:
    with MjpegCamera() as camera:
        said = run(camera.url, 10)
    assert "error" not in said
    numbers = [frame[-1] for frame in said["frames"]]
    assert numbers == list(range(numbers[0], numbers[0] + 10))
    assert "WARN" not in said["stderr"]


def test_without_gstreamer_it_says_what_to_install() -> None:
    if cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        pytest.skip("this OpenCV has GStreamer")
    for uri in ("gst:videotestsrc", "csi://0"):
        with pytest.raises(ExtraMissingError, match="built without GStreamer") as caught, open_source(uri):
            pass
        assert "apt-get install python3-opencv" in caught.value.next_step


def test_a_csi_camera_becomes_a_pipeline() -> None:
    source = open_source("csi://1?size=1280x720&rate=60&mode=4")
    assert isinstance(source, GStreamerSource)
    assert source.pipeline == (
        "nvarguscamerasrc sensor-id=1 sensor-mode=4"
        " ! video/x-raw(memory:NVMM),width=1280,height=720,framerate=60/1"
        " ! nvvidconv ! video/x-raw,format=GRAY8 ! appsink drop=true max-buffers=1 sync=false"
    )
    plain = open_source("csi://0")
    assert isinstance(plain, GStreamerSource)
    assert plain.pipeline.startswith("nvarguscamerasrc sensor-id=0 ! video/x-raw(memory:NVMM) ! nvvidconv")


@pytest.mark.parametrize(
    "uri",
    [
        "gst:",
        "gst: ! ",
        "csi:",
        "csi://",
        "csi://front",
        "csi://0?size=big",
        "csi://0?size=0x0",
        "csi://0?rate=0",
        "csi://0?rate=30/0",
        "csi://0?mode=x",
        "csi://0?flip=2",
        "csi://0?size=1280x720!fakesink",
    ],
)
def test_wrong_forms_are_refused(uri: str) -> None:
    with pytest.raises(OptionError):
        open_source(uri)


def test_an_appsink_of_the_users_stays() -> None:
    source = open_source("gst:videotestsrc ! appsink name=mine max-buffers=4 ! ")
    assert isinstance(source, GStreamerSource)
    assert source.pipeline == "videotestsrc ! appsink name=mine max-buffers=4 !"


@pytest.mark.parametrize(
    "pipeline",
    [
        "rtspsrc location=rtsp://admin:hunter2@10.0.0.1/x ! decodebin",
        "rtspsrc location=rtsp://10.0.0.1/x user-id=hunter2 user-pw=hunter2 ! decodebin",
        'rtspsrc location=rtsp://10.0.0.1/x user-pw = "hunter2 and more" ! decodebin',
        "srtsrc uri=srt://10.0.0.1:99 passphrase='hunter2' ! decodebin",
        "souphttpsrc location=http://10.0.0.1/x?token=hunter2 user-pw=(string)hunter2 ! decodebin",
    ],
)
def test_credentials_of_a_pipeline_are_not_shown(pipeline: str) -> None:
    assert "hunter2" not in redact_pipeline(pipeline)
    assert "hunter2" not in open_source(f"gst:{pipeline}").uri
    assert redact_pipeline(pipeline).endswith("! decodebin")
    assert redact_pipeline("x264enc key-int-max=30") == "x264enc key-int-max=30"
