"""A trained network on disk: best.safetensors, last.safetensors, history.csv, metrics.json, provenance.json.

`last` is one file, weights and numbers together, put in place in one step: whenever a training is killed, it holds a
whole epoch. The other files follow from it and are made again where they are behind. There is no pickle.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import nn

from .. import closure, files
from ..datasets import Faces, store
from ..models.weights import unsound
from ..results import tables

BEST, LAST, HISTORY = "best.safetensors", "last.safetensors", "history.csv"
METRICS, PROVENANCE = "metrics.json", "provenance.json"
TRAINER = Path(__file__).with_name("trainer.py")
RECORD = "fercore"  # one key: safetensors writes several in any order, and the bytes would differ


class RunError(RuntimeError):
    """A training that cannot go on: says where it stands, what was found and what to do."""


def write(path: Path, tensors: Mapping[str, torch.Tensor], record: Mapping) -> None:
    """Write tensors and a record of plain values; what was there before stays if it fails. Raises RunError."""
    _replace(path, serialise(_on_cpu(tensors), {RECORD: json.dumps(record)}))


def _replace(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(path, lambda file: file.write(content))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise RunError(
            f"{path}: no space left for {len(content) / 1e6:.1f} MB; what was there before is intact: make room and "
            "start again to go on from it"
        ) from error


def read(path: Path, tensors: bool = True) -> tuple[dict[str, torch.Tensor], dict]:
    """Tensors (none if not asked for) and record of a file that `write` has made. Raises RunError for others."""
    try:
        with safe_open(path, "pt") as file:
            record = json.loads((file.metadata() or {})[RECORD])
            if not isinstance(record, dict):
                raise ValueError(f"its record is a {type(record).__name__}")
            return {name: file.get_tensor(name) for name in (file.keys() if tensors else ())}, record
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise RunError(f"{path}: not a checkpoint of a training ({error}); remove it to start over") from error


def read_last(path: Path, identity: Mapping, columns: tuple[str, ...]) -> tuple[dict[str, torch.Tensor], dict]:
    """As `read`, of a training that goes on: its record is whole, and all its tensors are finite.

    columns  what the history has at least where it is the training `identity`: another's may have none that select
    Raises RunError, with the file's name and what is wrong.
    """
    held, record = read(path)
    record = {"cpu_seconds": 0.0, "parts": []} | record  # of an earlier version, which is told by its code
    kinds = {"identity": dict, "history": list, "best_epoch": int, "parts": list, "scaler": dict}
    kinds |= dict.fromkeys(("seconds", "cpu_seconds"), (int, float))
    wrong = next((name for name, kind in kinds.items() if not isinstance(record.get(name), kind)), None)
    if wrong is None:
        rows, own = record["history"], () if differences(record["identity"], identity) else columns
        if not all(_is_row(row, number, own) for number, row in enumerate(rows, 1)):
            wrong = "history"
        elif not 1 <= record["best_epoch"] <= len(rows):
            wrong = "best_epoch"
    if wrong:
        raise RunError(f"{path}: a damaged record, in {wrong}; remove it to start over")
    for name, value in held.items():
        if told := unsound(name, value):
            raise RunError(f"{path}: {told}; remove it to start over")
    return held, record


def _is_row(row: object, number: int, columns: Sequence[str]) -> bool:
    numbers = isinstance(row, dict) and all(isinstance(value, (int, float)) for value in row.values())
    return numbers and row.get("epoch") == number and {*columns} <= row.keys() and all(map(math.isfinite, row.values()))


def read_json(path: Path) -> dict:
    """provenance.json or metrics.json of a run. Raises RunError where it is not there or damaged, with its name."""
    try:
        return tables.read_json(path)
    except (OSError, ValueError) as error:
        raise RunError(f"{error}; remove it, and train again to have it made anew") from None


def tensors(network: nn.Module, average: nn.Module | None, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """All that a training has to remember in tensors: the network, its moving average, the optimiser's moments."""
    held = {f"network.{name}": value for name, value in network.state_dict().items()}
    if average is not None:
        held |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        held |= {f"optimizer.{index}.{name}": value for name, value in state.items() if value is not None}
    return held


