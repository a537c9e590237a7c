"""The lean networks over seeds, beside the networks that packages ship: same images, views and masks.

    pip install onnx onnxscript onnxruntime
    python tests/benchmarks/frontier.py data/fer2013 [--to reports/reference/frontier [--keep]]

runs/frontier (--runs) has the runs of `fercore train`, in folders called VARIANT-SEED: `lean_65k-42` and `lean_65k-43`
are two seeds of one variant. Each run is the epoch that PublicTest chose; PrivateTest is read here, once. With --keep,
variants without a run here stay as --to has them.

networks.csv has the scores: the public networks' are those of tests/benchmarks/public_networks.py. The interval of
several seeds is over them, that of one network over the images, so that the two say different things where they stand
beside one another. What tells networks apart is differences.csv: on the same images, with both variances
(`statistics.difference`), in mirrored views, p adjusted for all comparisons on the same images, without second files of
one package. gains.csv has what a teacher gives: VARIANT_distilled less VARIANT, by pairs of a seed; sizes.csv the
distilled networks less the one that `fercore predict` takes.
predictions.csv has what each seed answers in mirrored views. Hours are of a training's processors, without what its
soft labels took.
"""

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from ingredients import SOFT_LABELS, cost_of_soft_labels, require_seeds_of_one
from public_networks import MASK, NETWORKS, OWN, OnnxRuntime, Public, grey, latency, told_apart

from fercore import audit, datasets, models
from fercore.datasets import preprocess, splits
from fercore.deployment import predict
from fercore.evaluation import inference, metrics, statistics
from fercore.models.weights import DISTILLED, called
from fercore.reporting import plots
from fercore.results import figures, provenance, tables
from fercore.studies import fits

VIEWS = {"one": "one", "flip": "mirrored"}  # by recipe, and as the table of public networks calls them
PUBLIC = MASK.parents[1] / "public_networks/networks.csv"
PREDICTIONS = "predictions.csv"
ASIDE = [public.name for public in NETWORKS if public.aside and public.package != OWN]
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
    network = models.create(name, weights=str(run / "best.safetensors")).eval()
    side = made["recipe"]["img_size"]
    return network, {view: inference.probabilities(network, faces, rows, side, view) for view in VIEWS}


def measured(variant: str, runs: list[Path], faces: datasets.Faces, masks: dict) -> tuple[list[dict], list[np.ndarray]]:
    """What is known of a variant, a row a view; and its answers in mirrored views, int (N,) a seed. Raises ValueError
    where its runs are not seeds of one training."""
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
        "hours": np.mean([one["cpu_seconds"] for one in made]) / 3600, "ms": latency(runtime, grey(recipe["img_size"])),
    }  # fmt: skip
    selected = np.mean([json.loads((run / "metrics.json").read_text())["best"]["accuracy"] for run in runs])
    lines = []
    for view, named in VIEWS.items():
        predicted = {variant: [answers[view].argmax(1) for _, answers in found]}
        scores = statistics.wide(statistics.over_seeds(faces.labels[rows], predicted, len(faces.classes), masks))
        chosen = selected if view == recipe["tta"] else np.nan
        lines.append(about | {"views": named, "accuracy_PublicTest": chosen} | scores.loc[variant, SHOWN].to_dict())
    return lines, [answers["flip"].argmax(1) for _, answers in found]


def answered(path: Path, faces: datasets.Faces) -> pd.DataFrame:
    """What networks answer of the images that test, in mirrored views, a column each, as a predictions.csv has it.

    Raises ValueError for one of other images.
    """
    table = tables.read(path, ["row", "label"])
    splits.same_images(faces, table, str(path))
    return table.set_index("row").loc[faces.rows("test")].drop(columns=["label", "data", splits.FINGERPRINT])


def differences(
    faces: datasets.Faces, ours: dict[str, list[np.ndarray]], public: dict[str, np.ndarray], masks: dict
) -> pd.DataFrame:
    """By how much each variant, its answers a seed each, is better than each public network on the same images."""
    labels, rows = faces.labels[faces.rows("test")], {}
    for part, kept in {"published": np.ones(len(labels), bool), **masks}.items():
        for (variant, seeds), (name, other) in product(ours.items(), public.items()):
            for score in metrics.SCORES[:2] if kept.any() else ():
                own = [one[kept] for one in seeds]
                found = statistics.difference(labels[kept], own, [other[kept]], len(faces.classes), score)
                rows[variant, name, part, score] = {"seeds": len(seeds)} | found
    table = pd.DataFrame(rows).T.infer_objects().rename_axis(["network", "public", "part", "score"])
    table["p_adjusted"] = table.groupby("part")["p"].transform(statistics.adjusted)
    return table[["seeds", "difference", "low", "high", "p", "p_adjusted", "note"]]


def gains(faces: datasets.Faces, said: pd.DataFrame, masks: dict, over: str = "") -> pd.DataFrame:
    """What a teacher gives each variant that was trained with one and without: `fits.gains`, a network in place of a
    pair.

    said  what each seed answers of the images that test, a column VARIANT-SEED each
    over  a distilled variant, to compare the other distilled ones with it instead
    """
    by_seed: dict[str, dict[str, np.ndarray]] = {}
    for run, answers in said.items():
        variant, seed = str(run).rsplit("-", 1)
        by_seed.setdefault(variant, {})[seed] = answers.to_numpy()
    pairs = {variant: (variant + DISTILLED, variant) for variant in by_seed}
    if over:
        pairs = {variant: (variant, over) for variant in by_seed if variant.endswith(DISTILLED) and variant != over}
    found = fits.gains(faces.labels[faces.rows("test")], by_seed, pairs, masks, len(faces.classes))
    return found.rename_axis(["network", "part", "score"])


