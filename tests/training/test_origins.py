"""Weights that may have seen what selects or tests here are refused, or it is said."""

import warnings
from dataclasses import replace

import pytest
from safetensors.torch import save_file

from fercore import models
from fercore.datasets import FER2013_CLASSES
from fercore.models.weights import WeightsWarning
from fercore.training import Recipe, fit, origins

RECIPE = Recipe(epochs=1, batch_size=16, img_size=24, loss="cross_entropy", schedule="constant")
OTHERWISE = {"train": "PublicTest", "select": "Training", "test": "PrivateTest"}


@pytest.fixture
def ours(make_faces):
    return replace(make_faces(63, 24, classes=FER2013_CLASSES), name="fer2013")


def test_weights_of_the_project_suit_their_data_as_they_were_divided(ours):
    assert origins.unsuited("fer2013", ours) is origins.unsuited("fer2013_distilled", ours) is None
    assert origins.unsuited("fer2013", replace(ours, name="rafdb")) == "are not of its images"
    assert origins.unsuited("fer2013", replace(ours, roles=OTHERWISE)) == "have seen images that are held out here"


def test_a_training_does_not_start_from_weights_that_may_have_seen_what_is_held_out(ours):
    divided = replace(ours, roles=OTHERWISE)
    with pytest.raises(ValueError, match="fer2013 of lean_65k was trained on another division of fer2013"):
        fit("lean_65k", divided, RECIPE, weights="fer2013", progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit("lean_65k", ours, RECIPE, weights="fer2013", progress=False)


def test_other_rows_than_those_they_learned_from_are_not_trained_on(ours, tmp_path):
    other = {"train": ours.rows("test"), "select": ours.rows("train")}
    with pytest.raises(ValueError, match="was trained on another division of"):
        fit("lean_65k", ours, RECIPE, weights="fer2013", progress=False, **other)
    fit("lean_65k", ours, RECIPE, tmp_path, progress=False)
    with pytest.raises(ValueError, match="was trained on another division of"):
        fit("lean_65k", ours, RECIPE, weights=tmp_path / "best.safetensors", progress=False, **other)


def test_data_of_a_name_with_a_comma_are_known_again(ours, tmp_path):
    ours = replace(ours, name="faces, mine")
    fit("lean_65k", ours, RECIPE, tmp_path, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        origins.require_unseen("lean_65k", tmp_path / "best.safetensors", ours, "it")
    with pytest.raises(ValueError, match="was trained on another division of faces, mine than"):
        origins.require_unseen("lean_65k", tmp_path / "best.safetensors", replace(ours, roles=OTHERWISE), "it")


def test_a_file_that_does_not_say_what_it_learned_from_is_taken(ours, tmp_path):
    save_file(models.create("lean_65k", 7).state_dict(), tmp_path / "w.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("error", WeightsWarning)
        origins.require_unseen("lean_65k", tmp_path / "w.safetensors", ours, "it")
        origins.require_unseen("lean_65k", "imagenet", ours, "it")
