"""Effects over folds against formulas worked out apart, and against data made to have them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fercore.results.measurements import split
from fercore.studies import statements


def test_sizes_go_from_large_to_small_and_there_are_four():
    assert statements.from_large_to_small(["xxs", "m", "s"]) == ["m", "s", "xxs"]
    with pytest.raises(ValueError, match="no size 'xl'; there are m, s, xs, xxs"):
        statements.from_large_to_small(["m", "xl"])


def test_an_effect_is_the_t_test_with_nadeau_and_bengios_variance():
    folds = np.array([0.02, 0.05, 0.01, 0.04, 0.03])
    found = statements.effect(folds)
    error = folds.std(ddof=1) * np.sqrt(1 / 5 + 1 / 4)  # a fifth held out, four trained on
    assert found["value"] == pytest.approx(0.03)
    assert found["p"] == pytest.approx(2 * stats.t.sf(0.03 / error, 4))
    assert [found["low"], found["high"]] == pytest.approx(
        [0.03 + end * stats.t.ppf(0.975, 4) * error for end in (-1, 1)]
    )
    plain = stats.ttest_1samp(folds, 0).pvalue
    assert found["p"] > plain  # of folds that were independent
    with pytest.raises(ValueError, match="1 fold; the spread over folds needs two or more"):
        statements.effect([0.1])


@pytest.mark.parametrize("folds", [[0.5] * 3, [0.0, 0.0], [np.nan, np.nan], [3 / 60 - 1 / 60, 23 / 60 - 21 / 60]])
def test_a_few_folds_that_agree_are_certain_of_nothing(folds):
    found = statements.effect(folds)
    assert np.isnan([found["low"], found["high"], found["p"]]).all()
    table = statements.verdicts({("set", "one"): ("A", found), ("set", "two"): ("B", statements.effect([1, 1.1, 0.9]))})
    assert table["verdict"].tolist() == ["not shown", "holds"]


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Means of folds that share images: each fold has a part of its own and a part that all have."""
    draw, hits = np.random.default_rng(0), 0
    for _ in range(400):
        common = draw.normal() * np.sqrt(
            0.25 / 1.25
        )  # correlation of held-out over all images, as the correction has it
        folds = 0.3 + common + draw.normal(size=5) * np.sqrt(1 / 1.25)
        found = statements.effect(folds)
        hits += found["low"] <= 0.3 <= found["high"]
    assert 0.92 <= hits / 400 <= 0.98


def test_rows_of_folds_stand_in_the_order_in_which_they_were_found():
    """Sets that have splits of other names: random folds come last in both."""
    keys = [("ck", "subject"), ("ck", "random"), ("fer", "copy"), ("fer", "random")]
    rows = [(*key, np.nan, fold, seed, fold + seed) for key in keys for fold in range(2) for seed in range(3)]
    found = statements.by_fold(
        pd.DataFrame(rows, columns=["data", "split", "temperature", "fold", "seed", "accuracy"]),
        ["data", "split", "temperature"],
    )
    assert [key[:2] for key in found.index] == keys
    assert found.columns.tolist() == [0, 1] and (found == [1.0, 2.0]).all(axis=None)


def test_tables_side_by_side_keep_their_intervals():
    frame = pd.DataFrame([[0.1, 0.2, 0.4], [0.3, 0.3, 0.2]], index=["m", "xxs"])
    found = statements.joined({"one": frame, "other": 2 * frame})
    assert found.columns.tolist() == ["one", "one_low", "one_high", "other", "other_low", "other_high"]
    single = statements.effect(frame.loc["xxs"])
    assert found.loc["xxs", ["one", "one_low", "one_high"]].tolist() == [single[k] for k in ("value", "low", "high")]
    assert found["other_high"].tolist() == pytest.approx((2 * found["one_high"]).tolist())


def test_a_contrast_is_of_folds_that_are_not_paired():
    one, other = np.array([3.0, 4.0, 5.0]), np.array([1.0, 1.0, 1.5, 0.5])
    found = statements.contrast(one, other)
    errors = [part.std(ddof=1) * np.sqrt(1 / len(part) + 1 / (len(part) - 1)) for part in (one, other)]
    both = np.hypot(*errors)
    freedom = both**4 / (errors[0] ** 4 / 2 + errors[1] ** 4 / 3)
    assert found["value"] == 3 and found["p"] == pytest.approx(2 * stats.t.sf(3 / both, freedom))
    assert statements.contrast(other, one)["value"] == -3
    assert np.isnan(statements.contrast([1, 1], [0, 0])["p"])