def restore(
    held: Mapping[str, torch.Tensor],
    network: nn.Module,
    average: nn.Module | None,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Put back what `tensors` has collected."""

    def below(start: str) -> dict[str, torch.Tensor]:
        return {name.removeprefix(start): value for name, value in held.items() if name.startswith(start)}

    network.load_state_dict(below("network."))
    if average is not None:
        average.load_state_dict(below("average."))
    state: dict[int, dict] = {}
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for key, value in below("optimizer.").items():
        index, name = key.split(".", 1)
        weight = weights[int(index)].data
        if value.shape == weight.shape:  # in the weight's own layout, which fused steps take for granted
            value = torch.empty_like(weight).copy_(value)
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def write_history(folder: Path, history: list[dict]) -> None:
    """Write history.csv, a row an epoch, numbers to their last digit."""
    text = pd.DataFrame(history).to_csv(index=False, lineterminator="\n")
    _replace(folder / HISTORY, text.encode())


def clear(folder: Path) -> None:
    """Take away a run, and nothing else that may lie there: first what says that it has ended, then what goes on."""
    for name in (METRICS, LAST, BEST, HISTORY, PROVENANCE):
        (folder / name).unlink(missing_ok=True)


def differences(held: Mapping, wanted: Mapping, within: str = "") -> list[str]:
    """What two mappings of plain values disagree on: "name: held, not wanted", however deep it lies."""
    found = []
    for name in sorted({*held, *wanted}):
        one, other = held.get(name), wanted.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += differences(one, other, f"{within}{name}.")
        elif one != other:
            found.append(f"{within}{name}: {one}, not {other}")
    return found


def identity(
    name: str,
    network: nn.Module,
    faces: Faces,
    recipe: Mapping,
    rows: Mapping[str, np.ndarray | None],
    start: Mapping,
    teacher: nn.Module | np.ndarray | None = None,
    soft_labels: np.ndarray | None = None,
) -> dict:
    """What makes a training this one and no other, as plain values: two that are equal come to the same result."""
    state = network.state_dict()
    shapes = {key: list(value.shape) for key, value in state.items()}
    size = sum(parameter.numel() for parameter in network.parameters())
    return {
        "network": f"{name}, {size:,} parameters, {_digest(json.dumps(shapes))}",
        "start": json.loads(json.dumps(dict(start), default=str)) | {"state": _digest(serialise(_on_cpu(state)))},
        "classes": list(faces.classes),
        "data": data_of(faces),
        "rows": {part: None if places is None else rows_of(faces, places) for part, places in rows.items()},
        "recipe": dict(recipe),
        "teacher": _taught_by(teacher),
        "soft_labels": _taught_by(soft_labels),
        "code": code(TRAINER, *modules_of(network)),
    }


def data_of(faces: Faces) -> str:
    """Name, number of images, and a digest of images, labels and splits, as a training's identity has them."""
    return f"{faces.name}, {len(faces):,} images, {_data(faces)[:12]}"


def name_of_data(said: str) -> str:
    """The data's name, which may have commas itself, of what `data_of` says."""
    return said.rsplit(", ", 2)[0]


def modules_of(network: nn.Module) -> list[ModuleType]:
    """The modules of this package that a network's layers, and what it does before a forward pass, are written in."""
    parts = [*network.modules(), *network._forward_pre_hooks.values()]
    names = sorted({type(part).__module__ for part in parts})
    return [sys.modules[name] for name in names if name.startswith("fercore.")]


def answers_of(network: nn.Module) -> str:
    """A digest of all that a network's answers follow from: its weights, how it is built, its layers' code."""
    state = serialise(_on_cpu(network.state_dict()))
    return _digest(b"".join([state, repr(network).encode(), code(*modules_of(network)).encode()]))


def code(*roots: Path | ModuleType, read: closure.Read = closure.loaded) -> str:
    """A digest of all code that `roots` rest on, but for what finds a network and loads or refuses its weights, what
    writes results, and what says how far a training is: of the code that this process runs, or another as `read` says,
    as `closure.modules` takes it."""
    without = ("models/__init__.py", "models/weights.py", "results/", "progress.py")
    return closure.digest(*roots, without=without, read=read)


def rows_of(faces: Faces, places: np.ndarray) -> str:
    """Which rows, and what their table says: a table can be changed without another import."""
    table = faces.table.iloc[places].to_csv().encode()
    return f"{len(places):,}, {_digest(np.asarray(places, np.int64).tobytes() + table)}"


def _data(faces: Faces) -> str:
    return faces.fingerprint or store.fingerprint(faces.pixels, faces.table)


def _on_cpu(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}


def _taught_by(teacher: nn.Module | np.ndarray | None) -> str | None:
    if teacher is None:
        return None
    if isinstance(teacher, nn.Module):
        return answers_of(teacher)
    return _digest(np.ascontiguousarray(teacher, np.float32).tobytes())


def _digest(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:12]
