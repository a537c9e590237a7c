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


@pytest.mark.parametrize(
    ("labels", "predicted", "told"),
    [
        ([0, 1], [0, 5], "predictions from 0 to 5; expected 0 to 1"),
        ([0, 5], [0, 1], "labels from 0 to 5; expected 0 to 1"),
        ([0, 2], [0, 1], "labels from 0 to 2; expected 0 to 1"),
        ([0, 1], [-1, 1], "predictions from -1 to 1; expected 0 to 1"),
        ([0, 1], [0.0, 1.0], "predictions of type float64; expected whole numbers"),
        ([0, 1], [0], r"labels of shape \(2,\) and predictions of \(1,\)"),
        ([[0, 1]], [[0, 1]], r"labels of shape \(1, 2\)"),
    ],
)
def test_labels_that_are_none_are_refused(labels, predicted, told):
    """Left out of the matrix, they would be left out of the score: accuracy 1.0."""
    labels, predicted = np.array(labels), np.array(predicted)
    with pytest.raises(ValueError, match=told):
        metrics.confusion(labels, predicted, 2)
    with pytest.raises(ValueError, match=told):
        statistics.difference(labels, [predicted], [predicted], 2)


def test_labels_of_a_small_type_do_not_overflow():
    labels = np.arange(200, dtype=np.uint8)
    assert np.array_equal(metrics.confusion(labels, labels, 200), np.eye(200))


def test_probabilities_that_are_none_have_no_calibration():
    with pytest.raises(ValueError, match="not finite"):
        metrics.calibration(np.array([0]), np.array([[np.nan, 1.0]]))


@pytest.mark.parametrize(
    ("labels", "probabilities", "told"),
    [
        ([5, 0], [[0.9, 0.1], [0.2, 0.8]], "labels from 0 to 5; expected 0 to 1"),
        ([-1, 0], [[0.9, 0.1], [0.2, 0.8]], "labels from -1 to 0"),
        ([0.0, 1.0], [[0.9, 0.1], [0.2, 0.8]], "whole numbers"),
        ([0], [[0.9, 0.1], [0.2, 0.8]], r"labels of shape \(1,\); expected one for each of 2 images"),
        ([0, 1], [[9.0, 1.0], [2.0, 8.0]], "are these logits"),
        ([0, 1], [[1.01, 0.0], [0.0, 1.0]], "are these logits"),
    ],
)
def test_calibration_is_of_probabilities_and_of_labels_within_them(labels, probabilities, told):
    with pytest.raises(ValueError, match=told):
        metrics.calibration(np.array(labels), np.array(probabilities))


def test_report_is_scikit_learns():
    labels, predicted = draw()
    found = metrics.report(labels, predicted, CLASSES)
    expected = sklearn_metrics.precision_recall_fscore_support(labels, predicted, labels=range(7), zero_division=0)
    for name, column in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert found[name].to_numpy() == pytest.approx(column)
    assert tuple(found.index) == CLASSES


def test_a_class_without_an_image_is_not_reported_on():
    found = metrics.report(np.array([0, 0, 1]), np.array([0, 2, 1]), ("a", "b", "c"))
    assert found.loc["c", ["precision", "recall", "f1"]].isna().all() and found.loc["c", "support"] == 0
    assert found.loc["b", "f1"] == 1 and found.loc["a", "recall"] == 0.5


def test_a_share_of_nothing_is_0_and_one_image_is_a_class():
    matrix, junk = np.diag([1, 2, 0]), [np.full(3, 7.0) for _ in range(50)]
    del junk  # whatever stood in memory
    found = metrics.per_class(matrix)
    assert all(found[name].tolist() == [1, 1, 0] for name in ("precision", "recall", "f1"))


def test_scores_of_many_matrices_at_once_are_those_of_each():
    matrices = np.stack([metrics.confusion(*draw(200, seed), 7) for seed in range(4)])
    together = metrics.scores(matrices)
    for index, matrix in enumerate(matrices):
        assert {name: together[name][index] for name in metrics.SCORES} == pytest.approx(metrics.scores(matrix))


