"""Verdicts on claims, worked out from what was measured and from the checks; none is ever typed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..results import measurements
from .checks import Finding, holds, readings
from .ledger import Claim, Ledger

VERDICTS = {
    "exact": "equal to the last printed digit: computed, from the paper's other numbers, or as the network is built",
    "as run": "a setting that the paper profile runs with, to the last printed digit",
    "reproduced": "measured, within the tolerance, and the interval does not speak against it; of a gain, the whole "
    "interval is on its side of zero",
    "not reproduced": "measured, outside the tolerance or, of a gain, not on its side of zero; or counted, and another",
    "inconsistent": "the paper contradicts itself, or the data set that it names, by more than rounding allows",
    "needs data": "a data set that is not at hand",
    "needs weights": "pretrained weights, or a network the paper cites, that are not at hand",
    "needs device": "a device that is not at hand",
    "not run": "open: not checked yet, or undecided by what there is",
}

EFFECT, GAIN, SETTING, STRUCTURE = (measurements.KINDS[name] for name in ("effect", "gain", "setting", "structure"))
EQUATION = 1e-5  # greatest deviation of 32-bit numbers from an equation that is worked out in 64 bits


@dataclass(frozen=True)
class Case:
    """A claim and what there is to judge it by."""

    claim: Claim
    kind: measurements.Kind | None  # of its measurement; None where it has none
    found: pd.Series | None  # what was measured, as `measurements.gather` has it
    checks: list[Finding]  # of the claim, as it stands
    doubts: list[Finding]  # checks of it that fail, if what they assume is so
    readings: dict[str, list[Finding]]  # of the claim in each of the ways in which it can be read
    counted: pd.DataFrame  # what was counted by a named convention, as `measurements.otherwise` has it
    read: pd.DataFrame  # and what was measured by another reading of the paper than `found` was
    taught: pd.DataFrame  # and of a student that another teacher has
    at_hand: set[str]  # data sets on which anything was measured

    @property
    def of_the_paper(self) -> bool:
        """Whether a training had the paper's settings: a shorter one says nothing about its number. What it was other
        in all the same, such as the teacher, is shown with the verdict."""
        return self.found is not None and _of_the_paper(self.found)

    @property
    def tested(self) -> bool:
        """Whether the claim is a statement that something is above 0, with an interval: folds that agree by chance, or
        a single seed, give none."""
        return self.kind is EFFECT and self.of_the_paper and pd.notna(self.found["low"])

    @property
    def value(self) -> float:
        """What was measured, in the claim's unit; there has to be some."""
        return self.claim.in_unit(self.found["value"])


