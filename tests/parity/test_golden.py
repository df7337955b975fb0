"""Python meets the golden arrays that C++ meets: those of preprocess are in tests/detection."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from golden import write_manifests, write_measurement, write_nms, write_tracking

from edge_irdet.detection.measurement import measure


def test_manifests(tmp_path: Path) -> None:
    lines = (write_manifests.FOLDER / "cases.txt").read_text().splitlines()
    stated = {line.split()[0]: line.split()[1] for line in lines if not line.startswith("#")}
    found = {
        f"{name}.json": write_manifests.verdict(content, tmp_path)
        for name, content in write_manifests.contents().items()
    }
    assert found == stated
    assert sum(code != "ok" for code in stated.values()) >= 40


@pytest.mark.parametrize("name", sorted(write_nms.CASES))
def test_suppression(name: str) -> None:
    folder, (frame, spec) = write_nms.FOLDER, write_nms.CASES[name]
    for part, array in zip(("boxes", "scores"), frame, strict=True):
        assert np.load(folder / f"{name}.{part}.npy").tobytes() == array.tobytes()
    found = write_nms.expected(frame, spec)
    path = folder / f"{name}.out.npy"
    assert (found is None) == (not path.exists())
    if found is not None:
        assert np.load(path).tobytes() == found.tobytes()


@pytest.mark.parametrize("name", sorted(write_measurement.CASES))
def test_measurement(name: str) -> None:
    folder = write_measurement.FOLDER
    measured = measure(np.load(folder / f"{name}.image.npy"), np.load(folder / f"{name}.boxes.npy"))
    expected = np.load(folder / f"{name}.out.npy")
    np.testing.assert_allclose(measured.centroids, expected[:, :2], rtol=0, atol=1e-6)
    np.testing.assert_allclose(measured.scr, expected[:, 2], rtol=1e-9)


@pytest.mark.parametrize("name", sorted(write_tracking.CASES))
def test_tracking(name: str) -> None:
    folder, (_, _, config) = write_tracking.FOLDER, write_tracking.CASES[name]
    frames, detections = (np.load(folder / f"{name}.{part}.npy") for part in ("frames", "detections"))
    ids, tracks = write_tracking.track(config, frames, detections)
    np.testing.assert_array_equal(ids, np.load(folder / f"{name}.ids.npy"))
    np.testing.assert_allclose(tracks, np.load(folder / f"{name}.tracks.npy"), rtol=0, atol=1e-6)
