"""The judged ledger as HTML that needs nothing from elsewhere; every text of a claim is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pandas as pd

from ..claims import render
from ..results import text

COLUMNS = {
    "id": "claim",
    "where": "where",
    "about": "about",
    "claimed": "claimed",
    "measured": "measured",
    "verdict": "verdict",
    "evidence": "evidence",
}
FIRST = 50  # rows; without scripts all stand open
# for JupyterLab; pages have it among their own
STYLE = "<style>.claims td, .claims th { text-align: left; vertical-align: top; }</style>\n"
# NAME stands for the id of the ledger, ROWS for the rows that stand open while nothing is asked for
SCRIPT = r"""<script>
(() => {
  const box = document.getElementById("NAME"), rows = [...box.querySelectorAll("tbody tr")];
  const texts = rows.map(row => row.textContent.toLowerCase());
  const search = box.querySelector("input"), fields = [...box.querySelectorAll("select")];
  const button = box.querySelector("button");
  let first = ROWS;
  const chosen = (cell, field) => !field.value || (field.dataset.column === "0"
    ? cell.textContent.startsWith(field.value + "/") : cell.dataset.verdict === field.value);
  const update = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    const hits = rows.filter((row, i) => !(row.hidden = !(words.every(word => texts[i].includes(word))
      && fields.every(field => chosen(row.cells[field.dataset.column], field)))));
    if (hits.length === rows.length) hits.slice(first).forEach(row => row.hidden = true);  // nothing is asked for
    button.hidden = hits.length < rows.length || first >= rows.length;
    const count = hits.length.toLocaleString("en"), those = `${count} claim${hits.length === 1 ? "" : "s"}`;
    box.querySelector("output").textContent = button.hidden ? those : `the first ${first} of ${those}`;
  };
  button.addEventListener("click", () => { first = rows.length; update(); });
  update();
  box.addEventListener("input", update);
  box.querySelector("form").addEventListener("submit", event => event.preventDefault());
})();
</script>"""


def grouped(frame: pd.DataFrame, papers: Mapping[str, Mapping]) -> str:
    """A table as HTML, escaped, with the title of each paper above its rows."""
    columns = [column for column in frame if column != "paper"]
    head = "".join(f'<th scope="col">{text.html(column)}</th>' for column in columns)
    parts = [f'<div class="claims"><table><thead><tr>{head}</tr></thead>']
    for name, rows in frame.groupby("paper", sort=False):
        title = f"<b>{text.html(name)}</b>: {text.html(papers[name]['title'])}"
        parts.append(f'<tbody><tr><th colspan="{len(columns)}" scope="rowgroup">{title}</th></tr>')
        for _, row in rows.iterrows():
            parts.append(f"<tr>{''.join(_cell(row[key]) for key in columns)}</tr>")
        parts.append("</tbody>")
    return "\n".join(parts) + "</table></div>"


def both_sides(contradictions: pd.DataFrame, name: str = "contradictions") -> str:
    """What `render.contradictions` gives as HTML: by paper, each check with the numbers that do not fit it."""
    parts = [f'<div id="{name}" class="claims">']
    for paper, of_paper in contradictions.groupby("paper", sort=False):
        titles = ("what should hold", "claim", "printed", "against")
        head = "".join(f'<th scope="col">{title}</th>' for title in titles)
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
    return "\n".join(parts) + "</div>"


def searchable(
    table: pd.DataFrame,
    root: str = "",
    name: str = "ledger",
    near: Mapping[str, tuple[str, str, str, str]] | None = None,
    ways: Mapping[str, tuple[str, str]] | None = None,
) -> str:
    """The ledger with fields that search it.

    root  what leads from the page to where evidence files are named from: "../../" for reports/quick/index.html
    near  as `render.beside` gives it
    ways  by claim the place on the page that says what a verdict would take, and a word
    """
    near, ways = near or {}, ways or {}
    head = "".join(f'<th scope="col">{text.html(title)}</th>' for title in COLUMNS.values())
    rows = []
    for _, row in table.iterrows():
        cells = dict(row) | {
            "claimed": render.with_unit(row["claimed"], row["unit"]),
            "measured": render.number(row, "measured") if render.comparable(row) else "",
        }
        if row["measurement"].startswith("equation(") and cells["measured"]:
            cells["measured"] = f"largest difference {cells['measured']}"
        cells["verdict"] = render.verdict_of(row)
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
    return f"""<div id="{name}" class="claims ledger">
<form><label>search <input type="search" placeholder="words that a row must hold" size="30"></label> {fields}
<output>{len(table):,} claims</output> <button type="button" hidden>show all</button></form>
<div class="scroll" tabindex="0" role="group" aria-label="the ledger"><table><thead><tr>{head}</tr></thead>
<tbody>
{body}</tbody></table></div></div>
{SCRIPT.replace("NAME", name).replace("ROWS", str(FIRST))}"""


def _cell(value: object) -> str:
    """One cell, escaped, whose ids and paths may break after a point, a stroke or an underscore."""
    breaking = re.sub(r"([./_])(?=[a-z])", r"\1<wbr>", text.html(value))
    return f"<td>{breaking}</td>"


def _within(cell: str, change: Callable[[str], str]) -> str:
    """A cell with what stands in it changed."""
    return f"<td>{change(cell.removeprefix('<td>').removesuffix('</td>'))}</td>"
