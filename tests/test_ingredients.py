"""The benchmark of ingredients compares what lies in its folders, and not what they are called."""

import importlib.util
import json
import sys
from pathlib import Path
from unittest.mock import Mock

import pandas as pd
import pytest
import scipy.stats
import torch

from fercore import datasets
from fercore.training import checkpoint, trainer

PATH = Path(__file__).parent / "benchmarks/ingredients.py"
SPEC = importlib.util.spec_from_file_location("ingredients", PATH)
ingredients = sys.modules["ingredients"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(ingredients)

NETWORK = "lean_65k, 65,000 parameters, abc"


def put(folder, name, network=NETWORK, accuracy=0.5, minutes=1, **recipe):
    (folder / name).mkdir(parents=True)
    made = {
        "parameters": {"network": network, "recipe": {"epochs": 20, "smoothing": 0.1} | recipe},
        "cpu_seconds": 60 * minutes,
    }
    (folder / name / "provenance.json").write_text(json.dumps(made))
    last = f"{accuracy},0.4,0.6"
    (folder / name / "history.csv").write_text(f"accuracy,macro_f1,train_accuracy\n0.1,0.1,0.1\n{last}\n")


def test_seeds_of_one_training_are_gathered(tmp_path):
    put(tmp_path, "the_recipe-1", seed=1)
    put(tmp_path, "the_recipe-2", seed=2)
    put(tmp_path, "whitening_stem-1", network=NETWORK.replace("lean_65k", "Lean"), seed=1)
    put(tmp_path, "label_smoothing-1", seed=1, smoothing=0.0)
    runs = ingredients.gathered(tmp_path)
    assert runs["ingredient"].tolist() == ["label smoothing", "the recipe", "the recipe", "whitening stem"]
    assert runs["seed"].tolist() == [1, 1, 2, 1] and set(runs["minutes"]) == {1}


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("the_recipe-2", {"smoothing": 0.0}, "the_recipe-1 and the_recipe-2 are not seeds of one .* in smoothing"),
        ("the_recipe-2", {"network": "lean_250k, 9 parameters, abc"}, "they differ in network"),
        ("warm-up-1", {"epochs": 80}, "several trainings: .*, 20 epochs; .*, 80 epochs"),
        ("warm-up-1", {"network": "lean_250k, 9 parameters, abc"}, "several trainings"),
    ],
)
def test_a_mixture_is_refused(tmp_path, name, change, told):
    put(tmp_path, "the_recipe-1", seed=1)
    put(tmp_path, name, **{"seed": 2} | change)
    with pytest.raises(ValueError, match=told):
        ingredients.gathered(tmp_path)


def test_what_each_gives_is_told_with_its_sign_by_pairs_of_a_seed(tmp_path, monkeypatch):
    """What is left out gives what its lack costs; what is put in, what it adds."""
    for seed, start in ((1, 0.50), (2, 0.60), (3, 0.55)):
        put(tmp_path / "runs", f"the_recipe-{seed}", accuracy=start, minutes=2, seed=seed)
        for name, gap in (
            ("warm-up", -0.02),
            ("label_smoothing", 0.03),
            ("distillation", 0.04),
            ("soft_labels", (seed - 2) / 10),
        ):
            more = {"smoothing": 0.0} if name != "warm-up" else {"warmup": 0}
            accuracy = start + gap * (1 + seed / 100)  # so that the interval is not a point
            put(tmp_path / "runs", f"{name}-{seed}", accuracy=accuracy, minutes=4, seed=seed, **more)
    datasets.import_dataset("synthfer", None, tmp_path / "data", images=200, seed=0)
    given = [str(tmp_path / "data"), "--runs", str(tmp_path / "runs"), "--only", "--to", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["ingredients.py", *given])
    ingredients.main()
    found = pd.read_csv(tmp_path / "out/ingredients.csv", index_col="ingredient")
    gains = {"label smoothing": -0.03, "warm-up": 0.02, "distillation": 0.01, "soft labels": -0.03}
    assert {name: round(value, 2) for name, value in found["accuracy"].items()} == gains
    assert found["time"].to_dict() == {"label smoothing": 0.5, "warm-up": 0.5, "distillation": 1.0, "soft labels": 1.0}
    assert (found["accuracy_low"] < found["accuracy"]).all() and (found["seeds"] == 3).all()
    runs = pd.read_csv(tmp_path / "out/runs.csv").pivot(index="seed", columns="ingredient", values="accuracy")
    pairs = dict.fromkeys(("label smoothing", "warm-up"), "the recipe")
    pairs |= dict.fromkeys(("distillation", "soft labels"), "label smoothing")
    p = pd.Series({name: scipy.stats.ttest_rel(runs[name], runs[base]).pvalue for name, base in pairs.items()})
    adjusted = scipy.stats.false_discovery_control(p)
    assert found["accuracy_p_adjusted"][p.index].to_numpy() == pytest.approx(adjusted, abs=1e-6)
    assert found["macro_f1_p_adjusted"].isna().all(), "where all seeds agree"
    [said] = json.loads((tmp_path / "out/sentences.json").read_text())
    assert said["sentence"] == (
        "Accuracy rises with warm-up and distillation; it falls with label smoothing; "
        "it is not shown to change with soft labels. "
        "Macro-F1 is not shown to change with label smoothing, warm-up, distillation and soft "
        "labels. "
        "Adjusted for all comparisons, p is below 0.05 for "
        "accuracy with label smoothing, warm-up and distillation."
    )
    figure = (tmp_path / "out/gains.svg").read_text()
    assert "over seeds alone" in figure and "over images" not in figure
    assert len(pd.read_csv(tmp_path / "out/runs.csv")) == 15
    assert json.loads((tmp_path / "out/findings.json").read_text())["findings"]["core_hours"] == 0.9


