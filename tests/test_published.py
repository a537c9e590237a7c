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


def test_what_they_took_is_told_beside_them():
    """Each kind of training of notebook 6 has a row with its hours, and the text their sum."""
    text = (ROOT / "reports/reference/README.md").read_text(encoding="utf-8")
    section = text.split("## The trainings of 06\n")[1].split("\n## ")[0]
    took = {}
    for folder in (ROOT / "reports/reference/06_mini_resemotenet/trainings").iterdir():
        record = json.loads((folder / checkpoint.PROVENANCE).read_text())
        took[folder.name.split("-")[0].removeprefix("06_"), folder.name[-2:]] = record["cpu_seconds"] / 3600
    assert f"took some {round(sum(took.values()))} hours of one core" in " ".join(section.split())
    kinds = [
        ("student A", {"a_alone", "E1", "E2"}), ("student B", {"b_alone", "E3", "E4", "E5"}),
        ("student C, alone and by E6, seeds", {"c_alone", "E6"}),
        ("student C by E6 with the other", {"E6_as_in_the_text", "E6_by_resemotenet"}),
        ("student C alone, without", {"c_without_copies_of_the_test_set", "c_with_the_test_set"}),
        ("ResEmoteNet", {"resemotenet"}),
    ]  # fmt: skip
    assert {name for name, _ in took} == set.union(*(names for _, names in kinds))
    for start, names in kinds:
        (row,) = [line for line in section.splitlines() if line.startswith(f"| {start}")]
        hours = [value for (name, _), value in took.items() if name in names]
        ends = list(dict.fromkeys(f"{end:.1f}".removesuffix(".0") for end in (min(hours), max(hours))))
        assert row.endswith(f"| {' to '.join(ends)} |"), (row, ends)
    assert {seed for (name, seed) in took if name in ("c_alone", "E6")} == {"42", "43", "44"}
