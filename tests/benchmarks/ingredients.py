"""Ablation of the lean networks' recipe: trainings with and without each ingredient, paired by seed.

    python tests/benchmarks/ingredients.py data/fer2013 [--runs runs/ingredients] [--epochs 20] [--seeds 42 43 44]
        [--only NAME ...] [--to reports/reference/ingredients]

LEFT_OUT is taken out of the recipe, TRIED is put in: the first three are of airbench (K. Jordan, 2024,
arXiv:2404.00498), where they pay on CIFAR-10; then smaller images first, adjusted logits, a teacher, as
params/recipes/lean_65k-fer2013_distilled.yaml has it, and soft labels. Accuracy is PublicTest's after the last epoch,
by the recipe's views; PrivateTest is not looked at, since the recipe is chosen by this. Trainings, some five minutes of
one core each for 20 epochs and half an hour for 120, go on where they were stopped, and several calls share them where
they name other seeds or ingredients (--only); --to writes the tables of what there is. A teacher and soft labels take
the place of smoothing, and so are compared with the recipe without it. Intervals are of one ingredient each; p_adjusted
is of the paired t-test, for the number of ingredients and both scores. Minutes are of processors, whatever else ran,
and `time` is their ratio: without what the teacher's training and soft labels take, which are made before and serve all
trainings.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from scipy import stats

from fercore import datasets, models
from fercore.datasets import preprocess
from fercore.evaluation.statistics import adjusted, student
from fercore.pipeline.parameters import read_params
from fercore.reporting import plots
from fercore.reporting.sentences import listed
from fercore.results import figures, provenance, tables
from fercore.results.text import markdown
from fercore.studies import out_of_fold, teachers
from fercore.training import checkpoint, trainer
from fercore.training.augment import AUGMENTATIONS
from fercore.training.recipe import Recipe, from_plain

RECIPE = "the recipe"
GIVES = ("accuracy", "macro_f1")
GAINS = "PublicTest accuracy with it, less without it, points, over seeds alone"
SMOOTHING = "label smoothing"
LEFT_OUT = {
    SMOOTHING: {"smoothing": 0.0},
    "EMA of the weights": {"ema": 0.0},
    "augmentation beyond flips": {"augmentation": AUGMENTATIONS["flip"]},
    "warm-up": {"warmup": 0},
    "no weight decay on biases and BN": {"filter_bias_and_bn": False},
    "no class weights": {"class_weighted": True},
    "bf16": {"precision": "fp32"},
}
SOFT = "soft labels"
RECIPES = Path(__file__).parents[2] / "params/recipes"
SOFT_LABELS = RECIPES.parents[1] / "reports/reference/soft_labels/lean_250k.safetensors"
FLIPS, STEM, SHIFTS, SIDES = (
    "alternating flips",
    "whitening stem",
    "BN biases at 4 times the rate",
    "progressive resizing",
)
ADJUSTED, TAUGHT = "logit adjustment", "distillation"
DISTILLED = RECIPES / "lean_65k-fer2013_distilled.yaml"
TRIED = (FLIPS, STEM, SHIFTS, SIDES, ADJUSTED, TAUGHT, SOFT)


class AlternatingFlips(trainer._Training):
    """Every image is mirrored in every second epoch, in place of by chance."""

    def step(self, pixels, index, random, epoch):
        first = torch.Generator().manual_seed(self.recipe.seed)
        odd = torch.randint(2, (len(self.images),), generator=first)[index.cpu()].to(pixels.device)
        mirrored = ((odd + int(epoch)) % 2 == 1).reshape(-1, *[1] * (pixels.ndim - 1))
        pixels = torch.where(mirrored, pixels.flip(-1), pixels)
        return super().step(pixels, index, random, epoch)


class FasterShifts(trainer._Training):
    """Biases, which are mostly what batch normalisation adds, learn faster. airbench's 64 times is for SGD."""

    TIMES = 4

    def __init__(self, network, *rest):
        super().__init__(network, *rest)
        biases = [value for name, value in network.named_parameters() if name.endswith("bias")]
        spared = self.optimizer.param_groups[1]
        known = {id(value) for value in biases}
        spared["params"] = [value for value in spared["params"] if id(value) not in known]
        self.optimizer.add_param_group({"params": biases, "weight_decay": 0.0})
        self.optimizer.register_step_pre_hook(self.faster)

    def faster(self, optimizer, *_):
        optimizer.param_groups[2]["lr"] = self.TIMES * optimizer.param_groups[1]["lr"]


