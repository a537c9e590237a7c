"""One HTML page that needs nothing from elsewhere, and an executed notebook as such a page."""

from __future__ import annotations

import json
import re
from pathlib import Path

from .. import files
from ..results import text

STYLE = """
:root { color-scheme: light dark; --paper: light-dark(#fff, #14181d); --ink: light-dark(#1f2328, #dfe4ea);
  --quiet: light-dark(#57606a, #9aa5b1); --link: light-dark(#0b57a4, #82b8f5); --line: light-dark(#d5d8dc, #3a424b);
  --box: light-dark(#f3f5f7, #222830); --shade: light-dark(#0004, #fff5); --mark: #bf5b04; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0;
  overflow-wrap: break-word; }
main, header, nav.contents, footer { max-width: 74rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2rem; }
h1, h2, h3, h4 { line-height: 1.25; margin: 2em 0 .6em; }
h1 { margin-top: 0; font-size: 1.9rem; }
h2 { border-top: 1px solid var(--line); padding-top: 1.2em; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, input:focus-visible, select:focus-visible, [tabindex]:focus-visible
  { outline: 3px solid var(--mark); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .4rem; }
nav.contents ul { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; list-style: none; padding: 0; margin: 1rem auto; }
img { max-width: 100%; height: auto; background: #fff; }
figure { margin: 1.2rem 0; break-inside: avoid; } figcaption, small, .quiet { color: var(--quiet); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem 2rem;
  grid-auto-flow: dense; align-items: start; }
figcaption > .said { color: var(--ink); } .said > :first-child { margin-top: .3em; } .said p { max-width: 60rem; }
.figures > :is(.wide, .across) { grid-column: 1 / -1; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
p code, li code, dd code { background: var(--box); padding: .1em .3em; overflow-wrap: anywhere; }
pre { overflow-x: auto; background: var(--box); padding: .6rem; }
.scroll, .output_area, .output_html { overflow-x: auto; }
.scroll, .wide { background: linear-gradient(to right, var(--paper) 40%, #0000) 0 0 / 3rem 100%,
  linear-gradient(to left, var(--paper) 40%, #0000) 100% 0 / 3rem 100%,
  linear-gradient(to right, var(--shade), #0000) 0 0 / 1rem 100%,
  linear-gradient(to left, var(--shade), #0000) 100% 0 / 1rem 100%; background-repeat: no-repeat;
  background-attachment: local, local, scroll, scroll; } /* a shadow on the side where there is more */
.wide img { mix-blend-mode: multiply; } .wide figcaption { position: sticky; left: 0; }
table { border-collapse: collapse; margin: .8em 0; font-size: .85em; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .3em 0; }
th, td { padding: .28em .6em; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { border-bottom: 2px solid var(--quiet); }
th[scope=row], .words, .claims td, .claims th, td:first-child, th:first-child { text-align: left; }
tbody th { font-weight: normal; text-align: left; } table.dataframe { border: 0; }
.dataframe :is(th, td) { border-width: 0 0 1px; } .scroll > table td { white-space: nowrap; }
.scroll > table td.prose { white-space: normal; min-width: 16rem; max-width: 34rem; }
:is(.ledger, .known) .scroll td { white-space: normal; }
.warning { border-left: .3rem solid var(--mark); padding-left: .7rem; }
details { margin: .5rem 0; } summary { cursor: pointer; color: var(--link); }
form { display: flex; flex-wrap: wrap; gap: .5rem 1.2rem; margin: 1rem 0; }
input, select { font: inherit; max-width: 100%; }
.anchor-link, .prompt { display: none; }
@media (min-width: 40rem) { .scroll > table th[scope=row] { position: sticky; left: 0; background: var(--paper); } }
@media (max-width: 40rem) {
  .wide { overflow-x: auto; } .wide img { max-width: none; width: 44rem; }
  :is(.ledger, .known) thead { position: absolute; left: -99rem; }
  :is(.ledger, .known) :is(tr, td, tbody th) { display: block; }
  :is(.ledger, .known) tr { border-bottom: 2px solid var(--line); padding: .5em 0; }
  :is(.ledger, .known) td { border: 0; padding: 0 .3em; overflow-wrap: anywhere; }
  .ledger tr[hidden], :is(.ledger, .known) td:empty { display: none; }
  .ledger td:first-child, .known td:nth-child(2) { font-weight: 600; }
  .ledger td:nth-child(4)::before, .known td:nth-child(3)::before { content: "claimed "; }
  .ledger td:nth-child(5)::before, .known td:nth-child(4)::before { content: "measured "; }
  .known td:nth-child(5)::before { content: "deduplicated "; } .known td:nth-child(7)::before { content: "verdict: "; }
}
@media (prefers-color-scheme: dark) { .wide img { mix-blend-mode: normal; } } /* figures stay on white */
@media print {
  :root { color-scheme: light; }
  body { font-size: 10pt; } nav, form, .skip, script { display: none; } a { color: inherit; text-decoration: none; }
  .scroll { overflow: visible; } tr, figure { break-inside: avoid; } h2, h3 { break-after: avoid; }
  details::details-content { content-visibility: visible; }
}
"""
CODE = """{%- extends 'basic/index.html.j2' -%}
{% block input_group %}<details><summary>code</summary>{{ super() }}
{%- if cell.metadata.printed %}<pre>{{ cell.metadata.printed | ansi2html }}</pre>{% endif -%}
</details>{% endblock %}
"""
BETWEEN = (
    r"</details>\s*</div>\s*<div class=\"cell [^>]*code_cell[^>]*>\s*<details><summary>code</summary>"  # two folds
)
CORNER = r"<th(?: class=\"blank[^>]*)?>(?:&nbsp;|\s)*</th>"  # of a pandas table, plain or styled: it heads nothing
CHECKED = "nbval-check-output"  # the tag of cells whose output is there for the tests
SLIDERS = "<p>Sliders and choices are shown here as they stood; they can be moved in JupyterLab.</p>"
WIDGET, STATE = (f"application/vnd.jupyter.widget-{part}+json" for part in ("view", "state"))


