"""A printed number stands for exactly those numbers that would be printed that way."""

import math

import pytest

from fercore.claims import rounding


@pytest.mark.parametrize(
    ("text", "unit", "scale", "value", "low", "high"),
    [
        ("67.07", "percent", "", 67.07, 67.065, 67.075),
        ("0.5660", "fraction", "", 0.566, 0.56595, 0.56605),  # the last zero is a digit
        ("932,202", "parameters", "", 932202, 932202, 932202),  # counted and in full: itself
        ("547", "images", "", 547, 547, 547),
        ("547", "ms", "", 547, 546.5, 547.5),  # measured: rounded
        ("2.5", "epochs", "", 2.5, 2.45, 2.55),  # a mean of what is counted
        ("1.18", "parameters", "M", 1.18e6, 1.175e6, 1.185e6),
        ("900K", "parameters", "", 900e3, 850e3, 950e3),  # its zeros may be digits, or only fill places
        ("21.8M", "parameters", "", 21.8e6, 21.75e6, 21.85e6),
        ("0.09", "macs", "G", 0.09e9, 0.085e9, 0.095e9),
        ("~287,000", "images", "", 287000, 286500, 287500),  # about: to its last digit that is not zero
        ("~75", "percent", "", 75, 74.5, 75.5),
        ("~48.0", "percent", "", 48, 47.5, 48.5),
        (">95", "percent", "", 95, 95, math.inf),
        ("<1", "MB", "", 1, -math.inf, 1),
        ("~3M", "parameters", "", 3e6, 2.5e6, 3.5e6),
        ("21.0M", "parameters", "", 21e6, 20.95e6, 21.05e6),
        ("8..9", "times", "", 8.5, 8, 9),
        ("8..9", "parameters", "K", 8500, 8000, 9000),
        ("8..8", "times", "", 8, 8, 8),
        ("+1.4", "points", "", 1.4, 1.35, 1.45),
        ("-0.6", "points", "", -0.6, -0.65, -0.55),
        ("-1,234.5", "points", "", -1234.5, -1234.55, -1234.45),
        ("1,500e3", "macs", "", 1.5e6, 1.4995e6, 1.5005e6),
        ("1e-4", "setting", "", 1e-4, 1e-4, 1e-4),  # chosen, not rounded
        ("0.3", "setting", "", 0.3, 0.3, 0.3),
    ],
)
def test_what_a_printed_number_stands_for(text, unit, scale, value, low, high):
    found, interval = rounding.read(text, unit, scale)
    assert found == value
    assert (float(interval.a), float(interval.b)) == pytest.approx((low, high), rel=1e-12)


@pytest.mark.parametrize("text", ["", "sixty", "67,07", "1,23", "12,3456", "67.07%", "9..8", "~", "1.2.3", "1 000"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match=r"is not a number|comma|begins above"):
        rounding.read(text, "percent")


def test_rounding_is_exact_to_the_last_bit():
    """3.605 and 3.615 are the two ends of 3.61 although no float is either."""
    interval = rounding.read("3.61", "MiB")[1]
    assert 3.605 in interval and 3.615 in interval
    assert 3.6049 not in interval and 3.6151 not in interval


def test_units_are_converted_to_a_common_one():
    percent = rounding.convert(rounding.read("67.07", "percent")[1], "percent")
    fraction = rounding.convert(rounding.read("0.6707", "fraction")[1], "fraction")
    assert float(percent.mid) == pytest.approx(float(fraction.mid))
    assert float(rounding.convert(rounding.read("3.61", "MiB")[1], "MiB").mid) == pytest.approx(3.61 * 2**20)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.4 points", "0.014 fraction"),
        ("3 MB", "0.003 GB"),
        ("1 GB", "953.67431640625 MiB"),
        ("90 s", "1.5 min"),
        ("90 s", "90,000 ms"),
        ("2 W", "2,000 mW"),
    ],
)
def test_the_same_quantity_in_two_units_is_one_number(one, other):
    found = [rounding.convert(rounding.read(text, unit)[1], unit) for text, unit in (one.split(), other.split())]
    assert float(found[0].mid) == pytest.approx(float(found[1].mid), rel=1e-12)


def test_intervals_are_shown_as_one_number_or_two():
    assert rounding.show(rounding.read("547", "images")[1]) == "547"
    assert rounding.show(rounding.read("67.07", "percent")[1]) == "67.065 to 67.075"
    assert rounding.show(rounding.read("1,175,015", "images")[1]) == "1,175,015"  # in full


def test_what_is_counted_and_printed_in_full_stands_for_itself_alone():
    counted = {
        "parameters",
        "images",
        "classes",
        "subjects",
        "sequences",
        "epochs",
        "px",
        "layers",
        "neurons",
        "filters",
    }
    assert set(rounding.COUNTED) == counted | {"networks", "count", "setting"}
    for unit in rounding.COUNTED:
        value, interval = rounding.read("80", unit)
        assert (value, interval.a, interval.b) == (80, 80, 80) and rounding.convert(interval, unit) == interval
