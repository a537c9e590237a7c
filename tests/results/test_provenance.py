"""What a record holds, and the state of the code it names."""

import importlib.util
import json
import platform
import subprocess
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from fercore.datasets.faces import Faces, table
from fercore.results import provenance

FACES = Faces("synthfer", np.zeros((3, 2, 2), np.uint8), table([0, 0, 0]), ("a",), True, fingerprint="f00d")


def test_a_record_names_parameters_data_and_versions(monkeypatch):
    monkeypatch.setattr(provenance, "STARTED", time.time() - 12.3)
    found = provenance.record({"seed": 3}, FACES, "cuda")
    assert found["parameters"] == {"seed": 3} and found["device"] == "cuda"
    assert found["data"] == {"name": "synthfer (synthetic)", "images": 3, "shape": [2, 2], "fingerprint": "f00d"}
    assert found["python"] == platform.python_version() and platform.machine() in found["system"]
    assert found["versions"]["numpy"] == version("numpy") and set(found["versions"]) == set(provenance.PACKAGES)
    assert 12.3 <= found["wall_seconds"] < 30
    assert json.loads(json.dumps(found)) == found


def test_images_drawn_from_a_set_have_a_fingerprint_of_their_own():
    drawn, other = (replace(FACES, pixels=np.full((3, 2, 2), one, np.uint8), fingerprint=None) for one in (0, 1))
    marks = [data["fingerprint"] for data in provenance.record({}, [FACES, drawn, other])["data"]]
    assert marks[0] == "f00d" and len(set(marks)) == 3 and all(marks)


def test_a_package_that_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("numpy", "no-such-package"))
    assert provenance.record({}, FACES)["versions"]["no-such-package"] is None


def test_it_is_written_beside_the_results_and_not_among_them(tmp_path):
    # the wall time differs from run to run, so no later stage may depend on the folder that holds it
    path = provenance.save(tmp_path / "reports/01_audit", {"share": np.float64(0.5)}, FACES)
    assert path == tmp_path / "reports/provenance/01_audit.json"
    assert json.loads(path.read_text())["parameters"] == {"share": 0.5}
    assert not (tmp_path / "reports/01_audit").exists()


def test_it_says_that_trainings_were_there_before(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "_KEPT", [])
    assert "kept" not in json.loads(provenance.save(tmp_path / "03", {}, FACES).read_text())
    provenance.kept("runs/laptop/03_eca")
    assert json.loads(provenance.save(tmp_path / "03", {}, FACES).read_text())["kept"] is True


def git(folder, *words):
    name = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *name, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The module in a folder of its own, so that it looks at the repository there."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    path = tmp_path / "clone/fercore/results/provenance.py"
    path.parent.mkdir(parents=True)
    path.write_text(Path(provenance.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("fercore.results.copied", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, tmp_path / "clone"


def test_revision_is_the_commit_and_says_whether_the_code_differs_from_it(copied):
    module, clone = copied
    for folder in ("notebooks", "params"):
        (clone / folder).mkdir()
        (clone / folder / "file").write_text("1")
    (clone / "README.md").write_text("1")
    git(clone, "init", "-q")
    git(clone, "add", ".")
    git(clone, "commit", "-q", "-m", "first")
    commit = module.revision()
    assert len(commit) == 40 and set(commit) <= set("0123456789abcdef")
    (clone / "README.md").write_text("2")
    (clone / "fercore/new.tmp").write_text("2")
    assert module.revision() == commit, "neither prose nor a stray file makes a result"
    for name in ("notebooks/file", "params/file", "fercore/results/provenance.py"):
        before = (clone / name).read_text()
        (clone / name).write_text(before + "# changed")
        assert module.revision() == f"{commit}+changes", name
        (clone / name).write_text(before)
    assert module.revision() == commit


def test_no_revision_outside_a_repository_or_without_git(copied, monkeypatch):
    module, clone = copied
    assert module.revision() is None
    git(clone, "init", "-q")
    (clone / "thesis.tex").write_text("1")
    git(clone, "add", "thesis.tex")
    git(clone, "commit", "-q", "-m", "of another project, with this one installed below it")
    assert module.revision() is None
    monkeypatch.setenv("PATH", "")
    assert provenance.revision() is None


def test_a_record_of_several_sets_names_each():
    found = provenance.record({}, [FACES, FACES])
    assert found["data"] == [provenance.record({}, FACES)["data"]] * 2
