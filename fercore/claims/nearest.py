"""What stands nearest to a claim whose own training or device could not be had: it is shown beside it, under its own
name and with how it differs, and decides no verdict."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..results import measurements
from .ledger import Claim


@dataclass(frozen=True)
class Nearest:
    """A measurement, `found` as `measurements.every` has it, and in words how it `differs` from what is claimed."""

    measurement: str
    found: pd.Series
    differs: str


def nearest(claim: Claim, made: pd.DataFrame) -> Nearest | None:
    """Of the same kind, network, data set, split and class as the claim's measurement, the one that differs least; None
    where there is none. Another data set, rendered faces above all, is never near.

    made  every measurement, as `measurements.every` gives them

    Fewer other recipes go before fewer other settings, a training to its end before a shortened one (which a profile
    is), and fewer departures from the paper's before more. How good a number is plays no part.
    """
    if not claim.measurement:
        return None
    kind, words, settings = measurements.split(claim.measurement)
    if measurements.KINDS[kind].counted or kind in ("effect", "gain"):
        return None
    best = None
    for place, name in enumerate(made.index):
        if not name.startswith(f"{kind}("):
            continue
        _, other, set_there = measurements.split(name)
        ways = _ways(kind, words, other)
        if ways is None:
            continue
        row = made.iloc[place]
        unlike = sorted({*settings} ^ {*set_there})
        departs = [] if row["protocol"] == measurements.PAPER else [row["protocol"]]
        shortened = "profile" in row["protocol"]
        order = (len(ways), len(unlike), shortened, row["protocol"].count(","))
        if best is None or order < best[0]:
            said = [*ways, *(f"{one}" if one in set_there else f"not {one}" for one in unlike), *departs]
            best = order, Nearest(name, row, "; ".join(said))
    return best and best[1]


def _ways(kind: str, words: list[str], other: list[str]) -> list[str] | None:
    """In how many ways a measurement's arguments are others; None where it is no measurement of the same thing."""
    ways = []
    for role, one, two in zip(measurements.KINDS[kind].arguments, words, other, strict=True):
        if one == two:
            continue
        if role == "run" and one.split("+")[0] == two.split("+")[0]:
            here, there = one.split("+")[1:], two.split("+")[1:]
            ways += [f"without {recipe}" for recipe in here if recipe not in there]
            ways += [f"with {recipe}" for recipe in there if recipe not in here]
        elif role == "device" and (one in measurements.GPUS) == (two in measurements.GPUS):
            ways.append(f"on {'this machine' if two == measurements.HERE else two}, not {one}")
        else:
            return None
    return ways
