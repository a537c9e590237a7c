"""A part of a data set, another release of it, and splits that this project drew are told from what is published."""

from dataclasses import replace

import numpy as np
import pytest

from fercore.datasets import affectnet, ckplus, fer2013_csv, oulucasia, published, rafdb, splits
from fercore.datasets.faces import Faces, table
from fercore.results.measurements import set_counted


def of(name, **counts):
    """A set of so many images by split, "none" for none, of two classes."""
    split = np.repeat(["" if one == "none" else one for one in counts], list(counts.values()))
    return Faces(name, np.zeros((len(split), 1, 1), np.uint8), table(np.arange(len(split)) % 2, split), ("sad", "glad"))


def test_the_counts_are_those_that_the_loaders_know():
    sequences, labelled = ckplus.RELEASE
    (train,), validation = affectnet.RELEASE.values()
    assert {
        "fer2013": (dict(zip(fer2013_csv.SPLITS, fer2013_csv.COUNTS, strict=True)),),
        "rafdb": (rafdb.RELEASE,),
        "affectnet": tuple({"train": train, "val": count} for count in validation),
        "ckplus": ({"": sequences + ckplus.PEAK * labelled},),
        "oulucasia": ({"": 3 * oulucasia.RELEASE[1]},),
    } == published.RELEASES


@pytest.mark.parametrize(
    ("faces", "other", "departs"),
    [
        (of("rafdb", train=12_271, test=3_068), "", ""),
        (of("ckplus", none=1_574), "", ""),
        (of("affectnet", train=287_651, val=3_999), "", ""),
        (of("a folder", train=9), "", ""),
        (of("ckplus", none=981), *["981 images in place of 1,574"] * 2),
        (of("rafdb", train=12_200, test=3_068, more=71), *["12,200 images of train in place of 12,271"] * 2),
        (of("fer2013", Training=28_709, test=7_178), "", "other splits than are published"),
    ],
)
def test_how_a_set_is_another_than_the_published_one_of_its_name(faces, other, departs):
    assert (published.other(faces), published.departs(faces)) == (other, departs)


def test_rendered_faces_have_no_published_number():
    assert published.departs(replace(of("ckplus", none=8), synthetic=True)) == ""


def test_what_this_project_held_out_is_of_the_training_split_again():
    whole = of("rafdb", train=12_271, test=3_068)
    divided = splits.divide(whole, "90/10")
    assert set(divided.splits) == {"train", "val", "test"} and published.departs(divided) == ""
    assert published.undivided(divided).table.equals(whole.table)
    assert published.undivided(whole) is whole


def test_what_has_a_validation_split_of_its_own_has_it_still_however_often_it_is_asked():
    """AffectNet's selects once the division is undone, and was taken for what this project had held out."""
    whole = replace(of("affectnet", train=287_651, val=4_000), roles={"train": "train", "test": "val"})
    divided = splits.divide(whole, "90/10")
    once = published.undivided(divided)
    assert published.undivided(once) is once and published.other(once) == published.other(divided) == ""
    assert once.table["split"].value_counts().to_dict() == {"train": 287_651, "val": 4_000}
    assert set_counted(once) == set_counted(divided) == "affectnet"


@pytest.mark.parametrize("shares", [["80/10/10"], ["90/10", "80/10/10"]])
def test_splits_that_were_all_drawn_anew_are_none_that_are_published(shares):
    """80/10/10 of RAF-DB comes to as many training images as it is published with, and to others."""
    faces = of("rafdb", train=12_271, test=3_068)
    for one in shares:
        faces = splits.divide(faces, one)
    assert len(faces.rows("train")) == 12_271
    assert published.undivided(faces).splits == ("",)
    assert (published.other(faces), published.departs(faces)) == ("", "other splits than are published")


def test_a_set_without_splits_that_was_divided_has_none_again():
    once = splits.divide(of("handmade", none=100), "80/20")
    for divided in (once, splits.divide(once, "90/10")):
        assert published.undivided(divided).splits == ("",)
