"""The CSV of FER2013, parsed at about the speed at which it is read: all numbers of a chunk at once, in numpy.

`_regular` does that for rows that are as they should be; for anything unusual, from quotes to mistakes, `_careful`
looks at one row after the other and says what is wrong. Both give the same bytes for whatever both accept.
"""

from __future__ import annotations

import codecs
import csv
import io
import mmap
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Lock, local
from typing import NamedTuple

import numpy as np

from . import archives, images
from .faces import FER2013_CLASSES as CLASSES
from .faces import DataError, Faces, table
from .text import UTF8, fields_found, quote

SIDE = 48
PIXELS = SIDE * SIDE
SPLITS = ("Training", "PublicTest", "PrivateTest")
COUNTS = (28709, 3589, 3589)
COLUMNS = ("emotion", "pixels", "usage")
CHUNK = 1 << 20  # bytes of text parsed at once: the arrays made of it stay in a core's cache
BLANK = 1 << 20  # bytes of blank lines that a file may have
NAMES = ("fer2013.csv", "icml_face_data.csv")  # that it is published under, the whole of it first
PACKED = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".tar")
LONGEST = 1 << 24  # bytes; a quoted field that is still open after this much is a stray quotation mark

SPLIT_OF = {split.encode(): split for split in SPLITS}


class _Order(NamedTuple):
    """Where the three fields stand in a row, how many fields it has, and how many classes there are."""

    emotion: int
    pixels: int
    usage: int
    width: int
    classes: int

    @property
    def label_of(self) -> dict[bytes, int]:
        return {str(label).encode(): label for label in range(self.classes)}


class _Block(NamedTuple):
    pixels: np.ndarray  # uint8 (n, 2304)
    labels: list[int]
    splits: list[str]


def read(source: Path, allocate, classes: tuple[str, ...] = CLASSES) -> Faces:
    """The CSV at `source`, packed or not: pixels uint8 (N, 48, 48), label, split, and `source` "row 1" and so on.

    classes  in the order of their codes; another set than FER2013 may have been written in its columns

    Raises DataError with the line for the first row that is not as it should be.
    """
    with _open(source) as (stream, notes):
        order = _header(source, stream.readline(LONGEST), classes)
        blocks = _mapped(stream, order) or _blocks(source, stream, order)
    labels = [label for block in blocks for label in block.labels]
    splits = [split for block in blocks for split in block.splits]
    for split in SPLITS:
        if split not in splits:
            raise DataError(source, f"{len(splits)} rows, none of them {split}", f"rows of {', '.join(SPLITS)}")
    pixels = allocate((len(splits), SIDE, SIDE))
    np.concatenate([block.pixels for block in blocks], out=pixels.reshape(-1, PIXELS))
    rows = table(labels, splits, source=[f"row {row}" for row in range(1, len(splits) + 1)])
    return Faces("fer2013", pixels, rows, classes, notes=(*notes, *in_part(splits)))


def in_part(splits: list[str]) -> list[str]:
    """The note on images that are not as many as FER2013 has; none where they are. Where it is not said of which of
    the two other splits an image is, Training and the whole are counted."""
    found, named = tuple(splits.count(split) for split in SPLITS), not {*SPLITS[1:]}.isdisjoint(splits)
    if found == COUNTS or (not named and (len(splits), found[0]) == (sum(COUNTS), COUNTS[0])):
        return []
    if not named:
        told = f"{len(splits):,} images, {found[0]:,} of them Training; it has {sum(COUNTS):,}, {COUNTS[0]:,} of them"
        return [f"Not the whole of FER2013: {told} Training."]
    whole = ", ".join(f"{split} {count:,}" for split, count in zip(SPLITS, COUNTS, strict=True))
    return [f"Not the whole of FER2013: {', '.join(f'{count:,}' for count in found)} images, and not {whole}."]


def member(source: Path) -> tuple[str, list[str]] | None:
    """The CSV in an archive and the other members; None where it holds images or archives and no CSV of this name.

    Raises DataError where it holds nothing of the kind.
    """
    with archives.members(source) as found:
        if found is None:
            return None
        names = [entry.name for entry in found if not archives.hidden(entry.name)]
    for known in NAMES:  # of two that have it all, the one that it was published as
        if len(there := [name for name in names if re.split(r"[/\\]", name)[-1] == known]) == 1:
            return there[0], [name for name in names if name != there[0]]
        if there:
            names = there
            break
    else:
        tables = [name for name in names if name.lower().endswith(".csv")]
        if len(tables) == 1:
            return tables[0], [name for name in names if name != tables[0]]
        if names and not tables and any(name.lower().endswith((*images.SUFFIXES, *PACKED)) for name in names):
            return None
    expected = "one that is fer2013.csv or icml_face_data.csv"
    raise DataError(source, f"members {', '.join(names[:9]) or 'none'}", expected)


