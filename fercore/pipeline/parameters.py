"""Parameters of a notebook: YAML files, the later over the earlier, checked before anything runs."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from .. import yamlio
from ..results.folders import PROFILES

# what numbers may be, by the names of parameters in any notebook; of a list or a mapping, each number in it
RANGES = {
    "at least 1": (lambda value: value >= 1,
        "batch_size batches calibrated_on epochs epochs_of img_size latency_side lengths looked_at passes "
        "second_teacher sheet teacher_divisor teacher_epochs teacher_img_size threads timed_batches"),
    "at least 2": (lambda value: value >= 2, "folds"),
    "above 0": (lambda value: value > 0,
        "factor learning_rate seconds teacher_learning_rate temperature temperatures"),
    "at least 0": (lambda value: value >= 0,
        "beside candidates fine_tuning images min_lr mixup patience plateau_patience tested_on warmup weight_decay"),
    "from 1 to 24": (lambda value: 1 <= value <= 24, "bits"),  # as compress.quantise has it
    "from 0 to 1": (lambda value: 0 <= value <= 1, "alpha alphas bn_momentum dropout threshold threshold_synthetic"),
    "from 0 to below 1": (lambda value: 0 <= value < 1, "sparsities ratios"),
    "from 0 to 4294967295": (lambda value: 0 <= value < 2**32, "seed seeds seeds_at_random teacher_seed"),
}  # fmt: skip
SOME = "batches names networks seeds sizes"  # lists that leave a notebook nothing to show where they are empty


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
    type than its default or out of its range, and for a notebook that is not the same as the percent script it is
    paired with, since DVC watches the script and papermill runs the notebook.
    """
    notebook = Path(notebook)
    known = _parameters(notebook)
    return known | {key: value for key, (value, _) in fitting(notebook.name, known, files).items()}


def layers(notebook: str, profile: str, params: str | Path = "params") -> list[Path]:
    """The files that set a notebook's parameters, in their order: the papers' values, what the short profiles share,
    and what this one changes; a file that is not there changes nothing, though DVC wants all that a stage names. Raises
    ParameterError where the notebook has no file in `params`/paper, and elsewhere than at the root of the project."""
    if not Path(params, "paper").is_dir():
        raise ParameterError(f"{Path(params, 'paper')}: no such folder; run this at the root of the project")
    kinds = ("paper",) if profile == "paper" else ("paper", "short", profile)
    files = [Path(params) / kind / f"{notebook}.yaml" for kind in kinds]
    if not files[0].is_file():
        raise ParameterError(f"{files[0]}: no such file; every notebook has one, with the papers' own values")
    return [path for path in files if path.is_file()]


def subject_sets(root: str | Path = ".") -> list[str]:
    """The sets that name their subjects, the same in every profile: those of params/paper/data_NAME.yaml."""
    return sorted(path.stem.removeprefix("data_") for path in Path(root).glob("params/paper/data_*.yaml"))


def profiles_of(name: str) -> list[str]:
    """The profiles in which some notebook takes a set that names its subjects, by its parameter `sets`."""
    notebooks = [path.stem for path in Path("params/paper").glob("[0-9]*.yaml")]
    sets = {profile: [read_params(*layers(one, profile)).get("sets", ()) for one in notebooks] for profile in PROFILES}
    return [profile for profile, each in sets.items() if any(name in one for one in each)]


def fitting(owner: str, known: Mapping, files: Iterable[str | Path]) -> dict[str, tuple[object, str | Path]]:
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
            if expected := _out_of_range(key, value):
                raise ParameterError(f"{path}: {key} is {value!r}; expected {expected}")
            merged[key] = value, path
    return merged


def _out_of_range(key: str, value: object) -> str | None:
    """What was expected of a parameter's value; None where it is as it should be."""
    if key in SOME.split() and value == []:
        return "one or more"
    for expected, (fits, names) in RANGES.items():
        if key in names.split() and not all(map(fits, _numbers(value))):
            return expected
    return None


def _numbers(value: object) -> list[float]:
    if isinstance(value, (dict, list)):
        return [number for each in (value.values() if isinstance(value, dict) else value) for number in _numbers(each)]
    return [value] if isinstance(value, (int, float)) else []


def _parameters(notebook: Path) -> dict:
    """Names and defaults in the cell tagged "parameters"; the paired script must say the same in every cell."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ParameterError(f"{notebook}: not a notebook ({error})") from None
    script = notebook.with_suffix(".py")
    if script.is_file() and (place := _first_difference(cells, script)):
        raise ParameterError(f"{notebook}: {place}; {_which_to_keep(notebook, script)}")
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


def _first_difference(cells: list[dict], script: Path) -> str:
    """Where a notebook and its percent script are not the same; empty where they are."""
    if _written(cells) == _cells(script.read_text(encoding="utf-8")):
        return ""
    import jupytext  # two seconds to import, so only where it has to say what is the matter

    paired = [cell.source.strip() for cell in jupytext.read(script).cells]
    for number, (cell, text) in enumerate(zip(cells, paired, strict=False), 1):
        if "".join(cell["source"]).strip() != text:
            return f"cell {number} differs from {script.name}"
    return f"{len(cells)} cells, {script.name} has {len(paired)}" if len(cells) != len(paired) else ""


def _written(cells: list[dict]) -> list[tuple[str, str]]:
    """Kind and text of each cell as jupytext writes it, but for what it has to escape, which then differs."""
    found = [(cell["cell_type"], "".join(cell["source"]).strip()) for cell in cells]
    return [(kind, text if kind == "code" else re.sub("^(?=.)", "# ", text, flags=re.M)) for kind, text in found]


def _cells(script: str) -> list[tuple[str, str]]:
    """The same of a percent script."""
    parts = re.split(r"^# %%(?:.*\[(markdown|raw)\])?.*\n", script, flags=re.M)[1:]
    texts = [text.strip() for text in parts[1::2]]
    return [
        (kind, re.sub("^#$", "", text, flags=re.M)) if kind else ("code", text)
        for kind, text in zip(parts[::2], texts, strict=True)
    ]


def _which_to_keep(notebook: Path, script: Path) -> str:
    """Both ways out, since either loses what the other file alone has."""
    gap = notebook.stat().st_mtime - script.stat().st_mtime
    newer = "the notebook is newer" if gap > 1 else "the script is newer" if gap < -1 else "both are as old"
    return f"{newer}. Keep what the notebook says: make scripts. Keep what the script says: make notebooks"
