"""Configuration of a training run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edge_irdet.dataset.splits import SPLIT_SEED, VALIDATION_FRACTION
from edge_irdet.errors import OptionError
from edge_irdet.network.variants import variant_config
from edge_irdet.training.anchors import AnchorLayout


@dataclass(frozen=True)
class AssignmentConfig:
    """Which anchors answer for which target."""

    anchor_ratio: float = 4.0
    """A target matches an anchor when neither side differs by more than this factor (YOLOv5's 4)."""

    neighbour_cells: bool = True
    """Also assign the nearest horizontal and vertical neighbour cell, as YOLOv5 does."""

    side_range: tuple[tuple[float, float], ...] = ((0.0, 1e9), (0.0, 1e9), (0.0, 1e9))
    """Per level of the variant, finest first: smallest and largest longer side, in network pixels, that the
    level answers for. A cell of 32 px places a 4 px target to a pixel only by luck."""


@dataclass(frozen=True)
class LossConfig:
    """Weights of the joint loss (eq. 8 to 16). All sums are divided by the number of assigned anchors."""

    saliency: float = 1.0
    """lambda_1 of eq. 8."""

    detection: float = 1.0
    """lambda_2 of eq. 8."""

    box: float = 1.0
    """lambda_coord of eq. 13."""

    confidence: float = 1.0
    """Weight of the confidence term, eq. 15."""

    classification: float = 1.0
    """Weight of the class term, eq. 16."""

    no_object: float = 0.5
    """lambda_noobj of eq. 15: weight of the anchors that answer for no target."""

    confidence_follows_iou: float = 0.0
    """r in 0..1: the confidence target of an assigned anchor is (1 - r) + r * IoU. The paper's is 1 (r = 0);
    with r > 0 the score also says how well the box sits, which orders boxes for AP and NMS."""

    nwd: float = 0.0
    """Share of 1 - NWD (normalised Wasserstein distance, arXiv:2110.13389) in the box loss beside 1 - GIoU.
    GIoU is flat for 3 px boxes that miss by 3 px; NWD still pulls."""

    nwd_scale: float = 8.0
    """C of the NWD, in network pixels: about the data set's mean target side."""


DEGRADED_SHARE = 0.3
"""Share of the samples that each degradation that is switched on is applied to, by itself."""


@dataclass(frozen=True)
class AugmentationConfig:
    """How a training sample is made from an image."""

    crop: int | None = None
    """Side of the square crop in network pixels, a multiple of 32; None trains on whole images."""

    target_crops: float = 0.75
    """Share of the crops that are placed around a target."""

    clutter_crops: float = 0.0
    """Share of the crops that are placed around a small bright spot that is no target
    (:func:`edge_irdet.training.clutter.clutter_spots`); the rest lies anywhere."""

    border_crops: float = 0.0
    """Share of the crops that end at a border of the image or up to ``rim`` beyond it: what lies in the last
    rows has half of its surroundings, and crops that lie anywhere seldom show that."""

    rim: float = 0.1
    """Farthest that a crop reaches beyond the image, as a share of its side. A letterboxed frame of 5:4 has
    bars of a tenth of the network's side, 0.17 of a crop of 192 in 320."""

    scale: tuple[float, float] = (1.0, 1.0)
    """Range of the random scale, on top of the letterbox scale."""

    mined_clutter: bool = False
    """Take as such spots the false alarms of the weights that training starts from, where an image has some
    (hard-negative mining): what deceives the network is seldom what is brightest."""

    flip: bool = True
    """Random horizontal and vertical flips, each with probability 0.5."""

    transpose: bool = False
    """Random swap of the axes with probability 0.5; with the flips this gives all eight orientations."""

    gain: tuple[float, float] = (0.8, 1.2)
    """Range of the random contrast factor about the image's mean."""

    bias: float = 25.0
    """Largest random brightness offset, grey levels."""

    noise: float = 0.0
    """Largest standard deviation of added Gaussian noise, grey levels."""

    pasted_targets: int = 0
    """Up to this many targets of other images are added to a sample (copy-paste)."""

    pasted_scale: tuple[float, float] = (1.0, 1.0)
    """Range of the factor by which a pasted target is scaled; its longer side stays within 1.5 to 40 px."""

    dark_targets: float = 0.0
    """Share of the pasted targets that are darker than their surroundings, where these leave room below."""

    dim_targets: float = 0.0
    """Share of the pasted targets that are dimmed until they differ from their surroundings by 5 to 20 grey
    levels at most."""

    native_scale: float = 0.0
    """Share of the crops whose ``scale`` is of the image's own pixels instead of the letterboxed ones: what
    the network sees of a frame larger than its input when that is cut into tiles."""

    inversion: float = 0.0
    """Share of the samples that are inverted, as a camera set to black-hot gives them."""

    gamma: float = 1.0
    """Largest exponent of the grey levels, 1 / it the smallest; of :data:`DEGRADED_SHARE` of samples."""

    blur: float = 0.0
    """Largest standard deviation of a Gaussian blur, pixels; of :data:`DEGRADED_SHARE` of the samples."""

    stripes: float = 0.0
    """Largest standard deviation of offsets of whole rows or columns, grey levels, as uncooled sensors show
    them; of :data:`DEGRADED_SHARE` of the samples."""

    least_contrast: float = 0.0
    """Grey levels: a target whose mean differs from its surroundings by less after all this, or that their
    noise hides, loses its label; 0 keeps every label."""

    hot_pixels: int = 0
    """Most isolated bright or dark pixels, which are no targets; of :data:`DEGRADED_SHARE` of the samples."""


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides what a training run computes; stored in the checkpoint and the manifest."""

    variant: str
    """Name in :data:`edge_irdet.network.variants.VARIANTS`."""

    preset: str = "paper"
    """Name of the preset that the other fields started from."""

    size: tuple[int, int] = (320, 320)
    """Network input (width, height) that the model is validated and exported at; multiples of 32."""

    epochs: int = 50
    """Number of epochs."""

    batch: int = 8
    """Samples a step, over all processes."""

    samples_per_image: int = 1
    """Samples drawn from each image in an epoch; more than 1 makes sense with crops."""

    draws: tuple[int, ...] = ()
    """With several data sets, samples drawn from each in an epoch, whatever its number of images; empty draws
    every image ``samples_per_image`` times."""

    started_from: str = ""
    """The weights that training started from; empty where they were random."""

    learning_rate: float = 1e-3
    """Peak learning rate."""

    weight_decay: float = 5e-4
    """Weight decay: Adam's L2 term with ``optimizer="adam"``, decoupled with ``"adamw"``."""

    optimizer: Literal["adam", "adamw"] = "adam"
    """The paper trains with Adam."""

    schedule: Literal["constant", "cosine"] = "constant"
    """Learning rate over the epochs; ``cosine`` falls to 1 % of the peak."""

    warm_up_epochs: float = 0.0
    """Epochs over which the learning rate rises linearly from 0."""

    ema_decay: float = 0.0
    """Decay of the exponential moving average of the weights that is validated and exported; 0 is off."""

    gradient_clip: float = 10.0
    """Largest global gradient norm."""

    half_resolution_epochs: float = 0.0
    """Share of the epochs, from the first, in which the saliency head runs at 1/2 resolution whatever the
    variant. Its weights do not depend on it, and the reduced model trains twice as fast on a CPU."""

    anchors: AnchorLayout = "sorted"
    """``sorted``: k-means anchors, three a level by area. ``small``: three k-means anchors on the finest
    level, twice and four times as large on the next ones, for sets in which nearly all targets belong on the
    finest. ``ranges``: three of the boxes in each level's range, for sets with targets of all sizes."""

    precision: Literal["fp32", "bf16"] = "bf16"
    """Autocast dtype of forward and backward; losses are FP32."""

    validation_fraction: float = VALIDATION_FRACTION
    """Share of the split list held back to choose the epoch."""

    split_seed: int = SPLIT_SEED
    """Seed of which images are held back: runs of several seeds are judged on the same ones."""

    validation_orientations: int = 1
    """In how many orientations (1 to 8, flips and swapped axes) each validation image is judged. One box that
    crosses IoU 0.5 moves the mAP of 45 images by two points; in eight orientations the epoch that is chosen
    is less of a lucky one."""

    validation_inverted: bool = False
    """Judge each held-back image and video frame a second time with its grey levels inverted."""

    validate_every: int = 1
    """Epochs between two validations; the last epoch is always validated."""

    seed: int = 0
    """Seed of initial weights, order and augmentation."""

    loss: LossConfig = field(default_factory=LossConfig)
    """Weights of the joint loss."""

    assignment: AssignmentConfig = field(default_factory=AssignmentConfig)
    """Anchor assignment."""

    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    """Augmentation."""

    def __post_init__(self) -> None:
        levels = len(variant_config(self.variant).strides)
        if len(self.assignment.side_range) != levels:
            raise OptionError(
                f"the assignment has ranges for {len(self.assignment.side_range)} levels, {self.variant} has "
                f"{levels}",
                "give one range of sides for each level",
            )
        width, height = self.size
        crop = self.augmentation.crop
        if width < 32 or height < 32 or width % 32 or height % 32:
            raise OptionError(
                f"the size {width}x{height} is not a multiple of 32", "choose for example --size 320x320"
            )
        if crop is not None and (crop < 32 or crop % 32):
            raise OptionError(f"the crop {crop} is not a multiple of 32", "choose for example --crop 192")
        if self.epochs < 1 or self.batch < 1 or self.samples_per_image < 1 or self.validate_every < 1:
            raise OptionError(
                f"epochs {self.epochs}, batch {self.batch}, samples an image {self.samples_per_image} and "
                f"validate-every {self.validate_every} all start at 1",
                "choose at least 1 for each",
            )
        if any(draws < 1 for draws in self.draws):
            raise OptionError(f"the draws are {self.draws}", "draw at least 1 sample from each data set")
        crops = self.augmentation
        shares = crops.target_crops, crops.clutter_crops, crops.border_crops
        if min(shares) < 0 or sum(shares) > 1:
            raise OptionError(
                f"target crops {shares[0]:g}, clutter crops {shares[1]:g} and border crops {shares[2]:g} are "
                "no shares of one whole",
                "choose for example --target-crops 0.5 --clutter-crops 0.25 --border-crops 0.1",
            )
        rates = crops.dark_targets, crops.dim_targets, crops.native_scale, crops.inversion
        if min(rates) < 0 or max(rates) > 1:
            raise OptionError(
                f"dark targets {rates[0]:g}, dim targets {rates[1]:g}, native scale {rates[2]:g} and "
                f"inversion {rates[3]:g} are shares",
                "choose 0 to 1 for each",
            )
        if (
            min(crops.gamma - 1, crops.blur, crops.stripes, crops.hot_pixels, crops.least_contrast) < 0
            or min(crops.pasted_scale) <= 0
        ):
            raise OptionError(
                f"gamma {crops.gamma:g}, blur {crops.blur:g}, stripes {crops.stripes:g}, hot pixels "
                f"{crops.hot_pixels}, least contrast {crops.least_contrast:g} or pasted scale "
                f"{crops.pasted_scale} is out of range",
                "choose gamma from 1, scales above 0 and the others from 0",
            )
        if not 0.0 <= crops.rim < 0.5:
            raise OptionError(f"the rim {crops.rim:g} is not between 0 and 0.5", "choose for example 0.1")
        if not 1 <= self.validation_orientations <= 8:
            raise OptionError(f"validation_orientations is {self.validation_orientations}", "choose 1 to 8")
        if not 0.0 < self.validation_fraction < 1.0:
            raise OptionError(
                f"the validation fraction {self.validation_fraction} is not between 0 and 1",
                "choose for example --validation-fraction 0.15",
            )
