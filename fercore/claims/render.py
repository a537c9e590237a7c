"""The judged ledger for reading: tables for the report, a searchable page, macros for LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from pathlib import Path

import pandas as pd

from ..results import measurements, text
from .checks import Finding, contradicting
from .ledger import Ledger
from .nearest import nearest
from .rounding import COUNTED, NUMBER, SCALES
from .verdicts import at_hand, in_words

COLUMNS = {
    "id": "claim",
    "where": "where",
    "about": "about",
    "claimed": "claimed",
    "measured": "measured",
    "verdict": "verdict",
    "evidence": "evidence",
}

NOTHING = "–"
SCALED = "".join(SCALES)  # K, M or G behind a number: its decimals are none of the measured one's
FIRST = 50  # rows of the ledger that stand open while nothing is asked for; without scripts all do
TRAINED = ("reproduced", "not reproduced")  # verdicts that may rest on a training

STYLE = "<style>.claims td, .claims th { text-align: left; vertical-align: top; }</style>\n"

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
                "claimed": _unit(row["claimed"], row["unit"]),
                "measured": measured or NOTHING,
                "deduplicated": without or NOTHING,
                "how": how,
                "verdict": _verdict(row),
            }
        )
    return pd.DataFrame(found)


def _own(row: Mapping, sets: Collection[str]) -> tuple[str, str, str]:
    """What was measured as the paper did, or counted; deduplicated; and how, or what is missing but for `sets`."""
    if (row["protocol"] and not _the_papers(row["protocol"])) or pd.isna(row["measured"]):
        if row["evidence"]:
            return "", "", f"the paper's own numbers, {row['evidence'].replace('_', ' ')}"
        missing = ", ".join(need for need in row["needs"].split(", ") if need and need not in sets)
        return "", "", f"nothing comparable: {'needs ' + measurements.spelled(missing) if missing else 'not run'}"
    seeds = f", {row['seeds']:.0f} seed{'s' * bool(row['seeds'] > 1)}" if pd.notna(row["seeds"]) else ""
    but = ", but for what the verdict names" if row["protocol"] and measurements.reservation(row["protocol"]) else ""
    how = f"as the paper{but}{seeds}" if row["protocol"] else "counted"
    return _with_interval(row, "measured"), _number(row, "deduplicated"), how


def _the_papers(protocol: str) -> bool:
    """Whether a training has the paper's settings, whatever else it was other in."""
    return measurements.reservation(protocol) is not None


def _with_interval(row: Mapping, name: str) -> str:
    ends = "" if pd.isna(row["low"]) or _is_range(row) else f" [{_number(row, 'low')}, {_number(row, 'high')}]"
    return f"{_unit(_number(row, name), row['unit'])}{ends}"


def beside(ledger: Ledger, table: pd.DataFrame, made: pd.DataFrame) -> dict[str, tuple[str, str, str, str]]:
    """By claim that nobody measured as the paper did, what stands nearest to it: its value and interval, the value
    deduplicated, its name, and how it differs."""
    found = {}
    for _, row in table[~table["protocol"].map(_the_papers)].iterrows():
        claim = ledger.claims[row["id"]]
        if near := nearest(claim, made):
            values = {key: claim.in_unit(near.found[key]) for key in ("value", "low", "high", "deduplicated")}
            numbers = {**row, **values}
            value, without = _with_interval(numbers, "value"), _number(numbers, "deduplicated")
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


def grouped(frame: pd.DataFrame, papers: Mapping[str, Mapping]) -> str:
    """A table as HTML, escaped, with the title of each paper above its rows."""
    columns = [column for column in frame if column != "paper"]
    head = "".join(f'<th scope="col">{text.html(column)}</th>' for column in columns)
    parts = [f'<div class="claims"><table><thead><tr>{head}</tr></thead><tbody>']
    for name, rows in frame.groupby("paper", sort=False):
        title = f"<b>{text.html(name)}</b>: {text.html(papers[name]['title'])}"
        parts.append(f'<tr><th colspan="{len(columns)}">{title}</th></tr>')
        for _, row in rows.iterrows():
            parts.append(f"<tr>{''.join(_cell(row[key]) for key in columns)}</tr>")
    return STYLE + "\n".join(parts) + "</tbody></table></div>"


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


