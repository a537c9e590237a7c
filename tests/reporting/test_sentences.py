"""A sentence says what the values say, and stands where there are none."""

import numpy as np
import pandas as pd
import pytest

from fercore.reporting.sentences import listed, percent, points, ranked, warned


@pytest.mark.parametrize(
    "names, expected",
    [([], "none"), (["a"], "a"), (["a", "b"], "a and b"), (("a", "b", 3), "a, b and 3"), (iter("ab"), "a and b")],
)
def test_names_in_a_row(names, expected):
    assert listed(names) == expected


def test_another_word_for_none():
    assert listed([], "nobody") == "nobody"


@pytest.mark.parametrize(
    "share, digits, expected", [(0.1234, 1, "12.3 %"), (1, 0, "100 %"), (0, 1, "0.0 %"), (np.nan, 1, "–")]
)
def test_a_share(share, digits, expected):
    assert percent(share, digits) == expected


def test_from_the_highest_to_the_lowest():
    values = pd.Series({"low": 0.1, "high": 0.9, "unknown": np.nan, "also low": 0.1})
    assert ranked(values, 0) == "high (90 %), low (10 %), also low (10 %)"
    assert ranked(values[:0]) == ""
    assert ranked(pd.Series({"a": 0.2, "b, c": 0.1}), 0) == "a (20 %); b, c (10 %)"
    assert ranked(pd.Series({"<b>": 0.2}), 0) == "&#60;b&#62; (20 %)"


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (-0.209, -0.27, -0.148, "-20.9 points [-27.0, -14.8]"),
        (0.006, 0.0003, 0.012, "+0.6 points [+0.03, +1.2]"),
        (-0.0002, -0.004, 0.0, "+0.0 points [-0.4, +0.0]"),
        (-0.050688, -0.101377, -6e-06, "-5.1 points [-10.1, -0.001]"),
        (0.0385, 0.0165, 0.0535, "+3.9 points [+1.7, +5.3]"),
        (0.01, np.nan, np.nan, "+1.0 points"),
    ],
)
def test_a_difference_in_points(value, low, high, expected):
    """An interval that leaves out 0 is never shown as one that begins there."""
    row = {"value": value, "low": low, "high": high}
    assert points(row) == points(pd.Series(row)) == expected


def test_what_is_not_to_be_trusted_is_named():
    table = pd.DataFrame({"note": ["few", "", "few", None, "none found"]}, ["a", "b", "c", "d", "e"])
    assert warned(table) == " Few (*a* and *c*). None found (*e*)."
    assert warned(table[1:2]) == warned(table.drop(columns="note")) == ""
