from __future__ import annotations

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edge_irdet.dataset.sample import Sample
from edge_irdet.detection.sixteen_bit.text import parse_mapping
from edge_irdet.errors import (
    CheckpointInvalidError,
    CheckpointMismatchError,
    OutputFailedError,
    TrainingDivergedError,
)
from edge_irdet.training.checkpoint import load_checkpoint
from edge_irdet.training.config import TrainingConfig
from edge_irdet.training.data import TrainingSet
from edge_irdet.training.presets import preset_config
from edge_irdet.training.processes import TrainingProcess
from edge_irdet.training.trainer import BEST, LAST, LOG, EpochReport, StepReport, Trainer, _Run

CONFIG = preset_config(
    "small-target",
    "light-sgmtlm-reduced",
    size=(64, 64),
    epochs=3,
    batch=4,
    samples_per_image=1,
    validate_every=1,
    half_resolution_epochs=0.5,
    validation_orientations=1,
)
CONFIG = replace(CONFIG, augmentation=replace(CONFIG.augmentation, crop=64))


class KilledError(Exception):
    pass


def kill_at(epoch: int, step: int):
    def on_step(report: StepReport) -> None:
        if (report.epoch, report.step) == (epoch, step):
            raise KilledError

    return on_step


@pytest.mark.parametrize("preset", ["small-target", "paper"])
def test_a_killed_run_ends_as_an_uninterrupted_one(
    preset: str, training_set: TrainingSet, tmp_path: Path
) -> None:
    config = (
        CONFIG
        if preset == "small-target"
        else preset_config("paper", "light-sgmtlm-reduced", size=(64, 64), epochs=3, batch=4)
    )
    whole = Trainer(config, training_set, tmp_path / "whole").run()
    for epoch, step in ((1, 2), (2, 1), (3, 2)):
        with pytest.raises(KilledError):
            Trainer(config, training_set, tmp_path / "killed", on_step=kill_at(epoch, step)).run()
    resumed = Trainer(config, training_set, tmp_path / "killed").run()
    assert resumed.best_epoch == whole.best_epoch
    assert resumed.best_map50 == whole.best_map50
    last = [load_checkpoint(tmp_path / run / LAST) for run in ("whole", "killed")]
    for name, weight in last[0].weights.items():
        assert torch.equal(weight, last[1].weights[name]), name
    logs = [(tmp_path / run / LOG).read_text().splitlines() for run in ("whole", "killed")]
    without_time = [[row[:-1] for row in csv.reader(log)] for log in logs]
    assert without_time[0] == without_time[1]
    assert [row[0] for row in without_time[0]] == ["epoch", "1", "2", "3"]


def test_the_edge_variant_trains_and_resumes_with_the_field_recipe(
    training_set: TrainingSet, tmp_path: Path
) -> None:
    config = preset_config(
        "field", "light-sgmtlm-edge", size=(64, 64), epochs=2, batch=4, samples_per_image=1, validate_every=1
    )
    config = replace(config, augmentation=replace(config.augmentation, crop=64))
    Trainer(config, training_set, tmp_path / "whole").run()
    with pytest.raises(KilledError):
        Trainer(config, training_set, tmp_path / "killed", on_step=kill_at(2, 1)).run()
    Trainer(config, training_set, tmp_path / "killed").run()
    whole, resumed = (load_checkpoint(tmp_path / run / LAST) for run in ("whole", "killed"))
    assert len(whole.anchors) == 3
    for name, weight in whole.weights.items():
        assert torch.equal(weight, resumed.weights[name]), name


def test_held_back_images_are_judged_inverted_too(training_set: TrainingSet, tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=1, validation_inverted=True)
    run = _Run(Trainer(config, training_set, tmp_path), TrainingProcess(0, 1, torch.device("cpu")))
    count = len(training_set.validation)
    assert len(run.validation) == 2 * count
    for plain, other in zip(run.validation[:count], run.validation[count:], strict=True):
        assert (plain.image.astype(int) + other.image == 255).all()
        assert (plain.boxes == other.boxes).all()


