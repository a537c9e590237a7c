"""A check fails only where no numbers that would be printed the same way can make it true."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from mpmath import iv

from fercore import claims
from fercore.claims import checks
from fercore.results import measurements

NOTHING = measurements.gather([])
EMPTY = """
paper: {title: A, authors: B, year: 2026, source: "doi:1"}
groups: {emotions: [happy, sad]}
"""


def text(**values):
    """A text section of numbers: name=("66.0", "percent")."""
    rows = [
        f'  - {{id: {name}, where: "section {name}", value: "{value}", unit: {unit}, about: x}}'
        for name, (value, unit) in values.items()
    ]
    return EMPTY + "text:\n" + "\n".join(rows) + "\n"


def check(write, numbers, **form):
    """What the one check finds among the numbers."""
    words = ", ".join(
        f'{key}: "{value}"' if not isinstance(value, list) else f"{key}: [{', '.join(value)}]"
        for key, value in form.items()
    )
    return claims.run(write(numbers + f"checks:\n  - {{id: c, says: x, {words}}}\n"), NOTHING)


@pytest.mark.parametrize(
    ("printed", "expression", "holds"),
    [
        ("21", "{a} / {b}", True),  # 20.4 to 22.3
        ("15", "{a} / {b}", False),
        ("20.4", "{a} / {b}", True),
        ("20.3", "{a} / {b}", False),
        ("20", "20.5", True),  # which is printed as 20 or as 21
        ("21", "20.5", True),
        ("24.4", "{a} - {b}", True),
        ("24.2", "{a} - {b}", False),
        ("26.8", "sum([{a}, {b}])", True),
        ("13.4", "mean([{a}, {b}])", True),
        ("13.0", "mean([{a}, {b}])", False),
        ("9.3", "mean([{a}, {b}, {b}])", True),
        ("25.6", "max({a}, {b})", True),
        ("1.2", "min([{a}, {b}])", True),
        ("24.4", "abs({b} - {a})", True),
        ("655", "{a} ** 2", True),
        ("5.06", "sqrt({a})", True),
        ("3", "count([{a}, {b}, {b}])", True),
        ("-24.4", "-({a} - {b})", True),
    ],
)
def test_a_number_worked_out_from_others(write, printed, expression, holds):
    numbers = text(a=("25.6", "ms"), b=("1.2", "ms"), c=(printed, "ms"))
    (finding,) = check(write, numbers, claim="c", **{"from": expression})
    assert finding.holds is holds
    assert (finding.check.id, finding.claims, finding.left) == ("c", ("paper/c",), f"{printed} ms")


@pytest.mark.parametrize(("printed", "holds"), [("97", True), ("90", False)])
def test_a_number_worked_out_from_a_bound(write, printed, holds):
    for bound, expression in ((">95", "{a} + 1"), ("<-95", "1 - {a}")):
        (finding,) = check(write, text(a=(bound, "ms"), c=(printed, "ms")), claim="c", **{"from": expression})
        assert finding.holds is holds


def test_of_numbers_that_are_ranges_each_bound_has_its_least_and_its_greatest(write):
    ranges = {"a": ("1..9", "ms"), "b": ("3..4", "ms")}
    for expression, low, high in (("min({a}, {b})", 1, 4), ("max({a}, {b})", 3, 9)):
        for printed, holds in ((low - 1, False), (low, True), (high, True), (high + 1, False)):
            numbers = text(**ranges, c=(f"{printed}..{printed}", "ms"))
            (finding,) = check(write, numbers, claim="c", **{"from": expression})
            assert finding.holds is holds, (expression, printed)


def test_of_several_numbers_each_is_taken_without_its_sign():
    found = checks.FUNCTIONS["abs"](np.array([iv.mpf([-3, -2]), iv.mpf(1)]))
    assert [(part.a, part.b) for part in found] == [(2, 3), (1, 1)]


def test_rounding_is_never_blamed(write):
    """Every sum of two rounded numbers fits the rounded sum."""
    for a in range(0, 100, 7):
        for b in range(0, 100, 9):
            first, second, total = a / 100 + 0.004, b / 100 + 0.0049, (a + b) / 100 + 0.0089
            numbers = text(a=(f"{first:.2f}", "ms"), b=(f"{second:.2f}", "ms"), c=(f"{total:.2f}", "ms"))
            (finding,) = check(write, numbers, claim="c", **{"from": "{a} + {b}"})
            assert finding.holds, (first, second, total)


TABLE = """
tables:
  table4:
    where: Table 4
    columns: {precision: {unit: fraction}, recall: {unit: fraction}, f1: {unit: fraction}}
    rows:
      happy: [0.9103, 0.8316, 0.8692]
      sad: [0.5523, 0.5152, 0.5431]