@contextmanager
def _open(source: Path) -> Iterator[tuple[io.BufferedIOBase, list[str]]]:
    """The CSV's bytes, unpacked on the way where `source` is packed (known by content, not by name), and notes."""
    kind = archives.kind(source)
    archives.refuse(source, kind)
    with archives.damaged(source):
        if kind is None:
            with open(source, "rb") as file:
                yield file, []
        elif wanted := member(source):
            name, others = wanted
            tables = [other for other in others if other.lower().endswith(".csv")]
            notes = [f"read from {name}; {', '.join(tables)} beside it skipped"] if tables else []
            with archives.members(source) as found, next(one for one in found if one.name == name).open() as stream:
                yield io.BufferedReader(archives.Limited(stream, source), CHUNK), notes
        else:
            with archives.STREAMS[kind](source) as stream:
                yield io.BufferedReader(archives.Limited(stream, source), CHUNK), []


def _header(source: Path, line: bytes, classes: tuple[str, ...] = CLASSES) -> _Order:
    if not line:
        raise DataError(source, "an empty file", "the header emotion,pixels,Usage")
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(source, "UTF-16 text", UTF8)
    start = line.removeprefix(codecs.BOM_UTF8)[:512]
    if start[:1] > b"\x7f" or any(byte < 32 and byte not in b"\t\r\n" for byte in start):
        raise DataError(source, "a file that is no text", "a CSV with the header emotion,pixels,Usage, packed or not")
    text = line.decode("utf-8-sig", "replace").strip()
    try:
        names = [name.strip().lower() for name in next(csv.reader([text], skipinitialspace=True, strict=True), [])]
    except csv.Error:
        names = []
    if sorted(name for name in names if name in COLUMNS) != sorted(COLUMNS):
        expected = "emotion,pixels,Usage in any order"
        if len(names) == 1 and all(name in re.split(r"\W+", names[0]) for name in COLUMNS):
            expected += ", with commas between them, here and in the rows"
        if "pixels" in names and "usage" not in names:
            what = "test images without labels" if "emotion" not in names else "training images without their splits"
            expected += f": these are {what}, of Kaggle's challenge, whose icml_face_data.csv or fer2013.csv has it all"
            for beside in (source.with_name(name) for name in NAMES):
                expected += f" ({beside})" if beside.is_file() and beside != source else ""
        raise DataError(f"{source}: line 1", f"the header {text[:80]!r}", expected)
    return _Order(*(names.index(name) for name in COLUMNS), len(names), len(classes))


def _mapped(stream: io.BufferedIOBase, order: _Order) -> list[_Block] | None:
    """All rows of a file that is not packed and plain throughout, without copying it; None where it is not.

    The usual case, and the fastest: threads take chunks from the mapped file, and no line is counted.
    """
    if not isinstance(stream, io.BufferedReader) or not isinstance(stream.raw, io.FileIO):
        return None
    begin, end = stream.tell(), os.fstat(stream.fileno()).st_size
    if begin == end:
        return None
    scratch = local()

    def parse(bounds: tuple[int, int]) -> _Block | None:
        if not hasattr(scratch, "arrays"):
            scratch.arrays = _Scratch()
        with memoryview(mapped) as view, view[slice(*bounds)] as text:
            return _regular(text, order, scratch.arrays)

    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        cuts = [begin]
        while cuts[-1] < end:
            cut = mapped.rfind(b"\n", cuts[-1], cuts[-1] + CHUNK) + 1
            if not cut:
                return None
            cuts.append(cut)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            blocks = []
            for block in pool.map(parse, pairwise(cuts)):
                if block is None:
                    pool.shutdown(cancel_futures=True)
                    return None
                blocks.append(block)
    return blocks


def _blocks(source: Path, stream: io.BufferedIOBase, order: _Order) -> list[_Block]:
    """All rows, parsed by a thread a core: numpy does its work without the interpreter lock."""
    chunks, lock = _Chunks(source, stream), Lock()
    blocks: dict[int, _Block] = {}
    errors: dict[int, Exception] = {}

    def work() -> None:
        buffer, scratch = bytearray(), _Scratch()
        while not errors:
            with lock:
                line = chunks.line
                try:
                    size = chunks.next(buffer, scratch)
                except Exception as error:  # a damaged archive
                    errors[line] = error
                    return
            if not size:
                return
            text = bytes(memoryview(buffer)[:size])
            try:
                blocks[line] = _regular(text, order, scratch) or _careful(source, line, text, order)
            except DataError as error:
                errors[line] = error

    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        for job in [pool.submit(work) for _ in range(workers)]:
            job.result()
    if errors:  # chunks are handed out in order, so whatever precedes the first of these was read and is sound
        raise errors[min(errors)]
    return [blocks[line] for line in sorted(blocks)]