def both_sides(contradictions: pd.DataFrame, name: str = "contradictions") -> str:
    """What `contradictions` gives as HTML: by paper, each check with the numbers that do not fit it."""
    parts = [f'<div id="{name}" class="claims">']
    for paper, of_paper in contradictions.groupby("paper", sort=False):
        head = "".join(f"<th>{title}</th>" for title in ("what should hold", "claim", "printed", "against"))
        parts.append(f"<h3>{text.html(paper)}</h3>\n<table><thead><tr>{head}</tr></thead><tbody>")
        for what, rows in of_paper.groupby("what", sort=False):
            notes = {key: rows[key].iloc[0] for key in ("assuming", "source") if key in rows and rows[key].iloc[0]}
            small = "".join(f"<br><small>{key}: {text.html(note)}</small>" for key, note in notes.items())
            first = f'<td rowspan="{len(rows)}">{text.html(what)}{small}</td>'
            for _, row in rows.iterrows():
                cells = "".join(_cell(row[key]) for key in ("claims", "printed", "against"))
                parts.append(f"<tr>{first}{cells}</tr>")
                first = ""
        parts.append("</tbody></table>")
    return STYLE + "\n".join(parts) + "</div>"


def folded(name: str, body: str) -> str:
    """HTML behind its name, which opens it."""
    return f"<details><summary>{text.html(name)}</summary>{body}</details>"


def page(
    table: pd.DataFrame,
    root: str = "",
    name: str = "ledger",
    near: Mapping[str, tuple[str, str, str, str]] | None = None,
    ways: Mapping[str, tuple[str, str]] | None = None,
) -> str:
    """The ledger as HTML that needs nothing from elsewhere, with fields that search it; every text is escaped.

    root  what leads from the page to where evidence files are named from: "../../" for reports/quick/index.html
    near  as `beside` gives it; ways  by claim the place on the page that says what a verdict would take, and a word
    """
    near, ways = near or {}, ways or {}
    head = "".join(f'<th scope="col">{text.html(title)}</th>' for title in COLUMNS.values())
    rows = []
    for _, row in table.iterrows():
        cells = dict(row) | {"claimed": _unit(row["claimed"], row["unit"]), "measured": _number(row, "measured")}
        if row["measurement"].startswith("equation(") and cells["measured"]:
            cells["measured"] = f"largest difference {cells['measured']}"
        cells["verdict"] = _verdict(row)
        if row["cited"]:
            cells["about"] += f" (cited {row['cited']})"
        cells = {key: _cell(cells[key]) for key in COLUMNS}
        if row["evidence"].endswith((".csv", ".yaml")):
            link = text.html(root + row["evidence"])
            cells["evidence"] = _within(cells["evidence"], lambda said, link=link: f'<a href="{link}">{said}</a>')
        if row["how"]:
            note = f"<br><small>{text.html(row['how'])}</small>"
            cells["verdict"] = _within(cells["verdict"], lambda said, note=note: said + note)
        if row["id"] in near:
            value, _, measured, differs = map(text.html, near[row["id"]])
            cells["measured"] = f"<td><small>nearest: {value}, {measured}; {differs}</small></td>"
        if row["id"] in ways:
            place, words = map(text.html, ways[row["id"]])
            link = f'<br><a href="#{place}">{words}</a>'
            cells["verdict"] = _within(cells["verdict"], lambda said, link=link: said + link)
        cells["verdict"] = cells["verdict"].replace("<td>", f'<td data-verdict="{text.html(row["verdict"])}">', 1)
        rows.append("".join(cells.values()))
    body = "".join(f"<tr>{row}</tr>\n" for row in rows)
    choices = {"paper": dict.fromkeys(table["paper"]), "verdict": dict.fromkeys(table["verdict"])}
    fields = "".join(
        f'<label>{field} <select data-column="{number}"><option value="">all</option>'
        + "".join(f"<option>{text.html(one)}</option>" for one in of)
        + "</select></label> "
        for number, (field, of) in zip((0, 5), choices.items(), strict=True)
    )
    return f"""{STYLE}<div id="{name}" class="claims ledger">
<form><label>search <input type="search" placeholder="words that a row must hold" size="30"></label> {fields}
<output>{len(table):,} claims</output> <button type="button" hidden>show all</button></form>
<div class="scroll" tabindex="0" role="group" aria-label="the ledger"><table><thead><tr>{head}</tr></thead>
<tbody>
{body}</tbody></table></div></div>
<script>
(() => {{
  const box = document.getElementById("{name}"), rows = [...box.querySelectorAll("tbody tr")];
  const texts = rows.map(row => row.textContent.toLowerCase());
  const search = box.querySelector("input"), fields = [...box.querySelectorAll("select")];
  const button = box.querySelector("button");
  let first = {FIRST};
  const chosen = (cell, field) => !field.value || (field.dataset.column === "0"
    ? cell.textContent.startsWith(field.value + "/") : cell.dataset.verdict === field.value);
  const update = () => {{
    const words = search.value.toLowerCase().split(/\\s+/);
    const hits = rows.filter((row, i) => !(row.hidden = !(words.every(word => texts[i].includes(word))
      && fields.every(field => chosen(row.cells[field.dataset.column], field)))));
    if (hits.length === rows.length) hits.slice(first).forEach(row => row.hidden = true);  // nothing is asked for
    button.hidden = hits.length < rows.length || first >= rows.length;
    const count = hits.length.toLocaleString("en"), those = `${{count}} claim${{hits.length === 1 ? "" : "s"}}`;
    box.querySelector("output").textContent = button.hidden ? those : `the first ${{first}} of ${{those}}`;
  }};
  button.addEventListener("click", () => {{ first = rows.length; update(); }});
  update();
  box.addEventListener("input", update);
  box.querySelector("form").addEventListener("submit", event => event.preventDefault());
}})();
</script>"""