"""


def test_row_by_row(write):
    """The F1 of sad is 0.5331."""
    findings = check(
        write, EMPTY + TABLE, claim="table4.*.f1", **{"from": "2 / (1 / {table4.*.precision} + 1 / {table4.*.recall})"}
    )
    assert [(finding.claims, finding.holds) for finding in findings] == [
        (("paper/table4.happy.f1",), True),
        (("paper/table4.sad.f1",), False),
    ]
    assert findings[1].right.startswith("0.533")


def test_rows_of_a_group_in_its_order_and_numbers_of_a_source(write):
    finding, other = check(write, EMPTY + TABLE, claim="table4.@emotions.f1", **{"from": "[0.8692, 0.6]"})
    assert finding.holds and not other.holds
    found = check(write, EMPTY + TABLE, claim="table4.@emotions.f1", **{"from": "{table4.@emotions.f1}"})
    assert [finding.holds for finding in found] == [True, True]


@pytest.mark.parametrize(
    ("numbers", "holds"),
    [
        ({"a": ("76.33", "percent"), "b": ("76.42", "percent")}, False),
        ({"a": ("67.07", "percent"), "b": ("0.6707", "fraction")}, True),
        ({"a": ("69", "percent"), "b": ("69.87", "percent")}, False),  # 69.87 is printed as 70
        ({"a": ("69", "percent"), "b": ("69.37", "percent")}, True),
        ({"a": ("1.18M", "parameters"), "b": ("1.2M", "parameters")}, True),
        ({"a": ("1.18M", "parameters"), "b": ("1.10M", "parameters")}, False),
        ({"a": ("8.85", "ms"), "b": ("0.00885", "s")}, True),
        ({"a": ("69", "times"), "b": ("70", "times")}, True),  # 69.5 is printed as either
    ],
)
def test_the_same_number_in_several_places(write, numbers, holds):
    (finding,) = check(write, text(**numbers), same=["a", "b"])
    assert finding.holds is holds
    assert (finding.check.id, finding.claims) == ("c", ("paper/a", "paper/b"))
    assert "section a" in finding.left and (holds or "section b" in finding.right)


def test_both_sides_of_a_number_say_where_each_is_printed(write):
    numbers = {name: (value, "percent") for name, value in zip("abcd", ("76.33", "76.42", "76.33", "76"), strict=True)}
    (finding,) = check(write, text(**numbers), same=list("abcd"))
    assert (finding.left, finding.right) == ("76.33 (section a, section c)", "76.42 (section b); 76 (section d)")
    (finding,) = check(write, text(**numbers), same=["a", "c"])
    assert finding.holds and finding.left == finding.right == "76.33 (section a, section c)"


@pytest.mark.parametrize(
    ("share", "unit", "whole", "holds"),
    [
        ("67.07", "percent", "3589", True),  # 2,407 images
        ("0.6707", "fraction", "3589", True),
        ("76.42", "percent", "3589", False),  # 2,742 is 76.40, 2,743 is 76.43
        ("76.33", "percent", "3589", False),
        ("69.87", "percent", "3589", False),
        ("69.87", "percent", "7178", True),
        ("71.2", "percent", "3589", True),  # one digit says little
        ("100", "percent", "3589", True),
        ("0.0", "percent", "3", True),
        ("20.0", "percent", "3", False),
        ("0.2", "percent", "400", True),  # one image is 0.25, which is rounded down by some
        ("0.3", "percent", "400", True),  # and up by others
    ],
)
def test_a_share_must_be_a_whole_number_of_images(write, share, unit, whole, holds):
    (finding,) = check(write, text(a=(share, unit)), claim="a", share_of=whole)
    assert finding.holds is holds
    assert (finding.check.id, finding.claims, finding.left) == ("c", ("paper/a",), f"{share} {unit}")


def test_a_share_that_cannot_be_shows_those_beside_it(write):
    (finding,) = check(write, text(a=("76.42", "percent")), claim="a", share_of="3589")
    assert finding.right == "2,742 of 3,589 is 76.400 %; 2,743 of 3,589 is 76.428 %"
    (finding,) = check(write, text(a=("67.07", "percent")), claim="a", share_of="3589")
    assert finding.right == "2,407 of 3,589"


def test_shares_are_those_that_can_be_printed(write):
    """Against counting: of 23 images, exactly the percentages that some count rounds to."""
    possible = {f"{100 * count / 23:.1f}" for count in range(24)}
    for tenth in range(1001):
        (finding,) = check(write, text(a=(f"{tenth / 10:.1f}", "percent")), claim="a", share_of="23")
        assert finding.holds == (f"{tenth / 10:.1f}" in possible), tenth


@pytest.mark.parametrize(
    ("comparison", "holds"),
    [
        ("{a} < {b}", False),
        ("{a} > {b}", True),
        ("{a} >= {c}", True),
        ("{a} > {c}", True),  # 25.64 and 25.60 are possible
        ("{a} == {c}", True),
        ("{a} == {b}", False),
        ("{a} <= {b}", False),
        ("{b} < min({a}, {c})", True),
        ("[{a}, {b}] > [{b}, {c}]", False),  # one of two does not hold
        ("[{a}, {c}] > {b}", True),  # one number against all
        ("{d} < 3", False),  # what is counted stands for itself alone
        ("{d} <= 3", True),
        ("{d} > 3", False),
        ("{d} >= 3", True),
        ("{d} >= 4", False),
        ("{d} == 3", True),
    ],
)
def test_orderings(write, comparison, holds):
    numbers = text(a=("25.6", "ms"), b=("1.2", "ms"), c=("25.6", "ms"), d=("3", "images"))
    (finding,) = check(write, numbers, judged=["a"], holds=comparison)
    assert finding.holds is holds
    assert (finding.check.id, finding.claims) == ("c", ("paper/a",))


def test_ends_that_meet_are_neither_less_nor_more(write):
    """-0.07 to -0.05 and -0.09 to -0.07, worked out in binary, overlap by a last digit."""
    numbers = text(a=("97.93", "percent"), b=("97.99", "percent"), c=("96.65", "percent"), d=("96.73", "percent"))
    for comparison in ("{a} - {b} < {c} - {d}", "{c} - {d} > {a} - {b}"):
        (finding,) = check(write, numbers, judged=["a"], holds=comparison)
        assert finding.holds is False
    (finding,) = check(write, numbers, judged=["a"], holds="{c} - {d} <= {a} - {b}")
    assert finding.holds is True


@pytest.mark.parametrize(
    ("comparison", "left", "right"),
    [
        ("[{a}, {b}] > [{b}, {a}]", "1.15 to 1.25", "should be > 25.55 to 25.65"),  # only what fails
        ("[{a}, 3] > {b}", "25.55 to 25.65, 3", "should be > 1.15 to 1.25, 1.15 to 1.25"),
        ("{b} == 2", "1.15 to 1.25", "should be equal to 2"),
    ],
)
def test_an_ordering_shows_both_sides(write, comparison, left, right):
    (finding,) = check(write, text(a=("25.6", "ms"), b=("1.2", "ms")), judged=["a"], holds=comparison)
    assert (finding.left, finding.right) == (left, right)


def test_an_ordering_of_what_is_measured_waits_for_it(write, evidence):
    words = 'checks: [{id: c, says: x, judged: a, holds: "{=images(fer2013, all, sad)} > 9"}]'
    ledger = write(text(a=("2", "ms")) + words)
    for count, holds in ((10, True), (9, False)):
        (finding,) = claims.run(ledger, evidence(**{"images(fer2013, all, sad)": count}))
        assert finding.holds is holds and finding.left == str(count)
    assert claims.run(ledger, NOTHING)[0].holds is None


COUNTS = """
tables:
  table3:
    where: Table III
    columns: {public: {unit: images, measurement: "images(fer2013, PublicTest, {row})"}}
    rows: {happy: [653], sad: [895], angry: [467]}