@pytest.mark.parametrize(("images", "sets"), [(50, 400), (400, 300)])
def test_intervals_cover_the_truth_as_often_as_they_say(images, sets):
    """Of predictions that are right with probability 0.6 + 0.4 / 7; the percentile bootstrap's covered 0.89 at 50."""
    big = metrics.confusion(*draw(10**6), 7)
    truth, hits = metrics.scores(big), dict.fromkeys(metrics.SCORES, 0)
    for seed in range(sets):
        found = statistics.intervals(metrics.confusion(*draw(images, seed), 7))
        for name, (low, high) in found.items():
            hits[name] += low <= truth[name] <= high
    assert all(0.92 <= count / sets <= 0.985 for count in hits.values()), hits


def test_accuracy_has_wilsons_interval_and_f1_nearly_the_bootstraps_where_images_are_many():
    labels, predicted = draw(3000)
    found = statistics.intervals(metrics.confusion(labels, predicted, 7))
    right = int((labels == predicted).sum())
    assert found["accuracy"] == pytest.approx(tuple(stats.binomtest(right, 3000).proportion_ci(method="wilson")))
    random, drawn = np.random.default_rng(1), []
    for _ in range(1000):
        rows = random.integers(0, 3000, 3000)
        drawn.append(metrics.scores(metrics.confusion(labels[rows], predicted[rows], 7))["macro_f1"])
    assert found["macro_f1"] == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.004)
    assert statistics.intervals(metrics.confusion(labels, predicted, 7)) == found  # the same again


def test_the_jackknife_is_that_of_leaving_each_image_out():
    labels, predicted = draw(40, classes=3)
    whole = metrics.scores(metrics.confusion(labels, predicted, 3))
    left = [np.delete(np.arange(40), row) for row in range(40)]
    found = [metrics.scores(metrics.confusion(labels[rows], predicted[rows], 3)) for rows in left]
    influence = statistics._influence(metrics.confusion(labels, predicted, 3))
    for name in metrics.SCORES:
        assert influence[name][labels, predicted] == pytest.approx([whole[name] - one[name] for one in found])


def reach(influence):
    """Half the jackknife's interval by its definition, with Satterthwaite's degrees of freedom."""
    count = len(influence)
    freedom = min(2 * count / (stats.kurtosis(influence, fisher=False) - 1), count - 1)
    return stats.t.ppf(0.975, freedom) * np.sqrt((count - 1) / count * ((influence - influence.mean()) ** 2).sum())


@pytest.mark.parametrize("matrix", [[[20, 4, 1], [3, 9, 0], [2, 2, 5]], [[3, 1], [1, 1]], [[2, 1], [0, 0]]])
def test_the_interval_of_f1_is_the_jackknifes_on_the_scale_of_the_logit(matrix):
    matrix = np.array(matrix)
    for name in ("macro_f1", "weighted_f1"):
        value = metrics.scores(matrix)[name]
        half = reach(np.repeat(statistics._influence(matrix)[name].ravel(), matrix.ravel())) / (value * (1 - value))
        expected = [1 / (1 + np.exp(-np.log(value / (1 - value)) - sign * half)) for sign in (-1, 1)]
        assert statistics.intervals(matrix)[name] == pytest.approx(expected)


def test_freedom_is_little_where_one_image_decides_and_at_most_that_of_as_many_images():
    """Where half of them do the same and the other half the opposite, nothing is rarer than the rest."""
    alone = np.r_[1.0, np.zeros(19)]
    assert statistics._reach(alone) == pytest.approx(reach(alone)) and reach(alone) > 3.5 * np.std(alone) * np.sqrt(19)
    assert statistics._reach(np.array([1.0, -1.0] * 10)) == pytest.approx(stats.t.ppf(0.975, 19) * np.sqrt(19))
    ends = statistics.intervals(np.array([[1, 1], [0, 0]]))  # of two images
    assert ends["macro_f1"] != ends["accuracy"]


