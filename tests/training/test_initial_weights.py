"""Trainings start from a package's weights, also for other classes, other sizes and their own images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edge_irdet.network.decode import decode_levels
from edge_irdet.network.variants import build_network, variant_config
from edge_irdet.package import shipped_packages
from edge_irdet.scene.config import Clutter, SceneConfig
from edge_irdet.scene.scene import SyntheticScene
from edge_irdet.training.checkpoint import load_checkpoint
from edge_irdet.training.data import TrainingSet
from edge_irdet.training.initial import initial_weights
from edge_irdet.training.presets import preset_config
from edge_irdet.training.trainer import LAST, Trainer

CONFIG = preset_config(
    "small-target",
    "light-sgmtlm-reduced",
    size=(96, 64),
    epochs=1,
    batch=4,
    samples_per_image=1,
    validate_every=1,
    validation_orientations=1,
    learning_rate=1e-9,
)
CONFIG = replace(CONFIG, augmentation=replace(CONFIG.augmentation, crop=64))


@pytest.mark.parametrize("name", shipped_packages())
def test_one_epoch_from_a_shipped_package(name: str, training_set: TrainingSet, tmp_path: Path) -> None:
    initial = initial_weights(name)
    assert initial.weights.starting_anew(training_set.classes) == ["the saliency head"]
    best = Trainer(CONFIG, training_set, tmp_path, initial=initial.weights).run()
    np.testing.assert_allclose(best.anchors, initial.weights.anchors, rtol=1e-6)
    assert best.best_map50 > 0.5  # bright rectangles, which neither package has seen
    for tensor, value in initial.weights.tensors.items():
        if tensor.endswith("conv.weight"):
            torch.testing.assert_close(best.weights[tensor], value, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", shipped_packages())
def test_batch_statistics_of_a_training_do_not_undo_the_weights(name: str) -> None:
    """In training mode a normalisation takes the statistics of its batch, near those that were recovered."""
    frames = [
        SyntheticScene(SceneConfig(clutter=Clutter.TREELINE, seed=seed)).render(30) for seed in range(8)
    ]
    batch = np.stack([frame.image for frame in frames])[:, None, :256, :320]
    images = torch.from_numpy(batch).float().div(255).expand(-1, 3, -1, -1)
    network = initial_weights(name).weights.network()
    best = {}
    for training in (False, True):
        with torch.no_grad():
            levels = network.train(training)(images).levels
            _, scores = decode_levels(levels, network.det.anchors, network.det.strides)
        best[training] = scores.amax((1, 2))
        network.eval()
    assert best[False].min() > 0.8
    assert best[True].mean() > 0.7


@pytest.mark.parametrize(
    ("known", "wanted", "anew"),
    [
        (("target",), ("drone",), "drone"),
        (("target",), ("bird", "target"), "bird"),
        (("drone", "bird"), ("bird", "drone"), ""),
        (("drone", "bird", "plane"), ("plane",), ""),
        (("drone", "bird"), ("plane", "bird", "kite"), "plane, kite"),
    ],
)
def test_classes_are_known_by_name(known: tuple[str, ...], wanted: tuple[str, ...], anew: str) -> None:
    shipped = initial_weights("light-sgmtlm-reduced").weights
    torch.manual_seed(4)
    network = build_network(variant_config(shipped.variant, len(known)), shipped.anchors)
    weights = replace(shipped, classes=known, tensors=network.state_dict())
    torch.manual_seed(5)
    other = build_network(variant_config(shipped.variant, len(wanted)), shipped.anchors)
    before = [conv.weight.detach().clone() for conv in other.det.convs]
    weights.load_into(other, shipped.variant, wanted)
    assert weights.starting_anew(wanted) == ([f"the outputs of the classes {anew}"] if anew else [])
    for conv, fresh, old in zip(other.det.convs, before, network.det.convs, strict=True):
        shape = (3, 5 + len(wanted), -1)
        found, untouched = conv.weight.detach().reshape(shape), fresh.reshape(shape)
        source = old.weight.detach().reshape(3, 5 + len(known), -1)
        assert torch.equal(found[:, :5], source[:, :5])
        for index, name in enumerate(wanted):
            row = source[:, 5 + known.index(name)] if name in known else untouched[:, 5 + index]
            assert torch.equal(found[:, 5 + index], row)


def test_a_training_with_other_classes(training_set: TrainingSet, tmp_path: Path) -> None:
    weights = initial_weights("light-sgmtlm-reduced").weights
    named = replace(training_set, classes=("bird", "drone"))
    best = Trainer(CONFIG, named, tmp_path, initial=weights).run()
    assert best.classes == ("bird", "drone")
    assert load_checkpoint(tmp_path / LAST).weights["det.convs.0.weight"].shape[0] == 3 * 7
    # Boxes and confidence know the targets from the start, whatever they are called.
    renamed = Trainer(CONFIG, replace(training_set, classes=("drone",)), tmp_path / "one", initial=weights)
    assert renamed.run().best_map50 > 0.5
