from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from doubles.videos import FRAMES, write_video
from edge_irdet.dataset.opening import DatasetLayout, detect_layout, read_dataset
from edge_irdet.dataset.sample import MaskSource
from edge_irdet.dataset.video_labels import read_frames
from edge_irdet.dataset.video_layout import FRAME_STRIDE, VideoLayoutReader, video_of
from edge_irdet.errors import DatasetImageError, DatasetMissingError, LabelInvalidError, SplitEmptyError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    labels = [f"{frame},DRONE,{14 + frame},15,18,14" for frame in range(FRAMES) if frame != FRAME_STRIDE]
    write_video(tmp_path, "A_1", labels)
    write_video(tmp_path, "B_2", ["0,BIRD,-8,15,9.5,14", "30,BIRD,44,15,18,14"])
    (tmp_path / "videos.csv").write_text(
        f"name,frames,other,split\nA_1,{FRAMES},x,train\nB_2,{FRAMES},x,val\n"
    )
    return tmp_path


def test_every_fifteenth_frame_is_an_image_with_a_tight_box(root: Path) -> None:
    dataset = read_dataset(root, "train", "videos")
    assert dataset.names == ("A_1#0", "A_1#15", "A_1#30")
    assert dataset.classes == ("target",)
    for index, left in ((0, 20), (2, 50)):
        sample = dataset[index]
        assert sample.image.shape == (64, 96)
        np.testing.assert_allclose(sample.boxes, [[left, 20, left + 6, 24]], atol=1)
        assert sample.mask_source is MaskSource.BOXES
        assert 15 <= sample.mask.sum() <= 40
        assert sample.mask[22, left + 3] == 1


def test_a_frame_without_labels_is_an_image_without_targets(root: Path) -> None:
    sample = read_dataset(root, "train", "videos")[1]
    assert sample.boxes.shape == (0, 4)
    assert not sample.mask.any()


def test_a_label_that_hardly_reaches_into_the_image_is_left_out(root: Path) -> None:
    dataset = read_dataset(root, "val", "videos")
    assert [len(sample.boxes) for sample in dataset] == [0, 0, 1]


def test_going_back_to_an_earlier_video_reads_it_again(root: Path) -> None:
    dataset = read_dataset(root, None, "videos")
    first = dataset[0].image.copy()
    assert dataset[3].name == "B_2#0"
    np.testing.assert_array_equal(dataset[0].image, first)


def test_the_layout_is_recognised(root: Path) -> None:
    assert detect_layout(root) is DatasetLayout.VIDEOS


def test_a_list_of_videos_is_a_split(root: Path, tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_text("# one scene\nB_2\n")
    assert {video_of(name) for name in read_dataset(root, "some", "videos").names} == {"B_2"}
    (tmp_path / "other.txt").write_text("C_3\n")
    with pytest.raises(DatasetImageError, match="C_3"):
        read_dataset(root, tmp_path / "other.txt", "videos")
    (tmp_path / "none.txt").write_text("# nothing\n")
    with pytest.raises(SplitEmptyError):
        read_dataset(root, tmp_path / "none.txt", "videos")
    with pytest.raises(DatasetMissingError, match="test"):
        read_dataset(root, "test", "videos")


@pytest.mark.parametrize("row", ["x,DRONE,1,1,2,2", "0,DRONE,1,1,0,2", "0,DRONE,nan,1,2,2", "0,DRONE,1"])
def test_a_malformed_label_is_named_by_its_line(root: Path, row: str) -> None:
    path = root / "gt" / "A_1.csv"
    path.write_text(f"frame_idx0,class,x,y,w,h\n{row}\n")
    with pytest.raises(LabelInvalidError, match=r"A_1\.csv:2"):
        read_dataset(root, "train", "videos")[0]


def test_what_is_missing_or_cut_short_is_said(root: Path) -> None:
    (root / "videos.csv").write_text("name,frames,split\nA_1,61,train\n")
    with pytest.raises(DatasetImageError, match="ends before frame 45"):
        VideoLayoutReader(root).read("A_1#45")
    (root / "mp4" / "A_1.mp4").write_bytes(b"no video")
    with pytest.raises(DatasetImageError, match=r"A_1\.mp4"):
        VideoLayoutReader(root).read("A_1#0")
    (root / "gt" / "A_1.csv").unlink()
    with pytest.raises(DatasetMissingError, match=r"A_1\.csv"):
        read_dataset(root, "train", "videos")
    (root / "videos.csv").write_text("name,split\nA_1,train\n")
    with pytest.raises(LabelInvalidError, match="frames"):
        VideoLayoutReader(root)
    (root / "videos.csv").unlink()
    with pytest.raises(DatasetMissingError):
        VideoLayoutReader(root)
    with pytest.raises(DatasetImageError, match="VIDEO#FRAME"):
        video_of("A_1")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("A_1,99999999999,x,train", "frames"),
        ("A_1,-1,x,train", "frames"),
        ("A_1,15000000,x,train\nB_2,15000000,x,train", "in all"),
        ("../A_1,4,x,train", "without folders"),
        ("/etc/A_1,4,x,train", "without folders"),
        (",4,x,train", "name"),
        ("A_1,4,x", "split"),
        ("A_1,many,x,train", "column"),
        ("A_1," + "4" * 200_000 + ",x,train", "column"),
    ],
)
def test_a_table_is_bounded_and_names_files_of_the_set(root: Path, row: str, reason: str) -> None:
    (root / "videos.csv").write_text(f"name,frames,other,split\n{row}\n")
    with pytest.raises(LabelInvalidError, match=reason):
        read_dataset(root, "train", "videos")


@pytest.mark.parametrize("row", ["0,DRONE," + "1" * 200_000 + ",15,18,14", "0", "0,DRONE,1,2,3"])
def test_a_label_row_that_is_none_is_refused(root: Path, row: str) -> None:
    (root / "gt" / "A_1.csv").write_text(f"frame_idx0,class,x,y,w,h\n{row}\n")
    with pytest.raises(LabelInvalidError, match="A_1"):
        read_dataset(root, "train", "videos")[0]


def test_a_video_that_is_a_pipe_is_not_waited_for(root: Path) -> None:
    (root / "mp4" / "A_1.mp4").unlink()
    os.mkfifo(root / "mp4" / "A_1.mp4")
    with pytest.raises(DatasetImageError, match="no video"):
        next(read_frames(root, "A_1"))


def test_labels_of_a_video_that_the_table_lacks_are_named(root: Path) -> None:
    (root / "gt" / "C_3.csv").write_text("frame_idx0,class,x,y,w,h\n")
    found = read_dataset(root, "train", "videos").unused()
    assert [problem.what.split(" belongs")[0] for problem in found] == [str(root / "gt" / "C_3.csv")]
