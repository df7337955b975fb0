"""What a model package says about how it was made: data, training, operating point, measured figures.

Nothing here changes a detection; it tells people and reports where a package comes from. So a reader ignores
fields that it does not know, and figures may be absent: no package is refused for the lack of one.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec


class TrainingData(msgspec.Struct, frozen=True):
    """What the weights were trained on, and under which licence."""

    name: str
    """The data set."""

    split: str
    """Its part."""

    images: int
    """Images or frames in it."""

    licence: str
    """The data set's licence, or that none is stated."""

    masks: str
    """``annotated``, or ``boxes`` where the set had none and they were made from the boxes."""


class Division(msgspec.Struct, frozen=True):
    """How a trainer divided its list of images; a part of its configuration."""

    validation_fraction: float | None = None
    """Share of the list that was held back."""

    split_seed: int | None = None
    """Seed of which images were held back."""

    seed: int | None = None
    """Seed of the training; it also divided the list before there was ``split_seed``."""


class WeightsFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """The weights as they were trained, for `edge-irdet train --init` and `edge-irdet package resize`."""

    file: str
    """File in the package's directory, in safetensors format."""

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of the file."""

    bytes: Annotated[int, msgspec.Meta(ge=1)]
    """Size of the file."""

    recovered: str = ""
    """How the weights were taken from the graph, where the training's checkpoint is gone; empty otherwise."""


class TrainingRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the weights were trained."""

    config: dict[str, Any] = {}
    """Every setting of the trainer that made it, under the trainer's own names."""

    epoch: int | None = None
    """Epoch whose weights these are."""

    best_epoch: int | None = None
    """Best epoch so far when they were taken."""

    validation_map50: float | None = None
    """mAP at IoU 0.5 on the images held back."""

    validation_rate: float | None = None
    """Detection rate on the videos held back; absent without videos."""

    seconds: int | None = None
    """Time of the training."""

    machine: str = ""
    """What it ran on."""

    lineage: str = ""
    """Earlier trainings whose weights this one went on with."""

    weights: WeightsFile | None = None
    """The file of the weights; absent in packages that carry none."""

    @property
    def division(self) -> Division:
        """How the trainer divided its list; what it does not say, or says in another form, is None."""
        try:
            return msgspec.convert(self.config, Division)
        except msgspec.ValidationError:
            return Division()


class OperatingPoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """How ``postprocess.score_threshold`` was chosen, with the figures there; empty if it was not chosen."""

    rule: str = ""
    """What was asked of the threshold."""

    dataset: str = ""
    """On which images or videos."""

    nms: str = ""
    """Suppression rule that it was chosen with."""

    score_threshold: float | None = None
    """The threshold."""

    pd: float | None = None
    """Probability of detection, of images."""

    fa: float | None = None
    """Pixels of unmatched boxes / all pixels, of images."""

    found_within_5_px: float | None = None
    """Share of the targets found within 5 px, of videos."""

    false_alarms_per_frame: float | None = None
    """Unmatched detections per frame, of videos."""

    false_alarms: int | None = None
    """Unmatched detections in all."""


class GateFigures(msgspec.Struct, frozen=True, omit_defaults=True):
    """One side of the accuracy gate; rates are 0..1."""

    map50: float | None = None
    """Mean average precision at IoU 0.5."""

    ap_3px: float | None = None
    """Mean average precision at a centre distance of 3 px."""

    pd: float | None = None
    """Probability of detection."""

    fa: float | None = None
    """Pixels of unmatched boxes / all pixels."""

    false_alarms: int | None = None
    """Unmatched boxes."""


class GateVerdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reduced precision against FP32 on the same frames."""

    dataset: str = ""
    """The frames."""

    images: int | None = None
    """How many."""

    targets: int | None = None
    """Targets in them."""

    score_threshold: float | None = None
    """Lowest score that counts."""

    fp32: GateFigures | None = None
    """Figures of FP32."""

    fp16: GateFigures | None = None
    """Figures of FP16, where it was judged."""

    int8: GateFigures | None = None
    """Figures of INT8, where it was judged."""

    passed: bool | None = None
    """Whether every figure is within its bound."""

    failures: list[str] | None = None
    """What is out of bounds."""


class PrecisionFigures(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one precision of a package was measured to do, on the CPU; rates are 0..1.

    The fields up to ``saliency_fa`` are those of
    :class:`edge_irdet.evaluation.image_report.EvaluationReport`; null and absent mean the same: not measured.
    """

    dataset: str = ""
    """Name of the set and split."""

    images: int | None = None
    """Images evaluated."""

    targets: int | None = None
    """Targets in them."""

    map50: float | None = None
    """Mean average precision at IoU 0.5."""

    ap_3px: float | None = None
    """Mean average precision at a centre distance of 3 px."""

    per_class_ap50: dict[str, float | None] = {}
    """Average precision at IoU 0.5 by class name; null for a class without targets."""

    per_class_ap_3px: dict[str, float | None] = {}
    """Average precision at 3 px by class name."""

    score_threshold: float | None = None
    """Lowest score that counts for ``pd``, ``fa`` and the false alarms."""

    distance_px: float | None = None
    """Matching distance of ``pd`` and ``fa``, pixels."""

    pd: float | None = None
    """Probability of detection."""

    fa: float | None = None
    """Pixels of unmatched boxes / all pixels."""

    false_alarms: int | None = None
    """Unmatched boxes."""

    false_alarms_per_image: float | None = None
    """Unmatched boxes / images."""

    mask_source: str | None = None
    """Masks that ``iou`` and ``niou`` compare with: ``annotated`` or ``boxes``."""

    saliency_threshold: float | None = None
    """Saliency from which a pixel counts as target."""

    iou: float | None = None
    """IoU of the saliency map over the data set."""

    niou: float | None = None
    """Mean IoU of the images."""

    saliency_pd: float | None = None
    """Probability of detection of the saliency map."""

    saliency_fa: float | None = None
    """False-alarm pixels of the saliency map / all pixels."""

    cpu_ms: float | None = None
    """Median time of one inference on the CPU of the machine that calibrated, ms."""

    cpu_threads: int | None = None
    """CPU threads of that inference."""

    gate: GateVerdict | None = None
    """The accuracy gate that a reduced precision passed; absent for FP32."""

    recipe: dict[str, Any] | None = None
    """The calibration recipe, under the recipe's own names. It is kept as it was written: the identity of an
    engine holds a hash of the whole."""