def earlier(folder: Path, variants: list[str]) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, list[str]]]:
    """Of what `main` wrote to a folder, the variants that are none of these: networks, differences, names of runs."""
    networks = tables.read(folder / "networks.csv").query("package == @OWN and network not in @variants")
    # empty where all seeds agree; a note is "" where there is none
    empty = dict.fromkeys(("low", "high", "p", "p_adjusted"), "")
    apart = tables.read(folder / "differences.csv", keep_default_na=False, na_values=empty)
    apart = apart[apart["network"].isin(networks["network"])].set_index(["network", "public", "part", "score"])
    runs = json.loads((folder / "provenance.json").read_text())["parameters"]["runs"]
    names = {name: runs[name] for name in networks["network"].unique()}
    return networks.drop(columns="data"), apart.drop(columns="data"), names


def to_see(apart: pd.DataFrame) -> str:
    """From which public networks the accuracy of each variant differs, on all images, as Markdown."""
    lines = []
    for variant, part in apart.xs(("published", "accuracy"), level=["part", "score"]).groupby(level=0, sort=False):
        start = f"- `{called(variant)}`, seeds: {part['seeds'].iloc[0]:.0f}; by the 95 % interval of the difference"
        lines.append(f"{start}: {told_apart(part)}.")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--runs", type=Path, default="runs/frontier")
    parser.add_argument("--soft-labels", nargs="+", default=[SOFT_LABELS], help="files that the variants learned from")
    parser.add_argument("--to", type=Path, help="where the tables, the figure and provenance.json go")
    parser.add_argument("--keep", action="store_true", help="keep there the variants that have no run here")
    words = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    faces = datasets.load_imported(words.data)
    masks = audit.without_copies(faces, "test", MASK)
    public = tables.read(PUBLIC, ["network", "views", "accuracy"]).query("package != @OWN").drop(columns="data")
    said = answered(PUBLIC.with_name(PREDICTIONS), faces)
    others = {name: said[name].to_numpy() for name in public["network"].unique() if name not in ASIDE}
    own, answers, of = [], {}, variants(words.runs)
    for variant, runs in of.items():
        lines, answers[variant] = measured(variant, runs, faces, masks)
        own += lines
    own, apart = pd.DataFrame(own), differences(faces, answers, others, masks)
    runs = {variant: [path.name for path in paths] for variant, paths in of.items()}
    said = pd.DataFrame(
        {run: one for variant, names in runs.items() for run, one in zip(names, answers[variant], strict=True)},
        pd.Index(faces.rows("test"), name="row"),
    )
    made = {"runs": runs, "compared": list(others)}
    if words.keep:
        before, differed, names = earlier(words.to, list(of))
        kept = answered(words.to / PREDICTIONS, faces)
        said = said.join(kept[[run for run in kept if run.rsplit("-", 1)[0] in names]])
        own, apart, runs = pd.concat([own, before]), pd.concat([apart, differed]), runs | names
        made = {"runs": runs, "kept": sorted(names), "compared": list(others)}  # which an earlier run of this measured
        apart["p_adjusted"] = apart.groupby("part")["p"].transform(statistics.adjusted)
    table = pd.concat([own, public.assign(seeds=1)[[name for name in own if name in public] + ["seeds"]]])
    table = table.sort_values("accuracy", ascending=False, kind="stable").set_index(["network", "views"])
    print(table.to_string())
    print(apart.to_string())
    taught = gains(faces, said, masks)
    print(taught.to_string())
    if words.to:
        caption = "PrivateTest: this project's networks, intervals over seeds, and those of packages, over images"
        if own["soft_labels"].any():
            caption += f"; hours are without soft labels: {cost_of_soft_labels(words.soft_labels)}"
        tables.save(table, words.to, "networks", faces, caption)
        caption = "PrivateTest, flip TTA: this project's networks minus those of packages, on the same images"
        tables.save(apart, words.to, "differences", faces, caption)
        caption = "PrivateTest, flip TTA: with a teacher minus from labels alone, by pairs of a seed"
        tables.save(taught, words.to, "gains", faces, caption)
        taken = predict.NETWORK + DISTILLED
        caption = f"PrivateTest, flip TTA: distilled networks minus {called(taken)}, by pairs of a seed"
        tables.save(gains(faces, said, masks, taken), words.to, "sizes", faces, caption)
        said = said.assign(label=faces.labels[said.index]).set_index("label", append=True)
        tables.save(said, words.to, PREDICTIONS.removesuffix(".csv"), faces)
        seen = {"figure": "size_and_accuracy", "sentence": to_see(apart)}
        tables.write_json(words.to / tables.SENTENCES, [seen])
        shown = table.xs("mirrored", level="views").drop(ASIDE, errors="ignore")
        shown = shown.rename(columns={"accuracy": "value", "accuracy_low": "low", "accuracy_high": "high"})
        own = {variant: called(variant) for variant in runs}
        shown = shown.rename(own)
        title = "Flip TTA, intervals of several seeds over them, of one over images"
        figures.save(plots.size_and_accuracy(shown, faces, title, list(own.values())), words.to, "size_and_accuracy")
        (words.to / "size_and_accuracy.png").unlink()
        counted = {"variants": len(runs), "compared": len(others), "images": len(faces.rows("test"))}
        tables.save_findings(counted, words.to, faces)
        tables.write_json(words.to / "provenance.json", provenance.record(made, faces))


if __name__ == "__main__":
    main()
