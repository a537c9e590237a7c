"""Scores are scikit-learn's, intervals cover what they promise, and a measurement has its name and its parts."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from fercore.evaluation import metrics, statistics
from fercore.results import measurements

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
        low, high = statistics.intervals(metrics.confusion(*draw(400, seed), 7), 500)["accuracy"]
        hits += low <= truth <= high
    assert 0.91 <= hits / 300 <= 0.985


def test_intervals_are_the_bootstrap_of_images():
    labels, predicted = draw(300)
    low, high = statistics.intervals(metrics.confusion(labels, predicted, 7))["macro_f1"]
    random = np.random.default_rng(1)
    drawn = []
    for _ in range(1000):
        rows = random.integers(0, 300, 300)
        drawn.append(sklearn_metrics.f1_score(labels[rows], predicted[rows], average="macro", zero_division=0))
    assert (low, high) == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.01)
    assert statistics.intervals(metrics.confusion(labels, predicted, 7))["macro_f1"] == (low, high)  # the same again


def test_calibration_by_hand():
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.55, 0.45], [0.0, 1.0]])
    table, error = metrics.calibration(np.array([0, 1, 0, 1]), probabilities, bins=10)
    assert table.to_numpy().tolist() == [[5, 1, 0.55, 1.0], [9, 3, pytest.approx(2.9 / 3), pytest.approx(2 / 3)]]
    assert error == pytest.approx((0.45 + 3 * (2.9 / 3 - 2 / 3)) / 4)


def test_parts_are_scored_on_their_own():
    labels, predicted = draw(100)
    right = labels == predicted
    table = statistics.compare(labels, predicted, 7, {"right": right, "wrong": ~right}).set_index(["part", "score"])
    assert table.loc[("right", "accuracy"), "value"] == 1 and table.loc[("wrong", "accuracy"), "value"] == 0
    assert table.loc[("published", "accuracy"), ["images", "value"]].tolist() == [100, right.mean()]
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()


def test_measurements_have_names_that_the_ledger_knows(tmp_path):
    labels, predicted = draw(100)
    kept = np.arange(100) % 2 == 0
    rows = statistics.measurements(
        "tinyfer_lite", "fer2013", "PrivateTest", labels, [predicted], CLASSES, {"deduplicated": kept}
    )
    for row in rows:
        measurements.check(row["measurement"], ["tinyfer_lite"])
    saved = measurements.table(rows, "paper").set_index("measurement")
    accuracy = saved.loc["accuracy(tinyfer_lite, fer2013, PrivateTest)"]
    assert accuracy["value"] == pytest.approx((labels == predicted).mean())
    assert accuracy["deduplicated"] == pytest.approx((labels == predicted)[kept].mean())
    assert accuracy["low"] < accuracy["value"] < accuracy["high"] and np.isnan(accuracy["near_deduplicated"])
    assert len(saved) == 3 + 3 * 7


def test_several_seeds_are_measured_by_their_mean():
    labels, _ = draw(300)
    seeds = [draw(300, skill=skill)[1] for skill in (0.5, 0.6, 0.9)]
    rows = {row["measurement"]: row for row in statistics.measurements("x", "d", "s", labels, seeds, CLASSES, {})}
    each = [(labels == predicted).mean() for predicted in seeds]
    assert rows["accuracy(x, d, s)"]["value"] == pytest.approx(np.mean(each))
    assert rows["accuracy(x, d, s)"]["seeds"] == 3
    recall = np.mean([metrics.report(labels, predicted, CLASSES).loc["sad", "recall"] for predicted in seeds])
    assert rows["recall(x, d, s, sad)"]["value"] == pytest.approx(recall)


def test_intervals_over_seeds_are_students_and_of_one_seed_the_bootstraps():
    labels, _ = draw(300)
    seeds = [draw(300, skill=skill)[1] for skill in (0.5, 0.6, 0.9)]
    table = statistics.over_seeds(labels, {"three": seeds, "one": seeds[:1]}, 7, {"half": np.arange(300) < 150})
    table = table.set_index(["name", "part", "score"])
    each = np.array([(labels == predicted)[:150].mean() for predicted in seeds])
    expected = stats.t.interval(0.95, 2, each.mean(), stats.sem(each))
    found = table.loc[("three", "half", "accuracy")]
    assert (found["low"], found["high"]) == pytest.approx(expected)
    assert (found["value"], found["images"], found["seeds"]) == (pytest.approx(each.mean()), 150, 3)
    alone = table.loc[("one", "published", "macro_f1")]
    ends = statistics.intervals(metrics.confusion(labels, seeds[0], 7))["macro_f1"]
    assert (alone["low"], alone["high"]) == pytest.approx(ends) and alone["seeds"] == 1


def test_scores_over_seeds_are_read_a_row_a_name():
    labels, random = np.arange(300) % 7, np.random.default_rng(0)
    half = np.arange(300) < 150
    long = statistics.over_seeds(labels, {"b": [random.integers(0, 7, 300)], "a": [labels]}, 7, {"half": half})
    table = statistics.wide(long)
    assert list(table.index) == ["b", "a"] and list(table.columns) == [
        "accuracy", "accuracy_low", "accuracy_high", "macro_f1", "macro_f1_low", "macro_f1_high", "weighted_f1",
        "accuracy_half", "macro_f1_half",
    ]  # fmt: skip
    of = long.set_index(["name", "part", "score"])
    assert table.loc["b", "macro_f1_high"] == of.loc[("b", "published", "macro_f1"), "high"]
    assert table.loc["b", "accuracy_half"] == of.loc[("b", "half", "accuracy"), "value"] != table.loc["b", "accuracy"]


def test_a_difference_over_seeds_is_the_paired_t_test():
    labels, _ = draw(400)
    one = [draw(400, skill=skill)[1] for skill in (0.62, 0.7, 0.66)]
    other = [draw(400, skill=skill)[1] for skill in (0.5, 0.61, 0.52)]
    found = statistics.difference(labels, one, other, 7, "macro_f1")
    first, second = (
        [sklearn_metrics.f1_score(labels, predicted, average="macro") for predicted in seeds] for seeds in (one, other)
    )
    expected = stats.ttest_rel(first, second)
    assert found["p"] == pytest.approx(expected.pvalue)
    assert (found["low"], found["high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert statistics.difference(labels, one, one, 7) == {"difference": 0, "low": 0, "high": 0, "p": 1}


def test_a_difference_of_one_seed_is_the_bootstraps_over_images():
    labels, worse = draw(2000, skill=0.55)
    better = draw(2000, skill=0.65)[1]
    found = statistics.difference(labels, [better], [worse], 7)
    assert 0 < found["low"] < found["difference"] < found["high"] and np.isnan(found["p"])
    gap = (better == labels).astype(float) - (worse == labels)
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * gap.std() / np.sqrt(2000), rel=0.1)
    same = statistics.difference(labels, [worse], [worse], 7)
    assert same["low"] == same["high"] == same["difference"] == 0
    scores = [sklearn_metrics.f1_score(labels, predicted, average="macro") for predicted in (better, worse)]
    macro = statistics.difference(labels, [better], [worse], 7, "macro_f1")["difference"]
    assert macro == pytest.approx(scores[0] - scores[1])


def test_a_part_without_images_has_no_score():
    labels = np.arange(20) % 3
    found = statistics.compare(labels, labels, 3, {"deduplicated": np.zeros(20, bool)}).set_index(["part", "score"])
    assert found.loc["deduplicated", "value"].isna().all() and (found.loc["deduplicated", "images"] == 0).all()
    assert (found.loc["published", "value"] == 1).all()


def test_predictions_have_a_row_an_image_and_a_column_a_run_and_seed():
    table = metrics.predictions(
        np.array([5, 9]), np.array([0, 2]), {"b": [np.array([1, 2]), np.array([0, 2])], "a": []}
    )
    assert table.columns.tolist() == ["b-0", "b-1"] and table.index.names == ["row", "label"]
    assert table.reset_index().to_numpy().tolist() == [[5, 0, 1, 0], [9, 2, 2, 2]]


def test_recall_by_frequency_is_the_mean_over_seeds():
    labels, images = np.array([0, 0, 1, 1]), np.array([70, 30])
    table = metrics.recall_by_frequency(labels, {"x": [labels, 1 - labels], "y": [labels]}, ("a", "b"), images)
    assert table.index.names == ["run", "class"] and table["images"].tolist() == [70, 30, 70, 30]
    assert table["recall"].tolist() == [0.5, 0.5, 1.0, 1.0]


@pytest.mark.parametrize("seeds", [1, 3])
def test_differences_of_all_others_from_the_reference(seeds):
    labels, _ = draw(200)
    predicted = {name: [draw(200, seed, skill=skill)[1] for seed in range(seeds)]
                 for name, skill in (("good", 0.9), ("full", 0.5), ("bad", 0.2))}  # fmt: skip
    table = statistics.differences(labels, predicted, "full", 7)
    assert table.index.tolist() == [(n, s) for n in ("good", "bad") for s in ("accuracy", "macro_f1")]
    for (name, score), row in table.iterrows():
        expected = statistics.difference(labels, predicted[name], predicted["full"], 7, score)
        assert {key: row[key] for key in expected} == pytest.approx(expected, nan_ok=True)
    assert ("p_adjusted" in table) == (seeds > 1)
    if seeds > 1:
        assert (table["p_adjusted"] >= table["p"]).all() and table["p_adjusted"].max() < 1


def test_surely_above_is_with_the_whole_interval():
    scores = pd.DataFrame({"value": [0.5, 0.5, 0.4], "low": [0.3, 0.2, 0.35]}, index=["a", "b", "c"])
    assert statistics.surely_above(scores, 0.3) == ["c"] and statistics.surely_above(scores, 0.19) == ["a", "b", "c"]
