"""What stands beside a claim is the measurement that differs least, never one of another data set."""

import pandas as pd
import pytest

from fercore.claims.nearest import nearest
from fercore.results import measurements

CLAIMED = "accuracy(tinyfer_lite, fer2013, PrivateTest)"


@pytest.fixture
def claim(write):
    return write().claims["paper/abstract.accuracy"]


def made(*rows):
    parts = [measurements.table([{"measurement": name, "value": value}], *how) for name, value, *how in rows]
    return pd.concat(parts).set_index("measurement")


def test_a_training_to_its_end_goes_before_a_shortened_one_however_good_it_is(claim):
    found = nearest(claim, made((CLAIMED, 0.9, "laptop", ""), (CLAIMED, 0.6, "", "random weights, two views")))
    assert (found.found["value"], found.differs) == (0.6, "random weights, two views")


def test_other_recipes_and_settings_are_told(claim):
    with_kd = "accuracy(tinyfer_lite+kd, fer2013, PrivateTest, epoch=last)"
    found = nearest(claim, made((with_kd, 0.6, "paper", "")))
    assert (found.measurement, found.differs) == (with_kd, "with kd; epoch=last")
    found = nearest(claim, made((with_kd, 0.6, "paper", ""), (CLAIMED, 0.5, "smoke", "")))
    assert found.measurement == CLAIMED


@pytest.mark.parametrize(
    "name",
    [
        "accuracy(tinyfer_lite, synthfer, PrivateTest)",
        "accuracy(tinyfer_lite, rafdb, PrivateTest)",
        "accuracy(simple_cnn, fer2013, PrivateTest)",
        "accuracy(tinyfer_lite, fer2013, PublicTest)",
        "macro_f1(tinyfer_lite, fer2013, PrivateTest)",
    ],
)
def test_another_set_network_split_or_score_is_not_near(claim, name):
    assert nearest(claim, made((name, 0.6, "paper", ""))) is None


def test_a_processor_stands_beside_a_processor_and_not_beside_a_gpu(write, paper):
    for device, near in (("ryzen_5_3600", True), ("rtx_3050", False)):
        measured = f'measurement: "latency(tinyfer_lite, {device})", tolerance: "25%"'
        ledger = write(paper.replace("unit: fps, about: speed", f"unit: ms, about: speed, {measured}"))
        found = nearest(ledger.claims["paper/text.speed"], made(("latency(tinyfer_lite, here)", 0.01, "laptop", "")))
        assert (found is not None) == near
    assert nearest(ledger.claims["paper/text.rate"], made((CLAIMED, 0.6, "paper", ""))) is None  # nothing to measure
