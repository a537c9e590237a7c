"""List and label files, read line by line with the care that a file of any provenance needs."""

from __future__ import annotations

import codecs
import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .faces import DataError

UTF8 = "UTF-8 text (from a spreadsheet: save it as CSV UTF-8)"
QUOTED = 100  # lines of one field
LONGEST, BLANK = 1 << 20, 100_000  # bytes of a line, and blank lines in a row, that no list has


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """(where, text) of every line that is not blank; `where` is what a DataError about the line begins with.

    A byte order mark and CRLF are taken off. Raises DataError for a file that is missing, empty or a pipe, holds a NUL
    byte, is not UTF-8, or has a line longer than LONGEST or more than BLANK blank ones in a row. One line is in memory
    at a time: AffectNet's training list has hundreds of megabytes.
    """
    blank, passed = True, 0
    try:
        if path.exists() and not path.is_file():
            raise DataError(path, "no ordinary file", "a text file")
        with open(path, "rb") as file:
            for number, raw in enumerate(iter(lambda: file.readline(LONGEST), b""), 1):
                where = f"{path}: line {number}"
                passed = 0 if raw.strip() else passed + 1
                if len(raw) == LONGEST or passed > BLANK:
                    found = f"{BLANK:,} blank lines" if passed else f"a line of {LONGEST:,} bytes"
                    raise DataError(where, found, "a list, with a line an image")
                if b"\0" in raw:
                    raise DataError(where, "a NUL byte", UTF8)
                try:
                    text = (raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw).decode()
                except UnicodeDecodeError as error:
                    raise DataError(where, f"bytes that are not text ({error.reason})", UTF8) from None
                if text.strip():
                    blank = False
                    yield where, text.rstrip("\r\n")
    except FileNotFoundError:
        raise DataError(path, "no such file", "a text file") from None
    except OSError as error:
        raise DataError(path, f"a file that cannot be read ({error.strerror})", "a text file") from None
    if blank:
        raise DataError(path, "an empty file", "at least one line")


def rows(path: Path, separator: str = ",") -> Iterator[tuple[str, list[str]]]:
    """(where, fields) of every row of a CSV file, whose quoted fields may go on for QUOTED lines, such as a caption's;
    raises DataError as `lines` does, and for broken quotes."""
    start, begun, broken = "", "", None  # of a row whose quotes are still open
    for where, text in lines(path):
        start, begun = (start, f"{begun}\n{text}") if broken else (where, text)
        try:
            yield start, next(csv.reader([begun], delimiter=separator, strict=True, skipinitialspace=True))
            broken = None
        except csv.Error as error:
            broken = broken or error
            if begun.count('"') % 2 == 0 or begun.count("\n") + 1 == QUOTED:
                break
    if broken:
        raise DataError(start, f"a line that is not CSV ({broken})", "fields separated by commas")


def number(where: object, text: str, what: str) -> float:
    """A finite number; raises DataError for anything else."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(where, f"{what} {text.strip()[:40]!r}", "a number")
    return value


def code(where: object, text: str, codes: range) -> int:
    """A label code, a whole number even if written as a float ("3.0000000e+00"); raises DataError outside `codes`."""
    value = number(where, text, "label")
    if value not in codes:
        raise DataError(where, f"label {text.strip()[:40]!r}", f"a whole number from {codes[0]} to {codes[-1]}")
    return int(value)


def scalar(path: Path) -> str:
    """The one number or string of a .npy file, as text; never unpickled. Raises DataError for anything else."""
    try:
        value = np.load(path, allow_pickle=False)
    except Exception as error:  # whatever NumPy makes of a damaged header
        raise DataError(path, f"an array that cannot be read ({error})", "a .npy file of one number") from None
    if not isinstance(value, np.ndarray) or value.size != 1:
        raise DataError(path, f"values of shape {np.shape(value)}", "a .npy file of one number")
    return str(value.astype(str).item())


def quote(field: str) -> str:
    """A field of a file as an error shows it."""
    text = field.strip()
    return repr(text if len(text) <= 40 else text[:40] + "…")


def fields_found(row: list[str], width: int) -> tuple[str, str]:
    """What is wrong with a row of more or fewer fields than the header: found, expected."""
    if len(row) < width:
        return f"{len(row)} fields (cut off?)", f"{width}, as in the header"
    more, what = len(row) - width, f"{len(row)} fields, {len(row) - width} more than the header"
    if not any(field.strip() for field in row[-more:]):
        return (
            f"{what}, with nothing in them",
            f"{width}: take the comma at the end off each row, or name it in the header",
        )
    return what, f"{width}, as in the header: a comma that is one too many, or a newline that is gone?"