def test_a_trend_is_the_slope_over_the_sizes():
    found = statements.trend(np.array([[0, 1, 2, 3], [1, 3, 5, 7], [5, 5, 5, 5.0]]))
    assert found["value"] == pytest.approx(1.0) and found["low"] < 0 < found["high"]  # slopes 1, 2, 0
    assert statements.trend(np.array([[3, 2.0], [2, 1.1]]))["value"] == pytest.approx(-0.95)
    assert np.isnan(statements.trend(np.array([[3.0], [2.0]]))["p"])  # of one size there is no trend


def test_all_are_shown_where_the_weakest_is():
    up, down = statements.effect([0.2, 0.21, 0.22]), statements.effect([-0.1, -0.12, -0.11])
    weak = statements.effect([0.05, 0.2, -0.1])
    assert statements.intersection_union_test(up, weak) == statements.intersection_union_test(weak, up) == weak
    unknown = statements.effect([0.3, 0.3, 0.3])
    for some in ((up, unknown), (unknown, up), (down, unknown, up)):
        assert np.isnan(statements.intersection_union_test(*some)["p"])


def test_the_lowest_of_many_is_refuted_with_a_correction_for_having_been_chosen():
    up, down = statements.effect([0.2, 0.21, 0.22]), statements.effect([-0.1, -0.12, -0.11])
    found = statements.intersection_union_test(up, down, up)
    assert found["value"] == down["value"] and found["p"] == pytest.approx(3 * down["p"])
    assert found["high"] > down["high"]
    draw, hits = np.random.default_rng(0), 0
    for _ in range(300):  # three that are nothing: how often is one of them found to be below 0
        none = [
            statements.effect(draw.normal() * np.sqrt(1 / 4) + draw.normal(size=5) * np.sqrt(3 / 4)) for _ in range(3)
        ]
        worst = statements.intersection_union_test(*none)
        hits += worst["value"] < 0 and worst["p"] < 0.05
    assert hits / 300 < 0.07


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
    found = statements.variance(grid(**{planted: 0.05, "seed": 0.05 if planted == "seed" else 0.005}), "temperature")
    name = {"fold": "folds", "level": "temperature", "both": "together", "seed": "seeds"}[planted]
    assert found[name] > 0.9 and sum(
        found[part] for part in ("folds", "temperature", "together", "seeds")
    ) == pytest.approx(1)
    assert (found["p"] < 0.001) == (planted == "level")


def test_variance_components_are_those_of_a_known_mixture():
    shares = [
        statements.variance(grid(0.03, 0.02, 0.02, 0.03, draw=np.random.default_rng(s)), "temperature")
        for s in range(20)
    ]
    mean = pd.DataFrame(shares).mean()
    assert mean[["folds", "temperature", "together", "seeds"]].to_numpy() == pytest.approx(
        np.array([9, 4, 4, 9]) / 26, abs=0.05
    )


def test_with_one_seed_what_is_together_holds_the_seeds_part():
    found = statements.variance(grid(seed=0.05, count=1), "temperature")
    assert np.isnan(found["seeds"]) and found["together"] > 0.9
    with pytest.raises(ValueError, match="not every fold and temperature has as many seeds"):
        statements.variance(grid(seed=1).iloc[1:], "temperature")


def test_a_setting_chosen_on_other_folds_does_not_see_its_own():
    by_fold = np.array([[9.0, 1.0, 1.0], [2.0, 3.0, 3.0]])  # the first is best by its first fold alone
    assert statements.chosen_elsewhere(by_fold).tolist() == [2.0, 1.0, 1.0]
    noise = np.random.default_rng(0).normal(size=(7, 4000))
    assert abs(statements.chosen_elsewhere(noise).mean()) < 0.05  # and so finds nothing in what is chance


INDEX = pd.MultiIndex.from_product([["a", "b"], ["none", "p1", "p2"]], names=["size", "pooling"])
BY_FOLD = pd.DataFrame([[1, 2], [2, 4], [4, 4], [10, 20], [0, 0], [11, 22]], INDEX)


