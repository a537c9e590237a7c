"""What params/paper sets, which is what the paper profile runs, held against the settings that the papers print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from .. import yamlio
from ..results import measurements
from .ledger import LedgerError

FOLDER = "paper"  # of the parameters


def evidence(folders: Iterable[str | Path], params: str | Path = "params") -> pd.DataFrame:
    """All that a claim can be held against: what the stages below `folders` measured, as `measurements.gather` has it,
    and the settings, whose evidence is the file that they stand in."""
    parts = [measurements.gather(folders)]
    for path in sorted(Path(params, FOLDER).glob("*.yaml")):
        found = yamlio.read(path, LedgerError)
        if isinstance(found, Mapping) and (rows := _rows(path.stem, found)):
            parts.append(measurements.table(rows).assign(evidence=path.as_posix()).set_index("measurement"))
    return pd.concat([part for part in parts if len(part)]) if any(map(len, parts)) else parts[0]


def _rows(notebook: str, found: Mapping) -> list[dict]:
    """A measurement for each number that a notebook is run with, setting(NOTEBOOK, KEY): of a list for each place of
    it, setting(NOTEBOOK, KEY.0), of an augmentation that is named for each of its ranges, and of an experiment of
    Mini-ResEmoteNet that is named, setting(NOTEBOOK, e1_a.alpha) and e1_a.temperature."""
    from ..studies.mini_resemotenet import EXPERIMENTS, TEMPERATURE  # torch
    from ..training import AUGMENTATIONS, Recipe

    named = dict(found)
    if (name := found.get("augmentation")) in AUGMENTATIONS:
        named |= {f"augmentation.{key}": value for key, value in asdict(AUGMENTATIONS[name]).items()}
    if found.get("loss") == "focal" and "gamma" not in found:
        named["gamma"] = Recipe().gamma
    for name in EXPERIMENTS.keys() & set(found.get("experiments", ())):
        student, alpha = EXPERIMENTS[name]
        named |= {f"{name.lower()}_{student}.alpha": alpha, f"{name.lower()}_{student}.temperature": TEMPERATURE}
    numbers = {}
    for key, value in named.items():
        if isinstance(value, tuple):  # a range that is drawn from
            numbers[key] = {"value": sum(value) / 2, "low": value[0], "high": value[1]}
        elif isinstance(value, list):
            numbers |= {f"{key}.{place}": {"value": one} for place, one in enumerate(value)}
        else:
            numbers[key] = {"value": value}
    plain = {key: one for key, one in numbers.items() if type(one["value"]) in (int, float)}
    return [{"measurement": measurements.name("setting", notebook, key), **one} for key, one in plain.items()]
