"""Lanes that train together are what `fit` makes of each."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fercore import datasets
from fercore.datasets import splits
from fercore.training import losses, vectorized
from fercore.training.augment import Augmentation
from fercore.training.recipe import Recipe
from fercore.training.vectorized import fit_many, settings

RECIPE = Recipe(
    epochs=2, batch_size=32, img_size=84, augmentation=None, loss="cross_entropy",
    class_weighted=False, optimizer="adam",
    learning_rate=1e-3, weight_decay=0.0, schedule="cosine", warmup=0.5,
)  # fmt: skip
OPTIONS = {"dropout": 0.0}


@pytest.fixture(scope="module")
def faces():
    return datasets.load("synthck", images=150)


@pytest.fixture(scope="module")
def folds(faces):
    """Unequal: 31, 60 and 59 images, so that lanes have batches of other sizes, and other numbers of batches."""
    return np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [31, 60, 59]))


def both(faces, lanes, recipe, folds, **more):
    more = {"options": OPTIONS, "device": "cpu", "progress": False} | more
    return [fit_many("microexpnet_xxs", faces, lanes, recipe, folds, together=way, **more) for way in (True, False)]


def assert_alike(together, apart):
    answers = ["accuracy", "macro_f1", "window_accuracy"]
    pd.testing.assert_frame_equal(together.drop(columns=answers), apart.drop(columns=answers), rtol=1e-4)
    near_tie = 1.5 / together["images"].min()  # one image, which two classes are nearly as probable of
    assert (together[answers] - apart[answers]).abs().max().max() <= near_tie


def test_folds_seeds_and_rates(faces, folds):
    lanes = pd.DataFrame({"fold": [0, 1, 2, 0], "seed": [1, 2, 3, 1], "learning_rate": [1e-3, 1e-3, 3e-3, 1e-4]})
    together, apart = both(faces, lanes, RECIPE, folds)
    assert_alike(together, apart)
    assert together["images"].tolist() == [31, 60, 59, 31] and together["train_loss"].nunique() == 4
    pd.testing.assert_frame_equal(together[lanes.columns], lanes)


def test_temperatures_and_a_lane_without_a_teacher(faces, folds):
    lanes = pd.DataFrame({"fold": [0, 1, 0, 0], "seed": 5, "temperature": [2.0, 2.0, 16.0, np.nan]})
    logits = np.random.default_rng(1).normal(size=(len(faces), len(faces.classes))).astype(np.float32) * 5
    recipe = Recipe(
        **RECIPE.__dict__ | {"distillation": losses.microexpnet(1.0), "optimizer": "adamw", "weight_decay": 0.1}
    )
    together, apart = both(faces, lanes, recipe, folds, teacher={0: logits, 1: logits[::-1].copy()})
    assert_alike(together, apart)
    assert together["train_loss"].nunique() == 4


def test_faces_in_colour_an_odd_number_of_them_and_rows_that_a_teacher_says_nothing_of(faces):
    """Batches of 2, none of which may have 1; a teacher is asked of training rows alone, also where a batch is filled
    up to the length of another's."""
    few = np.arange(32)
    coloured = datasets.Faces(
        "synthck", np.repeat(faces.pixels[few, ..., None], 3, -1) // np.uint8([1, 2, 3]),
        faces.table.iloc[few].reset_index(drop=True), faces.classes, True,
    )  # fmt: skip
    folds = np.repeat([0, 1], [3, 29])
    logits = np.random.default_rng(1).normal(size=(32, len(faces.classes))).astype(np.float32)
    teacher = {fold: np.where((folds == fold)[:, None], np.nan, logits).astype(np.float32) for fold in (0, 1)}
    recipe = replace(RECIPE, batch_size=2, distillation=losses.microexpnet(2.0))
    lanes = pd.DataFrame({"fold": [0, 1], "seed": [1, 2], "temperature": 2.0})
    assert_alike(*both(coloured, lanes, recipe, folds, teacher=teacher))


