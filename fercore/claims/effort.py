"""What it would take: for the claims without a verdict, the commands that would give one, and what each costs.

params/effort.yaml says which measurements a command gives; how long it trains is what params/paper says, and how fast
is what was measured. What somebody measures joins the ledger by itself: the command writes it below reports/paper.
"""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from .. import yamlio
from .ledger import Ledger, LedgerError, require_keys
from .settings import FOLDER

FILE = "effort.yaml"
OPEN = ("needs data", "needs weights", "needs device", "not run")
NONE = ""  # the command, where there is none
NO_NEED = "a way in params/effort.yaml, a check, or a paper that says which reading it means"  # and no data, no device
WAY, PART = {"gives", "command", "takes", "seconds"}, {"notebook", "trains", "images", "times"}


def plan(
    ledger: Ledger, table: pd.DataFrame, networks: list[Mapping], evidence: pd.DataFrame, params: str | Path = "params"
) -> pd.DataFrame:
    """A row a command that would give open claims a verdict, cheapest first, and one a lack where no command does.

    table     the ledger as `claims.judge` has it; networks as `claims.networks`; evidence with what is counted of them
    Columns: command (empty: none), needs (data, weights and devices, none of which is included), hours (on the machine
    of params/effort.yaml; NaN where unknown), claims (a tuple of ids). Raises LedgerError for a way that does not fit.
    """
    path = Path(params, FILE)
    known = yamlio.read(path, LedgerError)
    hours = [_hours(way, known, networks, evidence, Path(params), path) for way in known["ways"]]
    found: dict[tuple, list[str]] = {}
    for _, row in table[table["verdict"].isin(OPEN)].iterrows():
        fits = [
            number
            for number, way in enumerate(known["ways"])
            if any(fnmatch.fnmatchcase(row["measurement"], pattern) for pattern in way["gives"])
        ]
        needs = row["needs"] if row["verdict"] != "not run" else ""
        found.setdefault((fits[0], "") if fits else (-1, needs), []).append(row["id"])
    rows = []
    for (number, needs), ids in found.items():
        way = known["ways"][number] if number >= 0 else None
        lacks = dict.fromkeys(need for key in ids for need in ledger.claims[key].needs) if way else {}
        rows.append(
            {
                "command": way["command"] if way else NONE,
                "needs": ", ".join(lacks) if way else needs,
                "hours": hours[number] if way else math.nan,
                "claims": tuple(ids),
            }
        )
    frame = pd.DataFrame(rows, columns=["command", "needs", "hours", "claims"])
    return frame.sort_values("hours", kind="stable", ignore_index=True)  # NaN last


def shown(hours: float) -> str:
    """Hours for reading: "5 s", "12 min", "3.4 h", "41 days", "160 years"."""
    if math.isnan(hours):
        return ""
    for unit, size, below in (("s", 1 / 3600, 1 / 60), ("min", 1 / 60, 1), ("h", 1, 72), ("days", 24, 24 * 730)):
        if hours < below:
            return f"{hours / size:.{1 if hours / size < 10 and unit == 'h' else 0}f} {unit}"
    return f"{hours / 24 / 365:,.0f} years"


def _hours(
    way: Mapping, known: Mapping, networks: list[Mapping], evidence: pd.DataFrame, params: Path, path: Path
) -> float:
    where = f"{path}: {way.get('command')}"
    require_keys(way, WAY, where)
    if "seconds" in way:
        record = params.parent / way["seconds"]["record"]
        return json.loads(record.read_text(encoding="utf-8"))["wall_seconds"] * way["seconds"]["times"] / 3600
    inputs, seconds = {entry["network"]: entry for entry in reversed(networks)}, 0.0
    for part in way["takes"]:
        require_keys(part, PART, where)
        if missing := sorted(PART - set(part)):
            raise LedgerError(f"{where}: a part of `takes` lacks {', '.join(missing)}")
        paper = params / FOLDER / f"{part['notebook']}.yaml"
        if not paper.is_file():
            raise LedgerError(f"{where}: no {paper}; a way takes what a notebook trains, by its paper's settings")
        settings = yamlio.read(paper, LedgerError)
        images = math.prod(_count(settings, one, where) for one in part["times"]) * part["images"]
        for network, rate in part["trains"].items():
            require_keys({network: rate}, set(inputs), where, kind="network")
            require_keys({rate: network}, set(known["rates"]), where, kind="rate")
            entry = inputs[network]
            name = f"macs({network}, {entry['classes']}, {entry['input']})"
            side = int(entry["input"].split("x")[-1])
            if name not in evidence.index:
                raise LedgerError(f"{where}: {name} is not counted; fercore networks --save reports/reference/networks")
            macs = evidence.loc[name, "value"] * (settings.get("img_size", side) / side) ** 2
            seconds += macs * images / known["rates"][rate]
    return seconds / known["threads"] / 3600


def _count(settings: Mapping, one: str | int, where: str) -> int:
    if isinstance(one, int):
        return one
    if one not in settings:
        raise LedgerError(f"{where}: {one!r} is no parameter; {yamlio.did_you_mean(one, settings)}")
    return len(settings[one]) if isinstance(settings[one], list) else settings[one]
