"""The commands that train: recipes, teachers, soft labels, releases."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch

from fercore import cli, datasets
from fercore.cli import main, training
from fercore.datasets import splits
from fercore.deployment import model_card
from fercore.models import weights
from fercore.results import tables
from fercore.studies import out_of_fold
from fercore.training import Recipe, fit

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("network: [tinyfer_lite]\n", "network is ['tinyfer_lite'], a list; expected a name"),
        ("network: {tinyfer_lite: 1}\n", "network is {'tinyfer_lite': 1}, a dict; expected a name"),
        ('network: ""\n', "network is '', a str; expected a name"),
        ('network: tinyfer_lite\nweights: ""\n', "weights is '', a str; expected a name"),
        ("network: tinyfer_lite\noptions: {num_classes: 3}\n", "num_classes among options; classes are those of"),
        ("network: tinyfer_lite\nweights: [imagenet]\n", "weights is ['imagenet'], a list; expected a name"),
        ("network: tinyfer_lite\noptions: [dropout]\n", "options is ['dropout'], a list; expected names with values"),
        ("network: tinyfer_lite\nsoft_labels: true\n", "soft_labels is True; expected none, votes, or files"),
        ("network: tinyfer_lite\nsoft_labels: []\n", "soft_labels is []; expected none, votes, or files"),
        ("network: 2026-01-01\nepochs: 0\n", "epochs is 0"),
        ("2026-01-01\n", "found str; expected a mapping"),
        ("7\n", "found int; expected a mapping"),
        ("network: tinyfer_lite\nseed: 2026-01-01\n", "seed is '2026-01-01'"),
        ("a: &a [x, x]\nb: [*a, *a]\n", "has an alias"),
        (
            "network: tinyfer_lite\ndistillation: {temperature: 4, soft: 1, hard: 1}\n",
            "distillation, teacher_network and teacher_weights need each other",
        ),
        (
            "network: tinyfer_lite\nteacher_network: lean_65k\nteacher_weights: fer2013\n",
            "distillation, teacher_network and teacher_weights need each other",
        ),
        (
            "network: tinyfer_lite\ndistillation: {temperature: 4, soft: 1, hard: 1}\nteacher_network: lean_65k\n",
            "distillation, teacher_network and teacher_weights need each other",
        ),
        ("network: tinyfer_lite\nteacher_network: [7]\n", "teacher_network is 7, a int; expected a name"),
        (
            "network: tinyfer_lite\ndistillation: {temperature: 4, soft: 1, hard: 1}\nloss: cross_entropy\n"
            "teacher_network: [lean_65k, lean_250k]\nteacher_weights: [fer2013]\n",
            "for several teachers the last two are lists of equal length",
        ),
        ("network: tinyfer_lite\ndistillation: softened\n", "distillation is 'softened', a str; expected its settings"),
    ],
)
def test_a_recipe_that_is_none_is_told_with_its_file(project, refused, content, told):
    datasets.import_dataset("synthoulu", None, project / "set", images=36)
    (project / "r.yaml").write_text(content)
    line = refused("train", "r.yaml", "--data", "set", "--to", "run")
    assert line.startswith("fercore: r.yaml: ") and told in line and not (project / "run").exists()


def test_soft_labels_are_made_and_learned_by_their_files(project, capsys, refused):
    datasets.import_dataset("synthfer", None, project / "set", images=200)
    settings = "network: microexpnet_xxs\nepochs: 1\nimg_size: 84\nschedule: cosine\nloss: cross_entropy\n"
    (project / "plain.yaml").write_text(settings)
    (project / "soft.yaml").write_text(settings + "soft_labels: [made/soft_labels.safetensors]\nsoft_weight: 0.7\n")
    line = refused("train", "soft.yaml", "--data", "set", "--to", "student")
    assert "made/soft_labels.safetensors" in line and not (project / "student").exists()
    words = ["soft-labels", "plain.yaml", "--data", "set", "--to", "made", "--folds", "2", "--seeds", "1,2"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert text.startswith("made/soft_labels.safetensors: out-of-fold accuracy 0.") and text.endswith(
        "training images\n"
    )
    assert sorted(path.name for path in (project / "made").glob("fold-*")) == [
        "fold-0-1", "fold-0-2", "fold-1-1", "fold-1-2",
    ]  # fmt: skip
    assert main(["train", "soft.yaml", "--data", "set", "--to", "student"]) == 0
    assert capsys.readouterr().out.startswith("student: epoch 1 of 1")
    held = json.loads((project / "student/provenance.json").read_text())["parameters"]
    assert held["recipe"]["soft_labels"] == "given" and held["soft_labels"]
    assert main(["train", "soft.yaml", "--data", "set", "--to", "second", "--seed", "7"]) == 0
    seeds = [
        json.loads((project / run / "provenance.json").read_text())["parameters"]["recipe"]["seed"]
        for run in ("student", "second")
    ]
    capsys.readouterr()
    assert seeds == [42, 7]
    line = refused("soft-labels", "soft.yaml", "--data", "set", "--to", "again")
    assert "soft labels are made by networks that learn labels alone" in line


def test_a_student_is_taught_by_a_network_that_comes_along_or_by_a_run(project, capsys, refused):
    datasets.import_dataset("synthfer", None, project / "set", images=200)
    alone = "network: microexpnet_xxs\nepochs: 1\nimg_size: 84\nschedule: cosine\nloss: cross_entropy\n"
    teaching = "distillation: {temperature: 4, soft: 0.7, hard: 0.3}\nteacher_network: %s\nteacher_weights: %s\n"
    recipes = {"alone": alone, "released": alone + teaching % ("lean_65k", "fer2013")}
    recipes["run"] = alone + teaching % ("microexpnet_xxs", "alone/best.safetensors")
    recipes["both"] = alone + teaching % ("[lean_65k, microexpnet_xxs]", "[fer2013, alone/best.safetensors]")
    losses, heard = set(), []
    for name, content in recipes.items():
        (project / f"{name}.yaml").write_text(content)
        assert main(["train", f"{name}.yaml", "--data", "set", "--to", name]) == 0
        losses.add(tables.read(project / name / "history.csv")["train_loss"].item())
        heard.append(json.loads((project / name / "provenance.json").read_text())["parameters"]["teacher"])
    assert len(losses) == 4 and heard[0] is None and len(set(heard)) == 4
    capsys.readouterr()
    told = refused("soft-labels", "run.yaml", "--data", "set", "--to", "made")
    assert "soft labels are made by networks that learn labels alone" in told
    (project / "other.yaml").write_text(alone + teaching % ("lean_65k", "alone/best.safetensors"))
    told = refused("train", "other.yaml", "--data", "set", "--to", "other")
    assert "best.safetensors is of microexpnet_xxs, not lean_65k" in told and not (project / "other").exists()


def test_teachers_are_told_by_network_and_weights_and_a_file_by_its_seed(faces, tmp_path):
    fit("lean_65k", faces, Recipe(epochs=1, img_size=48, seed=43), tmp_path)
    one, two = ("lean_65k", "fer2013"), ("lean_65k", str(tmp_path / "best.safetensors"))
    assert training._told([]) == "" and training._told([one]) == "lean_65k (fer2013)"
    assert training._told([one, two]) == "the mean of the logits of lean_65k (fer2013) and lean_65k (seed 43)"


@pytest.mark.parametrize("words", [["--select", "none"], ["--select", "PrivateTest"], ["--train", "PublicTest"]])
def test_a_release_is_of_the_splits_that_its_card_names(project, refused, words):
    faces = datasets.load_imported(datasets.import_dataset("synthfer", None, project / "set", images=200).parent)
    (project / "r.yaml").write_text("network: microexpnet_xxs\nepochs: 1\nimg_size: 84\nschedule: cosine\n")
    exact = near = np.arange(len(faces))
    splits.mask(faces, exact, near).to_csv("mask.csv")
    line = refused("train", "r.yaml", "--data", "set", "--to", "run", "--release", "out", "--mask", "mask.csv", *words)
    assert "leave out --train and --select, or --release" in line and not (project / "run").exists()


def test_a_mask_of_other_images_is_refused_before_anything_is_trained(project, refused):
    """The same images in another order: `deduplicated` would be whatever stands at the rows."""
    made = datasets.load("synthfer", images=200)
    faces = dataclasses.replace(made, name="fer2013", synthetic=False)
    datasets.store.save(faces, "first")
    order = np.random.default_rng(0).permutation(200)
    turned = dataclasses.replace(
        faces, pixels=faces.pixels[order], table=faces.table.iloc[order].reset_index(drop=True)
    )
    datasets.store.save(turned, "second")
    exact = np.arange(200)
    tables.save(splits.mask(faces, exact, exact), ".", "test_mask", faces)
    (project / "r.yaml").write_text("network: simple_cnn\nepochs: 1\nimg_size: 16\n")
    line = refused("train", "r.yaml", "--data", "second", "--to", "run", "--release", "out", "--mask", "test_mask.csv")
    assert "the mask test_mask.csv is of other images" in line and "the same in another order" in line
    assert not (project / "run").exists()


@pytest.mark.parametrize(
    ("setting", "synthetic", "told"),
    [
        ("", True, "is rendered"),
        ("weights: imagenet", False, "only models trained on mine alone, from random weights, can"),
        ("tta: ten", False, "tta is one or flip, not ten"),
    ],
)
def test_what_no_release_takes_is_refused_before_anything_is_trained(project, refused, setting, synthetic, told):
    made = datasets.load("synthfer", images=200)
    datasets.store.save(dataclasses.replace(made, name="mine", synthetic=synthetic), "set")
    (project / "r.yaml").write_text(f"network: tinyfer_lite\nepochs: 1\nimg_size: 16\n{setting}\n")
    line = refused("train", "r.yaml", "--data", "set", "--to", "run", "--release", "out")
    assert told in line and not (project / "run").exists() and not (project / "out").exists()


@pytest.mark.parametrize("setting", ["weights: fer2013", "schedule: plateau", "soft_labels: votes"])
def test_what_makes_no_soft_labels_is_refused_before_copies_are_searched_for(project, refused, setting, monkeypatch):
    datasets.import_dataset("synthfer", None, project / "set", images=200)
    monkeypatch.setattr("fercore.audit.copies", lambda *_: pytest.fail("it searches"))
    settings = "network: lean_65k\nloss: cross_entropy\n" + "schedule: cosine\n" * ("schedule" not in setting)
    (project / "r.yaml").write_text(f"{settings}{setting}\n")
    refused("soft-labels", "r.yaml", "--data", "set", "--to", "made")


@pytest.mark.parametrize("path", sorted(ROOT.glob("params/recipes/*.yaml")), ids=lambda path: path.stem)
def test_recipes_that_come_along_are_read(path):
    network, words, soft, teacher = cli.training._read_recipe(str(path))
    assert words["recipe"].epochs >= 1 and all((ROOT / file).is_file() for file in soft)
    for one, given in teacher:
        if weights.is_name(given):
            assert weights.released(one, given)[0].is_file()
        else:  # of a training that the recipe's head asks for
            file = Path(given)
            made, seed = file.parent.name.rsplit("-", 1)
            assert (ROOT / f"params/recipes/{made}.yaml").is_file() and file.name == "best.safetensors"
            command = f"fercore train params/recipes/{made}.yaml --data data/fer2013 --seed {seed} --to {file.parent}"
            assert command in path.read_text(encoding="utf-8")
    if words["weights"] is not None:  # trained on at the size that they are of
        record = weights.record(weights.released(network, words["weights"])[0])
        assert words["recipe"].img_size == record["img_size"]


def test_weights_are_converted_to_a_folder_that_is_made_and_to_no_other_kind_of_file(project, refused):
    torch.save({"fc.weight": torch.ones(2, 2)}, "m.pth")
    assert main(["convert", "m.pth", "new/m.safetensors"]) == 0 and Path("new/m.safetensors").is_file()
    assert "m2.pth: weights are written to a file ending in .safetensors" in refused("convert", "m.pth", "m2.pth")
    Path("file").touch()
    assert "file" in refused("convert", "m.pth", "file/m.safetensors")


def test_what_cannot_be_trained_is_told_before_anything_is(project, refused):
    datasets.import_dataset("synthoulu", None, project / "set", images=36)
    (project / "file").write_text("mine")

    def told(recipe, to="run"):
        (project / "r.yaml").write_text(f"network: lean_65k\n{recipe}\n")
        return refused("train", "r.yaml", "--data", "set", "--to", to)

    assert "r.yaml: in_chans is 4; expected 1 (grey) or 3 (colour)" in told("options: {in_chans: 4}")
    missing = told("loss: cross_entropy\nsoft_labels: no.safetensors")
    assert "no soft labels at no.safetensors; fercore soft-labels makes them" in missing
    assert "file is a file; expected a folder" in told("", "file")
    assert "set holds an imported data set; give another folder" in told("", "set")
    undivided = told("")
    assert "set has no validation split to select the epoch on; it is not split. Name it" in undivided
    assert "keep the last epoch (--select none)" in undivided and not (project / "run").exists()
    release = refused("train", "r.yaml", "--data", "set", "--to", "run", "--release", "file")
    assert "file is a file; expected a folder" in release


@pytest.fixture
def fitted(project, monkeypatch):
    """What `fit` is asked for by `fercore train`, of a set that lies in set and a recipe in r.yaml; trains nothing."""
    made = datasets.load("synthfer", images=200)
    datasets.store.save(dataclasses.replace(made, name="mine", synthetic=False), "set")
    (project / "r.yaml").write_text("network: microexpnet_xxs\nepochs: 2\nimg_size: 84\nschedule: cosine\n")
    asked = {}
    history = pd.DataFrame({"accuracy": [0.9, 0.1], "macro_f1": [0.8, 0.2]})
    run = SimpleNamespace(history=history, best_epoch=1)
    monkeypatch.setattr("fercore.training.trainer.fit", lambda network, faces, **words: asked.update(words) or run)
    return asked


def test_a_training_is_as_it_was_asked_for_and_its_best_epoch_is_told(fitted, said):
    words = ["train", "r.yaml", "--data", "set", "--to", "run"]
    assert said(*words) == "run: epoch 1 of 2, PublicTest accuracy 0.9000, macro-F1 0.8000\n"
    recipe = fitted["recipe"]
    plain = {"folder": "run", "train": "train", "select": "select", "device": None, "restart": False}
    assert {name: fitted[name] for name in plain} == plain
    more = ["--seed", "0", "--device", "cpu", "--restart", "--train", "PublicTest", "--select", "none"]
    assert said(*words, *more) == "run: epoch 1 of 2, last\n"
    other = {"folder": "run", "train": "PublicTest", "select": None, "device": "cpu", "restart": True}
    assert {name: fitted[name] for name in other} == other
    assert fitted["recipe"] == dataclasses.replace(recipe, seed=0)


def test_of_several_processes_one_tells(fitted, said, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    assert said("train", "r.yaml", "--data", "set", "--to", "run") == ""


def test_a_release_is_told_its_masks_and_its_teacher(fitted, project, capsys, monkeypatch):
    given, masks = Mock(return_value="released"), {"deduplicated": np.ones(3, bool)}
    monkeypatch.setattr(model_card, "release", given)
    monkeypatch.setattr(model_card, "require_releasable", lambda *_: None)
    monkeypatch.setattr("fercore.audit.without_copies", lambda *words: {**masks, "of": words[1:]})
    with (project / "r.yaml").open("a") as file:
        file.write("loss: cross_entropy\ndistillation: {temperature: 4, soft: 1, hard: 1}\n")
        file.write("teacher_network: lean_65k\nteacher_weights: fer2013\n")
    words = ["train", "r.yaml", "--data", "set", "--to", "run", "--release", "out"]
    assert cli.main(words) == 0 and capsys.readouterr().out.endswith("\nreleased\n")
    *_, searched, folder, teacher = given.call_args.args
    assert (searched["of"], folder, teacher) == (("test",), Path("out"), "lean_65k (fer2013)")
    assert cli.main([*words, "--mask", "mask.csv"]) == 0
    assert given.call_args.args[4]["of"] == ("test", "mask.csv")


def test_copies_of_a_file_are_taken_for_soft_labels(fitted, said, monkeypatch):
    made = Mock(return_value=(Path("made"), 0.5))
    monkeypatch.setattr("fercore.audit.copies", lambda faces, file: file)
    monkeypatch.setattr(out_of_fold, "require_makeable", lambda *_, **__: None)
    monkeypatch.setattr(out_of_fold, "make", made)
    said("soft-labels", "r.yaml", "--data", "set", "--to", "made", "--copies", "groups.csv")
    assert made.call_args.kwargs["group"] == "groups.csv"
