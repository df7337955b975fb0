"""Training on several data sets together, from given weights, with frames judged by centre distance."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from click.testing import CliRunner

from doubles.samples import blob_sample
from edge_irdet.cli.train import train_command
from edge_irdet.errors import CheckpointMismatchError, EdgeIrdetError, OptionError
from edge_irdet.network.light_sgmtlm import LightSGMTLM
from edge_irdet.network.variants import variant_config
from edge_irdet.provenance import TrainingData
from edge_irdet.training.batches import EpochSampler
from edge_irdet.training.checkpoint import load_checkpoint
from edge_irdet.training.config import TrainingConfig
from edge_irdet.training.data import TrainingSet, merge_training_sets
from edge_irdet.training.initial import InitialWeights, initial_weights
from edge_irdet.training.presets import preset_config
from edge_irdet.training.trainer import BEST, LAST, LOG, StepReport, Trainer
from edge_irdet.training.validation import validation_rate

CONFIG = preset_config(
    "small-target",
    "light-sgmtlm-reduced",
    size=(64, 64),
    epochs=2,
    batch=4,
    validate_every=1,
    validation_orientations=1,
    draws=(6, 4),
)
CONFIG = replace(CONFIG, augmentation=replace(CONFIG.augmentation, crop=64, clutter_crops=0.2))


@pytest.fixture
def both(training_set: TrainingSet) -> TrainingSet:
    samples = [blob_sample(f"video#{index}", 100 + index) for index in range(5)]
    about = TrainingData("videos", "train", 5, "CC0-1.0", "boxes")
    first = replace(training_set, sets=(len(training_set.train),))
    second = TrainingSet(samples[:3], [], ("target",), about, frames=samples[3:], sets=(3,))
    return merge_training_sets([first, second])


def test_each_set_gives_its_draws_and_every_image_comes_up_alike() -> None:
    sampler = EpochSampler(13, 1, 0, 0, 1, sets=(10, 3), draws=(4, 6))
    counts = np.zeros(13, int)
    orders = []
    for epoch in range(5):
        sampler.epoch = epoch
        drawn = [index for _, _, index in sampler]
        assert sum(index < 10 for index in drawn) == 4
        assert sum(index >= 10 for index in drawn) == 6
        counts += np.bincount(drawn, minlength=13)
        orders.append(drawn)
    assert counts.tolist() == [2] * 10 + [10] * 3
    sampler.epoch = 3
    assert [index for _, _, index in sampler] == orders[3], "a resume draws the same"


def test_processes_share_the_draws() -> None:
    one = list(EpochSampler(13, 1, 0, 0, 1, (10, 3), (4, 6)))
    two = [list(EpochSampler(13, 1, 0, rank, 2, (10, 3), (4, 6))) for rank in (0, 1)]
    assert sorted(two[0] + two[1]) == sorted(one)


def test_a_killed_run_on_two_sets_ends_as_an_uninterrupted_one(both: TrainingSet, tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def kill(report: StepReport) -> None:
        if (report.epoch, report.step) == (2, 1):
            raise KilledError

    whole = Trainer(CONFIG, both, tmp_path / "whole").run()
    with pytest.raises(KilledError):
        Trainer(CONFIG, both, tmp_path / "killed", on_step=kill).run()
    resumed = Trainer(CONFIG, both, tmp_path / "killed").run()
    for name, weight in whole.weights.items():
        assert torch.equal(weight, resumed.weights[name]), name
    assert (resumed.best_score, resumed.best_rate) == (whole.best_score, whole.best_rate)
    assert [data.name for data in (resumed.data, *resumed.further_data)] == ["blobs", "videos"]
    rows = list(csv.DictReader((tmp_path / "killed" / LOG).open()))
    assert all(0 <= float(row["validation_rate"]) <= 1 for row in rows)
    assert whole.best_score == pytest.approx((whole.best_map50 + (whole.best_rate or 0)) / 2)


def test_training_starts_from_given_weights_and_their_anchors(
    both: TrainingSet, training_set: TrainingSet, tmp_path: Path
) -> None:
    first = Trainer(replace(CONFIG, epochs=1, draws=()), training_set, tmp_path / "first").run()
    # At a rate of nearly nothing the weights that come out are those that went in.
    still = replace(CONFIG, epochs=1, learning_rate=1e-12, weight_decay=0.0, warm_up_epochs=0.0)
    Trainer(
        still, both, tmp_path / "second", initial=initial_weights(tmp_path / "first" / BEST).weights
    ).run()
    second = load_checkpoint(tmp_path / "second" / LAST)
    assert second.anchors == first.anchors
    for name, weight in first.weights.items():
        if name.endswith(".weight"):
            torch.testing.assert_close(second.weights[name], weight, atol=1e-6, rtol=0)


def test_initial_weights_of_another_network_are_refused(both: TrainingSet, tmp_path: Path) -> None:
    first = Trainer(replace(CONFIG, epochs=1), both, tmp_path / "first").run()
    weights = InitialWeights.of_checkpoint(first).weights
    with pytest.raises(CheckpointMismatchError, match="--init"):
        Trainer(CONFIG, both, tmp_path / "second", initial=replace(weights, variant="light-sgmtlm-s")).run()
    tensors = {name: value for name, value in weights.tensors.items() if "fpn.csp4" not in name}
    with pytest.raises(CheckpointMismatchError, match="do not fit"):
        Trainer(CONFIG, both, tmp_path / "second", initial=replace(weights, tensors=tensors)).run()


def test_clutter_is_mined_with_the_initial_weights(both: TrainingSet, tmp_path: Path) -> None:
    first = Trainer(replace(CONFIG, epochs=1), both, tmp_path / "first").run()
    mining = replace(CONFIG, epochs=1, augmentation=replace(CONFIG.augmentation, mined_clutter=True))
    weights = InitialWeights.of_checkpoint(first).weights
    Trainer(mining, both, tmp_path / "second", initial=weights).run()
    with pytest.raises(OptionError, match="--init"):
        Trainer(mining, both, tmp_path / "third").run()


def test_what_does_not_fit_together_is_refused(both: TrainingSet, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="classes"):
        merge_training_sets([both, replace(both, classes=("drone",))])
    with pytest.raises(OptionError):
        merge_training_sets([])
    with pytest.raises(OptionError, match="--draws"):
        Trainer(replace(CONFIG, draws=(4,)), both, tmp_path).run()
    with pytest.raises(OptionError, match="shares"):
        replace(CONFIG, augmentation=replace(CONFIG.augmentation, target_crops=0.9))
    with pytest.raises(OptionError, match="at least 1"):
        TrainingConfig("light-sgmtlm-reduced", draws=(0, 1))


def test_the_rate_is_between_none_and_all(both: TrainingSet) -> None:
    model = LightSGMTLM(variant_config("light-sgmtlm-reduced"), load_anchors())
    rate = validation_rate(model, both.frames, (64, 64), 114)
    assert rate is not None
    assert 0 <= rate <= 1
    assert validation_rate(model, [], (64, 64), 114) is None


def load_anchors():
    return tuple(tuple((4.0 * 2**level + k, 4.0 * 2**level + k) for k in range(3)) for level in range(3))


def write_set(root: Path, seed: int) -> None:
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    names = []
    for index in range(6):
        sample = blob_sample(f"image{index}", seed + index)
        cv2.imwrite(str(root / "images" / f"{sample.name}.png"), sample.image)
        cv2.imwrite(str(root / "masks" / f"{sample.name}.png"), sample.mask * 255)
        names.append(sample.name)
    (root / "all.txt").write_text("".join(f"{name}\n" for name in names))
    (root / "some.txt").write_text("image1\nimage4\n")


def pairs_of(root: Path) -> list[str]:
    words = []
    for seed, name in enumerate(("a", "b")):
        write_set(root / name, 10 * seed)
        words += ["--data", str(root / name), "--split", "all.txt"]
    return words


def test_the_command_line_takes_pairs(tmp_path: Path) -> None:
    pairs = pairs_of(tmp_path)
    common = ["--size", "64", "--crop", "64", "--batch", "4", "--threads", "1", "--epochs", "1"]
    lists = ["--draws", "4", "--draws", "4", "--held-back", "share", "--held-back", "some.txt"]
    chosen = ["--licence", "mine", "--target-crops", "0.5", "--clutter-crops", "0.1"]
    first = ["--run-dir", str(tmp_path / "first")]
    finished = CliRunner().invoke(train_command, [*pairs, *common, *lists, *chosen, *first])
    assert finished.exit_code == 0, finished.output
    assert "9 images to train on, 3 to validate" in " ".join(finished.output.split())
    best = load_checkpoint(tmp_path / "first" / BEST)
    assert [data.name for data in (best.data, *best.further_data)] == ["a", "b"]
    assert best.config.draws == (4, 4)
    init = ["--init", str(tmp_path / "first" / BEST), "--run-dir", str(tmp_path / "second")]
    finished = CliRunner().invoke(train_command, [*pairs, *common, *init])
    assert finished.exit_code == 0, finished.output
    second = load_checkpoint(tmp_path / "second" / BEST)
    assert second.config.started_from == "light-sgmtlm-reduced, a all, epoch 1"
    assert second.anchors == best.anchors


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (["--split", "all.txt"], "--split"),
        (["--draws", "4"], "--draws"),
        (["--licence", "x"] * 3, "--licence"),
        (["--held-back", "absent.txt"], "absent.txt"),
    ],
)
def test_options_that_pair_with_no_set_are_refused(tmp_path: Path, wrong: list[str], named: str) -> None:
    options = [*pairs_of(tmp_path), *wrong, "--size", "64", "--run-dir", str(tmp_path / "run")]
    finished = CliRunner().invoke(train_command, options)
    assert isinstance(finished.exception, EdgeIrdetError)
    assert named in str(finished.exception)
