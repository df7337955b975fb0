from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_irdet.detection.detections import Detections
from edge_irdet.errors import FrameSizeChangedError, OptionError, OutputFailedError, UnknownOutputError
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.record import FrameCounts, decode_record, make_record
from edge_irdet.stream.sinks import Sink, StreamInfo, open_sink, open_sinks
from edge_irdet.stream.sinks.line_file import LineFile

INFO = StreamInfo("test:", ("target",), 30.0, None)


def feed(sink: Sink, sequence: int, shape: tuple[int, int] = (48, 64), dtype: type = np.uint8) -> None:
    image = np.full(shape, 30, dtype)
    image[10:13, 20:24] = 200
    frame = Frame(image, sequence, sequence, "test:", pixel_format_of(image))
    box = np.array([[20, 10, 24, 13]], np.float32)
    detections = Detections(box, np.array([0.875], np.float32), np.zeros(1, np.int64))
    sink.write(frame, make_record(frame, detections, INFO.classes, sequence, FrameCounts()))


def filled(sink: Sink, count: int) -> None:
    sink.open(INFO)
    for sequence in range(count):
        feed(sink, sequence)
    sink.close()


def test_json_lines_can_be_followed_while_they_grow(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.jsonl"))
    sink.open(INFO)
    for sequence in range(3):
        feed(sink, sequence)
        lines = (tmp_path / "out.jsonl").read_bytes().splitlines()
        assert [decode_record(line).sequence for line in lines] == list(range(sequence + 1))
    sink.close()


def test_mot_text(tmp_path: Path) -> None:
    for name in ("out.txt", "mot:" + str(tmp_path / "other.gt")):
        filled(open_sink(str(tmp_path / name) if name == "out.txt" else name), 2)
    expected = (
        "1,-1,21.000,11.000,4.000,3.000,0.87500,-1,-1,-1\n2,-1,21.000,11.000,4.000,3.000,0.87500,-1,-1,-1\n"
    )
    assert (tmp_path / "out.txt").read_text() == expected
    assert (tmp_path / "other.gt").read_text() == expected


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_the_overlay_video_holds_every_frame_and_shows_the_target(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    sink = open_sink(str(path))
    sink.open(INFO)
    for sequence in range(10):
        feed(sink, sequence)
        assert not path.exists(), "it gets its name when it is complete"
    sink.close()
    capture = cv2.VideoCapture(str(path))
    pictures = []
    while (got := capture.read())[0]:
        pictures.append(got[1])
    assert len(pictures) == 10
    assert pictures[0].shape == (480, 640, 3)
    green = (pictures[5][..., 1].astype(int) - pictures[5][..., 2]) > 60
    rows, columns = np.nonzero(green[:, :270])
    assert columns.min() == pytest.approx(200, abs=8)
    assert rows.min() == pytest.approx(100, abs=8)
    assert not green[100:130, 200:240].any(), "the target itself is not painted over"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_the_overlay_video_keeps_the_last_row_and_column_of_odd_frames(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.mp4"))
    sink.open(INFO)
    feed(sink, 0, (513, 701))
    sink.close()
    good, picture = cv2.VideoCapture(str(tmp_path / "out.mp4")).read()
    assert good
    assert picture.shape == (514, 702, 3)
    assert picture[256:512:16, 350:700:16].mean() == pytest.approx(30, abs=4)


def test_the_overlay_video_takes_sixteen_bits(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.mp4"))
    sink.open(INFO)
    feed(sink, 0, dtype=np.uint16)
    sink.close()
    assert (tmp_path / "out.mp4").exists()


def test_a_size_change_ends_the_overlay_video_with_the_way_out(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.mp4"))
    sink.open(INFO)
    feed(sink, 0)
    with pytest.raises(FrameSizeChangedError, match="70x50"):
        feed(sink, 1, (50, 70))
    sink.abandon()
    assert (tmp_path / "out.mp4").exists(), "the good frames are kept"


@pytest.mark.parametrize("count", [1, 5, 12, 13, 40, 100])
def test_the_contact_sheet_has_up_to_twelve_tiles(tmp_path: Path, count: int) -> None:
    filled(open_sink(str(tmp_path / "out.png")), count)
    sheet = cv2.imread(str(tmp_path / "out.png"))
    tiles = min(12, count)
    assert sheet.shape == (-(-tiles // 3) * 384, 3 * 480, 3)


def test_the_contact_sheet_takes_frames_of_any_size_and_depth(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out.png"))
    sink.open(INFO)
    for sequence, (shape, dtype) in enumerate(
        [((48, 64), np.uint8), ((512, 640), np.uint16), ((20, 300), np.uint8)]
    ):
        feed(sink, sequence * 4, shape, dtype)
    sink.close()
    assert cv2.imread(str(tmp_path / "out.png")) is not None


@pytest.mark.parametrize("name", ["out.jsonl", "out.txt", "out.mp4", "out.png"])
def test_a_folder_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputFailedError, match="cannot be made"):
        open_sink(str(tmp_path / "none" / name)).open(INFO)


def test_a_full_device_is_an_error_with_the_way_out() -> None:
    file = LineFile(Path("/dev/full"))
    with pytest.raises(OutputFailedError, match="No space left"):
        file.write(b"line")
    file.close()


FILLING = """
import resource, signal, sys
from pathlib import Path
from edge_irdet.errors import OutputFailedError
from edge_irdet.stream.sinks.line_file import LineFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the kernel then answers EFBIG to the write that does not fit
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
file = LineFile(Path(sys.argv[1]))
written = 0
try:
    while True:
        file.write(b"x" * 149)
        written += 1
except OutputFailedError as error:
    print(written, error.code)
"""


def test_a_file_that_fills_up_keeps_whole_lines_only(tmp_path: Path) -> None:
    """The limit on the file's size cuts the seventh write short, as a full disk does."""
    assert resource.RLIMIT_FSIZE
    place = tmp_path / "out.jsonl"
    finished = subprocess.run(
        [sys.executable, "-c", FILLING, str(place)], capture_output=True, text=True, check=True
    )
    assert finished.stdout.split() == ["6", "E502"]
    assert place.read_bytes() == (b"x" * 149 + b"\n") * 6


@pytest.mark.parametrize("uri", ["", "out", "out.csv", "udp://host", "mot:", "out.jsonl.gz"])
def test_unknown_outputs_list_the_forms(uri: str) -> None:
    with pytest.raises(UnknownOutputError) as caught:
        open_sink(uri)
    assert ".jsonl" in caught.value.next_step


def test_an_output_may_not_be_named_twice_or_be_the_source(tmp_path: Path) -> None:
    place = str(tmp_path / "a.mp4")
    with pytest.raises(OptionError, match="twice"):
        open_sinks([place, str(tmp_path / "b" / ".." / "a.mp4")], "synthetic:")
    with pytest.raises(OptionError, match="the source itself"):
        open_sinks([place], place)
    with pytest.raises(OptionError, match="the source itself"):
        open_sinks([place], f"file://{place}")
    (tmp_path / "a.mp4").write_bytes(b"video")
    (tmp_path / "link.mp4").hardlink_to(tmp_path / "a.mp4")
    for output, source in (
        (str(tmp_path / "link.mp4"), place),
        (str(tmp_path / "sheet.png"), str(tmp_path)),
        (str(tmp_path / "sheet.png"), str(tmp_path / "*.png")),
    ):
        with pytest.raises(OptionError, match="the source itself"):
            open_sinks([output], source)
    assert len(open_sinks([str(tmp_path / "out.jsonl"), "-"], str(tmp_path))) == 2