@pytest.mark.parametrize(
    ("support", "note"),
    [
        ([95, 5, 0], ""),
        ([94, 5, 0], statistics.TOO_FEW),
        ([95, 4, 5], statistics.TOO_FEW),
        ([98, 1, 9], statistics.TOO_FEW),
    ],
)
def test_how_few_images_are_too_few(support, note):
    """Of a class that is there; that another is not says nothing."""
    assert statistics.trust(np.diag(support)) == note


def test_where_a_class_is_never_found_the_interval_of_f1_is_not_trusted():
    matrix = np.array([[300, 0, 0], [50, 250, 0], [8, 8, 0]])
    assert statistics.trust(matrix) == statistics.NEVER
    high = statistics.intervals(matrix)["macro_f1"][1]
    matrix[2] = 7, 8, 1
    assert metrics.scores(matrix)["macro_f1"] > high, "had one of the 16 been found, the score were outside of it"
    assert statistics.trust(matrix) == "" and statistics.trust(np.diag([200, 100, 0])) == ""


@pytest.mark.parametrize(
    "matrix", [[[9, 0], [0, 3]], [[0, 9], [3, 0]], [[1, 0], [0, 0]], [[0, 1], [0, 0]], [[1, 1], [0, 0]]]
)
def test_intervals_hold_their_score_and_stay_within_bounds(matrix):
    matrix = np.array(matrix)
    for name, (low, high) in statistics.intervals(matrix).items():
        assert 0 <= low <= metrics.scores(matrix)[name] <= high <= 1 and low < high


def test_where_images_are_too_few_the_table_says_so():
    even, rare = np.arange(700) % 7, np.r_[np.zeros(300, int), 1, 1]
    notes = {
        "many": statistics.compare(even, even, 7, {"half": np.arange(700) < 50}),
        "rare": statistics.compare(rare, rare, 2, {"none": rare > 5}),
    }
    of = {name: table.groupby("part")["note"].unique().str[0].to_dict() for name, table in notes.items()}
    assert of == {
        "many": {"published": "", "half": statistics.TOO_FEW},
        "rare": {"published": statistics.TOO_FEW, "none": "no image"},
    }
    wrong = np.r_[1, rare[1:]]
    seeds = {"one": [rare], "two": [rare, wrong], "the same": [rare, rare]}
    found = statistics.over_seeds(rare, seeds, 2, {}).groupby("name")["note"].unique().str[0].to_dict()
    assert found == {"one": statistics.TOO_FEW, "two": "", "the same": statistics.AGREE}


def test_calibration_by_hand():
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.55, 0.45], [0.0, 1.0]])
    table, error = metrics.calibration(np.array([0, 1, 0, 1]), probabilities, bins=10)
    assert table.to_numpy().tolist() == [[5, 1, 0.55, 1.0], [9, 3, pytest.approx(2.9 / 3), pytest.approx(2 / 3)]]
    assert error == pytest.approx((0.45 + 3 * (2.9 / 3 - 2 / 3)) / 4)
    assert metrics.calibration(np.array([0]), np.array([[0.94, 0.06]]))[0]["bin"].tolist() == [14]  # of 15


def test_parts_are_scored_on_their_own():
    labels, predicted = draw(100)
    right = labels == predicted
    table = statistics.compare(labels, predicted, 7, {"right": right, "wrong": ~right}).set_index(["part", "score"])
    assert table.loc[("right", "accuracy"), "value"] == 1 and table.loc[("wrong", "accuracy"), "value"] == 0
    assert table.loc[("published", "accuracy"), ["images", "value"]].tolist() == [100, right.mean()]
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()