"""
REAL = {"happy": 895, "sad": 653, "angry": 467}


def test_permuted_rows_are_found_and_named(write, evidence):
    found = evidence(**{f"images(fer2013, PublicTest, {name})": count for name, count in REAL.items()})
    ledger = write(EMPTY + COUNTS + 'checks: [{id: c, says: x, claim: "table3.*.public", measured: true}]')
    happy, sad, angry = claims.run(ledger, found)
    assert (happy.holds, sad.holds, angry.holds) == (False, False, True)
    assert (happy.left, happy.right) == ("653 images", "895 measured; 653 is the number of sad")
    assert angry.right == "467 measured" and sad.claims == ("paper/table3.sad.public",) and sad.check.id == "c"
    missing = claims.run(ledger, NOTHING)
    assert [(finding.holds, finding.right) for finding in missing] == [(None, "not measured")] * 3
    assert (missing[1].check, missing[1].claims, missing[1].left) == (sad.check, sad.claims, sad.left)


def test_rows_that_are_other_numbers_are_nobody_elses(write, evidence):
    found = evidence(**{f"images(fer2013, PublicTest, {name})": count + 1 for name, count in REAL.items()})
    ledger = write(EMPTY + COUNTS + 'checks: [{id: c, says: x, claim: "table3.*.public", measured: true}]')
    assert [finding.right for finding in claims.run(ledger, found)] == ["896 measured", "654 measured", "468 measured"]


NO_ARITHMETIC = ["__import__('os')", "{a}.real", "{a}[0]", "lambda: 1", "open('x')", "{a} if 1 else 2", "{a} +", "'x'"]
NO_ARITHMETIC += ["{nowhere}", "1 / 0", "1 / ({a} - {a})", "sum({a})", "{a} @ {a}", "{=equation(papre, 1)}"]


def test_a_measurement_stands_in_an_expression_and_decides_nothing_where_it_is_missing(write, evidence):
    words = 'checks: [{id: c, says: x, claim: a, from: "{=parameters(simple_cnn,7)} / 1000"}]'
    ledger = write(text(a=("1175", "ms")) + words)
    (finding,) = claims.run(ledger, evidence(**{"parameters(simple_cnn, 7)": 1_175_015}))
    assert finding.holds and finding.right.startswith("1,175.01")
    (finding,) = claims.run(ledger, evidence(**{"parameters(simple_cnn, 7)": 1_176_015}))
    assert finding.holds is False
    (finding,) = claims.run(ledger, NOTHING)
    assert finding.holds is None and finding.right == "parameters(simple_cnn, 7) not measured"
    assert (finding.check.id, finding.claims) == ("c", ("paper/a",))
    wrong = write(text(a=("1175", "ms")) + words.replace("simple_cnn", "simple_cn"))
    with pytest.raises(claims.LedgerError, match=r"paper\.yaml: c: .*did you mean 'simple_cnn'"):
        claims.run(wrong, NOTHING)


@pytest.mark.parametrize("expression", NO_ARITHMETIC)
def test_what_is_no_arithmetic_is_refused(write, expression):
    with pytest.raises(claims.LedgerError, match=r"paper\.yaml: c: "):
        check(write, text(a=("1.0", "ms")), claim="a", **{"from": expression})


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("1 / ({a} - {a})", "it divides by what can be zero"),
        ("sum({a})", "are of a list"),
        ("{a}[0]", r"cannot stand in a check; it is numbers, \{claims\}, .*, max, abs"),
        ("{best} + 1", r"\{best\} has no number"),
    ],
)
def test_a_refusal_says_why(write, expression, said):
    numbers = text(a=("1.0", "ms")) + "statements:\n  - {id: best, where: x, about: x}\n"
    with pytest.raises(claims.LedgerError, match=rf"paper\.yaml: c: .*{said}"):
        check(write, numbers, claim="a", **{"from": expression})


def test_what_cannot_be_compared_is_refused(write):
    with pytest.raises(claims.LedgerError, match="2 claims are compared with 3 numbers"):
        check(write, EMPTY + TABLE, claim="table4.*.f1", **{"from": "[1, 2, 3]"})
    with pytest.raises(claims.LedgerError, match="compares ms and percent"):
        check(write, text(a=("1", "ms"), b=("1", "percent")), same=["a", "b"])
    with pytest.raises(claims.LedgerError, match="is not one comparison"):
        check(write, text(a=("1", "ms")), judged=["a"], holds="{a}")
    with pytest.raises(claims.LedgerError, match=r"paper\.yaml: c: "):
        check(write, text(a=("1", "ms")), judged=["a"], holds="[{a}, {a}] > [0, 0, 9]")  # one side is longer


def test_no_check_no_finding(write):
    assert claims.run(write(text(a=("1", "ms"))), pd.DataFrame()) == []


@pytest.mark.parametrize(("found", "said"), [((True, True), True), ((True, None), None), ((None, False), False)])
def test_a_reading_that_fails_fails_whatever_is_not_measured(found, said):
    assert checks.holds([SimpleNamespace(holds=one) for one in found]) is said
