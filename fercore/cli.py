"""The command `fercore`: what the library does, from a shell. `fercore COMMAND --help` says more."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

INTERRUPTED = 128 + 2  # as shells have it of SIGINT
INT8_METHODS = ("per tensor", "per channel", "per channel, percentiles")  # compress.METHODS, which imports PyTorch


def main(words: list[str] | None = None) -> int:
    """Run one command; 0 where it did its work, 1 with one line on standard error where it could not, 130 where it was
    interrupted."""
    for stream in (sys.stdout, sys.stderr):  # names of files and classes are shown as far as a terminal can
        with suppress(AttributeError):  # of a stream that is none of Python's own
            stream.reconfigure(errors="backslashreplace")
    try:
        options = _parser().parse_args(words)
        status = options.run(options) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever reads has seen enough, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:  # DataError, ParameterError among them
        from .results.text import plain

        print("fercore:", plain(" ".join(str(error).split())), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("fercore: interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fercore", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable, words: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
        added.set_defaults(run=run)
        return added

    command = add("import", _import, "read a data set once; from then on it is memory-mapped")
    command.add_argument(
        "--given", action="store_true",
        help="import every set whose download is named in the environment: FER2013, FERPLUS, RAFDB, …, and SPLIT",
    )  # fmt: skip
    command.add_argument(
        "name", nargs="?", help="fer2013, ferplus, rafdb, affectnet, ckplus, …; folder for any folder of images"
    )
    command.add_argument("source", nargs="?", help="the download as it is: a file, an archive or a folder")
    command.add_argument("--to", metavar="FOLDER", help="where to put it (default: data/NAME)")
    command.add_argument(
        "--split", metavar="SHARES", help="divide all images (80/10/10) or the training split (90/10); where subjects "
        "are named, no subject is in two splits",
    )  # fmt: skip
    command.add_argument(
        "--roles", metavar="ROLE=SPLIT,…", type=_roles,
        help="the splits to train, select and test on, where their names do not tell: select=dev1,test=dev2",
    )  # fmt: skip
    command.add_argument("--seed", type=int, help="seed of --split and of synthetic sets")
    for name, (kind, shown, words) in IMPORT_OPTIONS.items():
        flag = f"--{name.replace('_', '-')}"
        if kind is bool:
            command.add_argument(flag, dest=name, action="store_const", const=True, help=words)
        else:
            command.add_argument(flag, dest=name, type=kind, metavar=shown, help=words)
    command.add_argument(
        "--no-contempt", dest="contempt", action="store_const", const=False, help="affectnet: leave contempt out"
    )

    command = add("audit", _audit, "count the images, duplicates and leakage of an imported data set")
    command.add_argument("folder", help="the imported data set, such as data/fer2013")
    command.add_argument(
        "--train", metavar="SPLIT", default="train", help="the training split, by name or role (default: train)"
    )
    command.add_argument(
        "--save", metavar="FOLDER", help="also save the counts there, with measurements.csv for the ledger"
    )

    command = add("train", _train, "train a network by a recipe; an interrupted training is resumed")
    command.add_argument(
        "recipe",
        help="a YAML file: network, options, weights, for distillation teacher_network and teacher_weights, and the "
        "settings of fercore.training.recipe.Recipe",
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
    command.add_argument("--seed", type=int, help="use this seed instead of the recipe's")
    command.add_argument(
        "--restart", action="store_true", help="start over if the folder holds a run with other settings or data"
    )
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
    command.add_argument("--folds", type=int, default=5, help="number of folds, a network each (default: %(default)s)")
    command.add_argument(
        "--seeds", metavar="N,…", type=_whole_numbers, help="train every fold with these seeds (default: the recipe's)"
    )
    command.add_argument(
        "--copies", metavar="CSV", default="",
        help="duplicate_groups.csv of 01_data_audit (default: search for copies)",
    )  # fmt: skip

    words = "convert a pickled PyTorch file (.pth, .pt) to safetensors, without running any code in it"
    command = add("convert", _convert, words)
    command.add_argument("source", help="a state_dict saved by torch.save; only tensors are read")
    command.add_argument("target", help="the .safetensors file to write")

    words = "predict the emotion of every face in pictures, folders of pictures and videos"
    command = add("predict", _predict, words)
    command.add_argument("sources", nargs="*", metavar="IMAGE|FOLDER|VIDEO")
    command.add_argument("--to", metavar="FILE", help="write a table, one row per face, to FILE.csv or FILE.json")
    command.add_argument("--draw", metavar="FOLDER", help="save copies of the pictures and videos with labelled faces")
    _add_predictor(command)
    command.add_argument(
        "--every",
        type=int,
        default=1,
        metavar="N",
        help="only every Nth frame of a video or an animation (default: %(default)s)",
    )
    command.add_argument(
        "--limits", action="store_true", help="print what these predictions can and cannot be used for, and exit"
    )

    command = add("webcam", _webcam, "show a camera's picture with labelled faces in a browser")
    command.add_argument("--camera", default="0", help="number of the camera, or a video file (default: %(default)s)")
    command.add_argument("--port", type=int, default=0, help="port on this computer (default: any that is free)")
    command.add_argument("--seconds", type=float, help="stop after so many seconds")
    command.add_argument("--record", metavar="FILE.mp4", help="record what is shown (default: nothing is kept)")
    _add_predictor(command)

    words = "export a network as an ONNX file, with resizing and normalisation inside"
    command = add("export", _export, words)
    command.add_argument("network", help="its name, such as lean_250k")
    command.add_argument(
        "--weights", default="fer2013", help="included weights, by the data set they were trained on, or a run's "
        "best.safetensors (default: %(default)s)",
    )  # fmt: skip
    command.add_argument("--to", metavar="FILE.onnx", required=True, help="the file to write")
    command.add_argument(
        "--int8", metavar="FOLDER", help="quantise to INT8, calibrated on this imported data set; refused if that "
        "costs more than half a point of accuracy on the split that selects",
    )  # fmt: skip
    command.add_argument(
        "--method", choices=INT8_METHODS, metavar="METHOD", help="how to quantise with --int8: weights with one scale "
        "per tensor or per channel, activations by min-max or percentile calibration: "
        f"{'; '.join(INT8_METHODS)} (default: {INT8_METHODS[-1]})",
    )  # fmt: skip

    words = "time networks in every installed runtime, here or on another computer"
    command = add("bench", _bench, words)
    command.add_argument(
        "words", nargs="*", metavar="NETWORK@SIDE | bundle FILE [NETWORK@SIDE ...] | join JSON",
        help="networks and input sizes, such as tinyfer_lite@64; bundle: write one file that times them on a computer "
        "with only NumPy and ONNX Runtime; join: read the results that it printed there",
    )  # fmt: skip
    command.add_argument(
        "--runtimes", dest="names", nargs="+", metavar="NAME", help="such as PyTorch 'ONNX Runtime' (default: all)"
    )
    command.add_argument("--threads", type=int, help="number of threads (default: 1)")
    command.add_argument("--batch", type=int, help="images at a time (default: 1)")
    command.add_argument("--seconds", type=float, help="approximate time for each network in each runtime (default: 1)")
    words = "hold up other processes while timing, where Linux allows it"
    command.add_argument("--realtime", action="store_const", const=True, help=words)
    words = "also measure peak memory, each in a fresh process"
    command.add_argument("--memory", action="store_const", const=True, help=words)
    command.add_argument("--to", metavar="FOLDER", help="save latency.csv there, and after join also measurements.csv")

    words = "list every network: parameters, size, operations, and what its paper prints"
    command = add("networks", _networks, words)
    command.add_argument(
        "--save", metavar="FOLDER", help="also save measurements.csv for the ledger, with the papers' equations"
    )

    command = add("claims", _claims, "list what the papers claim, what was measured, and the verdicts")
    command.add_argument("--paper", help="only this paper, such as tinyfer")
    command.add_argument("--verdict", help="only this verdict, such as inconsistent")
    command.add_argument("--measurement", metavar="TEXT", help="only measurements with TEXT in their name")
    shown = command.add_mutually_exclusive_group()
    shown.add_argument("--summary", action="store_true", help="count claims by paper and verdict")
    words = "show where papers contradict themselves or the data sets they name, with both sides"
    shown.add_argument("--findings", action="store_true", help=words)
    words = "show which commands would decide the open claims, what they need and how long they take, cheapest first"
    shown.add_argument("--open", action="store_true", help=words)
    command.add_argument(
        "--reports", nargs="+", default=["reports/reference"], metavar="FOLDER",
        help="where to look for measurements; the first folder that has one wins (default: reports/reference)",
    )  # fmt: skip

    command = add("notebook", _notebook, "run a notebook as a stage, with a profile's parameters")
    command.add_argument("name", help="such as 05_kd_temperature_grid")
    command.add_argument("profile", help="smoke, quick, laptop or paper")

    words = "write the report as pages that open offline: reports/PROFILE/index.html"
    command = add("site", _site, words)
    command.add_argument("profile", help="smoke, quick, laptop or paper; reference for the included results")

    words = "show how far the trainings of a notebook are, and run those that are named"
    command = add("trainings", _trainings, words)
    command.add_argument("name", help="such as 06_mini_resemotenet")
    command.add_argument("profile", help="smoke, quick, laptop or paper")
    command.add_argument("training", nargs="*", metavar="TRAINING", help="run these now; interrupted ones are resumed")

    command = add("data", _data, "prepare the data of a profile, or a set whose subjects are named")
    command.add_argument("name", help="a profile, or a set such as ckplus")

    command = add("params", _params, "check the parameters of every notebook before anything runs")
    command.add_argument("profile", help="smoke, quick, laptop or paper")

    add("deps", _deps, "update in dvc.yaml what each stage depends on")

    command = add("labs", _labs, "make the student version and the autograder of every lab")
    command.add_argument(
        "--to", metavar="FOLDER", default="build/labs", help="where to put them (default: %(default)s)"
    )

    command = add("grade", _grade, "grade a folder of lab submissions into one table")
    command.add_argument("submissions", help="a folder of notebooks, or an archive of one; notebooks may be zipped")
    command.add_argument(
        "--labs", metavar="FOLDER", default="build/labs", help="what `fercore labs` made (default: %(default)s)"
    )
    command.add_argument(
        "--to", metavar="CSV", default="build/grades.csv", help="the table to write (default: %(default)s)"
    )
    command.add_argument(
        "--seconds", type=float, default=180, help="time limit of each submission (default: %(default)s)"
    )
    return parser


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", metavar="FOLDER", required=True, help="an imported data set, such as data/fer2013")


def _add_predictor(command: argparse.ArgumentParser) -> None:
    """What `predict` and `webcam` see faces by; `_predictor` reads it."""
    command.add_argument("--model", metavar="FILE", help="a file made by fercore export, instead of --network")
    command.add_argument("--network", help="a network whose weights are included (default: lean_250k)")
    command.add_argument("--data", help="the data set that its weights were trained on (default: fer2013)")
    command.add_argument(
        "--detector", default="auto", help="auto, yunet, cascade, or none: every picture is one face, as pictures "
        "with sides of at most 112 px always are (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--certain", type=float, default=0.5, metavar="P",
        help="mark predictions of a lower probability as uncertain (default: %(default)s)",
    )  # fmt: skip


def _size(text: str) -> int | tuple[int, int]:
    """48, or 64x48: height x width."""
    try:
        sides = tuple(int(side) for side in text.lower().split("x"))
    except ValueError:
        sides = ()
    if len(sides) not in (1, 2):
        raise argparse.ArgumentTypeError(f"{text!r}; expected 48, or 64x48 (height x width)")
    return sides if len(sides) == 2 else sides[0]


def _whole_numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}; expected whole numbers, such as 42,43,44") from None


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _roles(text: str) -> dict[str, str]:
    pairs = [tuple(word.strip() for word in part.split("=", 1)) for part in text.split(",")]
    if any(len(pair) < 2 for pair in pairs):
        raise argparse.ArgumentTypeError(f"{text!r}; expected roles with their splits, such as select=dev1,test=dev2")
    return dict(pairs)


IMPORT_OPTIONS = {  # what a set's `read` takes: how it is read, what stands for it in the help, and what it is
    "size": (_size, "SIZE", "scale all images to this side, or to HEIGHTxWIDTH"),
    "mode": (str, "L|RGB", "folder, oulucasia, kdef: grey or colour"),
    "label": (str, "REGEX", "folder: its group is the class in an image's path, if no folder is named by it"),
    "subject": (str, "REGEX", "folder: its group is the subject in an image's path"),
    "classes": (_names, "NAMES", "folder: the names of the classes, in the order of their labels"),
    "as_is": (bool, "", "folder: take the names of folders as classes and splits, whatever they look like"),
    "fer2013": (str, "PATH", "ferplus: FER2013 itself, as a file or an imported folder"),
    "votes": (str, "CSV", "fer2013: also read the FER+ votes in this fer2013new.csv"),
    "target": (str, "TARGET", "ferplus: majority, probability or multi-target"),
    "labels": (str, "folders|list", "affectnet, folder: which labels to take, if the two differ"),
    "peak": (int, "N", "ckplus, oulucasia: how many of a sequence's last frames to take"),
    "neutral": (bool, "", "oulucasia: also take the first frame of each sequence"),
    "frontal": (bool, "", "kdef: only frontal faces"),
    "images": (int, "N", "synthetic sets: how many to render"),
}


def _import(options) -> None:
    from . import datasets

    given = {key: getattr(options, key) for key in (*IMPORT_OPTIONS, "contempt", "split", "roles", "seed")}
    given = {key: value for key, value in given.items() if value is not None}
    if options.given:
        if given or options.name or options.to:
            raise ValueError("--given takes everything from the environment: leave out the name and all other options")
        return _import_given(os.environ)
    if options.name is None:
        raise ValueError(f"import which data set? There are {', '.join(datasets.NAMES)}")
    if options.name in datasets.NAMES:
        known = (*datasets.options_of(options.name), "split", "roles", "seed")
        for key in given:
            if key not in known:
                flags = ", ".join(
                    f"--{one.replace('_', '-')}" for one in known if one in {*IMPORT_OPTIONS, *known[-3:]}
                )
                raise ValueError(f"--{key.replace('_', '-')} is not for {options.name}, which has {flags}")
    if "seed" in given and "split" not in given and options.name in datasets.REAL:
        raise ValueError("--seed can only be used with --split, and for synthetic sets")
    to = options.to or Path("data") / options.name
    _show(datasets.import_dataset(options.name, options.source, to, **given))


def _import_given(environment: Mapping[str, str]) -> None:
    """What `make reproduce NAME=download` names; notebooks 1 to 3 read the last that names no subjects."""
    from . import datasets
    from .pipeline.data import choose
    from .pipeline.parameters import subject_sets

    given = {name: environment.get(name.upper()) for name in datasets.REAL if name != "ferplus"}
    votes, split = environment.get("FERPLUS"), environment.get("SPLIT")
    if votes and not given["fer2013"]:
        raise ValueError("FERPLUS are votes on the images of FER2013: give FER2013=fer2013.csv, too")
    subjects = subject_sets()
    if split and not any(source for name, source in given.items() if name not in subjects):
        raise ValueError("SPLIT divides a set that is given with it, such as RAFDB=folder")
    for name, source in given.items():
        if source:
            more = {"votes": votes} if name == "fer2013" and votes else {}
            more |= {"split": split} if split and name not in subjects else {}
            path = datasets.import_dataset(name, source, Path("data") / name, **more)
            _show(path)
            if name not in subjects:
                choose(path.parent)


def _show(path: Path) -> None:
    """What an import has found."""
    from . import datasets
    from .results.text import plain

    faces = datasets.load_imported(path.parent)
    splits = ", ".join(f"{plain(name) or 'no split'} {len(faces.rows(name)):,}" for name in faces.splits)
    print(f"{path.parent}: {len(faces):,} images of {' x '.join(map(str, faces.pixels.shape[1:3]))} ({splits})")
    print(f"classes: {plain(', '.join(faces.classes))}")
    roles = ", ".join(f"{role} {faces.roles.get(role) or _whole(faces, role)}" for role in datasets.ROLES)
    print(f"roles: {plain(roles)}")
    for note in faces.notes:
        print(f"note: {plain(note)}")


def _whole(faces, role: str) -> str:
    return "all" if role in faces.roles else "none"


def _audit(options) -> None:
    from . import audit, datasets
    from .results import measurements, tables

    faces = datasets.load_imported(options.folder)
    print(f"{tables.label(faces)}: {len(faces):,} images")
    split = faces.splits != ("",)
    train = options.train if options.train in faces.splits or not split else faces.split_of(options.train)
    print(audit.counts(faces).to_string(), "\n")
    print(f"images of one grey value: {len(audit.constant(faces.pixels))}")
    searches = {
        "identical to the byte": lambda: audit.exact_duplicates(faces.pixels),
        "the same photograph": lambda: audit.copies(faces),  # which takes hours of a large set: all else is told before
    }
    for name, search in searches.items():
        group = search()
        redundant = len(group) - len(set(group.tolist()))
        contradicted = len(audit.contradicted(faces, group))
        print(f"\n{name}: {redundant:,} redundant, {contradicted:,} in groups of several labels")
        if split:
            print(audit.leakage(faces, group, train).to_string(float_format="{:.4f}".format))
        sys.stdout.flush()
    if options.save:
        measurements.write(measurements.table(audit.measurements(faces), faces=[faces]), options.save)
    if not split:
        print("\nno splits, and so no leakage between them; import it with --split 80/10/10 to have some")


def _convert(options) -> None:
    from .models.weights import convert

    print(f"{convert(options.source, options.target)}: models.create(NETWORK, weights='{options.target}')")


def _read_recipe(path: str) -> tuple[str, dict, list[str], list[str]]:
    """Of a file for `fercore train`: the network's name; what `fit` takes beside it, recipe, weights and options; the
    files of soft labels; and network and weights of a teacher, or nothing. Raises ValueError that names the file."""
    from .pipeline.parameters import read_params
    from .training.recipe import CHOICES, from_plain

    settings = read_params(path)
    network, made_with = settings.pop("network", None), settings.pop("options", None) or {}
    start, soft = settings.pop("weights", None), settings.get("soft_labels", "none")
    teacher = {name: settings.pop(name) for name in ("teacher_network", "teacher_weights") if name in settings}
    if network is None:
        raise ValueError(f"{path}: names no network")
    given = {"network": network, "weights": start or "", "options": made_with} | teacher
    for name, value in given.items():
        kind = dict if name == "options" else str
        if not isinstance(value, kind):
            what = "a name" if kind is str else "names with values"
            raise ValueError(f"{path}: {name} is {value!r}, a {type(value).__name__}; expected {what}")
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
    if len(teacher) != (0 if recipe.distillation is None else 2):
        raise ValueError(
            f"{path}: distillation, teacher_network and teacher_weights need each other; the last is fer2013 or a "
            "file that fercore train has made"
        )
    return network, {"recipe": recipe, "weights": start, "options": made_with}, files, list(teacher.values())


def _train(options) -> None:
    from . import audit, datasets
    from .deployment.model_card import release, require_releasable
    from .training.trainer import fit

    if options.mask and not options.release:
        raise ValueError("--mask can only be used with --release: training is the same without it")
    network, words, soft, teacher = _read_recipe(options.recipe)
    if options.seed is not None:
        words["recipe"] = replace(words["recipe"], seed=options.seed)
    faces = datasets.load_imported(options.data)
    if soft:
        from .studies import out_of_fold

        words["soft_labels"] = out_of_fold.read(soft, faces)
    faces.rows(options.train)  # there, before anything else is done
    select = None if options.select == "none" else options.select
    if select == "select" and "select" not in {*faces.roles, *faces.splits}:
        raise ValueError(
            f"{options.data} has no split to choose the epoch on; it has {', '.join(map(repr, faces.splits))}. "
            "Name it (--select SPLIT), keep the last epoch (--select none), or import it with --split 80/10/10 or 90/10"
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
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"note: {message}", file=sys.stderr)
        if teacher:
            from .studies import teachers

            words["teacher"] = teachers.of_student(*teacher, faces, network, words["recipe"], words["options"])
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
        print(release(run, network, words["options"], faces, masks, Path(options.release), ", ".join(teacher)))


def _soft_labels(options) -> None:
    from . import audit, datasets
    from .studies import out_of_fold

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


def _named(options) -> dict[str, str]:
    """Network and data of `_add_predictor`, as far as they are given. Raises ValueError where a model is, too."""
    named = {key: value for key in ("network", "data") if (value := getattr(options, key)) is not None}
    if options.model and named:
        raise ValueError(f"--model is a network with its weights: leave out --{' and --'.join(named)}")
    return named


def _predictor(options, **more):
    from .deployment.predict import Predictor

    detector = None if options.detector == "none" else options.detector
    return Predictor(**_named(options), model=options.model, certain=options.certain, detector=detector, **more)


def _predict(options) -> None:
    from .deployment import predict

    named = _named(options)
    if options.limits:
        print(predict.limits_of(options.model) if options.model else predict.limits(**named))
        return
    if not options.sources:
        raise ValueError("name a picture, a folder or a video; fercore predict --help says more")
    if options.to and Path(options.to).suffix not in (".csv", ".json"):  # before the work, not after it
        raise ValueError(f"{options.to}: a table is written to a file ending in .csv or .json")
    predictor = _predictor(options)
    _make_room(options.to)
    found = predict.predict(predictor, options.sources, options.every)
    table = predict.report(found, predictor.description.classes, options.draw)
    if options.to:
        predict.save(table, options.to)
    given = [word for key, value in [*named.items(), ("model", options.model)] if value for word in (f"--{key}", value)]
    limits = shlex.join(["fercore", "predict", *given, "--limits"])
    print(predict.summary(table, predictor.description.calibrated, limits))
    return int(table["face"].isna().all() and not table["note"].eq(predict.NO_FACE).any())


def _make_room(path: str | None) -> None:
    """The folder of a file to be written, before the work whose result it is. Raises OSError."""
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)


def _webcam(options) -> None:
    from .deployment import detect, export, webcam

    source = int(options.camera) if options.camera.isdigit() else options.camera
    predictor = _predictor(options, sizes=detect.MOVING)
    if not predictor.description.calibrated:
        print(export.NOT_CALIBRATED)
    seen = webcam.watch(predictor, source, options.port, options.seconds, options.record)
    print(f"{seen['frames']:,} frames in {seen['seconds']:.1f} s, {seen['fps']:.1f} a second")


def _export(options) -> None:
    from .deployment import compress, export

    if options.method and not options.int8:
        raise ValueError("--method can only be used with --int8, which names the data set to calibrate on")
    _make_room(options.to)
    if not options.int8:
        print(export.from_weights(options.network, options.weights, options.to))
        _say_uncalibrated(options.to)
        return
    from . import datasets

    faces = datasets.load_imported(options.int8)
    with tempfile.TemporaryDirectory() as folder:
        whole = export.from_weights(options.network, options.weights, Path(folder) / "fp32.onnx")
        found = compress.export_int8(whole, faces, options.to, options.method or compress.METHODS[-1])
    said = ", ".join(f"{name} {100 * share:.2f} %" for name, share in found.items())
    print(f"{options.to}: accuracy on {faces.split_of('select')} {said}")
    _say_uncalibrated(options.to)


def _say_uncalibrated(path: str) -> None:
    from .deployment import export

    if not export.read(path)[1].calibrated:
        print(export.NOT_CALIBRATED)


def _bench(options) -> None:
    import pandas as pd

    from .deployment import benchmark, bundle, timing
    from .results import measurements

    first, *rest = options.words or ["tinyfer_lite@64"]
    timed = ("names", "threads", "batch", "seconds", "memory", "realtime")
    given = {key: value for key in timed if (value := getattr(options, key)) is not None}
    reads = {"bundle": [], "join": ["to"]}.get(first, ["to", *timed])
    if unread := [key for key in ("to", *timed) if getattr(options, key) is not None and key not in reads]:
        raise ValueError(f"bench {first} does not read --{unread[0].replace('names', 'runtimes')}")
    if first == "bundle":
        if not rest:
            raise ValueError("name the file: fercore bench bundle fercore-bench.pyz [NETWORK@SIDE ...]")
        specs = rest[1:] or ["microexpnet_xxs@84", "microexpnet_se@48", "tinyfer_lite@64", "tinyfer_lite@224"]
        _make_room(rest[0])
        path = bundle.make(rest[0], map(benchmark.network, specs))
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB; python {path.name} --device NAME > NAME.json")
        return
    if first == "join":
        if not rest:
            raise ValueError("name what a bundle has printed: fercore bench join NAME.json [NAME.json ...]")
        tables, measured = zip(*map(bundle.join, rest), strict=True)
        if options.to:
            folder = Path(options.to)
            rows = [row for each in measured for row in each]
            measurements.write(measurements.table(rows, measurements.PAPER), folder)
            whole = pd.concat(tables)
            whole.to_csv(folder / "latency.csv", index=False, lineterminator="\n", float_format="%.4g")
        for table in tables:
            print(benchmark.shown(table))
        return
    networks = [benchmark.network(spec) for spec in (first, *rest)]  # a wrong name is told before any is timed
    table = benchmark.bench(networks, **given)
    if options.to:
        Path(options.to).mkdir(parents=True, exist_ok=True)
        table.to_csv(Path(options.to) / "latency.csv", index=False, lineterminator="\n", float_format="%.4g")
    print(benchmark.shown(table))
    print("  ".join(f"{name}: {value}" for name, value in timing.machine().items()))


def _networks(options) -> None:
    from . import claims
    from .claims import equations
    from .models.profile import compare, count, structures
    from .results import measurements

    networks = claims.networks()
    ledger = claims.load(counted=networks)
    rows = count(networks)
    if options.save:
        rows += structures(ledger.arguments("structure")) + equations.measure()
        measurements.write(measurements.table(rows), options.save)
    counted = measurements.table(rows).set_index("measurement").assign(evidence="counted now")
    print(compare(networks, counted, claims.judge(ledger, counted, [])).to_string(index=False))


def _claims(options) -> None:
    from . import claims
    from .claims import effort, settings

    if options.findings and (options.verdict or options.measurement):
        raise ValueError("--findings shows whole papers: leave out --verdict and --measurement")
    networks = claims.networks()
    ledger = claims.load(counted=networks)
    if missing := [folder for folder in options.reports if not Path(folder).is_dir()]:
        raise ValueError(f"{missing[0]} is no folder: there is nothing that was measured")
    evidence = settings.evidence(options.reports)
    findings = claims.run(ledger, evidence)
    table = claims.judge(ledger, evidence, findings)
    for key, value in (("paper", options.paper), ("verdict", options.verdict)):
        known = {"paper": ledger.papers, "verdict": claims.VERDICTS}[key]
        if value and value not in known:
            raise ValueError(f"no {key} {value!r}; there are {', '.join(known)}")
        table = table[table[key].eq(value)] if value else table
    if options.measurement:
        table = table[table["measurement"].str.contains(options.measurement, regex=False)]
    if options.open:
        _open(effort.plan(ledger, table, networks, evidence))
    elif options.summary:
        print(claims.summary(table).to_string())
    elif options.findings:
        failed = [one for one in findings if one.holds is False and options.paper in (None, one.check.paper)]
        sure = {id(one) for one in claims.contradicting(findings)}
        _show_findings([one for one in failed if id(one) in sure])
        if open_ones := [one for one in failed if id(one) not in sure]:
            print("\nNo contradictions: these rest on an assumption, or on one reading of several\n")
            _show_findings(open_ones)
    else:
        columns = ["id", "claimed", "unit", "measured", "seeds", "verdict", "evidence", "how"]
        print(table[columns].astype({"seeds": float}).to_string(index=False, na_rep="", float_format="{:,.10g}".format))


def _show_findings(findings) -> None:
    for finding in findings:
        print(f"{finding.check.paper}  {finding.check.says}")
        print(f"    {', '.join(key.partition('/')[2] for key in finding.claims)}")
        print(f"    {finding.left}  |  {finding.right}")
        if finding.check.assumes:
            print(f"    assuming that {finding.check.assumes}")
        if finding.check.reads:
            print(f"    read as {finding.check.reads}")


def _open(plan) -> None:
    """What it would take, cheapest first; then what no command here gives."""
    from .claims.effort import NO_NEED, shown

    for way in plan[plan["command"] != ""].itertuples():
        count = f"{len(way.claims)} claim{'s' * (len(way.claims) > 1)}"
        print(f"{shown(way.hours)} here, {count}, needs {way.needs or 'nothing'}\n    {way.command}")
        print(f"    {', '.join(way.claims[:3])}{', …' * (len(way.claims) > 3)}")
    lacking = plan[plan["command"] == ""]
    if len(lacking):
        print("\nno command here gives a verdict on")
    for way in lacking.itertuples():
        print(f"{len(way.claims):6}  needs {way.needs or NO_NEED}")


def _notebook(options) -> None:
    from .pipeline import notebook

    executed = notebook.run(options.name, options.profile)
    from .reporting.page import page  # after what the notebook has to say

    record = executed.parents[1] / f"provenance/{options.name}.json"
    page(executed, executed.with_suffix(".html"), record)


def _site(options) -> None:
    from .pipeline.notebook import PROFILES
    from .reporting import site

    if options.profile not in (*PROFILES, site.REFERENCE):
        raise ValueError(f"no profile {options.profile!r}; there are {', '.join(PROFILES)}, and {site.REFERENCE}")
    if options.profile == site.REFERENCE:
        site.picture()
    print(site.write(options.profile))


def _trainings(options) -> None:
    from .pipeline import trainings

    if options.training:
        trainings.train(options.name, options.profile, options.training)
    print(trainings.listed(options.name, options.profile).to_string())


def _data(options) -> None:
    from .pipeline.data import prepare
    from .pipeline.notebook import PROFILES
    from .pipeline.parameters import subject_sets

    if options.name not in (known := [*PROFILES, *subject_sets()]):
        raise ValueError(
            f"no profile {options.name!r}, nor a set that names its subjects; there are {', '.join(known)}"
        )
    print(prepare(options.name))


def _params(options) -> None:
    from .pipeline import locks, notebook
    from .pipeline.parameters import subject_sets

    found = sorted(Path("notebooks").glob("[0-9]*.ipynb"))
    if not found:
        raise FileNotFoundError("no numbered notebook in notebooks/; run this at the root of the project")
    for path in found:
        notebook.parameters(path.stem, options.profile)
    for source in {"faces", "fer2013", "bundles", *subject_sets()}:  # what stages look into, where nothing was imported
        Path("data", source).mkdir(parents=True, exist_ok=True)
    locks.release_dead()


def _deps(options) -> None:
    from .pipeline import stages

    path = Path("dvc.yaml")
    path.write_text(stages.rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")


def _labs(options) -> None:
    from .labs import make

    masters = sorted(Path("notebooks/labs").glob("[0-9]*.ipynb"))
    if not masters:
        raise FileNotFoundError("no lab in notebooks/labs; run this at the root of the project")
    for folder in make.make(masters, options.to):
        print(folder)


def _grade(options) -> None:
    from .labs import grade

    table = grade.grade_all(options.submissions, options.labs, options.seconds)
    path = Path(options.to)
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, encoding="utf-8-sig")  # by whose mark Excel knows that names are in UTF-8
    print(f"{path}: {len(table)} submissions, {(table['status'] == grade.GRADED).sum()} graded")


if __name__ == "__main__":  # torchrun -m fercore.cli train ...
    sys.exit(main())