def test_it_learns_and_reports(training_set: TrainingSet, tmp_path: Path) -> None:
    reports: list[EpochReport] = []
    config = replace(CONFIG, epochs=6, samples_per_image=6, learning_rate=5e-3, warm_up_epochs=0.5)
    Trainer(config, training_set, tmp_path, on_epoch=reports.append).run()
    assert [report.epoch for report in reports] == [1, 2, 3, 4, 5, 6]
    assert reports[-1].losses["total"] < 0.6 * reports[0].losses["total"]
    assert all(report.map50 is not None for report in reports)


def test_going_on_with_other_options_is_refused(training_set: TrainingSet, tmp_path: Path) -> None:
    Trainer(replace(CONFIG, epochs=1), training_set, tmp_path).run()
    changed = replace(CONFIG, epochs=1, seed=7, loss=replace(CONFIG.loss, confidence_follows_iou=0.25))
    with pytest.raises(CheckpointMismatchError) as caught:
        Trainer(changed, training_set, tmp_path).run()
    assert "seed: 0 then, 7 now" in caught.value.what
    assert (
        f"loss.confidence_follows_iou: {CONFIG.loss.confidence_follows_iou} then, 0.25 now"
        in caught.value.what
    )
    assert "--run-dir" in caught.value.next_step
    other = replace(training_set, about=replace_name(training_set, "other"))
    with pytest.raises(CheckpointMismatchError):
        Trainer(replace(CONFIG, epochs=1), other, tmp_path).run()


def test_a_run_may_grow_and_not_shrink(training_set: TrainingSet, tmp_path: Path) -> None:
    Trainer(replace(CONFIG, epochs=1), training_set, tmp_path).run()
    reports: list[EpochReport] = []
    Trainer(replace(CONFIG, epochs=2), training_set, tmp_path, on_epoch=reports.append).run()
    assert [report.epoch for report in reports] == [2]
    with pytest.raises(CheckpointMismatchError, match="epochs: 2 then, 1 now"):
        Trainer(replace(CONFIG, epochs=1), training_set, tmp_path).run()


@pytest.mark.parametrize("side", ["labels", "pixels", "list of images"])
def test_data_that_changed_under_a_run_are_refused(
    side: str, training_set: TrainingSet, tmp_path: Path
) -> None:
    Trainer(replace(CONFIG, epochs=1), training_set, tmp_path).run()
    first, *others = training_set.train
    changed = {
        "labels": replace(first, boxes=first.boxes + 1),
        "pixels": replace(first, image=255 - first.image),
        "list of images": replace(first, name="renamed"),
    }[side]
    data = replace(training_set, train=[changed, *others])
    with pytest.raises(CheckpointMismatchError, match=f"the {side}.* of the data changed since"):
        Trainer(replace(CONFIG, epochs=2), data, tmp_path).run()


def test_without_a_target_to_measure_the_last_epoch_is_kept(
    training_set: TrainingSet, tmp_path: Path
) -> None:
    def emptied(sample: Sample) -> Sample:
        mask = np.zeros_like(sample.mask)
        return replace(sample, boxes=sample.boxes[:0], classes=sample.classes[:0], mask=mask)

    data = replace(training_set, validation=[emptied(sample) for sample in training_set.validation])
    assert any("no epoch can be measured" in text for text in data.warnings())
    best = Trainer(replace(CONFIG, epochs=2), data, tmp_path).run()
    assert best.epoch == 2
    assert best.best_epoch == 2


@pytest.mark.parametrize("rate", [1e30, 1e12])
def test_a_diverged_training_stops_with_its_last_finite_state(
    rate: float, training_set: TrainingSet, tmp_path: Path
) -> None:
    Trainer(replace(CONFIG, epochs=1), training_set, tmp_path / "sound").run()
    config = replace(CONFIG, epochs=3, learning_rate=rate, warm_up_epochs=0, gradient_clip=1e30)
    with pytest.raises(TrainingDivergedError, match=r"epoch \d, step \d"):
        Trainer(config, training_set, tmp_path / "wild").run()
    for name in (BEST, LAST):
        if (tmp_path / "wild" / name).is_file():
            weights = load_checkpoint(tmp_path / "wild" / name).weights
            assert all(torch.isfinite(weight).all() for weight in weights.values())


