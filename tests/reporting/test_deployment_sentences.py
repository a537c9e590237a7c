"""What a sentence says of compression and of latency follows from the values."""

import inspect

import numpy as np
import pandas as pd
import pytest

from fercore.deployment.compress import METHODS, export_int8
from fercore.evaluation import statistics
from fercore.reporting import deployment_sentences as sentences

WHOLE = {"a": 0.6}


def by_form(values, names=("network", "variant"), **more):
    index = pd.MultiIndex.from_tuples([("a", form) for form in values], names=names)
    return pd.DataFrame({"value": list(values.values()), **more}, index)


def test_values_that_a_weight_can_have():
    table = pd.DataFrame({"8 bits": [-127, 0, 60], "2 bits": [-1, 0, 0]})
    said = sentences.values_left(table)
    assert "255 (8 bits) and 3 (2 bits)" in said and "With 2 bits, 2 of these 3 weights become 0" in said


def test_the_fewest_bits_that_are_enough():
    said = sentences.fewest_bits(pd.DataFrame([[0.6, 0.595, 0.2]], ["a"], [8, 4, 2]), WHOLE)
    assert "4 bits are enough to stay within a point; with 2, it is 20.0 %" in said
    said = sentences.fewest_bits(pd.DataFrame([[0.5, 0.2]], ["a"], [4, 2]), WHOLE)
    assert "no number of bits here is enough" in said
    said = sentences.fewest_bits(pd.DataFrame([[0.2, 0.6, 0.5, 0.6]], ["a"], [2, 8, 4, 3]), WHOLE)
    assert "8 bits are enough" in said, "with 4 a point is lost, and 3 are right by accident"


def test_of_eight_bits_nothing_is_said_where_others_were_asked_for():
    said = pd.Series({"weights of 8 bits": 0.95, "weights of 4 bits": 0.5})
    assert sentences.eight_bits(said) == ["8 bits answer as fp32 does: True"]
    assert sentences.eight_bits(said - 0.1) == ["8 bits answer as fp32 does: False"]
    assert sentences.eight_bits(said[1:]) == []


def test_what_taking_weights_out_costs():
    rows = [("a", 0.5, "at once", 2.0, 0.55), ("a", 0.5, "while training", 2.0, 0.598)]
    curve = pd.DataFrame(rows, columns=["network", "sparsity", "how", "R", "accuracy"])
    said = sentences.taken_out(curve, WHOLE)
    assert "`a`, 60.0 % with all its weights. 50 % at once (R = 2.0): -5.0 points;" in said
    assert "less than a point, %: none at once and 50 while training." in said
    rows = [("a", 0.9, "at once", 9.0, 0.6), ("a", 0.3, "at once", 1.4, 0.6), ("a", 0.5, "at once", 2.0, 0.5)]
    said = sentences.taken_out(pd.DataFrame(rows, columns=list(curve)), WHOLE)
    assert "less than a point, %: 30 at once." in said, "at 50 it is, whatever comes after"


def test_what_is_left_of_the_work():
    said = sentences.work_left({"a": pd.Series({0.3: 0.49})})
    assert "`a` without 30 % of its channels: 49 % of the multiplications are left." in said
    assert "left out" in sentences.work_left({"a": pd.Series(dtype=float)})


def test_how_much_faster():
    times = by_form({"fp32": 0, "INT8": 0}, times_faster=[1.0, 2.04])
    assert "`a`, times as fast as in fp32: INT8: 2.0." in sentences.speed(times)
    assert "`a`" not in sentences.speed(times[:1])


def test_which_forms_are_shown_to_lose():
    forms = by_form({"FP16": 0.0, "2 bits": -0.02, "8 bits": -0.004}, low=[0, -0.03, -0.01], high=[0, -0.01, 0.01])
    said = sentences.losses(forms)
    assert "shown for 2 of 3 variants. Less accurate: `a` 2 bits." in said and "More accurate" not in said
    assert said.endswith("if no variant differed from fp32, about 0.2 of 3 would leave out 0 by chance.")
    assert "chance" not in sentences.losses(forms.drop("2 bits", level="variant"))
    noted = sentences.losses(forms.assign(note=["", statistics.TOO_FEW, ""]))
    assert noted.endswith("Few images: the interval may be too short (*a 2 bits*).")


LITTLE, MORE, OPEN = "less than a point is lost, and", "more than a point is lost, so", "whether a point is lost, these"


