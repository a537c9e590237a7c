"""Sentences say what the values are, whichever way these turn out, and nothing from a file reaches a page as HTML."""

import numpy as np
import pandas as pd
import pytest

from fercore.datasets.faces import Faces, table
from fercore.reporting import study_sentences as sentences
from fercore.studies.cross_validation import COPIES, RANDOM, SUBJECTS

SETS = {"ck": SUBJECTS, "fer": COPIES}
LABELS = {"ck": "ck (synthetic)", "fer": "fer <b>"}


def faces(name, synthetic):
    return Faces(name, np.zeros((5, 8, 8), np.uint8), table([0, 0, 0, 1, 1]), ("happy", "sad"), synthetic)


FACES = {"ck": faces("ck", True), "fer": faces("fer <b>", False)}


def by_split(**gap):
    """Four folds at 40 % on grouped folds, and so much more on random ones."""
    folds = np.array([0.0, 0.01, -0.01, 0.0])
    rows = {(name, split): 0.4 + folds + (gap[name] if split == RANDOM else 0)
            for name in SETS for split in (SETS[name], RANDOM)}  # fmt: skip
    return pd.DataFrame(rows).T.rename_axis(["data", "split"])


def effects(values, level=("size", "pooling")):
    keys = [("ck", SUBJECTS, "m", str(number)) for number in range(len(values))]
    frame = pd.DataFrame(values, columns=["value", "low", "high"])
    return frame.set_index(pd.MultiIndex.from_tuples(keys, names=["data", "split", *level]))


def test_one_split_is_told_without_the_other():
    text = sentences.one_split(by_split(ck=0.3, fer=0.0), FACES)
    assert (
        "**70 %** of the held-out images on random folds" in text
        and "always answering happy would be right on 60.0 %" in text.lower()
    )
    assert "40 %** of the held-out images on random folds" in text and SUBJECTS not in text


def test_a_gap_is_told_and_whether_chance_could_make_it():
    ck, fer = sentences.gap(by_split(ck=0.3, fer=0.0), FACES).splitlines()
    assert "**40 %** on subject folds, 70 % on random folds: -30.0 points" in ck and "chance alone would hardly" in ck
    assert "on copy folds" in fer and "+0.0 points" in fer and "chance could do" in fer
    assert "&#60;b&#62;" in fer and "<b>" not in fer
    up = sentences.gap(by_split(ck=-0.2, fer=0.1), FACES)
    assert "+20.0 points" in up and "-10.0 points" in up


def test_what_was_measured_before_is_read_from_its_file(tmp_path):
    assert sentences.gap_before(tmp_path) == ""
    stage = tmp_path / "04_microexpnet_pooling"
    stage.mkdir()
    rows = [("ck (synthetic)", SUBJECTS, "m", 0.5), ("ck (synthetic)", RANDOM, "m", 0.6)]
    (stage / "table_2.csv").write_text(
        pd.DataFrame(rows, columns=["data", "split", "size", "none"]).to_csv(index=False)
    )
    assert "on ck (synthetic)**" in sentences.gap_before(tmp_path)  # where there is nothing real
    rows += [("<i>", COPIES, "m", 0.353), ("<i>", RANDOM, "m", 0.818), ("<i>", RANDOM, "xxs", 0.1)]
    (stage / "table_2.csv").write_text(
        pd.DataFrame(rows, columns=["data", "split", "size", "none"]).to_csv(index=False)
    )
    text = sentences.gap_before(tmp_path)
    assert (
        "**82 %** on random folds and **35 %** on copy folds" in text
        and "synthetic" not in text
        and "&#60;i&#62;" in text
    )


def test_both_sides_and_the_copyist():
    index = pd.MultiIndex.from_tuples(
        [(name, split) for name in SETS for split in (SETS[name], RANDOM)], names=["data", "split"]
    )
    sides = pd.DataFrame({"images": 1000, "known": [0, 1000, 0, 530], "share": [0, 1, 0, 0.53]}, index)
    text = sentences.both_sides(sides, LABELS)
    assert "subject folds: of 1,000 images, each held out once, **0** (0 %) have the same person" in text
    assert "**530** (53 %) have the same photograph" in text
    near = pd.DataFrame({"accuracy": [0.4, 0.9, 0.1, 0.5], "same": [0, 0.8, 0, 0.3]}, index)
    first, second = sentences.nearest(near, LABELS).splitlines()
    assert (
        "right for **90 %** on random folds" in first
        and "80 % of the time" in first
        and "**40 %** on subject folds" in first
    )
    assert "**10 %** on copy folds" in second