def judge(ledger: Ledger, evidence: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """The ledger with its verdicts, a row a claim in the order of papers and pages.

    The first of RULES that says anything decides. `evidence` names the file or the checks that the verdict rests on,
    `how` says in words what a reader has to know of it beside, `rule` which of RULES it was.
    """
    of: dict[str, list[Finding]] = {}
    for finding in findings:
        for key in finding.claims:
            of.setdefault(key, []).append(finding)
    sets, ways = at_hand(evidence), {}
    for way in (measurements.CONVENTION, measurements.READING, measurements.TEACHER):
        ways[way] = evidence[evidence.index.str.contains(f", {way}=", regex=False)]
    rows = []
    for claim in ledger.claims.values():
        found = evidence.loc[claim.measurement] if claim.measurement in evidence.index else None
        kind = measurements.KINDS[measurements.split(claim.measurement)[0]] if claim.measurement else None
        own = of.get(claim.id, [])
        checks = [finding for finding in own if not finding.check.assumes]
        doubts = [finding for finding in own if finding.check.assumes and finding.holds is False]
        as_it_stands = [finding for finding in checks if not finding.check.reads]
        others = (measurements.otherwise(named, claim.measurement, way) for way, named in ways.items())
        case = Case(claim, kind, found, as_it_stands, doubts, readings(checks), *others, sets)
        rule, said = next((rule, said) for rule in RULES if (said := rule(case)))
        rows.append(
            {
                "id": claim.id,
                "paper": claim.paper,
                "where": claim.where,
                "row": claim.row,
                "column": claim.column,
                "about": claim.about,
                "claimed": claim.text,
                "unit": claim.unit,
                "cited": claim.cited,
                "needs": ", ".join(claim.needs),
                "measurement": claim.measurement,
                "tolerance": claim.tolerance,
                "verdict": said.verdict,
                **_measured(claim, found),
                "evidence": said.evidence,
                "how": said.how,
                "rule": rule.__name__,
            }
        )
    return pd.DataFrame(rows).astype({"seeds": "Int64"})


class Said(NamedTuple):
    """A verdict, what it rests on, and what is to be said of it beside."""

    verdict: str
    evidence: str = ""
    how: str = ""


def _equal(case: Case, found: pd.Series | None) -> bool:
    """Whether a number that was computed is the printed one, to the last printed digit."""
    if found is None or not case.kind.counted:
        return False
    value = case.claim.in_unit(found["value"])
    if case.claim.interval is None:
        return abs(value) <= EQUATION
    if pd.notna(found["low"]):  # a range is the same where both of its ends are
        ends = (case.claim.in_unit(found[end]) for end in ("low", "high"))
        return np.allclose([float(case.claim.interval.a), float(case.claim.interval.b)], list(ends))
    return value in case.claim.interval


def counted_and_equal(case: Case) -> Said | None:
    """A number that was computed and is equal is exact, whatever else the paper says of it."""
    chosen = case.kind in (SETTING, STRUCTURE)
    return Said("exact", case.found["evidence"]) if not chosen and _equal(case, case.found) else None


def contradicted(case: Case) -> Said | None:
    """What a check finds wrong as it stands, or every reading of it, is inconsistent, measured or not."""
    failing = [finding for finding in case.checks if finding.holds is False]
    if case.readings and all(holds(reading) is False for reading in case.readings.values()):
        failing += [finding for reading in case.readings.values() for finding in reading if finding.holds is False]
    if not failing:
        return None
    how = "; ".join(dict.fromkeys(f"the paper against {against(finding, case.claim)}" for finding in failing))
    return Said("inconsistent", _names(failing), how)


def against(finding: Finding, claim: Claim) -> str:
    """What a number is held against by a check: the paper itself, or what somebody has counted or printed elsewhere."""
    check = finding.check
    if check.form == "measured":
        return f"{measurements.split(claim.measurement)[1][0]}, counted here"
    if check.source:
        return check.source
    other = re.findall(r"{(\w+)/", check.right)
    counted = [text.strip() for text in re.findall(r"{=([^}]*)}", check.right)]
    parts = [f"the paper {paper}" for paper in other] or ["itself"]
    parts += [f"{text}, counted here" for text in counted]
    return " with ".join(dict.fromkeys(parts))


def counted_by_a_convention(case: Case) -> Said | None:
    """A number that comes out by another known way of counting is exact by that one, which is named."""
    for name, row in case.counted.iterrows():
        if _equal(case, row):
            value = case.claim.in_unit(row["value"])
            plain = "" if case.found is None else f"; without it {_full(case.value)}"
            return Said(
                "exact", row["evidence"], f"by the convention of {name}: {_full(value)} {case.claim.unit}{plain}"
            )
    return None


def as_run(case: Case) -> Said | None:
    """A setting that params/paper has too, or a layer that the network has too: one of two that a paper prints is not
    right for being chosen here, and no layer for being read as one that fits."""
    if not _equal(case, case.found) or (case.kind is STRUCTURE and _differ(case)):
        return None
    return Said("as run" if case.kind is SETTING else "exact", case.found["evidence"])


def statement_tested(case: Case) -> Said | None:
    """A statement that something is above 0: reproduced where the whole interval is, not reproduced where it lies
    below; an interval that holds 0 decides nothing, whatever the paper's own numbers say."""
    if not case.tested:
        return None
    low, high = case.found["low"], case.found["high"]
    ends = f"interval of the effect {low:+.4g} to {high:+.4g}"  # 95 %, or more where several statements are tested
    if low > 0 or high < 0:
        return Said("reproduced" if low > 0 else "not reproduced", case.found["evidence"], ends)
    return Said("not run", case.found["evidence"], f"not decided so far: {ends}")


def counted_and_other(case: Case) -> Said | None:
    """A number that was computed and is another."""
    if case.found is None or not case.kind.counted or _equal(case, case.found):
        return None
    tried = ", ".join(f"{name}, {_full(case.claim.in_unit(row['value']))}" for name, row in case.counted.iterrows())
    return Said("not reproduced", case.found["evidence"], f"nor by the convention of {tried}" if tried else "")


def measured(case: Case) -> Said | None:
    """A training that is the paper's own, within the tolerance or outside; what it is by one reading of the paper, or
    one teacher that is not its own, and not by another that was measured, too, is open."""
    if case.kind is EFFECT or not case.of_the_paper:
        return None
    said = _within(case)
    if said.verdict == "not run":
        return said
    told, value, ways = [], case.claim.in_unit, {}
    ways["how the paper is read"] = {f"by the {way}": row for way, row in case.read.iterrows()}
    if _taught(case.found):  # else the paper's own teacher does, and no other counts against it
        ways["who teaches"] = {f"taught by {way} ({_taught(row)})": row for way, row in case.taught.iterrows()}
    depends = []
    for what, others in ways.items():
        by = {way: _within(replace(case, found=row)) for way, row in others.items() if _of_the_paper(row)}
        if {said.verdict, "not run"} >= {one.verdict for one in by.values()}:
            continue
        depends.append(what)
        told += [f"{way} {value(others[way]['value']):,.4g}, {one.verdict}" for way, one in by.items()]
    if not depends:
        return said
    how = f"{value(case.found['value']):,.4g} is {said.verdict}; {'; '.join(told)}"
    return Said("not run", said.evidence, f"depends on {' and '.join(depends)}: {how}")


def _within(case: Case) -> Said:
    """What a training is, within the tolerance or outside. Where that and whether its interval contains
    the printed number disagree, nothing is decided, unless the whole interval is within the tolerance, nor where it
    reaches beyond the tolerance on both sides. What one training has over another is decided by no single seed, as
    another may turn it round, and by no interval that contains both the printed gain and zero; and it is reproduced
    only where its whole interval is on the side of zero where the printed gain is."""
    printed, evidence = case.claim.value, case.found["evidence"]
    low, high = (case.claim.in_unit(case.found[end]) for end in ("low", "high"))
    least, most = case.claim.tolerated
    allowed = "the tolerance" if case.claim.tolerance else "what is printed"
    ends, tolerance = f"95 % interval {low:,.4g} to {high:,.4g}", f"{allowed}, {_range(least, most)}"
    close = least <= case.value <= most
    undecided = ""
    if case.kind is GAIN and np.isnan(low):
        seeds = case.found["seeds"]
        undecided = (
            f"by the seeds so far: {'they agree' if seeds > 1 else 'one on either side'}, which gives no interval"
        )
    elif case.kind is GAIN and low <= min(0, printed) and max(0, printed) <= high:
        undecided = f"by the seeds so far: {ends} contains both the printed gain and zero"
    elif low < least and most < high:
        undecided = f"by what was measured so far: {ends} reaches beyond {tolerance}, on both sides"
    elif close and (low < least or most < high) and not case.claim.printed_meets(low, high):
        undecided = f"by what was measured so far: {ends} reaches beyond {tolerance}, and leaves out the printed number"
    elif not close and case.claim.printed_meets(low, high):
        undecided = f"by what was measured so far: outside {tolerance}, and {ends} contains the printed number"
    if undecided:
        return Said("not run", evidence, f"not decided {undecided}")
    reaches = low < least or most < high if close else low <= most and high >= least
    how = [f"{ends} reaches {'beyond' if close else 'into'} {tolerance}"] if reaches else []
    if case.kind is GAIN and printed and (low <= 0 if printed > 0 else high >= 0):
        close, how = False, [f"{ends} is not wholly on the side of zero where the printed gain is"]
    how += [
        f"the printed number is not {finding.check.says.removeprefix('else ')}, if {finding.check.assumes}"
        for finding in case.doubts
        if finding.check.form == "share_of"
    ]
    return Said("reproduced" if close else "not reproduced", evidence, "; ".join(how))


def _range(low: float, high: float) -> str:
    """From where to where, for reading; open at an end where that is infinite."""
    if np.isinf(low):
        return f"up to {high:,.4g}"
    return f"{low:,.4g} and more" if np.isinf(high) else f"{low:,.4g} to {high:,.4g}"


def follows_from_the_paper(case: Case) -> Said | None:
    """What follows from the paper's own numbers; for a statement that is not yet tested, they are what there is."""
    if case.claim.needs or (case.claim.measurement and case.kind is not EFFECT) or _differ(case):
        return None
    every = [*case.checks, *(finding for reading in case.readings.values() for finding in reading)]
    if any(finding.holds is None for finding in every):  # not measured, and may yet fail
        return None
    form = "from" if case.claim.text else "holds"
    holding = [finding for finding in every if finding.holds and finding.check.form == form]
    return Said("exact", _names(holding)) if holding else None


def lacking(case: Case) -> Said | None:
    """Data, weights or a device that nobody here has."""
    missing = [measurements.NEEDS[need] for need in case.claim.needs if need not in case.at_hand]
    return next((Said(f"needs {lack}") for lack in ("data", "weights", "device") if lack in missing), None)


def read_two_ways(case: Case) -> Said | None:
    """What holds by one reading and not by another is open: the paper would have to say which it means."""
    if not _differ(case):
        return None
    words = {True: "not contradicted", False: "contradicted", None: "not measured"}
    said = "; ".join(f"{name}: {words[holds(reading)]}" for name, reading in case.readings.items())
    return Said(
        "not run",
        _names([one for reading in case.readings.values() for one in reading]),
        f"depends on how it is read: {said}",
    )


def open_(case: Case) -> Said | None:
    """All else could be checked and was not yet."""
    return Said("not run")


RULES = (counted_and_equal, contradicted, counted_by_a_convention, as_run, statement_tested, counted_and_other)
RULES += (measured, follows_from_the_paper, lacking, read_two_ways, open_)


def _of_the_paper(found: pd.Series) -> bool:
    return measurements.reservation(str(found["protocol"])) is not None


def _taught(found: pd.Series) -> str:
    """How a student's teacher is another than the paper's; empty where it is not."""
    return str(found["protocol"]).partition(measurements.ANOTHER_TEACHER)[2]


def _differ(case: Case) -> bool:
    """Whether some reading fails, be it one of several."""
    return any(holds(reading) is False for reading in case.readings.values())


def _full(value: float) -> str:
    """A number that is counted, in full."""
    return f"{value:,.0f}" if value.is_integer() else f"{value:,.6g}"


def _names(findings: Sequence[Finding]) -> str:
    return "check " + ", ".join(dict.fromkeys(finding.check.id for finding in findings))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Claims by paper and verdict, with totals."""
    counts = pd.crosstab(table["paper"], table["verdict"]).reindex(columns=list(VERDICTS), fill_value=0)
    counts = counts.loc[list(dict.fromkeys(table["paper"]))]
    counts["total"] = counts.sum(axis=1)
    counts.loc["total"] = counts.sum()
    return counts.rename_axis(columns=None)


def in_words(row: Mapping) -> str:
    """The verdict of a row of `judge`'s table as it is shown: "undecided" for what was looked at and stays open."""
    return "undecided" if row["verdict"] == "not run" and row["how"] else row["verdict"]


def at_hand(evidence: pd.DataFrame) -> set[str]:
    """The data sets on which anything was measured."""
    words = (word for name in evidence.index for word in measurements.split(name)[1])
    return set(words) & set(measurements.DATASETS)


def _measured(claim: Claim, found: pd.Series | None) -> dict:
    names = ("value", "low", "high", "deduplicated", "near_deduplicated")
    if found is None:
        return dict.fromkeys(("measured", *names[1:])) | {"seeds": None, "profile": "", "protocol": ""}
    values = {name: claim.in_unit(found[name]) if pd.notna(found[name]) else None for name in names}
    return {"measured": values.pop("value"), **values, "seeds": found["seeds"]} | {
        name: found[name] for name in ("profile", "protocol")
    }
