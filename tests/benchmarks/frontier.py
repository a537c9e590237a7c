"""The lean networks over seeds, beside the networks that packages ship: same images, views and masks.

    pip install onnx onnxscript onnxruntime
    python tests/benchmarks/frontier.py runs/frontier --data data/fer2013 [--to reports/reference/frontier]

runs/frontier has the runs of `fercore train`, in folders called VARIANT-SEED: `lean_65k-42` and `lean_65k-43` are two
seeds of one variant. Each run is the epoch that PublicTest chose; PrivateTest is read here, once. The public networks'
rows are those of tests/benchmarks/public_networks.py. The interval of several seeds is over them, that of one network
over the images.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from ingredients import require_seeds_of_one
from public_networks import MASK, OWN, OnnxRuntime, Public, latency

from fercore import audit, datasets, models
from fercore.datasets import preprocess
from fercore.evaluation import inference, statistics
from fercore.reporting import plots
from fercore.results import figures, provenance, tables

VIEWS = {"one": "one", "flip": "mirrored"}  # by recipe, and as the table of public networks calls them
PUBLIC = MASK.parents[1] / "public_networks/networks.csv"
SHOWN = ["accuracy", "accuracy_low", "accuracy_high", "macro_f1", "macro_f1_low", "macro_f1_high"]
SHOWN += [f"{score}_{part}" for part in ("deduplicated", "near_deduplicated") for score in ("accuracy", "macro_f1")]


def variants(folder: Path) -> dict[str, list[Path]]:
    """The runs that have ended, by variant."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*-*/provenance.json")):
        found.setdefault(path.parent.name.rsplit("-", 1)[0], []).append(path.parent)
    return found


def predictions(run: Path, faces: datasets.Faces, rows: np.ndarray) -> tuple[torch.nn.Module, dict]:
    """The network of a run, and its probabilities of `rows` in each of VIEWS."""
    made = json.loads((run / "provenance.json").read_text())["parameters"]
    name = made["network"].split(",")[0]
    network = models.create(name, weights=str(run / "best.safetensors"), **made["start"]["options"]).eval()
    side = made["recipe"]["img_size"]
    return network, {view: inference.probabilities(network, faces, rows, side, view) for view in VIEWS}


def row(variant: str, runs: list[Path], faces: datasets.Faces, masks: dict) -> list[dict]:
    """What is known of a variant, a row a view. Raises ValueError where its runs are not seeds of one training."""
    made = [json.loads((run / "provenance.json").read_text()) for run in runs]
    require_seeds_of_one(dict(zip((run.name for run in runs), made, strict=True)))
    rows, found = faces.rows("test"), [predictions(run, faces, faces.rows("test")) for run in runs]
    recipe, network = made[0]["parameters"]["recipe"], found[0][0]
    level = (255 * float(np.mean(preprocess.MEAN)),), (255 * float(np.mean(preprocess.STD)),)
    fed = Public(variant, OWN, "", "", lambda *_: network, recipe["img_size"], 1, *level, whole=False)
    runtime = OnnxRuntime(network, fed)
    about = {
        "network": variant, "package": OWN, "parameters": runtime.parameters, "epochs": recipe["epochs"],
        "soft_labels": recipe["soft_labels"] != "none", "seeds": len(runs),
        "hours": np.mean([one["cpu_seconds"] for one in made]) / 3600, "ms": latency(runtime, recipe["img_size"]),
    }  # fmt: skip
    selected = np.mean([json.loads((run / "metrics.json").read_text())["best"]["accuracy"] for run in runs])
    lines = []
    for view, called in VIEWS.items():
        predicted = {variant: [answers[view].argmax(1) for _, answers in found]}
        scores = statistics.wide(statistics.over_seeds(faces.labels[rows], predicted, len(faces.classes), masks))
        chosen = selected if view == recipe["tta"] else np.nan
        lines.append(about | {"views": called, "accuracy_PublicTest": chosen} | scores.loc[variant, SHOWN].to_dict())
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--to", type=Path, help="where the table, the figure and provenance.json go")
    words = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    faces = datasets.load_imported(words.data)
    masks = audit.without_copies(faces, "test", MASK)
    of = variants(words.runs)
    own = pd.DataFrame([line for variant, runs in of.items() for line in row(variant, runs, faces, masks)])
    public = tables.read(PUBLIC, ["network", "views", "accuracy"]).query("package != @OWN").drop(columns="data")
    table = pd.concat([own, public.assign(seeds=1)[[name for name in own if name in public] + ["seeds"]]])
    table = table.sort_values("accuracy", ascending=False).set_index(["network", "views"])
    print(table.to_string())
    if words.to:
        caption = "PrivateTest: this project's networks, intervals over seeds, and those of packages, over images"
        tables.save(table, words.to, "networks", faces, caption)
        shown = table.xs("mirrored", level="views").rename(
            columns={"accuracy": "value", "accuracy_low": "low", "accuracy_high": "high"}
        )
        figure = plots.size_and_accuracy(shown, faces, "Flip TTA; ours: intervals over seeds", list(of))
        figures.save(figure, words.to, "size_and_accuracy")
        runs = {variant: [path.name for path in paths] for variant, paths in of.items()}
        tables.write_json(words.to / "provenance.json", provenance.record({"runs": runs}, faces))


if __name__ == "__main__":
    main()
