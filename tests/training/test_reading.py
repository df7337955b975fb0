from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("scipy")

from doubles.samples import write_images_and_masks
from doubles.videos import FRAMES, write_video
from edge_irdet.errors import DatasetMissingError, OptionError
from edge_irdet.training.presets import preset_config
from edge_irdet.training.reading import DataSource, read_training_set

CONFIG = preset_config("small-target", "light-sgmtlm-reduced", validation_fraction=0.5)


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    write_images_and_masks(tmp_path / "stills", 8, 64)
    (tmp_path / "stills" / "train.txt").write_text("".join(f"i{index}\n" for index in range(6)))
    (tmp_path / "stills" / "held.txt").write_text("i6\ni7\n")
    return tmp_path / "stills"


def test_a_share_of_the_list_is_held_back(stills: Path) -> None:
    data = read_training_set([DataSource(stills, "train.txt", licence="ours")], CONFIG)
    assert (len(data.train), len(data.validation), len(data.frames)) == (3, 3, 0)
    assert (data.about.name, data.about.split, data.about.licence) == ("stills", "train", "ours")


def test_a_list_is_held_back_instead(stills: Path) -> None:
    data = read_training_set([DataSource(stills, "train.txt", held_back="held.txt")], CONFIG)
    assert len(data.train) == 6
    assert [sample.name for sample in data.validation] == ["i6", "i7"]


def test_several_sets_follow_one_another(stills: Path) -> None:
    data = read_training_set([DataSource(stills, "train.txt"), DataSource(stills, "held.txt")], CONFIG)
    assert data.sets == (3, 1)
    assert [about.split for about in (data.about, *data.further)] == ["train", "held"]


def test_videos_are_judged_by_centre(tmp_path: Path) -> None:
    root = tmp_path / "videos"
    for name in "AB":
        write_video(root, name, [f"{n},DRONE,{14 + n},15,18,14" for n in range(FRAMES)])
    (root / "videos.csv").write_text(f"name,frames,split\nA,{FRAMES},train\nB,{FRAMES},val\n")
    data = read_training_set([DataSource(root, "train", held_back="val")], CONFIG)
    assert data.validation == []
    assert data.frames


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (DataSource(Path("absent"), "train.txt"), DatasetMissingError),
        (DataSource(Path("."), "train.txt", layout="unknown"), OptionError),
    ],
)
def test_what_is_not_there_is_refused(source: DataSource, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_training_set([source], CONFIG)
    with pytest.raises(OptionError, match="no data set"):
        read_training_set([], CONFIG)


def test_a_second_annotation_file_validates_as_a_set_of_its_own(tmp_path: Path) -> None:
    root = tmp_path / "coco"
    write_images_and_masks(root, 3, 64)
    for part, categories, images in (
        ("train", [(1, "drone"), (2, "bird")], ("i0", "i1")),
        ("val", [(1, "bird"), (2, "drone")], ("i1", "i2")),
    ):
        content = {
            "images": [{"id": index, "file_name": f"{name}.png"} for index, name in enumerate(images)],
            "annotations": [
                {"image_id": index, "category_id": 1, "bbox": [3, 3, 5, 5]} for index in range(len(images))
            ],
            "categories": [{"id": number, "name": name} for number, name in categories],
        }
        (root / f"{part}.json").write_text(json.dumps(content))
    (root / "masks").rename(tmp_path / "elsewhere")
    source = DataSource(root, "train.json", layout="coco", held_back="val.json")
    data = read_training_set([source], CONFIG)
    assert [sample.name for sample in data.train] == ["i0", "i1"]
    assert [sample.name for sample in data.validation] == ["i1", "i2"]
    assert data.classes == ("drone", "bird")
    assert [sample.classes.tolist() for sample in data.validation] == [[1], [1]], "matched by name"
