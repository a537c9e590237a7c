"""What `Faces` promises, and how it refuses parts that do not fit together."""

import numpy as np
import pytest

from fercore.datasets.faces import COLUMNS, FER2013_CLASSES, DataError, Faces, table


def faces(pixels=None, rows=None, classes=("a", "b", "c")):
    pixels = np.zeros((4, 6, 5), np.uint8) if pixels is None else pixels
    return Faces("set", pixels, table([0, 2, 0, 1], ["x", "y", "y", "x"]) if rows is None else rows, classes)


def test_labels_rows_and_splits():
    whole = faces()
    assert len(whole) == 4 and whole.labels.tolist() == [0, 2, 0, 1] and whole.labels.dtype == np.int64
    assert whole.rows("x").tolist() == [0, 3] and whole.rows("y").tolist() == [1, 2]
    assert (whole.synthetic, whole.notes, whole.fingerprint) == (False, (), None)


def test_splits_stand_in_the_order_of_the_table():
    splits = ["Training", "PublicTest", "Training", "PrivateTest"]
    assert faces(rows=table([0] * 4, splits)).splits == ("Training", "PublicTest", "PrivateTest")
    assert faces(rows=table([0] * 4, splits[::-1])).splits == ("PrivateTest", "Training", "PublicTest")
    assert faces(rows=table([0] * 4)).splits == ("",)


def test_an_unknown_split_is_a_key_error_that_names_those_there_are():
    with pytest.raises(KeyError, match="set has no split 'test'; it has 'x', 'y'"):
        faces().rows("test")
    with pytest.raises(KeyError, match="it has ''"):
        faces(rows=table([0] * 4)).rows("Training")


def test_colour_images_are_taken():
    assert len(faces(np.zeros((4, 6, 5, 3), np.uint8))) == 4


@pytest.mark.parametrize(
    ("parts", "finding"),
    [
        ({"pixels": np.zeros((4, 6, 5))}, "found pixels of type float64; expected uint8"),
        ({"pixels": np.zeros((4, 30), np.uint8)}, r"found pixels of shape \(4, 30\); expected \(N, H, W\) or"),
        ({"pixels": np.zeros((4, 3, 6, 5), np.uint8)}, r"found pixels of shape \(4, 3, 6, 5\)"),
        ({"pixels": np.zeros((3, 6, 5), np.uint8)}, "found 4 rows for 3 images; expected a row an image"),
        ({"pixels": np.zeros((0, 6, 5), np.uint8), "rows": table([])}, "found no image"),
        ({"rows": table([0] * 4).drop(columns=["subject", "source"])}, "found no column subject, source; expected"),
        ({"rows": table([0, 1, 2, 3])}, "found labels from 0 to 3; expected 0 to 2"),
        ({"rows": table([0, 1, 2, -1])}, "found labels from -1 to 2; expected 0 to 2"),
        ({"classes": ()}, "found labels from 0 to 2"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts, finding):
    with pytest.raises(DataError, match=f"^set: {finding}"):
        faces(**parts)


def test_a_table_has_every_column_as_text_but_the_label():
    rows = table([1, 0], "s", [7, 8], votes=[3, 4])
    assert tuple(rows.columns) == (*COLUMNS, "votes")
    assert rows["label"].dtype == np.int64 and rows["votes"].tolist() == [3, 4]
    assert rows["subject"].tolist() == ["7", "8"] and rows["split"].tolist() == ["s", "s"]
    assert rows["sequence"].tolist() == ["", ""] and rows["source"].tolist() == ["", ""]


def test_an_error_says_where_what_and_what_was_expected():
    error = DataError("a.csv: line 3", "7", "0 to 6")
    assert str(error) == "a.csv: line 3: found 7; expected 0 to 6"
    assert (error.where, error.found, error.expected) == ("a.csv: line 3", "7", "0 to 6")
    assert isinstance(error, ValueError)


def test_the_order_of_fer2013():
    assert FER2013_CLASSES == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
