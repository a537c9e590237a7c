"""The command `fercore`: what the library does, from a shell. `fercore COMMAND --help` says more."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def main(words: list[str] | None = None) -> int:
    """Run one command; 0 where it did its work, 1 with one line on standard error where it could not."""
    options = _parser().parse_args(words)
    from .datasets import DataError
    from .pipeline import ParameterError

    try:
        return options.run(options) or 0
    except (DataError, ParameterError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        print("fercore:", str(error).replace("\n", " "), file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fercore", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("import", help="read a data set once, so that it is memory-mapped from then on")
    command.add_argument("name", help="fer2013, ferplus, rafdb, affectnet, ckplus, oulucasia, folder or synthfer")
    command.add_argument("source", nargs="?", help="the file or folder in the layout that users download")
    command.add_argument("--to", metavar="FOLDER", help="where to (data/NAME)")
    command.add_argument("--fer2013", metavar="SOURCE", help="ferplus: FER2013 itself, a file or an imported folder")
    command.add_argument("--votes", metavar="CSV", help="fer2013: also the FER+ votes in fer2013new.csv")
    command.add_argument("--subject", metavar="REGEX", help="folder: what finds the subject in an image's path")
    command.add_argument("--images", type=int, help="synthetic sets: how many")
    command.add_argument("--seed", type=int, help="synthetic sets")
    command.set_defaults(run=_import)

    command = commands.add_parser("audit", help="counts, duplicates and leakage of an imported data set")
    command.add_argument("folder", help="where it was imported to, such as data/fer2013")
    command.set_defaults(run=_audit)

    command = commands.add_parser("train", help="train a network as a YAML file says; goes on where it was stopped")
    command.add_argument("recipe", help="network, options, weights, and the settings of fercore.recipe.Recipe")
    command.add_argument("--data", metavar="FOLDER", required=True, help="an imported data set, such as data/fer2013")
    command.add_argument("--to", metavar="FOLDER", required=True, help="the run, such as runs/tinyfer_lite")
    command.add_argument("--train", metavar="SPLIT", default="Training", help="what to train on (%(default)s)")
    command.add_argument(
        "--select", metavar="SPLIT", default="PublicTest",
        help="what the best epoch is chosen on (%(default)s); none: the last epoch is kept",
    )  # fmt: skip
    command.add_argument("--restart", action="store_true", help="start over where the run is of other settings or data")
    command.add_argument("--device", help="cuda, cuda:1, cpu (a GPU where there is one)")
    command.add_argument("--release", metavar="FOLDER", help="put weights and a card there, reported on PrivateTest")
    command.add_argument(
        "--mask",
        metavar="CSV",
        default="reports/reference/01_data_audit/test_mask.csv",
        help="with --release: the test images without copies in Training, from 01_data_audit (%(default)s)",
    )
    command.set_defaults(run=_train)

    command = commands.add_parser("predict", help="pictures, folders and videos: which emotion? several faces, a table")
    command.add_argument("sources", nargs="*", metavar="IMAGE|FOLDER|VIDEO")
    command.add_argument("--to", metavar="FILE", help="write a row a face to FILE.csv or FILE.json")
    command.add_argument("--draw", metavar="FOLDER", help="write pictures and videos there with the faces named")
    command.add_argument("--model", metavar="FILE", help="a file of fercore export, instead of the network")
    command.add_argument("--network", default="tinyfer_lite", help="of the weights that come along (%(default)s)")
    command.add_argument("--data", default="fer2013", help="what they were trained on (%(default)s)")
    command.add_argument("--detector", default="auto", help="auto, yunet, cascade; none: every picture is a face")
    command.add_argument(
        "--certain", type=float, default=0.5, metavar="P",
        help="the probability below which an answer is called uncertain (%(default)s: as likely wrong as right)",
    )  # fmt: skip
    command.add_argument("--every", type=int, default=1, metavar="N", help="every Nth frame of a video (%(default)s)")
    command.add_argument("--limits", action="store_true", help="what such answers are worth, and nothing else")
    command.set_defaults(run=_predict)

    command = commands.add_parser("webcam", help="what a camera sees, with the faces named, in a browser")
    command.add_argument("--camera", default="0", help="number of the camera, or a video (%(default)s)")
    command.add_argument("--port", type=int, default=0, help="of the address on this computer (any that is free)")
    command.add_argument("--seconds", type=float, help="end after so many")
    command.add_argument("--record", metavar="FILE.mp4", help="also keep what is shown; nothing is kept otherwise")
    command.add_argument("--model", metavar="FILE", help="a file of fercore export, instead of the network")
    command.set_defaults(run=_webcam)

    command = commands.add_parser("export", help="a network as an ONNX file that takes faces as the camera has them")
    command.add_argument("network", help="tinyfer_lite, or whatever a run or a file of weights is of")
    command.add_argument("--weights", default="fer2013", help="that come along, or a .safetensors file (%(default)s)")
    command.add_argument("--to", metavar="FILE.onnx", required=True)
    command.set_defaults(run=_export)

    command = commands.add_parser("bench", help="how long networks take in every runtime, here or on a small computer")
    command.add_argument(
        "words", nargs="*", metavar="NETWORK@SIDE | bundle FILE [NETWORK@SIDE ...] | join JSON",
        help="such as tinyfer_lite@64; bundle: write one file that times them where NumPy and ONNX Runtime are; join: "
        "read what it printed there",
    )  # fmt: skip
    command.add_argument("--runtimes", nargs="+", metavar="NAME", help="such as PyTorch 'ONNX Runtime' (all)")
    command.add_argument("--threads", type=int, default=1)
    command.add_argument("--batch", type=int, default=1)
    command.add_argument("--seconds", type=float, default=1.0, help="about, for each network and runtime (%(default)s)")
    command.add_argument("--realtime", action="store_true", help="other work waits meanwhile, where Linux lets one")
    command.add_argument("--memory", action="store_true", help="also the peak memory of fresh processes")
    command.add_argument("--to", metavar="FOLDER", help="write latency.csv there, and measurements.csv of a join")
    command.set_defaults(run=_bench)

    command = commands.add_parser("networks", help="every network: parameters, size, operations, and what is printed")
    command.add_argument(
        "--save", metavar="FOLDER", help="also write measurements.csv there, equations too, for the ledger"
    )
    command.set_defaults(run=_networks)

    command = commands.add_parser("claims", help="what the papers claim, what was measured, and the verdicts")
    command.add_argument("--paper", help="one paper only, such as tinyfer")
    command.add_argument("--verdict", help="one verdict only, such as inconsistent")
    command.add_argument("--measurement", metavar="TEXT", help="only measurements with TEXT in their name")
    command.add_argument("--summary", action="store_true", help="claims by paper and verdict")
    command.add_argument("--findings", action="store_true", help="what contradicts itself, both sides")
    command.add_argument(
        "--reports",
        nargs="+",
        default=["reports/reference"],
        metavar="FOLDER",
        help="where to look for measurements, the first that has one wins (reports/reference)",
    )
    command.set_defaults(run=_claims)

    command = commands.add_parser("data", help="put a profile's data set in place (a stage of the pipeline)")
    command.add_argument("-f", dest="files", action="append", required=True, metavar="YAML")
    command.add_argument("folder")
    command.set_defaults(run=_data)

    command = commands.add_parser("params", help="check parameter files against the notebooks before anything runs")
    command.add_argument("profile", help="smoke, quick, laptop or paper")
    command.add_argument("notebooks", nargs="*", help="all numbered ones, if none is named")
    command.set_defaults(run=_params)

    command = commands.add_parser("page", help="an executed notebook as one HTML file that opens offline")
    command.add_argument("notebook")
    command.add_argument("target")
    command.set_defaults(run=_page)

    command = commands.add_parser("failure", help="say which cell of which notebook failed, and how")
    command.add_argument("folder", help="reports/PROFILE")
    command.set_defaults(run=_failure)
    return parser


def _import(options) -> None:
    from . import datasets

    given = {key: getattr(options, key) for key in ("fer2013", "votes", "subject", "images", "seed")}
    given = {key: value for key, value in given.items() if value is not None}
    of = {"fer2013": ("ferplus",), "votes": ("fer2013",), "subject": ("folder",)}
    for key in given:
        if options.name in datasets.NAMES and options.name not in of.get(key, datasets.SYNTHETIC):
            raise ValueError(f"--{key} is not for {options.name}")
    if options.name == "ferplus" and "fer2013" not in given:
        raise ValueError("ferplus needs FER2013 itself too: --fer2013 SOURCE")
    path = datasets.import_dataset(options.name, options.source, options.to or Path("data") / options.name, **given)
    faces = datasets.load_imported(path.parent)
    splits = ", ".join(f"{name or 'no split'} {len(faces.rows(name)):,}" for name in faces.splits)
    print(f"{path.parent}: {len(faces):,} images of {' x '.join(map(str, faces.pixels.shape[1:3]))} ({splits})")
    for note in faces.notes:
        print(f"note: {note}")


def _audit(options) -> None:
    from . import audit, datasets
    from .results import tables

    faces = datasets.load_imported(options.folder)
    print(f"{tables.label(faces)}: {len(faces):,} images")
    exact = audit.exact_duplicates(faces.pixels)
    threshold = audit.SAME_SYNTHETIC if faces.synthetic else audit.SAME
    near = audit.groups(exact, audit.near_duplicates(faces.pixels, threshold))
    print(audit.counts(faces).to_string(), "\n")
    print(f"images of one grey value: {len(audit.constant(faces.pixels))}")
    for name, group in (("identical to the byte", exact), ("the same photograph", near)):
        redundant = len(group) - len(set(group.tolist()))
        contradicted = len(audit.contradicted(faces, group))
        print(f"\n{name}: {redundant:,} redundant, {contradicted:,} in groups of several labels")
        if "Training" in faces.splits:
            print(audit.leakage(faces, group).to_string(float_format="{:.4f}".format))


def _train(options) -> None:
    from . import audit, datasets
    from .deployment.model_card import release
    from .pipeline import read_params
    from .training.recipe import from_plain
    from .training.trainer import fit

    settings = read_params(options.recipe)
    network, made_with = settings.pop("network", None), settings.pop("options", None) or {}
    if network is None:
        raise ValueError(f"{options.recipe}: names no network")
    start, faces = settings.pop("weights", None), datasets.load_imported(options.data)
    recipe = from_plain(settings)
    select = None if options.select == "none" else options.select
    run = fit(
        network, faces, recipe, options.to, train=options.train, select=select, weights=start, options=made_with,
        device=options.device, restart=options.restart,
    )  # fmt: skip
    if int(os.environ.get("RANK", 0)):  # of torchrun; the first process speaks for all
        return
    best = run.history.iloc[run.best_epoch - 1]
    scores = "last" if select is None else f"{select} accuracy {best['accuracy']:.4f}, macro-F1 {best['macro_f1']:.4f}"
    print(f"{options.to}: epoch {run.best_epoch} of {len(run.history)}, {scores}")
    if options.release:
        masks = audit.without_copies(faces, "PrivateTest", options.mask)
        print(release(run, network, made_with, faces, masks, Path(options.release)))


def _predict(options) -> None:
    from .deployment import predict

    if options.limits:
        print(predict.limits(options.network, options.data))
        return
    if not options.sources:
        raise ValueError("name a picture, a folder or a video; fercore predict --help says more")
    if options.to and Path(options.to).suffix not in (".csv", ".json"):  # before the work, not after it
        raise ValueError(f"{options.to}: a table is written to a file ending in .csv or .json")
    predictor = predict.Predictor(
        options.network, options.data, model=options.model, certain=options.certain,
        detector=None if options.detector == "none" else options.detector,
    )  # fmt: skip
    found = predict.predict(predictor, options.sources, options.every)
    table = predict.report(found, predictor.description.classes, options.draw)
    if options.to:
        predict.save(table, options.to)
    print(predict.summary(table))
    return int(table["face"].isna().all() and not table["note"].eq(predict.NO_FACE).any())


def _webcam(options) -> None:
    from .deployment import detect, predict, webcam

    source = int(options.camera) if options.camera.isdigit() else options.camera
    predictor = predict.Predictor(model=options.model, sizes=detect.MOVING)
    seen = webcam.watch(predictor, source, options.port, options.seconds, options.record)
    print(f"{seen['frames']:,} frames in {seen['seconds']:.1f} s, {seen['fps']:.1f} a second")


def _export(options) -> None:
    from .deployment import export

    print(export.from_weights(options.network, options.weights, options.to))


def _bench(options) -> None:
    from .deployment import bundle, latency, runtimes, timing
    from .results import measurements

    first, *rest = options.words or ["tinyfer_lite@64"]
    if first == "bundle":
        if not rest:
            raise ValueError("name the file: fercore bench bundle fercore-bench.pyz [NETWORK@SIDE ...]")
        specs = rest[1:] or ["microexpnet_xxs@84", "microexpnet_se@48", "tinyfer_lite@64", "tinyfer_lite@224"]
        path = bundle.make(rest[0], map(latency.network, specs))
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB; python {path.name} --device NAME > NAME.json")
        return
    if first == "join":
        for path in rest or [""]:
            table, measured = bundle.join(path)
            if options.to:
                folder = Path(options.to)
                measurements.save(measured, folder, "paper")
                table.to_csv(folder / "latency.csv", index=False, lineterminator="\n", float_format="%.4g")
            print(table.to_string(index=False, float_format="{:.4g}".format))
        return
    networks = map(latency.network, [first, *rest])
    names = options.runtimes or runtimes.RUNTIMES
    table = latency.bench(
        networks, names, options.threads, options.batch, options.seconds, options.memory, options.realtime
    )
    if options.to:
        Path(options.to).mkdir(parents=True, exist_ok=True)
        table.to_csv(Path(options.to) / "latency.csv", index=False, lineterminator="\n", float_format="%.4g")
    print(table.dropna(axis="columns", how="all").to_string(index=False, na_rep="", float_format="{:.4g}".format))
    print("  ".join(f"{name}: {value}" for name, value in timing.machine().items()))


def _networks(options) -> None:
    from . import claims
    from .claims import equations
    from .models.profile import compare, count
    from .results import measurements

    networks = claims.networks()
    rows = count(networks)
    if options.save:
        measurements.save(rows + equations.measure(), options.save)
    counted = measurements.save(rows, "").set_index("measurement").assign(evidence="counted now")
    ledger = claims.load(counted=networks)
    print(compare(networks, counted, claims.judge(ledger, counted, [])).to_string(index=False))


def _claims(options) -> None:
    from . import claims
    from .results import measurements

    ledger = claims.load()
    evidence = measurements.gather(options.reports)
    findings = claims.run(ledger, evidence)
    table = claims.judge(ledger, evidence, findings)
    for key, value in (("paper", options.paper), ("verdict", options.verdict)):
        known = {"paper": ledger.papers, "verdict": claims.VERDICTS}[key]
        if value and value not in known:
            raise ValueError(f"no {key} {value!r}; there are {', '.join(known)}")
        table = table[table[key].eq(value)] if value else table
    if options.measurement:
        table = table[table["measurement"].str.contains(options.measurement, regex=False)]
    if options.summary:
        print(claims.summary(table).to_string())
    elif options.findings:
        for finding in findings:
            if finding.holds is False and options.paper in (None, finding.check.paper):
                print(f"{finding.check.paper}  {finding.check.says}")
                print(f"    {', '.join(key.partition('/')[2] for key in finding.claims)}")
                print(f"    {finding.left}  |  {finding.right}")
                if finding.check.assumes:
                    print(f"    assuming that {finding.check.assumes}")
    else:
        columns = ["id", "claimed", "unit", "measured", "seeds", "verdict", "evidence"]
        print(table[columns].astype({"seeds": float}).to_string(index=False, na_rep="", float_format="{:,.10g}".format))


def _data(options) -> None:
    from .pipeline import prepare_data

    print(prepare_data(options.files, options.folder))


def _params(options) -> None:
    from .pipeline import check_params

    notebooks = options.notebooks or sorted(Path("notebooks").glob("[0-9]*.ipynb"))
    if not notebooks:
        raise FileNotFoundError("no numbered notebook in notebooks/; run this at the root of the project")
    for notebook in map(Path, notebooks):
        check_params(notebook, [f"params/{layer}/{notebook.stem}.yaml" for layer in ("paper", options.profile)])


def _page(options) -> None:
    from .reporting.page import page

    page(options.notebook, options.target)


def _failure(options) -> None:
    from .pipeline import failure

    print(failure(options.folder) or f"no executed notebook below {options.folder} holds an error; see above")


if __name__ == "__main__":  # torchrun -m fercore.cli train ...
    sys.exit(main())
