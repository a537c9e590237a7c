"""A training without its weights still says what it answered."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from fercore.studies import fits
from fercore.studies.sweep import SweepError
from fercore.training import Recipe, RunError, answers, checkpoint, fit

RECIPE = Recipe(epochs=2, batch_size=16, img_size=84, augmentation=None, loss="cross_entropy", class_weighted=False)
NETWORK = "microexpnet_xxs"
WORDS = {"network": NETWORK, "recipe": RECIPE}


@pytest.fixture
def run(faces, tmp_path):
    return fit(NETWORK, faces, RECIPE, tmp_path / "run")


@pytest.fixture
def folder(run, faces, tmp_path):
    answers.publish(run, faces, tmp_path / "published")
    return tmp_path / "published"


def test_its_answers_history_and_best_epoch_are_those_of_the_training(run, faces, folder):
    assert answers.published(folder) and not answers.published(run.folder)
    found = answers.read(folder, faces, **WORDS)
    assert found.network is None and found.best_epoch == run.best_epoch and found.history.equals(run.history)
    for role in ("select", "test"):
        rows = faces.rows(role)[::-1]
        assert np.allclose(found.probabilities(faces, rows), run.probabilities(faces, rows), rtol=1e-6, atol=0)
    assert {path.name for path in folder.iterdir()} == {
        answers.ANSWERS, checkpoint.HISTORY, checkpoint.METRICS, checkpoint.PROVENANCE,
    }  # fmt: skip


def test_what_a_teacher_leaves_for_its_students_is_what_they_learn_from(run, faces, tmp_path):
    logits, folder = fits.teacher_logits(run, faces), tmp_path / "published"
    answers.publish(run, faces, folder, logits=logits)
    found = answers.read(folder, faces, **WORDS)
    assert answers.can_teach(run) and answers.can_teach(found)
    some = faces.rows("train")[::-2]
    said = fits.teacher_logits(found, faces, rows=some)
    assert np.array_equal(said[:, some], logits[:, some]) and np.isnan(np.delete(said, some, 1)).all()
    assert np.array_equal(fits.teacher_logits(found, faces), logits, equal_nan=True)
    with pytest.raises(RunError, match=r"logits.*nothing on 1 images, such as row \d+, and no weights"):
        found.logits(faces, faces.rows("test")[:1])
    answers.publish(run, faces, folder)
    assert not answers.can_teach(found)
    with pytest.raises(RunError, match=r"gone or damaged .*fetch it again"):
        found.logits(faces, some)


@pytest.mark.parametrize("changed", ["training", "logits", "rows", "shape", "more rows", "file"])
def test_damaged_logits_are_refused(run, faces, tmp_path, changed):
    answers.publish(run, faces, tmp_path / "published", logits=fits.teacher_logits(run, faces))
    path = tmp_path / "published" / answers.LOGITS
    tensors, about = checkpoint.read(path)
    if changed == "training":
        about["training"]["network"] = "other"
    elif changed == "logits":
        tensors["logits"][1, 0, 0] = np.nan
    elif changed == "shape":
        tensors["logits"] = tensors["logits"][:, :-1].contiguous()
    elif changed == "more rows":
        tensors["rows"] += len(faces)
    elif changed == "rows":
        del tensors["rows"]
    checkpoint.write(path, tensors, {"training": about["training"]})
    if changed == "file":
        path.write_bytes(path.read_bytes()[:-9])
    told = "nothing on 1 images" if changed == "logits" else "gone or damaged .*fetch it again"
    with pytest.raises(RunError, match=rf"logits\.safetensors: {told}"):
        answers.read(path.parent, faces, **WORDS).logits(faces, faces.rows("train"))


def test_images_that_were_not_asked_about_are_refused(faces, folder):
    told = rf"no answer to {len(faces.rows('train'))} images, such as row \d+, and no weights"
    with pytest.raises(RunError, match=told):
        answers.read(folder, faces, **WORDS).probabilities(faces, np.arange(len(faces)))


def test_each_image_has_one_answer_where_a_split_selects_and_tests(faces, tmp_path):
    one = replace(faces, roles={**faces.roles, "select": faces.roles["test"]})
    run = fit(NETWORK, one, RECIPE, tmp_path / "run")
    answers.publish(run, one, tmp_path / "published")
    rows = one.rows("test")
    assert answers.read(tmp_path / "published", one, **WORDS).probabilities(one, rows).shape == (len(rows), 3)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"network": "microexpnet_xs"}, "network: microexpnet_xxs, not microexpnet_xs"),
        ({"recipe": replace(RECIPE, batch_size=8)}, "recipe.batch_size: 16, not 8"),
        ({"options": {"dropout": 0.1}}, "options.dropout: None, not 0.1"),
        ({"weights": "imagenet"}, "weights: None, not imagenet"),
        ({"taught_by": {"network": "lean_250k"}}, "taught_by: None, not {'network': 'lean_250k'}"),
    ],
)
def test_another_training_is_refused(faces, folder, changed, told):
    with pytest.raises(RunError, match=re.escape(told)):
        answers.read(folder, faces, **(WORDS | changed))


def test_other_data_and_other_images_are_refused(faces, folder):
    with pytest.raises(RunError, match=r"another training .*rows.train"):
        answers.read(folder, faces, **WORDS, train=faces.rows("train")[1:])
    table = faces.table.assign(label=faces.table["label"].to_numpy()[::-1])
    with pytest.raises(RunError, match=r"another training .*data"):
        answers.read(folder, replace(faces, table=table, fingerprint=""), **WORDS)
    with pytest.raises(RunError, match=r"another training .*classes"):
        answers.read(folder, replace(faces, classes=faces.classes[::-1]), **WORDS)


def test_what_changes_no_more_than_the_rounding_is_no_difference(faces, folder):
    assert answers.read(folder, faces, **WORDS, options={"trimmed": 84}).best_epoch
    other = replace(RECIPE, channels_last=not RECIPE.channels_last)
    assert answers.read(folder, faces, **(WORDS | {"recipe": other})).recipe == RECIPE, "as it was trained"


@pytest.mark.parametrize("name", [checkpoint.HISTORY, checkpoint.METRICS, checkpoint.PROVENANCE, answers.ANSWERS])
def test_what_is_damaged_is_told_by_its_name(faces, folder, name):
    (folder / name).write_text("{}")
    with pytest.raises(RunError, match=f"{folder}.*(damaged|not a checkpoint)"):
        answers.read(folder, faces, **WORDS)


def test_answers_of_another_seed_and_answers_that_are_none_are_refused(faces, folder, tmp_path):
    other = fit(NETWORK, faces, replace(RECIPE, seed=1), tmp_path / "other")
    answers.publish(other, faces, tmp_path / "second")
    held, about = checkpoint.read(folder / answers.ANSWERS)
    held = {name: tensor.clone() for name, tensor in held.items()}  # the file is mapped, and written again below
    shutil.copyfile(tmp_path / "second" / answers.ANSWERS, folder / answers.ANSWERS)
    with pytest.raises(RunError, match="its files are of several trainings"):
        answers.read(folder, faces, **WORDS)
    checkpoint.write(folder / answers.ANSWERS, held | {"probabilities": held["probabilities"] * np.nan}, about)
    with pytest.raises(RunError, match="its answers are no probabilities"):
        answers.read(folder, faces, **WORDS)
    checkpoint.write(folder / answers.ANSWERS, held | {"probabilities": held["probabilities"].roll(1, 1)}, about)
    with pytest.raises(RunError, match="not those that its metrics are of"):
        answers.read(folder, faces, **WORDS)
    twice = held["rows"].clone()
    twice[1] = twice[0]
    checkpoint.write(folder / answers.ANSWERS, held | {"rows": twice}, about)
    with pytest.raises(RunError, match="its answers are no probabilities"):
        answers.read(folder, faces, **WORDS)
    few = {name: tensor[held["rows"] != faces.rows("select")[0]] for name, tensor in held.items()}
    checkpoint.write(folder / answers.ANSWERS, few, about)
    with pytest.raises(RunError, match="not those that its metrics are of"):
        answers.read(folder, faces, **WORDS)
    checkpoint.write(folder / answers.ANSWERS, held, about)
    history = (folder / checkpoint.HISTORY).read_text().splitlines()
    best = answers.read(folder, faces, **WORDS).best_epoch
    (folder / checkpoint.HISTORY).write_text("\n".join([*history, history[-1]]) + "\n")
    with pytest.raises(RunError, match="its files are of several trainings"):
        answers.read(folder, faces, **WORDS)
    history[best] = re.sub(r"\b0\.\d+", "0.001", history[best])
    (folder / checkpoint.HISTORY).write_text("\n".join(history) + "\n")
    with pytest.raises(RunError, match="its history is of another training"):
        answers.read(folder, faces, **WORDS)


def test_the_epoch_that_was_kept_need_not_be_the_one_of_the_highest_accuracy(faces, folder):
    """It is chosen by another score, or is the last."""
    best = answers.read(folder, faces, **WORDS).best_epoch
    lines = (folder / checkpoint.HISTORY).read_text().splitlines()
    other, column = 3 - best, lines[0].split(",").index("accuracy")
    values = lines[other].split(",")
    lines[other] = ",".join([*values[:column], "0.9999", *values[column + 1 :]])
    (folder / checkpoint.HISTORY).write_text("\n".join(lines) + "\n")
    assert answers.read(folder, faces, **WORDS).best_epoch == best


def test_a_best_epoch_that_its_history_does_not_have_is_damage(faces, folder):
    last = float(answers.read(folder, faces, **WORDS).history["accuracy"].iloc[-1])
    metrics = checkpoint.read_json(folder / checkpoint.METRICS)
    for epoch in (0, -1, 3):
        other = metrics | {"best_epoch": epoch, "best": metrics["best"] | {"accuracy": last}}
        (folder / checkpoint.METRICS).write_text(json.dumps(other))
        with pytest.raises(RunError, match="its files are of several trainings"):
            answers.read(folder, faces, **WORDS)


@pytest.mark.parametrize("name", [checkpoint.HISTORY, checkpoint.PROVENANCE, checkpoint.METRICS])
def test_what_is_published_in_part_is_not_taken_for_whole(run, faces, folder, monkeypatch, name):
    """Not even where an earlier one lies there whole."""
    copy = shutil.copyfile

    def stopped(source, target):
        if target.name == name:
            raise KeyboardInterrupt
        copy(source, target)

    monkeypatch.setattr(answers.shutil, "copyfile", stopped)
    with pytest.raises(KeyboardInterrupt):
        answers.publish(run, faces, folder)
    assert not (folder / checkpoint.METRICS).exists() and not fits.finished(str(folder.parent), folder.name)


def test_by_whom_it_was_taught_is_published_with_it(run, faces, tmp_path):
    teacher = {"network": "lean_250k"}
    answers.publish(run, faces, tmp_path / "taught", teacher)
    assert answers.read(tmp_path / "taught", faces, **WORDS, taught_by=teacher).best_epoch == run.best_epoch
    with pytest.raises(RunError, match="taught_by"):
        answers.read(tmp_path / "taught", faces, **WORDS)


def test_a_training_is_not_published_over_its_weights_or_itself(run, faces, folder, tmp_path):
    with pytest.raises(RunError, match="holds a training; publish to another"):
        answers.publish(run, faces, run.folder)
    for name in (checkpoint.LAST, checkpoint.BEST):
        (tmp_path / name).touch()
        with pytest.raises(RunError, match="holds a training; publish to another"):
            answers.publish(run, faces, tmp_path)
        (tmp_path / name).unlink()
    with pytest.raises(RunError, match="holds a training; publish to another"):
        answers.publish(answers.read(folder, faces, **WORDS), faces, folder)
    assert (folder / checkpoint.METRICS).is_file()


def test_a_study_shows_it_and_trains_nothing_in_its_place(faces, tmp_path):
    (trained,) = fits.fit_seeds({"a": WORDS}, [1], faces, tmp_path / "runs")["a"]
    folder = tmp_path / "published" / trained.folder.name
    answers.publish(trained, faces, folder)
    (shown,) = fits.fit_seeds({"a": WORDS}, [1], faces, tmp_path / "published", kept_only=True)["a"]
    rows = faces.rows("test")
    assert shown.network is None and shown.recipe.seed == 1
    assert np.allclose(shown.probabilities(faces, rows), trained.probabilities(faces, rows))
    with pytest.raises(SweepError, match="has the answers of a published training"):
        fits.fit_seeds({"a": WORDS}, [1], faces, tmp_path / "published")
    assert answers.published(folder)


def test_what_was_published_is_published_again_as_it_is(faces, folder, tmp_path):
    answers.publish(answers.read(folder, faces, **WORDS), faces, tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
