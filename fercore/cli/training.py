"""Commands that train networks: train, soft-labels, convert."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from . import numbers
from .outputs import noted_warnings, refuse_file


def add_to(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add these commands; `add` takes name, function and help."""
    command = add("train", _train, "train a network by a recipe; an interrupted training is resumed")
    command.add_argument(
        "recipe",
        help="a YAML file: network, options, weights, for distillation teacher_network and teacher_weights (lists, for "
        "several), and the settings of fercore.training.recipe.Recipe",
    )
    _add_data(command)
    command.add_argument(
        "--to", metavar="FOLDER", required=True, help="where to put the run, such as runs/tinyfer_lite"
    )
    command.add_argument(
        "--train", metavar="SPLIT", default="train", help="the split to train on, by name or role (default: train)"
    )
    command.add_argument(
        "--select", metavar="SPLIT", default="select",
        help="the split to choose the best epoch on, by name or role (default: select); none keeps the last epoch",
    )  # fmt: skip
    command.add_argument("--seed", type=numbers.seed, help="use this seed instead of the recipe's")
    words = "start over if the folder holds a run with other settings or data, or a damaged one"
    command.add_argument("--restart", action="store_true", help=words)
    command.add_argument("--device", help="cuda, cuda:1 or cpu (default: a GPU if there is one)")
    command.add_argument(
        "--release", metavar="FOLDER", help="put the weights and their model card there, with scores on the test split"
    )
    command.add_argument(
        "--mask", metavar="CSV", help="with --release: test_mask.csv of 01_data_audit, which tells the test images "
        "that have copies in training (default: search for copies)",
    )  # fmt: skip

    words = "make soft labels: out-of-fold class probabilities of the training images, folds by groups of duplicates"
    command = add("soft-labels", _soft_labels, words)
    command.add_argument("recipe", help="the recipe of each network, as for train")
    _add_data(command)
    command.add_argument(
        "--to", metavar="FOLDER", required=True, help="where to put the networks and soft_labels.safetensors"
    )
    command.add_argument(
        "--folds", type=numbers.whole(2), default=5, help="number of folds, a network each (default: %(default)s)"
    )
    command.add_argument(
        "--seeds", metavar="N,…", type=numbers.seeds, help="train every fold with these seeds (default: the recipe's)"
    )
    command.add_argument(
        "--copies", metavar="CSV", default="",
        help="duplicate_groups.csv of 01_data_audit (default: search for copies)",
    )  # fmt: skip

    words = "convert a pickled PyTorch file (.pth, .pt) to safetensors, without running any code in it"
    command = add("convert", _convert, words)
    command.add_argument("source", help="a state_dict saved by torch.save; only tensors are read")
    command.add_argument("target", help="the .safetensors file to write")


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", metavar="FOLDER", required=True, help="an imported data set, such as data/fer2013")


def _read_recipe(path: str) -> tuple[str, dict, list[str], list[tuple[str, str]]]:
    """Of a file for `fercore train`: the network's name; what `fit` takes beside it, recipe, weights and options; the
    files of soft labels; and network and weights of each teacher. Raises ValueError that names the file."""
    from ..pipeline.parameters import read_params
    from ..training.recipe import CHOICES, from_plain

    settings = read_params(path)
    network, made_with = settings.pop("network", None), settings.pop("options", None) or {}
    start, soft = settings.pop("weights", None), settings.get("soft_labels", "none")
    teacher = {name: settings.pop(name) for name in ("teacher_network", "teacher_weights") if name in settings}
    if network is None:
        raise ValueError(f"{path}: names no network")
    teacher = {name: value if isinstance(value, list) else [value] for name, value in teacher.items()}
    given = [("network", network), ("options", made_with)] + ([] if start is None else [("weights", start)])
    for name, value in [*given, *((name, each) for name, several in teacher.items() for each in several)]:
        kind = dict if name == "options" else str
        if not isinstance(value, kind) or value == "":
            what = "a name" if kind is str else "names with values"
            raise ValueError(f"{path}: {name} is {value!r}, a {type(value).__name__}; expected {what}")
    if made_with.get("in_chans", 1) not in (1, 3):
        raise ValueError(f"{path}: in_chans is {made_with['in_chans']!r}; expected 1 (grey) or 3 (colour)")
    if taken := {"name", "num_classes", "weights", "classes"} & made_with.keys():
        raise ValueError(
            f"{path}: {', '.join(sorted(taken))} among options; classes are those of the data, and network "
            "and weights are named beside options"
        )
    files = soft if isinstance(soft, list) else [soft]
    if not all(isinstance(file, str) for file in files) or not files:
        raise ValueError(f"{path}: soft_labels is {soft!r}; expected none, votes, or files of fercore soft-labels")
    if files[0] in CHOICES["soft_labels"] and files[0] != "given":
        files = []
    else:
        settings["soft_labels"] = "given"
    try:
        recipe = from_plain(settings)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    counts = [*map(len, teacher.values())]
    if counts if recipe.distillation is None else len(counts) < 2 or not 0 < counts[0] == counts[1]:
        raise ValueError(
            f"{path}: distillation, teacher_network and teacher_weights need each other; the last names included "
            "weights or a file of fercore train; for several teachers the last two are lists of equal length"
        )
    words = {"recipe": recipe, "weights": start, "options": made_with}
    return network, words, files, list(zip(*teacher.values(), strict=True))


