from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge_irdet.detection.detections import Detections
from edge_irdet.errors import OptionError, OutputFailedError
from edge_irdet.evaluation.image_report import Prediction, evaluate
from edge_irdet.evaluation.sheet import CAPTION_HEIGHT, CROP, GAP, HEADER_HEIGHT, ZOOM, Finding, write_sheet

SIDE = CROP * ZOOM


def predict(sample):
    """A hit, a miss with a weak detection, a miss with none, two false alarms."""
    found = {
        "a": [((5, 2, 9, 5), 0.9), ((40, 30, 42, 32), 0.2)],
        "b": [],
        "c": [((20, 20, 23, 24), 0.8), ((57, 46, 60, 50), 0.6)],
    }[sample.name]
    return Prediction(
        Detections(
            np.array([box for box, _ in found], np.float32).reshape(-1, 4),
            np.array([score for _, score in found], np.float32),
            np.zeros(len(found), np.int64),
        )
    )


@pytest.fixture
def report(masked_dataset):
    return evaluate(predict, masked_dataset, score_threshold=0.5)


def tile(picture: np.ndarray, section_top: int, column: int) -> np.ndarray:
    left = GAP + column * (SIDE + GAP)
    return picture[section_top : section_top + SIDE, left : left + SIDE]


def pixels_of(picture: np.ndarray, finding: Finding) -> int:
    return int((picture == finding.colour).all(axis=-1).sum())


def test_sections_worst_first_in_their_colours(report, masked_dataset, tmp_path):
    path = tmp_path / "sheet.png"
    write_sheet(report, masked_dataset, path, columns=3)
    picture = cv2.imread(str(path))
    section = HEADER_HEIGHT + SIDE + CAPTION_HEIGHT + GAP
    assert picture.shape == (HEADER_HEIGHT + 3 * section, 3 * (SIDE + GAP) + GAP, 3)
    tops = [2 * HEADER_HEIGHT + index * section for index in range(3)]
    for top, finding, count in zip(tops, Finding, (2, 2, 1), strict=True):
        for column in range(3):
            assert (pixels_of(tile(picture, top, column), finding) > 0) == (column < count)
    # The miss without any detection (3x3 in image b) comes before the one just below the threshold (2x2).
    thick = [pixels_of(tile(picture, tops[0], column), Finding.MISS) for column in (0, 1)]
    assert thick[0] > thick[1]
    # The hit's tile shows the hit alone: the missed target of the same image is out of view.
    assert pixels_of(tile(picture, tops[2], 0), Finding.MISS) == 0


def test_target_is_enlarged_without_interpolation_and_not_painted_over(report, masked_dataset, tmp_path):
    path = tmp_path / "sheet.png"
    write_sheet(report, masked_dataset, path, columns=3)
    first_miss = tile(cv2.imread(str(path)), 2 * HEADER_HEIGHT, 0)
    # The 3x3 target of image b in the middle: crop from (-12, -2), so at columns and rows 22..24.
    target = first_miss[22 * ZOOM : 25 * ZOOM, 22 * ZOOM : 25 * ZOOM]
    assert (target == 255).all()
    left_of_image = first_miss[:, : 12 * ZOOM]
    assert (left_of_image.reshape(-1, 3) == left_of_image[0, 0]).all()


def test_number_of_tiles_is_limited(report, masked_dataset, tmp_path):
    path = tmp_path / "sheet.png"
    write_sheet(report, masked_dataset, path, each=1, columns=1)
    picture = cv2.imread(str(path))
    assert picture.shape[0] == HEADER_HEIGHT + 3 * (HEADER_HEIGHT + SIDE + CAPTION_HEIGHT + GAP)


def test_nothing_found_and_nothing_there(masked_dataset, tmp_path):
    empty = masked_dataset.subset(["c"])
    report = evaluate(lambda _: Prediction(Detections.none()), empty, score_threshold=0.5)
    write_sheet(report, empty, tmp_path / "sheet.png")
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[0] == 4 * HEADER_HEIGHT


def test_sixteen_bit_images_and_long_names(boxed_dataset, tmp_path):
    report = evaluate(lambda _: Prediction(Detections.none()), boxed_dataset, score_threshold=0.5)
    write_sheet(report, boxed_dataset, tmp_path / "sheet.png", columns=2)
    first = tile(cv2.imread(str(tmp_path / "sheet.png")), 2 * HEADER_HEIGHT, 0)
    assert first[SIDE // 2, SIDE // 2].tolist() == [255, 255, 255]


@pytest.mark.parametrize("wrong", [{"each": 0}, {"columns": 0}])
def test_options_out_of_range(report, masked_dataset, tmp_path, wrong):
    with pytest.raises(OptionError):
        write_sheet(report, masked_dataset, tmp_path / "sheet.png", **wrong)


def test_another_set_than_the_reports(report, masked_dataset, tmp_path):
    with pytest.raises(OptionError, match="has no image 'a'"):
        write_sheet(report, masked_dataset.subset(["b"]), tmp_path / "sheet.png")


def test_folder_that_is_not_there_leaves_nothing(report, masked_dataset, tmp_path):
    with pytest.raises(OutputFailedError):
        write_sheet(report, masked_dataset, tmp_path / "nowhere" / "sheet.png")
    assert not (tmp_path / "nowhere").exists()
