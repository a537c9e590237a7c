"""Verdicts on claims, worked out from what was measured and from the checks; none is ever typed."""

from __future__ import annotations

import pandas as pd

from ..results import measurements
from .checks import Finding
from .ledger import Claim, Ledger

VERDICTS = {
    "exact": "computed and equal to the last printed digit",
    "reproduced": "measured, within the tolerance",
    "not reproduced": "measured, outside the tolerance",
    "inconsistent": "the paper contradicts itself or its own arithmetic",
    "needs data": "a data set that is not at hand",
    "needs weights": "pretrained weights that are not at hand",
    "needs device": "a device that is not at hand",
    "not run": "could be checked and was not yet",
}

EQUATION = 1e-5  # greatest deviation of 32-bit numbers from an equation that is worked out in 64 bits


def judge(ledger: Ledger, evidence: pd.DataFrame, findings: list[Finding]) -> pd.DataFrame:
    """The ledger with its verdicts, a row a claim in the order of papers and pages.

    A number that was computed and is equal is exact, whatever else the paper says of it; otherwise one that a check
    finds wrong is inconsistent, measured or not; a check that rests on an assumption decides nothing. A statement that
    something is above 0 is reproduced where the whole interval is; where it is not measured, or could not be tested,
    the paper's own numbers decide. `evidence` names the file or the checks that the verdict rests on.
    """
    of: dict[str, list[Finding]] = {}
    for finding in findings:
        for key in finding.claims:
            of.setdefault(key, []).append(finding)
    at_hand = _at_hand(evidence)
    rows = []
    for claim in ledger.claims.values():
        found = evidence.loc[claim.measurement] if claim.measurement in evidence.index else None
        verdict, rests_on = _verdict(claim, found, of.get(claim.id, []), at_hand)
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
            }
        )
    return pd.DataFrame(rows).astype({"seeds": "Int64"})


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Claims by paper and verdict, with totals."""
    counts = pd.crosstab(table["paper"], table["verdict"]).reindex(columns=list(VERDICTS), fill_value=0)
    counts = counts.loc[list(dict.fromkeys(table["paper"]))]
    counts["total"] = counts.sum(axis=1)
    counts.loc["total"] = counts.sum()
    return counts.rename_axis(index="paper", columns=None)


def _verdict(claim: Claim, found: pd.Series | None, checks: list[Finding], at_hand: set[str]) -> tuple[str, str]:
    kind = measurements.KINDS[measurements.split(claim.measurement)[0]] if claim.measurement else None
    value = None if found is None else claim.in_unit(found["value"])
    if found is not None and kind.counted and _equal(claim, value):
        return "exact", found["evidence"]
    checks = [finding for finding in checks if not finding.check.assumes]
    failing = [finding.check.id for finding in checks if finding.holds is False]
    if failing:
        return "inconsistent", "check " + ", ".join(dict.fromkeys(failing))
    if found is not None and kind is measurements.KINDS["effect"] and pd.isna(found["low"]):
        found = None  # one that could not be tested: folds that agree by chance, or a single seed
    if found is not None and _paper(found) and kind is measurements.KINDS["effect"]:
        return ("reproduced" if found["low"] > 0 else "not reproduced"), found["evidence"]
    if found is not None and (kind.counted or _paper(found)):
        close = not kind.counted and abs(value - claim.value) <= claim.allowed
        return ("reproduced" if close else "not reproduced"), found["evidence"]
    form = "from" if claim.text else "holds"
    derived = [finding.check.id for finding in checks if finding.holds and finding.check.form == form]
    statement = kind is measurements.KINDS["effect"]  # the paper's own numbers decide as long as none are measured
    if derived and not claim.needs and (statement or not claim.measurement):
        return "exact", "check " + ", ".join(dict.fromkeys(derived))
    missing = [measurements.NEEDS[need] for need in claim.needs if need not in at_hand]
    for lack in ("data", "weights", "device"):
        if lack in missing:
            return f"needs {lack}", ""
    return "not run", ""


def _equal(claim: Claim, value: float) -> bool:
    """A number to its last printed digit; of an equation, what it and the library differ by."""
    return value in claim.interval if claim.interval is not None else abs(value) <= EQUATION


def _paper(found: pd.Series) -> bool:
    """Whether a training was the paper's own: a shorter one says nothing about its number."""
    return found["profile"] == "paper"


def _at_hand(evidence: pd.DataFrame) -> set[str]:
    """The data sets on which anything was measured."""
    words = (word for name in evidence.index for word in measurements.split(name)[1])
    return set(words) & set(measurements.DATASETS)


def _measured(claim: Claim, found: pd.Series | None) -> dict:
    names = ("value", "low", "high", "deduplicated", "near_deduplicated")
    if found is None:
        return dict.fromkeys(("measured", *names[1:])) | {"seeds": None, "profile": ""}
    values = {name: claim.in_unit(found[name]) if pd.notna(found[name]) else None for name in names}
    return {"measured": values.pop("value"), **values, "seeds": found["seeds"], "profile": found["profile"]}
