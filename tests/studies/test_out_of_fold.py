"""No image's soft label is from a network that has seen it, or a copy of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from fercore.datasets import splits
from fercore.evaluation import inference
from fercore.pipeline.parameters import read_params
from fercore.studies import fits, out_of_fold
from fercore.studies.out_of_fold import UNSEEN
from fercore.training import Recipe, RunError, checkpoint, fit, losses
from fercore.training.recipe import from_plain

REFERENCE = Path(__file__).parents[2] / "reports/reference"

RECIPE = Recipe(
    epochs=1, batch_size=16, img_size=84, augmentation=None, loss="cross_entropy", class_weighted=False,
    schedule="cosine", learning_rate=1e-3,
)  # fmt: skip


@pytest.fixture
def group(faces):
    """Every third image is a copy of the one before it but two, in whatever split that is."""
    own = np.arange(len(faces))
    return np.where(own % 3 == 2, own - 2, own)


def soft(faces, group, **more):
    return out_of_fold.out_of_fold("microexpnet_xxs", faces, RECIPE, group, folds=3, workers=1, **more)


def test_no_network_trains_on_what_it_labels_nor_on_a_copy(faces, group, monkeypatch, tmp_path):
    trained, asked, real = {}, {}, fits.fit_each

    def watched(trainings, *rest):
        runs = real(trainings, *rest)
        for name, words in trainings.items():
            trained[name] = words["train"]
            assert words["select"] is None
        return {name: Watched(name, run) for name, run in runs.items()}

    class Watched:
        def __init__(self, name, run):
            self.name, self.run = name, run

        def probabilities(self, faces, rows):
            asked[self.name] = rows
            return self.run.probabilities(faces, rows)

    monkeypatch.setattr(out_of_fold, "fit_each", watched)
    probabilities, fold = soft(faces, group, folder=tmp_path)
    rows = faces.rows("train")
    assert sorted(asked) == sorted(trained) and len(asked) == 3
    for name, held_out in asked.items():
        assert not np.isin(group[held_out], group[trained[name]]).any()
        assert not np.isin(trained[name], held_out).any() and np.isin(trained[name], rows).all()
    assert np.array_equal(np.sort(np.concatenate(list(asked.values()))), rows)
    assert np.array_equal(np.flatnonzero(fold != UNSEEN), rows)
    assert np.allclose(probabilities[rows].sum(1), 1) and np.isnan(np.delete(probabilities, rows, axis=0)).all()


def test_seeds_are_averaged(faces, group):
    one, two, both = (soft(faces, group, seeds=seeds)[0] for seeds in ([1], [2], [1, 2]))
    rows = faces.rows("train")
    assert np.allclose(both[rows], (one[rows] + two[rows]) / 2) and not np.allclose(one[rows], two[rows])
    assert np.array_equal(soft(faces, group)[0], soft(faces, group, seeds=[RECIPE.seed])[0], equal_nan=True)


def test_what_is_kept_comes_back_and_is_refused_for_other_images(faces, make_faces, group, tmp_path):
    probabilities, fold = soft(faces, group)
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    out_of_fold.write(first, faces, probabilities, fold, {"network": "microexpnet_xxs"})
    out_of_fold.write(second, faces, np.roll(probabilities, 1, axis=1), fold, {})
    rows = faces.rows("train")
    back = out_of_fold.read([first], faces)
    assert np.allclose(back, probabilities, atol=1e-3, equal_nan=True) and np.allclose(back[rows].sum(1), 1)
    mean = (probabilities + np.roll(probabilities, 1, axis=1)) / 2
    assert np.allclose(out_of_fold.read([first, second], faces), mean, atol=1e-3, equal_nan=True)
    fewer = fold.copy()
    fewer[rows[0]] = UNSEEN
    out_of_fold.write(second, faces, probabilities, fewer, {})
    assert np.isnan(out_of_fold.read([first, second], faces)[rows[0]]).all()  # not what one of them alone has
    with pytest.raises(ValueError, match=r"a.safetensors is of other images or .*run fercore soft-labels$"):
        out_of_fold.read([first], make_faces(seed=1))
    with pytest.raises(ValueError, match="other images or classes"):
        out_of_fold.read([first], replace(faces, classes=("dark", "bright", "middle"), fingerprint=None))
    run = tmp_path / "run"
    fit("microexpnet_xxs", faces, RECIPE, run, progress=False)
    with pytest.raises((RunError, ValueError)):
        out_of_fold.read([run / "best.safetensors"], faces)
    with pytest.raises(ValueError, match="no file of soft labels"):
        out_of_fold.read([], faces)


def test_folds_of_the_training_images_are_those_of_a_set_of_them_alone(faces, group):
    rows, huge = faces.rows("train"), np.broadcast_to(np.uint8(0), (len(faces), 10**6, 10**6))
    alone = replace(
        faces, pixels=faces.pixels[rows], table=faces.table.iloc[rows].reset_index(drop=True), fingerprint=None,
        roles=None,
    )  # fmt: skip
    fold = out_of_fold.folds_of(replace(faces, pixels=huge, fingerprint=None), group, 3)  # and no image is read
    assert np.array_equal(fold[rows], splits.group_folds(alone, group[rows], 3))
    assert (np.delete(fold, rows) == UNSEEN).all()


def test_fewer_groups_than_folds_are_refused(faces):
    with pytest.raises(ValueError, match="too few for 3 folds"):
        soft(faces, np.zeros(len(faces), int))


@pytest.mark.parametrize("weights", ["fer2013", "somewhere/best.safetensors", Path("best.safetensors")])
def test_networks_that_may_have_seen_every_image_make_no_soft_labels(faces, group, weights, tmp_path):
    with pytest.raises(ValueError, match="would not be out of fold; there are random weights, and imagenet"):
        soft(faces, group, weights=weights, folder=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schedule": "plateau"}, "take another schedule"),
        ({"soft_labels": "votes"}, "by networks that learn labels alone"),
        ({"distillation": losses.mini_resemotenet(3.0, 0.2)}, "by networks that learn labels alone"),
        ({"precision": "bf16"}, "no bf16"),
    ],
)
def test_a_recipe_that_makes_none_is_refused_before_anything_is_trained(faces, change, told, monkeypatch):
    monkeypatch.setattr(inference, "cpu_has_bf16", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=told):
        out_of_fold.require_makeable("microexpnet_xxs", faces, replace(RECIPE, **change))


def test_what_cannot_be_made_is_refused_before_anything_is_trained(faces):
    with pytest.raises(ValueError, match="no network 'nothing'"):
        out_of_fold.require_makeable("nothing", faces, RECIPE)
    with pytest.raises(ValueError, match="1 folds; expected 2 or more"):
        out_of_fold.require_makeable("microexpnet_xxs", faces, RECIPE, folds=1)
    with pytest.raises(TypeError, match="dropot"):
        out_of_fold.require_makeable("tinyfer_lite", faces, RECIPE, options={"dropot": 0.1})
    out_of_fold.require_makeable("microexpnet_xxs", faces, RECIPE, weights="imagenet")
    out_of_fold.require_makeable("microexpnet_xxs", faces, RECIPE, weights="")


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("soft_labels/*.safetensors")), ids=lambda path: path.stem)
def test_of_those_that_come_along_no_network_saw_the_image_or_a_copy_of_it(path):
    held, record = checkpoint.read(path)
    groups = pd.read_csv(REFERENCE / "01_data_audit/duplicate_groups.csv", dtype={splits.FINGERPRINT: str})
    assert set(groups[splits.FINGERPRINT]) == {record[splits.FINGERPRINT]} and record["revision"]
    rows, fold = held["rows"].numpy(), pd.Series(held["fold"].numpy())
    for copies in ("exact", "near"):
        assert (fold.groupby(groups[copies].to_numpy()[rows]).nunique() == 1).all()
    assert fold.nunique() == record["folds"] == 5
    assert len(fold) == 28_709 and np.allclose(held["probabilities"].float().sum(1), 1, atol=2e-3)
    told = f"whose most probable class is the label's for {100 * record['accuracy']:.1f} %."
    assert told in " ".join((REFERENCE / "README.md").read_text(encoding="utf-8").split())
    recipe = dict(read_params(REFERENCE.parents[1] / "params/recipes/lean_250k-fer2013.yaml"))
    assert recipe.pop("network") == record["network"] and from_plain(recipe).plain() == record["recipe"]
