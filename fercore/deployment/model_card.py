"""Weights that come with the project: a file that makes its network by itself, the same as ONNX, and a card."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from .. import files
from ..datasets import ROLES, Faces, preprocess
from ..evaluation import calibration, inference, metrics, statistics
from ..evaluation.calibration import CERTAIN
from ..models import weights as own_weights
from ..results import measurements, tables, text
from ..training import checkpoint
from ..training.recipe import Recipe
from ..training.trainer import Run
from . import detect, export

CARD = """# {network}, {made} on {data}

`{create}`: {parameters:,} parameters, {size:.2f} MiB{half}, {classes} classes:
{names}.
The .onnx file holds the same model and needs only ONNX Runtime. Its probabilities include TTA and
are calibrated on {data}. A file of the same name with {int8}, where there is one, is its INT8 version, by
`fercore export --int8`; the numbers here are of FP32.

## Use

The .onnx file's input `{input}` is uint8 (N, H, W, 3), RGB, of any size. (OpenCV's cameras give BGR, a browser's canvas
RGBA.) Its output `{output}` is float32 (N, {classes}), the classes in the order above.
Crop a face as the images of {data} do: a looser crop gives different answers. `fercore predict` cuts a square, as
FER2013 does, of side s = {side} h, with its left edge at x + w / 2 - s / 2 and its top at y + h / 2 - {up:g} s, from
the box x, y, w, h that the detector YuNet finds (of OpenCV's Model Zoo). Beyond the picture, edge pixels are repeated.
`models.create` returns a network that maps images, float32 (N, {channels}, {img_size}, {img_size}), to logits; call
`eval()` first. Images are {normalised}.

## Data

{images:,} training images of {data} (fingerprint {fingerprint}); {select} selected the epoch. Nothing else was
seen: no other faces, and no weights that had been trained on other images.{learned}{taught}

## Protocol

{epochs} epochs, of which epoch {best_epoch} has the best {monitor} on {select}. Images of {img_size}x{img_size} px,
{colour} and normalised by ImageNet's statistics; TTA: {tta}. {took}, seed {seed}.
All settings are in the file, as the record `{record}` in its safetensors header.

## Scores

{test}, by which no epoch was chosen, with 95 % intervals over its images. *deduplicated* is without images that are
also in {train} byte for byte, *near deduplicated* also without other copies of the same photograph.

{scores}

{report}

## Calibration

After temperature scaling (T = {temperature}, fitted on {select}), probabilities miss the accuracy on {test} by
{error:.1f} points on average, without it by {error_before:.1f} (expected calibration error, 15 bins).{unseen} An answer
below {certain:.0f} % is called uncertain: {sureness}

## Limits

{known}
The faces, of {face_size} px and {colour}, do not stand for everyone. An expression is not a feeling: what is predicted
is which of {classes} words people would have chosen for a picture. The weights are for comparing networks and for
teaching, and not for judging anyone.{terms}
"""
INT8 = "-int8.onnx"  # behind the name of the weights
LARGE = 4 * 2**20  # bytes of weights, beyond which a release keeps them in half precision
TERMS = " They are under the MIT licence, as the project is."  # of those that come with it


def release(
    run: Run, network: str, options: Mapping, faces: Faces, masks: Mapping[str, np.ndarray], folder: Path,
    teacher: str = "",
) -> Path:  # fmt: skip
    """Write `folder`/NETWORK-DATA.safetensors, of a distilled network NETWORK-DATA_distilled, beside it the ONNX file
    of `export` and the card; the scores go to the run, too. Returns the file of weights.

    masks  as splits.kept has them for the split that is reported on. This is the one report on it of the run.
    teacher  what a recipe with distillation, and no other, has learned from, in words
    Weights of more than LARGE are rounded to half precision first, the run's network with them: what is reported is of
    what is written. The ONNX file's, into which batch normalisation is folded, are rounded once more.

    Raises what `require_releasable` raises, ValueError where one of teacher and distillation lacks the other, and
    BusyError where another process writes into `folder` or the run.
    """
    if (run.recipe.distillation is None) != (not teacher):
        raise ValueError("a teacher and a recipe with distillation need each other")
    record = run.folder / checkpoint.PROVENANCE
    made = checkpoint.read_json(record)
    try:
        weights, _, _ = made["parameters"]["start"]["weights"], made["revision"], made["device"]  # what is told of it
    except (KeyError, TypeError) as error:
        raise checkpoint.RunError(f"{record}: a damaged record ({error}); remove it, and train again") from None
    require_releasable(network, faces, run.recipe, weights)
    path = Path(folder) / f"{_stem(network, faces, run.recipe)}.safetensors"
    with files.locked(folder, "a release"), files.locked(run.folder, "a release"):
        _write(run, network, options, faces, masks, path, made, teacher)
    return path


def require_releasable(network: str, faces: Faces, recipe: Recipe, weights: str | Path | None = None) -> None:
    """Raise where `release` would refuse a run of these, which started from `weights`: to be asked before the training.

    ValueError for rendered faces, whose weights are nobody's use, for a start from other weights, of which the card
    would have to speak, for ten views, which no file for ONNX Runtime has, and for a set after which no file is named;
    NoSplit, a KeyError, for a set without a split that trains, selects or tests; ExportError without the extra `edge`.
    """
    export.ready()
    if weights:
        raise ValueError(
            f"only models trained on {faces.name} alone, from random weights, can be released; use `fercore export "
            f"{network} --weights RUN/best.safetensors --to FILE.onnx` for this one"
        )
    if faces.synthetic:
        raise ValueError(f"{faces.name} is rendered; weights that come with the project are of real faces")
    if recipe.tta == "ten":
        raise ValueError("a release answers by one view or two: its recipe's tta is one or flip, not ten")
    stem = _stem(network, faces, recipe)
    if {*stem} & {"/", "\\", "\0"}:
        raise ValueError(f"{stem!r} cannot be the name of a file: import the set under another name")
    if faces.name.endswith(own_weights.DISTILLED):
        raise ValueError(f"{faces.name} reads as a set that another network has taught: import it under another name")
    for role in ROLES:
        faces.rows(role)


def _stem(network: str, faces: Faces, recipe: Recipe) -> str:
    """What the files of a release are called."""
    return f"{network}-{faces.name}{'' if recipe.distillation is None else own_weights.DISTILLED}"


LABELS = "How noisy the labels of {data} are was not measured."
KNOWN = {"fer2013": "The labels of fer2013 are noisy, and its faces were found by a search engine."}  # in place of that

LEARNED = {  # what a card says of a recipe's soft labels
    "none": "",
    "votes": "\nIts labels are the FER+ votes, weighted {weight:g}.",
    "given": "\nIts labels are blended with class probabilities of other networks, weighted {weight:g}.",
}

TAUGHT = "\nThat holds for the student; its teacher was {}."


def _write(
    run: Run, network: str, options: Mapping, faces: Faces, masks: Mapping[str, np.ndarray], path: Path, made: Mapping,
    teacher: str,
) -> None:  # fmt: skip
    """Score the run, which was `made` as its record says, on the split that tests; write file, card and scores."""
    stored = run.network.state_dict()
    if large := sum(tensor.numel() * tensor.element_size() for tensor in stored.values()) > LARGE:
        stored = {name: value.half() if value.is_floating_point() else value for name, value in stored.items()}
        run.network.load_state_dict(stored)
    rows = faces.rows("test")
    labels, predicted = faces.labels[rows], run.probabilities(faces, rows).argmax(1)
    temperature, calibrated = calibrate(run, faces, masks)
    scores = statistics.compare(labels, predicted, len(faces.classes), masks)
    accuracy = scores[scores["score"] == "accuracy"].set_index("part")["value"].round(4).to_dict()
    record = {
        "network": network,
        "options": dict(options),
        "classes": list(faces.classes),
        "img_size": run.recipe.img_size,
        "face_size": export.size_of(faces.pixels.shape[1:]),
        "grey": faces.pixels.ndim == 3,
    }
    record |= {
        "tta": run.recipe.tta,
        "temperature": temperature,
        "recipe": run.recipe.plain(),
        "accuracy": accuracy,
        "revision": made["revision"],
    }
    with tempfile.TemporaryDirectory() as scratch:  # what cannot be exported leaves nothing in the folder
        written = Path(scratch) / path.name
        checkpoint.write(written, stored, record)
        exported = export.from_weights(network, written, written.with_suffix(".onnx"), half=large)
        contents = {suffix: each.read_bytes() for suffix, each in ((path.suffix, written), (".onnx", exported))}
    report = metrics.report(labels, predicted, faces.classes).reset_index()
    monitor = run.recipe.monitor.replace("_", "-").replace("f1", "F1")
    parameters = sum(parameter.numel() for parameter in run.network.parameters())
    shown = scores.replace({"part": {"published": "all"}})  # of a set that may never have been
    shown = shown if (scores["note"] != "").any() else shown.drop(columns="note")
    name, channels = text.plain(faces.name), inference.channels(run.network)
    card = CARD.format(
        network=network, made="distilled" if teacher else "trained", data=name, classes=len(faces.classes),
        create=_create(network, options, faces, path), terms=TERMS if _comes_along(path) else "",
        input=export.INPUT, output=export.OUTPUT, int8=INT8, side=detect.SIDE, up=0.5 + detect.LOWER,
        channels=channels, normalised=_normalised(channels, record["grey"]),
        known=KNOWN.get(name, LABELS.format(data=name)),
        names=", ".join(map(text.markdown, faces.classes)),
        parameters=parameters,
        size=sum(tensor.numel() * tensor.element_size() for tensor in stored.values()) / 2**20,
        half=" in half precision" if large else "",
        images=len(faces.rows("train")), fingerprint=(faces.fingerprint or "none")[:12],
        epochs=len(run.history), best_epoch=run.best_epoch, monitor=monitor,
        img_size=run.recipe.img_size, tta=run.recipe.tta, took=_took(made, run.seconds),
        seed=run.recipe.seed, colour="grey" if record["grey"] else "in colour",
        face_size="x".join(map(str, np.ravel(record["face_size"]))),
        learned=LEARNED[run.recipe.soft_labels].format(weight=run.recipe.soft_weight),
        taught=TAUGHT.format(teacher) if teacher else "",
        **{role: faces.split_of(role) for role in ("train", "select", "test")},
        record=checkpoint.RECORD, scores=_table(shown), report=_table(report), temperature=temperature,
        certain=100 * CERTAIN, **calibrated,
    )  # fmt: skip
    path.with_name(f"{path.stem}{INT8}").unlink(missing_ok=True)  # of weights that are replaced
    for suffix, content in (contents | {".md": card.encode()}).items():
        files.replace(path.with_suffix(suffix), lambda file, content=content: file.write(content))
    caption = f"{faces.split_of('test')}, TTA: {run.recipe.tta}, {path.stem}"
    tables.save(scores.set_index(["part", "score"]), run.folder, "scores", faces, caption)
    found = {
        "parameters": parameters,
        "img_size": run.recipe.img_size,
        "epochs": len(run.history),
        "best_epoch": run.best_epoch,
    }
    tables.save_findings(found, run.folder, faces)
    named = f"{network}{'+kd' if teacher else ''}"  # as the ledger calls what was taught
    rows = statistics.measurements(named, faces.name, faces.split_of("test"), labels, [predicted], faces.classes, masks)
    measurements.write(measurements.table(rows, departs=departs(run.recipe), faces=[faces]), run.folder)


def _took(made: Mapping, seconds: float) -> str:
    """What a training took: of a CPU, which others may have used meanwhile, how long the CPU worked at it."""
    if made["device"] == "cpu" and "cpu_seconds" in made and made.get("processes", 1) == 1:
        return f"{made['cpu_seconds']:,.0f} s of CPU time"
    return f"{seconds:,.0f} s on {made['device']}"


def departs(recipe: Recipe) -> str:
    """How a training of this project's own recipe, which begins at random weights, is none of a paper's."""
    views = {"one": "no TTA", "flip": "flip TTA", "ten": "ten-crop TTA"}[recipe.tta]
    told = f"{recipe.epochs} epochs of {recipe.img_size} px by a recipe of this project, random weights, {views}"
    return told + (", soft labels" if recipe.soft_labels != "none" else "")


def calibrate(run: Run, faces: Faces, masks: Mapping[str, np.ndarray]) -> tuple[float, dict]:
    """The temperature that fits the split that selects, and what the card says of it on the test split, in percent.

    masks  as `audit.without_copies` gives them for that split
    """

    def logits(split: str) -> tuple:
        rows = faces.rows(split)
        found = inference.view_logits(run.network, faces, rows, run.recipe.img_size, run.recipe.tta)
        return found, faces.labels[rows]

    temperature = calibration.fit_temperature(*logits("select"))
    held_out, labels = logits("test")
    before, after = (calibration.calibrated(held_out, value) for value in (1.0, temperature))
    sure, right = after.max(1) >= CERTAIN, after.argmax(1) == labels
    return temperature, {
        "error": 100 * metrics.calibration(labels, after)[1],
        "error_before": 100 * metrics.calibration(labels, before)[1],
        "unseen": _unseen(labels, after, masks.get("near_deduplicated")),
        "sureness": _sureness(sure, right, faces.split_of("test")),
    }


def _unseen(labels: np.ndarray, probabilities: np.ndarray, kept: np.ndarray | None) -> str:
    """How far probabilities are off on images of which no copy is known to the network; empty where that is all."""
    if kept is None or kept.all() or not kept.any():
        return ""
    labels, probabilities = labels[kept], probabilities[kept]
    error = 100 * metrics.calibration(labels, probabilities)[1]
    over = 100 * (probabilities.max(1).mean() - (probabilities.argmax(1) == labels).mean())
    told = f"{'over' if over > 0 else 'under'}confident by {abs(over):.1f} points in the mean"
    return f"\nNear deduplicated, they miss it by {error:.1f}, and are {told}."


def _sureness(sure: np.ndarray, right: np.ndarray, split: str) -> str:
    """How many answers are uncertain, and how many of these and of the others are right; both are bool (n,)."""
    if sure.all():
        return f"none of {split} is; {100 * right.mean():.0f} % of it are right."
    told = f"are {100 * (~sure).mean():.0f} % of {split}, of which {100 * right[~sure].mean():.0f} % are right"
    return f"so {told}; of the\nothers {100 * right[sure].mean():.0f} % are." if sure.any() else f"so {told}."


def _comes_along(path: Path) -> bool:
    """Whether a file of weights is one of those that come with the project."""
    return path.parent.resolve() == own_weights.RELEASED.resolve()


def _create(network: str, options: Mapping, faces: Faces, path: Path) -> str:
    """The call that makes the network: by name where the weights come with the project, else by the file, which is
    asked neither for the number of classes nor for options."""
    if _comes_along(path):
        return f'models.create("{network}", weights="{text.plain(path.stem.removeprefix(f"{network}-"))}")'
    more = "".join(f", {name}={value!r}" for name, value in options.items())
    return f'models.create("{network}", {len(faces.classes)}, "{text.plain(path.as_posix())}"{more})'


def _normalised(channels: int, grey: bool) -> str:
    """What the network of `models.create` takes, of pixels x, by the numbers of `preprocess`."""
    if channels == 1:
        mean, std = (round(sum(values) / 3, 3) for values in (preprocess.MEAN, preprocess.STD))
        return f"(x / 255 - {mean}) / {std} of grey levels x from 0 to 255"
    x = "grey levels x from 0 to 255, three channels alike" if grey else "RGB x from 0 to 255"
    return f"(x / 255 - mean) / std of {x};\nmean {preprocess.MEAN}, std {preprocess.STD}"


def _table(frame: pd.DataFrame) -> str:
    head, *body = (f"| {' | '.join(map(_cell, line))} |" for line in [frame.columns, *frame.itertuples(index=False)])
    return "\n".join([head, f"|{' --- |' * len(frame.columns)}", *body])


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else text.markdown(str(value).replace("_", " "))
