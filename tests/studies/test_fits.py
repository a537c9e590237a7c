"""Several trainings at once come to the bytes of one after the other."""

from dataclasses import replace

import pytest
import torch

from fercore.studies import fits, sweep
from fercore.studies.fits import fit_each, fit_seeds
from fercore.training import Recipe, fit

RECIPE = Recipe(
    epochs=2, batch_size=16, img_size=84, augmentation=None, loss="cross_entropy", class_weighted=False,
    schedule="cosine", learning_rate=1e-3,
)  # fmt: skip


def trainings(**more):
    names = ("microexpnet_xxs", "microexpnet_xs", "candidate_v_xxs")
    return {f"{name}-a": {"network": name, "recipe": RECIPE, **more} for name in names}


def test_at_once_or_one_after_the_other_is_the_same_bytes(faces, tmp_path):
    at_once = fit_each(trainings(), faces, tmp_path / "two", workers=2)
    in_turn = fit_each(trainings(), faces, tmp_path / "one", workers=1)
    assert list(at_once) == list(trainings())
    for name in trainings():
        for file in ("best.safetensors", "history.csv"):  # `last` also holds how long it took
            assert (tmp_path / "two" / name / file).read_bytes() == (tmp_path / "one" / name / file).read_bytes()
        ours, theirs = (runs[name].network.state_dict() for runs in (at_once, in_turn))
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_what_is_done_is_not_done_again(faces, tmp_path, monkeypatch):
    first = fit_each(trainings(), faces, tmp_path, workers=1)
    again = fit_each(trainings(), faces, tmp_path, workers=1)
    assert [run.seconds for run in again.values()] == [run.seconds for run in first.values()]


def test_without_a_folder_nothing_is_left(faces, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = fit_each({"x": trainings()["microexpnet_xxs-a"]}, faces, workers=1)
    assert len(runs["x"].history) == 2 and not list(tmp_path.iterdir())


def test_a_training_that_fails_is_named(faces, tmp_path):
    wrong = trainings() | {"wrong": {"network": "no_such_network", "recipe": RECIPE}}
    with pytest.raises(sweep.SweepError, match=r"1 of 4 trials failed.*'wrong'.*no network 'no_such_network'"):
        fit_each(wrong, faces, tmp_path, workers=1)


def seeds_of(**more):
    return {name: {"network": "microexpnet_xxs", "recipe": RECIPE, **more} for name in ("a", "b")}


def test_each_seed_is_a_training_of_its_own_in_a_folder_of_its_name(faces, tmp_path):
    variants = {"first": {"network": "microexpnet_xxs", "recipe": RECIPE, "name": "one"}}
    runs = fit_seeds(variants, [3, 4], faces, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one-cross_entropy-2-3", "one-cross_entropy-2-4"]
    assert list(runs) == ["first"] and [run.recipe.seed for run in runs["first"]] == [3, 4]
    assert not runs["first"][0].history.equals(runs["first"][1].history)
    alone = fit("microexpnet_xxs", faces, replace(RECIPE, seed=4))
    assert alone.history.equals(runs["first"][1].history)


def test_two_variants_in_one_folder_are_refused(faces):
    with pytest.raises(ValueError, match="of 2 trainings only 1 have a folder of their own"):
        fit_seeds(seeds_of(name="same"), [1], faces)


def test_weights_are_for_networks_that_somebody_has_weights_of(faces, monkeypatch):
    asked = {}
    monkeypatch.setattr(fits, "fit_each", lambda trainings, *_: asked.update(trainings) or dict.fromkeys(trainings))
    variants = {name: {"network": name, "recipe": RECIPE} for name in ("simple_cnn", "mobilenet_v2")}
    for weights, expected in (("imagenet", [None, "imagenet"]), ("", [None, None])):
        asked.clear()
        fits.fit_seeds(variants, [1], faces, weights=weights)
        assert [words["weights"] for words in asked.values()] == expected
        assert all("name" not in words for words in asked.values())


def test_the_longest_training_begins_first(faces, monkeypatch):
    begun = []
    monkeypatch.setattr(fits, "fit_each", lambda trainings, *_: begun.extend(trainings) or dict.fromkeys(trainings))
    names = ("tinyfer_lite", "mobilenet_v2", "simple_cnn", "efficientnet_b0")
    runs = fits.fit_seeds({name: {"network": name, "recipe": RECIPE} for name in names}, [1], faces)
    assert [name.split("-")[0] for name in begun] == ["simple_cnn", "efficientnet_b0", "mobilenet_v2", "tinyfer_lite"]
    assert tuple(runs) == names, "the order of the results is that of the variants"
