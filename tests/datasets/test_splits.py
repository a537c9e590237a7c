"""Rows without copies in Training, against a loop over all pairs."""

import numpy as np
import pandas as pd
import pytest

from fercore import datasets
from fercore.datasets import splits
from fercore.datasets.faces import Faces, table


def faces_of(split):
    return Faces("handmade", np.zeros((len(split), 2, 2), np.uint8), table(np.zeros(len(split), int), split), ("a",))


def naive(split, group, name, against):
    trained = [group[row] for row in range(len(split)) if split[row] == against]
    return [row for row in range(len(split)) if split[row] == name and group[row] not in trained]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("against", ["Training", "PublicTest"])
def test_the_mask_is_as_a_loop_finds_it(seed, against):
    draw = np.random.default_rng(seed)
    split = draw.permutation(np.repeat(["Training", "PublicTest", "PrivateTest"], 20))
    exact, near = draw.integers(0, 60, 60), draw.integers(0, 25, 60)
    faces = faces_of(split)
    table = splits.mask(faces, exact, near, against)
    assert table["row"].tolist() == [row for row in range(60) if split[row] != against]
    assert table["split"].tolist() == split[table["row"]].tolist()
    for column, group in (("deduplicated", exact), ("near_deduplicated", near)):
        kept = [row for name in faces.splits if name != against for row in naive(split, group, name, against)]
        assert table["row"][table[column] == 1].tolist() == sorted(kept)
        assert set(table[column]) <= {0, 1} and table[column].dtype == int


def test_copies_within_a_test_split_stay():
    faces = faces_of(["Training", "Test", "Test", "Test"])
    table = splits.mask(faces, np.array([0, 1, 1, 0]), np.arange(4))
    assert table["row"][table["deduplicated"] == 1].tolist() == [1, 2]


def test_mask_of_a_set_that_only_trains_is_empty():
    table = splits.mask(faces_of(["Training"] * 3), np.arange(3), np.arange(3))
    assert len(table) == 0
    assert list(table) == ["row", "split", "deduplicated", "near_deduplicated", "fingerprint"]


def test_mask_of_a_set_without_training_keeps_everything():
    table = splits.mask(faces_of(["", "", ""]), np.zeros(3, int), np.zeros(3, int))
    assert table["row"].tolist() == [0, 1, 2] and table["near_deduplicated"].tolist() == [1, 1, 1]


def test_a_mask_is_taken_up_again_by_split():
    split = np.repeat(["Training", "PublicTest", "PrivateTest"], 4)
    exact, near = np.arange(12), np.arange(12)
    exact[9], near[8] = 0, 2
    near[9] = 0
    table, faces = splits.mask(faces_of(split), exact, near), faces_of(split)
    found = splits.kept(faces, "PrivateTest", table.sample(frac=1, random_state=0).sort_values("row"))
    assert found["deduplicated"].tolist() == [True, False, True, True]
    assert found["near_deduplicated"].tolist() == [False, False, True, True]
    by_role = splits.kept(faces, "test", table)
    assert by_role["deduplicated"].tolist() == [True, False, True, True] and by_role["deduplicated"].dtype == bool
    with pytest.raises(ValueError, match="the mask has 3 rows of PrivateTest, not the 4 of handmade"):
        splits.kept(faces, "PrivateTest", table.iloc[:-1])


def test_a_mask_of_other_images_is_refused_whatever_its_rows():
    split = np.repeat(["Training", "PublicTest", "PrivateTest"], 4)
    pixels = np.arange(48, dtype=np.uint8).reshape(12, 2, 2)
    faces = Faces("ours", pixels, table(np.zeros(12, int), split), ("a",))
    order = np.r_[3:-1:-1, 4:12]  # Training alone in another order: the rows of the test images are the same
    others = {
        "another order": Faces("ours", pixels[order], faces.table, ("a",)),
        "another image in Training": Faces("ours", np.r_[pixels[:1] + 9, pixels[1:]], faces.table, ("a",)),
        "another test image": Faces("ours", np.r_[pixels[:-1], pixels[-1:] + 9], faces.table, ("a",)),
    }
    mask = splits.mask(faces, np.arange(12), np.arange(12))
    voted = Faces("ours", pixels, faces.table.assign(votes_neutral=1), ("a",))
    assert splits.kept(voted, "PrivateTest", mask)["deduplicated"].all()  # with votes, they are the same images
    for other in others.values():
        with pytest.raises(ValueError, match=r"is of other images \(\w{16}\) than ours \(\w{16}\), or of the same in"):
            splits.kept(other, "PrivateTest", mask)
    with pytest.raises(ValueError, match=r"the mask m\.csv has no column fingerprint"):
        splits.kept(faces, "PrivateTest", mask.drop(columns="fingerprint"), "the mask m.csv")


