"""What GitHub runs: the README's commands, and an artifact that is the whole report."""

import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

import yaml

ROOT = Path(__file__).parents[1]
FILES = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROOT.glob(".github/workflows/*.yml")}
STEPS = {name: [step for job in file["jobs"].values() for step in job["steps"]] for name, file in FILES.items()}


def test_they_run_what_the_readme_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    made = [step["run"] for steps in STEPS.values() for step in steps if step.get("run", "").startswith("make")]
    assert sorted(made) == ["make reproduce", "make test"]
    assert all(re.search(rf"^{command} ", readme, re.MULTILINE) for command in made)


def test_what_the_report_links_to_is_in_the_artifact():
    (kept,) = [step["with"]["path"].split() for step in STEPS["reproduce"] if "upload-artifact" in step.get("uses", "")]
    page = (ROOT / "reports/reference/index.html").read_text(encoding="utf-8")
    places = {unquote(link) for link in re.findall(r'(?:href|src)="([^"#:]+)"', page)}
    linked = {posixpath.normpath(f"reports/quick/{place}") for place in places}  # where the weekly page stands
    assert len(linked) > 100 and all((ROOT / path.replace("/quick/", "/reference/")).exists() for path in linked)
    assert not [path for path in linked if not any(path == one or path.startswith(f"{one}/") for one in kept)]