def test_lanes_that_are_done_leave(faces, folds):
    lanes = pd.DataFrame({"fold": [0, 1, 2], "seed": [1, 2, 3], "epochs": [1, 3, 2]})
    assert_alike(*both(faces, lanes, RECIPE, folds))


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_decay_of_weights_alone(faces, folds, name):
    """So strong a decay that a bias which has it shows in the loss."""
    recipe = replace(RECIPE, optimizer=name, weight_decay=1.0, learning_rate=0.01)
    lanes = pd.DataFrame({"fold": [0, 0], "seed": 1, "filter_bias_and_bn": [False, True]})
    together, apart = both(faces, lanes, recipe, folds)
    assert_alike(together, apart)
    assert together["train_loss"].nunique() == 2


def test_dropout_is_drawn_for_each_lane(faces, folds):
    lanes = pd.DataFrame({"fold": [0, 0], "seed": [1, 1]})
    dropped = fit_many("microexpnet_xxs", faces, lanes, RECIPE, folds, device="cpu", together=True, progress=False)
    assert dropped["train_loss"].nunique() == 2  # all else is the same


def test_each_lane_never_sees_its_fold(faces, folds, monkeypatch):
    """Labels of the fold are made wrong: nothing changes but the score."""
    lanes = pd.DataFrame({"fold": [1], "seed": [1]})
    spoilt = faces.table.assign(label=np.where(folds == 1, 0, faces.labels))
    other = faces.__class__("synthck", faces.pixels, spoilt, faces.classes, True)
    for way in (True, False):
        more = {"options": OPTIONS, "device": "cpu", "progress": False, "together": way}
        one, two = (fit_many("microexpnet_xxs", part, lanes, RECIPE, folds, **more) for part in (faces, other))
        assert one["train_loss"][0] == two["train_loss"][0] and one["accuracy"][0] != two["accuracy"][0]


def test_settings_of_a_lane():
    recipe = Recipe(**RECIPE.__dict__ | {"distillation": losses.microexpnet(1.0)})
    found = settings(recipe, {"fold": np.int64(3), "seed": np.int64(7), "temperature": 8.0, "size": "xs"})
    assert (found.seed, found.distillation) == (7, losses.microexpnet(8.0))
    assert settings(recipe, {"temperature": np.nan}).distillation is None
    with pytest.raises(ValueError, match="the recipe has no distillation"):
        settings(RECIPE, {"temperature": 4.0})


@pytest.mark.parametrize(
    "change, lanes, network, told",
    [
        ({"augmentation": Augmentation()}, {}, "microexpnet_xxs", "with augmentation; give together=False"),
        ({"mixup": 0.2, "optimizer": "sgd"}, {}, "microexpnet_xxs", "with mixup, the optimiser sgd;"),
        ({"class_weighted": True}, {}, "microexpnet_xxs", "with class weights;"),
        ({}, {"batch_size": [16, 32]}, "microexpnet_xxs", r"one batch_size, not \[16, 32\]"),
        ({}, {"fold": [0, 9]}, "microexpnet_xxs", "no image is in fold 9"),
        ({}, {}, "mobilenet_v3_small", "mobilenet_v3_small has buffers, such as of batch normalisation"),
        ({"learning_rate": 1e30}, {}, "microexpnet_xxs", r"loss of lanes \[0, 1\] is not finite in epoch [12]"),
    ],
)
def test_what_lanes_cannot_do_together_is_told(faces, folds, change, lanes, network, told):
    lanes = pd.DataFrame({"fold": [0, 1], "seed": [1, 2]} | lanes)
    options = OPTIONS if "micro" in network else {}
    with pytest.raises((ValueError, FloatingPointError), match=told):
        fit_many(
            network,
            faces,
            lanes,
            Recipe(**RECIPE.__dict__ | change),
            folds,
            options=options,
            device="cpu",
            together=True,
            progress=False,
        )


def test_folds_of_another_set_are_told(faces, folds):
    with pytest.raises(ValueError, match="folds of 149 images; synthck has 150"):
        fit_many("microexpnet_xxs", faces, pd.DataFrame({"fold": [0]}), RECIPE, folds[1:], progress=False)