class _Chunks:
    """The lines of a stream, about CHUNK bytes at a time and never half a row."""

    def __init__(self, source: Path, stream: io.BufferedIOBase):
        self.source, self.stream, self.line, self.rest, self.blank = source, stream, 2, b"", 0

    def next(self, buffer: bytearray, scratch: _Scratch) -> int:
        """Put the next lines into `buffer` and return how many bytes they are; the first of them is number `line`."""
        filled = len(self.rest)
        buffer[:filled] = self.rest
        while True:
            if len(buffer) < filled + CHUNK:
                buffer.extend(bytes(2 * filled + CHUNK))
            with memoryview(buffer) as view:
                read = self.stream.readinto(view[filled : filled + CHUNK])
            filled += read
            cut = buffer.rfind(b"\n", 0, filled) + 1 if read else filled
            # With an odd number of quotes the last newline is within them: read on to where they close.
            if not read or (cut and (buffer.find(b'"', 0, cut) < 0 or buffer.count(b'"', 0, cut) % 2 == 0)):
                break
            if filled > LONGEST:
                if cut:  # a quotation mark that is no quote, or a row that `_careful` will refuse
                    break
                raise DataError(f"{self.source}: line {self.line}", "a row without an end", "a row a line")
        self.rest = bytes(memoryview(buffer)[cut:filled])
        if not bytes(memoryview(buffer)[:cut]).strip(b' \t\r\n,"'):
            self.blank += cut
            if self.blank > BLANK:
                raise DataError(f"{self.source}: line {self.line}", f"more than {BLANK:,} bytes of blank lines", "rows")
        newlines = np.equal(np.frombuffer(buffer, np.uint8, cut), ord("\n"), out=scratch.take(cut)[0].view(bool))
        self.line += np.count_nonzero(newlines)  # bytes.count takes five times as long
        return cut


class _Scratch:
    """Arrays that serve chunk after chunk: fresh ones would cost more in page faults than all the arithmetic."""

    def __init__(self):
        self.arrays = np.empty((6, 0), np.uint8)

    def take(self, size: int) -> np.ndarray:
        """Six uint8 arrays of `size`, holding whatever they held."""
        if self.arrays.shape[1] < size:
            self.arrays = np.empty((6, 2 * size), np.uint8)
        return self.arrays[:, :size]


