"""Numbers on the command line: argparse types that refuse what is out of range, before any work is done."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

LAST_SEED = 2**32 - 1  # NumPy takes no larger one
LAST_PORT = 2**16 - 1


def whole(low: int = 1, high: int | None = None) -> Callable[[str], int]:
    """The type of whole numbers from `low` to `high`."""
    expected = f"a whole number from {low} to {high}" if high else f"a whole number of at least {low}"

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < low or (high is not None and value > high):
            raise argparse.ArgumentTypeError(f"{text!r}; expected {expected}")
        return value

    return read


seed = whole(0, LAST_SEED)


def seeds(text: str) -> list[int]:
    """The type of seeds with commas between them."""
    return [seed(part) for part in text.split(",")]


def _real(fits: Callable[[float], bool], expected: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not fits(value):
            raise argparse.ArgumentTypeError(f"{text!r}; expected {expected}")
        return value

    return read


seconds = _real(lambda value: 0 < value < math.inf, "a number of seconds above 0")
share = _real(lambda value: 0 <= value <= 1, "a number from 0 to 1")
