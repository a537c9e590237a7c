"""Several trainings at once come to the bytes of one after the other."""

import pytest
import torch

from fercore.studies import sweep
from fercore.studies.fits import fit_each
from fercore.training import Recipe

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
