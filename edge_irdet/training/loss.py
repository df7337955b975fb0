"""The joint loss of saliency and detection (eq. 8 to 16)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from edge_irdet.network.decode import decode_boxes
from edge_irdet.network.network import NetworkOutput
from edge_irdet.training.assignment import assign
from edge_irdet.training.config import AssignmentConfig, LossConfig

SSIM_K1 = 0.001
SSIM_K2 = 0.0009


class LossTerms(NamedTuple):
    """The total and its parts, each a scalar tensor, weights included."""

    total: Tensor
    box: Tensor
    confidence: Tensor
    classification: Tensor
    saliency: Tensor


def box_similarities(predicted: Tensor, target: Tensor, nwd_scale: float) -> tuple[Tensor, Tensor, Tensor]:
    """IoU, GIoU (eq. 14) and NWD of paired boxes.

    Args:
        predicted, target: [M, 4] centre x, centre y, width, height in pixels.
        nwd_scale: C of the NWD, pixels.

    Returns:
        Three [M] tensors.
    """
    p_low, p_high = predicted[:, :2] - predicted[:, 2:] / 2, predicted[:, :2] + predicted[:, 2:] / 2
    t_low, t_high = target[:, :2] - target[:, 2:] / 2, target[:, :2] + target[:, 2:] / 2
    overlap = (torch.minimum(p_high, t_high) - torch.maximum(p_low, t_low)).clamp(min=0).prod(1)
    union = predicted[:, 2:].prod(1) + target[:, 2:].prod(1) - overlap + 1e-9
    enclosing = (torch.maximum(p_high, t_high) - torch.minimum(p_low, t_low)).prod(1) + 1e-9
    iou = overlap / union
    giou = iou - (enclosing - union) / enclosing
    # Squared 2-Wasserstein distance of Gaussians with mean = centre and covariance diag(w^2 / 4, h^2 / 4).
    wasserstein = (predicted[:, :2] - target[:, :2]).square().sum(1)
    wasserstein = wasserstein + (predicted[:, 2:] - target[:, 2:]).square().sum(1) / 4
    nwd = torch.exp(-torch.sqrt(wasserstein + 1e-9) / nwd_scale)
    return iou, giou, nwd


def ssim(predicted: Tensor, target: Tensor) -> Tensor:
    """Global structural similarity of each image (eq. 11, with variances where the text says deviations).

    Args:
        predicted, target: [B, 1, H, W] in 0..1.

    Returns:
        [B].
    """
    p, t = predicted.flatten(1), target.flatten(1)
    p_mean, t_mean = p.mean(1), t.mean(1)
    p_variance = p.var(1, unbiased=False)
    t_variance = t.var(1, unbiased=False)
    covariance = ((p - p_mean[:, None]) * (t - t_mean[:, None])).mean(1)
    numerator = (2 * p_mean * t_mean + SSIM_K1) * (2 * covariance + SSIM_K2)
    denominator = (p_mean.square() + t_mean.square() + SSIM_K1) * (p_variance + t_variance + SSIM_K2)
    return numerator / denominator


def saliency_loss(logits: Tensor, mask: Tensor) -> Tensor:
    """L_saliency = cross-entropy + (1 - SSIM) (eq. 9, 10), mean over pixels and images; scalar."""
    entropy = functional.binary_cross_entropy_with_logits(logits, mask)
    return entropy + (1 - ssim(logits.sigmoid(), mask)).mean()


class JointLoss:
    """L = lambda_1 L_saliency + lambda_2 (L_reg + L_conf + L_cls).

    Args:
        loss: weights.
        assignment: anchor assignment.
        anchors: [levels, 3, 2] anchors in network pixels.
        strides: network pixels a cell of each level.
    """

    def __init__(
        self, loss: LossConfig, assignment: AssignmentConfig, anchors: Tensor, strides: Sequence[int]
    ) -> None:
        self.loss = loss
        self.assignment = assignment
        self.anchors = anchors
        self.strides = tuple(strides)

    def __call__(self, output: NetworkOutput, targets: Tensor, masks: Tensor) -> LossTerms:
        """Compute the loss of a batch, in FP32.

        Args:
            output: the network's raw output.
            targets: [T, 6] image index, class, centre x, centre y, width, height (network pixels).
            masks: [B, 1, H, W] saliency truth in 0..1.
        """
        levels = [level.float() for level in output.levels]
        rows_columns = [(level.shape[2], level.shape[3]) for level in levels]
        assignments = assign(targets, self.anchors, self.strides, rows_columns, self.assignment)
        image_area = float(masks.shape[-1] * masks.shape[-2])
        zero = levels[0].new_zeros(())
        box, confidence, classification = zero, zero, zero
        for level, (raw, chosen) in enumerate(zip(levels, assignments, strict=True)):
            object_target = torch.zeros_like(raw[..., 4])
            object_weight = torch.full_like(object_target, self.loss.no_object)
            if len(chosen.image):
                picked = raw[chosen.image, chosen.anchor, chosen.row, chosen.column]
                cells = torch.stack((chosen.column, chosen.row), 1).float()
                decoded = decode_boxes(
                    picked[:, :4], cells, self.anchors[level, chosen.anchor], self.strides[level]
                )
                iou, giou, nwd = box_similarities(decoded, chosen.box, self.loss.nwd_scale)
                size_weight = 2 - decoded[:, 2:].detach().prod(1) / image_area
                distance = (1 - self.loss.nwd) * (1 - giou) + self.loss.nwd * (1 - nwd)
                box = box + (distance * size_weight).sum()
                share = self.loss.confidence_follows_iou
                wanted = 1 - share + share * iou.detach().clamp(min=0)
                where = (chosen.image, chosen.anchor, chosen.row, chosen.column)
                # Two targets may share an anchor; the better sitting box then says what the score should be.
                flat = _flat_index(where, object_target.shape)
                object_target.view(-1).scatter_reduce_(0, flat, wanted, "amax")
                object_weight.view(-1)[flat] = 1.0
                one_hot = functional.one_hot(chosen.target_class, raw.shape[-1] - 5).float()
                classification = classification + functional.binary_cross_entropy_with_logits(
                    picked[:, 5:], one_hot, reduction="sum"
                )
            confidence = confidence + functional.binary_cross_entropy_with_logits(
                raw[..., 4], object_target, weight=object_weight, reduction="sum"
            )
        assigned = _mean_over_processes(sum(len(chosen.image) for chosen in assignments), zero)
        weight = self.loss.detection / assigned
        box = box * self.loss.box * weight
        confidence = confidence * self.loss.confidence * weight
        classification = classification * self.loss.classification * weight
        saliency = zero
        if output.saliency is not None:
            saliency = saliency_loss(output.saliency.float(), masks) * self.loss.saliency
        total = box + confidence + classification + saliency
        return LossTerms(total, box, confidence, classification, saliency)


def _flat_index(where: tuple[Tensor, ...], shape: torch.Size) -> Tensor:
    flat = where[0]
    for index, size in zip(where[1:], shape[1:], strict=True):
        flat = flat * size + index
    return flat


def _mean_over_processes(assigned: int, like: Tensor) -> Tensor:
    # Every process divides by the same number, so that gradients average to those of the whole batch.
    count = like.new_tensor(float(assigned))
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.all_reduce(count)
        count = count / torch.distributed.get_world_size()
    return count.clamp(min=1.0)
