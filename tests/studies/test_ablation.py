"""The variants of TinyFER-Lite take one choice away each, and the teacher is the best of the others."""

import json

import pandas as pd
import pytest
import torch

from fercore.studies import ablation
from fercore.training import Recipe
from fercore.training.trainer import Run


def taught(network, img_size=224):
    return Run(network.eval(), Recipe(img_size=img_size), pd.DataFrame(), 1, 0.0)


def test_each_variant_takes_something_away(tiny):
    rows = ablation.variants(Recipe(), taught(tiny(channels=3)), 4.0, 0.7)
    described = ablation.described(rows)
    assert described.loc[ablation.FULL].tolist() == ["yes", "focal", "yes", ""]
    assert described.loc["MobileNetV3-Small alone"].tolist() == ["", "cross-entropy", "", ""]
    assert described.loc["with ECA"].tolist() == ["yes", "cross-entropy", "", ""]
    assert described.loc["ECA, focal loss"].tolist() == ["yes", "focal", "", ""]
    assert described.loc["ECA, class weights"].tolist() == ["yes", "cross-entropy", "yes", ""]
    assert described.loc["distilled student"].tolist() == ["yes", "distillation", "", "yes"]
    assert rows[ablation.FULL]["recipe"] == Recipe() and len({words["name"] for words in rows.values()}) == len(rows)
    distillation = rows["distilled student"]["recipe"].distillation
    assert (distillation.temperature, distillation.soft, distillation.hard) == (4.0, 0.7, pytest.approx(0.3))


def test_each_step_is_one_choice_apart(tiny):
    """All that tells the two sides of a step apart is the choice that it is named for."""
    described = ablation.described(ablation.variants(Recipe(), taught(tiny(channels=3)), 4.0, 0.7))
    columns = {"ECA": ["ECA"], "focal loss": ["loss"], "class weights": ["class weights"]}
    columns["distillation"] = ["loss", "teacher"]
    apart = {name: described.loc[one] != described.loc[other] for name, (one, other) in ablation.STEPS.items()}
    assert {name: list(which.index[which]) for name, which in apart.items()} == columns


def test_the_best_other_network_teaches_by_its_own_recipe(tmp_path):
    recipe = Recipe(epochs=3, loss="cross_entropy", class_weighted=False)
    rows = [("tinyfer_lite", 1, 0.9), ("one", 1, 0.5), ("one", 2, 0.7), ("two", 1, 0.65), ("two", 2, 0.4)]
    pd.DataFrame(rows, columns=["network", "seed", "macro_f1"]).to_csv(tmp_path / "selection.csv", index=False)
    (tmp_path / "recipe.json").write_text(json.dumps(recipe.plain()))
    assert ablation.best_teacher(tmp_path, Recipe()) == ("one", recipe)


def test_without_another_baseline_a_mobilenet_teaches(tmp_path):
    expected = "mobilenet_v3_small", Recipe(epochs=7)
    assert ablation.best_teacher("", Recipe(epochs=7)) == expected
    pd.DataFrame({"network": ["tinyfer_lite"], "macro_f1": [0.5]}).to_csv(tmp_path / "selection.csv", index=False)
    (tmp_path / "recipe.json").write_text(json.dumps(Recipe(epochs=3).plain()))
    assert ablation.best_teacher(tmp_path, Recipe(epochs=7)) == expected


@pytest.mark.parametrize("channels", [1, 3])
def test_a_teacher_sees_images_as_it_was_trained_on_them(tiny, channels):
    network, seen = tiny(channels=channels), []
    network.register_forward_hook(lambda module, given, _: seen.append(tuple(given[0].shape)))
    rows = ablation.variants(Recipe(img_size=48), taught(network, 64), 4.0, 0.7)
    rows[ablation.DISTILLED]["teacher"](torch.zeros(2, 3, 48, 48))
    assert seen == [(2, channels, 64, 64)]
