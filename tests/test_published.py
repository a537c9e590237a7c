"""Published trainings are whole, and their answers are of the images that they name."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fercore.training import answers, checkpoint

ROOT = Path(__file__).parents[1]
TRAININGS = sorted(ROOT.glob("reports/reference/*/trainings/*"))
LOGITS = sorted(ROOT.glob(f"reports/reference/*/trainings/*/{answers.LOGITS}"))


@pytest.fixture(params=TRAININGS, ids=lambda folder: folder.name)
def training(request):
    return request.param


def test_it_is_whole_and_without_weights(training):
    names = {answers.ANSWERS, checkpoint.HISTORY, checkpoint.METRICS, checkpoint.PROVENANCE}
    teaches = {answers.LOGITS} if training.name.startswith("06_resemotenet-") else set()  # the one teacher trained
    assert {path.name for path in training.iterdir()} == names | teaches
    metrics = json.loads((training / checkpoint.METRICS).read_text())
    history = pd.read_csv(training / checkpoint.HISTORY)
    assert len(history) == metrics["epochs"] and history["accuracy"].idxmax() + 1 == metrics["best_epoch"]
    record = json.loads((training / checkpoint.PROVENANCE).read_text())
    assert training.name.endswith(f"-{metrics['epochs']}-{record['parameters']['recipe']['seed']}")


def test_its_answers_are_right_on_privatetest_as_often_as_on_publictest(training):
    """What they were selected by is in the history; labels of PrivateTest are in the table of predictions beside. One
    that was trained on PrivateTest, too, is right there more often."""
    labels = pd.read_csv(training.parents[1] / "predictions.csv", index_col="row")["label"]
    held, _ = checkpoint.read(training / answers.ANSWERS)
    said = pd.DataFrame(held["probabilities"].numpy(), index=held["rows"].numpy())
    assert said.sum(axis=1).sub(1).abs().max() < 1e-5 and len(said) == 2 * len(labels)
    right = said.loc[labels.index].idxmax(axis=1).eq(labels).mean()
    best = json.loads((training / checkpoint.METRICS).read_text())["best"]["accuracy"]
    if "with_the_test_set" in training.name:
        assert right > best + 0.05
    else:
        assert right == pytest.approx(best, abs=0.03)


@pytest.mark.parametrize("path", LOGITS, ids=lambda path: path.parent.name)
def test_what_a_teacher_leaves_its_students_is_of_the_images_that_it_names(path):
    """Whose labels are not here, but what another network, which had not seen them, says of them."""
    held, about = checkpoint.read(path)
    assert about["training"] == json.loads((path.parent / checkpoint.PROVENANCE).read_text())["parameters"]
    others = checkpoint.read(ROOT / "reports/reference/soft_labels/lean_250k.safetensors")[0]
    assert held["rows"].sort().values.equal(others["rows"].sort().values) and held["logits"].isfinite().all()
    other = pd.Series(others["probabilities"].argmax(1).numpy(), others["rows"].numpy()).loc[held["rows"].numpy()]
    for view in held["logits"].argmax(2).numpy():
        assert (view == other).mean() > 0.5
        assert (view == np.roll(other, 1)).mean() < 0.3


def test_there_are_some():
    assert TRAININGS