def test_differences_are_counted_against_chance():
    table = effects([(0.1, 0.05, 0.15), (0.0, -0.1, 0.1), (-0.2, -0.3, -0.1), (0.1, np.nan, np.nan)])
    text = sentences.differences(table, LABELS, "gains")
    assert text.startswith("- **ck (synthetic)**: of 3 gains, 1 are above 0 with their whole interval, and 1 below.")
    assert "about 0.2 leave out 0" in text and "1 more have no interval" in text
    assert "no interval" not in sentences.differences(table.iloc[:3], LABELS)
    both = pd.concat([table, table.iloc[:1].rename(index={"ck": "fer"}, level="data")])
    assert (
        sentences.differences(both, LABELS).splitlines()[1].startswith("- **fer &#60;b&#62;**: of 1 differences, 1 are")
    )


@pytest.mark.parametrize(("gap", "more"), [
    (0.3, "the split changes more"), (-0.3, "the split changes more"), (0.05, "pooling changes more"),
    (0.2004, "both change as much"),
])  # fmt: skip
def test_split_or_pooling_whichever_is_more(gap, more):
    table = effects([(0.1, 0, 0), (-0.2, 0, 0)])
    text = sentences.split_or_pooling(by_split(ck=gap, fer=0), table, {"ck": "ck"})
    assert f"change the score by {100 * gap:+.1f} points, pooling by 20.0" in text and f"Here {more}**" in text


def test_the_best_place_and_the_best_temperature():
    keys = [("ck", RANDOM, size, place) for size in ("m", "xxs") for place in ("none", "after both")]
    index = pd.MultiIndex.from_tuples(keys, names=["data", "split", "size", "pooling"])
    text = sentences.best_pooling(pd.DataFrame({"value": [0.5, 0.4, 0.3, 0.35]}, index), LABELS)
    assert "is M none, XXS after both" in text and "at most 10 points apart" in text
    keys = [(t, "ck", RANDOM, size) for t in ("none", "2", "8") for size in ("m", "xxs")]
    index = pd.MultiIndex.from_tuples(keys, names=["temperature", "data", "split", "size"])
    lines = pd.DataFrame({"value": [0.9, 0.9, 0.5, 0.4, 0.45, 0.6], "low": 0.1, "high": 0.7}, index)
    text = sentences.temperatures(lines, LABELS)
    assert "is M 2, XXS 8" in text and "at most 20.0 points apart; an interval typically reaches 30" in text
    assert "interval" not in sentences.temperatures(lines.assign(low=np.nan), LABELS)


def test_lengths_are_told_where_there_are_several():
    keys = [(epochs, "ck", RANDOM, "m") for epochs in (5, 25)] + [(5, "fer", RANDOM, "m")]
    index = pd.MultiIndex.from_tuples(keys, names=["epochs", "data", "split", "size"])
    text = sentences.lengths(pd.DataFrame({"value": [0.02, -0.03, 0.5]}, index), LABELS)
    assert "by +2.0 points after 5 epochs and by -3.0 after 25" in text and len(text.splitlines()) == 1


def test_verdicts_are_counted_by_set():
    index = pd.MultiIndex.from_product([LABELS, ["one", "two"]], names=["data", "statement"])
    text = sentences.verdicts(
        pd.DataFrame({"verdict": ["holds", "not shown", "does not hold", "holds"]}, index), LABELS
    )
    first, second = text.splitlines()
    assert "2 statements: *holds* 1, *does not hold* 0, *not shown* 1" in first and "*does not hold* 1" in second


def test_what_is_told_of_distillation():
    shares = pd.DataFrame({"share": [0.27, 0.0012, 0.62]}, ["2", "32", "4, with its square"])
    text = sentences.shares(shares, LABELS["fer"])
    assert (
        "On fer &#60;b&#62;, at temperature 2, the teacher contributes 27 % of the first gradient step, "
        "at 32 **0.12 %**" in text
    )
    right = pd.DataFrame(
        {"images": [60], "right": [40], "always one class": [25]}, pd.MultiIndex.from_tuples([("ck", RANDOM)])
    )
    assert "right on **40** of 60 held-out images" in sentences.teachers(right, LABELS)


