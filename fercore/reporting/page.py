"""The report: what each stage of a profile has left behind, gathered and put on one page that needs nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from ..results import tables, text

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; margin-top: 2em; }
h1 { margin-top: 0; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin: 1em 0; font-size: .85em; font-variant-numeric: tabular-nums; }
th, td { padding: .25em .5em; text-align: right; border-bottom: 1px solid #ddd; }
thead th { border-bottom: 2px solid #888; }
td:first-child, th:first-child { text-align: left; }
tbody th { font-weight: normal; }
.output_area, pre { overflow-x: auto; }
.anchor-link, .prompt { display: none; }
"""


def stages(reports: str | Path) -> list[Path]:
    """The folders below `reports` that hold a stage's findings, in the order of the notebooks."""
    return sorted(path.parent for path in Path(reports).glob("*/findings.json"))


def findings(stage: Path) -> tuple[str, pd.DataFrame]:
    """What the data of a stage are called, and its single numbers: a row each, with name and value as text."""
    whole = json.loads((stage / "findings.json").read_text(encoding="utf-8"))
    rows = [(name.replace("_", " "), _text(value)) for name, value in whole["findings"].items()]
    return whole["data"], pd.DataFrame(rows, columns=["finding", "value"])


SHOWN = {  # tables that the report shows, by stage; the others are there as files
    "01_data_audit": ("class_counts", "leakage_exact", "leakage_near", "vote_agreement"),
    "02_baselines": ("comparison", "costs"),
    "03_tinyfer_lite": ("scores", "report", "ablation", "differences"),
    "04_microexpnet_pooling": ("table_2", "verdicts"),
    "05_kd_temperature_grid": ("table_4", "variance", "methods", "verdicts"),
    "07_light_fer_compression": ("compression", "latency"),
    "08_edge_benchmarks": ("latency", "formats", "end_to_end", "devices"),
    "public_networks": ("networks",),
    "lean_250k-fer2013": ("scores",),
    "tinyfer_lite-fer2013": ("scores",),
}


def shown_tables(stage: Path) -> list[tuple[str, pd.DataFrame]]:
    """The tables of a stage that the report shows and that it has made, to be read: with a heading each, intervals
    beside what they are of, and no column that is empty."""
    paths = [folder / f"{name}.csv" for name in SHOWN.get(stage.name, ()) for folder in _folders(stage)]
    found = [(path.stem, pd.read_csv(path)) for path in paths if path.is_file()]
    of = {name: ", ".join(table["data"].unique()) for name, table in found}
    return [(f"{name.replace('_', ' ').capitalize()}, {of[name]}", _read(table)) for name, table in found]


def section(stage: Path) -> list:
    """What the report shows of a stage, to be displayed in this order: a heading with a warning where faces were
    rendered, its tables, its figures. Whatever comes from files is escaped."""
    from IPython.display import Image, Markdown

    data, numbers = findings(stage)
    warning = "\n\n**Rendered faces: no number here compares with a paper's.**" if "synthetic" in data else ""
    heading = f"### Stage {text.markdown(stage.name)}, data {text.markdown(data)}"
    parts = [Markdown(f"{heading}\n\n{len(numbers)} findings.{warning}")]
    for title, table in shown_tables(stage):
        parts += [Markdown(f"#### {text.markdown(title)}"), _shown(table)]
    return [*parts, *(Image(str(path)) for folder in _folders(stage) for path in sorted(folder.glob("*.png")))]


def _folders(stage: Path) -> tuple[Path, Path]:
    """Where its files are: its folder, and what was timed beside it (`Stage.timings`)."""
    return stage, stage.with_name(tables.TIMINGS) / stage.name


def numbers(stage: Path) -> list:
    """All single numbers of a stage, to be displayed below its name; escaped."""
    from IPython.display import Markdown

    data, table = findings(stage)
    return [Markdown(f"### {text.markdown(stage.name)}, {text.markdown(data)}"), _shown(table)]


def _shown(table: pd.DataFrame):
    return tables.styled(table).hide(axis="index").format(precision=3, na_rep="", thousands=",", escape="html")


def _read(table: pd.DataFrame) -> pd.DataFrame:
    if table["data"].nunique() == 1:
        table = table.drop(columns="data")
    table = table.dropna(axis=1, how="all").convert_dtypes()  # whole numbers become whole
    for name in table.columns:
        low, high = ("low", "high") if name in ("value", "difference") else (f"{name}_low", f"{name}_high")
        if low in table.columns:
            cells = table[[name, low, high]].astype(float).to_numpy()
            table[name] = [_cell(*cell) for cell in cells]
            table = table.drop(columns=[low, high])
    return table.rename(columns=lambda name: name.replace("_", " "))


def _cell(value: float, low: float, high: float) -> str:
    if np.isnan(value):
        return ""
    return f"{value:.3f}" if np.isnan([low, high]).any() else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def page(notebook: str | Path, target: str | Path) -> Path:
    """An executed notebook as one HTML file without its code, which opens offline; returns `target`."""
    import nbformat
    from nbconvert import HTMLExporter

    cells = nbformat.read(notebook, as_version=4)
    exporter = HTMLExporter(template_name="basic", exclude_input=True, exclude_input_prompt=True)
    body, _ = exporter.from_notebook_node(cells)
    headings = ("".join(cell.source) for cell in cells.cells if cell.cell_type == "markdown")
    title = next((text.splitlines()[0].lstrip("# ") for text in headings if text.startswith("# ")), "Report")
    head = f'<meta charset="utf-8"><title>{text.html(title)}</title><style>{STYLE}</style>'
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    whole = f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'
    target.write_text(whole, encoding="utf-8", newline="\n")
    return target


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else str(value)