def test_rows_against_the_one_that_is_alike():
    found = statements.against(BY_FOLD, "pooling", "none")
    assert found.to_dict("index") == {
        ("a", "p1"): {0: 1, 1: 2}, ("a", "p2"): {0: 3, 1: 2}, ("b", "p1"): {0: -10, 1: -20}, ("b", "p2"): {0: 1, 1: 2},
    }  # fmt: skip
    table = statements.table(found)
    assert table["value"].tolist() == [1.5, 2.5, -15, 1.5] and list(table) == ["value", "low", "high", "p"]


def test_statements_are_adjusted_for_their_number_and_judged_by_that():
    """Of twenty that are noise but for p = 0.03 in one, none is shown; alone it would be."""
    draw = np.random.default_rng(1)
    almost = statements.effect([0.2, 0.9, 0.2, 1.0, 0.7, 0.9])
    assert 0.01 < almost["p"] < 0.05
    noise = {("set", f"n{i}"): ("N", statements.effect(draw.normal(size=6))) for i in range(19)}
    alone, among = (statements.verdicts({("set", "a"): ("A", almost)} | more) for more in ({}, noise))
    assert alone.loc[("set", "a"), "verdict"] == "holds" and among.loc[("set", "a"), "verdict"] == "not shown"
    assert alone.loc[("set", "a"), "p_adjusted"] == pytest.approx(almost["p"])
    elsewhere = {("other", name): one for (_, name), one in noise.items()}
    apart = statements.verdicts({("set", "a"): ("A", almost)} | elsewhere)
    assert apart.loc[("set", "a")].equals(alone.loc[("set", "a")])  # what another set shows changes nothing
    opposite = statements.verdicts({("set", "a"): ("A", statements.effect([-0.1, -0.12, -0.11]))})
    assert opposite["verdict"].tolist() == ["does not hold"]
    measured = statements.measured(alone)["effect(a, set)"].to_dict()
    assert measured == pytest.approx({name: almost[name] for name in ("value", "low", "high")})
    (named,) = statements.measured(statements.verdicts({("a, set (of) x=y", "a"): ("A", almost)}))
    assert split(named) == ("effect", ["a", "a%2C set %28of%29 x%3Dy"], [])


def test_intervals_decide_as_the_verdicts_do():
    """Whatever the numbers: an interval is above 0 where a statement holds, below where the opposite does."""
    draw = np.random.default_rng(2)
    for _ in range(50):
        means = draw.choice([-0.5, 0, 0, 1, 3], 8)
        tested = {
            ("one" if i < 5 else "other", f"s{i}"): ("S", statements.effect(mean + draw.normal(size=5)))
            for i, mean in enumerate(means)
        }
        tested[("other", "all")] = ("All", statements.intersection_union_test(*(found for _, found in tested.values())))
        table = statements.verdicts(tested)
        assert ((table["low"] > 0) == (table["verdict"] == "holds")).all()
        assert ((table["high"] < 0) == (table["verdict"] == "does not hold")).all()


def test_a_statement_that_cannot_be_tested_leaves_the_others_as_they_are():
    """Wherever it stands; the sets and statements are in no order of the alphabet."""
    draw = np.random.default_rng(3)
    tested = {
        (data, name): ("S", statements.effect(shift + draw.normal(size=folds)))
        for data, folds in (("z", 4), ("a", 9))
        for name, shift in (("y", 3.0), ("x", 0.0), ("b", 5.0))
    }
    unknown = ("Unknown", statements.effect([0.1, 0.1]))
    alone = statements.verdicts(tested)
    among = statements.verdicts({("z", "u"): unknown} | tested | {("a", "c"): unknown})
    pd.testing.assert_frame_equal(among.loc[alone.index], alone)
    assert among.loc[[("z", "u"), ("a", "c")], ["low", "high"]].isna().all(axis=None)


def test_noise_is_called_so_as_often_as_it_says():
    """Temperatures without effect over folds that share images: the false alarms of the F test."""
    draw, hits = np.random.default_rng(0), 0
    for _ in range(300):
        common = draw.normal(size=7) * np.sqrt(1 / 10)  # correlation 1 / k between folds
        cells = common + draw.normal(size=(10, 7)) * np.sqrt(9 / 10)
        table = pd.DataFrame(
            [(f, t, cells[f, t]) for f in range(10) for t in range(7)], columns=["fold", "t", "accuracy"]
        )
        hits += statements.variance(table, "t")["p"] < 0.05
    assert hits / 300 < 0.09


