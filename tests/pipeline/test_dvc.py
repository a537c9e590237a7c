"""dvc.yaml keeps the rules of the pipeline: what is wrong with it shows here and not after an hour."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
PROFILES = ["smoke", "quick", "laptop", "paper"]
SETS = ["ckplus", "oulucasia"]  # that name their subjects
NOTEBOOKS = sorted(path.stem for path in ROOT.glob("notebooks/[0-9]*.py"))


def commands(stage):
    return [stage["cmd"]] if isinstance(stage["cmd"], str) else stage["cmd"]


def modules(script):
    """The files of fercore that a script imports."""
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "fercore":
            for name in node.names:
                base = ROOT / node.module.replace(".", "/")
                path = base / f"{name.name}.py"
                yield (
                    path
                    if path.is_file()
                    else base / name.name
                    if (base / name.name).is_dir()
                    else base.with_suffix(".py")
                )


def test_one_stage_a_notebook_and_one_for_the_data():
    assert list(STAGES) == ["data", "subjects", *NOTEBOOKS]


@pytest.mark.parametrize("name", STAGES)
def test_every_profile(name):
    assert STAGES[name]["matrix"] == ({"set": SETS} if name == "subjects" else {"profile": PROFILES})


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_parameters_are_checked_first_and_layered(name):
    check, *_, run = [line for line in commands(STAGES[name]) if line.startswith(("fercore params", "papermill"))]
    assert check == f"fercore params ${{item.profile}} notebooks/{name}.ipynb"
    assert run.startswith(f"papermill -k python3 notebooks/{name}.ipynb ")
    assert re.findall(r"-f (\S+)", run) == [f"params/{layer}/{name}.yaml" for layer in ("paper", "${item.profile}")]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_depends_on_its_script_parameters_and_modules(name):
    deps = STAGES[name]["deps"]
    assert f"notebooks/{name}.py" in deps
    assert {f"params/{layer}/{name}.yaml" for layer in ("paper", "${item.profile}")} <= set(deps)
    for path in modules(ROOT / f"notebooks/{name}.py"):
        inside = path.relative_to(ROOT).as_posix()
        if inside == "fercore/provenance.py":  # what it writes, no stage reads
            continue
        assert any(f"{dep}/".startswith(f"{inside}/") or inside.startswith(f"{dep}/") for dep in deps), inside


@pytest.mark.parametrize("name", STAGES)
def test_dependencies_are_there_or_made_by_a_stage(name):
    made = [out.replace("${item.set}", one) for stage in STAGES.values() for out in stage["outs"] for one in SETS]
    for dep in STAGES[name]["deps"]:
        paths = {
            dep.replace("${item.profile}", profile).replace("${item.set}", one) for profile in PROFILES for one in SETS
        }
        assert dep in made or all((ROOT / path).exists() for path in paths), dep


def test_nothing_depends_on_what_holds_times():
    deps = [dep for stage in STAGES.values() for dep in stage["deps"]]
    assert not [dep for dep in deps if dep.endswith(".ipynb") or "provenance" in dep]


def test_nothing_is_sent_home():
    settings = (ROOT / ".dvc/config").read_text(encoding="utf-8")
    assert "analytics = false" in settings
    assert "check_update = false" in settings
