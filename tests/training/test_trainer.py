"""A training learns, keeps its best epoch, goes on to the same bytes when it was stopped, and says what stops it."""

import dataclasses
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from fercore import files, models
from fercore.datasets import FER2013_CLASSES
from fercore.datasets import votes as fer_votes
from fercore.datasets.faces import Faces
from fercore.datasets.preprocess import resize
from fercore.evaluation import inference, metrics
from fercore.models.weights import WeightsWarning, record
from fercore.training import checkpoint, losses, trainer
from fercore.training.augment import AUGMENTATIONS, NONE, Augmentation
from fercore.training.checkpoint import RunError
from fercore.training.losses import Distillation
from fercore.training.recipe import Recipe
from fercore.training.trainer import fit

QUICK = Recipe(
    epochs=4, batch_size=16, img_size=12, augmentation=Augmentation(erasing=0.1), loss="cross_entropy",
    class_weighted=False,
    learning_rate=0.03, schedule="cosine", seed=1,
)  # fmt: skip
FLIP = AUGMENTATIONS["flip"]
RESULT = ("history.csv", "best.safetensors", "metrics.json")
NEEDS_BF16 = pytest.mark.skipif(not inference.cpu_has_bf16(), reason="this CPU has no bf16 arithmetic")


def quick(**settings):
    return dataclasses.replace(QUICK, **settings)


def train(network, faces, recipe=QUICK, folder=None, **more):
    return fit(network, faces, recipe, folder, device="cpu", progress=False, **more)


def contents(folder):
    return {name: (folder / name).read_bytes() for name in RESULT}


def weights(network):
    return torch.cat([value.flatten().double() for value in network.state_dict().values()])


# ------------------------------------------------------------------------------------------------------------ it learns


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"loss": "focal", "class_weighted": True},
        {"optimizer": "sgd", "learning_rate": 0.3},
        {"optimizer": "adam", "schedule": "plateau"},
        {"smoothing": 0.1, "mixup": 0.2, "epochs": 8},
        {"ema": 0.9999},  # without its warm-up, it would still be at the first weights
        {"sampling": "weighted", "schedule": "step", "step": 2},
        pytest.param({"precision": "bf16"}, marks=NEEDS_BF16),
        {"channels_last": True, "tta": "flip", "warmup": 1, "schedule": "constant"},
        {"tta": "ten"},
    ],
    ids=str,
)
def test_it_learns(faces, tiny, settings):
    run = train(tiny(), faces, quick(**settings))
    assert run.history["accuracy"].max() >= 0.9
    assert run.history["train_loss"].iloc[-1] < run.history["train_loss"].iloc[0]
    rows = faces.rows("PrivateTest")
    assert (run.probabilities(faces, rows).argmax(1) == faces.labels[rows]).mean() >= 0.8


def test_the_run_is_that_of_its_best_epoch(faces, tiny):
    run = train(tiny(), faces, quick(epochs=6, learning_rate=0.2, monitor="loss"))
    assert run.best_epoch == run.history["loss"].idxmin() + 1 and len(run.history) == 6
    rows = faces.rows("PublicTest")
    found, labels = run.probabilities(faces, rows), faces.labels[rows]
    best = run.history.iloc[run.best_epoch - 1]
    assert -np.log(found[np.arange(len(rows)), labels]).mean() == pytest.approx(best["loss"])
    scores = metrics.scores(metrics.confusion(labels, found.argmax(1), 3))
    assert {name: float(value) for name, value in scores.items()} == pytest.approx(dict(best[list(scores)]))


@pytest.mark.parametrize("monitor", ["accuracy", "macro_f1", "weighted_f1"])
def test_any_score_selects_and_the_first_of_equals_is_kept(faces, tiny, monitor):
    run = train(tiny(), faces, quick(epochs=6, learning_rate=0.01, monitor=monitor))
    assert run.best_epoch == run.history[monitor].idxmax() + 1


def test_without_a_selection_split_the_last_epoch_is_kept(faces, tiny, tmp_path):
    run = train(tiny(), faces, folder=tmp_path, select=None)
    assert run.best_epoch == 4 and "accuracy" not in run.history
    assert json.loads((tmp_path / "metrics.json").read_text())["selected_by"] is None
    with pytest.raises(ValueError, match="plateau needs a split to select on"):
        train(tiny(), faces, quick(schedule="plateau"), select=None)


def test_it_stops_early(faces, tiny):
    run = train(tiny(), faces, quick(epochs=30, patience=3, learning_rate=0.1))
    assert len(run.history) == run.best_epoch + 3 < 30


def test_rows_may_be_given(faces, tiny, monkeypatch):
    seen = []
    real = trainer.Pixels.__getitem__
    monkeypatch.setattr(trainer.Pixels, "__getitem__", lambda one, index: (seen.append(one.rows), real(one, index))[1])
    train(tiny(), faces, quick(epochs=1), train=np.arange(5, 25), select=np.arange(40, 50))
    assert {tuple(rows) for rows in seen} == {tuple(range(5, 25)), tuple(range(40, 50))}


