"""Each term of the joint loss against values computed by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from edge_irdet.network.network import NetworkOutput
from edge_irdet.training.config import AssignmentConfig, LossConfig
from edge_irdet.training.loss import JointLoss, box_similarities, saliency_loss, ssim


def test_box_similarities_by_hand() -> None:
    predicted = torch.tensor([[5.0, 5.0, 4.0, 4.0], [2.0, 2.0, 2.0, 2.0], [3.0, 4.0, 2.0, 6.0]])
    target = torch.tensor([[6.0, 5.0, 4.0, 4.0], [7.0, 2.0, 2.0, 2.0], [3.0, 4.0, 2.0, 6.0]])
    iou, giou, nwd = box_similarities(predicted, target, 8.0)
    # Shifted by 1 of 4: overlap 3x4 = 12, union 20, enclosing 5x4 = 20. Apart: enclosing 7x2 = 14, union 8.
    assert iou.tolist() == pytest.approx([12 / 20, 0.0, 1.0], abs=1e-6)
    assert giou.tolist() == pytest.approx([12 / 20, -6 / 14, 1.0], abs=1e-6)
    assert nwd.tolist() == pytest.approx([math.exp(-1 / 8), math.exp(-5 / 8), 1.0], abs=1e-4)


def test_ssim_by_hand() -> None:
    predicted = torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]])
    target = torch.tensor([[[[0.0, 1.0], [1.0, 1.0]]]])
    # Means 1/2 and 3/4, variances 1/4 and 3/16, covariance (0 + 1 + 0 + 1)/4 - 3/8 = 1/8.
    expected = ((2 * 3 / 8 + 0.001) * (2 / 8 + 0.0009)) / ((1 / 4 + 9 / 16 + 0.001) * (7 / 16 + 0.0009))
    assert ssim(predicted, target).item() == pytest.approx(expected, rel=1e-5)
    assert ssim(target, target).item() == pytest.approx(1.0)


def test_saliency_loss_by_hand() -> None:
    logits = torch.full((1, 1, 2, 2), math.log(3.0))  # sigmoid = 3/4 everywhere
    mask = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    entropy = -(math.log(0.75) + 3 * math.log(0.25)) / 4
    similarity = ((2 * 0.75 * 0.25 + 0.001) * 0.0009) / ((0.75**2 + 0.25**2 + 0.001) * (3 / 16 + 0.0009))
    assert saliency_loss(logits, mask).item() == pytest.approx(entropy + 1 - similarity, rel=1e-5)


ONE_ANCHOR = AssignmentConfig(neighbour_cells=False, side_range=((0.0, 9.0), (1e6, 1e9), (1e6, 1e9)))
STRIDES = (8, 16, 32)
ANCHORS = torch.tensor([[[4.0, 4.0], [500.0, 500.0], [900.0, 900.0]], [[1e3, 1e3]] * 3, [[1e3, 1e3]] * 3])


def raw_levels(classes: int, side: int = 32) -> list[torch.Tensor]:
    levels = [torch.zeros(1, 3, side // s, side // s, 5 + classes) for s in (8, 16, 32)]
    for level in levels:
        level[..., 4] = -30.0  # certain of no object, so its cross-entropy vanishes
    return levels


def test_detection_terms_by_hand() -> None:
    """One 4x4 target at (13, 20); one anchor of 4x4 answers, cell column 1, row 2 of P3."""
    levels = raw_levels(classes=2)
    levels[0][0, 0, 2, 1] = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.5, 1.0, -2.0])
    targets = torch.tensor([[0.0, 1.0, 13.0, 20.0, 4.0, 4.0]])
    masks = torch.zeros(1, 1, 32, 32)
    config = LossConfig(box=3.0, confidence=5.0, classification=7.0, detection=2.0)
    terms = JointLoss(config, ONE_ANCHOR, ANCHORS, STRIDES)(NetworkOutput(levels, None), targets, masks)
    # Decoded: centre ((0.5 + 1) * 8, (0.5 + 2) * 8) = (12, 20), size 4x4: shifted by 1, GIoU 0.6 as above.
    assert terms.box.item() == pytest.approx(2 * 3 * (1 - 0.6) * (2 - 16 / 1024), rel=1e-4)
    assert terms.confidence.item() == pytest.approx(2 * 5 * math.log(1 + math.exp(-0.5)), rel=1e-4)
    # Class 1 is true: log(1 + e^1) for the wrong class at logit 1, log(1 + e^2) for the true one at -2.
    entropy = math.log(1 + math.exp(1)) + math.log(1 + math.exp(2))
    assert terms.classification.item() == pytest.approx(2 * 7 * entropy, rel=1e-4)
    assert terms.saliency.item() == 0.0
    assert terms.total.item() == pytest.approx(sum(term.item() for term in terms[1:]), rel=1e-6)


def test_negatives_are_weighted_by_lambda_noobj() -> None:
    levels = raw_levels(classes=1)
    levels[0][0, 0, 2, 1, 4] = 30.0
    levels[0][0, 2, 0, 3, 4] = 1.0  # a false alarm
    targets = torch.tensor([[0.0, 0.0, 12.0, 20.0, 4.0, 4.0]])
    masks = torch.zeros(1, 1, 32, 32)
    for weight in (0.5, 2.0):
        loss = JointLoss(LossConfig(no_object=weight), ONE_ANCHOR, ANCHORS, STRIDES)
        confidence = loss(NetworkOutput(levels, None), targets, masks).confidence.item()
        assert confidence == pytest.approx(weight * math.log(1 + math.e), rel=1e-4)


def test_terms_are_divided_by_the_assigned_anchors() -> None:
    single = raw_levels(classes=1)
    targets = torch.tensor([[0.0, 0.0, 13.0, 20.0, 4.0, 4.0]])
    loss = JointLoss(LossConfig(), ONE_ANCHOR, ANCHORS, STRIDES)
    one = loss(NetworkOutput(single, None), targets, torch.zeros(1, 1, 32, 32))
    doubled = [torch.cat((level, level)) for level in single]
    both = torch.cat((targets, targets + torch.tensor([[1.0, 0, 0, 0, 0, 0]])))
    two = loss(NetworkOutput(doubled, None), both, torch.zeros(2, 1, 32, 32))
    assert two.box.item() == pytest.approx(one.box.item(), rel=1e-5)
    assert two.classification.item() == pytest.approx(one.classification.item(), rel=1e-5)


def test_confidence_can_follow_the_iou() -> None:
    levels = raw_levels(classes=1)
    levels[0][0, 0, 2, 1, 4] = 0.0
    targets = torch.tensor([[0.0, 0.0, 13.0, 20.0, 4.0, 4.0]])
    loss = JointLoss(LossConfig(confidence_follows_iou=0.5), ONE_ANCHOR, ANCHORS, STRIDES)
    confidence = loss(NetworkOutput(levels, None), targets, torch.zeros(1, 1, 32, 32)).confidence
    confidence_logit = levels[0][0, 0, 2, 1, 4]
    wanted = 0.5 + 0.5 * 0.6
    assert confidence.item() == pytest.approx(
        -(wanted * math.log(0.5) + (1 - wanted) * math.log(0.5)), rel=1e-4
    )
    assert confidence_logit.item() == 0.0


def test_an_empty_batch_has_a_finite_loss_and_gradient() -> None:
    levels = [torch.zeros(2, 3, s, s, 6, requires_grad=True) for s in (4, 2, 1)]
    saliency = torch.zeros(2, 1, 32, 32, requires_grad=True)
    loss = JointLoss(LossConfig(), AssignmentConfig(), ANCHORS, STRIDES)
    terms = loss(NetworkOutput(levels, saliency), torch.zeros(0, 6), torch.zeros(2, 1, 32, 32))
    terms.total.backward()
    assert math.isfinite(terms.total.item())
    assert terms.box.item() == 0.0
    assert all(torch.isfinite(level.grad).all() for level in levels)


def test_perfect_boxes_cost_nothing() -> None:
    levels = raw_levels(classes=1)
    levels[0][0, 0, 2, 1, 4] = 30.0
    levels[0][0, 0, 2, 1, 5] = 30.0
    targets = torch.tensor([[0.0, 0.0, 12.0, 20.0, 4.0, 4.0]])
    loss = JointLoss(LossConfig(nwd=0.3, confidence_follows_iou=0.5), ONE_ANCHOR, ANCHORS, STRIDES)
    terms = loss(NetworkOutput(levels, None), targets, torch.zeros(1, 1, 32, 32))
    assert terms.total.item() == pytest.approx(0.0, abs=1e-4)
