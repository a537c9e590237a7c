"""What a study says of its folds is what one counts by hand, and whoever copies the most similar image is found out."""

import numpy as np
import pandas as pd
import pytest

from fercore import datasets
from fercore.datasets.faces import Faces, table
from fercore.evaluation import metrics
from fercore.studies.cross_validation import COPIES, RANDOM, SUBJECTS, grid
from fercore.studies.study import Study, student_recipe


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = str(datasets.import_dataset("synthck", None, tmp_path_factory.mktemp("ck"), images=160).parent)
    return Study.of({"ckplus": folder}, ["ckplus"], {"ckplus": 60}, 2, runs=str(tmp_path_factory.mktemp("runs")))


@pytest.fixture
def copies(tmp_path):
    """Nobody, on twelve photographs; each is there twice, with the same label."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (12, 48, 48), np.uint8).repeat(2, axis=0)
    faces = Faces("nobody", pixels, table((np.arange(24) // 2) % 2), ("a", "b"))
    datasets.store.save(faces, tmp_path / "set")
    return Study.of({"fer2013": str(tmp_path / "set")}, ["fer2013"], {}, 3)


def test_images_are_whole_ones_and_their_set_is_called_what_it_is(study):
    faces = study.faces["synthck"]
    assert (
        60 <= len(faces) < 100
        and faces.pixels.shape[1:] == datasets.load_imported(study.samples["synthck"].folder).pixels.shape[1:]
    )
    assert study.labels == {"synthck": "synthck (synthetic)"}
    frame = pd.DataFrame({"data": ["synthck"], "x": [1]})
    assert study.labelled(frame)["data"].tolist() == ["synthck (synthetic)"]
    assert study.labelled(frame.set_index("data")).index.tolist() == ["synthck (synthetic)"]


def test_every_image_is_held_out_once(study):
    held = study.held_out()
    assert held.index.tolist() == [("synthck", SUBJECTS), ("synthck", RANDOM)]
    assert (held.sum(axis=1) == len(study.faces["synthck"])).all() and list(held) == [0, 1]


def test_nobody_is_on_both_sides_of_a_grouped_fold(study, copies):
    for one, grouped in ((study, SUBJECTS), (copies, COPIES)):
        sides = one.both_sides().droplevel("data")
        assert sides.loc[grouped, "known"] == 0 < sides.loc[RANDOM, "known"]
    name, (faces, group, folds) = next(iter(study.sets.items()))
    by_hand = [((group == group[row]) & (folds[RANDOM] != folds[RANDOM][row])).any() for row in range(len(faces))]
    sides = study.both_sides().loc[(name, RANDOM)]
    assert sides["known"] == sum(by_hand) and sides["share"] == pytest.approx(np.mean(by_hand))


def test_a_copyist_knows_the_copies_and_nothing_else(copies):
    found = copies.nearest().loc["nobody"]
    known = copies.both_sides().loc[("nobody", RANDOM), "share"]
    assert found.loc[RANDOM, "same"] == pytest.approx(known) and found.loc[COPIES, "same"] == 0
    assert found.loc[RANDOM, "accuracy"] >= known > found.loc[COPIES, "accuracy"]


def test_what_belongs_together_is_given_the_longest_first(study):
    rows = study.together("synthck")
    group = study.sets["synthck"].group
    assert sorted(np.concatenate(rows)) == list(range(len(group)))
    assert all(len(set(group[some])) == 1 for some in rows)
    sizes = [len(some) for some in rows]
    assert sizes == sorted(sizes, reverse=True)


def test_trained_networks_have_learned_and_untrained_ones_have_not(study, monkeypatch):
    recipe = student_recipe(3, 16, 1e-3)
    trials = grid(study.samples, ["candidate_p12_xxs"], [1])
    found = study.train(trials, recipe, "trained")
    learned = study.learned(found)
    assert learned["trained"].tolist() == learned["learned"].tolist() == [2, 2]
    assert study.train(trials, recipe, "trained").equals(found)  # kept in RUNS/trained
    untrained = study.train(trials, student_recipe(3, 16, 1e-12), "untrained")
    assert study.learned(untrained)["learned"].sum() < 4


def test_who_gives_every_face_the_same_answer_is_counted(study):
    faces, _, folds = study.sets["synthck"]
    trials = grid(study.samples, ["xxs", "m"], [1], group_split=True)
    rows = []
    for network, fold in zip(trials["network"], trials["fold"], strict=True):
        labels = faces.labels[folds[SUBJECTS] == fold]
        common = np.full(len(labels), np.bincount(labels).argmax())
        some = np.where(np.arange(len(labels)) % 9, common, labels)  # a few others are right as well
        matrix = metrics.confusion(labels, common if network == "xxs" or fold else some, len(faces.classes))
        rows.append({name: metrics.scores(matrix)[name] for name in ("accuracy", "macro_f1")})
    same = study.one_answer(trials.join(pd.DataFrame(rows))).loc["synthck", SUBJECTS]
    assert same.loc["xxs"].tolist() == [2, 2] and same.loc["m"].tolist() == [2, 1]


def test_the_split_that_scores_more(study):
    by_split = pd.DataFrame(
        [[0.4, 0.5], [0.6, 0.7]], pd.MultiIndex.from_tuples(list(study.held_out().index), names=["data", "split"])
    )
    assert study.gap(by_split).loc["synthck"].tolist() == [True]
    assert study.gap(1 - by_split).loc["synthck"].tolist() == [False]
