"""Commands that the pipeline is made of: notebook, site, trainings, params, deps."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from .. import files
from ..results.folders import PROFILES, REFERENCE
from .outputs import noted_warnings, refuse_file


def add_to(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add these commands; `add` takes name, function and help."""
    which = f"{', '.join(PROFILES[:-1])} or {PROFILES[-1]}"
    command = add("notebook", _notebook, "run a notebook as a stage, with a profile's parameters")
    command.add_argument("name", help="such as 05_kd_temperature_grid")
    command.add_argument("profile", help=which)

    words = "write the report as pages that open offline: reports/PROFILE/index.html"
    command = add("site", _site, words)
    command.add_argument("profile", help=f"{which}; {REFERENCE} for the included results")

    words = "show how far the trainings of a notebook are, and run those that are named"
    command = add("trainings", _trainings, words)
    command.add_argument("name", help="such as 06_mini_resemotenet")
    command.add_argument("profile", help=which)
    words = "run these now; interrupted ones are resumed, or begun anew where settings or code have changed"
    command.add_argument("training", nargs="*", metavar="TRAINING", help=words)
    words = (
        "write the finished ones to FOLDER without their weights: history, record and answers to the tested images, "
    )
    words += "and of a teacher its logits on the training images"
    command.add_argument("--publish", metavar="FOLDER", help=words)

    command = add("params", _params, "check the parameters of every notebook before anything runs")
    command.add_argument("profile", help=which)

    add("deps", _deps, "update in dvc.yaml what each stage depends on")


def _notebook(options) -> None:
    from ..pipeline import notebook

    executed = notebook.run(options.name, options.profile)
    from ..reporting.page import page  # after what the notebook has to say

    record = executed.parents[1] / f"provenance/{options.name}.json"
    page(executed, executed.with_suffix(".html"), record)


def _site(options) -> None:
    from ..reporting import site

    if options.profile not in (*PROFILES, REFERENCE):
        raise ValueError(f"no profile {options.profile!r}; there are {', '.join(PROFILES)}, and {REFERENCE}")
    if options.profile == REFERENCE:
        _require_root()
        site.picture()
    print(site.write(options.profile))


def _trainings(options) -> None:
    from ..pipeline import trainings

    with noted_warnings():
        refuse_file(options.publish)
        if options.training:
            trainings.train(options.name, options.profile, options.training)
        if options.publish:
            published = trainings.publish(options.name, options.profile, Path(options.publish))
            if not published:
                raise ValueError(f"no training of {options.name} is finished yet: nothing is published")
            print(f"{options.publish}: {', '.join(published)}")
        print(trainings.listed(options.name, options.profile).to_string())


def _params(options) -> None:
    from ..pipeline import locks, notebook
    from ..pipeline.parameters import subject_sets

    found = sorted(Path("notebooks").glob("[0-9]*.ipynb"))
    if not found:
        raise FileNotFoundError("no numbered notebook in notebooks/; run this at the root of the project")
    for path in found:
        notebook.parameters(path.stem, options.profile)
    for source in {"faces", "fer2013", "bundles", *subject_sets()}:  # what stages look into, where nothing was imported
        Path("data", source).mkdir(parents=True, exist_ok=True)
    locks.release_dead()


def _deps(options) -> None:
    from ..pipeline import stages

    _require_root()
    path = Path("dvc.yaml")
    files.write_text(path, stages.rewritten(path.read_text(encoding="utf-8")))


def _require_root() -> None:
    if not Path("dvc.yaml").is_file():
        raise FileNotFoundError("dvc.yaml: no such file; run this at the root of the project")
