"""The judged ledger for reading: tables for the report, numbers as they are shown, macros for LaTeX."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path

import pandas as pd

from .. import files
from ..results import measurements, text
from .checks import Finding, contradicting
from .ledger import Ledger
from .nearest import nearest
from .rounding import COUNTED, NUMBER, SCALES
from .verdicts import at_hand, in_words

NOTHING = "–"
SCALED = "".join(SCALES)  # K, M or G behind a number: its decimals are none of the measured one's
TRAINED = ("reproduced", "not reproduced")  # verdicts that may rest on a training

# \measured{tinyfer/table5.simple_cnn.params} in a text; an id without a number is an error, not a blank
MACROS = r"""% Made by notebooks/09_report. \measured{ID} \claimed{ID} \verdict{ID}, with the ids of params/claims.
\makeatletter
\newcommand{\fercore@get}[2]{\ifcsname fercore@#1@#2\endcsname\csname fercore@#1@#2\endcsname
  \else\PackageError{fercore}{Nothing is #1 for #2}{The ids are those of params/claims.}\fi}
\newcommand{\fercore@set}[3]{\expandafter\gdef\csname fercore@#1@#2\endcsname{#3}}
\newcommand{\measured}[1]{\fercore@get{measured}{#1}}
\newcommand{\claimed}[1]{\fercore@get{claimed}{#1}}
\newcommand{\verdict}[1]{\fercore@get{verdict}{#1}}
"""


def headline(ledger: Ledger, table: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
    """The claims that each paper is known for: claimed, measured, without the copies in what is trained on, how that
    was measured, verdict.

    Where the paper's own training or device could not be had, the nearest measurement stands there under its own name,
    with how it differs; where there is none, what is missing.
    made  every measurement, as `measurements.every` gives them
    """
    rows = table.set_index("id", drop=False).loc[list(ledger.headline)]
    near, sets = beside(ledger, rows, made), at_hand(made)
    found = []
    for key, row in rows.iterrows():
        measured, without, how = _own(row, sets)
        if key in near:
            measured, without, name, differs = near[key]
            how = f"nearest: {name}; {differs}"
        how = "; ".join(filter(None, [how, row["how"]]))
        found.append(
            {
                "paper": row["paper"],
                "where": row["where"],
                "about": row["about"],
                "claimed": with_unit(row["claimed"], row["unit"]),
                "measured": measured or NOTHING,
                "deduplicated": without or NOTHING,
                "how": how,
                "verdict": verdict_of(row),
            }
        )
    return pd.DataFrame(found)


def _own(row: Mapping, sets: Collection[str]) -> tuple[str, str, str]:
    """What was measured as the paper did, or counted; deduplicated; and how, or what is missing but for `sets`."""
    if not comparable(row):
        if row["evidence"]:
            return "", "", f"the paper's own numbers, {row['evidence'].replace('_', ' ')}"
        missing = ", ".join(need for need in row["needs"].split(", ") if need and need not in sets)
        return "", "", f"nothing comparable: {'needs ' + measurements.spelled(missing) if missing else 'not run'}"
    seeds = f", {row['seeds']:.0f} seed{'s' * bool(row['seeds'] > 1)}" if pd.notna(row["seeds"]) else ""
    but = ", but for what the verdict names" if row["protocol"] and measurements.reservation(row["protocol"]) else ""
    how = f"as the paper{but}{seeds}" if row["protocol"] else "counted"
    return _with_interval(row, "measured"), number(row, "deduplicated"), how


def _the_papers(protocol: str) -> bool:
    """Whether a training has the paper's settings, however else it differs."""
    return measurements.reservation(protocol) is not None


def comparable(row: Mapping) -> bool:
    """Whether there is a number to set beside the printed one: counted, or of a training with the paper's settings."""
    return pd.notna(row["measured"]) and (not row["protocol"] or _the_papers(row["protocol"]))


def _with_interval(row: Mapping, name: str) -> str:
    ends = "" if pd.isna(row["low"]) or _is_range(row) else f" [{number(row, 'low')}, {number(row, 'high')}]"
    return f"{with_unit(number(row, name), row['unit'])}{ends}"


def beside(ledger: Ledger, table: pd.DataFrame, made: pd.DataFrame) -> dict[str, tuple[str, str, str, str]]:
    """By claim that nobody measured as the paper did, what stands nearest to it: its value and interval, the value
    deduplicated, its name, and how it differs."""
    found = {}
    for _, row in table[~table["protocol"].map(_the_papers)].iterrows():
        claim = ledger.claims[row["id"]]
        if near := nearest(claim, made):
            values = {key: claim.in_unit(near.found[key]) for key in ("value", "low", "high", "deduplicated")}
            numbers = {**row, **values}
            value, without = _with_interval(numbers, "value"), number(numbers, "deduplicated")
            found[row["id"]] = value, without, near.measurement, near.differs
    return found


def printed_table(ledger: Ledger, name: str, measured: Mapping[str, float]) -> pd.DataFrame:
    """A printed table, such as "mini_resemotenet/table2": its numbers as they are printed, and behind a column what was
    measured for it, in its unit, where anything was: "parameters" and "parameters here".

    measured  by the name of the measurement, in the unit of its kind
    """
    rows: dict[str, dict] = {}
    claims = [claim for key, claim in ledger.claims.items() if key.rsplit(".", 2)[0] == name]
    for claim in claims:
        cells = rows.setdefault(claim.row, {})
        cells[claim.column] = claim.text
        if claim.measurement in measured:
            cells[f"{claim.column} here"] = claim.in_unit(measured[claim.measurement])
    table = pd.DataFrame(rows).T.rename_axis("printed row")
    fullest = max(rows.values(), key=len)  # a row that lacks a column says nothing of their order
    printed = list(dict.fromkeys(name for name in [*fullest, *table] if not name.endswith(" here")))
    order = [column for one in printed for column in (one, f"{one} here") if column in table]
    return table[order].infer_objects()


def contradictions(findings: list[Finding], assuming: bool = False, of: Collection[str] | None = None) -> pd.DataFrame:
    """A row a finding that does not hold: paper, what it is about, the claims, both sides, where the other is from.

    assuming  instead those that rest on an assumption or on one reading of several, which is given with them; they
              contradict nothing
    of        only those with one of these claims, by id
    """
    sure = {id(finding) for finding in contradicting(findings)}
    rows = [
        {
            "paper": finding.check.paper,
            "what": finding.check.says,
            "claims": ", ".join(key.partition("/")[2] for key in finding.claims),
            "printed": finding.left,
            "against": finding.right,
            "source": finding.check.source,
            "assuming": finding.check.assumes or finding.check.reads,
        }
        for finding in findings
        if finding.holds is False
        and (id(finding) not in sure) == assuming
        and (of is None or not set(of).isdisjoint(finding.claims))
    ]
    columns = ["paper", "what", "claims", "printed", "against", "source", "assuming"]
    return pd.DataFrame(rows, columns=columns if assuming else columns[:-1])


def write(out: str | Path, table: pd.DataFrame, **tables: pd.DataFrame) -> None:
    """Write the ledger and further tables as CSV, and claims.tex, into the folder `out`."""
    Path(out).mkdir(parents=True, exist_ok=True)
    for name, frame in {"ledger": table, **tables}.items():
        content = frame.to_csv(index=False, lineterminator="\n", float_format="%.10g")
        files.write_text(Path(out) / f"{name}.csv", content)
    macros(table, Path(out) / "claims.tex")


def macros(table: pd.DataFrame, path: str | Path) -> Path:
    """Write LaTeX macros for every number that is `comparable`, by the claim's id, to `path`; returns it."""
    lines = []
    for _, row in table[table.apply(comparable, axis=1)].iterrows():
        claimed = text.latex(row["claimed"])
        for word, sign in (("less", "<"), ("greater", ">"), ("asciitilde", r"\sim")):
            claimed = claimed.replace(rf"\text{word}{{}}", f"${sign}$")
        texts = {"measured": number(row, "measured"), "claimed": claimed, "verdict": row["verdict"]}
        lines += [f"\\fercore@set{{{name}}}{{{row['id']}}}{{{text}}}\n" for name, text in texts.items()]
    files.write_text(path, MACROS + "".join(lines) + "\\makeatother\n")
    return Path(path)


def verdict_of(row: pd.Series) -> str:
    """The verdict, and how the training that it rests on differs: "not reproduced, with another teacher"."""
    reserved = measurements.reservation(str(row["protocol"])) if row["verdict"] in TRAINED else ""
    return f"{in_words(row)}, with {reserved}" if reserved else in_words(row)


def with_unit(text: str, unit: str) -> str:
    """A number with a unit of the ledger as it is read, "74.0 %"; empty text stays empty."""
    names = {"percent": " %", "times": "×", "setting": "", "fraction": "", "count": "", "": ""}
    return f"{text}{names.get(unit, f' {unit}')}" if text else ""


def number(row: Mapping, name: str) -> str:
    """A measured value with as many decimals as are printed, beside a bound three digits at least; what is counted and
    what is set, in full; of a range that is set both ends, as they are printed. Where nothing is printed, as of an
    equation, two digits."""
    value, claimed = row[name], row["claimed"]
    if pd.isna(value):
        return ""
    if not claimed:
        return f"{value:.2g}"
    if _is_range(row) and name == "measured":
        return f"{number(row, 'low')}..{number(row, 'high')}"
    exact = Decimal(f"{value:.6g}")
    if not exact.is_finite() or (not exact and "e" in claimed):
        return f"{value:g}"  # 0 is no power of ten, and infinity has no decimals
    if "e" in claimed:
        return f"{exact.normalize():e}"  # 1e-4
    decimals = max(0, -Decimal(re.findall(NUMBER, claimed)[-1].replace(",", "")).as_tuple().exponent)
    if claimed[-1] in SCALED:
        decimals = 0
    elif _is_set(row):
        decimals = max(decimals, -exact.normalize().as_tuple().exponent)
    elif row["unit"] in COUNTED and float(value).is_integer():
        decimals = 0
    elif claimed[0] in "<>":  # 0.53 is no 1, though <1 has no decimals
        decimals = max(decimals, 2 - exact.adjusted())
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"  # no -0.0


def _is_set(row: Mapping) -> bool:
    return row["measurement"].startswith("setting(")


def _is_range(row: Mapping) -> bool:
    """Whether a setting is a range that is drawn from; of anything else, low and high are an interval."""
    return _is_set(row) and pd.notna(row["low"])
