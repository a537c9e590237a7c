"""What GitHub runs: the README's commands; an artifact, and a site, that are the whole report."""

import html
import posixpath
import re
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import unquote

import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
FILES = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROOT.glob(".github/workflows/*.yml")}
STEPS = {name: [step for job in file["jobs"].values() for step in job["steps"]] for name, file in FILES.items()}


def test_they_run_what_the_readme_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    made = [step["run"] for steps in STEPS.values() for step in steps if step.get("run", "").startswith("make")]
    assert sorted(made) == ["make reproduce", "make test"]
    assert all(re.search(rf"^{command} ", readme, re.MULTILINE) for command in made)


def test_the_first_and_the_last_python_are_tested_and_macos_is():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    taken = [minor for minor in range(30) if f"3.{minor}.1" in SpecifierSet(project["requires-python"])]
    matrix = FILES["tests"]["jobs"]["test"]["strategy"]["matrix"]
    assert {f"3.{taken[0]}", f"3.{taken[-1]}"} <= {*matrix["python"]}
    assert [job["os"] for job in matrix["include"]] == ["macos-latest"]
    (weekly,) = [
        step["with"]["python-version"] for step in STEPS["reproduce"] if "setup-python" in step.get("uses", "")
    ]
    assert weekly in matrix["python"], "one whose packages are in a cache"


def test_actions_are_kept_up_to_date():
    """They are pinned by number, and GitHub ends old ones."""
    (kept,) = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert (kept["package-ecosystem"], kept["schedule"]["interval"]) == ("github-actions", "monthly")


def linked(page: Path, root: Path) -> set[Path]:
    """The files that a page links to or shows."""
    found = re.findall(r'(?:href|src)="([^"#:]+)"', page.read_text(encoding="utf-8"))
    return {Path(posixpath.normpath((page.parent / unquote(html.unescape(link))).relative_to(root))) for link in found}


def test_what_the_report_links_to_is_in_the_artifact():
    (kept,) = [step["with"]["path"].split() for step in STEPS["reproduce"] if "upload-artifact" in step.get("uses", "")]
    places = {path.as_posix() for path in linked(ROOT / "reports/reference/index.html", ROOT)}
    assert len(places) > 100 and all((ROOT / path).exists() for path in places)
    weekly = {path.replace("reports/reference/", "reports/quick/") for path in places}  # where that page stands
    assert not [path for path in weekly if not any(path == one or path.startswith(f"{one}/") for one in kept)]


def test_the_site_that_is_published_is_whole(tmp_path):
    """What the step copies of a checkout is copied here, and no link of the report leads outside of it."""
    (made,) = [step["run"] for step in STEPS["pages"] if "run" in step]
    (upload,) = [step for step in STEPS["pages"] if "upload-pages-artifact" in step.get("uses", "")]
    assert "_site" in made and upload.get("with", {}).get("path", "_site") == "_site"
    subprocess.run(["git", "checkout-index", "--all", f"--prefix={tmp_path}/"], check=True, cwd=ROOT)
    subprocess.run(["bash", "-ec", made], check=True, cwd=tmp_path)
    site = tmp_path / "_site"
    (start,) = re.findall(r'url=([^"]+)', (site / "index.html").read_text(encoding="utf-8"))
    found = linked(site / start / "index.html", site)
    assert len(found) > 100 and not [path for path in found if not (site / path).exists()]
