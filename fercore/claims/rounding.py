"""A number as it is printed, and the interval of all numbers that would be printed that way."""

from __future__ import annotations

import re
from decimal import Decimal

from mpmath import iv

# unit: what it is converted to where two numbers are compared, and the factor
UNITS = {
    "percent": ("fraction", "0.01"),
    "points": ("fraction", "0.01"),  # percentage points
    "fraction": ("fraction", "1"),
    "MB": ("bytes", "1e6"),
    "GB": ("bytes", "1e9"),
    "MiB": ("bytes", "1048576"),
    "ms": ("seconds", "1e-3"),
    "s": ("seconds", "1"),
    "min": ("seconds", "60"),
    "mW": ("watts", "1e-3"),
    "W": ("watts", "1"),
    "fps": ("images a second", "1"),
    "times": ("times", "1"),  # a ratio, "15-fold"
    "macs": ("macs", "1"),  # multiply-accumulates, which papers call FLOPs
    "degrees": ("degrees", "1"),
    "setting": ("setting", "1"),  # a hyperparameter without a unit
}
# what is counted: printed in full, such a number stands for itself alone
COUNTED = ("parameters", "images", "classes", "subjects", "sequences", "epochs", "px", "layers", "neurons", "filters")
COUNTED += ("networks", "count", "setting")
UNITS |= {unit: (unit, "1") for unit in COUNTED if unit not in UNITS}
SCALES = {"": Decimal(1), "K": Decimal(1000), "M": Decimal(10) ** 6, "G": Decimal(10) ** 9}

NUMBER = r"[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?"
PRINTED = re.compile(rf"(?P<about>~|<|>)?(?P<number>{NUMBER})(?P<scale>[KMG])?|(?P<low>{NUMBER})\.\.(?P<high>{NUMBER})")


def read(text: str, unit: str, scale: str = "") -> tuple[float, iv.mpf]:
    """A printed number: its value and the interval that it stands for, both in `unit`, with K, M and G multiplied out.

    "67.07" stands for 67.065 to 67.075; "932,202" parameters for themselves; "~287,000" (about) is meant to its last
    digit that is not zero, 286,500 to 287,500, and so is "900K", 850,000 to 950,000, since its zeros may be digits or
    only fill places (a column's scale leaves a number as exact as its digits); ">95" for 95 and more; "8..9" for that
    range. Raises ValueError.
    """
    found = PRINTED.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a number as the ledger writes them: 67.07, 932,202, 21.8M, ~75, >95, 8..9")
    factor = SCALES[found["scale"] or scale]
    if found["low"]:
        low, high = (_decimal(found[end]) * factor for end in ("low", "high"))
        if low > high:
            raise ValueError(f"{text!r} begins above its end")
        return float((low + high) / 2), _interval(low, high)
    number = _decimal(found["number"])
    value = number * factor
    if found["about"] == ">":
        return float(value), _interval(value, "inf")
    if found["about"] == "<":
        return float(value), _interval("-inf", value)
    if found["about"] == "~" or (found["scale"] and "." not in found["number"]):
        half = Decimal(5).scaleb(number.normalize().as_tuple().exponent - 1) * factor
    elif unit in COUNTED and factor == 1 and (unit == "setting" or number == number.to_integral()):
        half = Decimal(0)
    else:
        half = Decimal(5).scaleb(number.as_tuple().exponent - 1) * factor
    return float(value), _interval(value - half, value + half)


def convert(interval: iv.mpf, unit: str) -> iv.mpf:
    """`interval` in what `unit` is converted to: percent as a fraction, MB as bytes."""
    return interval * iv.mpf(UNITS[unit][1])


def show(interval: iv.mpf) -> str:
    """An interval for reading: one number, or two with "to" between them."""
    ends = [float(end) for end in (interval.a, interval.b)]
    low, high = (f"{end:,.0f}" if abs(end) >= 1e5 else f"{end:,.6g}" for end in ends)
    return low if low == high else f"{low} to {high}"


def _decimal(text: str) -> Decimal:
    whole = text.partition(".")[0].lstrip("+-").partition("e")[0]
    if "," in whole and not re.fullmatch(r"\d{1,3}(,\d{3})+", whole):
        raise ValueError(f"{text!r}: a comma stands before three digits")
    return Decimal(text.replace(",", ""))


def _interval(low: Decimal | str, high: Decimal | str) -> iv.mpf:
    return iv.mpf([str(low), str(high)])
