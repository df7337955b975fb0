from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from doubles.image_files import ImageWriter
from doubles.real_data import REAL_DATA


@pytest.fixture
def nuaa_root(tmp_path: Path, write_image: ImageWriter, ramp: NDArray[np.uint8]) -> Path:
    """Three images with masks: two targets, one target, none."""
    root = tmp_path / "set"
    mask = np.zeros((30, 40), np.uint8)
    mask[2:4, 5:8] = 255
    mask[4, 8] = 255  # touches the first by a corner: the same target when 8-connected
    mask[20, 30] = 255
    for name, values in (("a", mask), ("b", mask * (np.arange(30) < 10)[:, None]), ("c", mask * 0)):
        write_image(root / "images" / f"{name}.png", ramp)
        write_image(root / "masks" / f"{name}.png", values)
    return root


@pytest.fixture
def yolo_root(tmp_path: Path, write_image: ImageWriter, ramp: NDArray[np.uint8]) -> Path:
    root = tmp_path / "set"
    write_image(root / "images" / "a.png", ramp)
    write_image(root / "images" / "b.png", ramp)
    (root / "labels").mkdir()
    (root / "labels" / "a.txt").write_text("1 0.25 0.5 0.1 0.2\n\n0 0.5 0.1 0.05 0.1\n")
    (root / "classes.txt").write_text("drone\nbird\n")
    return root


@pytest.fixture
def coco_content() -> dict[str, Any]:
    return {
        "images": [
            {"id": 7, "file_name": "a.png", "width": 40, "height": 30},
            {"id": 0, "file_name": "sub/b.png"},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 9, "bbox": [5, 2, 3, 2.5], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 4, "bbox": [30, 20, 1, 1], "area": 1},
        ],
        "categories": [{"id": 9, "name": "bird"}, {"id": 4, "name": "drone"}],
    }


@pytest.fixture
def coco_root(
    tmp_path: Path, write_image: ImageWriter, ramp: NDArray[np.uint8], coco_content: dict[str, Any]
) -> Path:
    root = tmp_path / "set"
    write_image(root / "images" / "a.png", ramp)
    write_image(root / "images" / "sub" / "b.png", ramp)
    (root / "annotations").mkdir()
    (root / "annotations" / "instances_all.json").write_text(json.dumps(coco_content))
    return root


VOC_TEMPLATE = """<annotation>
  <size><width>{width}</width><height>{height}</height><depth>1</depth></size>
  {objects}
</annotation>"""


@pytest.fixture
def voc_xml() -> Callable[..., str]:
    """Text of an annotation file with the given (name, xmin, ymin, xmax, ymax)."""

    def text(*objects: tuple[Any, ...], width: int = 40, height: int = 30) -> str:
        shown = "".join(
            f"<object><name>{name}</name><difficult>1</difficult><bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin>"
            f"<xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox></object>"
            for name, xmin, ymin, xmax, ymax in objects
        )
        return VOC_TEMPLATE.format(width=width, height=height, objects=shown)

    return text


@pytest.fixture
def voc_root(
    tmp_path: Path, write_image: ImageWriter, ramp: NDArray[np.uint8], voc_xml: Callable[..., str]
) -> Path:
    root = tmp_path / "set"
    write_image(root / "JPEGImages" / "a.png", ramp)
    write_image(root / "JPEGImages" / "b.png", ramp)
    (root / "Annotations").mkdir()
    (root / "Annotations" / "a.xml").write_text(voc_xml(("drone", 6, 3, 8, 4), ("bird", 40, 30, 40, 30)))
    (root / "Annotations" / "b.xml").write_text(voc_xml())
    (root / "ImageSets" / "Main").mkdir(parents=True)
    (root / "ImageSets" / "Main" / "test.txt").write_text("b\n")
    return root


@pytest.fixture
def nuaa_sirst() -> Path:
    """The real NUAA-SIRST set."""
    root = REAL_DATA / "nuaa_sirst"
    if not (root / "manifest.csv").is_file():
        pytest.skip(f"NUAA-SIRST is not at {root}; set EDGE_IRDET_DATA to the folder that holds nuaa_sirst/")
    return root
