"""Losses are what the papers' equations say, worked out by hand in 64 bits, and PyTorch's own where it has them."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fercore.training import losses

N, C = 6, 4


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return 3 * torch.randn(N, C), 3 * torch.randn(N, C), torch.tensor([0, 1, 1, 2, 3, 1])


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def test_class_weights_by_hand():
    weights = losses.class_weights(torch.tensor([0, 0, 0, 1, 3, 3]), 5)
    assert weights.tolist() == pytest.approx([6 / (3 * 3), 6 / (3 * 1), 0, 6 / (3 * 2), 0])


def test_weights_make_every_class_weigh_the_same():
    labels = torch.tensor([0] * 7 + [1] * 2 + [2])
    weights = losses.class_weights(labels, 3)
    assert torch.bincount(labels, weights[labels]).tolist() == pytest.approx([10 / 3] * 3)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.5, 4.0]])
def test_focal_loss_by_hand(batch, gamma, weight):
    logits, _, target = batch
    p = softmax(logits.double().numpy())[np.arange(N), target]
    w = np.ones(N) if weight is None else np.array(weight)[target]
    found = losses.focal(logits, target, gamma, None if weight is None else torch.tensor(weight))
    assert float(found) == pytest.approx((w * (1 - p) ** gamma * -np.log(p)).mean(), rel=1e-5)


@pytest.mark.parametrize(("p", "times"), [(0.9, 0.03), (0.3, 1.0), (1 / 7, 1.2)])
def test_focal_losss_gradient_is_what_notebook_3_says(p, times):
    """Of cross-entropy's: far less where the image is answered well, a little more where it is not."""
    rest = torch.full((1, 6), (1 - p) / 6)
    logits = torch.cat([torch.tensor([[p]]), rest], 1).log().requires_grad_()
    ours, plain = (
        torch.autograd.grad(loss(logits, torch.tensor([0])), logits)[0][0, 0]
        for loss in (losses.focal, F.cross_entropy)
    )
    assert round(float(ours / plain), 2 if times < 0.1 else 1) == times


def test_focal_loss_without_focus_is_cross_entropy(batch):
    logits, _, target = batch
    assert torch.allclose(losses.focal(logits, target, 0.0), F.cross_entropy(logits, target))


def test_focal_loss_stays_finite_where_a_class_is_certain():
    logits = torch.tensor([[1000.0, 0.0], [0.0, 1000.0]], requires_grad=True)
    loss = losses.focal(logits, torch.tensor([0, 0]))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()


@pytest.mark.parametrize("temperature", [1.0, 4.0, 20.0])
def test_the_three_forms_by_hand(batch, temperature):
    student, teacher, target = batch
    s, t = student.double().numpy(), teacher.double().numpy()
    q, p = softmax(s / temperature), softmax(t / temperature)
    hard = -np.log(softmax(s)[np.arange(N), target]).mean()
    cross = -(p * np.log(q)).sum(1).mean()
    kl = (p * (np.log(p) - np.log(q))).sum(1).mean()
    for form, expected in (
        (losses.microexpnet(temperature, 0.3), 0.3 * cross + 0.7 * hard),
        (losses.microexpnet_se(temperature, 0.7), 0.7 * temperature**2 * kl + 0.3 * hard),
        (losses.mini_resemotenet(temperature, 0.2), hard + 0.2 * temperature**2 * kl),
        (losses.mini_resemotenet_text(temperature, 0.2), 0.2 * hard + 0.8 * temperature**2 * kl),
    ):
        assert float(form(student, teacher, target)) == pytest.approx(expected, rel=1e-4)


def test_divergence_and_cross_entropy_have_the_same_gradient(batch):
    student, teacher, target = batch
    gradients = []
    for divergence in (True, False):
        logits = student.clone().requires_grad_()
        losses.Distillation(3.0, 0.5, 0.5, divergence=divergence)(logits, teacher, target).backward()
        gradients.append(logits.grad)
    assert torch.allclose(*gradients, atol=1e-6)


def test_a_student_that_is_its_teacher_has_nothing_to_learn_from_it(batch):
    student, _, target = batch
    assert losses.Distillation(3.0, 1.0, 0.0)(student, student, target).abs() < 1e-6


def test_no_gradient_goes_to_the_teacher(batch):
    student, teacher, target = (tensor.clone() for tensor in batch)
    student.requires_grad_(), teacher.requires_grad_()
    losses.mini_resemotenet()(student, teacher, target).backward()
    assert teacher.grad is None and student.grad is not None


