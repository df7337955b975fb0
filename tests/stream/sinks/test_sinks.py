from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_irdet.detection.detections import Detections
from edge_irdet.errors import FrameSizeChangedError, OutputFailedError
from edge_irdet.record import FrameCounts, decode_record
from edge_irdet.stream.frame import Frame, pixel_format_of
from edge_irdet.stream.recording import make_record
from edge_irdet.stream.sinks.opening import open_sink
from edge_irdet.stream.sinks.sink import Sink, StreamInfo

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


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.txt", "out.mp4", "out.png"])
def test_a_folder_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputFailedError, match="cannot be made"):
        open_sink(str(tmp_path / "none" / name)).open(INFO)