def _regular(text: bytes | memoryview, order: _Order, scratch: _Scratch) -> _Block | None:
    """The rows of a chunk without quotes or blank lines, whose numbers are all as they should be; None for any other.

    All numbers at once: with the digits' values in an array d, the number that ends at i is d[i] + 10 d[i-1] +
    100 d[i-2], and blanks count nothing. That is some passes of byte arithmetic in place of 83 million conversions.
    """
    byte, digit, low, value, is_digit, is_other = scratch.take(len(text))
    is_digit, is_other = is_digit.view(bool), is_other.view(bool)
    byte[:] = np.frombuffer(text, np.uint8)
    np.equal(byte, ord(","), out=is_other)
    is_other |= np.equal(byte, ord("\n"), out=is_digit)
    ends = np.flatnonzero(is_other)
    if not len(ends) or ends[-1] != len(byte) - 1 or len(ends) % order.width:
        return None
    starts = np.concatenate([[0], ends[:-1] + 1]).reshape(-1, order.width)
    ends = ends.reshape(-1, order.width)
    if np.count_nonzero(is_digit) != len(ends) or not is_digit[ends[:, -1]].all():  # one newline a row, at its end
        return None
    returns = ends[:, -1] - 1
    returns = returns[byte[returns] == ord("\r")]
    if order.width > len(COLUMNS):  # in the three columns that are read these would be seen below
        odd = (byte == ord('"')) | (byte == 0) | (byte == ord("\r"))
        odd[returns] = False
        if odd.any():
            return None
    byte[returns] = ord(" ")
    label_of = order.label_of
    labels = [label_of.get(field) for field in _fields(byte, starts[:, order.emotion], ends[:, order.emotion])]
    splits = [SPLIT_OF.get(field) for field in _fields(byte, starts[:, order.usage], ends[:, order.usage])]
    if None in labels or None in splits:
        return None
    # With everything but the pixels blanked out, all that remains must be digits and blanks.
    others = np.delete(np.arange(order.width), order.pixels)
    first, length = starts[:, others].ravel(), (ends - starts)[:, others].ravel()
    byte[np.repeat(first - (length.cumsum() - length), length) + np.arange(length.sum())] = ord(" ")
    byte[ends] = ord(" ")

    # A blank less ord(" ") is 0, a digit 16 to 25; anything else is above that, or else under 15 once 1 is taken away.
    np.subtract(byte, ord(" "), out=byte)
    if byte.max() > 25 or np.subtract(byte, 1, out=digit).min() < 15:
        return None
    np.greater_equal(byte, 16, out=is_digit)
    np.bitwise_and(byte, 15, out=digit)  # 0 for blanks
    two = np.logical_and(is_digit[1:], is_digit[:-1], out=is_other[1:])  # two[i-1]: digits stand at i and before it
    np.multiply(digit[:-1], 10, out=byte[1:])
    np.add(digit[1:], byte[1:], out=low[1:])
    low[0] = digit[0]
    hundreds = np.multiply(digit[:-2], two[1:], out=digit[:-2])
    if hundreds.max() > 2:
        return None
    hundreds *= np.uint8(100)
    value[:2] = low[:2]
    np.add(low[2:], hundreds, out=value[2:])  # value[i]: the number whose last digit so far is at i
    flags = byte.view(bool)
    if np.less(value[2:], low[2:], out=flags[2:]).any():  # wrapped round: over 255
        return None
    if np.logical_and(two[2:], two[:-2], out=flags[3:]).any():  # four digits in a row
        return None
    at = np.flatnonzero(np.greater(is_digit[:-1], is_digit[1:], out=flags[:-1]))  # where the numbers end
    first, past = (np.searchsorted(at, bounds[:, order.pixels]) for bounds in (starts, ends))
    if (past - first != PIXELS).any():
        return None
    pixels = value.take(at).reshape(-1, PIXELS)
    return _Block(pixels, labels, splits)


def _fields(byte: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Iterator[bytes]:
    view = memoryview(byte)
    return (bytes(view[i:j]).strip(b" ") for i, j in zip(starts.tolist(), ends.tolist(), strict=True))


def _careful(source: Path, line: int, text: bytes, order: _Order) -> _Block:
    """The rows of any chunk, one by one; raises DataError for the first that is not as it should be."""
    lines = io.StringIO(text.decode("utf-8", "replace"), newline="\n")
    reader = csv.reader(lines, skipinitialspace=True, strict=True)
    pixels, labels, splits, scratch, label_of = [], [], [], _Scratch(), order.label_of
    while True:
        where = f"{source}: line {line + reader.line_num}"
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise DataError(where, f"a row that is not CSV ({error})", "a row a line") from None
        if row is None:
            break
        if not any(field.strip() for field in row):
            continue
        if any("\0" in field for field in row):
            raise DataError(where, "NUL bytes", "text")
        if len(row) != order.width:
            raise DataError(where, *fields_found(row, order.width))
        label, split = (row[column].strip().encode() for column in (order.emotion, order.usage))
        if label not in label_of:
            expected = f"a whole number of 0 to {order.classes - 1}"
            if label == b"7":
                expected += " (if the codes begin with 1, take 1 off each;"
                expected += " if this is ckextended.csv, where 7 is contempt, import it as ckplus)"
            raise DataError(where, f"the emotion {quote(row[order.emotion])}", expected)
        if split not in SPLIT_OF:
            raise DataError(where, f"the Usage {quote(row[order.usage])}", ", ".join(SPLITS))
        labels.append(label_of[label])
        splits.append(SPLIT_OF[split])
        pixels.append(_row(where, row[order.pixels], scratch))
    return _Block(np.array(pixels, np.uint8).reshape(-1, PIXELS), labels, splits)


def _row(where: str, text: str, scratch: _Scratch) -> np.ndarray:
    plain = _regular(f"0,{text.strip()},{SPLITS[0]}\n".encode(), _Order(0, 1, 2, 3, 1), scratch)
    if plain is not None and len(plain.labels) == 1:  # a quoted field may hold more rows than one
        return plain.pixels[0]
    words = text.split()
    for position, word in enumerate(words, 1):
        if not (word.isascii() and word.isdigit() and len(word) < 4 and int(word) < 256):
            raise DataError(where, f"{quote(word)} as pixel {position}", "whole numbers of 0 to 255")
    if len(words) != PIXELS:
        raise DataError(where, f"{len(words)} pixels", f"{PIXELS} ({SIDE} x {SIDE})")
    return np.array([int(word) for word in words], np.uint8)