@pytest.mark.parametrize(
    ("value", "low", "high", "shown", "told"),
    [
        (-0.004, -0.008, 0.001, "-0.4 points [-0.8, +0.1]", LITTLE),
        (0.02, 0.01, 0.03, "+2.0 points [+1.0, +3.0]", LITTLE),
        (-0.02, -0.03, -0.012, "-2.0 points [-3.0, -1.2]", MORE),
        (-0.0098, -0.0165, -0.0031, "-1.0 points [-1.7, -0.3]", OPEN),
        (-0.0068, -0.0096, -0.004, "-0.7 points [-1.0, -0.4]", OPEN),
        (-0.0385, -0.0495, -0.0165, "-3.9 points [-5.0, -1.7]", MORE),
        (-0.005, -0.0095, -0.001, "-0.5 points [-0.9, -0.1]", LITTLE),
        (-0.0132, -0.016, -0.0104, "-1.3 points [-1.6, -1.0]", OPEN),
    ],
)
def test_whether_int8_asks_for_a_training(value, low, high, shown, told):
    """By the interval, and by its ends as they are shown: -1.0 is never told as less than a point."""
    said = sentences.losses(by_form({"INT8 per tensor": value}, low=[low], high=[high]))
    assert f"`a`: INT8 (per tensor) changes {shown}: {told}" in said


def test_the_way_to_int8_is_the_one_that_export_takes_and_not_the_best_here():
    forms = {"INT8 per tensor": 0.02, f"INT8 {METHODS[-1]}": -0.02, "INT8 of another": 0.01}
    said = sentences.losses(by_form(forms, low=[0.01, -0.03, 0.0], high=[0.03, -0.012, 0.02]))
    assert (
        f"`a`: INT8 ({METHODS[-1]}) changes -2.0 points [-3.0, -1.2]: {MORE}" in said and said.count("`a`: INT8") == 1
    )
    assert inspect.signature(export_int8).parameters["method"].default == METHODS[-1]


def test_how_likely_all_pictures_are_right():
    said = sentences.all_right(pd.Series({"x": 0.5, "y": 0.5}))
    assert "right on 50 % of an emotion's pictures" in said and "all 2 are right 25.0 % of the time" in said


def test_how_much_is_known_by_heart():
    table = pd.DataFrame({"train": [0.8], "test": [0.7], "paper_train": [np.nan], "paper_test": [np.nan]}, ["a"])
    assert "+10.0 points (`a`)." in sentences.overfitted(table) and "paper" not in sentences.overfitted(table)
    assert "In the paper: +12.5 points." in sentences.overfitted(
        table.fillna({"paper_train": 0.825, "paper_test": 0.7})
    )


def timed():
    columns = {"network": "a", "img_size": 48, "runtime": ["PyTorch", "ONNX Runtime", "TensorRT"]}
    return pd.DataFrame(
        {
            **columns,
            "median": [4.0, 0.5, np.nan],
            "times_limit": [8.0, 1.0, np.nan],
            "times_faster": [1.0, 8.0, np.nan],
            "note": ["", "", "it is not installed"],
        }
    )


def test_which_runtime_is_fastest_and_which_is_missing():
    said = sentences.best_runtimes(timed())
    assert "`a` at 48 px: ONNX Runtime takes 0.50 ms, 1.0 times the limit; PyTorch takes 8.0 times as long" in said
    assert "Multiplying alone would take 12 % of PyTorch's time" in said and "integers" not in said
    assert "Without a number here: TensorRT (it is not installed)." in said
    assert "PyTorch" not in sentences.best_runtimes(timed()[1:])
    assert "0.5 times the limit (of fp32" in sentences.best_runtimes(timed().assign(times_limit=[8.0, 0.5, np.nan]))
    assert "as long" not in sentences.best_runtimes(timed()[:1])
    none = sentences.best_runtimes(timed()[2:])
    assert "`a`" not in none and "Without a number here: TensorRT" in none


def test_whose_answers_are_farthest():
    index = pd.MultiIndex.from_tuples([("a", 48, name) for name in ("PyTorch", "ONNX Runtime", "ONNX Runtime int8")])
    index.names = ["network", "img_size", "runtime"]
    said = sentences.agreement(pd.DataFrame({"deviation": [0, 1e-6, 0.05]}, index))
    assert (
        "The largest deviation is that of ONNX Runtime int8 for `a` at 48 px, 5.0 %" in said
        and "to four digits: ONNX Runtime." in said
    )
    assert "No other runtime" in sentences.agreement(pd.DataFrame({"deviation": [0]}, index[:1]))


def test_where_the_time_of_a_frame_goes():
    ends = pd.DataFrame(
        {"faces": [0, 1], "detect_ms": [9, 9], "classify_ms": [0, 1], "whole_ms": [9, 10], "fps": [111, 100]}
    )
    said = sentences.where_time_goes(ends)
    assert "With 1 face in a frame, 90 % of 10 ms" in said and "hardly changes that" in said
    assert "No face was found" in sentences.where_time_goes(ends[:1])