def test_luck_and_variance_are_told_of_each_set_by_itself():
    index = pd.MultiIndex.from_product([LABELS, [SUBJECTS, RANDOM]], names=["data", "split"])
    luck = pd.DataFrame(
        {"above_mean": [0.02, 0.04, 0.1, 0.1], "by_chance": [0.03, 0.03, 0.2, 0.2], "p": [0.5, 0.01, 1, 1]}, index
    )
    first, second = sentences.luck(luck, LABELS).splitlines()
    assert (
        "stands **3.0 points**" in first and "the best is still **3.0 points**" in first and "In 1 of 2 rows" in first
    )
    assert second.startswith("- **fer &#60;b&#62;**") and "stands **10.0 points**" in second and "In 0 of 2" in second
    spread = pd.DataFrame(
        {"folds": [0.5, 0.1, 0.7, 0.9], "temperature": [0.04, 0.02, 0.13, 0.0], "together": [0.1, 0.7, 0.2, 0.1],
         "seeds": [0.36, np.nan, 0.2, 0.4], "p": 0.4}, index
    )  # fmt: skip
    first, second = sentences.variance(spread, LABELS).splitlines()
    assert "is estimated at 2 % to 4 %" in first
    assert "held-out fold at 50 % on average on subject folds, and that of the seed alone at 36 %" in first
    assert first.endswith("Where there is one seed, its share is in that of fold and temperature together.")
    assert "at 0 % to 13 %" in second and "80 % on average, and that of the seed alone at 30 %" in second
    assert "one seed" not in second
    one = sentences.variance(spread.assign(seeds=np.nan), LABELS).splitlines()[0]
    assert "30 % on average, and that of fold and temperature together at 40 %" in one and "in 0 of 2 rows, " in one
    assert "nan" not in sentences.variance(spread.assign(temperature=np.nan, folds=np.nan), LABELS)


def test_a_search_is_compared_on_each_set_and_what_the_figure_shows_is_counted_too():
    index = pd.MultiIndex.from_product([LABELS, ["grid, 7 temperatures", "DIST", "CTKD"]], names=["data", "method"])
    frame = pd.DataFrame({"accuracy": [0.5, 0.52, 0.51, 0.3, 0.2, 0.25], "trainings": [7, 1, 1] * 2}, index)
    frame = frame.assign(gain_low=[0, 0.01, 0.02] * 2, gain_high=1, over_grid_low=-1, over_grid_high=[0, 1, -0.1] * 2)
    first, second = sentences.without_search(frame.set_index("trainings", append=True), LABELS).splitlines()
    assert "50.0 % on average, for 7 trainings" in first and "**DIST** has the highest mean, 52.0 %, for one" in first
    assert "Of 2 gains over training from scratch, which the figure shows, 2 are above 0 with their whole" in first
    assert "of 2 comparisons with the search, 0 are above 0 with their whole interval, and 1 below." in first
    assert "30.0 % on average" in second and "**CTKD** has the highest mean, 25.0 %" in second
    search = frame.xs("grid, 7 temperatures", level="method", drop_level=False)
    alone = sentences.without_search(search.set_index("trainings", append=True), LABELS).splitlines()[0]
    assert alone.endswith("50.0 % on average, for 7 trainings; no other method was trained.")
    once = frame.assign(trainings=1).rename({"grid, 7 temperatures": "grid, 1 temperature"}, level="method")
    first = sentences.without_search(once.set_index("trainings", append=True), LABELS).splitlines()[0]
    assert "50.0 % on average, for 1 training; of the others **DIST** has" in first and "Of 2 gains" in first


def test_networks_of_one_answer_are_named_and_others_are_not():
    index = pd.MultiIndex.from_product([["fer"], [COPIES], ["m", "xxs"]], names=["data", "split", "network"])
    text = sentences.one_answer(pd.DataFrame({"trained": [9, 9], "one_answer": [0, 7]}, index), LABELS)
    assert "7 of 9 trainings of xxs end up predicting one class" in text and " of m " not in text and "<b>" not in text
    none = sentences.one_answer(pd.DataFrame({"trained": [9, 9], "one_answer": [0, 0]}, index), LABELS)
    assert none.startswith("Here no student")
