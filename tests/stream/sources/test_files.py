"""Video files and image folders, good and bad."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_irdet.errors import FrameUnreadableError, SourceMissingError, SourceTruncatedError
from edge_irdet.stream.frame import Frame, PixelFormat
from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.sources.source import Source


def read_all(source: Source) -> list[Frame]:
    with source:
        return list(iter(source.read, None))


def test_a_video_gives_every_frame(video: Path) -> None:
    source = open_source(str(video))
    with source:
        assert (source.frame_count, source.rate) == (30, 25.0)
        for index in range(30):
            frame = source.read()
            assert frame.image.shape == (48, 64)
            assert frame.image.dtype == np.uint8
            assert (frame.sequence, frame.pixel_format, frame.discontinuity) == (
                index,
                PixelFormat.GREY,
                False,
            )
            assert frame.image[23, 8 + index] > 200
        assert source.read() is None
    assert read_all(source)[0].sequence == 0, "it can be opened again"


def test_capture_times_rise(video: Path) -> None:
    times = [frame.capture_ns for frame in read_all(open_source(str(video)))]
    assert times == sorted(times)


def test_sixteen_bit_video_stays_sixteen_bit(tmp_path: Path) -> None:
    path = tmp_path / "counts.mkv"
    options = [cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U, cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 9, (64, 48), options)
    generator = np.random.default_rng(0)
    written = [generator.integers(1995, 3235, (48, 64)).astype(np.uint16) for _ in range(5)]
    for image in written:
        writer.write(image)
    writer.release()
    frames = read_all(open_source(str(path)))
    assert [frame.pixel_format for frame in frames] == [PixelFormat.Y16] * 5
    for frame, image in zip(frames, written, strict=True):
        np.testing.assert_array_equal(frame.image, image)


@pytest.mark.parametrize("keep", [0.0, 0.02, 0.5])
def test_a_truncated_video_is_refused_at_open(video: Path, keep: float) -> None:
    content = video.read_bytes()
    video.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(SourceTruncatedError, match=r"video\.mp4"):
        read_all(open_source(str(video)))


def test_a_video_that_ends_early_gives_its_frames_and_then_says_so(video: Path) -> None:
    """The index is whole, the frames behind the middle are not: as after a copy that lost its middle."""
    content = bytearray(video.read_bytes())
    data, index = content.find(b"mdat"), content.find(b"moov")
    assert data < index
    middle = data + (index - data) // 2
    content[middle : index - 8] = bytes(index - 8 - middle)
    video.write_bytes(bytes(content))
    with open_source(str(video)) as source:
        good = sum(1 for _ in takewhile_readable(source))
        with pytest.raises(SourceTruncatedError, match=f"declares 30 frames and ends after {good}"):
            source.read()
    assert 0 < good < 30


def takewhile_readable(source: Source) -> Iterator[Frame]:
    with contextlib.suppress(SourceTruncatedError):
        while (frame := source.read()) is not None:
            yield frame


def test_a_file_that_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("this is no video" * 100)
    with pytest.raises(SourceTruncatedError, match="no readable video"):
        read_all(open_source(str(tmp_path / "text.mp4")))
    with pytest.raises(SourceMissingError):
        read_all(open_source(str(tmp_path / "missing.mp4")))


def test_a_folder_in_natural_order(folder: Path) -> None:
    for uri in (str(folder), f"{folder}/f*.png", f"file://{folder}"):
        frames = read_all(open_source(uri))
        assert [int(frame.image[0, 0]) for frame in frames] == list(range(12))
        assert [frame.sequence for frame in frames] == list(range(12))
        assert not any(frame.discontinuity for frame in frames)


def broken_png(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def zero_bytes(path: Path) -> None:
    path.write_bytes(b"")


def rgba(path: Path) -> None:
    cv2.imwrite(str(path), np.zeros((48, 64, 4), np.uint8))


@pytest.mark.parametrize("damage", [broken_png, zero_bytes, rgba])
def test_an_unreadable_image_in_the_middle_is_named_counted_and_skipped(folder: Path, damage) -> None:
    damage(folder / "f5.png")
    source = open_source(str(folder))
    frames = read_all(source)
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    assert [frame.sequence for frame in frames if frame.discontinuity] == [6]
    assert source.skips.count == 1
    assert "f5.png" in source.skips.reasons[0]


def test_a_folder_without_one_readable_image_is_an_error(folder: Path) -> None:
    for path in folder.iterdir():
        zero_bytes(path)
    with pytest.raises(FrameUnreadableError, match=r"f0\.png"):
        read_all(open_source(str(folder)))


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    for uri in (str(tmp_path), f"{tmp_path}/*.png"):
        with pytest.raises(SourceMissingError):
            read_all(open_source(uri))


def test_images_of_another_size_and_depth_are_given_and_marked(folder: Path) -> None:
    cv2.imwrite(str(folder / "f3.png"), np.full((50, 70), 3000, np.uint16))
    frames = read_all(open_source(str(folder)))
    assert frames[3].image.dtype == np.uint16
    assert frames[3].pixel_format is PixelFormat.Y16
    assert frames[3].image.shape == (50, 70)
    assert [frame.sequence for frame in frames if frame.discontinuity] == [3, 4]


def test_a_colour_image_gives_its_luma(folder: Path) -> None:
    cv2.imwrite(str(folder / "f0.png"), np.full((48, 64, 3), (10, 100, 200), np.uint8))
    frame = read_all(open_source(str(folder)))[0]
    assert frame.image[0, 0] == round(0.114 * 10 + 0.587 * 100 + 0.299 * 200)


def test_a_tiff_of_several_pages_is_skipped_and_named(folder: Path) -> None:
    pages = [np.full((48, 64), level, np.uint8) for level in (10, 20)]
    assert cv2.imwritemulti(str(folder / "f20.tif"), pages)
    source = open_source(str(folder))
    assert len(read_all(source)) == 12
    assert "2 pages" in source.skips.reasons[0]
