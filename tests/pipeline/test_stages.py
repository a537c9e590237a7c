"""dvc.yaml keeps the rules of the pipeline: what is wrong with it shows here and not after an hour."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from fercore.pipeline import stages
from fercore.pipeline.parameters import check_params, subject_sets
from fercore.results.folders import FOLDERS, PROFILES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
STAGES = yaml.safe_load(TEXT)["stages"]
SETS = subject_sets(ROOT)
RECORD = "reports/${item.profile}/provenance"
NOTEBOOKS = [path.stem for path in stages.notebooks(ROOT)]


def test_one_stage_a_notebook_and_one_for_the_data_and_for_the_site():
    expected = ["data", "subjects", *NOTEBOOKS, "site"]
    assert list(STAGES) == expected, f"dvc.yaml has one stage a notebook, in this order: {', '.join(expected)}"


def test_the_site_waits_for_every_notebook_and_a_notebook_leaves_a_page():
    folders = {f"reports/${{item.profile}}/{name}" for name in NOTEBOOKS}
    assert folders <= set(STAGES["site"]["deps"])
    head, own = TEXT.split("  site:\n")
    without = own.replace("      - reports/${item.profile}/01_data_audit\n", "").replace("      - params/paper\n", "")
    assert without != own and stages.rewritten(f"{head}  site:\n{without}", ROOT) == TEXT
    for name in NOTEBOOKS:
        assert f"reports/${{item.profile}}/notebooks/{name}.html" in STAGES[name]["outs"]


def test_the_report_waits_for_every_other_notebook_whatever_its_number(tmp_path):
    (tmp_path / "params").symlink_to(ROOT / "params")
    (tmp_path / "notebooks").mkdir()
    for script in ROOT.glob("notebooks/[0-9]*.py"):
        shutil.copy(script, tmp_path / "notebooks")
    (tmp_path / "notebooks/10_my_net.py").write_text("")
    names = [path.stem for path in stages.notebooks(tmp_path)]
    assert names == [*NOTEBOOKS[:-1], "10_my_net", "09_report"]
    with pytest.raises(ValueError, match="no stage 10_my_net: copy another notebook's, before 09_report"):
        stages.rewritten(TEXT, tmp_path)
    copied = re.search(r"^  08_edge_benchmarks:\n.*?(?=^  09_report:)", TEXT, re.M | re.S)[0]
    copied = copied.replace("08_edge_benchmarks", "10_my_net").replace(f"      - {RECORD}/10_my_net.json\n", "")
    found = yaml.safe_load(stages.rewritten(TEXT.replace("  09_report:", f"{copied}  09_report:", 1), tmp_path))[
        "stages"
    ]
    assert f"{RECORD}/10_my_net.json" in found["10_my_net"]["outs"]
    waits = [dep for dep in found["09_report"]["deps"] if dep.startswith("reports/${item.profile}/")]
    assert waits == [f"reports/${{item.profile}}/{name}" for name in names[:-1]]


@pytest.mark.parametrize("name", STAGES)
def test_every_profile_or_set(name):
    assert STAGES[name]["matrix"] == ({"set": SETS} if name == "subjects" else {"profile": list(PROFILES)})


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_command_is_one_line_that_runs_the_notebook(name):
    assert STAGES[name]["cmd"].startswith(f"fercore notebook {name} ${{item.profile}}")
    assert STAGES[name]["desc"]


def test_dependencies_are_what_is_imported_directly_or_not():
    assert stages.rewritten(TEXT, ROOT) == TEXT, "run: make deps"


@pytest.mark.parametrize("name", ["02_baselines", "data", "09_report"])
def test_each_dependency_on_code_is_found_anew(name):
    """No line is kept just because it was there: removed ones come back, in their place."""
    head, stage = TEXT.split(f"  {name}:\n", 1)
    own, others = stage.split("    outs:\n", 1)
    without, count = re.subn(r"      - fercore/.*\n", "", own)
    assert count > 3
    assert stages.rewritten(f"{head}  {name}:\n{without}    outs:\n{others}", ROOT) == TEXT
    extra = own.replace("      - fercore/", "      - fercore/no_such_module.py\n      - fercore/", 1)
    assert stages.rewritten(f"{head}  {name}:\n{extra}    outs:\n{others}", ROOT) == TEXT, (
        "a module that is not imported goes"
    )


@pytest.mark.parametrize("name", [path.stem for path in stages.notebooks(ROOT)])
def test_a_notebook_that_may_take_weights_that_come_with_the_project_depends_on_them(name):
    given = [ROOT / f"notebooks/{name}.py", *ROOT.glob(f"params/*/{name}.yaml")]
    taken = any(re.search(r"(?m)weights: fer2013|from_weights\(", path.read_text(encoding="utf-8")) for path in given)
    assert ("fercore/models/released" in STAGES[name]["deps"]) == taken


def test_a_module_that_is_imported_by_a_module_counts(tmp_path):
    script = tmp_path / "01_x.py"
    script.write_text("from fercore.evaluation import statistics\n")
    found = stages.modules(script)
    assert {"fercore/evaluation/metrics.py", "fercore/evaluation/statistics.py"} <= set(found)
    assert not [name for name in found if name.startswith(("fercore/training", "fercore/claims"))]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_depends_on_the_folders_that_its_parameters_name(name):
    """What the runner gives a notebook to read is made by a stage that it waits for, or comes with the project."""
    known = check_params(ROOT / f"notebooks/{name}.ipynb", [])
    given = {FOLDERS[key].format(profile="${item.profile}", name=name) for key in FOLDERS if key in known}
    read = {path for path in given if path.startswith(("data/", "reports/")) and not path.endswith(f"/{name}")}
    read -= {"reports/${item.profile}"}  # all stages before
    for path in read:  # or a file in it
        assert [dep for dep in STAGES[name]["deps"] if f"{dep}/".startswith(f"{path}/")], path


@pytest.mark.parametrize("name", STAGES)
def test_dependencies_are_there_or_made_by_a_stage(name):
    made = [out.replace("${item.set}", one) for stage in STAGES.values() for out in stage["outs"] for one in SETS]
    for dep in STAGES[name]["deps"]:
        paths = {
            dep.replace("${item.profile}", profile).replace("${item.set}", one) for profile in PROFILES for one in SETS
        }
        imported = dep in (
            "data/faces",
            "data/fer2013",
            "data/bundles",
            "data/${item.set}",
        )  # folders that `fercore params` makes
        missing = [path for path in sorted(paths) if not (ROOT / path).exists()]
        assert imported or dep in made or not missing, (
            f"{', '.join(missing)}: not there, and DVC wants every dependency; parameters that change nothing are {{}}"
        )


def test_nothing_depends_on_what_holds_times():
    deps = {name: stage["deps"] for name, stage in STAGES.items()}
    assert not [dep for each in deps.values() for dep in each if dep.endswith(".ipynb") or "provenance" in dep]
    assert {name for name, each in deps.items() if any("timings" in dep for dep in each)} <= {
        "site"
    }  # the last, a leaf


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_is_timed_is_put_where_nothing_depends_on_it(name):
    timed = "stage.timings." in (ROOT / f"notebooks/{name}.py").read_text(encoding="utf-8")
    assert (f"reports/${{item.profile}}/timings/{name}" in STAGES[name]["outs"]) == timed


def test_nothing_is_sent_home_and_git_is_left_alone():
    settings = (ROOT / ".dvc/config").read_text(encoding="utf-8")
    for line in ("analytics = false", "check_update = false", "no_scm = true"):
        assert line in settings
    assert "/dvc.lock" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
