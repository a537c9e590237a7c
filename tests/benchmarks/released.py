"""Accuracy and time of the ONNX files that come with the project, as shipped: which one to use.

    python tests/benchmarks/released.py data/fer2013 [--to reports/reference/released]

A file takes RGB faces in uint8, resizes and normalises them, sees the mirror image too and gives calibrated
probabilities; all of that is timed. INT8 files were made by `fercore export NETWORK --int8 data/fer2013`.
files.csv has one row per file, int8.csv the accuracy of INT8 minus FP32, on the same images.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from public_networks import MASK, latency

from fercore import audit, datasets, models
from fercore.deployment import export
from fercore.deployment.model_card import INT8
from fercore.evaluation import inference, metrics, statistics
from fercore.models import weights
from fercore.models.profile import profile
from fercore.results import provenance, tables

SIDES = (48, 224)  # px of the face that is timed: as those of the data set, and as a photograph has it
RARE = "disgust"


def answers(run: export.Exported, faces: datasets.Faces) -> dict[str, np.ndarray]:
    """Probabilities of the images that select and of those that test, float (N, 7), by role."""
    return {role: run.probabilities(faces, faces.rows(role)) for role in ("select", "test")}


def size(path: Path, of: export.Description) -> dict[str, float]:
    """Size of a file, parameters of its network, and millions of multiply-accumulates of one view."""
    network = models.create(of.network, weights=of.data)
    found = profile(network, (inference.channels(network), of.img_size, of.img_size))
    return {
        "MiB": path.stat().st_size / 2**20,
        "parameters": found["parameters"],
        "MMACs": found["macs"] / 1e6,
    }


def measured(
    run: export.Exported, said: dict[str, np.ndarray], faces: datasets.Faces, masks: dict[str, np.ndarray]
) -> dict:
    """What is known of one file that has said `answers`. masks  of `audit.without_copies`, for the split that tests."""
    of = run.description
    found = {"network": of.network, "weights": of.data, "precision": of.precision}
    found |= {f"ms_{side}": latency(run, np.full((1, side, side, 3), 128, np.uint8)) for side in SIDES}
    labels = {role: faces.labels[faces.rows(role)] for role in said}
    right = {role: each.argmax(1) == labels[role] for role, each in said.items()}
    found |= {f"accuracy_{faces.split_of(role)}": each.mean() for role, each in right.items()}
    scores = statistics.compare(labels["test"], said["test"].argmax(1), len(faces.classes), masks)
    scores = scores.set_index(["part", "score"])
    found |= scores.loc[("published", "accuracy"), ["low", "high"]].to_dict()
    found |= {f"accuracy_{part}": scores.loc[(part, "accuracy"), "value"] for part in masks}
    found["macro_f1"] = scores.loc[("published", "macro_f1"), "value"]
    rare = labels["test"] == faces.classes.index(RARE)
    for part, kept in {"": rare, "_near_deduplicated": rare & masks["near_deduplicated"]}.items():
        found |= {f"{RARE}{part}": int(kept.sum()), f"{RARE}_found{part}": int(right["test"][kept].sum())}
    for part, kept in {"": np.ones(len(rare), bool), "_near_deduplicated": masks["near_deduplicated"]}.items():
        sure = said["test"][kept].max(1).mean()
        found[f"calibration_error{part}"] = metrics.calibration(labels["test"][kept], said["test"][kept])[1]
        found[f"overconfidence{part}"] = sure - right["test"][kept].mean()
    return found


def int8_differences(said: dict[str, dict], faces: datasets.Faces) -> pd.DataFrame:
    """Accuracy of each INT8 file minus FP32: one row per file and split, paired by image."""
    rows = {}
    for name, each in said.items():
        if name.endswith(INT8):
            whole = said[name.replace(INT8, ".onnx")]
            for role in each:
                labels, predicted = faces.labels[faces.rows(role)], (each[role].argmax(1), whole[role].argmax(1))
                gap = statistics.difference(labels, [predicted[0]], [predicted[1]], len(faces.classes))
                same = (predicted[0] == predicted[1]).mean()
                ends = {key: gap[key] for key in ("difference", "low", "high")}
                rows[name, faces.split_of(role)] = ends | {"same_answer": same}
    return pd.DataFrame(rows).T.rename_axis(["file", "split"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--to", type=Path, help="where the tables and provenance.json go")
    words = parser.parse_args()
    faces = datasets.load_imported(words.data)
    masks = audit.without_copies(faces, "test", MASK)
    paths = sorted(weights.RELEASED.glob("*.onnx"))
    runs = {path.name: export.load(path) for path in paths}
    said = {name: answers(run, faces) for name, run in runs.items()}
    sizes = {path.name: size(path, runs[path.name].description) for path in paths}
    rows = {name: sizes[name] | measured(run, said[name], faces, masks) for name, run in runs.items()}
    table, apart = pd.DataFrame(rows).T.infer_objects().rename_axis("file"), int8_differences(said, faces)
    print(table.to_string(), apart.to_string(), sep="\n")
    if words.to:
        caption = "ONNX files as they are shipped: size, milliseconds of one core for a face, PrivateTest"
        tables.save(table, words.to, "files", faces, caption)
        caption = "Accuracy in INT8 less that in FP32, and the share of images with the same answer"
        tables.save(apart, words.to, "int8", faces, caption)
        tables.save_findings({"files": len(table), "images": len(faces.rows("test"))}, words.to, faces)
        digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
        tables.write_json(words.to / "provenance.json", provenance.record({"files": digests}, faces, "cpu"))


if __name__ == "__main__":
    main()