def test_what_takes_the_place_of_smoothing_is_compared_with_none(tmp_path):
    for seed in (1, 2):
        put(tmp_path, f"the_recipe-{seed}", seed=seed)
        put(tmp_path, f"distillation-{seed}", seed=seed, smoothing=0.0)
    with pytest.raises(ValueError, match="distillation is compared with trainings without label smoothing: run these"):
        ingredients.summary(ingredients.gathered(tmp_path))


def test_a_teacher_takes_the_place_of_smoothing():
    alone = ingredients.from_plain({"epochs": 20, "loss": "cross_entropy", "smoothing": 0.1, "seed": 7})
    recipe, teacher = ingredients.distilled(alone)
    assert teacher == ("lean_932k", "fer2013") and (recipe.epochs, recipe.seed, recipe.smoothing) == (20, 7, 0.0)
    assert (recipe.distillation.temperature, recipe.distillation.soft, recipe.distillation.hard) == (4.0, 0.7, 0.3)


def test_a_variant_of_the_frontier_is_no_mixture(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(PATH.parent)
    import frontier

    put(tmp_path, "lean-1", seed=1)
    put(tmp_path, "lean-2", seed=2, smoothing=0.0)
    [(variant, runs)] = frontier.variants(tmp_path).items()
    with pytest.raises(ValueError, match="lean-1 and lean-2 are not seeds of one training: they differ in smoothing"):
        frontier.measured(variant, runs, None, {})


def test_what_soft_labels_cost_is_told_by_their_record(tmp_path):
    assert ingredients.cost_of_soft_labels([ingredients.SOFT_LABELS]) == "5 trainings of lean_250k, 55 epochs"
    record = {"network": "other", "folds": 3, "seeds": [1, 2], "recipe": {"epochs": 9}}
    checkpoint.write(tmp_path / "soft.safetensors", {"rows": torch.zeros(1)}, record)
    both = ingredients.cost_of_soft_labels([ingredients.SOFT_LABELS, tmp_path / "soft.safetensors"])
    assert both.endswith("55 epochs and 6 trainings of other, 9 epochs")


@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 3, 2, 3)])
def test_flips_alternate_whatever_device_the_images_are_on(monkeypatch, shape):
    monkeypatch.setattr(trainer._Training, "step", lambda self, pixels, *_: pixels)
    training = object.__new__(ingredients.AlternatingFlips)
    training.recipe, training.images = Mock(seed=3), range(4)
    pixels, index = torch.arange(torch.Size(shape).numel()).reshape(shape), Mock()  # of a GPU, it indexes no CPU tensor
    index.cpu.return_value = torch.arange(4)
    first, second = (training.step(pixels, index, None, epoch) for epoch in (0.5, 1.5))
    assert torch.equal(first.flip(-1), second)
    for one, whole in zip(first, pixels, strict=True):
        assert torch.equal(one, whole) or torch.equal(one, whole.flip(-1))
