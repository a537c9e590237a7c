"""What must hold among the numbers of a paper, worked out with intervals.

A printed number stands for all numbers that would be printed that way. A check fails only where none of them can make
it true, so that a rounded table is never blamed for its rounding. share_of is the GRIM test: whether a printed share
can be a whole number of images (Brown and Heathers, Soc. Psychol. Personal. Sci. 8(4), 2017).

What a paper leaves unsaid is treated alike wherever it is left, for a claim and against it:
- A check that `assumes` a fact which is printed nowhere decides nothing, whether it holds or not.
- Where the words of a claim can be taken in several ways, a check `reads` them in one of these. By its readings a claim
  is exact where all of them hold, inconsistent where all fail, and open where one holds and another does not.
- All other checks take a claim as it stands: one that fails makes it inconsistent.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from mpmath import iv

from ..results import measurements
from . import rounding
from .ledger import Check, Claim, Ledger, LedgerError


@dataclass(frozen=True)
class Finding:
    """A check of one claim, or of several together: what is printed, what it is held against, and whether it holds.

    `holds` is None where nothing has been measured that could tell."""

    check: Check
    claims: tuple[str, ...]
    left: str
    right: str
    holds: bool | None


class _NotMeasured(Exception):
    pass


def run(ledger: Ledger, evidence: pd.DataFrame) -> list[Finding]:
    """Every check of the ledger, one finding a judged claim (one in all for `same` and `holds`).

    evidence  as `measurements.gather` gives it; the checks against the real distribution need it
    Raises LedgerError for an expression that cannot be worked out.
    """
    return [finding for check in ledger.checks for finding in _run(check, ledger, evidence)]


def readings(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """The checks of one claim by the reading that they take; those that take it as it stands are left out."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.check.reads:
            found.setdefault(finding.check.reads, []).append(finding)
    return found


def holds(reading: Sequence[Finding]) -> bool | None:
    """Whether all checks of a reading hold; None where one that is not measured may yet fail."""
    found = {finding.holds for finding in reading}
    return False if False in found else None if None in found else True


def contradicting(findings: Sequence[Finding]) -> list[Finding]:
    """Those that make a claim inconsistent: what fails as it stands, and all readings of a claim that has no other."""
    of: dict[str, list[Finding]] = {}
    for finding in findings:
        for key in finding.claims:
            of.setdefault(key, []).append(finding)
    wrong = {key for key, own in of.items() if all(holds(one) is False for one in readings(own).values())}
    return [
        finding
        for finding in findings
        if finding.holds is False
        and not finding.check.assumes
        and (not finding.check.reads or not wrong.isdisjoint(finding.claims))
    ]


def _run(check: Check, ledger: Ledger, evidence: pd.DataFrame) -> list[Finding]:
    claims = [ledger.claims[key] for key in check.judged]
    try:
        if check.form == "same":
            return [_same(check, claims)]
        if check.form == "holds":
            return [_holds(check, ledger, evidence)]
        if check.form == "measured":
            return _measured(check, claims, evidence)
        right = _work_out(check.right, check.paper, ledger, evidence)
        right = list(right) if isinstance(right, np.ndarray) else [right] * len(claims)
        if any(math.isinf(float(part.a)) and math.isinf(float(part.b)) for part in right):
            raise LedgerError(f"{check.right} is no number: it divides by what can be zero")
        if len(right) != len(claims):
            raise LedgerError(f"{len(claims)} claims are compared with {len(right)} numbers")
        one = _share_of if check.form == "share_of" else _from
        return [one(check, claim, value) for claim, value in zip(claims, right, strict=True)]
    except _NotMeasured as lacking:
        return [Finding(check, (claim.id,), claim.text, f"{lacking} not measured", None) for claim in claims]
    except (LedgerError, ValueError, TypeError, SyntaxError, ZeroDivisionError) as error:
        raise LedgerError(f"{check.paper}.yaml: {check.id}: {error}") from None


def _same(check: Check, claims: list[Claim]) -> Finding:
    intervals = [rounding.convert(claim.interval, claim.unit) for claim in claims]
    if len({rounding.UNITS[claim.unit][0] for claim in claims}) > 1:
        raise LedgerError(f"compares {' and '.join(sorted({claim.unit for claim in claims}))}")
    holds = bool(max(float(part.a) for part in intervals) <= min(float(part.b) for part in intervals))
    values: dict[str, list[str]] = {}
    for claim in claims:
        values.setdefault(claim.text, []).append(claim.where)
    sides = [f"{value} ({', '.join(dict.fromkeys(where))})" for value, where in values.items()]
    return Finding(check, check.judged, sides[0], "; ".join(sides[1:]) or sides[0], holds)


def _from(check: Check, claim: Claim, right: iv.mpf) -> Finding:
    left = claim.interval
    holds = bool(left.a <= right.b) and bool(right.a <= left.b)
    return Finding(check, (claim.id,), f"{claim.text} {claim.unit}", rounding.show(right), holds)


def _share_of(check: Check, claim: Claim, whole: iv.mpf) -> Finding:
    share, total = rounding.convert(claim.interval, claim.unit), round(float(whole.mid))
    low, high = (float((end * total).mid) for end in (share.a, share.b))
    least, most = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    if least <= most:
        return Finding(check, (claim.id,), f"{claim.text} {claim.unit}", f"{least:,} of {total:,}", True)
    shares = [f"{count:,} of {total:,} is {100 * count / total:.3f} %" for count in (most, least)]
    return Finding(check, (claim.id,), f"{claim.text} {claim.unit}", "; ".join(shares), False)


TOUCH = 1e-10  # how far ends of intervals that are equal may be apart: they are worked out in binary