def write(out: str | Path, table: pd.DataFrame, **tables: pd.DataFrame) -> None:
    """Write the ledger and further tables as CSV, and claims.tex, into the folder `out`."""
    Path(out).mkdir(parents=True, exist_ok=True)
    for name, frame in {"ledger": table, **tables}.items():
        frame.to_csv(Path(out) / f"{name}.csv", index=False, lineterminator="\n", float_format="%.10g")
    macros(table, Path(out) / "claims.tex")


def macros(table: pd.DataFrame, path: str | Path) -> Path:
    """Write LaTeX macros for every measured number, by the claim's id, to `path`; returns it."""
    lines = []
    for _, row in table[table["measured"].notna()].iterrows():
        claimed = text.latex(row["claimed"])
        for word, sign in (("less", "<"), ("greater", ">"), ("asciitilde", r"\sim")):
            claimed = claimed.replace(rf"\text{word}{{}}", f"${sign}$")
        texts = {"measured": _number(row, "measured"), "claimed": claimed, "verdict": row["verdict"]}
        lines += [f"\\fercore@set{{{name}}}{{{row['id']}}}{{{text}}}\n" for name, text in texts.items()]
    Path(path).write_text(MACROS + "".join(lines) + "\\makeatother\n", encoding="utf-8", newline="\n")
    return Path(path)


def _cell(value: object) -> str:
    """One cell, escaped, whose ids and paths may break after a point, a stroke or an underscore."""
    breaking = re.sub(r"([./_])(?=[a-z])", r"\1<wbr>", text.html(value))
    return f"<td>{breaking}</td>"


def _within(cell: str, change: Callable[[str], str]) -> str:
    """A cell with what stands in it changed."""
    return f"<td>{change(cell.removeprefix('<td>').removesuffix('</td>'))}</td>"


def _verdict(row: pd.Series) -> str:
    """The verdict, and what the training that it rests on was other in: "not reproduced, with another teacher"."""
    reserved = measurements.reservation(str(row["protocol"])) if row["verdict"] in TRAINED else ""
    return f"{in_words(row)}, with {reserved}" if reserved else in_words(row)


def _unit(text: str, unit: str) -> str:
    names = {"percent": " %", "times": "×", "setting": "", "fraction": "", "count": "", "": ""}
    return f"{text}{names.get(unit, f' {unit}')}" if text else ""


def _number(row: Mapping, name: str) -> str:
    """A measured value with as many decimals as are printed; what is counted and what is set, in full; of a range that
    is set both ends, as they are printed. Where nothing is printed, as of an equation, two digits."""
    value, claimed = row[name], row["claimed"]
    if pd.isna(value):
        return ""
    if not claimed:
        return f"{value:.2g}"
    if _is_range(row) and name == "measured":
        return f"{_number(row, 'low')}..{_number(row, 'high')}"
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
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"  # no -0.0


def _is_set(row: Mapping) -> bool:
    return row["measurement"].startswith("setting(")


def _is_range(row: Mapping) -> bool:
    """Whether a setting is a range that is drawn from; of anything else, low and high are an interval."""
    return _is_set(row) and pd.notna(row["low"])
