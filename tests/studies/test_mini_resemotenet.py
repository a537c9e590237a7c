"""The trainings of Mini-ResEmoteNet are the paper's and what is asked beside; what a teacher adds is of equal seeds."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from fercore import audit
from fercore.datasets.faces import Faces
from fercore.evaluation import inference, statistics
from fercore.pipeline.parameters import read_params
from fercore.studies import fits
from fercore.studies import mini_resemotenet as study
from fercore.training import Run, answers

ROOT = Path(__file__).parents[2]
PAPER = study.Protocol.of(read_params(ROOT / "params/paper/06_mini_resemotenet.yaml"))


def small(**changed):
    seeds = {"a": [], "b": [1], "c": [1, 2]}
    return replace(PAPER, seeds=seeds, temperatures=[1.0], alphas=[0.1], readings=["E6"], beside=1, **changed)


def logits(faces):
    return np.zeros((2, len(faces), len(faces.classes)))


def test_the_papers_recipe_is_that_of_section_iii_d():
    recipe = PAPER.recipe
    assert (recipe.epochs, recipe.batch_size, recipe.img_size) == (80, 16, 64)
    assert (recipe.optimizer, recipe.learning_rate, recipe.momentum) == ("sgd", 1e-3, 0.9)
    assert (recipe.schedule, recipe.factor, recipe.class_weighted) == ("plateau", 0.1, True)
    assert recipe.augmentation.flip == 0.5 and recipe.monitor == "accuracy"
    assert PAPER.teacher_recipe == replace(recipe, channels_last=False)


def test_shares_that_are_printed_alike_are_refused(faces):
    with pytest.raises(ValueError, match=r"two trainings are called alpha 0\.12"):
        replace(small(), alphas=[0.12, 0.125]).students(faces, logits(faces))


def test_each_experiment_is_trained_as_table_iv_has_it(faces):
    variants = PAPER.students(faces, logits(faces))
    for name, (size, alpha) in study.EXPERIMENTS.items():
        words, kd = variants[name], variants[name]["recipe"].distillation
        assert words["network"] == f"mini_resemotenet_{size}" and words["teacher"] is not None
        assert (kd.temperature, kd.soft, kd.hard, kd.squared) == (3.0, alpha, 1.0, True)
        alone = variants[study.alone(size)]
        assert replace(words["recipe"], distillation=None) == alone["recipe"] and "teacher" not in alone
    other = variants[study.other_reading("E6")]["recipe"].distillation
    assert (other.soft, other.hard) == (0.8, 0.2)
    assert {variants[f"T {value}"]["recipe"].distillation.temperature for value in (1, 2, 4, 5)} == {1, 2, 4, 5}


def test_every_training_has_a_folder_of_its_own_and_a_size_without_seeds_none(faces):
    variants = small().students(faces, logits(faces))
    places, trainings = fits.planned(variants)
    assert not any("_a" in words["network"] for words in trainings.values()) and "E1" not in places
    assert len(places["E6"]) == 2 and len(places["T 1"]) == 1 and len(places[study.other_reading("E6")]) == 1
    assert all(re.fullmatch(r"06_[\w.]+-cross_entropy-80-\d", name) for name in trainings)
    assert {words["recipe"].seed for words in trainings.values()} == {1, 2}


def test_without_the_teachers_logits_the_names_are_the_same(faces):
    assert list(small().students(faces, None)) == list(small().students(faces, logits(faces)))


def test_an_experiment_that_there_is_none_of_is_refused():
    with pytest.raises(ValueError, match="no experiment 'E7'; there are E1, E2"):
        study.Protocol.of(vars(replace(PAPER, experiments=["E7"])))


@pytest.mark.parametrize("changed", [{"seeds": {"c": [42], "d": [42]}}, {"searched": "d"}])
def test_a_size_that_there_is_none_of_is_refused(changed):
    study.Protocol.of(vars(replace(PAPER, searched="")))
    with pytest.raises(ValueError, match="no size 'd'; there are a, b, c"):
        study.Protocol.of(vars(replace(PAPER, **changed)))


def test_copies_of_tested_images_are_taken_out_of_training_or_put_in(faces):
    rows, tested = faces.rows("train"), faces.rows("test")
    pixels = faces.pixels.copy()
    pixels[rows[:3]] = pixels[tested[:3]]
    copied = Faces(faces.name, pixels, faces.table, faces.classes, True)
    variants = small().students(copied, logits(faces))
    assert variants[f"c {study.WITHOUT}"]["train"].tolist() == rows[3:].tolist()
    group = audit.exact_duplicates(pixels)
    assert not set(group[variants[f"c {study.WITHOUT}"]["train"]]) & set(group[tested])
    assert set(variants[f"c {study.WITH}"]["train"]) == {*rows, *tested}


def test_what_copies_add_is_told_of_the_images_that_have_one_and_of_the_others():
    """Right after copies came in: the copied images alone; after the test set came in: all."""
    labels, copied = np.arange(40) % 2, np.arange(40) < 10
    predicted = {"c alone": {1: np.where(copied, labels, 1 - labels), 2: labels}}
    predicted |= {f"c {study.WITHOUT}": {1: 1 - labels}, f"c {study.WITH}": {1: labels}}
    found = study.copies(labels, predicted, "c", copied, 2)
    assert found["value"].unstack().to_dict("index") == {
        "copies": {study.ALL: 0.25, "those with a copy": 1, "those without one": 0},
        "the test set": {study.ALL: 0.75, "those with a copy": 0, "those without one": 1},
    }
    assert found.loc["copies", "images"].tolist() == [40, 10, 30] and set(found["seeds"]) == {1}
    del predicted[f"c {study.WITHOUT}"]
    assert found.loc[["the test set"]].equals(study.copies(labels, predicted, "c", copied, 2)), "what there is"
    assert study.copies(labels, {}, "c", copied, 2).empty


def test_students_of_other_images_are_not_ranked_with_the_rest():
    variants = ["c alone", "E6", study.other_reading("E6"), f"c {study.WITHOUT}", f"c {study.WITH}", study.TEACHER]
    assert [name for name in variants if study.of_same_images(name)] == [*variants[:3], study.TEACHER]


def test_both_readings_of_the_loss_are_measured_and_each_says_which_it_is(faces):
    rows = faces.rows("test")
    labels, answers = faces.labels[rows], [np.full((len(rows), len(faces.classes)), 0.5)]
    found = {
        variant: study.measurements(variant, faces, labels, answers, {}, "x")[0]["measurement"]
        for variant in ("E6", study.other_reading("E6"))
    }
    assert found["E6"].endswith(", T=3, alpha=0.20)")
    assert found[study.other_reading("E6")] == found["E6"].replace(")", ", reading=text)")
    assert study.protocol_of("E6", PAPER, PAPER) == ("", study.READING)
    assert study.protocol_of(study.other_reading("E6"), PAPER, PAPER) == ("", study.OTHER_READING)
    assert study.measurements(f"c {study.WITH}", faces, labels, answers, {}, "x") == [], "no claim is of these images"


SECOND = {"network": "resemotenet", "epochs": 20, "precision": "fp32", "teaches": ["E6"]}


def test_a_second_teacher_is_trained_by_the_same_recipe_and_has_students_of_its_own(faces):
    here = small(teacher_network="lean_250k", teacher_weights="fer2013", second_teacher=SECOND)
    assert here.teacher(faces) == {} and list(here.teachers(faces)) == [study.SECOND]
    second = here.teachers(faces)[study.SECOND]
    shorter = replace(PAPER, teacher_epochs=20).teacher(faces)[study.TEACHER]
    assert [second[key] for key in ("network", "name", "recipe", "options", "weights", "seeds")] == [
        shorter[key] for key in ("network", "name", "recipe", "options", "weights", "seeds")
    ]
    variants = here.taught_by_second(faces, logits(faces))
    (name,) = variants
    assert name == study.by("E6", "resemotenet") and study.of_second(name) and not study.of_second("E6")
    (own,) = fits.planned(variants)[0].values()
    assert own == ["06_E6_by_resemotenet-cross_entropy-80-1"], "as many seeds as the searches have"
    first = here.students(faces, logits(faces))
    assert variants[name]["recipe"] == first["E6"]["recipe"] and name not in first
    assert (variants[name]["taught_by"]["network"], first["E6"]["taught_by"]["network"]) == ("resemotenet", "lean_250k")
    assert small().second is None and small().taught_by_second(faces, None) == {}
    with pytest.raises(ValueError, match="no experiment 'E7'"):
        study.Protocol.of(vars(replace(PAPER, second_teacher=SECOND | {"teaches": ["E7"]})))
    with pytest.raises(ValueError, match="the second teacher is resemotenet, which is the first one, too"):
        study.Protocol.of(vars(replace(PAPER, second_teacher=SECOND)))
    lean = replace(PAPER, teacher_network="lean_250k", second_teacher=SECOND)
    assert study.Protocol.of(vars(lean)).second
    with pytest.raises(ValueError, match="second_teacher has network, epochs; expected network, epochs, precision"):
        study.Protocol.of(vars(replace(lean, second_teacher={"network": "resemotenet", "epochs": 20})))
    with pytest.raises(ValueError, match="second_teacher teaches E6, whose student c has no seeds"):
        study.Protocol.of(vars(replace(lean, seeds={"a": [1], "c": []})))


def test_a_second_teacher_is_trained_in_a_precision_of_this_machine_and_shown_in_its_own(faces, monkeypatch):
    """Or a training that was published would be another where there is no bf16, and could not be shown."""
    monkeypatch.setattr(inference, "cpu_has_bf16", lambda: False)
    monkeypatch.setattr(inference, "default_device", lambda: torch.device("cpu"))
    asked = vars(replace(PAPER, teacher_network="lean_250k", second_teacher=SECOND | {"precision": "bf16"}))
    with pytest.warns(UserWarning, match="fp32 in place of bf16"):
        trained = study.Protocol.of(asked, faces)
    assert trained.second.teacher_recipe.precision == "fp32"
    shown = study.Protocol.of(asked | {"kept_only": True}, faces)
    assert shown.second.teacher_recipe.precision == "bf16"
    taught, *_ = fits.planned(shown.taught_by_second(faces, None))[1].values()
    assert taught["taught_by"]["recipe"]["precision"] == "bf16"


@pytest.mark.parametrize("published", ["06_resemotenet-cross_entropy-20-42", "06_lean_250k-cross_entropy-80-42"])
def test_a_published_teacher_keeps_its_precision_where_its_students_are_trained(
    faces, monkeypatch, tmp_path, published
):
    """Its students are trained in full precision, and so on any machine."""
    monkeypatch.setattr(inference, "cpu_has_bf16", lambda: False)
    monkeypatch.setattr(inference, "default_device", lambda: torch.device("cpu"))
    (tmp_path / published).mkdir()
    (tmp_path / published / answers.ANSWERS).touch()
    here = replace(PAPER, teacher_network="lean_250k", teacher_precision="bf16")
    asked = vars(replace(here, second_teacher=SECOND | {"precision": "bf16"})) | {"runs": str(tmp_path)}
    with pytest.warns(UserWarning, match="fp32 in place of bf16"):
        found = study.Protocol.of(asked, faces)
    precisions = [own.teacher_recipe.precision for own in (found.second, found)]
    assert precisions == (["bf16", "fp32"] if "resemotenet" in published else ["fp32", "bf16"])
    with pytest.warns(UserWarning, match="the teacher is trained from random weights"):  # where its own do not suit
        found = study.Protocol.of(asked | {"teacher_weights": "fer2013"}, faces)
    assert [own.teacher_recipe.precision for own in (found.second, found)] == precisions


def test_what_a_second_teacher_is_other_in_stands_in_a_row_of_its_own():
    here = replace(PAPER, second_teacher=SECOND)
    assert study.compared(here, PAPER).to_numpy().tolist() == [[study.SECOND, "epochs", "80", "20"]]
    shorter = replace(here, images=9, dropout=0.0, teacher_divisor=8, teacher_epochs=80)
    told = study.compared(shorter, PAPER)
    assert told["of"].tolist() == ["both", "both", "teacher", study.SECOND, study.SECOND], "what both have, once"
    lean = replace(shorter, second_teacher=SECOND | {"network": "lean_250k", "epochs": 80})
    assert study.other_than_the_papers(lean.second, PAPER, teacher=True) == "images 9, network lean_250k", (
        "its own alone"
    )


def test_students_of_two_teachers_are_two_measurements(faces):
    rows = faces.rows("test")
    labels, answers = faces.labels[rows], [np.full((len(rows), len(faces.classes)), 0.5)]
    name = study.by("E6", "resemotenet")
    first, second = (
        study.measurements(one, faces, labels, answers, {}, "resemotenet", named)[0]["measurement"]
        for one, named in (("E6", False), (name, True))
    )
    assert second == first.replace(")", ", teacher=resemotenet)")
    here = replace(PAPER, second_teacher=SECOND)
    assert study.protocol_of(name, here, PAPER) == ("", f"{study.READING}, another teacher: 20 of 80 epochs")
    found = study.measurements(study.SECOND, faces, labels, answers, {}, "resemotenet")[0]["measurement"]
    assert found == "accuracy(resemotenet, grey noise, PrivateTest)"
    assert study.measurements(study.SECOND, faces, labels, answers, {}, "mini_resemotenet_a") == [], (
        "as if it were A alone"
    )
    assert study.protocol_of(study.SECOND, here, PAPER) == ("20 of 80 epochs", None)
    assert study.protocol_of("E6", here, PAPER) == ("", study.READING), "which the first has taught"


def test_the_papers_claims_are_of_the_students_of_its_own_teacher_where_it_is_trained_as_the_paper_does(faces):
    """The plain name of a measurement is what a claim asks for."""
    lean = replace(PAPER, teacher_network="lean_250k", teacher_weights="fer2013")
    shorter, whole = (replace(lean, second_teacher={**SECOND, **more}) for more in ({}, {"epochs": 80}))
    variants = ["E6", study.by("E6", "resemotenet"), study.SECOND, "c alone"]
    for here, named in ((shorter, [False, True, False]), (whole, [True, False, False])):
        assert [study.names_teacher(variant, here, PAPER) for variant in variants[:3]] == named
    assert not any(study.names_teacher(variant, PAPER, PAPER) for variant in variants), "there is one alone"
    rows = faces.rows("test")
    answers = [np.full((len(rows), len(faces.classes)), 0.5)]
    alone = study.measurements("c alone", faces, faces.labels[rows], answers, {}, "lean_250k", True)
    assert "teacher" not in alone[0]["measurement"], "nobody has taught it"


def test_the_course_of_a_training_has_the_epoch_in_which_its_rate_was_first_cut():
    def run(rates, seed, best=1):
        history = pd.DataFrame({"epoch": range(1, len(rates) + 1), "learning_rate": rates, "train_accuracy": 0.5})
        return Run(None, replace(PAPER.recipe, seed=seed), history, best, 0.0)

    trained = {"c alone": [run([1, 1, 1], 1), run([1, 0.1, 0.01], 2, 3)], "teacher": [run([1, 1], 3, 0)]}
    table = study.courses(trained)
    assert table.index.tolist() == [("c alone", 1), ("c alone", 2)], "a pretrained teacher has no course"
    assert table["rate_cut"].isna().tolist() == [True, False] and table["rate_cut"].iloc[1] == 2
    assert table["best"].tolist() == [1, 3] and table["epochs"].tolist() == [3, 3]
    assert study.courses({}).empty
    falls = [replace(one, recipe=replace(one.recipe, schedule="cosine")) for one in trained["c alone"]]
    assert study.courses({"c alone": falls})["rate_cut"].isna().all(), "it is lower in every epoch"
    more = study.courses(trained | {"E6": [run([1, 1], 2), run([1, 1], 4)], "E4": [run([1, 1], 1)]})
    assert study.courses_of(more, ("E6", "c alone"), ("E6", "T 1")).index.tolist() == [
        ("c alone", 2), ("E6", 2), ("E6", 4)
    ], "of the seeds that both have, and of what is there"  # fmt: skip
    assert study.courses_of(more).empty


def test_students_of_the_second_teacher_are_compared_with_the_firsts_and_with_none():
    labels = np.arange(40) % 2
    predicted = {"E6": {1: labels, 2: labels}, study.by("E6", "x"): {2: 1 - labels}, "c alone": {2: 1 - labels}}
    found = study.by_second_teacher(labels, predicted, "x", 2)
    assert found["value"].to_dict() == {("E6", study.FIRST): -1, ("E6", study.NOBODY): 0}
    both = predicted | {study.SECOND: {42: labels}, study.TEACHER: {0: 1 - labels}}
    assert study.by_second_teacher(labels, both, "x", 2)["value"].iloc[0] == 1, "of teachers whatever seeds they have"
    assert found["seeds"].tolist() == [1, 1] and study.by_second_teacher(labels, {}, "x", 2).empty


def test_a_narrow_teacher_and_dropout_are_options_of_the_networks(faces):
    narrow = small(teacher_divisor=4, dropout=0.0)
    assert narrow.teacher(faces)[study.TEACHER]["options"] == {"divisor": 4, "dropout": 0.0}
    assert narrow.students(faces, None)["c alone"]["options"] == {"dropout": 0.0}
    assert small().teacher(faces)[study.TEACHER]["options"] == {}, "the paper's"


def test_trimmed_networks_are_the_same_training_and_no_departure(faces):
    trimmed = small(trimmed=True)
    assert trimmed.students(faces, None)["c alone"]["options"] == {"trimmed": 64}
    assert study.other_than_the_papers(replace(PAPER, trimmed=True), PAPER) == ""
    assert fits.planned(trimmed.students(faces, None))[0] == fits.planned(small().students(faces, None))[0]
    other = small(trimmed=True, dropout=0.0, teacher_network="lean_250k").teacher(faces)[study.TEACHER]
    assert other["options"] == {}, "a network of another family has no such options"


def test_what_meets_padding_alone_is_counted_for_teacher_and_students():
    table = study.unused()
    assert table.loc["resemotenet", ["parameters", "unused", "left"]].tolist() == [80_238_599, 44_040_192, 36_198_407]
    assert table.loc["mini_resemotenet_c", "unused"] == 688_128 and table["share"].round().eq(55).all()
    assert not study.unused(128)["unused"].any()


def test_what_is_other_than_in_the_paper_is_said_and_no_more():
    assert study.other_than_the_papers(PAPER, PAPER) == study.other_than_the_papers(PAPER, PAPER, teacher=True) == ""
    here = replace(PAPER, teacher_epochs=20, teacher_precision="bf16")
    assert study.other_than_the_papers(here, PAPER) == ""
    assert study.other_than_the_papers(here, PAPER, teacher=True) == "20 of 80 epochs, precision bf16"
    assert study.other_than_the_papers(replace(PAPER, images=9), PAPER) == "images 9"


def test_a_student_may_have_epochs_of_its_own_and_then_departs_from_the_paper_by_itself(faces):
    here = small(epochs_of={"b": 20, "a": 5})
    assert here.epochs_by_size == {"b": 20, "c": 80}, "a has no seeds"
    variants = here.students(faces, logits(faces))
    assert {name: words["recipe"].epochs for name, words in variants.items() if study.size_of(name) == "b"} == {
        "b alone": 20, "E3": 20, "E4": 20, "E5": 20,
    }  # fmt: skip
    assert {words["recipe"].epochs for name, words in variants.items() if study.size_of(name) != "b"} == {80}
    assert here.teacher_recipe.epochs == 80
    second = replace(here, second_teacher=SECOND | {"teaches": ["E4", "E6"]}).taught_by_second(faces, logits(faces))
    assert {name: words["recipe"].epochs for name, words in second.items()} == {
        study.by("E4", "resemotenet"): 20, study.by("E6", "resemotenet"): 80,
    }  # fmt: skip
    assert study.described(variants)["epochs"].loc[["b alone", "c alone"]].tolist() == [20, 80]
    both = study.compared(replace(here, epochs=40, epochs_of={"b": 20, "c": 80}), PAPER)
    assert both.query("setting == 'epochs'").values.tolist() == [
        ["students", "epochs", "80", "40"], ["student B", "epochs", "80", "20"], ["student C", "epochs", "80", "80"],
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no size 'd'"):
        study.Protocol.of(vars(PAPER) | {"epochs_of": {"d": 3}, "kept_only": False})


@pytest.mark.parametrize(
    ("variant", "size"),
    [
        ("E1", "a"), ("E4, as in the text", "b"), ("E6 by resemotenet", "c"), ("a alone", "a"), ("teacher", None),
        ("second teacher", None), ("T 1", None), ("alpha 0.10", None),
    ],
)  # fmt: skip
def test_which_size_a_variant_is_of(variant, size):
    assert study.size_of(variant) == size


@pytest.mark.parametrize(
    "variant, changed, expected",
    [
        ("E6", {}, ("", study.READING)),
        ("E6", {"teacher_epochs": 20}, ("", f"{study.READING}, another teacher: 20 of 80 epochs")),
        ("c alone", {"teacher_epochs": 20}, ("", "")),
        ("teacher", {"teacher_epochs": 20}, ("20 of 80 epochs", None)),
        ("c alone", {"epochs_of": {"c": 3}}, ("3 of 80 epochs", None)),
        ("c alone", {"epochs_of": {"b": 3}}, ("", "")),
        ("teacher", {"epochs_of": {"c": 3}}, ("", study.LIKE_STUDENTS)),
        (
            "E6", {"epochs_of": {"c": 3}, "teacher_epochs": 20},
            (f"3 of 80 epochs, {study.READING}, another teacher: 20 of 80 epochs", None),
        ),
        (
            study.by("E6", "resemotenet"), {"second_teacher": SECOND, "epochs_of": {"c": 3}},
            (f"3 of 80 epochs, {study.READING}, another teacher: 20 of 80 epochs", None),
        ),
    ],
)  # fmt: skip
def test_a_verdict_may_rest_on_another_teacher_but_on_no_shorter_training(variant, changed, expected):
    assert study.protocol_of(variant, replace(PAPER, **changed), PAPER) == expected


def test_measurements_have_the_names_of_the_claims(faces):
    labels = faces.labels[faces.rows("test")]
    sure = np.eye(3)[labels] * 0.97 + 0.01
    found = {
        row["measurement"]: row["value"] for row in study.measurements("E4", faces, labels, [sure], {}, "lean_250k")
    }
    name = "mini_resemotenet_b+kd, grey noise, PrivateTest, T=3, alpha=0.15"
    assert found[f"accuracy({name})"] == 1 and found[f"loss({name})"] == pytest.approx(-np.log(0.98))
    alone = [row["measurement"] for row in study.measurements("c alone", faces, labels, [sure], {}, "lean_250k")]
    assert "accuracy(mini_resemotenet_c, grey noise, PrivateTest)" in alone
    taught_by = study.measurements("teacher", faces, labels, [sure], {}, "lean_250k")
    assert taught_by[0]["measurement"] == "accuracy(lean_250k, grey noise, PrivateTest)", "whichever network it is"
    assert study.measurements("T 1", faces, labels, [sure], {}, "lean_250k") == []


def test_what_a_teacher_adds_is_of_the_same_seeds_and_images():
    labels = np.arange(60) % 3
    wrong = (labels + 1) % 3
    some = np.where(np.arange(60) < 30, labels, wrong)
    most = np.where(np.arange(60) < 45, labels, wrong)
    predicted = {
        "c alone": {7: wrong, 1: some, 2: some}, "E6": {2: labels, 1: most, 3: wrong}, "b alone": {1: some},
        "E1": {1: most}, "E4": {2: most},
    }  # fmt: skip
    masks = {"deduplicated": np.arange(60) < 30, "near_deduplicated": np.zeros(60, bool)}
    found = study.gains(labels, predicted, masks, 3, {"c": 80, "b": 20})
    assert set(found.index.get_level_values("experiment")) == {"E6"}, "a alone is not there, and E4 has no seed of b's"
    row = found.loc[("E6", "published", "accuracy")]
    assert row["value"] == pytest.approx(((0.75 - 0.5) + (1 - 0.5)) / 2) and row["seeds"] == 2
    assert (row["size"], row["epochs"]) == ("c", 80)
    assert found.loc[("E6", "deduplicated", "accuracy"), "value"] == pytest.approx(0)
    assert found["value"].dtype == float and set(found["note"]) == {statistics.TOO_FEW, statistics.AGREE}
    assert "near_deduplicated" not in found.index.get_level_values("part")


def test_readings_are_compared_on_the_same_seeds():
    labels = np.arange(40) % 2
    predicted = {"E6": {1: 1 - labels, 2: labels}, study.other_reading("E6"): {2: 1 - labels}, "E4": {1: labels}}
    found = study.readings(labels, predicted, 2)
    assert found.index.tolist() == ["E6"] and found.loc["E6", ["seeds", "value"]].tolist() == [1, -1]
    assert found.loc["E6", "note"] == statistics.NOT_KNOWN and found["low"].dtype == float


def test_the_search_has_the_experiment_of_the_table_among_its_settings():
    variants = ["E3", "E4", "T 5", "E6", "E5", "alpha 0.10", "T 1", "c alone"]
    found = study.searched(variants, "c", also=True)
    assert list(found) == ["T 1", "T 3, alpha 0.20 (E6)", "T 5", "alpha 0.10"]
    assert list(found.values()) == ["T 1", "E6", "T 5", "alpha 0.10"]
    found = study.searched(variants, "b")
    assert list(found) == ["T 3, alpha 0.20 (E3)", "T 3, alpha 0.10 (E5)", "T 3, alpha 0.15 (E4)"], "Table IV's own"
    assert list(found.values()) == ["E3", "E5", "E4"] and not study.searched(variants, "a")


def test_settings_are_compared_in_pairs_of_the_seeds_that_all_have():
    labels = np.arange(200) % 2
    some, most = (np.where(np.arange(200) < right, labels, 1 - labels) for right in (100, 150))
    found = study.search(labels, {"T 1": {2: some}, "T 3": {1: 1 - labels, 2: most}, "T 5": {2: most}}, 2)
    assert found["value"].tolist() == [0.5, 0.75, 0.75] and set(found["seeds"]) == {1}
    expected = statistics.difference(labels, [most], [some], 2)
    behind = found.loc["T 1", ["behind", "behind_low", "behind_high"]]
    assert behind.tolist() == [expected[end] for end in ("difference", "low", "high")]
    assert (
        np.isnan(found.loc["T 3", "behind"])
        and found.loc["T 5", "behind"] == 0
        and {*found["note"]} <= {"", statistics.NONE_DECIDES}
    )


def test_where_nothing_can_be_compared_there_is_no_row():
    labels = np.arange(40) % 2
    for predicted in ({}, {"E6": {1: labels}, "c alone": {2: labels}}):
        gained, read = study.gains(labels, predicted, {}, 2, {}), study.readings(labels, predicted, 2)
        assert len(gained) == len(read) == len(study.search(labels, predicted, 2)) == 0
        assert gained.index.names == ["experiment", "part", "score"] and {"size", "value"} <= {*gained}
    assert study.search(labels, {"T 1": {1: labels}}, 2).empty


def test_the_experiment_of_a_size_is_the_one_that_the_split_that_selects_has_best():
    def runs(*accuracies):
        return [Run(None, PAPER.recipe, pd.DataFrame({"accuracy": [0.9, one]}), 2, 0.0) for one in accuracies]

    trained = {"E3": runs(0.5, 0.6), "E4": runs(0.7), "E5": runs(0.6), "b alone": runs(0.8), "E6": runs(0.4)}
    assert study.chosen(trained) == {"b": "E4", "c": "E6"}
