"""Between DVC, papermill and the notebooks: the data of a profile, parameters checked, failures explained."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from . import yamlio


class ParameterError(ValueError):
    """A parameter file that does not fit: says which file, which key, and what would fit."""


def read_params(*paths: str | Path) -> dict:
    """The mappings of YAML files, later ones over earlier ones. Raises ParameterError."""
    merged: dict = {}
    for path in paths:
        values = yamlio.read(path, ParameterError)
        values = {} if values is None else values  # a file of comments only
        if not isinstance(values, dict):
            raise ParameterError(f"{path}: found {type(values).__name__}; expected a mapping of names to values")
        merged.update(values)
    return merged


def check_params(notebook: str | Path, files: Iterable[str | Path]) -> dict:
    """The parameters of `notebook` as `files`, later ones over earlier ones, leave them.

    Raises ParameterError for a key that the notebook does not have (papermill would only warn), for a value of another
    type than its default, and for a notebook that is not the same as the percent script it is paired with, since DVC
    watches the script and papermill runs the notebook.
    """
    notebook = Path(notebook)
    known = _parameters(notebook)
    return known | {key: value for key, (value, _) in _fitting(notebook.name, known, files).items()}


def _fitting(owner: str, known: Mapping, files: Iterable[str | Path]) -> dict[str, tuple[object, str | Path]]:
    """By key the value that `files` leave, and which of them it is from, where `owner` knows it and its type."""
    merged = {}
    for path in files:
        for key, value in read_params(path).items():
            if key not in known:
                hint = yamlio.did_you_mean(key, sorted(known))
                raise ParameterError(f"{path}: {owner} has no parameter {key!r}; {hint}")
            kinds = type(known[key]), type(value)
            if kinds[0] is not kinds[1] and kinds != (float, int) and known[key] is not None:
                expected, found = (kind.__name__ for kind in kinds)
                raise ParameterError(f"{path}: {key} is {value!r} ({found}); {owner} expects {expected}")
            merged[key] = value, path
    return merged


def _parameters(notebook: Path) -> dict:
    """Names and defaults in the cell tagged "parameters"; the paired script must say the same in every cell."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"{notebook}: not a notebook ({error})") from None
    script = notebook.with_suffix(".py")
    if script.is_file():
        import jupytext  # a second to import, so only where there is a pair

        paired = [cell.source.strip() for cell in jupytext.read(script).cells]
        for number, (cell, text) in enumerate(zip(cells, paired, strict=False), 1):
            if "".join(cell["source"]).strip() != text:
                raise ParameterError(f"{notebook}: cell {number} differs from {script.name}; run: make notebooks")
        if len(cells) != len(paired):
            counts = f"{len(cells)} cells, {script.name} has {len(paired)}"
            raise ParameterError(f"{notebook}: {counts}; run: make notebooks")
    found = {}
    for cell in cells:
        if "parameters" in cell.get("metadata", {}).get("tags", ()):
            for statement in ast.parse("".join(cell["source"])).body:
                if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                    name = statement.targets[0].id
                    try:
                        found[name] = ast.literal_eval(statement.value)
                    except ValueError:
                        text = ast.unparse(statement.value)
                        raise ParameterError(f"{notebook}: {name} is {text}; expected a plain value") from None
    return found


def prepare_data(files: Iterable[str | Path], folder: str | Path) -> str:
    """Put a profile's data set into `folder`, as parameter files say, and return one line about it.

    dataset  "synthfer", "synthck" or "synthoulu": rendered into `folder`, with images and seed
             any other name: what `fercore import` put into `store`, which is referred to and not copied; where nothing
             was imported, `instead` is rendered, so that every profile runs offline

    Raises ParameterError for a key or value that does not fit, and for another set in `store` than `dataset` names.
    """
    from . import datasets
    from .datasets import store

    files, folder = list(files), Path(folder)
    kinds = {"dataset": "", "store": "", "instead": "", "images": 0, "seed": 0}
    found = _fitting("the data stage", kinds, files)
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


def failure(folder: str | Path) -> str | None:
    """What went wrong in the newest executed notebook below `folder` that holds an error: notebook, cell and error."""
    executed = sorted(Path(folder).glob("**/*.ipynb"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in executed:
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        except (ValueError, KeyError, TypeError):
            continue
        for number, cell in enumerate(cells, 1):
            for output in cell.get("outputs", ()):
                if output["output_type"] == "error":
                    source = "".join(cell["source"]).strip().splitlines()
                    lines = [f"notebook  {path}", f"cell      {number}: {source[0] if source else ''}"]
                    text = f"error     {output['ename']}: {output['evalue']}"
                    return "\n".join([*lines, re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)])  # without colours
    return None
