"""The benchmark of class priors chooses on the split that selects, and adjusts what is answered and nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest

from fercore.results import tables

ROOT = Path(__file__).parents[1]

CLASSES = ("angry", "disgust", "fear")


@pytest.fixture
def priors(benchmark_of):
    return benchmark_of("priors")


def test_tau_takes_the_share_of_the_class_off(priors):
    said, shares = np.array([[0.6, 0.3, 0.1], [0.5, 0.0, 0.5]]), np.array([0.8, 0.1, 0.1])
    assert priors.answers(said, shares, 0.0).tolist() == [0, 0]
    assert priors.answers(said, shares, 1.0).tolist() == [1, 2], "0.3 / 0.1 is more than 0.6 / 0.8"
    assert priors.answers(said, np.full(3, 1 / 3), 1.0).tolist() == [0, 0]


def test_the_smallest_tau_with_the_best_macro_f1_is_chosen(priors):
    labels, shares = np.array([0, 0, 0, 1, 2]), np.array([0.8, 0.1, 0.1])
    said = np.array([[0.9, 0.05, 0.05]] * 3 + [[0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
    tau = priors.chosen(said, labels, shares)
    assert tau == min(tau for tau in priors.TAUS if priors.answers(said, shares, tau).tolist() == labels.tolist()) > 0
    assert priors.chosen(np.eye(3)[labels] * 0.9 + 0.03, labels, shares) == 0.0


def test_a_tau_of_the_one_split_is_tried_on_the_other(priors, make_faces, monkeypatch):
    faces = make_faces(90, classes=CLASSES)
    labels = {split: faces.labels[faces.rows(split)] for split in ("PublicTest", "PrivateTest")}
    right = {split: np.eye(3)[each] * 0.9 + 0.03 for split, each in labels.items()}
    shy = {split: np.where(np.arange(3) == 1, 0.02, 1.0) * each for split, each in right.items()}
    own = next(public.name for public in priors.NETWORKS if public.package == priors.OWN)
    monkeypatch.setattr(priors, "shares_of", lambda faces: np.array([0.495, 0.01, 0.495]))
    found = {"XCEPTION": right, "mini-XCEPTION": shy, own: shy}
    networks, gaps = priors.compared(faces, found, {"near_deduplicated": np.arange(15) < 8})
    assert set(networks.index.get_level_values("part")) == {"published", "near_deduplicated"}
    one = networks.xs(("published", "macro_f1"), level=("part", "score"))
    assert one["tau"].gt(0).tolist() == [False, True, True]
    assert np.allclose(one["difference"], one["adjusted"] - one["as_it_is"]) and one["adjusted"].eq(1).all()
    assert one["disgust_adjusted"].eq((labels["PrivateTest"] == 1).sum()).all() and one["disgust_as_it_is"].iloc[1] == 0
    assert one.loc["XCEPTION", ["low", "high"]].tolist() == [0, 0], "which is certain"
    rival = gaps.xs(("published", "macro_f1"), level=("part", "score"))["difference"]
    assert rival[own, "XCEPTION", "as_it_is"] < rival[own, "XCEPTION", "adjusted"] == 0
    assert rival[own, "mini-XCEPTION", "as_it_is"] == rival[own, "mini-XCEPTION", "adjusted"] == 0, "both, or neither"
    part = networks.xs(("near_deduplicated", "macro_f1"), level=("part", "score"))["disgust_adjusted"]
    assert part.eq((labels["PrivateTest"][:8] == 1).sum()).all()
    found = {
        "XCEPTION": right,
        "mini-XCEPTION": right,
        own: {"PublicTest": right["PublicTest"], "PrivateTest": shy["PrivateTest"]},
    }
    networks, _ = priors.compared(faces, found, {})
    assert networks["tau"].eq(0).all(), "what the split that tests would choose is nobody's to know"


def test_shares_are_of_the_training_images(priors, make_faces):
    faces = make_faces(90, classes=CLASSES)
    faces.table.loc[faces.table["split"] != "Training", "label"] = 0
    assert np.allclose(priors.shares_of(faces), 1 / 3)


def test_what_is_said_is_of_the_tables_that_are_committed(priors):
    folder = ROOT / "reports/reference/priors"
    networks = tables.read(folder / "networks.csv").set_index(["network", "part", "score"])
    gaps = tables.read(folder / "gaps.csv").set_index(["ours", "network", "answers", "part", "score"])
    (said,) = json.loads((folder / tables.SENTENCES).read_text(encoding="utf-8"))
    assert said == {"figure": "", "sentence": priors.to_see(networks, gaps)}
