"""The command `fercore`: what the library does, from a shell. `fercore COMMAND --help` says more."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

INTERRUPTED = 128 + 2  # as shells have it of SIGINT


def main(words: list[str] | None = None) -> int:
    """Run one command; 0 where it did its work, 1 with one line on standard error where it could not, 130 where it was
    interrupted."""
    try:
        options = _parser().parse_args(words)
        return options.run(options) or 0
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:  # DataError, ParameterError among them
        print("fercore:", " ".join(str(error).split()), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("fercore: interrupted; what was whole before is whole", file=sys.stderr)
        return INTERRUPTED


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

    command = commands.add_parser("notebook", help="run a notebook as a stage, with a profile's parameters")
    command.add_argument("name", help="such as 05_kd_temperature_grid")
    command.add_argument("profile", help="smoke, quick, laptop or paper")
    command.add_argument("--page", metavar="HTML", help="also write it as one page that opens offline")
    command.set_defaults(run=_notebook)

    command = commands.add_parser("data", help="put the data of a profile, or a set that names its subjects, in place")
    command.add_argument("name", help="a profile, or a set such as ckplus")
    command.set_defaults(run=_data)

    command = commands.add_parser("params", help="check the parameters of every notebook, before anything runs")
    command.add_argument("profile", help="smoke, quick, laptop or paper")
    command.set_defaults(run=_params)

    command = commands.add_parser("deps", help="write into dvc.yaml what each stage depends on")
    command.set_defaults(run=_deps)
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
    from .pipeline.parameters import read_params
    from .training.recipe import from_plain
    from .training.trainer import fit

    settings = read_params(options.recipe)
    network, made_with = settings.pop("network", None), settings.pop("options", None) or {}
    start = settings.pop("weights", None)
    if network is None:
        raise ValueError(f"{options.recipe}: names no network")
    for name, value, kind in (("network", network, str), ("weights", start or "", str), ("options", made_with, dict)):
        if not isinstance(value, kind):
            what = "a name" if kind is str else "names with values"
            raise ValueError(f"{options.recipe}: {name} is {value!r}, a {type(value).__name__}; expected {what}")
    faces = datasets.load_imported(options.data)
    try:
        recipe = from_plain(settings)
    except ValueError as error:
        raise ValueError(f"{options.recipe}: {error}") from None
    select = None if options.select == "none" else options.select
    # before hours of training: a mask of other images is refused
    masks = audit.without_copies(faces, "PrivateTest", options.mask) if options.release else {}
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
        print(release(run, network, made_with, faces, masks, Path(options.release)))


def _networks(options) -> None:
    from . import claims
    from .claims import equations
    from .models.profile import compare, count
    from .results import measurements

    networks = claims.networks()
    rows = count(networks)
    if options.save:
        measurements.write(measurements.table(rows + equations.measure()), options.save)
    counted = measurements.table(rows).set_index("measurement").assign(evidence="counted now")
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


def _notebook(options) -> None:
    from .pipeline import notebook

    executed = notebook.run(options.name, options.profile)
    if options.page:
        from .reporting.page import page

        page(executed, options.page)


def _data(options) -> None:
    from .pipeline.data import prepare

    print(prepare(options.name))


def _params(options) -> None:
    from .pipeline import notebook, stages

    found = sorted(Path("notebooks").glob("[0-9]*.ipynb"))
    if not found:
        raise FileNotFoundError("no numbered notebook in notebooks/; run this at the root of the project")
    for path in found:
        notebook.parameters(path.stem, options.profile)
    for source in {"fer2013", *stages.subject_sets()}:  # what stages look into, where nothing was imported
        Path("data", source).mkdir(parents=True, exist_ok=True)


def _deps(options) -> None:
    from .pipeline import stages

    path = Path("dvc.yaml")
    path.write_text(stages.rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":  # torchrun -m fercore.cli train ...
    sys.exit(main())
