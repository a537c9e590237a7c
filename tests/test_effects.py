"""Effects over folds against formulas worked out apart, and against data made to have them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fercore import effects


def test_an_effect_is_the_t_test_with_nadeau_and_bengios_variance():
    folds = np.array([0.02, 0.05, 0.01, 0.04, 0.03])
    found = effects.effect(folds)
    error = folds.std(ddof=1) * np.sqrt(1 / 5 + 1 / 4)  # a fifth held out, four trained on
    assert found["value"] == pytest.approx(0.03)
    assert found["p"] == pytest.approx(2 * stats.t.sf(0.03 / error, 4))
    assert [found["low"], found["high"]] == pytest.approx(
        [0.03 + end * stats.t.ppf(0.975, 4) * error for end in (-1, 1)]
    )
    plain = stats.ttest_1samp(folds, 0).pvalue
    assert found["p"] > plain  # of folds that were independent
    with pytest.raises(ValueError, match="1 fold; the spread over folds needs two or more"):
        effects.effect([0.1])


def test_no_spread_is_certain():
    assert effects.effect([0.5, 0.5, 0.5])["p"] == 0 and effects.effect([0, 0, 0])["p"] == 1


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Means of folds that share images: each fold has a part of its own and a part that all have."""
    draw, hits = np.random.default_rng(0), 0
    for _ in range(400):
        common = draw.normal() * np.sqrt(
            0.25 / 1.25
        )  # correlation of held-out over all images, as the correction has it
        folds = 0.3 + common + draw.normal(size=5) * np.sqrt(1 / 1.25)
        found = effects.effect(folds)
        hits += found["low"] <= 0.3 <= found["high"]
    assert 0.92 <= hits / 400 <= 0.98


def test_a_contrast_is_of_folds_that_are_not_paired():
    one, other = np.array([3.0, 4.0, 5.0]), np.array([1.0, 1.0, 1.5, 0.5])
    found = effects.contrast(one, other)
    errors = [part.std(ddof=1) * np.sqrt(1 / len(part) + 1 / (len(part) - 1)) for part in (one, other)]
    both = np.hypot(*errors)
    freedom = both**4 / (errors[0] ** 4 / 2 + errors[1] ** 4 / 3)
    assert found["value"] == 3 and found["p"] == pytest.approx(2 * stats.t.sf(3 / both, freedom))
    assert effects.contrast(other, one)["value"] == -3
    assert effects.contrast([1, 1], [0, 0])["p"] == 0


def test_a_trend_is_the_slope_over_the_sizes():
    found = effects.trend(np.array([[0, 1, 2, 3], [1, 3, 5, 7], [5, 5, 5, 5.0]]))
    assert found["value"] == pytest.approx(1.0) and found["low"] < 0 < found["high"]  # slopes 1, 2, 0
    assert effects.trend(np.array([[3, 2.0], [2, 1.1]]))["value"] == pytest.approx(-0.95)


def test_a_verdict_is_of_the_whole_interval():
    said = [
        effects.verdict({"low": low, "high": high}) for low, high in ((0.1, 0.2), (-0.1, 0.2), (-0.2, -0.1), (0, 1))
    ]
    assert said == ["holds", "not shown", "the opposite holds", "not shown"]


def grid(fold=0.0, level=0.0, both=0.0, seed=0.0, count=3, draw=None):
    draw = draw or np.random.default_rng(0)
    of_fold, of_level, of_both = (
        draw.normal(size=20) * fold,
        draw.normal(size=20) * level,
        draw.normal(size=(20, 20)) * both,
    )
    rows = [
        (f, t, s, 0.5 + of_fold[f] + of_level[t] + of_both[f, t] + draw.normal() * seed)
        for f in range(20) for t in range(20) for s in range(count)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["fold", "temperature", "seed", "accuracy"])


@pytest.mark.parametrize("planted", ["fold", "level", "both", "seed"])
def test_variance_is_found_where_it_was_planted(planted):
    found = effects.variance(grid(**{planted: 0.05, "seed": 0.05 if planted == "seed" else 0.005}), "temperature")
    name = {"fold": "folds", "level": "temperature", "both": "together", "seed": "seeds"}[planted]
    assert found[name] > 0.9 and sum(
        found[part] for part in ("folds", "temperature", "together", "seeds")
    ) == pytest.approx(1)
    assert (found["p"] < 0.001) == (planted == "level")


def test_variance_components_are_those_of_a_known_mixture():
    shares = [
        effects.variance(grid(0.03, 0.02, 0.02, 0.03, draw=np.random.default_rng(s)), "temperature") for s in range(20)
    ]
    mean = pd.DataFrame(shares).mean()
    assert mean[["folds", "temperature", "together", "seeds"]].to_numpy() == pytest.approx(
        np.array([9, 4, 4, 9]) / 26, abs=0.05
    )


def test_with_one_seed_what_is_together_holds_the_seeds_part():
    found = effects.variance(grid(seed=0.05, count=1), "temperature")
    assert np.isnan(found["seeds"]) and found["together"] > 0.9
    with pytest.raises(ValueError, match="not every fold and temperature has as many seeds"):
        effects.variance(grid(seed=1).iloc[1:], "temperature")


def test_a_setting_chosen_on_other_folds_does_not_see_its_own():
    by_fold = np.array([[9.0, 1.0, 1.0], [2.0, 3.0, 3.0]])  # the first is best by its first fold alone
    assert effects.chosen_elsewhere(by_fold).tolist() == [2.0, 1.0, 1.0]
    noise = np.random.default_rng(0).normal(size=(7, 4000))
    assert abs(effects.chosen_elsewhere(noise).mean()) < 0.05  # and so finds nothing in what is chance


INDEX = pd.MultiIndex.from_product([["a", "b"], ["none", "p1", "p2"]], names=["size", "pooling"])
BY_FOLD = pd.DataFrame([[1, 2], [2, 4], [4, 4], [10, 20], [0, 0], [11, 22]], INDEX)


def test_rows_against_the_one_that_is_alike():
    found = effects.against(BY_FOLD, "pooling", "none")
    assert found.to_dict("index") == {
        ("a", "p1"): {0: 1, 1: 2}, ("a", "p2"): {0: 3, 1: 2}, ("b", "p1"): {0: -10, 1: -20}, ("b", "p2"): {0: 1, 1: 2},
    }  # fmt: skip
    table = effects.table(found)
    assert table["value"].tolist() == [1.5, 2.5, -15, 1.5] and list(table) == ["value", "low", "high", "p"]


def test_statements_are_adjusted_for_their_number():
    given = {"one": ("A", effects.effect([1, 1.1, 0.9])), "two": ("B", effects.effect([1, -1, 0.5]))}
    found = effects.statements(given)
    assert found.index.tolist() == ["one", "two"] and found["verdict"].tolist() == ["holds", "not shown"]
    assert found["p_adjusted"].to_numpy() == pytest.approx(
        stats.false_discovery_control([one["p"] for _, one in given.values()])
    )