def _holds(check: Check, ledger: Ledger, evidence: pd.DataFrame) -> Finding:
    sides = re.split(r"(<=|>=|==|<|>)", check.right)
    if len(sides) != 3:
        raise LedgerError(f"{check.right!r} is not one comparison")
    left, right = (_work_out(side, check.paper, ledger, evidence) for side in (sides[0], sides[2]))
    left, right = _alike(left, right)
    pairs = list(zip(np.atleast_1d(left), np.atleast_1d(right), strict=True))
    impossible = {
        "<": lambda a, b: a.a >= b.b - TOUCH,
        "<=": lambda a, b: a.a > b.b,
        ">": lambda a, b: a.b <= b.a + TOUCH,
        ">=": lambda a, b: a.b < b.a,
        "==": lambda a, b: a.b < b.a or b.b < a.a,
    }[sides[1]]
    failing = [pair for pair in pairs if impossible(*pair)]
    shown = failing or pairs
    text = [", ".join(rounding.show(pair[side]) for pair in shown) for side in (0, 1)]
    relation = {"==": "equal to"}.get(sides[1], sides[1])
    return Finding(check, check.judged, text[0], f"should be {relation} {text[1]}", not failing)


def _measured(check: Check, claims: list[Claim], evidence: pd.DataFrame) -> list[Finding]:
    """Each claim against its measurement; says whose number it is where the printed rows are the real ones permuted."""
    if not all(claim.measurement in evidence.index for claim in claims):
        return [Finding(check, (claim.id,), f"{claim.text} {claim.unit}", "not measured", None) for claim in claims]
    values = [claim.in_unit(evidence.loc[claim.measurement, "value"]) for claim in claims]
    permuted = sorted(claim.value for claim in claims) == sorted(values) and len(set(values)) == len(values)
    findings = []
    for claim, value in zip(claims, values, strict=True):
        holds = value in claim.interval
        right = f"{value:,.6g} measured"
        if permuted and not holds:
            owner = next(other for other, number in zip(claims, values, strict=True) if number == claim.value)
            right += f"; {claim.text} is the number of {owner.row or owner.about}"
        findings.append(Finding(check, (claim.id,), f"{claim.text} {claim.unit}", right, holds))
    return findings


OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


def _alike(left: object, right: object) -> tuple:
    """Two sides of which one may be a list: a single number is repeated, since mpmath takes a list for an interval."""
    if isinstance(left, np.ndarray) and not isinstance(right, np.ndarray):
        right = np.array([right] * len(left), dtype=object)
    elif isinstance(right, np.ndarray) and not isinstance(left, np.ndarray):
        left = np.array([left] * len(right), dtype=object)
    return left, right


def _list(parts: object) -> np.ndarray:
    if not isinstance(parts, np.ndarray):
        raise LedgerError("sum, mean and count are of a list: {table1.*.train}")
    return parts


def _hull(choose):
    """Least or greatest of a list of intervals, or of the arguments."""

    def of(*parts):
        parts = [part for group in parts for part in np.atleast_1d(group)]
        return iv.mpf([choose(part.a for part in parts).a, choose(part.b for part in parts).b])

    return of


FUNCTIONS = {
    "sum": lambda parts: np.sum(_list(parts)),
    "mean": lambda parts: np.sum(_list(parts)) / len(parts),
    "min": _hull(min),
    "max": _hull(max),
    "abs": lambda part: np.array([abs(one) for one in part]) if isinstance(part, np.ndarray) else abs(part),
    "sqrt": iv.sqrt,
    "count": lambda parts: iv.mpf(len(_list(parts))),
}


def _work_out(expression: str, paper: str, ledger: Ledger, evidence: pd.DataFrame) -> iv.mpf | np.ndarray:
    """An expression in claims, {table4.*.recall}, and measurements, {=parameters(resnet34, 7)}: an interval, or an
    array of them where it is of several claims. Raises _NotMeasured, and LedgerError for what cannot be worked out."""
    names: dict[str, object] = {}

    def take(found: re.Match) -> str:
        name = f"_{len(names)}"
        names[name] = measured(found[1][1:]) if found[1].startswith("=") else printed_there(found[1].strip())
        return name

    def measured(text: str) -> iv.mpf:
        try:
            measurement = measurements.check(text.strip(), ledger.networks, ledger.papers)
        except ValueError as error:
            raise LedgerError(str(error)) from None
        if measurement not in evidence.index:
            raise _NotMeasured(measurement)
        return iv.mpf(float(evidence.loc[measurement, "value"]))

    def printed_there(pattern: str) -> iv.mpf | np.ndarray:
        intervals = [ledger.claims[key].interval for key in ledger.find(pattern, paper)]
        if None in intervals:
            raise LedgerError(f"{{{pattern}}} has no number")
        return np.array(intervals, dtype=object) if "*" in pattern or "@" in pattern else intervals[0]

    return _value(ast.parse(re.sub(r"{([^}]*)}", take, expression).strip(), mode="eval").body, names)


def _value(node: ast.AST, names: dict[str, object]) -> iv.mpf | np.ndarray:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return iv.mpf(repr(node.value))
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.List):
        return np.array([_value(part, names) for part in node.elts], dtype=object)
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_value(node.operand, names))
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](*_alike(_value(node.left, names), _value(node.right, names)))
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in FUNCTIONS
        and not node.keywords
    ):
        return FUNCTIONS[node.func.id](*(_value(part, names) for part in node.args))
    raise LedgerError(
        f"{ast.unparse(node)!r} cannot stand in a check; it is numbers, {{claims}}, + - * / ** and "
        f"{', '.join(FUNCTIONS)}"
    )
