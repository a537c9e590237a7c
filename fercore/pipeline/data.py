"""The data set of a profile, put where its notebooks look for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .. import datasets
from ..datasets import store
from .parameters import ParameterError, fitting, layers, read_params, subject_sets

CHOSEN = Path("data/faces")  # refers to the set that was last given to make reproduce


def prepare(name: str) -> str:
    """Put the data of a profile into data/NAME, or a set that names its subjects into data/subjects/NAME; returns one
    line about it. Raises as `prepare_data`, and ParameterError for a profile's set in which no split plays a role:
    every notebook would fail, an hour later.

    A profile on real data reads the set that was chosen, where one was, in place of the one that its parameters name.
    """
    if name in subject_sets():
        return prepare_data(layers(f"data_{name}", "paper"), f"data/subjects/{name}")
    files = layers("data", name)
    held = CHOSEN if (CHOSEN / store.INDEX).is_file() else Path(read_params(*files).get("store") or "data")
    if read_params(*files).get("dataset") not in datasets.SYNTHETIC and (held / store.INDEX).is_file():
        faces = datasets.load_imported(held)
        for role in datasets.ROLES:
            try:
                faces.split_of(role)
            except datasets.NoSplit as error:
                raise ParameterError(str(error)) from None
        if held == CHOSEN:
            path = store.refer(CHOSEN, f"data/{name}")
            return f"{path.parent}: {faces.name}, which was given last (without {CHOSEN}: what {files[0]} names)"
    return prepare_data(files, f"data/{name}")


def choose(folder: str | Path) -> None:
    """Make the set imported into `folder` the one that profiles on real data read."""
    store.refer(folder, CHOSEN)


def prepare_data(files: Iterable[str | Path], folder: str | Path) -> str:
    """Put a profile's data set into `folder`, as parameter files say, and return one line about it.

    dataset  "synthfer", "synthck" or "synthoulu": rendered into `folder`, with images and seed
             any other name: what `fercore import` put into `store`, which is referred to and not copied; where nothing
             was imported, `instead` is rendered, so that every profile runs offline

    Raises ParameterError for a key or value that does not fit, and for another set in `store` than `dataset` names.
    """
    files, folder = list(files), Path(folder)
    kinds = {"dataset": "", "store": "", "instead": "", "images": 0, "seed": 0}
    found = fitting("the data stage", kinds, files)
    if missing := sorted(set(kinds) - set(found)):
        raise ParameterError(f"{', '.join(map(str, files))}: no value for {', '.join(missing)}")
    for key, names in (("dataset", datasets.NAMES), ("instead", datasets.SYNTHETIC)):
        if found[key][0] not in names:
            raise ParameterError(f"{found[key][1]}: {key} is {found[key][0]!r}; there are {', '.join(names)}")
    params = {key: value for key, (value, _) in found.items()}
    name = params["dataset"]
    if name in datasets.SYNTHETIC or not (Path(params["store"]) / store.INDEX).is_file():
        missing = name not in datasets.SYNTHETIC
        rendered = params["instead"] if missing else name
        path = datasets.import_dataset(rendered, None, folder, images=params["images"], seed=params["seed"])
        why = f"nothing is imported in {params['store']}; " if missing else ""
        return f"{path.parent}: {why}{params['images']:,} rendered faces ({rendered}): all results are synthetic"
    if folder.resolve() == Path(params["store"]).resolve():
        raise ParameterError(f"{found['store'][1]}: store is {params['store']}, the folder that is to refer to it")
    held = datasets.load_imported(params["store"]).name
    if name not in (held, "folder"):  # which takes the name of the folder that was imported
        raise ParameterError(f"{found['dataset'][1]}: dataset is {name!r}, but {params['store']} holds {held!r}")
    path = store.refer(params["store"], folder)
    return f"{path.parent}: {name} as imported in {params['store']}"