def test_what_is_said_of_f1_is_not_said_of_accuracy():
    labels = np.arange(700) % 7
    predicted = np.where(labels == 1, 0, labels)  # the second class is never found
    notes = statistics.compare(labels, predicted, 7, {}).set_index("score")["note"]
    assert notes["accuracy"] == "" and notes["macro_f1"] == notes["weighted_f1"] == statistics.NEVER


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


def test_settings_stand_in_each_name_and_seeds_beside_each_value():
    labels, predicted = draw(100)
    rows = statistics.measurements("x", "d", "s", labels, [predicted] * 2, CLASSES, {}, ["T=3"])
    names = [row["measurement"] for row in rows]
    assert {"accuracy(x, d, s, T=3)", "recall(x, d, s, sad, T=3)"} <= set(names)
    assert all(name.endswith(", T=3)") for name in names) and all(row["seeds"] == 2 for row in rows)


def test_a_class_is_measured_by_the_name_that_the_ledger_has_for_it():
    labels, predicted = draw(100)
    classes = [{"angry": "anger", "sad": "sadness"}.get(name, name) for name in CLASSES]
    found, known = (statistics.measurements("x", "d", "s", labels, [predicted], one, {}) for one in (classes, CLASSES))
    assert [row["measurement"] for row in found] == [row["measurement"] for row in known]


def test_several_seeds_are_measured_by_their_mean():
    labels, _ = draw(300)
    seeds = [draw(300, skill=skill)[1] for skill in (0.5, 0.6, 0.7)]
    rows = {row["measurement"]: row for row in statistics.measurements("x", "d", "s", labels, seeds, CLASSES, {})}
    each = [(labels == predicted).mean() for predicted in seeds]
    assert rows["accuracy(x, d, s)"]["value"] == pytest.approx(np.mean(each))
    assert rows["accuracy(x, d, s)"]["seeds"] == 3
    recall = [metrics.report(labels, predicted, CLASSES).loc["sad", "recall"] for predicted in seeds]
    ends = stats.t.interval(0.95, 2, np.mean(recall), stats.sem(recall))
    found = rows["recall(x, d, s, sad)"]
    assert (found["value"], found["low"], found["high"]) == pytest.approx((np.mean(recall), *ends))


def test_intervals_over_seeds_are_students_and_of_one_seed_those_over_images():
    labels, _ = draw(300)
    seeds = [draw(300, skill=skill)[1] for skill in (0.5, 0.6, 0.7)]
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


def test_no_interval_of_a_share_reaches_beyond_what_a_share_can_be():
    few, single = np.array([0.2, 0.9]), np.array([0.5])
    assert statistics.of_shares(few) == (0, 1) and statistics.student(few)[0] < 0
    assert np.isnan(statistics.of_shares(single)).all()
    labels = np.arange(70) % 7
    seeds = [labels, (labels + 1) % 7]
    table = statistics.over_seeds(labels, {"x": seeds}, 7, {})
    rows = statistics.measurements("x", "d", "s", labels, seeds, CLASSES, {})
    assert (table["low"] == 0).all() and (table["high"] == 1).all() and {row["high"] for row in rows} == {1.0}


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
    assert table.index.name == "name"
    for score in metrics.SCORES:
        assert table.loc["b", score] == of.loc[("b", "published", score), "value"]
    assert table.loc["b", "macro_f1_high"] == of.loc[("b", "published", "macro_f1"), "high"]
    assert table.loc["b", "accuracy_half"] == of.loc[("b", "half", "accuracy"), "value"] != table.loc["b", "accuracy"]


