"""Verdicts on claims, worked out from what was measured and from the checks; none is ever typed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..results import measurements
from .checks import Finding
from .ledger import Claim, Ledger

VERDICTS = {
    "exact": "computed and equal to the last printed digit",
    "as run": "a setting that the paper profile runs with, to the last printed digit",
    "reproduced": "measured, within the tolerance",
    "not reproduced": "measured, outside the tolerance",
    "inconsistent": "the paper contradicts itself or its own arithmetic",
    "needs data": "a data set that is not at hand",
    "needs weights": "pretrained weights that are not at hand",
    "needs device": "a device that is not at hand",
    "not run": "could be checked and was not yet",
}

EFFECT, SETTING, STRUCTURE = (measurements.KINDS[name] for name in ("effect", "setting", "structure"))
EQUATION = 1e-5  # greatest deviation of 32-bit numbers from an equation that is worked out in 64 bits


@dataclass(frozen=True)
class Case:
    """A claim and what there is to judge it by."""

    claim: Claim
    kind: measurements.Kind | None  # of its measurement; None where it has none
    found: pd.Series | None  # what was measured, as `measurements.gather` has it
    checks: list[Finding]  # of the claim, without those that rest on an assumption, which decide nothing
    at_hand: set[str]  # data sets on which anything was measured

    @property
    def of_the_paper(self) -> bool:
        """Whether a training had the paper's settings: a shorter one says nothing about its number. What it was other
        in all the same, such as the teacher, is shown with the verdict."""
        return self.found is not None and measurements.reservation(str(self.found["protocol"])) is not None

    @property
    def tested(self) -> bool:
        """Whether the claim is a statement that something is above 0, with an interval: folds that agree by chance, or
        a single seed, give none."""
        return self.kind is EFFECT and self.of_the_paper and pd.notna(self.found["low"])

    @property
    def value(self) -> float:
        return self.claim.in_unit(self.found["value"])


def judge(ledger: Ledger, evidence: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """The ledger with its verdicts, a row a claim in the order of papers and pages.

    The first of RULES that says anything decides. `evidence` names the file or the checks that the verdict rests on,
    `rule` which of RULES it was.
    """
    of: dict[str, list[Finding]] = {}
    for finding in findings:
        if not finding.check.assumes:
            for key in finding.claims:
                of.setdefault(key, []).append(finding)
    at_hand = _at_hand(evidence)
    rows = []
    for claim in ledger.claims.values():
        found = evidence.loc[claim.measurement] if claim.measurement in evidence.index else None
        kind = measurements.KINDS[measurements.split(claim.measurement)[0]] if claim.measurement else None
        case = Case(claim, kind, found, of.get(claim.id, []), at_hand)
        rule, (verdict, rests_on) = next((rule, said) for rule in RULES if (said := rule(case)))
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
                "verdict": verdict,
                **_measured(claim, found),
                "evidence": rests_on,
                "rule": rule.__name__,
            }
        )
    return pd.DataFrame(rows).astype({"seeds": "Int64"})


Said = tuple[str, str] | None  # a verdict and what it rests on


def _equal(case: Case) -> bool:
    """Whether a number that was computed is the printed one, to the last printed digit."""
    if case.found is None or not case.kind.counted:
        return False
    if case.claim.interval is None:
        return abs(case.value) <= EQUATION
    if pd.notna(case.found["low"]):  # a range is the same where both of its ends are
        ends = (case.claim.in_unit(case.found[end]) for end in ("low", "high"))
        return np.allclose([float(case.claim.interval.a), float(case.claim.interval.b)], list(ends))
    return case.value in case.claim.interval


def counted_and_equal(case: Case) -> Said:
    """A number that was computed and is equal is exact, whatever else the paper says of it."""
    chosen = case.kind in (SETTING, STRUCTURE)
    return ("exact", case.found["evidence"]) if not chosen and _equal(case) else None


def contradicted(case: Case) -> Said:
    """What a check finds wrong is inconsistent, measured or not."""
    return _by_checks("inconsistent", [finding for finding in case.checks if finding.holds is False])


def as_run(case: Case) -> Said:
    """A setting that params/paper has too, or a layer that the network has too: one of two that a paper prints is not
    right for being chosen here."""
    return ("as run" if case.kind is SETTING else "exact", case.found["evidence"]) if _equal(case) else None


def statement_tested(case: Case) -> Said:
    """A statement that something is above 0 is reproduced where the whole interval is."""
    if not case.tested:
        return None
    return ("reproduced" if case.found["low"] > 0 else "not reproduced"), case.found["evidence"]


def counted_and_other(case: Case) -> Said:
    """A number that was computed and is another."""
    counted = case.found is not None and case.kind.counted
    return ("not reproduced", case.found["evidence"]) if counted else None


def measured(case: Case) -> Said:
    """A training that is the paper's own, within the tolerance or outside."""
    if case.kind is EFFECT or not case.of_the_paper:
        return None
    close = abs(case.value - case.claim.value) <= case.claim.allowed
    return ("reproduced" if close else "not reproduced"), case.found["evidence"]


def follows_from_the_paper(case: Case) -> Said:
    """What follows from the paper's own numbers; for a statement that is not yet tested, they are what there is."""
    if case.claim.needs or (case.claim.measurement and case.kind is not EFFECT):
        return None
    form = "from" if case.claim.text else "holds"
    return _by_checks("exact", [finding for finding in case.checks if finding.holds and finding.check.form == form])


def lacking(case: Case) -> Said:
    """Data, weights or a device that nobody here has."""
    missing = [measurements.NEEDS[need] for need in case.claim.needs if need not in case.at_hand]
    return next(((f"needs {lack}", "") for lack in ("data", "weights", "device") if lack in missing), None)


def open_(case: Case) -> Said:
    """All else could be checked and was not yet."""
    return "not run", ""


RULES = (counted_and_equal, contradicted, as_run, statement_tested, counted_and_other, measured)
RULES += (follows_from_the_paper, lacking, open_)


def _by_checks(verdict: str, findings: list[Finding]) -> Said:
    names = dict.fromkeys(finding.check.id for finding in findings)
    return (verdict, "check " + ", ".join(names)) if names else None


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Claims by paper and verdict, with totals."""
    counts = pd.crosstab(table["paper"], table["verdict"]).reindex(columns=list(VERDICTS), fill_value=0)
    counts = counts.loc[list(dict.fromkeys(table["paper"]))]
    counts["total"] = counts.sum(axis=1)
    counts.loc["total"] = counts.sum()
    return counts.rename_axis(columns=None)


def _at_hand(evidence: pd.DataFrame) -> set[str]:
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