def test_a_file_in_place_of_the_run_folder(training_set: TrainingSet, tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    for place in (tmp_path / "run", tmp_path / "run" / "below"):
        with pytest.raises(OutputFailedError, match="cannot be made"):
            Trainer(replace(CONFIG, epochs=1), training_set, place).run()


def test_the_checkpoint_carries_the_mapping(training_set: TrainingSet, tmp_path: Path) -> None:
    mapping = parse_mapping("fixed-range:100,900")
    Trainer(replace(CONFIG, epochs=1), replace(training_set, sixteen_bit=mapping), tmp_path).run()
    assert load_checkpoint(tmp_path / BEST).sixteen_bit == mapping


def replace_name(training_set: TrainingSet, name: str):
    import msgspec

    return msgspec.structs.replace(training_set.about, name=name)


def test_a_finished_run_is_not_trained_again(training_set: TrainingSet, tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=1)
    first = Trainer(config, training_set, tmp_path).run()
    steps: list[StepReport] = []
    again = Trainer(config, training_set, tmp_path, on_step=steps.append).run()
    assert not steps
    assert again.best_map50 == first.best_map50


def test_a_damaged_checkpoint_is_refused(training_set: TrainingSet, tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=1)
    Trainer(config, training_set, tmp_path).run()
    content = (tmp_path / LAST).read_bytes()
    (tmp_path / LAST).write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointInvalidError):
        Trainer(config, training_set, tmp_path).run()
    (tmp_path / LAST).write_bytes(b"")
    with pytest.raises(CheckpointInvalidError):
        load_checkpoint(tmp_path / LAST)


class Payload:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return (Path.touch, (self.marker,))


def test_loading_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    torch.save({"edge_irdet_checkpoint": 1, "about": Payload(marker)}, tmp_path / "evil.pt")
    with pytest.raises(CheckpointInvalidError):
        load_checkpoint(tmp_path / "evil.pt")
    assert not marker.exists()


def test_the_best_checkpoint_carries_only_what_export_needs(
    training_set: TrainingSet, tmp_path: Path
) -> None:
    Trainer(replace(CONFIG, epochs=1), training_set, tmp_path).run()
    best = load_checkpoint(tmp_path / BEST)
    assert best.resume == {}
    assert best.data == training_set.about
    assert best.config == replace(CONFIG, epochs=1)
    assert isinstance(best.config, TrainingConfig)


def test_two_processes_train_one_model(training_set: TrainingSet, tmp_path: Path) -> None:
    """As a user starts it: torchrun over the command line, on a set in the NUAA layout."""
    samples = [*training_set.train, *training_set.validation]
    for folder in ("images", "masks"):
        (tmp_path / "set" / folder).mkdir(parents=True)
    for sample in samples:
        cv2.imwrite(str(tmp_path / "set" / "images" / f"{sample.name}.png"), sample.image)
        cv2.imwrite(str(tmp_path / "set" / "masks" / f"{sample.name}.png"), sample.mask * 255)
    (tmp_path / "all.txt").write_text("".join(f"{sample.name}\n" for sample in samples))
    run = tmp_path / "run"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "-m", "edge_irdet", "train"]
    command += ["--data", str(tmp_path / "set"), "--split", str(tmp_path / "all.txt"), "--run-dir", str(run)]
    command += ["--size", "64", "--crop", "64", "--batch", "4", "--epochs", "2", "--threads", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    finished = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert load_checkpoint(run / LAST).epoch == 2
    assert len((run / LOG).read_text().splitlines()) == 3
    assert "done: best validation" in finished.stdout
