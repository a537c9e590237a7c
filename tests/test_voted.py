"""The benchmark of FER+'s labels changes what is true of an image, and neither the images nor what was answered."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fercore.datasets import votes
from fercore.results import tables

ROOT = Path(__file__).parents[1]

CLASSES = ("angry", "disgust", "fear")


@pytest.fixture
def benchmark(benchmark_of):
    return benchmark_of("voted")


def test_a_majority_for_a_class_of_the_set_is_its_label(benchmark, make_faces):
    """In the set's own order of classes, which is not FER+'s."""
    faces = make_faces(12, classes=CLASSES)
    counts = np.zeros((12, 10), int)
    for row, given in enumerate(({"fear": 9}, {"anger": 6, "fear": 4}, {"disgust": 5, "fear": 5}, {"NF": 10})):
        for name, count in given.items():
            counts[row, votes.VOTES.index(name)] = count
    counts[4:, votes.VOTES.index("happiness")] = 10  # a class that these faces do not have
    columns = {f"votes_{name}": counts[:, place] for place, name in enumerate(votes.VOTES)}
    found = benchmark.voted(replace(faces, table=faces.table.assign(**columns)), np.arange(5))
    assert found.tolist() == [2, 0, -1, -1, -1]


def test_the_same_answers_are_scored_by_both_labels(benchmark):
    labels, by_votes = np.array([0, 0, 1, 1, 2, 2, 0, 1]), np.array([0, 1, 1, 1, 2, 0, 0, -1])
    own = next(public.name for public in benchmark.NETWORKS if public.package == benchmark.OWN)
    said = {"XCEPTION": labels, own: np.where(by_votes < 0, 2, by_votes), "mini-XCEPTION": np.zeros(8, int)}
    masks = {"near_deduplicated": np.arange(8) < 5}
    networks, gaps = benchmark.compared(labels, said, by_votes, masks, 3)
    whole = networks.xs(("published", "accuracy"), level=("part", "score"))
    assert whole["images"].eq(7).all(), "the last has no majority"
    assert whole.loc[own, ["own", "voted"]].tolist() == pytest.approx([5 / 7, 1])
    assert whole.loc["XCEPTION", ["own", "voted"]].tolist() == pytest.approx([1, 5 / 7])
    part = networks.xs(("near_deduplicated", "accuracy"), level=("part", "score"))
    assert part["images"].eq(5).all() and part.loc["XCEPTION", "voted"] == pytest.approx(0.8)
    gap = gaps["difference"].xs("accuracy", level="score")
    assert gap[own, "XCEPTION", "published"] == pytest.approx(2 / 7)
    assert gap[own, "XCEPTION", "near_deduplicated"] == pytest.approx(0.2)
    assert gap[own, "mini-XCEPTION", "published"] == pytest.approx(1 - 3 / 7)


def test_what_is_said_is_of_the_tables_that_are_committed(benchmark):
    folder = ROOT / "reports/reference/voted"
    networks = tables.read(folder / "networks.csv").set_index(["network", "part", "score"])
    gaps = tables.read(folder / "gaps.csv").set_index(["ours", "network", "part", "score"])
    (said,) = json.loads((folder / tables.SENTENCES).read_text(encoding="utf-8"))
    assert said == {"figure": "", "sentence": benchmark.to_see(networks, gaps)}