def test_an_effect_of_temperature_is_found_beneath_the_noise_of_seeds():
    """What seeds do is no one's share, and is not held against the temperatures."""
    found = [
        statements.variance(grid(level=0.005, seed=0.03, draw=np.random.default_rng(s)), "temperature")
        for s in range(20)
    ]
    assert np.mean([one["p"] < 0.05 for one in found]) > 0.8


@pytest.mark.parametrize("kept", ["fold == 0", "temperature == 0"])
def test_of_one_level_or_fold_there_are_no_shares(kept):
    assert np.isnan(list(statements.variance(grid(seed=0.1).query(kept), "temperature").values())).all()


def gains(apart, random, sizes=("m", "s", "xs", "xxs"), spread=0.002):
    """Gain by pooling after both of each size, 5 folds, with a little noise; the others gain nothing."""
    draw, index = (
        np.random.default_rng(0),
        pd.MultiIndex.from_product([sizes, ["after conv1", "after conv2", "after both"]], names=["size", "pooling"]),
    )
    parts = []
    for level in (apart, random):
        frame = pd.DataFrame(draw.normal(size=(len(index), 5)) * spread, index)
        frame.loc[(slice(None), "after both"), :] += np.array([level] * 5).T
        parts.append(frame)
    return parts


def judged(tested):
    return (
        statements.verdicts({("set", name): one for name, one in tested.items()})["verdict"].droplevel("data").to_dict()
    )


def test_what_the_paper_says_of_pooling_holds_where_it_was_planted():
    found = judged(statements.of_pooling(*gains([0.0, 0.02, 0.04, 0.06], [0.0, -0.02, -0.04, -0.06])))
    assert found.pop("second_pooling") == "not shown"
    assert found.pop("random_no_pooling") == "not shown"  # the others cost nothing
    assert set(found.values()) == {"holds"} and len(found) == 6


def test_no_pooling_is_best_where_every_pooling_costs():
    apart, random = gains([0.0] * 4, [-0.02] * 4)
    for kind, verdict in (("after conv1", "holds"), ("after conv2", "does not hold")):
        random.loc[(slice(None), ["after conv1", "after conv2"]), :] -= 0.02
        if verdict != "holds":
            random.loc[(slice(None), kind), :] += 0.1
        found = judged(statements.of_pooling(apart, random))
        assert found["random_no_pooling"] == verdict and found["random_pooling_costs"] == "holds"


def test_more_apart_is_not_yet_reversed():
    found = judged(statements.of_pooling(*gains([0.06] * 4, [0.02] * 4)))
    assert found["more_apart"] == found["subject_pooling"] == "holds"
    assert found["random_pooling_costs"] == found["reversed"] == "does not hold"
    assert found["subject_by_size"] == "not shown"


def test_without_small_networks_nothing_is_said_of_them():
    found = judged(statements.of_pooling(*gains([0.06], [-0.06], sizes=("m",))))
    assert found["more_apart"] == "holds" and set(found.values()) == {"holds", "not shown"}
    assert found["subject_pooling"] == found["subject_by_size"] == "not shown"


def test_what_the_paper_says_of_distillation_holds_where_it_was_planted():
    draw, sizes = np.random.default_rng(0), ["m", "s", "xs", "xxs"]
    part = lambda values: pd.DataFrame(np.array([values] * 5).T + draw.normal(size=(4, 5)) * 0.001, sizes)  # noqa: E731
    scratch, average = part([0.5] * 4), part([0.51, 0.52, 0.53, 0.54])
    found = judged(statements.of_distillation(scratch, average, average - 0.002, part([1, 2, 3, 4])))
    same = ("kd_helps", "kd_helps_chosen", "kd_grows", "kd_grows_chosen", "temperature_swings")
    assert {found[name] for name in same} == {"holds"}
    assert found["temperature_pays"] in ("not shown", "does not hold")
    worse = judged(statements.of_distillation(scratch, average, part([0.48] * 4), part([1, 2, 3, 4])))
    assert worse["kd_helps"] == "holds" and worse["kd_helps_chosen"] == "does not hold"