def shell(title: str, body: str, contents: dict[str, str] | None = None, lead: str = "") -> str:
    """A whole page: `body` is HTML, `contents` headings by the id of their section, `lead` HTML below the title."""
    listed = "".join(
        f'<li><a href="#{text.html(key)}">{text.html(name)}</a></li>' for key, name in (contents or {}).items()
    )
    nav = f'<nav class="contents" aria-label="contents"><ul>{listed}</ul></nav>' if listed else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text.html(title)}</title><style>{STYLE}</style></head>
<body><a class="skip" href="#main">to the content</a>
<header>{lead}</header>
{nav}
<main id="main">
{body}
</main></body></html>
"""


def folded(name: str, body: str) -> str:
    """HTML behind its name, which opens it."""
    return f"<details><summary>{text.html(name)}</summary>{body}</details>"


def page(notebook: str | Path, target: str | Path, record: str | Path | None = None) -> Path:
    """An executed notebook as one HTML file, which opens offline, its code and what that prints folded away, without
    what only the tests read; returns `target`.

    record  how it was made, as `results.provenance` writes it; shown at the end where there is one
    """
    import nbformat
    from nbconvert import HTMLExporter

    content = nbformat.read(notebook, as_version=4)
    moving = _pictures(content)
    _fold(content)
    exporter = HTMLExporter(raw_template=CODE, exclude_input_prompt=True, exclude_output_prompt=True)
    exporter.template_name = "basic"
    body, _ = exporter.from_notebook_node(content)
    body = re.sub(BETWEEN, "", body)
    body = re.sub(CORNER, "<td></td>", body).replace("<pre>", '<pre tabindex="0">')  # a long line is scrolled by keys
    headings = ("".join(cell.source) for cell in content.cells if cell.cell_type == "markdown")
    title = next((text.splitlines()[0].lstrip("# ") for text in headings if text.startswith("# ")), "Report")
    if record and Path(record).is_file():
        plain = json.dumps(json.loads(Path(record).read_text(encoding="utf-8")), indent=1, ensure_ascii=False)
        said = "\n".join(map(text.html, plain.splitlines()))
        folded = f"<details><summary>data, parameters, revision, versions, time</summary><pre>{said}</pre></details>"
        body += f'<section aria-labelledby="record"><h2 id="record">How it was made</h2>{folded}</section>'
    lead = '<p><a href="../index.html">The report</a></p>' + SLIDERS * moving
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(target, shell(title, body, lead=lead))
    return target


def _fold(content) -> None:
    """What a cell prints goes below its code; what the tests check goes away."""
    for cell in content.cells:
        if CHECKED in cell.metadata.get("tags", ()):
            cell.outputs = []
        streams = [output for output in cell.get("outputs", ()) if output.output_type == "stream"]
        if streams:
            cell.metadata["printed"] = "".join(output.text for output in streams)
            cell.outputs = [output for output in cell.outputs if output not in streams]


def _pictures(content) -> bool:
    """A picture for each widget that draws one, as it stood, since no kernel answers on a page; and words for each
    picture, from the heading above it. Returns whether there is any widget."""
    moving = False
    states = content.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    heading = "the beginning"
    for cell in content.cells:
        if cell.cell_type == "markdown":
            found = [line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")]
            heading = found[-1] if found else heading
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if WIDGET in data:
                moving = True
                picture = _drawn(states, data.pop(WIDGET)["model_id"])
                data.update({"image/png": picture} if picture else {})
            if "image/png" in data:
                output.metadata.setdefault("image/png", {}).setdefault("alt", f"figure: {heading}")
    return moving


def _drawn(states: dict, model: str) -> str | None:
    """The PNG of a widget or of the first below it that has one, base64."""
    found = states.get(model, {})
    for buffer in found.get("buffers", ()):
        if found.get("model_name") == "ImageModel" and buffer["path"] == ["value"]:
            return buffer["data"]
    children = (child.removeprefix("IPY_MODEL_") for child in found.get("state", {}).get("children", ()))
    return next((picture for child in children if (picture := _drawn(states, child))), None)