def test_seeds_that_happen_to_agree_give_neither_interval_nor_p():
    """With two seeds and some hundred images one comparison in thirty does, where there is no effect."""
    labels = np.arange(100) % 2
    other = [np.where(np.arange(100) < wrong, 1 - labels, labels) for wrong in (30, 40)]
    one = [np.where(np.arange(100) < wrong, 1 - labels, labels) for wrong in (28, 38)]
    for better, gap in ((one, 0.02), (other, 0)):
        found = statistics.difference(labels, better, other, 2)
        assert found.pop("difference") == pytest.approx(gap) and found.pop("note") == statistics.AGREE
        assert np.isnan(list(found.values())).all()
        low, high = statistics.student(np.full(2, gap))
        assert np.isnan([low, high]).all(), "as of a score"
    third = [*one[:1], other[1]]
    table = statistics.differences(labels, {"alike": one, "apart": third, "full": other}, "full", 2)
    told = table["p"].notna()
    assert told["apart"].all() and not told["alike", "accuracy"]
    assert (table["p_adjusted"].notna() == told).all() and (table["p_adjusted"] >= table["p"])[told].all()


def test_seeds_are_compared_in_pairs():
    labels, predicted = draw(100)
    for one, other in ((1, 3), (3, 2)):
        with pytest.raises(ValueError, match=f"{one} seeds and {other}; expected as many, .* or one"):
            statistics.difference(labels, [predicted] * one, [predicted] * other, 7)


def test_a_difference_of_one_seed_is_the_jackknifes_over_images():
    labels, worse = draw(2000, skill=0.55)
    better = draw(2000, skill=0.65)[1]
    found = statistics.difference(labels, [better], [worse], 7)
    assert 0 < found["low"] < found["difference"] < found["high"] and np.isnan(found["p"])
    gap = (better == labels).astype(float) - (worse == labels)
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * gap.std() / np.sqrt(2000), rel=0.1)
    scores = [sklearn_metrics.f1_score(labels, predicted, average="macro") for predicted in (better, worse)]
    macro = statistics.difference(labels, [better], [worse], 7, "macro_f1")["difference"]
    assert macro == pytest.approx(scores[0] - scores[1])


def test_of_two_that_are_right_on_the_same_images_the_difference_is_not_certain():
    """Of 2,000 images none decides: up to three in 2,000 may, and of F1 nothing is known."""
    labels, one = draw(2000, skill=0.55)
    same = statistics.difference(labels, [one], [one], 7)
    assert same["difference"] == 0 and same["high"] == -same["low"] == pytest.approx(3 / 2000, rel=0.01)
    assert same["note"] == statistics.NONE_DECIDES
    never = statistics.difference(labels, [labels], [(labels + 1) % 7], 7)
    assert never["difference"] == 1 and np.isnan(never["low"]) and never["note"] == statistics.NOT_KNOWN
    macro = statistics.difference(labels, [one], [one], 7, "macro_f1")
    assert macro["difference"] == 0 and np.isnan([macro["low"], macro["high"]]).all()
    assert macro["note"] == statistics.NOT_KNOWN
    wrong = one.copy()
    wrong[np.flatnonzero(one != labels)[:300]] += 1
    wrong = np.where((wrong % 7 == labels) & (one != labels), one, wrong % 7)  # right on the same images
    assert statistics.difference(labels, [one], [wrong], 7)["note"] == statistics.NONE_DECIDES
    assert statistics.difference(labels, [one], [wrong], 7, "macro_f1")["note"] == "", "F1 counts what is answered, too"
    other = one.copy()
    other[np.flatnonzero(one == labels)[:4]] += 1
    other %= 7
    few = statistics.difference(labels, [one], [other], 7)
    assert few["difference"] == pytest.approx(4 / 2000) and few["note"] == statistics.FEW_DECIDE
    other[np.flatnonzero(one == labels)[4]] += 1
    assert statistics.difference(labels, [one], [other % 7], 7)["note"] == ""


