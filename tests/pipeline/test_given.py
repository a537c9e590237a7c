"""What is given to `make reproduce`: imported by name, chosen for the profiles, and never read as code."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fercore import cli, datasets
from fercore.pipeline import data
from fercore.pipeline.parameters import ParameterError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (*(one.upper() for one in datasets.REAL), "SPLIT"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(ROOT / "params", tmp_path / "params")
    return tmp_path


def rafdb(root: Path) -> Path:
    draw = np.random.default_rng(0)
    for split in ("train", "test"):
        for code in range(1, 8):
            for number in range(4):
                path = root / split / str(code) / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(draw.integers(0, 256, (20, 20, 3), np.uint8)).save(path)
    return root


def test_a_set_that_is_given_is_what_real_profiles_read(project, monkeypatch, capsys):
    monkeypatch.setenv("RAFDB", str(rafdb(project / "raf db")))
    assert cli.main(["import", "--given"]) == 0 and "roles: train train, select none" in capsys.readouterr().out
    with pytest.raises(ParameterError, match=r"rafdb has no split 'select'; it has 'test', 'train'.*--split 90/10"):
        data.prepare("laptop")
    monkeypatch.setenv("SPLIT", "75/25")
    assert cli.main(["import", "--given"]) == 0
    assert data.prepare("laptop").startswith("data/laptop: rafdb, which was given last")
    faces = datasets.load_imported("data/laptop")
    assert [len(faces.rows(role)) for role in datasets.ROLES] == [21, 7, 28]
    assert "rendered" in data.prepare("smoke"), "a profile that is rendered stays so"


@pytest.mark.parametrize("profile", ["smoke", "quick", "laptop", "paper", None])
def test_a_profile_that_reads_rendered_faces_is_told_as_such(project, monkeypatch, capsys, profile):
    """Or who gives a set waits for results that are not of it."""
    monkeypatch.setenv("RAFDB", str(rafdb(project / "raf db")))
    monkeypatch.delenv("PROFILE", raising=False)
    if profile:
        monkeypatch.setenv("PROFILE", profile)
    assert cli.main(["import", "--given"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    told = f"PROFILE={profile} reads rendered faces; add PROFILE=laptop to read the set that is given"
    assert (last == told) == (profile in ("smoke", "quick")), last


def test_a_set_that_names_its_subjects_is_read_in_every_profile(project, monkeypatch, capsys):
    monkeypatch.setattr("fercore.pipeline.parameters.subject_sets", lambda: ["rafdb"])
    monkeypatch.setenv("RAFDB", str(rafdb(project / "raf db")))
    monkeypatch.setenv("PROFILE", "quick")
    assert cli.main(["import", "--given"]) == 0 and "rendered" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "profile", "told"),
    [
        ("ckplus", "quick", False),
        ("ckplus", "laptop", False),
        ("oulucasia", "laptop", True),
        ("oulucasia", "paper", False),
    ],
)
def test_a_profile_that_does_not_read_a_set_of_subjects_says_so(monkeypatch, capsys, name, profile, told):
    monkeypatch.setattr(datasets, "import_dataset", lambda *given, **more: given[2] / "x")
    monkeypatch.setattr(cli.sets, "_show", lambda path: None)
    cli.sets._import_given({name.upper(): "download", "PROFILE": profile})
    said = f"PROFILE={profile} does not read {name}; add PROFILE=paper\n"
    assert capsys.readouterr().out == (said if told else "")


def test_what_the_environment_names_is_imported_with_its_votes_and_split(monkeypatch):
    asked, chosen = [], []
    monkeypatch.setattr(
        datasets, "import_dataset", lambda *given, **more: asked.append((*given, more)) or given[2] / "x"
    )
    monkeypatch.setattr("fercore.pipeline.data.choose", chosen.append)
    monkeypatch.setattr(cli.sets, "_show", lambda path: None)
    cli.sets._import_given({"FER2013": "f.csv", "FERPLUS": "v.csv", "SPLIT": "90/10", "CKPLUS": "ck", "RAFDB": "r"})
    votes, split = {"votes": "v.csv"}, {"split": "90/10"}
    assert sorted(asked, key=lambda one: one[0]) == [
        ("ckplus", "ck", Path("data/ckplus"), {}),
        ("fer2013", "f.csv", Path("data/fer2013"), votes | split),
        ("rafdb", "r", Path("data/rafdb"), split),
    ]
    assert sorted(chosen) == [Path("data/fer2013"), Path("data/rafdb")]


def test_votes_without_faces_and_shares_without_a_set_are_told(monkeypatch, capsys):
    monkeypatch.setenv("FERPLUS", "fer2013new.csv")
    assert cli.main(["import", "--given"]) == 1 and "give FER2013=fer2013.csv, too" in capsys.readouterr().err
    monkeypatch.delenv("FERPLUS")
    monkeypatch.setenv("SPLIT", "90/10")
    assert cli.main(["import", "--given"]) == 1 and "SPLIT divides a set that is given" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["FER2013", "FERPLUS", "RAFDB", "PROFILE", "SPLIT", "FOLDER", "ANYTHING"])
@pytest.mark.parametrize(
    "value",
    [
        "$(shell touch out)",
        "`touch out`",
        "$(touch out)",
        '"; touch out; "',
        "'; touch out; '",
        "$$(touch out)",
        "a b$HOME",
    ],
)
def test_what_make_is_given_is_text(project, name, value):
    text = (ROOT / "Makefile").read_text()
    (project / "Makefile").write_text(text)
    bin_ = project / ".venv/bin"
    bin_.mkdir(parents=True)
    show = '#!/bin/sh\nprintf "%s\\n" "$FER2013|$FERPLUS|$RAFDB|$SPLIT|$FOLDER"\n'
    for command in ("fercore", "dvc"):
        (bin_ / command).write_text(show)
        (bin_ / command).chmod(0o755)
    (project / "requirements.lock").write_text("")
    (project / "pyproject.toml").write_text("")
    (project / ".venv/ready").write_text(f"{project}\n")
    own = {key: text for key, text in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}  # of make test
    done = subprocess.run(["make", "reproduce", f"{name}={value}"], capture_output=True, text=True, env=own)
    assert not (project / "out").exists(), done
    if name == "ANYTHING":
        assert done.returncode and "unknown variable ANYTHING" in done.stderr
    elif name == "PROFILE":
        assert done.returncode and f"no profile {value}" in done.stdout + done.stderr
    else:
        assert done.returncode == 0 and value in done.stdout.splitlines()[0], done
        assert done.stdout.splitlines()[-1] == "The report is reports/quick/index.html"
        words = ["make", "reproduce", "STAGE=03_x"]
        done = subprocess.run(words, capture_output=True, text=True, env=own)
        assert done.stdout.splitlines()[-1].startswith("Results are in reports/quick/03_x, the executed notebook is ")
