"""The pooling study's tables: each number stands where its trial belongs, and the paper's beside it."""

import numpy as np
import pandas as pd
import pytest

from fercore.results import measurements
from fercore.studies import pooling, statements
from fercore.studies.cross_validation import RANDOM, SUBJECTS


def found(sizes=("m", "xxs"), folds=3, shift=0.0):
    """Pooling after both gives 10 points on subject folds, and takes 5 on random ones; a little else in each fold."""
    rows = [
        (
            "ckplus",
            split,
            f"candidate_{short}_{size}",
            fold,
            42,
            place,
            size,
            0.5 + shift + gain + 0.01 * fold * (number + 1),
        )
        for split, sign in ((SUBJECTS, 0.1), (RANDOM, -0.05))
        for size in sizes
        for number, (short, place) in enumerate(pooling.POOLING.items())
        for fold in range(folds)
        for gain in [sign if place == "after both" else 0.0]
    ]
    columns = ["data", "split", "network", "fold", "seed", "pooling", "size", "accuracy"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(macro_f1=frame["accuracy"] / 2, window_accuracy=0.3, train_loss=1.0)


def test_trials_are_every_candidate_on_every_fold(monkeypatch):
    monkeypatch.setattr(pooling, "grid", lambda samples, networks, seeds: pd.DataFrame({"network": networks}))
    assert pooling.trials({}, ["m", "xxs"], [1])["network"].tolist() == [
        *(f"candidate_{place}_m" for place in ("v", "p1", "p2", "p12")),
        *(f"candidate_{place}_xxs" for place in ("v", "p1", "p2", "p12")),
    ]
    longer = pooling.trials({}, ["m"], [1], ["none", "after both"], [5, 9])
    assert longer.to_numpy().tolist() == [
        ["candidate_v_m", 5], ["candidate_p12_m", 5], ["candidate_v_m", 9], ["candidate_p12_m", 9]
    ]  # fmt: skip


def test_table_2_has_the_papers_number_in_its_row():
    asked = []
    table = pooling.table_2(found(), lambda name: asked.append(name) or len(asked) / 100)
    assert table.index.names == pooling.KEYS and len(table) == 16
    key = ("ckplus", RANDOM, "xxs", "after conv1")
    place = table.index.get_loc(key)
    assert asked[place] == "accuracy(candidate_p1_xxs, ckplus, random folds, epochs=1000)"
    assert table.loc[key, "paper"] == pytest.approx((place + 1) / 100)
    assert table.loc[key, "value"] == pytest.approx(0.52) and table.loc[key, "macro_f1"] == pytest.approx(0.26)
    assert measurements.check(asked[place])


def test_gains_by_length_are_of_the_largest_and_the_smallest():
    longer = found(("m", "xxs")).assign(epochs=9, accuracy=lambda frame: frame["accuracy"] ** 2)
    table = pooling.by_length(found(("m", "s", "xxs")), longer, 4)
    assert table.index.names == ["epochs", "data", "split", "size"]
    assert set(table.index.unique("size")) == {"m", "xxs"} and set(table.index.unique("epochs")) == {4, 9}
    own = table.loc[(4, "ckplus", SUBJECTS, "m")]
    assert own["value"] == pytest.approx(0.1 + 0.03) and own["accuracy_without"] == pytest.approx(0.51)
    assert len(pooling.by_length(found(), [], 4)) == 4


def test_statements_are_tested_on_their_own_folds():
    table = pooling.verdicts(pooling.gains(found(("m", "xs", "xxs"))))
    assert table.loc[("ckplus", "subject_pooling"), "value"] == pytest.approx(0.13)
    assert table.loc[("ckplus", "random_pooling_costs"), "value"] == pytest.approx(0.05 - 0.03)
    assert len(table) == 8 and table.index.names == ["data", "statement"]


def test_the_ledger_is_told_names_that_it_knows():
    table = pooling.table_2(found(), lambda name: np.nan)
    verdicts = pooling.verdicts(pooling.gains(found()))
    rows = pooling.measured(table, verdicts, 4, 1)
    assert len(rows) == 16 + 8 and all(measurements.check(row["measurement"]) for row in rows)
    assert rows[0] == {"measurement": "accuracy(candidate_v_m, ckplus, subject folds, epochs=4)", "seeds": 1} | dict(
        statements.table(pooling.by_fold(found())).iloc[0][["value", "low", "high"]]
    )