def test_a_subject_independent_study_end_to_end(faces):
    """Every image is held out once, by networks that have learned and have seen nobody of its fold."""
    by_subject = splits.group_folds(faces, splits.subjects(faces), 3)
    found = fit_many(
        "candidate_v_xxs",
        faces,
        pd.DataFrame({"fold": range(3), "seed": 1}),
        replace(RECIPE, epochs=10, learning_rate=3e-3),
        by_subject,
        device="cpu",
        progress=False,
    )
    assert found["images"].sum() == len(faces)
    assert (found["train_loss"] < 0.95 * np.log(len(faces.classes))).all(), "nothing was learned"
    subjects = pd.DataFrame({"subject": splits.subjects(faces), "fold": by_subject})
    assert subjects.groupby("subject")["fold"].nunique().max() == 1


def test_an_image_is_scored_by_the_mean_over_its_windows(faces, folds):
    """Two windows an image that are the same are one window; in two folds they are refused."""
    from dataclasses import replace

    twice = replace(
        faces,
        pixels=np.repeat(faces.pixels, 2, 0),
        table=faces.table.iloc[np.repeat(range(150), 2)].reset_index(drop=True),
    )
    lanes = pd.DataFrame({"fold": [0], "seed": [1]})
    more = {"options": OPTIONS, "device": "cpu", "progress": False}
    found = fit_many("microexpnet_xxs", twice, lanes, RECIPE, np.repeat(folds, 2), windows=2, **more)
    apart = fit_many("microexpnet_xxs", twice, lanes, RECIPE, np.repeat(folds, 2), **more)
    assert found["images"][0] == 31 and apart["images"][0] == 62 and found["accuracy"][0] == apart["accuracy"][0]
    with pytest.raises(ValueError, match="the 2 windows of an image stand one after the other, and in one fold"):
        fit_many("microexpnet_xxs", twice, lanes, RECIPE, np.tile(folds, 2), windows=2, **more)


def test_lanes_that_cannot_train_together_train_in_turn_on_a_gpu_too(faces, folds, monkeypatch):
    """By default; DIST is no mean over images. The GPU is played by the CPU."""
    went = []
    for name in ("_together", "_in_turn"):
        monkeypatch.setattr(vectorized, name, lambda *work, name=name: went.append(name) or [])
    monkeypatch.setattr(vectorized.torch, "device", lambda name: type("Device", (), {"type": "cuda"})())
    lanes, logits = pd.DataFrame({"fold": [0], "seed": [1]}), np.zeros((len(faces), len(faces.classes)))
    for kd in (losses.Relations(), losses.microexpnet(2.0)):
        recipe = Recipe(**RECIPE.__dict__ | {"distillation": kd})
        with pytest.raises(ValueError):  # there is nothing to score
            fit_many("microexpnet_xxs", faces, lanes, recipe, folds, teacher=logits, progress=False)
    assert went == ["_in_turn", "_together"]


def test_a_face_is_what_its_windows_say_together(make_faces, monkeypatch):
    faces, folds = make_faces(12), np.repeat([0, 1, 2], 4)
    said = np.tile([[0.4, 0.3, 0.3], [0.0, 1.0, 0.0]], (2, 1))  # together 1, where the labels are 0 and 2
    monkeypatch.setattr(vectorized.inference, "probabilities", lambda network, faces, rows, *more: said[: len(rows)])
    monkeypatch.setattr(vectorized, "_in_turn", lambda network, faces, recipes, *more: ((None, 0.0) for _ in recipes))
    lanes, recipe = pd.DataFrame({"fold": [0]}), Recipe(augmentation=None)
    found = fit_many("simple_cnn", faces, lanes, recipe, folds, windows=2, progress=False)
    assert found["accuracy"].tolist() == [0.0]
    assert found["window_accuracy"].tolist() == [(np.array([0, 1, 0, 1]) == faces.labels[:4]).mean()]
