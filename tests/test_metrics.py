"""Scores are scikit-learn's, intervals cover what they promise, and a measurement has its name and its parts."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from fercore import measurements, metrics

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def draw(count=500, seed=0, classes=7, skill=0.6):
    random = np.random.default_rng(seed)
    labels = random.choice(classes, count, p=np.arange(1, classes + 1) / (classes * (classes + 1) / 2))
    predicted = np.where(random.random(count) < skill, labels, random.integers(0, classes, count))
    return labels, predicted


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [3, 20, 500])
def test_scores_are_scikit_learns(seed, count):
    labels, predicted = draw(count, seed)
    found = metrics.scores(metrics.confusion(labels, predicted, 7))
    assert found["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(labels, predicted))
    for name, average in (("macro_f1", "macro"), ("weighted_f1", "weighted")):
        expected = sklearn_metrics.f1_score(labels, predicted, average=average, zero_division=0)
        assert found[name] == pytest.approx(expected)


def test_report_is_scikit_learns():
    labels, predicted = draw()
    found = metrics.report(labels, predicted, CLASSES)
    expected = sklearn_metrics.precision_recall_fscore_support(labels, predicted, labels=range(7), zero_division=0)
    for name, column in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert found[name].to_numpy() == pytest.approx(column)
    assert tuple(found.index) == CLASSES


def test_scores_of_many_matrices_at_once_are_those_of_each():
    matrices = np.stack([metrics.confusion(*draw(200, seed), 7) for seed in range(4)])
    together = metrics.scores(matrices)
    for index, matrix in enumerate(matrices):
        assert {name: together[name][index] for name in metrics.SCORES} == pytest.approx(metrics.scores(matrix))


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Accuracy of predictions that are right with probability 0.6 + 0.4 / 7, over 300 test sets of 400 images."""
    truth, hits = 0.6 + 0.4 / 7, 0
    for seed in range(300):
        low, high = metrics.intervals(metrics.confusion(*draw(400, seed), 7), 500)["accuracy"]
        hits += low <= truth <= high
    assert 0.91 <= hits / 300 <= 0.985


def test_intervals_are_the_bootstrap_of_images():
    labels, predicted = draw(300)
    low, high = metrics.intervals(metrics.confusion(labels, predicted, 7))["macro_f1"]
    random = np.random.default_rng(1)
    drawn = []
    for _ in range(1000):
        rows = random.integers(0, 300, 300)
        drawn.append(sklearn_metrics.f1_score(labels[rows], predicted[rows], average="macro", zero_division=0))
    assert (low, high) == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.01)
    assert metrics.intervals(metrics.confusion(labels, predicted, 7))["macro_f1"] == (low, high)  # the same again


def test_calibration_by_hand():
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.55, 0.45], [0.0, 1.0]])
    table, error = metrics.calibration(np.array([0, 1, 0, 1]), probabilities, bins=10)
    assert table.to_numpy().tolist() == [[5, 1, 0.55, 1.0], [9, 3, pytest.approx(2.9 / 3), pytest.approx(2 / 3)]]
    assert error == pytest.approx((0.45 + 3 * (2.9 / 3 - 2 / 3)) / 4)


def test_parts_are_scored_on_their_own():
    labels, predicted = draw(100)
    right = labels == predicted
    table = metrics.compare(labels, predicted, 7, {"right": right, "wrong": ~right}).set_index(["part", "score"])
    assert table.loc[("right", "accuracy"), "value"] == 1 and table.loc[("wrong", "accuracy"), "value"] == 0
    assert table.loc[("published", "accuracy"), ["images", "value"]].tolist() == [100, right.mean()]
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()


def test_measurements_have_names_that_the_ledger_knows(tmp_path):
    labels, predicted = draw(100)
    kept = np.arange(100) % 2 == 0
    rows = metrics.measurements("tinyfer_lite", "fer2013", "PrivateTest", labels, predicted, CLASSES, deduplicated=kept)
    for row in rows:
        measurements.check(row["measurement"], ["tinyfer_lite"])
    saved = measurements.save(rows, tmp_path, "paper").set_index("measurement")
    accuracy = saved.loc["accuracy(tinyfer_lite, fer2013, PrivateTest)"]
    assert accuracy["value"] == pytest.approx((labels == predicted).mean())
    assert accuracy["deduplicated"] == pytest.approx((labels == predicted)[kept].mean())
    assert accuracy["low"] < accuracy["value"] < accuracy["high"] and np.isnan(accuracy["near_deduplicated"])
    assert len(saved) == 3 + 3 * 7