def _train(options) -> None:
    from .. import audit, datasets
    from ..deployment.model_card import release, require_releasable
    from ..training.trainer import fit

    if options.mask and not options.release:
        raise ValueError("--mask can only be used with --release: training is the same without it")
    refuse_file(options.to)
    refuse_file(options.release)
    if (Path(options.to) / datasets.store.INDEX).is_file():
        raise ValueError(f"{options.to} holds an imported data set; give another folder to put the run into (--to)")
    network, words, soft, teacher = _read_recipe(options.recipe)
    if options.seed is not None:
        words["recipe"] = replace(words["recipe"], seed=options.seed)
    faces = datasets.load_imported(options.data)
    if soft:
        from ..studies import out_of_fold

        words["soft_labels"] = out_of_fold.read(soft, faces)
    rows = faces.rows(options.train)  # there, before anything else is done
    select = None if options.select == "none" else options.select
    if select == "select" and "select" not in {*faces.roles, *faces.splits}:
        has = "is not split" if faces.splits == ("",) else f"has {', '.join(map(repr, faces.splits))}"
        raise ValueError(
            f"{options.data} has no validation split to select the epoch on; it {has}. "
            "Name it (--select SPLIT), keep the last epoch (--select none), or import it with --split 80/10/10, or "
            "90/10 where the data set itself has a test split"
        )
    # before hours of training: a mask of other images is refused, and so is a release that could not be written
    masks = audit.without_copies(faces, "test", options.mask) if options.mask else None
    if options.release:
        if (options.train, options.select) != ("train", "select"):
            raise ValueError(
                "--release needs a training on the training split, its epoch chosen on the selection split; leave out "
                "--train and --select, or --release"
            )
        require_releasable(network, faces, words["recipe"], words["weights"])
    with noted_warnings():
        if teacher:
            from ..studies import teachers

            student = faces, network, words["recipe"], words["options"], rows
            each = [teachers.of_student(*one, *student) for one in teacher]
            words["teacher"] = each[0] if len(each) == 1 else teachers.Mean(each)
        run = fit(
            network, faces, folder=options.to, train=options.train, select=select, device=options.device,
            restart=options.restart, **words,
        )  # fmt: skip
    if int(os.environ.get("RANK", 0)):  # of torchrun; the first process speaks for all
        return
    best = run.history.iloc[run.best_epoch - 1]
    select = faces.split_of(select) if select == "select" and "select" not in faces.splits else select
    scores = "last" if select is None else f"{select} accuracy {best['accuracy']:.4f}, macro-F1 {best['macro_f1']:.4f}"
    print(f"{options.to}: epoch {run.best_epoch} of {len(run.history)}, {scores}")
    if options.release:
        masks = audit.without_copies(faces, "test") if masks is None else masks
        print(release(run, network, words["options"], faces, masks, Path(options.release), _told(teacher)))


def _told(teacher: Sequence[tuple[str, str]]) -> str:
    """The teachers, network and weights each, for a model card: a file by its training's seed, since whoever reads the
    card does not have it."""
    from ..models import weights
    from ..reporting.sentences import listed

    seeds = {given: weights.record(given)["recipe"]["seed"] for _, given in teacher if not weights.is_name(given)}
    named = [f"{network} ({f'seed {seeds[given]}' if given in seeds else given})" for network, given in teacher]
    return "the mean of the logits of " * (len(named) > 1) + listed(named, none="")


def _soft_labels(options) -> None:
    from .. import audit, datasets
    from ..studies import out_of_fold

    network, words, soft, teacher = _read_recipe(options.recipe)
    if soft or teacher:
        raise ValueError(f"{options.recipe}: soft labels are made by networks that learn labels alone")
    faces = datasets.load_imported(options.data)
    out_of_fold.require_makeable(network, faces, folds=options.folds, **words)
    group = audit.copies(faces, options.copies)
    path, accuracy = out_of_fold.make(
        Path(options.to), network, faces, group=group, folds=options.folds, seeds=options.seeds or (), **words
    )
    print(f"{path}: out-of-fold accuracy {accuracy:.4f} on the training images")


def _convert(options) -> None:
    from ..models.weights import convert

    print(f"{convert(options.source, options.target)}: models.create(NETWORK, weights='{options.target}')")