def test_every_image_once_an_epoch_in_another_order(faces, tiny, monkeypatch):
    orders = drawn(monkeypatch, tiny(), faces, QUICK)
    assert all(sorted(order) == list(range(60)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    assert {size for sizes in orders.sizes for size in sizes} == {15}  # 60 images in parts of at most 16


def test_weighted_sampling_draws_each_class_as_often(make_faces, tiny, monkeypatch):
    faces = make_faces(600)
    faces.table.loc[faces.table.index % 12 > 0, "label"] = 0  # one image in twelve is left to the others
    orders = drawn(monkeypatch, tiny(), faces, quick(sampling="weighted", epochs=8))
    labels = faces.labels[faces.rows("Training")]
    present = np.unique(labels)
    shares = np.bincount(labels[np.concatenate(orders)], minlength=3)[present] / sum(map(len, orders))
    assert np.bincount(labels)[0] / len(labels) > 0.9
    assert shares == pytest.approx(np.full(len(present), 1 / len(present)), abs=0.05)


class Orders(list):
    sizes: list


def drawn(monkeypatch, network, faces, recipe):
    """The places of the training images in the order in which they were taken, a list an epoch."""
    orders, sizes = Orders(), []
    real, epoch = trainer.Pixels.__getitem__, trainer._Training.epoch

    def taken(one, index):
        if len(one.rows) == len(faces.rows("Training")):
            orders[-1] += index.tolist()
            sizes[-1].append(len(index))
        return real(one, index)

    def begun(one, *given):
        orders.append([])
        sizes.append([])
        return epoch(one, *given)

    monkeypatch.setattr(trainer.Pixels, "__getitem__", taken)
    monkeypatch.setattr(trainer._Training, "epoch", begun)
    train(network, faces, recipe)
    orders.sizes = sizes
    return orders


def test_the_network_by_name_gets_options_and_a_seed(make_faces):
    faces = make_faces(24, img_size=16)
    recipe = quick(epochs=1, img_size=32, batch_size=8)
    found = [train("tinyfer_lite", faces, recipe, options={"attention": False}) for _ in range(2)]
    assert isinstance(found[0].network.attention, nn.Identity) and found[0].network.head.out_features == 3
    assert torch.equal(weights(found[0].network), weights(found[1].network))
    other = train("tinyfer_lite", faces, dataclasses.replace(recipe, seed=2), options={"attention": False})
    assert not torch.equal(weights(found[0].network), weights(other.network))


def test_batch_normalisation_remembers_as_the_recipe_says(faces, tiny):
    assert train(tiny(), faces, quick(epochs=1, bn_momentum=0.5)).network.norm.momentum == 0.5
    assert train(tiny(), faces, quick(epochs=1)).network.norm.momentum == 0.1


def test_the_moving_average_warms_up_once_and_not_in_every_epoch(faces, tiny, monkeypatch):
    steps, real = [], trainer.ModelEmaV3.update
    monkeypatch.setattr(
        trainer.ModelEmaV3, "update", lambda one, network, step: (steps.append(step), real(one, network, step))
    )
    train(tiny(), faces, quick(ema=0.9))
    assert steps == list(range(1, 17))


def test_the_network_sees_the_images_that_mixup_blends(faces, tiny, monkeypatch):
    blended, seen = [], []
    real = trainer.augment.mixup

    def mixup(*given):
        found = real(*given)
        blended.append(found[0].clone())
        return found

    network = tiny()
    network.register_forward_pre_hook(lambda layer, given: seen.append(given[0].clone()) if layer.training else None)
    monkeypatch.setattr(trainer.augment, "mixup", mixup)
    train(network, faces, quick(epochs=1, mixup=0.5))
    assert len(blended) == 4 and all(torch.equal(one, other) for one, other in zip(blended, seen, strict=True))


def test_a_student_follows_its_teacher_where_the_labels_are_not_asked(faces, tiny):
    class Teacher(nn.Module):
        """Sure of the next class, by brightness."""

        def forward(self, images):
            assert not self.training
            mean = images.mean((1, 2, 3))
            levels = torch.tensor([60.0, 120.0, 180.0]) / 255
            levels = (levels - 0.449) / 0.226
            return -50 * (mean[:, None] - levels.roll(1)).abs()

    kd = quick(distillation=Distillation(2.0, 1.0, 0.0), epochs=8, augmentation=NONE)
    run = train(tiny(), faces, kd, teacher=Teacher(), select=None)
    rows = faces.rows("PrivateTest")
    assert (run.probabilities(faces, rows).argmax(1) == (faces.labels[rows] + 1) % 3).mean() >= 0.8
    with pytest.raises(ValueError, match="both a teacher and"):
        train(tiny(), faces, kd)
    with pytest.raises(ValueError, match="both a teacher and"):
        train(tiny(), faces, teacher=Teacher())


def test_soft_labels_are_the_shares_of_the_votes(make_faces, tiny):
    faces = make_faces(classes=fer_votes.CLASSES)
    with pytest.raises(ValueError, match="has no votes"):
        train(tiny(classes=8), faces, quick(soft_labels="votes"))
    votes = np.zeros((len(faces), len(fer_votes.VOTES)), int)
    votes[:, 1], votes[:, 8] = 6, 4  # six for the second class, four that do not know
    votes[0] = 0
    table = faces.table.assign(**{f"votes_{name}": votes[:, place] for place, name in enumerate(fer_votes.VOTES)})
    voted = Faces("voted", faces.pixels, table, faces.classes)
    soft = fer_votes.shares(voted, np.arange(3))
    assert np.array_equal(soft[0], np.eye(8)[voted.labels[0]]) and np.array_equal(soft[1:], np.eye(8)[[1, 1]])
    table.loc[1, "votes_neutral"] = 2
    assert fer_votes.shares(voted, np.array([1]))[0, :3].tolist() == [0.25, 0.75, 0.0]
    run = train(tiny(classes=8), voted, quick(soft_labels="votes", epochs=8, augmentation=None))
    assert (run.probabilities(voted, voted.rows("PrivateTest")).argmax(1) == 1).all()


def test_soft_labels_that_are_given_are_learned_by_their_weight(faces, tiny):
    """Probabilities that name the next class: with them alone it is learned, with none of them the label."""
    given = np.roll(np.eye(3, dtype=np.float32)[faces.labels], 1, axis=1)
    rows = faces.rows("PrivateTest")
    learned = {}
    for share in (1.0, 0.0, 0.7):
        recipe = quick(soft_labels="given", soft_weight=share, epochs=8, augmentation=None)
        learned[share] = train(tiny(), faces, recipe, soft_labels=given, select=None).probabilities(faces, rows)
    right = {share: (found.argmax(1) - faces.labels[rows]) % 3 for share, found in learned.items()}
    assert (right[1.0] == 1).mean() >= 0.8 and (right[0.0] == 0).mean() >= 0.8 and (right[0.7] == 1).mean() >= 0.8
    unread = given.copy()
    unread[faces.rows("PublicTest")] = np.nan
    recipe = quick(soft_labels="given", epochs=8, augmentation=None)
    again = train(tiny(), faces, recipe, soft_labels=unread, select=None)
    assert np.array_equal(again.probabilities(faces, rows), learned[1.0])


def test_soft_labels_that_do_not_fit_are_refused_and_others_are_another_training(faces, tiny, tmp_path):
    given, recipe = np.eye(3, dtype=np.float32)[faces.labels], quick(soft_labels="given", epochs=1)
    for wrong in ({"soft_labels": given}, {"recipe": recipe}):
        with pytest.raises(ValueError, match="need each other"):
            train(tiny(), faces, **wrong)
    with pytest.raises(ValueError, match=r"soft labels of shape \(60, 3\); expected \(90, 3\)"):
        train(tiny(), faces, recipe, soft_labels=given[:60])
    for value in (np.nan, 2.0, -1.0):
        torn = given.copy()
        torn[faces.rows("train")[4], 0] = value
        with pytest.raises(ValueError, match=rf"of 1 of 60 training images, such as row {faces.rows('train')[4]}"):
            train(tiny(), faces, recipe, soft_labels=torn)
    train(tiny(), faces, recipe, tmp_path, soft_labels=given)
    with pytest.raises(RunError, match=r"soft_labels: .*, not "):
        train(tiny(), faces, recipe, tmp_path, soft_labels=np.roll(given, 1, axis=1))


def test_what_does_not_fit_is_refused(faces, tiny):
    with pytest.raises(KeyError, match="no split 'teaching'"):
        train(tiny(), faces, train="teaching")
    with pytest.raises(ValueError, match="only 1 to train on; expected 2 images or more"):
        train(tiny(), faces, train=np.array([3]))
    with pytest.raises(ValueError, match="no image to select on"):
        train(tiny(), faces, select=np.array([], int))
    with pytest.raises(ValueError, match="fp16 is for GPUs"):
        train(tiny(), faces, quick(precision="fp16"))
    with pytest.raises(ValueError, match="no network 'tinyfer'"):
        train("tinyfer", faces)
    for words in ({"weights": "imagenet"}, {"options": {"dropout": 0.1}}):
        with pytest.raises(ValueError, match="weights and options are for a network by name"):
            train(tiny(), faces, **words)


# ------------------------------------------------------------------------------------------------- stopped and gone on


def test_the_same_seed_is_the_same_bytes_and_others_keep_their_random_numbers(faces, tiny, tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    for name in ("one", "two"):
        torch.manual_seed(5)
        train(tiny(), faces, folder=tmp_path / name)
        torch.manual_seed(5)
        network = tiny()
        torch.manual_seed(5)
        fit(network, faces, quick(epochs=1), device="cpu", progress=False)
        assert torch.equal(torch.rand(3), expected)
    train(tiny(), faces, quick(seed=2), folder=tmp_path / "three")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert (tmp_path / "three/history.csv").read_bytes() != (tmp_path / "one/history.csv").read_bytes()


FULL = quick(
    ema=0.9, mixup=0.2, schedule="plateau", plateau_patience=0, sampling="weighted", optimizer="sgd", momentum=0.8
)


LAST = quick(channels_last=True, epochs=3)
HALF = quick(precision="bf16", channels_last=True, ema=0.9, weight_decay=0.1, filter_bias_and_bn=True, epochs=3)


@pytest.mark.parametrize(
    "recipe",
    [QUICK, FULL, LAST, pytest.param(HALF, marks=NEEDS_BF16)],
    ids=["plain", "full", "channels last", "half"],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_stopped_at_any_write_it_goes_on_to_the_same_bytes(faces, tiny, tmp_path, monkeypatch, recipe, when):
    tiny = partial(tiny, channels=3)
    train(tiny(), faces, recipe, tmp_path / "whole")
    expected, real = contents(tmp_path / "whole"), files.replace
    for at in count(1):
        folder, calls = tmp_path / f"{at}", []

        def stopped(path, write, at=at, calls=calls):
            calls.append(path)
            if when == "before" and len(calls) == at:
                raise KeyboardInterrupt
            real(path, write)
            if when == "after" and len(calls) == at:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(files, "replace", stopped)
            try:
                train(tiny(), faces, recipe, folder)
            except KeyboardInterrupt:
                pass
            else:
                break
        train(tiny(), faces, recipe, folder)
        assert contents(folder) == expected, (at, calls[-1])
    assert at > 2 * recipe.epochs  # last and history in each epoch, best in some


def test_stopped_within_an_epoch(faces, tiny, tmp_path, monkeypatch):
    train(tiny(), faces, folder=tmp_path / "whole")
    steps, real = count(1), trainer._Training.step

    def step(*given):
        if next(steps) in (2, 7, 16):
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(trainer._Training, "step", step)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            train(tiny(), faces, folder=tmp_path / "parts")
    train(tiny(), faces, folder=tmp_path / "parts")
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_a_finished_run_is_not_trained_again(faces, tiny, tmp_path, monkeypatch):
    first = train(tiny(), faces, folder=tmp_path)
    monkeypatch.setattr(trainer._Training, "step", None)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(trainer.provenance, "revision", lambda: "later")
    again = train(tiny(), faces, folder=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before  # and what made it stays
    (tmp_path / "metrics.json").unlink()  # killed before the end was written
    (tmp_path / "provenance.json").unlink()
    train(tiny(), faces, folder=tmp_path)
    assert (tmp_path / "metrics.json").read_bytes() == before["metrics.json"]
    assert (tmp_path / "provenance.json").is_file()
    (tmp_path / "metrics.json").write_text('{"best_epoch": 99}')
    (tmp_path / "provenance.json").write_text("")
    train(tiny(), faces, folder=tmp_path)
    assert (tmp_path / "metrics.json").read_bytes() == before["metrics.json"], "what somebody wrote there is not kept"
    assert json.loads((tmp_path / "provenance.json").read_text())["revision"] == "later"
    assert torch.equal(weights(again.network), weights(first.network))
    pd.testing.assert_frame_equal(again.history, first.history)
    assert again.best_epoch == first.best_epoch and again.seconds == pytest.approx(first.seconds, abs=1e-3)
    cost = [
        json.loads(text)["cpu_seconds"]
        for text in (before["provenance.json"], (tmp_path / "provenance.json").read_bytes())
    ]
    assert cost[0] > 0 and cost[1] == pytest.approx(cost[0], abs=1e-3)


def test_without_a_folder_nothing_is_written(faces, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in (None, ""):
        assert train(tiny(), faces, folder=folder).folder is None
    assert not list(tmp_path.iterdir())


def test_a_run_says_what_made_it(faces, tiny, tmp_path):
    run = train(tiny(), faces, folder=tmp_path)
    found = json.loads((tmp_path / "provenance.json").read_text())
    assert found["parameters"]["recipe"] == QUICK.plain() and found["parameters"]["classes"] == list(faces.classes)
    assert found["data"]["name"] == "grey noise (synthetic)" and found["device"] == "cpu" and found["revision"]
    assert found["wall_seconds"] > 0 and torch.__version__.startswith(found["versions"]["torch"])
    summary = json.loads((tmp_path / "metrics.json").read_text())
    assert summary["best_epoch"] == run.best_epoch and summary["best"]["accuracy"] == run.history["accuracy"].max()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best.safetensors", "history.csv", "last.safetensors", "metrics.json", "provenance.json",
    ]  # fmt: skip
    table = pd.read_csv(tmp_path / "history.csv", float_precision="round_trip")
    pd.testing.assert_frame_equal(table, run.history)


def test_the_best_weights_load_as_weights(make_faces, tmp_path):
    faces = make_faces(24, img_size=16)
    run = train("simple_cnn", faces, quick(epochs=2, img_size=16, batch_size=8), tmp_path)
    network = models.create("simple_cnn", 3, weights=tmp_path / "best.safetensors")
    assert torch.equal(weights(network), weights(run.network))


def test_a_run_that_starts_from_weights_records_how_their_network_was_made(make_faces, tmp_path):
    faces = make_faces(24, img_size=16, classes=FER2013_CLASSES)
    with pytest.warns(WeightsWarning, match="the network that training starts from learned from fer2013"):
        run = train("tinyfer_lite", faces, quick(epochs=1, batch_size=8), tmp_path, weights="fer2013")
    path = tmp_path / "best.safetensors"
    assert record(path)["options"] == {"stem_stride": 1, "dropout": 0.1}
    images = torch.randn(2, 3, 48, 48)
    with torch.no_grad():
        assert torch.equal(models.create("tinyfer_lite", 7, path).eval()(images), run.network.eval()(images))


# --------------------------------------------------------------------------------------------------------------- faults


def other_data(faces):
    pixels = faces.pixels.copy()
    pixels[0, 0, 0] ^= 1
    return dataclasses.replace(faces, pixels=pixels)


def halved(layer):
    if isinstance(layer, nn.Linear):
        layer.weight.data /= 2


def relabelled(faces):
    return faces.table.assign(label=faces.table["label"].mask(faces.table.index == 0, 1))


CHANGES = {
    "network": (
        lambda given: {"network": nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 3))},
        r"network: TinyNet, 267 parameters, .*, not Sequential, 147 parameters",
    ),
    "classes": (
        lambda given: {"faces": dataclasses.replace(given["faces"], classes=("a", "b", "c"))},
        r"classes: .*'dark'.*, not .*'a'",
    ),
    "data": (
        lambda given: {"faces": other_data(given["faces"])},
        r"data: grey noise, 90 images, (\w+), not grey noise, 90 images, (?!\1)",
    ),
    "first weights": (
        lambda given: {"network": nn.Module.apply(given["network"], lambda layer: halved(layer))},
        r"start\.state: \w+, not \w+",
    ),
    "labels": (
        lambda given: {"faces": dataclasses.replace(given["faces"], table=relabelled(given["faces"]))},
        r"rows.train: 60, (\w+), not 60, (?!\1)",
    ),
    "batch_size": (lambda given: {"recipe": quick(batch_size=8)}, "recipe.batch_size: 16, not 8"),
    "epochs": (lambda given: {"recipe": quick(epochs=9)}, "recipe.epochs: 4, not 9"),
    "selection": (lambda given: {"select": "PrivateTest"}, r"rows.select: 15, (\w+), not 15, (?!\1)"),
    "training rows": (lambda given: {"train": np.arange(20)}, r"rows.train: 60, \w+, not 20, "),
}


@pytest.mark.parametrize("change, told", CHANGES.values(), ids=CHANGES)
def test_another_training_is_refused_with_both_named(faces, tiny, tmp_path, change, told):
    train(tiny(channels=3), faces, folder=tmp_path)
    before = contents(tmp_path)
    given = {"network": tiny(channels=3), "faces": faces, "recipe": QUICK, "folder": tmp_path}
    given |= change(given)
    with pytest.raises(RunError, match=told) as caught:
        train(**given)
    assert "restart=True (fercore train --restart)" in str(caught.value) and str(tmp_path) in str(caught.value)
    assert contents(tmp_path) == before
    train(**given, restart=True)
    assert contents(tmp_path) != before


def test_a_training_that_selects_otherwise_is_another_and_not_a_damaged_one(faces, tiny, tmp_path):
    train(tiny(), faces, folder=tmp_path, select=None)
    with pytest.raises(RunError, match=r"holds another training \(rows\.select: None, not 15, "):
        train(tiny(), faces, folder=tmp_path)
    assert "accuracy" in train(tiny(), faces, folder=tmp_path, restart=True).history


def test_a_training_that_had_only_begun_is_not_cleared_in_silence(faces, tiny, tmp_path, recwarn):
    for number, (change, told) in enumerate({
        checkpoint.METRICS: r"another training, stopped after epoch 4, is cleared \(recipe\.seed: 1, not 2",
        checkpoint.LAST: r"a damaged training is cleared \(.*last\.safetensors: not a checkpoint of a training",
    }.items()):  # fmt: skip
        folder = tmp_path / str(number)
        train(tiny(), faces, folder=folder)
        (folder / checkpoint.METRICS).unlink()
        if change == checkpoint.LAST:
            (folder / checkpoint.LAST).write_bytes(b"half")
        with pytest.warns(UserWarning, match=told):
            train(tiny(), faces, quick(seed=2), folder, restart=True)
    recwarn.clear()
    train(tiny(), faces, quick(seed=3), folder, restart=True)
    assert not recwarn.list, "which had ended"
    (folder / checkpoint.LAST).write_bytes(b"half")
    with pytest.warns(UserWarning, match=told):
        train(tiny(), faces, quick(seed=3), folder, restart=True)


def test_what_a_killed_process_left_half_written_is_swept(faces, tiny, tmp_path):
    left, own = (tmp_path / name for name in (f"{'0a' * 16}.tmp", "thesis.tmp"))
    for path in (left, own):
        path.write_text("half")
    train(tiny(), faces, quick(epochs=1), tmp_path)
    assert not left.exists() and own.read_text() == "half", "what somebody else has put there"


def test_starting_over_leaves_nothing_of_what_was_there(faces, tiny, tmp_path, monkeypatch):
    train(tiny(), faces, folder=tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.setattr(trainer._Training, "step", None)
    with pytest.raises(TypeError):
        train(tiny(), faces, quick(seed=9), tmp_path, restart=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_other_options_are_another_training(make_faces, tmp_path):
    faces = make_faces(24, img_size=16)
    recipe = quick(epochs=1, img_size=32, batch_size=8)
    train("tinyfer_lite", faces, recipe, tmp_path)
    with pytest.raises(RunError, match=r"start\.options\.dropout: None, not 0\.1"):  # of which no weight knows
        train("tinyfer_lite", faces, recipe, tmp_path, options={"dropout": 0.1})


def test_logits_of_a_teacher_are_as_good_as_the_teacher(faces, tiny, tmp_path):
    teacher = tiny().eval()
    recipe = quick(epochs=2, distillation=Distillation(2.0, 0.7, 0.3), augmentation=None)
    with torch.no_grad():
        seen = resize(torch.from_numpy(np.asarray(faces.pixels)), recipe.img_size, inference.channels(teacher))
        logits = teacher(seen).numpy()
    asked = train(tiny(), faces, recipe, teacher=teacher)
    given = train(tiny(), faces, recipe, tmp_path, teacher=logits)
    pd.testing.assert_frame_equal(given.history, asked.history, rtol=1e-5)
    with pytest.raises(RunError, match=r"teacher: (\w+), not (?!\1)"):
        train(tiny(), faces, recipe, tmp_path, teacher=logits + 1)
    with pytest.raises(ValueError, match=rf"logits of shape \({len(faces) - 1}, 3\); expected \({len(faces)}, 3\)"):
        train(tiny(), faces, recipe, teacher=logits[1:])
    with pytest.raises(ValueError, match="logits are of images as they are; with them, no mixup and no augmentation"):
        train(tiny(), faces, quick(distillation=Distillation(2.0, 0.7, 0.3)), teacher=logits)


def test_logits_of_both_views_are_as_good_as_the_teacher_where_images_are_flipped(faces, tiny):
    teacher = tiny().eval()
    kd = Distillation(2.0, 0.7, 0.3)
    recipe = quick(epochs=2, distillation=kd, augmentation=FLIP, optimizer="sgd")  # Adam makes much of last digits
    train_rows = faces.rows("train")
    logits = np.full((2, len(faces), 3), np.nan)  # what is not trained on is never asked for
    logits[:, train_rows] = inference.view_logits(teacher, faces, train_rows, recipe.img_size, "flip").numpy()
    asked = train(tiny(), faces, recipe, teacher=teacher)
    given = train(tiny(), faces, recipe, teacher=logits)
    pd.testing.assert_frame_equal(given.history, asked.history, rtol=1e-4)
    other = train(tiny(), faces, recipe, teacher=np.stack([logits[0], 5 * logits[1]]))
    assert not np.allclose(other.history["train_loss"], asked.history["train_loss"], rtol=1e-2), "both views are asked"
    with pytest.raises(ValueError, match="for flips, give those of mirror images too"):
        train(tiny(), faces, recipe, teacher=logits[0])
    turned = dataclasses.replace(recipe, augmentation=dataclasses.replace(FLIP, rotation=5.0))
    with pytest.raises(ValueError, match="no mixup and no augmentation"):
        train(tiny(), faces, turned, teacher=logits)


def test_a_teacher_that_sees_colour_where_the_student_does_not_gives_its_logits(faces, tiny):
    teacher = nn.Sequential(nn.Conv2d(4 - inference.channels(tiny()), 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ValueError, match=r"the teacher takes \d channels, the student \d: give the teacher's logits"):
        train(tiny(), faces, quick(distillation=Distillation(2.0, 0.7, 0.3)), teacher=teacher)


def test_rows_may_be_given_as_a_mask(faces, tiny):
    mask = (faces.table["split"] == "Training").to_numpy()
    numbers = train(tiny(), faces, quick(epochs=1), train=faces.rows("Training"))
    pd.testing.assert_frame_equal(train(tiny(), faces, quick(epochs=1), train=mask).history, numbers.history)
    with pytest.raises(ValueError, match=rf"a mask of {len(faces) - 1} for the {len(faces)} images of {faces.name}"):
        train(tiny(), faces, train=mask[1:])


def test_another_teacher_is_another_training(faces, tiny, tmp_path):
    recipe = quick(epochs=1, distillation=Distillation(2.0, 0.5, 0.5))
    train(tiny(), faces, recipe, tmp_path, teacher=tiny())
    other = tiny()
    other.head.bias.data += 1
    with pytest.raises(RunError, match=r"teacher: (\w+), not (?!\1)"):
        train(tiny(), faces, recipe, tmp_path, teacher=other)


def test_other_code_is_another_training(faces, tiny, tmp_path, monkeypatch):
    train(tiny(), faces, folder=tmp_path)
    monkeypatch.setattr(checkpoint, "code", lambda *roots: "changed")
    with pytest.raises(RunError, match=r"code: \w+, not \w+"):
        train(tiny(), faces, folder=tmp_path)


class Breaking(nn.Module):
    """Its logits become NaN after some training batches."""

    def __init__(self, inner, after):
        super().__init__()
        self.inner, self.after, self.seen = inner, after, 0

    def forward(self, images):
        self.seen += self.training
        return self.inner(images) * (float("nan") if self.training and self.seen > self.after else 1)


def test_a_loss_that_is_not_finite_stops_and_the_last_good_checkpoint_is_kept(faces, tiny, tmp_path):
    """Four batches an epoch: the seventh is the third of epoch 2."""
    torch.manual_seed(0)
    with pytest.raises(RunError, match=r"the loss is nan in epoch 2, batch 3; the checkpoint of epoch 1 is kept"):
        train(Breaking(tiny(), 6), faces, folder=tmp_path)
    with pytest.raises(RunError, match=r"the loss is nan in epoch 1, batch 3; there is no checkpoint yet\. A lower"):
        train(Breaking(tiny(), 2), faces, folder=tmp_path / "none")
    held, record = checkpoint.read(tmp_path / "last.safetensors")
    assert len(record["history"]) == 1 and all(tensor.isfinite().all() for tensor in held.values())
    run = train(Breaking(tiny(), 99), faces, folder=tmp_path)
    train(Breaking(tiny(), 99), faces, folder=tmp_path / "whole")
    assert len(run.history) == 4 and contents(tmp_path) == contents(tmp_path / "whole")


class LastStep(torch.autograd.Function):
    """The loss is finite; its gradient is not."""

    @staticmethod
    def forward(_, values):
        return values.clone()

    @staticmethod
    def backward(_, gradient):
        return gradient * float("nan")


def test_a_gradient_that_is_not_finite_after_the_last_loss_is_noticed(faces, tiny, tmp_path, monkeypatch):
    """The eighth step is the last of epoch 2."""
    steps, real = count(1), trainer._Training.step

    def step(self, *given):
        hook = None
        if next(steps) == 8:
            hook = self.network.register_forward_hook(lambda *call: LastStep.apply(call[-1]))
        found = real(self, *given)
        if hook:
            hook.remove()
        return found

    monkeypatch.setattr(trainer._Training, "step", step)
    with pytest.raises(RunError, match=r"conv\.weight is not finite after epoch 2; the checkpoint of epoch 1 is kept"):
        train(tiny(), faces, folder=tmp_path)
    held, record = checkpoint.read(tmp_path / "last.safetensors")
    assert len(record["history"]) == 1 and all(tensor.isfinite().all() for tensor in held.values())


def test_no_space_left_is_said_and_the_checkpoint_before_stays(faces, tiny, tmp_path, monkeypatch):
    train(tiny(), faces, folder=tmp_path / "whole")
    calls, fsync = count(1), os.fsync

    def full(file):
        if next(calls) >= 4:
            raise OSError(28, "No space left on device")
        fsync(file)

    for name, started in ((r"last\.safetensors", 1), (r"(best\.safetensors|history\.csv)", 4)):
        calls = count(started)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(RunError, match=f"{name}: no space left for"):
                train(tiny(), faces, folder=tmp_path / "parts")
    assert len(checkpoint.read(tmp_path / "parts/last.safetensors")[1]["history"]) == 1
    assert not list((tmp_path / "parts").glob("*.tmp"))
    train(tiny(), faces, folder=tmp_path / "parts")
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_a_damaged_or_missing_checkpoint_is_told(faces, tiny, tmp_path):
    train(tiny(), faces, quick(learning_rate=0.2, epochs=8), tmp_path)
    last, best = (tmp_path / name for name in ("last.safetensors", "best.safetensors"))
    whole = best.read_bytes()
    best.unlink()
    with pytest.raises(RunError, match=r"best\.safetensors is gone"):
        train(tiny(), faces, quick(learning_rate=0.2, epochs=8), tmp_path)
    best.write_bytes(whole[:100])
    with pytest.raises(RunError, match=r"best\.safetensors: not a checkpoint"):
        train(tiny(), faces, quick(learning_rate=0.2, epochs=8), tmp_path)
    last.write_bytes(last.read_bytes()[:-10])
    with pytest.raises(RunError, match=r"last\.safetensors: not a checkpoint"):
        train(tiny(), faces, quick(learning_rate=0.2, epochs=8), tmp_path)


class Silent(nn.Module):
    """Trains well, and answers nothing at evaluation."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, images):
        return self.inner(images) * (1 if self.training else float("nan"))


def test_a_network_that_answers_nothing_does_not_end_well(faces, tiny, tmp_path):
    told = r"not finite for 15 of 15 images, the first of them row 12 of grey noise, after epoch 1; there is no check"
    with pytest.raises(RunError, match=told):
        train(Silent(tiny()), faces, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def rewritten(path, change=None, **tensors):
    """Write a checkpoint again with other tensors, and what `change` makes of its record."""
    held, record = checkpoint.read(path)
    checkpoint.write(path, held | tensors, change(record) if change else record)


LONG = quick(learning_rate=0.2, epochs=8)  # whose best epoch is not its last


def put(**values):
    return lambda record: record | values


def in_row(**values):
    """The third row of the history with other values; None takes one away."""

    def change(record):
        row = {name: value for name, value in (record["history"][2] | values).items() if value is not None}
        return record | {"history": [*record["history"][:2], row, *record["history"][3:]]}

    return change


DAMAGE = {
    "another kind": (lambda record: [1], "not a checkpoint of a training"),
    "no identity": (put(identity=None), "a damaged record, in identity"),
    "no history": (put(history=[]), "a damaged record, in best_epoch"),
    "history of text": (put(history=["x"]), "a damaged record, in history"),
    "an epoch is gone": (lambda record: record | {"history": record["history"][1:]}, "a damaged record, in history"),
    "a score is gone": (in_row(macro_f1=None), "a damaged record, in history"),
    "a loss of nan": (in_row(loss=float("nan")), "a damaged record, in history"),
    "an epoch that is not there": (put(best_epoch=99), "a damaged record, in best_epoch"),
    "no best epoch": (put(best_epoch=None), "a damaged record, in best_epoch"),
    "no scaler": (put(scaler=None), "a damaged record, in scaler"),
}


@pytest.mark.parametrize("change, told", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_record_is_told_with_its_file(faces, tiny, tmp_path, change, told):
    train(tiny(), faces, LONG, tmp_path)
    path = tmp_path / checkpoint.LAST
    rewritten(path, change)
    with pytest.raises(RunError, match=rf"last\.safetensors: {told}"):
        train(tiny(), faces, LONG, tmp_path)


def test_weights_that_nobody_can_compute_with_are_told_by_name(faces, tiny, tmp_path):
    train(tiny(), faces, LONG, tmp_path)
    last, best = tmp_path / checkpoint.LAST, tmp_path / checkpoint.BEST
    whole = last.read_bytes(), best.read_bytes()
    nan = torch.full((8,), float("nan"))
    for path, tensors, told in (
        (best, {"norm.weight": nan}, r"best\.safetensors does not go with last.*norm\.weight is not finite"),
        (best, {"norm.running_var": -torch.ones(8)}, r"best.*norm\.running_var is a variance below 0"),
        (best, {"norm.bias": torch.ones(8).double()}, r"norm\.bias is of type float64, not float32"),
        (last, {"network.norm.weight": nan}, r"last\.safetensors: network\.norm\.weight is not finite"),
        (last, {"network.norm.weight": torch.ones(3)}, r"last\.safetensors: not the state of this training"),
    ):
        rewritten(path, **tensors)
        with pytest.raises(RunError, match=told):
            train(tiny(), faces, LONG, tmp_path)
        for file, content in zip((last, best), whole, strict=True):
            file.write_bytes(content)


def test_the_best_of_another_training_is_not_taken(faces, tiny, tmp_path):
    train(tiny(), faces, LONG, tmp_path / "one")
    train(tiny(), faces, dataclasses.replace(LONG, seed=2), tmp_path / "two")
    _, record = checkpoint.read(tmp_path / "one/last.safetensors")
    assert record["best_epoch"] < 8
    rewritten(tmp_path / "two/best.safetensors", put(epoch=record["best_epoch"]))
    (tmp_path / "one/best.safetensors").write_bytes((tmp_path / "two/best.safetensors").read_bytes())
    with pytest.raises(RunError, match=r"best\.safetensors does not go with last.* \(it is of another training\)"):
        train(tiny(), faces, LONG, tmp_path / "one")


def test_every_part_of_a_training_is_told_that_was_computed_otherwise(faces, tiny, tmp_path, monkeypatch):
    def stop(path, tensors, record):
        kept(path, tensors, record)
        if path.name == checkpoint.LAST and len(record["history"]) == 2:
            raise KeyboardInterrupt

    kept, threads = checkpoint.write, torch.get_num_threads()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint, "write", stop)
        train(tiny(), faces, folder=tmp_path)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    for _ in range(2):  # the second reads it alone
        train(tiny(), faces, folder=tmp_path)
        found = json.loads((tmp_path / "provenance.json").read_text())
        parts = [{"device": "cpu", "threads": threads + more, "from_epoch": 1 + 2 * more} for more in (0, 1)]
        assert found["parts"] == parts and found["threads"] == threads + 1
        monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
        (tmp_path / "provenance.json").unlink()


def test_what_is_missing_of_a_finished_run_is_made_again(faces, tiny, tmp_path):
    train(tiny(), faces, folder=tmp_path)
    before = contents(tmp_path)
    for name in (checkpoint.METRICS, checkpoint.PROVENANCE, checkpoint.HISTORY):
        (tmp_path / name).unlink()
        train(tiny(), faces, folder=tmp_path)
        assert (tmp_path / name).is_file() and contents(tmp_path) == before


def test_a_second_training_in_one_folder_is_told(faces, tiny, tmp_path):
    with files.locked(tmp_path, "a training"), ThreadPoolExecutor(1) as other:
        for restart in (False, True):
            running = other.submit(train, tiny(), faces, folder=tmp_path, restart=restart)
            with pytest.raises(files.BusyError, match=rf"is being written by a training, process {os.getpid()} on "):
                running.result(timeout=60)  # at once
    train(tiny(), faces, folder=tmp_path)
    assert sorted(contents(tmp_path)) == sorted(RESULT)


def test_who_reads_what_has_ended_waits_for_another_who_does(faces, tiny, tmp_path, monkeypatch):
    first = train(tiny(), faces, folder=tmp_path)
    with ThreadPoolExecutor(1) as other:
        with files.locked(tmp_path, "a training"):
            reading = other.submit(train, tiny(), faces, folder=tmp_path)
            with pytest.raises(TimeoutError):
                reading.result(timeout=0.3)
        assert reading.result().history.equals(first.history)
    monkeypatch.setattr(trainer, "LET_GO", 0.1)
    with files.locked(tmp_path, "a training"), ThreadPoolExecutor(1) as other, pytest.raises(files.BusyError):
        other.submit(train, tiny(), faces, folder=tmp_path).result()


@pytest.mark.parametrize("images, size", [(5, 2), (7, 2), (3, 2), (9, 4), (2, 64)])
def test_no_batch_is_a_single_image(make_faces, tiny, monkeypatch, images, size):
    sizes, real = [], trainer._Training.step
    monkeypatch.setattr(
        trainer._Training, "step", lambda one, pixels, *rest: (sizes.append(len(pixels)), real(one, pixels, *rest))[1]
    )
    train(tiny(), make_faces(30), quick(epochs=1, batch_size=size), train=np.arange(images), select=None)
    assert sum(sizes) == images and min(sizes) >= 2 and max(sizes) <= max(size, 3)


# ------------------------------------------------------------------------------------------------------------ processes

KINDS = ("cross_entropy", "focal", "curriculum", "normalised", "unselected")
SCRIPT = """
import sys
sys.path[:0] = [{tests!r}]
import torch
from dataclasses import replace
from conftest import TinyNet, _faces
from fercore.training import losses
from fercore.training.recipe import Recipe
from fercore.training.trainer import fit
faces = _faces()
faces.table.loc[faces.table.index % 5 > 0, "label"] = 0  # so that processes have other classes, of other weights
for kind in {kinds!r}:
    torch.manual_seed(0)
    network, teacher = TinyNet(), None
    network.dropout.p = 0.0
    if kind not in ("normalised", "unselected"):
        network.norm = torch.nn.Identity()
    recipe = Recipe(epochs=3, batch_size=16, img_size=12, augmentation=None, loss="cross_entropy",
                    learning_rate=0.03, schedule="cosine", ema=0.5, seed=1)
    if kind == "focal":
        recipe = replace(recipe, loss=kind)
    if kind == "curriculum":
        teacher = TinyNet()
        teacher.head.weight.data *= 50  # or its softened answers are so alike that rounding counts
        recipe = replace(recipe, distillation=losses.Curriculum(rise=1.0, rate=0.05), class_weighted=False)
    select = None if kind == "unselected" else "select"
    words = dict(teacher=teacher, select=select, device="cpu", progress=False)
    run = fit(network, faces, recipe, {folder!r} + "/" + kind, **words)
    print("sum", kind, sum(value.double().abs().sum().item() for value in run.network.state_dict().values()))
"""


def test_two_processes_train_as_one(tmp_path, monkeypatch):
    """Without dropout and batch normalisation, which see a process's own images, the steps are the same, also of a
    temperature that is learned. With batch normalisation both end with the same statistics, whatever selects.

    A batch of 15 images is 8 and 7, and the classes are weighted.
    """
    one, two, script = tmp_path / "1", tmp_path / "2", tmp_path / "script.py"
    words = {"tests": str(Path(__file__).parents[1]), "kinds": KINDS}
    monkeypatch.setattr(sys, "path", list(sys.path))
    exec(SCRIPT.format(**words, folder=str(one)), {})
    script.write_text(SCRIPT.format(**words, folder=str(two)))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script]
    threads = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=threads)
    assert done.returncode == 0, done.stderr[-2000:]
    said = [line for line in done.stdout.splitlines() if line.startswith("sum")]
    assert len(said) == 2 * len(KINDS) and len(set(said)) == len(KINDS)  # both ended with the same weights
    for kind in KINDS[:3]:
        histories = [pd.read_csv(folder / kind / "history.csv") for folder in (one, two)]
        assert np.allclose(*histories, rtol=1e-4, atol=1e-6)
    for folder, processes in ((one, 1), (two, 2)):
        assert checkpoint.read(folder / "focal" / checkpoint.LAST)[1]["processes"] == processes
    learned = [
        checkpoint.read(folder / "curriculum" / checkpoint.LAST)[0]["learned.temperature"] for folder in (one, two)
    ]
    moved = [value.item() - 1 for value in learned]
    assert moved[0] == pytest.approx(moved[1], rel=0.03) and abs(moved[0]) > 1e-3


def test_what_other_processes_began_is_not_gone_on_with(faces, tiny, tmp_path, monkeypatch):
    kept = checkpoint.write

    def stop(path, tensors, record):
        kept(path, tensors, record | {"processes": 2} if path.name == checkpoint.LAST else record)
        if path.name == checkpoint.LAST and path.parent.name == "part":
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "write", stop)
    train(tiny(), faces, quick(epochs=2), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(tiny(), faces, quick(epochs=2), tmp_path / "part")
    monkeypatch.setattr(checkpoint, "write", kept)
    with pytest.raises(RunError, match=r"part holds another training \(processes: 2, not 1\)"):
        train(tiny(), faces, quick(epochs=2), tmp_path / "part")
    assert len(train(tiny(), faces, quick(epochs=2), tmp_path / "whole").history) == 2, "which has ended"
    again = train(tiny(), faces, quick(epochs=2), tmp_path / "part", restart=True)
    assert again.history.equals(train(tiny(), faces, quick(epochs=2)).history), "from its start"


def test_no_process_trains_on_a_single_image(faces, tiny, monkeypatch):
    monkeypatch.setattr(trainer, "_distributed", lambda device: (0, 4, device))
    with pytest.raises(ValueError, match="only 7 to train on; expected 2 images or more for each process"):
        train(tiny(), faces, quick(epochs=1), train=np.arange(7))


def test_a_temperature_is_learned_and_taken_up_again(faces, tiny, tmp_path, monkeypatch):
    """CTKD's own parameter moves, and is part of what a killed training goes on from."""
    recipe = quick(epochs=4, distillation=losses.Curriculum(rise=1.0), augmentation=None, learning_rate=0.01)
    started = tiny()
    train(started, faces, recipe, tmp_path / "whole", teacher=tiny())
    held, _ = checkpoint.read(tmp_path / "whole" / checkpoint.LAST)
    assert held["learned.temperature"].item() != 1
    history = pd.read_csv(tmp_path / "whole/history.csv")
    assert history["temperature"].nunique() == 4 and history["temperature"].between(1, 21).all()
    network, kept = tiny(), checkpoint.write

    def stop(path, tensors, record):
        kept(path, tensors, record)
        if path.name == checkpoint.LAST and len(record["history"]) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "write", stop)
    with pytest.raises(KeyboardInterrupt):
        train(network, faces, recipe, tmp_path / "part", teacher=tiny())
    monkeypatch.setattr(checkpoint, "write", kept)
    train(tiny(), faces, recipe, tmp_path / "part", teacher=tiny())
    again, _ = checkpoint.read(tmp_path / "part" / checkpoint.LAST)
    assert all(torch.equal(value, again[name]) for name, value in held.items())


def test_the_strength_of_the_curriculum_decides_how_far_the_temperature_goes(faces, tiny):
    """Which an optimiser that divides by the gradient's own size would undo."""
    moved = []
    for rise in (0.01, 1e4):
        recipe = quick(epochs=3, distillation=losses.Curriculum(rise=rise), augmentation=None, optimizer="adam")
        run = train(tiny(), faces, recipe, teacher=tiny())
        moved.append(abs(run.history["temperature"].iloc[-1] - (1 + 20 / (1 + np.exp(-1)))))
    assert moved[0] > 100 * moved[1]


def test_the_best_of_a_training_that_cannot_go_on_is_not_lost(faces, tiny, tmp_path, monkeypatch):
    first = train(tiny(), faces, quick(learning_rate=0.2, epochs=3), tmp_path)
    (tmp_path / "last.safetensors").unlink()  # to save space
    held = {path.name: path.read_bytes() for path in tmp_path.glob("*.*")}
    with pytest.raises(RunError, match=r"best\.safetensors of a training whose last\.safetensors is gone"):
        train(tiny(), faces, quick(learning_rate=0.1, epochs=3), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.*")} == held
    with monkeypatch.context() as stopped, pytest.raises(TypeError), pytest.warns(UserWarning, match="left of another"):
        stopped.setattr(trainer._Training, "step", None)
        train(tiny(), faces, quick(learning_rate=0.2, epochs=3), tmp_path, restart=True)
    assert not list(tmp_path.glob("*.*")), "or what is left of it would pass for the new one's"
    again = train(tiny(), faces, quick(learning_rate=0.2, epochs=3), tmp_path)
    assert again.history.equals(first.history)
