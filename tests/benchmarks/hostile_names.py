"""Sets and classes named in HTML, Markdown and LaTeX, through every notebook and the report, opened in a browser:
whatever of them runs gives its page another title. Some ten minutes.

    python tests/benchmarks/hostile_names.py [NOTEBOOK …]

Each executed notebook is opened as the project's own page, and as nbconvert makes one; the report at the end, where no
notebook is named. Works in a clone of the repository's last commit, on the smoke profile, with this environment's
commands and Chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import yaml

from fercore import datasets
from fercore.datasets import store

ROOT = Path(__file__).parents[2]
RAN = "hostile-name-ran"
SET = f"<svg onload=\"document.title='{RAN}'\"> $\\frac$"
CLASSES = (
    f"<img src=x onerror=\"document.title='{RAN}'\">",
    f"<script>document.title='{RAN}'</script>",
    f"[click](javascript:document.title='{RAN}') **bold** `code`",
    "total",
    "$\\frac$ \\input{x} 100 % & # _ ~ ^",
    "happy (smile), a=b | c",
    f"</td></table><iframe srcdoc=\"<script>parent.document.title='{RAN}'</script>\">",
    "</script></style><!--",
)


def rename(folder: Path) -> None:
    """The set in `folder`, with names that would do harm."""
    faces = datasets.load_imported(folder)
    called = f"{SET} {folder.name}"  # two sets of one name are refused
    made = replace(
        faces, name=called, classes=CLASSES[: len(faces.classes)], notes=(*faces.notes, SET), fingerprint=None
    )
    store.save(replace(made, pixels=made.pixels.copy()), folder)


def title(page: Path) -> str:
    """The title of a page once its scripts have run."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"]
    done = subprocess.run([browser, *options, page.as_uri()], capture_output=True, text=True, timeout=120)
    found = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    return found[1] if found else ""


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        clone = Path(scratch) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        environment = os.environ | {"PYTHONPATH": str(clone)}

        def fercore(*words: str) -> None:
            command = [sys.executable, "-m", "fercore.cli", *words]
            done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"

        control = Path(scratch) / "control.html"
        for raw in (SET, CLASSES[0], CLASSES[1], CLASSES[6]):  # each does run where nothing escapes it
            control.write_text(f"<title>quiet</title><table><tr><td>{raw}</table>", encoding="utf-8")
            assert title(control) == RAN, raw
        fercore("params", "smoke")
        for name, folder in {"smoke": "smoke", "ckplus": "subjects/ckplus", "oulucasia": "subjects/oulucasia"}.items():
            fercore("data", name)
            rename(clone / "data" / folder)
        stages = yaml.safe_load((clone / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
        numbered = sorted(name for name in stages if name[0].isdigit())
        for name in sys.argv[1:] or [*numbered, "site"]:
            commands = stages[name]["cmd"]
            for command in [commands] if isinstance(commands, str) else commands:
                fercore(*command.replace("${item.profile}", "smoke").split()[1:])
            if name != "site":
                done = clone / f"reports/smoke/notebooks/{name}.ipynb"
                words = ["jupyter", "nbconvert", "--to", "html", "--log-level", "ERROR", "--output", f"{name}.plain"]
                subprocess.run([sys.executable, "-m", *words, str(done)], check=True, env=environment)
            print(name, "done", flush=True)
        pages = sorted(clone.glob("reports/smoke/**/*.html"))
        ran = [page for page in pages if title(page) == RAN]
        for page in pages:
            print("RAN  " if page in ran else "quiet", page.relative_to(clone / "reports/smoke"))
            for line in page.read_text(encoding="utf-8").splitlines() if page in ran else ():
                if any(raw in line for raw in (SET[:20], *(name[:20] for name in CLASSES if name[0] == "<"))):
                    print("     ", line.strip()[:200])
        sys.exit(f"{len(ran)} of {len(pages)} pages run what a name says" if ran else 0)


if __name__ == "__main__":
    main()
