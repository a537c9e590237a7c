"""The temperature grid's tables, against grids made to have an answer."""

import numpy as np
import pandas as pd
import pytest

from fercore.results import measurements
from fercore.studies import distillation
from fercore.studies.cross_validation import RANDOM, SCRATCH, SOFTENED, SUBJECTS
from fercore.studies.distillation import Students, Teachers

TEMPERATURES = [2.0, 8.0, 32.0]
GAIN = {2.0: 0.0, 8.0: 0.1, 32.0: -0.1}
SEEDS = {True: [1, 2], False: [1]}


def found(folds=3):
    """At 8, students gain 10 points; DIST has 4 more than training from scratch. Fold f has f points more."""
    rows = [
        ("ckplus", split, f"microexpnet_{size}", method, temperature, fold, seed, size, 0.5 + gain + 0.01 * fold)
        for split in (SUBJECTS, RANDOM)
        for size in ("m", "xxs")
        for method, temperature, gain in [
            (SCRATCH, np.nan, 0.0),
            *((SOFTENED, value, gain) for value, gain in GAIN.items()),
            *([("DIST", np.nan, 0.04)] if split == SUBJECTS else []),
        ]
        for fold in range(folds)
        for seed in SEEDS[split == SUBJECTS]
    ]
    columns = ["data", "split", "network", "method", "temperature", "fold", "seed", "size", "accuracy"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(macro_f1=frame["accuracy"] / 2)


def teachers(folder=""):
    rows = [("ckplus", split, fold, 0.7, f"{split}-{fold}.npy") for split in (SUBJECTS, RANDOM) for fold in range(3)]
    return Teachers(pd.DataFrame(rows, columns=["data", "split", "fold", "accuracy", "logits"]), str(folder))


@pytest.mark.parametrize("name", ["DSIT", SOFTENED])
def test_a_method_that_there_is_none_of_is_refused(name):
    distillation.require_methods([distillation.SQUARED, "DIST"])
    with pytest.raises(ValueError, match=f"no method '{name}'; there are T 4 with its square, "):
        distillation.require_methods(["DIST", name])


def test_the_best_temperature_is_that_of_the_mean_and_the_chosen_one_of_other_folds():
    students = Students.of(found())
    key = ("ckplus", SUBJECTS, "m")
    assert students.scratch.loc[key].tolist() == pytest.approx([0.5, 0.51, 0.52])
    assert students.best.loc[key].tolist() == pytest.approx([0.6, 0.61, 0.62])
    assert students.average.loc[key].tolist() == pytest.approx([0.5, 0.51, 0.52])
    assert students.chosen.equals(students.best)
    noisy = found()
    noisy.loc[(noisy["temperature"] == 2.0) & (noisy["fold"] == 0), "accuracy"] = 0.95  # of this fold alone
    students = Students.of(noisy)
    assert students.best.loc[key].tolist() == pytest.approx([0.95, 0.51, 0.52])  # one temperature, and not a fold's own
    assert students.chosen.loc[key].tolist() == pytest.approx([0.6, 0.51, 0.52])
    over_grid = students.without_search().loc[(*key, "DIST", 1), "over_grid"]  # which nobody has who knows the scores
    assert over_grid == pytest.approx(0.55 - (0.6 + 0.51 + 0.52) / 3)


def test_figures_and_table_4_have_each_number_in_its_place():
    asked = []
    students = Students.of(found())
    lines = students.by_temperature()
    assert lines.index.unique("temperature").tolist() == ["none", "2", "8", "32"]
    assert lines.loc[("8", "ckplus", RANDOM, "xxs"), "value"] == pytest.approx(0.61)
    table = students.table_4(found(), teachers(), lambda name: asked.append(name) or 0.9)
    row = table.loc[("ckplus", SUBJECTS, "xxs")]
    assert row[["teacher", "scratch", "best", "chosen", "any"]].tolist() == pytest.approx([0.7, 0.51, 0.61, 0.61, 0.51])
    assert row["scratch_macro_f1"] == pytest.approx(0.255) and row["paper_best"] == 0.9
    assert "accuracy(microexpnet_xxs+kd, ckplus, subject folds)" in asked
    assert all(measurements.check(name) for name in asked)


def test_gains_and_methods_are_differences_to_training_from_scratch():
    students = Students.of(found())
    key = ("ckplus", SUBJECTS, "m")
    gains = students.gains()
    assert gains.loc[("best, as the paper reports", *key)].tolist() == pytest.approx([0.1] * 3)
    table = students.without_search()
    assert set(table.index.unique("split")) == {SUBJECTS}
    assert table.loc[(*key, "DIST", 1), ["accuracy", "gain", "over_grid"]].tolist() == pytest.approx(
        [0.55, 0.04, -0.06]
    )
    assert table.loc[(*key, "grid, 3 temperatures", 3), "gain"] == pytest.approx(0.1)


def test_a_lead_that_is_no_luck_is_told_from_luck():
    luck = Students.of(found()).luck()
    assert luck["above_mean"].to_numpy() == pytest.approx(0.1) and (luck["by_chance"] < 0.1).all()
    assert (luck["p"] < 0.15).all()  # three folds, three levels: 1 of 12 deals is as clear


def test_statements_are_tested_on_grouped_folds_alone():
    table = Students.of(found()).verdicts(found())
    assert len(table) == 6 and table.loc[("ckplus", "kd_grows"), "value"] == pytest.approx(0)
    changed = found()
    changed.loc[changed["split"] == RANDOM, "accuracy"] = 0.1
    assert Students.of(changed).verdicts(changed).equals(table)


def test_the_variance_is_the_temperatures():
    spread = distillation.variance(found())
    assert (spread["temperature"] > 0.9).all() and spread.index.names == distillation.KEYS


def test_the_ledger_is_told_names_that_it_knows():
    students = Students.of(found())
    rows = distillation.measured(students, teachers(), "simple_cnn", students.verdicts(found()), SEEDS)
    assert all(measurements.check(row["measurement"]) for row in rows)
    seeds = {row["measurement"]: row["seeds"] for row in rows}
    assert seeds["accuracy(microexpnet_m+kd, ckplus, subject folds)"] == 2
    assert seeds["accuracy(microexpnet_m+kd, ckplus, random folds)"] == 1
    assert seeds["accuracy(simple_cnn, ckplus, random folds)"] == 1 and seeds["effect(kd_helps, ckplus)"] == 2


def test_the_teachers_part_falls_with_the_temperature():
    logits = np.random.default_rng(0).normal(size=(40, 7)).astype(np.float32) * 4
    table = distillation.teacher_shares(logits, logits.argmax(1), TEMPERATURES)
    assert table.index.tolist() == ["2", "8", "32", "4, with its square"]
    own = table["share"].iloc[:3]
    assert own.is_monotonic_decreasing and own.iloc[2] < 0.01 < 0.3 < table["share"].iloc[3]