def test_a_difference_says_where_its_interval_is_not_to_be_trusted():
    """Of one seed, as of a score: a class never found moves F1 by more than an image left out shows."""
    labels = np.repeat([0, 1, 2], [300, 300, 16])
    never, some = labels.copy(), labels.copy()
    never[-16:], some[:30], some[-8:] = 0, 1, 0
    for one, other in ((never, some), (some, never)):
        assert statistics.difference(labels, [one], [other], 3, "macro_f1")["note"] == statistics.NEVER
        assert statistics.difference(labels, [one], [other], 3)["note"] == "", "accuracy rests on all images"
    assert statistics.difference(labels, [some], [labels], 3, "macro_f1")["note"] == ""
    one_apart = np.where(np.arange(len(labels)) == len(labels) - 1, 0, some)
    one_apart[0] = 1 - one_apart[0]
    assert statistics.difference(labels[-20:], [labels[-20:]], [one_apart[-20:]], 3)["note"] == statistics.TOO_FEW
    few = slice(-20, None)
    assert statistics.difference(labels[few], [some[few]], [never[few]], 3)["note"] == statistics.TOO_FEW
    assert statistics.difference(labels, [some, never], [some, some], 3, "macro_f1")["note"] == statistics.NEVER
    assert statistics.difference(labels, [some, never], [some, some], 3)["note"] == statistics.TWO_SEEDS
    assert statistics.difference(labels, [some, never, some], [some], 3)["note"] == ""
    table = statistics.differences(labels, {"never": [never], "some": [some]}, "some", 3)
    assert table["note"].tolist() == ["", statistics.NEVER] and table["difference"].dtype == float


@pytest.mark.parametrize("skills", [(0.55,), (0.5, 0.61, 0.52)], ids=["one network", "seeds"])
@pytest.mark.parametrize("score", ["accuracy", "macro_f1"])
def test_a_difference_of_several_seeds_is_of_other_images_and_other_seeds(skills, score):
    labels, _ = draw(500)
    one = [draw(500, skill=skill)[1] for skill in (0.62, 0.7, 0.66)]
    other = [draw(500, skill=skill)[1] for skill in skills]
    found = statistics.difference(labels, one, other, 7, score)

    def moved(seeds):
        influences = [statistics._influence(metrics.confusion(labels, seed, 7))[score][labels, seed] for seed in seeds]
        return np.mean(influences, axis=0)

    def score_of(predicted):
        return metrics.scores(metrics.confusion(labels, predicted, 7))[score]

    ours, theirs = moved(one), moved(other)
    gaps = np.array([score_of(seed) for seed in one]) - [score_of(seed) for seed in other]
    parts = np.array([499 * (ours - theirs).var(), gaps.var(ddof=1) / 3])
    freedom = parts.sum() ** 2 / (parts**2 / [statistics._spread(ours - theirs)[1], 2]).sum()
    error = np.sqrt(parts.sum())
    reach = stats.t.ppf(0.975, freedom) * error
    assert found["difference"] == pytest.approx(gaps.mean())
    assert [found["low"], found["high"]] == pytest.approx([gaps.mean() - reach, gaps.mean() + reach])
    assert found["p"] == pytest.approx(2 * stats.t.sf(gaps.mean() / error, freedom)) and found["note"] == ""
    same = statistics.difference(labels, one[:1] * 2, other[:1], 7, score)
    assert np.isnan([same["low"], same["high"], same["p"]]).all() and same["note"] == statistics.AGREE


