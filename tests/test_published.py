"""Published trainings are whole, and their answers are of the images that they name."""

import json
from pathlib import Path

import pandas as pd
import pytest

from fercore.training import answers, checkpoint

ROOT = Path(__file__).parents[1]
TRAININGS = sorted(ROOT.glob("reports/reference/*/trainings/*"))


@pytest.fixture(params=TRAININGS, ids=lambda folder: folder.name)
def training(request):
    return request.param


def test_it_is_whole_and_without_weights(training):
    names = {answers.ANSWERS, checkpoint.HISTORY, checkpoint.METRICS, checkpoint.PROVENANCE}
    assert {path.name for path in training.iterdir()} == names
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


def test_there_are_some():
    assert TRAININGS
