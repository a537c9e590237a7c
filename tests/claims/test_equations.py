"""What the library computes is what the papers' equations say, and a wrong network is told from a right one."""

import pytest
import torch

from fercore import models
from fercore.claims import equations
from fercore.training import losses


@pytest.fixture(scope="module")
def deviations():
    return equations.tinyfer()


@pytest.mark.parametrize("number", [3, 4, 5, 6, 7, 8, 9, 10])
def test_tinyfer_computes_its_equations(deviations, number):
    assert deviations[number] < 1e-5


def test_equation_12_leaves_out_what_equation_8_has(deviations):
    assert deviations[12] > 0.01


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


def test_another_gate_is_noticed(monkeypatch):
    monkeypatch.setattr(models.tinyfer.ECA, "forward", lambda self, features: features * 0.5)
    found = equations.tinyfer()
    assert found[5] > 1e-3 and found[6] > 1e-3 and found[8] > 1e-5 and found[4] < 1e-5


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


def test_light_fers_equations():
    assert max(equations.light_fer().values()) < 1e-6


def test_every_deviation_is_a_measurement_by_name_to_four_decimals(monkeypatch):
    monkeypatch.setattr(equations, "tinyfer", lambda: {12: 0.17116})
    monkeypatch.setattr(equations, "objectives", lambda: {("microexpnet", 1): 0.00004})
    monkeypatch.setattr(equations, "light_fer", lambda: {2: 0.5})
    rows = {row["measurement"]: row["value"] for row in equations.measure()}
    assert rows == {"equation(tinyfer, 12)": 0.1712, "equation(microexpnet, 1)": 0, "equation(light_fer, 2)": 0.5}
