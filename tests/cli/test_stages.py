"""The commands that run notebooks and what these need."""

import json
import warnings
from pathlib import Path

import pandas as pd
import pytest

from fercore import datasets
from fercore.cli import main
from fercore.pipeline import trainings


def test_data(project, said, refused):
    for layer in ("paper", "quick"):
        (project / "params" / layer).mkdir(parents=True)
    (project / "params/paper/data.yaml").write_text(
        "dataset: fer2013\nstore: data/fer2013\ninstead: synthfer\nimages: 200\nseed: 0\n"
    )
    quick = project / "params/quick/data.yaml"
    quick.write_text("dataset: synthfer\n")
    text = said("data", "quick")
    assert text.startswith("data/quick: 200 rendered faces") and text.count("\n") == 1
    assert len(datasets.load_imported("data/quick")) == 200
    for wrong, said_of_it in (("sed: [\n", "quick/data.yaml"), ("images: some\n", "images"), ("images: 20\n", "200")):
        quick.write_text(wrong)
        assert said_of_it in refused("data", "quick")


def test_params(project, said, refused):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": ["seed = 0"]}
    for place in ("notebooks", "params/paper", "params/smoke"):
        (project / place).mkdir(parents=True)
    assert "notebooks" in refused("params", "smoke"), "nothing to check is no success"
    for name in ("01_a", "02_b"):
        (project / f"notebooks/{name}.ipynb").write_text(json.dumps({"cells": [cell]}))
        for layer in ("paper", "smoke"):
            (project / f"params/{layer}/{name}.yaml").write_text("seed: 1\n")
    assert said("params", "smoke") == ""
    (project / "params/smoke/02_b.yaml").write_text("sead: 1\n")
    line = refused("params", "smoke")
    assert "params/smoke/02_b.yaml" in line and "did you mean 'seed'" in line
    assert "no profile 'fast'; there are smoke, quick, laptop, paper" in refused("params", "fast")


def test_the_trainings_of_a_notebook_that_has_none_to_be_run_alone(refused, at_the_root):
    told = refused("trainings", "01_data_audit", "quick")
    assert "cannot be run one by one; those of 06_mini_resemotenet, 06b_microexpnet_se can" in told


def test_what_trainings_warn_of_is_a_note(at_the_root, monkeypatch, capsys):
    def listed(*_):
        warnings.warn("the teacher is trained from random weights", stacklevel=1)
        return pd.DataFrame()

    monkeypatch.setattr(trainings, "listed", listed)
    assert main(["trainings", "06_mini_resemotenet", "quick"]) == 0
    assert capsys.readouterr().err == "note: the teacher is trained from random weights\n"


@pytest.mark.parametrize(
    "command",
    [
        "data smoke", "notebook 01_data_audit smoke", "trainings 06_mini_resemotenet smoke", "params smoke", "deps",
        "site reference", "labs", "grade .",
    ],
)  # fmt: skip
def test_what_needs_the_project_says_so_elsewhere(refused, command):
    assert "at the root of the project" in refused(*command.split())


def test_notebook_of_an_unknown_name_or_profile(refused, at_the_root):
    assert "06_none" in refused("notebook", "06_none", "smoke")
    assert "no profile 'fast'" in refused("notebook", "01_data_audit", "fast")


def test_a_profile_or_a_folder_that_is_not_there_is_told_and_nothing_is_made(refused, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    assert "no profile 'nope', nor a set that names its subjects; there are smoke, quick" in refused("data", "nope")
    assert not Path("data/nope").exists()
    assert "nowhere is no folder: there is nothing that was measured" in refused("claims", "--reports", "nowhere")
