"""A sentence says what the values say, and stands where there are none."""

import numpy as np
import pandas as pd
import pytest

from fercore.reporting.sentences import listed, percent, ranked


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
