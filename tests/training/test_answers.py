"""A training without its weights still says what it answered."""

from dataclasses import replace

import numpy as np
import pytest

from fercore.studies import fits
from fercore.training import Recipe, RunError, answers, checkpoint, fit

RECIPE = Recipe(epochs=2, batch_size=16, img_size=12, augmentation=None, loss="cross_entropy", class_weighted=False)
VARIANTS = {"a": {"network": "microexpnet_xxs", "recipe": replace(RECIPE, img_size=84)}}


@pytest.fixture
def run(faces, tiny, tmp_path):
    return fit(tiny(), faces, RECIPE, tmp_path / "run")


@pytest.fixture
def folder(run, faces, tmp_path):
    answers.publish(run, faces, tmp_path / "published")
    return tmp_path / "published"


def test_its_answers_history_and_best_epoch_are_those_of_the_training(run, faces, folder):
    assert answers.published(folder) and not answers.published(run.folder)
    found = answers.read(folder, "TinyNet", faces, RECIPE)
    assert found.network is None and found.best_epoch == run.best_epoch and found.history.equals(run.history)
    for role in ("select", "test"):
        rows = faces.rows(role)[::-1]
        assert np.allclose(found.probabilities(faces, rows), run.probabilities(faces, rows), rtol=1e-6, atol=0)
    assert {path.name for path in folder.iterdir()} == {
        answers.ANSWERS, checkpoint.HISTORY, checkpoint.METRICS, checkpoint.PROVENANCE,
    }  # fmt: skip


def test_images_that_were_not_asked_about_are_refused(faces, folder):
    with pytest.raises(
        RunError, match=rf"no answer to {len(faces.rows('train'))} images, such as row \d+, and no weights"
    ):
        answers.read(folder, "TinyNet", faces, RECIPE).probabilities(faces, np.arange(len(faces)))


def test_another_network_other_settings_other_data_and_other_images_are_refused(faces, folder):
    with pytest.raises(RunError, match=r"another training .*network: TinyNet, not tinyfer"):
        answers.read(folder, "tinyfer", faces, RECIPE)
    with pytest.raises(RunError, match=r"another training .*recipe.batch_size: 16, not 8"):
        answers.read(folder, "TinyNet", faces, replace(RECIPE, batch_size=8))
    with pytest.raises(RunError, match=r"another training .*rows.train"):
        answers.read(folder, "TinyNet", faces, RECIPE, faces.rows("train")[1:])
    table = faces.table.assign(label=faces.table["label"].to_numpy()[::-1])
    with pytest.raises(RunError, match=r"another training .*data"):
        answers.read(folder, "TinyNet", replace(faces, table=table, fingerprint=""), RECIPE)


@pytest.mark.parametrize("name", [checkpoint.HISTORY, checkpoint.METRICS, checkpoint.PROVENANCE, answers.ANSWERS])
def test_what_is_damaged_is_told_by_its_name(faces, folder, name):
    (folder / name).write_text("{}")
    with pytest.raises(RunError, match=f"{folder}.*(damaged|not a checkpoint)"):
        answers.read(folder, "TinyNet", faces, RECIPE)


def test_a_study_shows_it_and_what_trains_there_starts_over(faces, tmp_path):
    (trained,) = fits.fit_seeds(VARIANTS, [1], faces, tmp_path / "runs")["a"]
    folder = tmp_path / "published" / trained.folder.name
    answers.publish(trained, faces, folder)
    (shown,) = fits.fit_seeds(VARIANTS, [1], faces, tmp_path / "published", kept_only=True)["a"]
    rows = faces.rows("test")
    assert shown.network is None and shown.recipe.seed == 1
    assert np.allclose(shown.probabilities(faces, rows), trained.probabilities(faces, rows))
    (again,) = fits.fit_seeds(VARIANTS, [1], faces, tmp_path / "published")["a"]
    assert again.network is not None and not (folder / answers.ANSWERS).exists() and (folder / checkpoint.LAST).exists()


def test_what_was_published_is_published_again_as_it_is(faces, folder, tmp_path):
    answers.publish(answers.read(folder, "TinyNet", faces, RECIPE), faces, tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