class GrowingImages(trainer._Training):
    """Two thirds and five sixths of the side in the first two thirds of the training."""

    def step(self, pixels, index, random, epoch):
        whole, third = self.recipe, min(int(3 * epoch / self.recipe.epochs), 2)
        self.recipe = replace(whole, img_size=round(whole.img_size * (4 + third) / 6))
        try:
            return super().step(pixels, index, random, epoch)
        finally:
            self.recipe = whole


class AdjustedLogits(trainer._Training):
    """Half the logarithm of a class's share is added in training, so that the network need not learn how rare it is
    (A. K. Menon and others, ICLR 2021, arXiv:2007.07314; there the whole)."""

    def __init__(self, network, *rest):
        super().__init__(network, *rest)
        plain, shares = self.criterion, torch.bincount(self.labels, minlength=self.classes) / len(self.labels)
        self.criterion = lambda logits, *more: plain(logits + 0.5 * shares.log(), *more)


def whitened(network: torch.nn.Module, faces: datasets.Faces) -> torch.nn.Module:
    """The stem's filters as the strongest whitened directions of the training images' patches, and their negatives."""
    filters = network.stem[0].weight
    count, _, side, _ = filters.shape
    sample = np.sort(np.random.default_rng(0).choice(faces.rows("train"), 2000, replace=False))
    images = preprocess.normalise(preprocess.to_float(torch.from_numpy(np.asarray(faces.pixels[sample]))), 1)
    patches = torch.nn.functional.unfold(images, side, stride=3).transpose(1, 2).reshape(-1, side * side).double()
    values, vectors = torch.linalg.eigh(torch.cov(patches.T))
    strongest = (vectors / (values + 1e-2).sqrt()).flip(1)[:, : count // 2].T.reshape(-1, 1, side, side)
    with torch.no_grad():
        filters.copy_(torch.cat([strongest, -strongest]))
    return network


def distilled(recipe: Recipe) -> tuple[Recipe, tuple[str, str]]:
    """The recipe with the distillation of DISTILLED in place of its smoothing, and that one's teacher."""
    plain = read_params(DISTILLED)
    recipe = from_plain(recipe.plain() | {"smoothing": 0.0, "distillation": plain["distillation"]})
    return recipe, (plain["teacher_network"], plain["teacher_weights"])


def train(name: str, network: str, recipe: Recipe, faces: datasets.Faces, soft, folder: Path) -> None:
    kinds = {FLIPS: AlternatingFlips, SHIFTS: FasterShifts, SIDES: GrowingImages, ADJUSTED: AdjustedLogits}
    given, words = network, {}
    if name in LEFT_OUT:
        recipe = replace(recipe, **LEFT_OUT[name])
    if name == FLIPS:
        recipe = replace(recipe, augmentation=replace(recipe.augmentation, flip=0.0))
    if name == STEM:
        torch.manual_seed(recipe.seed)
        given = whitened(models.create(network, len(faces.classes)), faces)
    if name == SOFT:
        recipe = replace(recipe, smoothing=0.0, soft_labels="given", soft_weight=0.7)
        words["soft_labels"] = soft
    if name == TAUGHT:
        recipe, teacher = distilled(recipe)
        words["teacher"] = teachers.of_student(*teacher, faces, network, recipe)
    with patch.object(trainer, "_Training", kinds.get(name, trainer._Training)):
        run = trainer.fit(given, faces, recipe, folder, **words)
    print(f"{folder}: {run.history['accuracy'].iloc[-1]:.4f}", flush=True)


def require_seeds_of_one(runs: Mapping[str, Mapping]) -> None:
    """Raise ValueError where runs, their provenance by folder, are not of one network and one recipe but for its seed:
    what a folder is called says nothing of what lies in it."""
    (first, of), *others = ((name, made["parameters"]) for name, made in runs.items())
    for name, parameters in others:
        one, two = of["recipe"], parameters["recipe"]
        differ = sorted(key for key in {*one, *two} - {"seed"} if one.get(key) != two.get(key))
        differ += ["network"] * (parameters["network"] != of["network"])
        if differ:
            raise ValueError(f"{first} and {name} are not seeds of one training: they differ in {', '.join(differ)}")


def gathered(folder: Path) -> pd.DataFrame:
    """A row a training that has ended: ingredient, seed, accuracy, macro_f1, train_accuracy, minutes.

    Raises ValueError where an ingredient's folders are not of one training, and where not all have as many epochs and
    weights of the same shapes.
    """
    rows, of = [], {}
    for path in sorted(folder.glob("*/provenance.json")):
        made = json.loads(path.read_text())
        recipe = made["parameters"]["recipe"]
        last = pd.read_csv(path.parent / "history.csv").iloc[-1]
        row = {"ingredient": path.parent.name.rsplit("-", 1)[0].replace("_", " "), "seed": recipe["seed"]}
        of.setdefault(row["ingredient"], {})[path.parent.name] = made
        rows.append(row | {name: last[name] for name in (*GIVES, "train_accuracy")})
        rows[-1]["minutes"] = made["cpu_seconds"] / 60
    for runs in of.values():
        require_seeds_of_one(runs)
    compared = {_shapes_and_epochs(next(iter(runs.values()))) for runs in of.values()}
    if len(compared) > 1:
        raise ValueError(f"{folder} has ingredients of several trainings: {'; '.join(sorted(compared))}")
    return pd.DataFrame(rows)


def _shapes_and_epochs(made: Mapping) -> str:
    """Without the network's name, which one that was changed before the training does not have."""
    parameters = made["parameters"]
    return f"{parameters['network'].partition(', ')[2]}, {parameters['recipe']['epochs']} epochs"


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """What each ingredient gives: with it less without it, by pairs of a seed, with Student's 95 % interval.

    Raises ValueError where what takes the place of smoothing has no trainings without any to be compared with.
    """
    of = runs.pivot(index="seed", columns="ingredient")
    rows, p = {}, {}
    for name in (name for name in (*LEFT_OUT, *TRIED) if name in of["accuracy"]):
        sign, base = -1 if name in LEFT_OUT else 1, SMOOTHING if name in (TAUGHT, SOFT) else RECIPE
        if base not in of["accuracy"]:
            raise ValueError(f"{name} is compared with trainings without {base}: run these, too (--only)")
        rows[name] = {"in_the_recipe": name in LEFT_OUT}
        for score in GIVES:
            gaps = sign * (of[score][name] - of[score][base]).dropna().to_numpy()
            low, high = student(gaps)
            rows[name] |= {score: gaps.mean(), f"{score}_low": low, f"{score}_high": high}
            p[name, score] = np.nan if np.isnan(low) else stats.ttest_1samp(gaps, 0).pvalue
        minutes = of["minutes"][[name, base]].dropna().mean()
        rows[name] |= {"seeds": len(gaps), "time": (minutes[name] / minutes[base]) ** sign}
    found = pd.DataFrame(rows).T.rename_axis("ingredient")
    for score in GIVES:
        found.insert(
            found.columns.get_loc(f"{score}_high") + 1, f"{score}_p_adjusted", adjusted(pd.Series(p)).xs(score, level=1)
        )
    return found


def to_see(found: pd.DataFrame) -> str:
    """Which ingredients each score rises with, falls with, or is not shown to change with, by each one's interval, and
    what of it is left by p adjusted for their number, as Markdown."""
    sentences, left = [], []
    for score, name in zip(GIVES, ("Accuracy", "Macro-F1"), strict=True):
        rises, falls = found[f"{score}_low"] > 0, found[f"{score}_high"] < 0
        kinds = {
            "rises with": rises,
            "falls with": falls,
            "is not shown to change with": ~rises & ~falls,
        }
        said = [f"{words} {listed(map(markdown, found.index[which]))}" for words, which in kinds.items() if which.any()]
        sentences.append(f"{name} {'; it '.join(said)}.")
        sure = found.index[found[f"{score}_p_adjusted"] < 0.05]
        left += [f"{name[0].lower()}{name[1:]} with {listed(map(markdown, sure))}"] * (len(sure) > 0)
    return " ".join([*sentences, f"Adjusted for all comparisons, p is below 0.05 for {listed(left)}."])


def cost_of_soft_labels(files: Sequence[str | Path]) -> str:
    """What files of soft labels were made by, which is told nowhere in hours: "5 trainings of lean_250k, 55 epochs"."""
    said = []
    for path in files:
        _, record = checkpoint.read(Path(path))
        trainings = record["folds"] * len(record["seeds"])
        said.append(f"{trainings} trainings of {record['network']}, {record['recipe']['epochs']} epochs")
    return " and ".join(said)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--recipe", default=RECIPES / "lean_65k-fer2013.yaml")
    parser.add_argument("--runs", type=Path, default="runs/ingredients", help="where trainings are")
    parser.add_argument("--soft-labels", nargs="+", default=[SOFT_LABELS])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--only", nargs="*", default=[RECIPE, *LEFT_OUT, *TRIED])
    parser.add_argument("--to", type=Path, help="where the tables and provenance.json go")
    words = parser.parse_args()
    plain = read_params(words.recipe) | {"epochs": words.epochs}
    network = plain.pop("network")
    faces = datasets.load_imported(words.data)
    soft = out_of_fold.read(words.soft_labels, faces) if SOFT in words.only else None
    for seed in words.seeds:
        for name in words.only:
            recipe = replace(from_plain(plain), seed=seed)
            train(name, network, recipe, faces, soft, words.runs / f"{name.replace(' ', '_')}-{seed}")
    if words.to:
        runs = gathered(words.runs)
        tables.save(
            runs.set_index(["ingredient", "seed"]), words.to, "runs", faces, f"{network}, {words.epochs} epochs"
        )
        caption = f"What each ingredient gives {network}: accuracy on PublicTest after {words.epochs} epochs"
        if SOFT in set(runs["ingredient"]):
            made = cost_of_soft_labels(words.soft_labels)
            caption += f"; time is without making the soft labels: {made}"
        found = summary(runs)
        tables.save(found, words.to, "ingredients", faces, caption)
        shown = found.rename(columns={"accuracy": "value", "accuracy_low": "low", "accuracy_high": "high"})
        title = f"What each ingredient gives {network}, {words.epochs} epochs"
        # without the column seeds, for which the figure would say that intervals are over images, too
        shown = shown[["value", "low", "high"]].astype(float)
        figure = plots.intervals(shown, faces, title, GAINS, zero=True)
        figures.save(figure, words.to, "gains")
        (words.to / "gains.png").unlink()
        tables.write_json(words.to / tables.SENTENCES, [{"figure": "gains", "sentence": to_see(found)}])
        hours = round(runs["minutes"].sum() / 60, 1)
        counted = {"ingredients": len(found), "trainings": len(runs), "core_hours": hours}
        tables.save_findings(counted, words.to, faces)
        made = provenance.record({"network": network, "recipe": from_plain(plain).plain()}, faces)
        tables.write_json(words.to / "provenance.json", made)


if __name__ == "__main__":
    main()