def of(labels, **columns):
    labels = np.asarray(labels)
    made = table(labels, ["all"] * len(labels)).assign(**columns)
    return Faces("handmade", np.zeros((len(labels), 2, 2), np.uint8), made, tuple("abcde"[: labels.max() + 1]))


@pytest.mark.parametrize("seed", range(20))
def test_no_group_is_on_both_sides_and_no_image_is_left_out(seed):
    draw = np.random.default_rng(seed)
    count = int(draw.integers(2, 11))
    group = draw.integers(0, draw.integers(count, 60), 400)
    group[:count] = range(count)
    found = splits.group_folds(of(draw.integers(0, 4, 400)), group, count, seed)
    assert sorted(set(found)) == list(range(count))
    assert all(len(set(found[group == one])) == 1 for one in group)


def test_group_folds_are_drawn_by_their_seed_and_there_may_be_as_many_as_groups():
    faces, group = of(np.arange(60) % 3), np.arange(60) // 2
    one, again, other = (splits.group_folds(faces, group, 5, seed) for seed in (3, 3, 4))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert np.array_equal(splits.group_folds(faces, group, 5), splits.group_folds(faces, group, 5, 0))
    assert np.array_equal(splits.random_folds(faces), splits.random_folds(faces, 10, 0))
    assert sorted(splits.group_folds(faces, np.arange(60) % 4, 4)[:4]) == [0, 1, 2, 3]


def test_a_subject_is_known_by_its_name_and_one_without_is_told():
    faces = of([0, 1] * 3, subject=["b", "a", "b", "c", "a", "a"])
    assert splits.subjects(faces).tolist() == [0, 1, 0, 2, 1, 1]
    with pytest.raises(ValueError, match="does not name the subject of 2 of 6"):
        splits.subjects(of([0, 1] * 3, subject=["b", "", "b", "c", "", "a"]))


@pytest.mark.parametrize("name, images", [("synthck", 400), ("synthoulu", 360)])
@pytest.mark.parametrize("seed", range(3))
def test_subject_folds_share_no_subject_and_random_ones_do(name, images, seed):
    faces = datasets.load(name, images=images)
    subject = faces.table["subject"].to_numpy()
    for found, most in ((splits.group_folds(faces, subject, 5, seed), 1), (splits.random_folds(faces, 5, seed), 5)):
        sides = pd.DataFrame({"subject": subject, "fold": found}).groupby("subject")["fold"].nunique()
        assert sides.max() <= most and (most == 1 or sides.mean() > 1.5)
        assert found.min() == 0 and found.max() == 4 and np.bincount(found).min() > 0.1 * images


def test_random_folds_have_each_classs_share():
    faces = of(np.repeat([0, 1, 2], [50, 30, 20]))
    found = splits.random_folds(faces, 10, 3)
    assert np.array_equal(np.histogram2d(found, faces.labels, (10, 3))[0], np.tile([5, 3, 2], (10, 1)))
    assert np.array_equal(found, splits.random_folds(faces, 10, 3))
    assert not np.array_equal(found, splits.random_folds(faces, 10, 4))


def test_folds_that_cannot_be_had_are_told():
    faces = of([0, 1] * 10, subject=["s1"] * 19 + [None])
    with pytest.raises(ValueError, match=r"handmade does not name the subject of 1 of 20 images; .* group_folds"):
        splits.subjects(faces)
    with pytest.raises(ValueError, match="handmade has 3 groups, too few for 4 folds"):
        splits.group_folds(faces, np.arange(20) % 3, 4)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"deduplicated": np.nan}, "says nan of an image in deduplicated; expected 1"),
        ({"near_deduplicated": 2}, "says 2 of an image"),
        ({"deduplicated": "no"}, "says 'no' of an image"),
        (["near_deduplicated"], "has no column near_deduplicated"),
        (["row"], "has no column row"),
    ],
    ids=str,
)
def test_a_mask_says_yes_or_no_of_each_image(change, told):
    faces = datasets.load("synthfer", images=200)
    mask = splits.mask(faces, np.arange(200), np.arange(200))
    broken = mask.drop(columns=change) if isinstance(change, list) else mask.assign(**change)
    with pytest.raises(ValueError, match=f"the mask m.csv {told}"):
        splits.kept(faces, "PrivateTest", broken, "the mask m.csv")


