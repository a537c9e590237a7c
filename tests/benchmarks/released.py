"""What the ONNX files that come with the project score and take, as they are shipped: which one to take.

    python tests/benchmarks/released.py data/fer2013 [--to reports/reference/released]

A file takes RGB faces in uint8, resizes and normalises them, sees the mirror image too and gives calibrated
probabilities; all of that is timed. Those in eight bits were made by `fercore export NETWORK --int8 data/fer2013`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from public_networks import MASK, latency

from fercore import audit, datasets
from fercore.deployment import export
from fercore.evaluation import metrics, statistics
from fercore.models import weights
from fercore.results import provenance, tables

RARE = "disgust"


def measured(path: Path, faces: datasets.Faces, masks: dict[str, np.ndarray]) -> dict:
    """What is known of one file. masks  as `audit.without_copies` has them for the split that tests."""
    run = export.load(path)
    side = max(run.description.face_shape)
    found = {
        "network": run.description.network,
        "data": run.description.data,
        "precision": run.description.precision,
        "MiB": path.stat().st_size / 2**20,
        "ms": latency(run, np.full((1, side, side, 3), 128, np.uint8)),
    }
    for role in ("select", "test"):
        rows = faces.rows(role)
        labels = faces.labels[rows]
        answers = np.concatenate([run(faces.pixels[part]) for part in np.array_split(rows, -(-len(rows) // 64))])
        predicted, split = answers.argmax(1), faces.split_of(role)
        found[f"accuracy_{split}"] = (predicted == labels).mean()
    scores = statistics.compare(labels, predicted, len(faces.classes), masks).set_index(["part", "score"])
    accuracy = scores.loc[("published", "accuracy")]
    found |= {"low": accuracy["low"], "high": accuracy["high"]}
    found |= {f"accuracy_{part}": scores.loc[(part, "accuracy"), "value"] for part in masks}
    found["macro_f1"] = scores.loc[("published", "macro_f1"), "value"]
    found[f"recall_{RARE}"] = (predicted == labels)[labels == faces.classes.index(RARE)].mean()
    return found | {"calibration_error": metrics.calibration(labels, answers)[1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--to", type=Path, help="where the table and provenance.json go")
    words = parser.parse_args()
    faces = datasets.load_imported(words.data)
    masks = audit.without_copies(faces, "test", MASK)
    rows = {path.name: measured(path, faces, masks) for path in sorted(weights.RELEASED.glob("*.onnx"))}
    table = pd.DataFrame(rows).T.infer_objects().rename_axis("file").rename(columns={"data": "weights"})
    print(table.to_string())
    if words.to:
        caption = "ONNX files as they are shipped: size, milliseconds of one core for a face, PrivateTest"
        tables.save(table, words.to, "files", faces, caption)
        tables.save_findings({"files": len(table), "images": len(faces.rows("test"))}, words.to, faces)
        tables.write_json(words.to / "provenance.json", provenance.record({"files": list(table.index)}, faces, "cpu"))


if __name__ == "__main__":
    main()
