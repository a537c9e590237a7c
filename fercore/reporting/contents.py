"""The map of the notebooks for their index: what each asks, takes and gives, and what it took where it has run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from ..results import tables, text
from ..results.folders import PROFILES, READ, REFERENCE


def notebooks(root: str | Path) -> pd.DataFrame:
    """The numbered notebooks of the project at `root`, in their order: file, title, what it takes (parameters that are
    folders), gives (tables and figures that it writes), and took (minutes, by the profile that it has run in)."""
    root = Path(root)
    rows = []
    for path in sorted(root.glob("notebooks/[0-9]*.py")):
        script = path.read_text(encoding="utf-8")
        gives = [_counted(len(names), kind) for kind, names in _written(script).items() if names]
        rows.append(
            {
                "notebook": path.with_suffix(".ipynb").name,
                "title": title(path),
                "takes": ", ".join(_folders(script)),
                "gives": ", ".join(gives) or "the ledger",
                "took": ", ".join(_took(root, path.stem)),
            }
        )
    return pd.DataFrame(rows, columns=["notebook", "title", "takes", "gives", "took"])


def labs(root: str | Path) -> pd.DataFrame:
    """The notebooks in labs/, with their titles; empty where there are none."""
    paths = sorted(Path(root).glob("notebooks/labs/*.py"))
    return pd.DataFrame([(f"labs/{path.stem}.ipynb", title(path)) for path in paths], columns=["notebook", "title"])


def linked(table: pd.DataFrame) -> str:
    """A table whose first two columns are a file and its title, as Markdown that links them."""
    if table.empty:
        return ""
    names = ["", *table.columns[2:]]
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for file, name, *rest in table.itertuples(index=False):
        cells = [f"[{text.markdown(name)}]({file})", *map(text.markdown, rest)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def section(document: str | Path, heading: str) -> str:
    """What stands below a heading of a Markdown file, up to the next one; empty where there is no such heading."""
    found = re.search(
        rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", Path(document).read_text(encoding="utf-8"), re.M | re.S
    )
    return found[1].strip() if found else ""


def title(script: Path) -> str:
    """The first heading of a percent script; its name where there is none. A raw cell, such as a lab's, has none."""
    found = re.search(r"^# %% \[markdown\]\n# # (.+)$", script.read_text(encoding="utf-8"), re.M)
    return found[1] if found else script.stem


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'s' * (number > 1)}"


def _written(script: str) -> dict[str, set[str]]:
    """The names under which a script writes tables and figures, as it has them: one for a set or a size each counts
    once."""
    found: dict[str, set[str]] = {"table": set(), "figure": set()}
    for node in ast.walk(ast.parse(script)):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in found and ast.unparse(called.value).startswith("stage"):
            found[called.attr].add(ast.unparse(node.args[1]))
    return found


def _folders(script: str) -> Iterator[str]:
    """Parameters of a notebook that name what it reads, as its comments say."""
    cell = re.search(r'^# %% tags=\["parameters"\]\n(.*?)(?=^# %%)', script, re.M | re.S)
    for line in cell[1].splitlines() if cell else ():
        name, _, value = line.partition("=")
        if name.strip() in READ and isinstance(ast.literal_eval(value.strip()), str):
            yield name.strip()


def _took(root: Path, name: str) -> Iterator[str]:
    for profile in (*PROFILES, REFERENCE):
        for path in (
            root / f"reports/{profile}/provenance/{name}.json",
            root / f"reports/{profile}/{name}/provenance.json",
        ):
            if path.is_file():
                record = tables.read_json(path)
                before = ", trained before" if record.get("kept") else ""
                if not isinstance(seconds := record.get("wall_seconds"), (int, float)):
                    raise ValueError(f"{path}: a damaged record, which does not say how long it took")
                yield f"{max(seconds / 60, 1):.0f} min ({profile}{before})"