@pytest.mark.parametrize("seed", range(3))
def test_each_part_has_its_share_of_every_class(seed):
    """People of many images and of few, each of one or two classes: a part's count is off by less than the last that
    came, who have a single image."""
    rng = np.random.default_rng(seed)
    counts = [*rng.integers(5, 20, 12), *[1] * 60]
    subject = np.repeat([f"person {number}" for number in range(len(counts))], counts)
    label = rng.integers(0, 2, len(subject))
    people = table(label, "", list(subject))
    faces = Faces("handmade", np.zeros((len(subject), 2, 2), np.uint8), people, ("happy", "sad"))
    found = splits.divide(faces, "60/20/20", seed).table
    share = pd.crosstab(found["split"], found["label"]) / np.bincount(label)
    assert np.abs(share.sub({"train": 0.6, "val": 0.2, "test": 0.2}, axis=0)).to_numpy().max() < 0.03
    assert found.groupby("subject")["split"].nunique().eq(1).all()


@pytest.mark.parametrize("seed", range(3))
def test_no_part_is_left_empty_for_another(seed):
    """Three people, of which one has most images and one a single one: each is a part."""
    people = table([0, 0, 2, 2, 2, 1, 0, 2], "", list("aabbbbbc"))
    faces = Faces("handmade", np.zeros((8, 4, 4), np.uint8), people, ("happy", "sad", "fear"))
    divided = splits.divide(faces, "34/33/33", seed)
    assert divided.table.groupby("split")["subject"].unique().map(len).to_dict() == {"test": 1, "train": 1, "val": 1}


def test_a_class_that_a_new_split_lacks_is_told_and_none_of_what_an_old_one_lacked():
    known = ["split test has no image of sad", "Faces of a film."]
    faces = Faces(
        "handmade", np.zeros((44, 2, 2), np.uint8), table([0, 1] * 20 + [0] * 4, ["train"] * 40 + ["test"] * 4),
        ("happy", "sad"), notes=tuple(known),
    )  # fmt: skip
    assert splits.lacking(faces) == known[:1]
    assert [note for note in splits.divide(faces, "80/10/10").notes if note in known] == known[1:]
    assert [note for note in splits.divide(faces, "90/10").notes if note in known] == known[::-1], "as it still does"
    people = table([0] * 9 + [1] * 7, "", ["a"] * 4 + ["b"] * 5 + ["a"] * 7)
    divided = splits.divide(Faces("handmade", np.zeros((16, 2, 2), np.uint8), people, ("happy", "sad")), "60/40")
    (lacks,) = {"train", "test"} - set(divided.table.loc[divided.labels == 1, "split"])
    assert divided.notes[-1] == f"split {lacks} has no image of sad"


def test_people_who_stay_on_two_sides_are_counted():
    """What trains is divided without anybody on two sides; a test split of before may have the same people."""
    people = table([0, 1] * 6, ["train"] * 8 + ["test"] * 4, [f"S{number // 2 % 5}" for number in range(12)])
    faces = Faces("handmade", np.zeros((12, 2, 2), np.uint8), people, ("happy", "sad"))
    assert "1 of 5 people are on two sides, as what was not divided has them" in splits.divide(faces, "50/50").notes[-1]
    assert "nobody is on two sides" in splits.divide(faces, "50/25/25").notes[-1]


def test_what_fills_an_empty_part_empties_no_other():
    people = table([0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1], "", list("aaaabbbccdde"))
    faces = Faces("handmade", np.zeros((12, 4, 4), np.uint8), people, ("happy", "sad"))
    assert set(splits.divide(faces, "80/10/10").table["split"]) == {"train", "val", "test"}


@pytest.mark.parametrize(("shares", "whole"), [("70/10/10", 90), ("80/10", 90), ("80/20/10", 110), ("8/1/1", 10)])
def test_shares_that_are_not_of_the_whole_are_refused(shares, whole):
    faces = Faces("handmade", np.zeros((12, 4, 4), np.uint8), table([0, 1] * 6), ("happy", "sad"))
    with pytest.raises(ValueError, match=f"'{shares}': these add up to {whole}; give shares that add up to 100"):
        splits.divide(faces, shares)
