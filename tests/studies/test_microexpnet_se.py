"""The ablation of the 2026 MicroExpNet is the paper's, and what its trainings are other in is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fercore import claims, models
from fercore.evaluation import statistics
from fercore.pipeline.parameters import read_params
from fercore.results import measurements
from fercore.studies import fits
from fercore.studies import microexpnet_se as study
from fercore.training import Recipe, Run

ROOT = Path(__file__).parents[2]
PAPER = study.Protocol.of(read_params(ROOT / "params/paper/06b_microexpnet_se.yaml"))
ROWS = dict.fromkeys(study.LABELS, (1,))


def test_the_papers_recipe_is_that_of_sections_iii_and_iv():
    recipe = PAPER.recipe
    assert (recipe.epochs, recipe.batch_size, recipe.img_size, recipe.patience) == (80, 64, 48, 15)
    assert (recipe.optimizer, recipe.learning_rate, recipe.min_lr, recipe.schedule) == ("adam", 1e-3, 1e-5, "cosine")
    drawn = recipe.augmentation
    assert (drawn.flip, drawn.rotation, drawn.brightness, drawn.contrast) == (0.5, 15, 0.2, 0.2)
    assert (drawn.erasing, drawn.erasing_area) == (0.15, (0.02, 0.2)) and recipe.mixup == 0.2
    assert recipe.monitor == "accuracy" and not recipe.class_weighted
    assert PAPER.teacher_recipe == replace(recipe, epochs=50) and PAPER.teacher_network == "resnet50"


def test_each_row_of_table_2_adds_what_it_is_named_after(faces):
    variants = replace(PAPER, seeds=ROWS).students(faces, "a network")
    assert list(variants) == list(study.LABELS.values())
    kd = [words["recipe"].distillation for words in variants.values()]
    assert [one is not None for one in kd] == [False, False, True, True, True, False]
    assert (kd[2].temperature, kd[2].soft, kd[2].hard, kd[2].squared) == (4.0, 0.7, pytest.approx(0.3), True)
    assert [words["recipe"].mixup for words in variants.values()] == [0, 0, 0, 0.2, 0.2, 0.2]
    assert ["teacher" in words for words in variants.values()] == [one is not None for one in kd]
    sizes = [
        sum(one.numel() for one in models.create("microexpnet_se", 7, **words["options"]).parameters())
        for words in variants.values()
    ]
    assert sizes[1] - sizes[0] == 2 * 576 * 144 + 576 + 144 and sizes[1] == sizes[2] == sizes[3]
    assert sizes[4] == sizes[5] == 1_243_127


def test_rows_without_seeds_are_left_out_and_folders_differ(faces):
    protocol = replace(PAPER, seeds={"backbone": [], "full": [1, 2], "alone": [1]})
    places, trainings = fits.planned(protocol.students(faces, None))
    assert list(places) == ["full", study.ALONE] and len(trainings) == 3
    with pytest.raises(ValueError, match="no row 'fool'"):
        study.Protocol.of(vars(replace(PAPER, seeds={"fool": [1]})))


def test_what_is_other_than_in_the_paper_is_said():
    assert study.other_than_the_papers(PAPER, PAPER) == study.other_than_the_papers(PAPER, PAPER, teacher=True) == ""
    here = replace(PAPER, teacher_epochs=20, weights="")
    assert study.other_than_the_papers(here, PAPER) == ""
    assert study.other_than_the_papers(here, PAPER, teacher=True) == "20 of 50 epochs"
    assert study.other_than_the_papers(replace(PAPER, augmentation="flip"), PAPER) == "augmentation flip"
    assert study.reserved(here, PAPER, "se") == "random weights"
    said = f"random weights, {study.READING}, another teacher: random weights, 20 of 50 epochs"
    assert study.reserved(here, PAPER, "full") == said
    ours = replace(PAPER, teacher_network="lean_65k", teacher_weights="fer2013", weights="imagenet")
    said = f"{study.READING}, another teacher: lean_65k with this project's weights"
    assert study.reserved(ours, PAPER, "full") == said
    papers = replace(PAPER, teacher_weights="x.safetensors")
    assert study.reserved(papers, PAPER, "full") == study.READING, "what the loss is other in is never left out"
    assert study.reserved(papers, PAPER, "alone") == study.reserved(papers, PAPER, "backbone") == ""


def test_steps_are_of_the_same_seeds():
    labels = np.arange(40) % 2
    half, wrong = np.where(np.arange(40) < 20, labels, 1 - labels), 1 - labels
    predicted = {"backbone": {2: half}, "+ SE": {1: wrong, 2: labels}, "full": {2: wrong}, "+ mixup": {3: wrong}}
    found = study.gains(labels, predicted, {"deduplicated": np.zeros(40, bool)}, 2)
    assert found.loc[("+ SE less backbone", "published", "accuracy"), ["value", "seeds"]].tolist() == [0.5, 1]
    assert found.loc[("full less backbone", "published", "accuracy"), "value"] == -0.5
    assert set(found.index.get_level_values("part")) == {"published"}
    assert found["value"].dtype == float and set(found["note"]) == {statistics.TOO_FEW}, "one seed of forty images"
    assert "+ mixup" not in "".join(found.index.get_level_values("step")) and study.gains(labels, {}, {}, 2).empty


def history(*accuracy):
    return pd.DataFrame({"accuracy": accuracy})


def test_the_best_epochs_on_the_split_that_selects():
    runs = [Run(None, Recipe(), history(0.1, 0.5), 2, 0.0), Run(None, Recipe(), history(0.7, 0.6), 1, 0.0)]
    found = study.selected({"full": runs, "+ SE": runs[:1]}, {"full": 9, "+ SE": 8})
    assert found.loc["full", ["value", "best epoch", "seeds", "parameters"]].tolist() == [0.6, 1.5, 2, 9]
    assert found.loc["full", ["low", "high"]].tolist() == [0, 1], "shares, however few seeds"
    assert np.isnan(found.loc["+ SE", "low"]), "one seed"


def test_measurements_have_the_names_of_the_claims(faces):
    labels = faces.labels[faces.rows("test")]
    best = pd.Series({"value": 0.5, "low": 0.4, "high": 0.6, "seeds": 1})
    names = [row["measurement"] for row in study.measured("full", faces, labels, [labels], best, {}, "lean_250k")]
    run = "microexpnet_se+kd+mixup, grey noise"
    assert f"accuracy({run}, PublicTest)" in names and f"recall({run}, PrivateTest, dark)" in names
    (only,) = study.measured("backbone", faces, labels, [labels], best, {}, "lean_250k")
    assert only["measurement"] == "accuracy(mobilenet_v3_small, grey noise, PublicTest)" and only["value"] == 0.5
    (only,) = study.measured("mixup", faces, labels, [labels], best, {}, "lean_250k")
    assert only["measurement"] == f"accuracy({run}, PublicTest, hidden=0)"
    taught_by = study.measured("teacher", faces, labels, [labels], best, {}, "lean_250k")
    assert taught_by[0]["measurement"] == "accuracy(lean_250k, grey noise, PublicTest)", "whichever network it is"
    ledger = claims.load(ROOT / "params/claims", claims.networks(ROOT / "params/paper/networks.yaml"))
    for row in ("kd", "mixup"):  # the paper's row with a teacher has mixup, too
        wanted = ledger.claims[f"microexpnet_se/table2.{row}.accuracy"].measurement
        assert wanted == only["measurement"].replace("grey noise", "fer2013")
    other = study.measured("full", replace(faces, name="affectnet"), labels, [labels], best, {}, "lean_250k")
    assert other[0]["measurement"] == f"accuracy({run.replace('grey noise', 'affectnet')}, PublicTest)"
    assert ledger.claims["microexpnet_se/abstract.affectnet"].measurement.startswith(f"accuracy({run.split(',')[0]}, ")


def test_gains_are_measured_seed_by_seed_under_the_names_of_the_claims(faces):
    def runs(**accuracies):
        return [Run(None, Recipe(seed=int(seed[1:])), history(0.1, one), 2, 0.0) for seed, one in accuracies.items()]

    trained = {"backbone": runs(_3=0.9, _1=0.5, _2=0.6), "+ SE": runs(_1=0.6, _2=0.8), "+ mixup": runs(_2=0.9)}
    (row, se), (with_mixup, kd) = study.measured_gains(trained, faces)
    assert (row, with_mixup) == ("se", "mixup")  # of which one has a teacher, whose verdict says what it was other in
    assert se["value"] == pytest.approx(0.15) and se["seeds"] == 2 and se["low"] < 0.1 < 0.2 < se["high"]
    assert kd["value"] == pytest.approx(0.1) and kd["seeds"] == 1 and "low" not in kd
    ledger = claims.load(ROOT / "params/claims", claims.networks(ROOT / "params/paper/networks.yaml"))
    for row, found in (("se", se), ("kd", kd)):
        wanted = ledger.claims[f"microexpnet_se/table2.{row}.gain"].measurement
        assert found["measurement"].replace("grey noise", "fer2013") == wanted
    assert {name.format("fer2013, PublicTest") for name in study.GAINS.values()} <= {
        claim.measurement for claim in ledger.claims.values()
    }


def test_what_was_measured_before_has_public_networks_and_this_projects():
    known = study.measured_before(ROOT / "reports/reference")
    assert known.loc["mini-XCEPTION", ["parameters", "own"]].tolist() == [56951, False]
    assert known.loc["microexpnet_se", "parameters"] == 1_097_655, "of the row with SE, which has no hidden layer"
    assert known.loc["lean_250k, distilled", "own"] and "lean_250k+kd" not in known.index, "once, in one view"
    assert known.loc["lean_250k", "own"] and "simple_cnn" not in known.index, "five epochs are not the paper's"
    assert known.loc[f"simple_cnn{measurements.OTHERWISE}", "parameters"] == 1_175_015
    assert known.index.is_unique and (known["low"] < known["value"]).all() and (known["value"] < known["high"]).all()


def test_of_one_network_that_was_trained_in_several_ways_the_best_has_its_name_in_a_figure():
    values = {
        "lean_250k": 0.66, "lean_250k, distilled": 0.68, "lean_250k+pruned+fp16 *": 0.67, "MobileNetV2, 48 px": 0.57,
        "c+kd, T=3, alpha=0.20": 0.58, "c+kd, T=3, alpha=0.20, reading=text *": 0.6, "MobileNetV2, 200 px": 0.4,
    }  # fmt: skip
    known = pd.DataFrame({"value": pd.Series(values), "parameters": [3, 3, 3, 1, 2, 2, 4]})
    assert study.best_of_each(known) == {
        "MobileNetV2, 200 px": "MobileNetV2, 200 px", "MobileNetV2, 48 px": "MobileNetV2, 48 px",
        "c+kd, T=3, alpha=0.20, reading=text *": "c+kd, reading=text *", "lean_250k, distilled": "lean_250k, distilled",
    }  # fmt: skip
