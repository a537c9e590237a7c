"""A file is scored by what it answers, whatever the order of its classes."""

import dataclasses

import numpy as np
import pytest

from fercore.deployment import score
from fercore.deployment.export import Description, Exported, ExportError


class Says(Exported):
    """Answers by the brightness of a face, its classes the other way round than the data have them."""

    def __init__(self, *classes):
        self.description = Description("net", "mine", classes or ("bright", "middle", "dark"), 12)

    def __call__(self, faces):
        level = np.clip((faces.reshape(len(faces), -1).mean(1) - 30) // 60, 0, 2).astype(int)
        return np.eye(3, dtype=np.float32)[2 - level] * 0.7 + 0.1


def test_scores_are_of_the_split_that_is_named(make_faces):
    faces = make_faces(600)
    assert faces.classes == ("dark", "middle", "bright")
    rows = faces.rows("test")
    found = score.score(Says(), faces, "test", {"half": np.arange(len(rows)) % 2 == 0})
    assert found.scores.loc[("published", "accuracy"), ["images", "value"]].tolist() == [len(rows), 1]
    assert found.scores.loc[("half", "macro_f1"), "images"] == -(-len(rows) // 2)
    assert found.by_class["f1"].tolist() == [1, 1, 1] and found.matrix.trace() == len(rows)
    assert found.calibration_error == pytest.approx(0.2), "right on all, at 0.8"
    labels = np.asarray(faces.classes)[faces.labels[rows]]
    assert found.predictions.reset_index()["predicted"].tolist() == labels.tolist()
    assert found.predictions["probability"].to_numpy() == pytest.approx(0.8)
    assert list(score.score(Says(), faces, "Training").predictions.index.get_level_values("row")) == list(
        faces.rows("train")
    )


def test_what_the_network_may_have_seen_is_said(make_faces):
    faces, own = make_faces(90), Says().description
    assert own.data == "mine" != faces.name
    assert "learned from mine, and may have seen images of" in score.seen(own, faces)
    own = dataclasses.replace(own, data=faces.name)
    assert score.seen(own, faces) is None and "was trained on Training" in score.seen(own, faces, "Training")
    taught = dataclasses.replace(own, data="fer2013_distilled")
    fer2013 = dataclasses.replace(faces, name="fer2013")
    assert score.seen(taught, fer2013) is None and "was trained on" in score.seen(taught, fer2013, "train")
    other = dataclasses.replace(fer2013, roles={"train": "Training", "test": "PublicTest"})
    assert "have seen images that are held out here" in score.seen(taught, other)


def test_a_file_of_other_classes_is_refused(make_faces):
    with pytest.raises(ExportError, match="is of the classes calm, glad, sad, and grey noise of dark, middle, bright"):
        score.score(Says("calm", "glad", "sad"), make_faces(90))
