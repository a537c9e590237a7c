"""What stands beside a claim is the measurement that differs least, never one of another data set."""

from dataclasses import replace

import pandas as pd
import pytest

from fercore import claims
from fercore.claims.nearest import nearest
from fercore.evaluation import lbp_svm
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


def test_what_a_claim_has_and_the_nearest_lacks_is_told_too(claim):
    claimed = replace(claim, measurement="accuracy(tinyfer_lite+kd+fp16, fer2013, PrivateTest, T=3)")
    found = nearest(claimed, made(("accuracy(tinyfer_lite+fp32, fer2013, PrivateTest)", 0.6, "paper", "")))
    assert found.differs == "without kd; without fp16; with fp32; not T=3"


def test_fewer_departures_go_before_more_and_the_first_of_equals_before_the_second(claim):
    many, few = (CLAIMED, 0.9, "", "random weights, two views"), (CLAIMED, 0.6, "", "random weights")
    other = ("accuracy(simple_cnn, fer2013, PrivateTest)", 0.8, "paper", "")  # passed over
    assert nearest(claim, made(other, many, few, (CLAIMED, 0.7, "", "two views"))).found["value"] == 0.6


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
        assert (found and found.differs) == ("on this machine, not ryzen_5_3600" if near else None)
    gpu = made(("latency(tinyfer_lite, rtx_3090)", 0.01, "laptop", ""))
    assert nearest(ledger.claims["paper/text.speed"], gpu).differs == "on rtx_3090, not rtx_3050"
    assert nearest(ledger.claims["paper/text.rate"], made((CLAIMED, 0.6, "paper", ""))) is None  # nothing to measure


@pytest.mark.parametrize("name", ["parameters(tinyfer_lite, 7)", "effect(best, fer2013)"])
def test_nothing_is_near_to_a_count_or_to_a_statement(claim, name):
    assert nearest(replace(claim, measurement=name), made((name, 0.02, "laptop", ""))) is None


def test_the_support_vector_machine_stands_beside_what_a_paper_says_of_one_and_decides_nothing():
    """The paper prints neither its recipe nor on which images it scores so."""
    claim = claims.load().claims["microexpnet_se/related.lbp"]
    found = nearest(claim, measurements.every(["reports/reference"]))
    assert found.measurement == claim.measurement and lbp_svm.DEPARTS in found.differs
    assert measurements.reservation(found.found["protocol"]) is None
    said = pd.read_csv("reports/reference/02_baselines/predictions.csv")
    assert found.found["value"] == pytest.approx((said["label"] == said["lbp_svm-0"]).mean(), abs=1e-6)