def test_papers_settings_are_the_defaults():
    assert losses.microexpnet(8.0) == losses.Distillation(8.0, 0.5, 0.5, squared=False, divergence=False)
    assert losses.microexpnet_se() == losses.Distillation(4.0, 0.7, pytest.approx(0.3))
    assert losses.mini_resemotenet() == losses.Distillation(3.0, 0.2, 1.0)
    assert losses.mini_resemotenet_text() == losses.Distillation(3.0, 0.8, 0.2)
    assert losses.logit_standardisation() == losses.Distillation(2.0, 9.0, 0.1, standardised=True)


def test_focal_losss_gamma_is_the_papers_where_none_is_given(batch):
    given, _, target = batch
    assert losses.focal(given, target).item() == losses.focal(given, target, 2.0).item()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_the_gradient_of_an_image_that_is_certain_is_a_number(gamma):
    logits = torch.tensor([[200.0, 0.0], [0.0, 0.0]], requires_grad=True)
    losses.focal(logits, torch.tensor([0, 0]), gamma).backward()
    assert logits.grad.isfinite().all() and logits.grad[1].abs().sum() > 0


# ------------------------------------------------------------------------------- distillation without a temperature


def logits(seed, images=6, classes=5):
    return torch.randn(images, classes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


LABELS = torch.tensor([0, 4, 2, 2, 1, 3])


def test_logit_standardisation_sees_neither_scale_nor_shift():
    kd = dataclasses.replace(losses.logit_standardisation(), hard=0.0)
    one, other = logits(0), logits(1)
    assert kd(3 * one + 5, other / 7 - 2, LABELS).item() == pytest.approx(kd(one, other, LABELS).item(), rel=1e-5)
    assert kd(4 * other - 1, other, LABELS).abs() < 1e-6 < kd(one, other, LABELS)
    scaled = (one - one.mean(1, keepdim=True)) / one.std(1, keepdim=True)
    towards = (other - other.mean(1, keepdim=True)) / other.std(1, keepdim=True)
    plain = losses.Distillation(2.0, 9.0, 0.0)(scaled, towards, LABELS)
    assert kd(one, other, LABELS).item() == pytest.approx(plain.item(), rel=1e-5)
    assert losses.standardise(torch.ones(2, 3)).abs().max() == 0
    assert torch.allclose(losses.standardise(one), scaled, atol=1e-5) and one.mean(1).std() > 0.1


def test_dist_is_one_minus_the_correlation_of_rows_and_of_columns():
    one, other = logits(0), logits(1)
    q, p = one.softmax(1).numpy(), other.softmax(1).numpy()
    rows = np.mean([1 - np.corrcoef(a, b)[0, 1] for a, b in zip(q, p, strict=True)])
    columns = np.mean([1 - np.corrcoef(a, b)[0, 1] for a, b in zip(q.T, p.T, strict=True)])
    hard = F.cross_entropy(one, LABELS).item()
    found = losses.Relations(inter=2.0, intra=3.0, hard=0.5)(one, other, LABELS).item()
    assert found == pytest.approx(2 * rows + 3 * columns + 0.5 * hard, rel=1e-6)
    assert losses.Relations(hard=0.0)(other + 4, other, LABELS).abs() < 1e-6


def test_decoupled_parts_make_up_the_whole_divergence():
    """Equation 6: KL = KL of (p_y, 1 - p_y) + (1 - p_y of the teacher) KL of the others, image by image."""
    one, other = logits(0), logits(1)
    for place in range(len(LABELS)):
        image = slice(place, place + 1)
        given = one[image], other[image], LABELS[image]
        target, others = (
            losses.Decoupled(3.0, *weights, hard=0.0)(*given).item() for weights in ((1.0, 0.0), (0.0, 1.0))
        )
        left = 1 - (other[image] / 3).softmax(1)[0, LABELS[place]].item()
        whole = losses.Distillation(3.0, 1.0, 0.0)(*given).item()
        assert target + left * others == pytest.approx(whole, rel=1e-6) and min(target, others) > 1e-3
    both = losses.Decoupled(3.0, 1.0, 8.0, hard=0.5)(one, other, LABELS)
    apart = [losses.Decoupled(3.0, *weights)(one, other, LABELS) for weights in ((1, 0, 0), (0, 8, 0), (0, 0, 0.5))]
    assert both.item() == pytest.approx(sum(apart).item(), rel=1e-6)


@pytest.mark.parametrize("kd", [losses.logit_standardisation(), losses.Relations(), losses.Decoupled()])
def test_no_gradient_goes_to_the_teacher_and_the_students_is_finite(kd):
    student, teacher = logits(0).requires_grad_(), (100 * logits(1)).requires_grad_()
    kd(student, teacher, LABELS).backward()
    assert teacher.grad is None and student.grad.isfinite().all() and student.grad.abs().max() > 1e-3


def test_ctkd_is_softened_distillation_at_a_temperature_that_climbs_its_gradient():
    """Li et al.: T = 1 + 20 sigmoid(theta), theta at 1 first; its gradient is reversed, more and more."""
    kd = losses.Curriculum()
    theta = kd.start()
    temperature = kd.temperature(theta)
    assert temperature.item() == pytest.approx(1 + 20 / (1 + np.exp(-1)))
    student, teacher = logits(0), logits(1)
    plain = losses.Distillation(temperature.detach(), 0.9, 0.1)(student, teacher, LABELS)
    gradients = []
    for epoch in (0.0, 5.0, 10.0, 99.0):
        found = kd(student, teacher, LABELS, theta, epoch)
        assert found.item() == pytest.approx(plain.item(), rel=1e-6)
        gradients.append(torch.autograd.grad(found, theta)[0].item())
    straight = theta.detach().clone().requires_grad_()
    right = torch.autograd.grad(
        losses.Distillation(kd.temperature(straight), 0.9, 0.1)(student, teacher, LABELS), straight
    )
    assert gradients == pytest.approx(
        [0, -0.5 * right[0].item(), -right[0].item(), -right[0].item()], rel=1e-4, abs=1e-9
    )
    assert abs(right[0].item()) > 1e-4


HARD = [losses.Distillation(3.0, 0.0, 0.5), losses.Relations(0.0, 0.0, 0.5), losses.Decoupled(3.0, 0.0, 0.0, 0.5)]


@pytest.mark.parametrize("kd", [*HARD, losses.Curriculum(soft=0.0, hard=0.5)], ids=lambda kd: kd.kind)
def test_the_labels_part_is_cross_entropy_with_the_classes_weights(kd):
    weight, learned = torch.tensor([1.0, 5.0, 0.2, 2.0, 3.0]).double(), [torch.ones(()), 2.0]
    more = learned if isinstance(kd, losses.Curriculum) else []
    for given in (weight, None):
        found = kd(logits(0), logits(1), LABELS, *more, weight=given)
        assert found.item() == pytest.approx(0.5 * F.cross_entropy(logits(0), LABELS, given).item(), rel=1e-5)


def test_ctkd_is_at_its_temperature_wherever_that_has_come_to():
    kd, theta = losses.Curriculum(), torch.tensor(-0.7)
    plain = losses.Distillation(kd.temperature(theta), kd.soft, kd.hard)(logits(0), logits(1), LABELS)
    assert kd(logits(0), logits(1), LABELS, theta, 5.0).item() == pytest.approx(plain.item(), rel=1e-6)


def test_a_teachers_share_is_of_the_mean_over_images():
    """Of two images whose gradients differ, against each by itself."""
    kd, pair = losses.microexpnet(3.0), logits(1)[:2] * torch.tensor([[0.1], [3.0]])
    norms = []
    for soft, hard in ((0.5, 0.0), (0.0, 0.5)):
        student = torch.zeros_like(pair, requires_grad=True)
        dataclasses.replace(kd, soft=soft, hard=hard)(student, pair, LABELS[:2]).backward()
        norms.append(np.linalg.norm(student.grad.numpy(), axis=1).mean())
    assert losses.teacher_share(kd, pair, LABELS[:2]) == pytest.approx(norms[0] / sum(norms), rel=1e-5)


def test_without_its_square_a_high_temperature_silences_the_teacher():
    """Shares of the first gradient by hand for two classes, and as 1 / T^2 (Hinton, Vinyals, Dean, section 2)."""
    teacher, target = torch.tensor([[2.0, -2.0]]), torch.tensor([0])
    soft = 0.5 / 3 * (torch.tensor([2 / 3, -2 / 3]).softmax(0)[0].item() - 0.5)
    assert losses.teacher_share(losses.microexpnet(3.0), teacher, target) == pytest.approx(
        soft / (soft + 0.25), rel=1e-5
    )
    shares = [losses.teacher_share(losses.microexpnet(value), 0.1 * logits(1), LABELS) for value in (32.0, 64.0)]
    assert shares[0] / shares[1] == pytest.approx(4, rel=0.01)
    squared = [
        losses.teacher_share(losses.Distillation(value, 0.5, 0.5), 0.1 * logits(1), LABELS) for value in (32.0, 64.0)
    ]
    assert squared[0] == pytest.approx(squared[1], rel=0.01)