def test_what_temperatures_make_of_a_score_is_without_what_seeds_do():
    """Sizes of other noise and the same effect of temperature, which is what is left."""
    parts = [
        grid(level=0.05, seed=noise, count=4, draw=np.random.default_rng(3)).assign(size=size)
        for size, noise in (("m", 0.01), ("xxs", 0.08))
    ]
    found = statements.swing(pd.concat(parts), "temperature")
    assert list(found.index) == ["m", "xxs"] and found.shape == (2, 20)
    assert found.mean(axis=1).to_numpy() == pytest.approx([found.loc["m"].mean()] * 2, rel=0.35)
    assert found.loc["m"].mean() == pytest.approx(5**2, rel=0.5)
    alone = statements.swing(grid(seed=0.1, count=1).assign(size="m"), "temperature")
    assert alone.isna().all(axis=None)


def test_the_best_of_several_is_above_their_mean_by_luck_alone():
    noise = np.random.default_rng(1).normal(size=(60, 7, 5))
    found = pd.DataFrame([statements.luck(part, draws=200) for part in noise])
    assert (
        found["above_mean"].mean() == pytest.approx(found["by_chance"].mean(), rel=0.1) and found["by_chance"].min() > 0
    )
    assert 0.3 < (found["p"] < 0.5).mean() < 0.7 and (found["p"] < 0.05).mean() < 0.15
    better = noise[0] + 5 * np.eye(7)[3][:, None]
    told = statements.luck(better, draws=200)
    assert told["p"] == pytest.approx(1 / 201, abs=0.01) and told["above_mean"] > 1.5 * told["by_chance"]
    assert statements.luck(better, draws=50) == statements.luck(better, draws=50)
    assert statements.luck(np.ones((3, 4)))["p"] == 1


def test_a_level_of_the_index_as_columns():
    found = statements.table(BY_FOLD).assign(paper=[0.5] * 6)
    wide = statements.side_by_side(found, "pooling", ["p2", "none", "absent"])
    assert list(wide) == [f"{kind}{part}" for kind in ("p2", "none") for part in ("", "_low", "_high", "_paper")]
    assert wide.index.tolist() == ["a", "b"] and wide["p2"].tolist() == [4, 16.5] and wide["none"].tolist() == [1.5, 15]
    assert "p2_paper" not in statements.side_by_side(statements.table(BY_FOLD), "pooling", ["p2"])


def test_of_effects_that_all_have_to_be_above_0_the_least_certain_speaks_and_not_the_smallest():
    sure, doubtful = statements.effect([0.05, 0.051, 0.052]), statements.effect([0.0, 0.2, 0.4])
    test = statements.intersection_union_test
    assert test(sure, doubtful) == test(doubtful, sure) == doubtful


def test_where_nothing_is_shown_the_interval_is_that_of_the_effect_alone():
    found = statements.effect([0.02, -0.01, 0.03, -0.03])
    table = statements.verdicts({("z", "s"): ("S", found)})
    assert table.loc[("z", "s"), ["low", "high"]].tolist() == pytest.approx([found["low"], found["high"]])


def test_no_share_of_a_variance_is_below_0():
    rows = [(f, t, s, 0.1 * f + 0.05 * t + d) for f in range(3) for t in range(2) for s, d in enumerate((-0.1, 0.1))]
    found = statements.variance(pd.DataFrame(rows, columns=["fold", "t", "seed", "accuracy"]), "t")
    assert found["together"] == 0 and min(found.values()) >= 0


def test_p_of_a_level_knows_that_folds_share_images():
    """Nadeau and Bengio's factor, by hand: 1 + folds / (folds - 1) in place of 1."""
    both = np.array([[0.5, 0.62], [0.51, 0.58], [0.47, 0.60]])
    rows = [(f, t, 0, both[f, t]) for f in range(3) for t in range(2)]
    found = statements.variance(pd.DataFrame(rows, columns=["fold", "t", "seed", "accuracy"]), "t")
    rest = both - both.mean(0) - both.mean(1, keepdims=True) + both.mean()
    within, level = (rest**2).sum() / 2, 3 * ((both.mean(0) - both.mean()) ** 2).sum()
    assert found["p"] == pytest.approx(stats.f.sf(level / (within * (1 + 3 / 2)), 1, 2))


def test_no_luck_has_a_p_of_0():
    by_level = np.full((4, 10), 0.5)
    by_level[0] = 0.9
    assert statements.luck(by_level, draws=50)["p"] == pytest.approx(1 / 51)
