"""What the library computes is what the papers' equations say, and where it is made to compute another thing, only the
equation of that thing fails."""

import pytest
import torch

from fercore import models
from fercore.claims import equations
from fercore.datasets import preprocess
from fercore.evaluation import inference
from fercore.training import losses

TINYFER = (2, 3, 4, 5, 6, 7, 8, 9, 10)


@pytest.fixture(scope="module")
def deviations():
    return equations.tinyfer()


@pytest.mark.parametrize("number", TINYFER)
def test_tinyfer_computes_its_equations(deviations, number):
    assert deviations[number] < 1e-5


def test_equation_12_leaves_out_what_equation_8_has(deviations):
    assert deviations[12] > 0.01


def failing():
    return [number for number, value in equations.tinyfer().items() if not value <= 1e-5 and number != 12]


def test_other_pixels_are_noticed(monkeypatch):
    monkeypatch.setattr(preprocess, "MEAN", (0.5, 0.5, 0.5))
    found = equations.tinyfer()
    assert found[2] > 1e-3 and max(found[number] for number in TINYFER[1:8]) < 1e-5


def test_another_backbone_is_noticed(monkeypatch):
    made = models.tinyfer.TinyFERLite.__init__

    def rectified(self, *options):
        made(self, *options)
        self.features[12][2] = torch.nn.ReLU()

    monkeypatch.setattr(models.tinyfer.TinyFERLite, "__init__", rectified)
    assert 3 in failing() and not {2, 4, 5, 6, 7, 8, 9} & {*failing()}


def test_another_gate_is_noticed(monkeypatch):
    """By the greatest instead of the mean; and not at all by its neighbours."""

    def greatest(self, features):
        return features * self.conv(features.amax((2, 3)).unsqueeze(1)).sigmoid().squeeze(1)[:, :, None, None]

    monkeypatch.setattr(models.tinyfer.ECA, "forward", greatest)
    assert {4, 5, 6} <= {*failing()} and 3 not in failing()

    def tanh(self, features):
        return features * self.conv(features.mean((2, 3)).unsqueeze(1)).tanh().squeeze(1)[:, :, None, None]

    monkeypatch.setattr(models.tinyfer.ECA, "forward", tanh)
    assert {5, 6} <= {*failing()} and 4 not in failing()


def test_another_pooling_is_noticed(monkeypatch):
    def greatest(self, images):
        return self.head(self.dropout(self.norm(self.attention(self.features(images)).amax((2, 3)))))

    monkeypatch.setattr(models.tinyfer.TinyFERLite, "forward", greatest)
    assert 7 in failing() and not {2, 3, 4, 5, 6} & {*failing()}


def test_other_probabilities_and_another_class_are_noticed(monkeypatch):
    def of_half(network, faces, rows, img_size):
        return (inference.view_logits(network, faces, rows, img_size) / 2).softmax(-1).mean(0).numpy()

    monkeypatch.setattr(inference, "probabilities", of_half)
    assert failing() == [9]

    def reversed_(*given):
        return (-inference.view_logits(*given)).softmax(-1).mean(0).numpy()

    monkeypatch.setattr(inference, "probabilities", reversed_)
    assert failing() == [9, 10]


@pytest.mark.parametrize("left_out", ["running_mean", "running_var", "weight", "bias"])
def test_a_part_of_the_normalisation_that_is_left_out_is_noticed(monkeypatch, left_out):
    neutral = {"running_mean": 0, "running_var": 1, "weight": 1, "bias": 0}

    def forward(self, given):
        own = {name: torch.full_like(getattr(self, name), value) for name, value in neutral.items() if name == left_out}
        parts = {name: own.get(name, getattr(self, name)) for name in neutral}
        return torch.nn.functional.batch_norm(given, **parts, training=self.training, eps=self.eps)

    monkeypatch.setattr(torch.nn.BatchNorm1d, "forward", forward)
    assert equations.tinyfer()[8] > 1e-3


def test_random_numbers_are_the_same_again(deviations):
    torch.manual_seed(5)
    assert equations.tinyfer() == deviations


def test_losses_are_the_papers(monkeypatch):
    found = equations.objectives()
    assert sorted(found) == [
        *(("microexpnet", number) for number in (1, 2)),
        *(("mini_resemotenet", number) for number in (4, 5, 6)),
        *(("tinyfer", number) for number in (11, 13, 14)),
    ]
    assert all(value < 1e-5 for value in found.values())  # also none that is not a number
    monkeypatch.setattr(losses, "class_weights", lambda labels, classes: torch.ones(classes))
    found = equations.objectives()
    assert found["tinyfer", 11] > 1e-3 and found["tinyfer", 14] > 1e-3 and found["microexpnet", 2] < 1e-5


def test_another_distillation_is_noticed(monkeypatch):
    """Its softmax at another temperature, its cross-entropy left out: no equation of it holds that speaks of these."""
    papers = losses.Distillation.__call__

    def warmer(self, student, teacher, target, weight=None):
        return papers(losses.replace(self, temperature=self.temperature + 1), student, teacher, target, weight)

    monkeypatch.setattr(losses.Distillation, "__call__", warmer)
    found = {key for key, value in equations.objectives().items() if value > 1e-5}
    assert found == {("microexpnet", 1), ("microexpnet", 2), ("mini_resemotenet", 4), ("mini_resemotenet", 6)}

    def soft_alone(self, student, teacher, target, weight=None):
        return papers(losses.replace(self, hard=0.0), student, teacher, target, weight)

    monkeypatch.setattr(losses.Distillation, "__call__", soft_alone)
    found = {key for key, value in equations.objectives().items() if value > 1e-5}
    assert found == {("microexpnet", 1), ("microexpnet", 2), ("mini_resemotenet", 5), ("mini_resemotenet", 6)}


def test_light_fers_equations():
    assert max(equations.light_fer().values()) < 1e-6


def test_every_deviation_is_a_measurement_by_name_and_none_is_rounded_into_the_tolerance(monkeypatch):
    monkeypatch.setattr(equations, "tinyfer", lambda: {4: 4e-5, 12: 0.17116})
    monkeypatch.setattr(equations, "objectives", lambda: {("microexpnet", 1): 1e-5, ("microexpnet", 2): 1.1e-5})
    monkeypatch.setattr(equations, "light_fer", lambda: {2: 0.5, 3: float("nan")})
    rows = {row["measurement"]: row["value"] for row in equations.measure()}
    assert rows.pop("equation(light_fer, 3)") != 0
    assert rows == {
        "equation(tinyfer, 4)": 1e-4,
        "equation(tinyfer, 12)": 0.1712,
        "equation(microexpnet, 1)": 0,
        "equation(microexpnet, 2)": 1e-4,
        "equation(light_fer, 2)": 0.5,
    }
