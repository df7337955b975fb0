"""``synthetic:treeline`` keeps to what was measured in the videos that it is modelled on."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_irdet.errors import OptionError
from edge_irdet.scene import Clutter, SceneConfig, SyntheticScene, usual_scene
from edge_irdet.stream.sources.synthetic import scene_config
from edge_irdet.stream.uri import parse_uri

SEEDS = range(30)


def empty_frames() -> list[NDArray[np.float64]]:
    scenes = (SyntheticScene(usual_scene(Clutter.TREELINE, seed=seed, targets=0)) for seed in SEEDS)
    return [scene.render(0).image.astype(np.float64) for scene in scenes]


def test_sky_and_trees_have_the_levels_of_the_videos() -> None:
    levels, deviations, skylines = [], [], []
    for frame in empty_frames():
        rows = np.median(frame, axis=1)
        skyline = int(np.argmax(rows > 170))
        sky = slice(10, skyline - 60)
        mean = cv2.blur(frame, (21, 21))
        local = np.sqrt(np.maximum(cv2.blur(frame * frame, (21, 21)) - mean * mean, 0))
        skylines.append(skyline / len(rows))
        levels.append(float(np.median(frame[sky])))
        deviations.append(float(np.median(local[sky])))
        assert rows[skyline - 15 : skyline].min() < 0.5 * levels[-1], "the halo over the trees"
    assert 0.65 < min(skylines) < np.median(skylines) < max(skylines) < 0.9
    assert 45 < min(levels) < max(levels) < 117
    assert 1.3 < np.median(deviations) < 4.5, "the videos' quartiles"
    assert 0.8 < min(deviations) < max(deviations) < 13.2, "their 5th and 95th percentile"


def test_targets_have_the_sizes_and_the_clarity_of_the_videos() -> None:
    widths, ratios, heights = [], [], []
    for seed in SEEDS:
        scene = SyntheticScene(usual_scene(Clutter.TREELINE, seed=seed))
        for index in range(0, 600, 100):
            truth = scene.render(index).truth
            widths += (truth.boxes[:, 2] - truth.boxes[:, 0]).tolist()
            ratios += truth.scr.tolist()
            heights += (truth.centroids[:, 1] / scene.config.height).tolist()
    # Medians of the videos: 5 px, 37, 0.44; their quartiles bound what is allowed here.
    assert 3 <= np.median(widths) <= 7
    assert 17 <= np.median(ratios) <= 72
    assert 0.31 <= np.median(heights) <= 0.53
    assert min(ratios) > 0, "no target of the videos is colder than its surroundings"


def test_a_contrast_is_the_peak_whatever_lies_behind() -> None:
    config = usual_scene(Clutter.TREELINE, targets=4, contrast=(60.0, 60.0), bits=16, noise=0.0, seed=3)
    with_targets, without = (
        SyntheticScene(config),
        SyntheticScene(usual_scene(Clutter.TREELINE, targets=0, bits=16, noise=0.0, seed=3)),
    )
    added = (with_targets.render(30).image.astype(float) - without.render(30).image) / 16
    assert 0.7 * 60 < added.max() <= 61


def test_a_uri_names_the_usual_scene_and_may_change_it() -> None:
    for text, expected in (
        ("synthetic:treeline", usual_scene(Clutter.TREELINE)),
        ("synthetic:treeline?seed=4&bits=16", usual_scene(Clutter.TREELINE, seed=4, bits=16)),
        ("synthetic:cloud", SceneConfig(Clutter.CLOUD)),
        ("synthetic:", SceneConfig()),
    ):
        assert scene_config(text, parse_uri(text)) == expected


@pytest.mark.parametrize("contrast", [(0.0, 10.0), (20.0, 10.0), (10.0, 256.0)])
def test_a_contrast_out_of_range_is_refused(contrast: tuple[float, float]) -> None:
    with pytest.raises(OptionError, match="contrast"):
        SceneConfig(contrast=contrast)