@pytest.mark.parametrize("swing, theirs, too_short", [(0.2, 1, "images"), (0.2, 3, "images"), (0.0, 3, "seeds")])
def test_the_interval_of_a_difference_covers_the_truth(swing, theirs, too_short):
    """Images and seeds are drawn anew; one network without seeds stays. Each network has images that it finds easy,
    whatever the seed. Where seeds differ, the images alone are not enough; where they are much alike, the seeds."""
    random, own = np.random.default_rng(0), 1.5
    spread = [2 + own**2 + swing**2, 2 + own**2 + (swing**2 if theirs > 1 else 0)]
    truth = np.subtract(*stats.norm.cdf(np.array([0.5, 0.3]) / np.sqrt(spread)))
    labels, covers = np.arange(600) % 2, {"both": [], "images": [], "seeds": []}
    for _ in range(150):
        ease = random.normal(size=600)
        ours, other = (
            ease + own * random.normal(size=600) + skill + random.normal(size=(len(skill), 600)) > 0
            for skill in (random.normal(0.5, swing, (3, 1)), random.normal(0.3, swing * (theirs > 1), (theirs, 1)))
        )
        found = statistics.difference(labels, *([labels ^ ~one for one in side] for side in (ours, other)), 2)
        covers["both"].append(found["low"] <= truth <= found["high"])
        reach = statistics._reach((ours.mean(0) - other.mean(0)) / 599)
        covers["images"].append(abs(found["difference"] - truth) <= reach)
        low, high = statistics.student(ours.mean(1) - other.mean(1))
        covers["seeds"].append(low <= truth <= high)
    assert 0.92 <= np.mean(covers["both"]) <= 0.99 and np.mean(covers[too_short]) < 0.87


def test_a_part_without_images_has_no_score():
    labels = np.arange(20) % 3
    found = statistics.compare(labels, labels, 3, {"deduplicated": np.zeros(20, bool)}).set_index(["part", "score"])
    assert found.loc["deduplicated", "value"].isna().all() and (found.loc["deduplicated", "images"] == 0).all()
    assert (found.loc["published", "value"] == 1).all()
    masks = {"none": np.zeros(20, bool), "half": np.arange(20) < 10}
    assert statistics.compare(labels, labels, 3, masks)["part"].unique().tolist() == ["published", "none", "half"]


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


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_differences_of_all_others_from_the_reference(seeds):
    labels, _ = draw(200)
    nothing = statistics.differences(labels, {"full": [labels] * seeds}, "full", 7)
    assert nothing.empty and nothing.index.names == ["variant", "score"] and "difference" in nothing
    predicted = {name: [draw(200, seed, skill=skill)[1] for seed in range(seeds)]
                 for name, skill in (("good", 0.9), ("full", 0.5), ("bad", 0.2))}  # fmt: skip
    table = statistics.differences(labels, predicted, "full", 7)
    assert table.index.tolist() == [(n, s) for n in ("good", "bad") for s in ("accuracy", "macro_f1")]
    assert table.index.names == ["variant", "score"] and table["p"].isna().all() == (seeds == 1)
    for (name, score), row in table.iterrows():
        expected = statistics.difference(labels, predicted[name], predicted["full"], 7, score)
        assert {key: row[key] for key in expected} == pytest.approx(expected, nan_ok=True)
    assert ("p_adjusted" in table) == (seeds > 1)
    if seeds > 1:
        assert (table["p_adjusted"] >= table["p"]).all() and table["p_adjusted"].max() < 1


def test_p_is_adjusted_for_the_comparisons_that_have_one():
    found = statistics.adjusted(pd.Series({"a": 0.01, "b": 0.02, "c": 0.03, "none": np.nan, "d": 0.5}))
    assert found.to_dict() == pytest.approx({"a": 0.04, "b": 0.04, "c": 0.04, "none": np.nan, "d": 0.5}, nan_ok=True)
    assert statistics.adjusted(pd.Series([np.nan])).isna().all()


def test_surely_above_is_with_the_whole_interval():
    scores = pd.DataFrame({"value": [0.5, 0.5, 0.4], "low": [0.3, 0.2, 0.35]}, index=["a", "b", "c"])
    assert statistics.surely_above(scores, 0.3) == ["c"] and statistics.surely_above(scores, 0.19) == ["a", "b", "c"]


def test_of_no_image_and_of_no_network_there_is_no_score():
    labels = np.arange(30) % 3
    for seeds in (1, 2):
        found = statistics.over_seeds(labels, {"a": [labels] * seeds}, 3, {"none": np.zeros(30, bool)})
        assert set(found[found["part"] == "none"]["note"]) == {"no image"}
    assert statistics.wide(statistics.over_seeds(labels, {}, 3, {})).empty
