"""FER2013 in every form that users have: read as it is meant, or refused with one error that says where and why."""

import csv
import gzip
import io
import re
import tarfile
import zipfile
from functools import cache

import numpy as np
import pytest
from PIL import Image

from fercore import datasets
from fercore.datasets import fer2013, fer2013_csv, store
from fercore.datasets.faces import FER2013_CLASSES, DataError
from fercore.datasets.fer2013 import SPLITS

PLAIN = ("emotion", "pixels", "Usage")
ICML = ("emotion", " Usage", " pixels")


@cache
def draw(images=9, seed=0):
    """Labels, pixels (images, 2304) and splits of a small set that has every split."""
    rng = np.random.default_rng(seed)
    splits = [SPLITS[row * 3 // images] for row in range(images)]
    return rng.integers(0, 7, images).tolist(), rng.integers(0, 256, (images, 2304), np.uint8), splits


def rows(images=9, seed=0):
    """The same as lists of three words."""
    return [list(row) for row in words(images, seed)]


@cache
def words(images, seed):
    labels, pixels, splits = draw(images, seed)
    return [
        (str(label), " ".join(map(str, row)), split)
        for label, row, split in zip(labels, pixels.tolist(), splits, strict=True)
    ]


def text(lines, header=PLAIN, end="\n", last=True):
    """A CSV of `lines` (emotion, pixels, Usage), with the columns in the order of `header`."""
    at = [PLAIN.index(name.strip().replace("usage", "Usage")) for name in header]
    return end.join([",".join(header), *(",".join(line[i] for i in at) for line in lines)]) + end * last


def write(folder, data, name="fer2013.csv"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def same(faces, images=9, seed=0):
    labels, pixels, splits = draw(images, seed)
    assert faces.pixels.shape == (images, 48, 48) and faces.pixels.dtype == np.uint8
    assert faces.pixels.tobytes() == pixels.tobytes()
    assert faces.labels.tolist() == labels and faces.table["split"].tolist() == splits
    return True


# -- the CSV as it is meant ----------------------------------------------------------------------------------------


def test_rows_labels_and_splits(tmp_path):
    faces = fer2013.read(str(write(tmp_path, text(rows()))))
    assert same(faces)
    assert faces.name == "fer2013" and faces.classes == FER2013_CLASSES and not faces.synthetic
    (note,) = faces.notes  # a file that was cut off between two rows is nowhere wrong, only short
    assert note.startswith("Not the whole of FER2013: 3, 3, 3 images")
    assert faces.table["source"].tolist() == [f"row {row}" for row in range(1, 10)]
    assert faces.splits == SPLITS and faces.rows("PrivateTest").tolist() == [6, 7, 8]


def test_all_values_and_labels_are_read(tmp_path):
    lines = [[str(row % 7), " ".join(str((i + row) % 256) for i in range(2304)), SPLITS[row % 3]] for row in range(7)]
    faces = fer2013.read(write(tmp_path, text(lines)))
    assert faces.labels.tolist() == list(range(7))
    assert all((faces.pixels[row].ravel() == (np.arange(2304) + row) % 256).all() for row in range(7))


def test_the_form_of_icml_gives_the_same(tmp_path):
    header = ("emotion", " Usage", " pixels")
    assert same(fer2013.read(write(tmp_path, text(rows(), header), "icml_face_data.csv")))


def quoted(lines, columns=(0, 1, 2)):
    return [[f'"{word}"' if at in columns else word for at, word in enumerate(line)] for line in lines]


def changed(change):
    return text([[change(word) for word in line] for line in rows()])


def extra(words, header="note", at=3):
    """One more column, which holds `words` in turn."""
    lines = [[*PLAIN], *rows()]
    words = [header] + [words[row % len(words)] for row in range(len(lines) - 1)]
    return "\n".join(",".join([*line[:at], word, *line[at:]]) for line, word in zip(lines, words, strict=True)) + "\n"


MEANT = {
    "CRLF": text(rows(), end="\r\n"),
    "CRLF, pixels last": text(rows(), ICML, end="\r\n"),
    "a carriage return twice": text(rows(), end="\r\r\n"),
    "a carriage return twice, pixels last": text(rows(), ICML, end="\r\r\n"),
    "mixed ends": text(rows()[:4], end="\r\n") + text(rows()[4:]).split("\n", 1)[1],
    "byte order mark": "\ufeff" + text(rows()),
    "byte order mark, CRLF and quotes": "\ufeff" + text(quoted([[*PLAIN], *rows()]), end="\r\n").split("\r\n", 1)[1],
    "all quoted": text(quoted(rows())),
    "pixels quoted": text(quoted(rows(), [1])),
    "pixels quoted, CRLF": text(quoted(rows(), [1]), ICML, end="\r\n"),
    "one row quoted": text([*rows()[:5], *quoted(rows()[5:6]), *rows()[6:]]),
    "blanks before quotes": text([[f' "{word}"' for word in line] for line in rows()]),
    "no last newline": text(rows(), last=False),
    "no last newline, pixels last": text(rows(), ICML, last=False),
    "blank last lines": text(rows()) + "\n\r\n  \n\n",
    "blanks at the end": text(rows()) + "   ",
    "blank lines between": text(rows()).replace("Training\n", "Training\n\n"),
    "blanks around fields": changed(lambda word: f"  {word} "),
    "blanks doubled": changed(lambda word: word.replace(" ", "  ")),
    "tabs": changed(lambda word: word.replace(" ", "\t")),
    "zeros before": changed(lambda word: " ".join(number.zfill(3) for number in word.split()) if " " in word else word),
    "pixels wrapped in quotes": text(quoted(rows(), [1])).replace(" 7", "\n7"),
    "pixels first": text(rows(), ("pixels", "emotion", "Usage")),
    "usage first": text(rows(), ("Usage", "pixels", "emotion")),
    "names in capitals": text(rows()).replace("emotion,pixels,Usage", "Emotion,PIXELS,usage"),
    "names quoted": text(rows()).replace("emotion,pixels,Usage", '"emotion","pixels","Usage"'),
    "a column of numbers": extra(["1 2 3", "255", "0"]),
    "a column of numbers first": extra(["17", "300", "-1", "x"], at=0),
    "a column of numbers between": extra(["17", "4 4 4", "99999"], at=1),
    "an empty column without a name": extra([""], header=""),
    "an index, as pandas writes it": extra([str(row) for row in range(9)], header="", at=0),
    "a column of quoted text": extra(['"a, b, 3"', '"1,2\n3 4"', '"say ""x"""', "plain", '"\n\n7"'], header='"a,b"'),
    "a column of text that holds a row": extra([f'"a\n0,{rows()[0][1]},Training,b"', "plain"]),
    "a column of text with a quotation mark": extra(['5" tall', "short"]),
    "a column that repeats the header": extra(["emotion", "Training"]),
}


@pytest.mark.parametrize("chunk", [1 << 19, 9000])
@pytest.mark.parametrize("case", MEANT)
def test_what_is_meant_is_read(tmp_path, monkeypatch, case, chunk):
    monkeypatch.setattr(fer2013_csv, "CHUNK", chunk)
    assert same(fer2013.read(write(tmp_path, MEANT[case])))


def zipped(name, data, method=zipfile.ZIP_DEFLATED, **others):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for member, content in {name: data, **others}.items():
            archive.writestr(member, content)
    return buffer.getvalue()


def tarred(members, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            elif content.startswith("->"):
                info.type, info.linkname = tarfile.SYMTYPE, content[2:]
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO((content or "").encode()) if info.size else None)
    return buffer.getvalue()


@pytest.mark.parametrize("header", [PLAIN, ICML])
@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("fer2013.csv.gz", lambda data: gzip.compress(data.encode())),
        ("two.gz", lambda data: gzip.compress(data[:9999].encode()) + gzip.compress(data[9999:].encode())),
        ("archive.zip", lambda data: zipped("fer2013.csv", data)),
        ("stored.zip", lambda data: zipped("fer2013.csv", data, zipfile.ZIP_STORED)),
        ("other.zip", lambda data: zipped("some/name.csv", data, readme="x")),
        ("fer2013.tar.gz", lambda data: tarred({"fer2013": None, "fer2013/README": "x", "fer2013/fer2013.csv": data})),
        # what Kaggle's challenge hands out
        ("bundle.zip", lambda data: zipped("icml_face_data.csv", data, **{"train.csv": "x", "fer2013.tar.gz": "x"})),
        ("named.csv", lambda data: gzip.compress(data.encode())),  # known by content, not by name
    ],
)
def test_packed_forms_give_the_same(tmp_path, name, pack, header):
    assert same(fer2013.read(write(tmp_path, pack(text(rows(), header)), name)))


def test_many_chunks_keep_the_order_of_the_rows(tmp_path, monkeypatch):
    path = write(tmp_path, text(rows(300, 5)))
    whole = fer2013.read(path)
    for chunk in (100, 9_000, 100_000):
        monkeypatch.setattr(fer2013_csv, "CHUNK", chunk)
        assert same(fer2013.read(path), 300, 5)
    assert same(whole, 300, 5)


def test_one_worker_gives_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(fer2013_csv.os, "cpu_count", lambda: None)
    monkeypatch.setattr(fer2013_csv, "CHUNK", 9000)
    assert same(fer2013.read(write(tmp_path, text(rows()))))


def test_pixels_go_where_they_are_wanted(tmp_path):
    array = np.zeros((9, 48, 48), np.uint8)
    assert fer2013.read(write(tmp_path, text(rows())), allocate=lambda shape: array.reshape(shape)).pixels.base is array
    path = datasets.import_dataset("fer2013", tmp_path / "fer2013.csv", tmp_path / "set")
    faces = datasets.load_imported(path.parent)
    assert same(faces) and isinstance(faces.pixels, np.memmap)


def test_votes_are_joined(tmp_path):
    lines = ["Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"]
    lines += [f"{split},,{row % 3},0,0,0,0,0,0,0,0,9" for row, split in enumerate(draw()[2])]
    faces = fer2013.read(write(tmp_path, text(rows())), votes=write(tmp_path, "\n".join(lines), "fer2013new.csv"))
    assert same(faces) and faces.table["votes_neutral"].tolist() == [0, 1, 2] * 3


# -- the two paths agree, and no corruption gets through -----------------------------------------------------------

SMALL = 2  # pixels a side: so short a row that every edit of it can be tried


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(fer2013_csv, "SIDE", SMALL)
    monkeypatch.setattr(fer2013_csv, "PIXELS", SMALL**2)


def by_hand(data, order):
    """The rows of a chunk by a reading of its own, without a thought of speed; None where it is not as it should be."""
    found = []
    lines = data.decode("utf-8", "replace").split("\n")
    for line in (line.rstrip("\r") for line in lines):
        if "\r" in line or "\0" in line:
            return None
        if not line.replace(",", "").strip():
            continue
        if '"' in line:
            try:
                fields = next(csv.reader([line], skipinitialspace=True, strict=True))
            except csv.Error:
                return None
        else:
            fields = line.split(",")
        if len(fields) != order.width:
            return None
        emotion, split = fields[order.emotion].strip(), fields[order.usage].strip()
        words = fields[order.pixels].split()
        if not re.fullmatch("[0-6]", emotion) or split not in SPLITS or len(words) != fer2013_csv.PIXELS:
            return None
        if not all(re.fullmatch("[0-9]{1,3}", word) and int(word) < 256 for word in words):
            return None
        found.append((int(emotion), [int(word) for word in words], split))
    return found


def outcome(block):
    if block is None:
        return None
    return list(zip(block.labels, block.pixels.reshape(-1, fer2013_csv.PIXELS).tolist(), block.splits, strict=True))


def compare(data, order, scratch):
    """Both paths on one chunk: the fast one may pass, but never says anything else than the careful one."""
    try:
        careful = outcome(fer2013_csv._careful("x", 2, bytes(data), order))
    except DataError:
        careful = None
    plain = outcome(fer2013_csv._regular(bytes(data), order, scratch))
    assert plain is None or plain == careful, data
    if b'"' not in data or data.count(b"\n") == 1:
        assert careful == by_hand(data, order), data
    return plain, careful


def small_rows(rng, count, header):
    numbers = np.where(rng.random((count, 4)) < 0.5, rng.integers(0, 256, (count, 4)), rng.integers(0, 12, (count, 4)))
    lines = [[str(rng.integers(7)), " ".join(map(str, row)), SPLITS[rng.integers(3)]] for row in numbers.tolist()]
    return text(lines, header).split("\n", 1)[1].encode()


ODD = [*b'0159 ,\n\r\t"+-.eE\0\x0b\x0c\x1c\xa0\xff', "\xa0".encode(), "٣".encode(), "²".encode(), "\u2028".encode()]
ODD = [byte if isinstance(byte, bytes) else bytes([byte]) for byte in ODD]


@pytest.mark.parametrize("header", [PLAIN, ICML, ("pixels", "emotion", "Usage")])
def test_every_single_edit_is_read_alike_or_refused(small, header):
    order = fer2013_csv._header("x", ",".join(header).encode())
    data, scratch, through = b"3,7 255 10 0,Training\n0,12 4 199 30,PublicTest\n", fer2013_csv._Scratch(), 0
    if header != PLAIN:
        data = text([line.split(",") for line in data.decode().split("\n")[:-1]], header).split("\n", 1)[1].encode()
    for at in range(len(data) + 1):
        for odd in (b"", *ODD):
            for rest in (data[at:], data[at + 1 :]):
                through += compare(data[:at] + odd + rest, order, scratch)[0] is not None
    assert through > 200  # digits, blanks and labels that were changed into others


def test_random_edits_are_read_alike_or_refused(small):
    rng, scratch, counts = np.random.default_rng(1), fer2013_csv._Scratch(), {"plain": 0, "careful": 0, "refused": 0}
    orders = {header: fer2013_csv._header("x", ",".join(header).encode()) for header in (PLAIN, ICML)}
    for _ in range(4000):
        header = (PLAIN, ICML)[rng.integers(2)]
        data = small_rows(rng, rng.integers(1, 5), header)
        for _ in range(rng.integers(0, 4)):
            at = rng.integers(len(data))
            data = data[:at] + ODD[rng.integers(len(ODD))] * rng.integers(0, 3) + data[at + rng.integers(3) :]
        plain, careful = compare(data, orders[header], scratch)
        counts["plain" if plain is not None else "careful" if careful is not None else "refused"] += 1
    assert min(counts.values()) > 50


def test_rows_that_are_moved_and_joined_are_read_alike_or_refused(small):
    rng, scratch, order = (
        np.random.default_rng(2),
        fer2013_csv._Scratch(),
        fer2013_csv._header("x", ",".join(PLAIN).encode()),
    )
    for _ in range(2000):
        data = small_rows(rng, 4, PLAIN)
        cut = np.sort(rng.integers(0, len(data), 3))
        pieces = [data[i:j] for i, j in zip([0, *cut], [*cut, len(data)], strict=True)]
        compare(b"".join(pieces[at] for at in rng.permutation(4)[: rng.integers(2, 5)]), order, scratch)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", [PLAIN, ICML, ("pixels", "emotion", "Usage")])
def test_what_is_published_takes_the_fast_path(header, end):
    data = text(rows(), header, end).split("\n", 1)[1].encode()
    block = fer2013_csv._regular(data, fer2013_csv._header("x", ",".join(header).encode()), fer2013_csv._Scratch())
    assert (block.pixels == draw()[1]).all()


def test_scratch_that_holds_the_last_chunk_changes_nothing(small):
    rng, scratch, order = (
        np.random.default_rng(3),
        fer2013_csv._Scratch(),
        fer2013_csv._header("x", ",".join(PLAIN).encode()),
    )
    for count in (50, 1, 49, 2, 48):
        data = small_rows(rng, count, PLAIN)
        assert outcome(fer2013_csv._regular(data, order, scratch)) == by_hand(data, order)


def spread(rng, words, blanks):
    """The words of a row, each gap one of `blanks`."""
    gaps = [blanks[at] for at in rng.integers(len(blanks), size=len(words))]
    return "".join(word + gap for word, gap in zip(words, gaps, strict=True)).rstrip()


CORRUPTIONS = {
    "digit for a blank": lambda rng, row: re.sub(r" +", str(rng.integers(10)), row, count=1),
    "blank lost": lambda rng, row: re.sub(r" +", "", row, count=1),
    "number lost": lambda rng, row: row.split(" ", 1)[1].strip(),
    "number more": lambda rng, row: row + " 0",
    "number cut in two": lambda rng, row: re.sub(r"(\d)(\d)", r"\1 \2", row, count=1),
    "comma for a blank": lambda rng, row: row.replace(" ", ",", 1),
    "newline for a blank": lambda rng, row: row.replace(" ", "\n", 1),
    "carriage return for a blank": lambda rng, row: row.replace(" ", "\r", 1),
    "NUL": lambda rng, row: row.replace(" ", "\0", 1),
    "sign": lambda rng, row: row.replace(" ", " " + "+-"[rng.integers(2)], 1),
    "point": lambda rng, row: row.replace(" ", ". ", 1),
    "too large": lambda rng, row: re.sub(r"\d+", str(rng.integers(256, 2000)), row, count=1),
    "four digits": lambda rng, row: re.sub(r"\b(\d+)\b", lambda m: m[1].zfill(4), row, count=1),
    "five thousand digits": lambda rng, row: "1" * 5000 + row[1:],
    "letter": lambda rng, row: row.replace(" ", " O", 1),
    "digit of another script": lambda rng, row: re.sub(r"\d", "٣", row, count=1),
    "superscript": lambda rng, row: re.sub(r"\d", "²", row, count=1),
    "underscore": lambda rng, row: re.sub(r"(\d)(\d)", r"\1_\2", row, count=1),
    "quotation mark": lambda rng, row: row.replace(" ", ' "', 1),
    "emptied": lambda rng, row: "",
}


@pytest.mark.parametrize("seed", range(5))
def test_random_files_are_read_whole_or_refused(tmp_path, monkeypatch, seed):
    rng, refused = np.random.default_rng(seed), 0
    kinds = list(CORRUPTIONS)
    for turn in range(40):
        monkeypatch.setattr(fer2013_csv, "CHUNK", int(rng.choice([50, 3000, 9000, 30_000, 1 << 19])))
        images = int(rng.integers(3, 7))
        labels, pixels, splits = draw(images, seed=int(rng.integers(1 << 30)))
        pixels = pixels // rng.choice([1, 3, 9], (images, 1)).astype(np.uint8)  # numbers of one, two and three digits
        blanks = [[" "], [" ", "  "], [" ", "\t"], [" ", "   ", "\t\t"]][rng.integers(4)]
        lines = [
            [str(label), spread(rng, [str(value) for value in row], blanks), split]
            for label, row, split in zip(labels, pixels.tolist(), splits, strict=True)
        ]
        bad = None
        if turn % 2:
            bad, kind = int(rng.integers(images)), kinds[(turn // 2 + 20 * seed) % len(kinds)]
            lines[bad][1] = CORRUPTIONS[kind](rng, lines[bad][1].replace("\t", " "))
        header, end = (PLAIN, ICML)[rng.integers(2)], ("\n", "\r\n")[rng.integers(2)]
        path = write(tmp_path, text(lines, header, end, last=rng.random() < 0.8))
        if bad is None:
            faces = fer2013.read(path)
            assert faces.pixels.tobytes() == pixels.tobytes()
            assert (faces.labels.tolist(), faces.table["split"].tolist()) == (labels, splits)
        else:
            with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: line {bad + 2}: found ") as error:
                fer2013.read(path)
            assert len(str(error.value)) < 400
            refused += 1
    assert refused == 20


# -- the CSV as it should not be -----------------------------------------------------------------------------------


def bad(row, column, word):
    """The small set with one word in place of another, or of what `word` makes of it; row 1 is on line 2."""
    lines = rows()
    lines[row - 1][column] = word(lines[row - 1][column]) if callable(word) else word
    return text(lines)


def pixel(position, word):
    """Put `word` in place of the pixel at `position`, counted from 1."""

    def change(field):
        words = field.split(" ")
        words[position - 1] = word
        return " ".join(words)

    return change


def cut(data, count):
    return data[:-count]


def holed(data, at):
    return data[:at] + bytes(50) + data[at + 50 :]


def locked(data):
    """A zip whose member says that it needs a password."""
    flag = 6  # bytes into the member's header, 8 into its entry in the directory
    at = data.rindex(b"PK\x01\x02") + flag + 2
    return data[:flag] + b"\1" + data[flag + 1 : at] + b"\1" + data[at + 1 :]


WHOLE = text(rows())
PAIR = '{0[0]},"{0[1]},{0[2]}\n{1[0]},{1[1]}",{1[2]}'.format(*rows()[1:3])  # two stray quotes, and one row of two
NO_COMMA = WHOLE.replace("Training\n", "Training", 1)
BAD = {
    # what: (the file's bytes, where, what is found and what is expected)
    "empty": (b"", "", "found an empty file; expected the header emotion,pixels,Usage"),
    "one newline": (b"\n", "line 1", "found the header ''; expected emotion,pixels,Usage in any order"),
    "byte order mark alone": (b"\xef\xbb\xbf", "line 1", "found the header ''; expected emotion"),
    "header alone": (b"emotion,pixels,Usage\n", "", "found 0 rows, none of them Training; expected rows of Training"),
    "no header": (WHOLE.split("\n", 1)[1], "line 1", "found the header '5,120 122 "),
    "header of another set": ("emotion,pixels\n", "line 1", "found the header 'emotion,pixels'; expected emotion,"),
    "column twice": ("emotion,pixels,Usage,pixels\n", "line 1", "found the header 'emotion,pixels,Usage,pixels'"),
    "semicolons": (WHOLE.replace(",", ";"), "line 1", "found the header 'emotion;pixels;Usage'; expected"),
    "UTF-16": (WHOLE.encode("utf-16"), "", "found UTF-16 text; expected UTF-8 text .*save it as CSV UTF-8"),
    "old Mac": (WHOLE.replace("\n", "\r"), "line 1", r"found the header 'emotion,pixels,Usage\\r"),
    "garbage": (np.random.default_rng(0).bytes(300_000), "", "found a file that is no text"),
    "garbage without a line": (b"\x01" * 300_000, "", "found a file that is no text"),
    "garbage after the header": (b"emotion,pixels,Usage\n" + b"\x01" * 300_000, "line 2", "found "),
    "a JPEG": (b"\xff\xd8\xff\xe0" + bytes(100), "", "found a file that is no text"),
    "2303 pixels": (bad(3, 1, lambda field: field.rsplit(" ", 1)[0]), "line 4", "found 2303 pixels; expected 2304"),
    "2305 pixels": (bad(3, 1, lambda field: field + " 0"), "line 4", r"found 2305 pixels; expected 2304 \(48 x 48\)"),
    "no pixels": (bad(3, 1, ""), "line 4", "found 0 pixels; expected 2304"),
    "blank pixels": (bad(3, 1, "  "), "line 4", "found 0 pixels"),
    "negative": (bad(3, 1, pixel(7, "-5")), "line 4", "found '-5' as pixel 7; expected whole numbers of 0 to 255"),
    "256": (bad(3, 1, pixel(2304, "256")), "line 4", "found '256' as pixel 2304; expected whole"),
    "300": (bad(3, 1, pixel(1, "300")), "line 4", "found '300' as pixel 1;"),
    "999": (bad(3, 1, pixel(9, "999")), "line 4", "found '999' as pixel 9;"),
    "1000": (bad(3, 1, pixel(8, "1000")), "line 4", "found '1000' as pixel 8;"),
    "0070": (bad(3, 1, pixel(8, "0070")), "line 4", "found '0070' as pixel 8;"),
    "2**64": (bad(3, 1, pixel(8, "18446744073709551616")), "line 4", "found '18446744073709551616' as pixel 8;"),
    "endless number": (bad(3, 1, pixel(8, "1" * 9999)), "line 4", "found '1{40}…' as pixel 8;"),
    "fraction": (bad(3, 1, pixel(8, "7.5")), "line 4", "found '7.5' as pixel 8;"),
    "float": (bad(3, 1, pixel(8, "7.0")), "line 4", "found '7.0' as pixel 8;"),
    "exponent": (bad(3, 1, pixel(8, "1e2")), "line 4", "found '1e2' as pixel 8;"),
    "plus": (bad(3, 1, pixel(8, "+7")), "line 4", r"found '\+7' as pixel 8;"),
    "no number": (bad(3, 1, pixel(8, "nan")), "line 4", "found 'nan' as pixel 8;"),
    "hexadecimal": (bad(3, 1, pixel(8, "0x10")), "line 4", "found '0x10' as pixel 8;"),
    "Arabic digits": (bad(3, 1, pixel(8, "٣٣")), "line 4", "found '٣٣' as pixel 8;"),
    "brackets": (bad(3, 1, lambda field: f"[{field}]"), "line 4", r"found '\[\d+' as pixel 1;"),
    "not UTF-8": (bad(3, 1, pixel(8, "@")).encode().replace(b"@", b"\xff"), "line 4", "found '\ufffd' as pixel 8;"),
    "label 7": (
        bad(3, 0, "7"),
        "line 4",
        r"found the emotion '7'; expected a whole number of 0 to 6 \(if the codes begin with 1, take 1 off",
    ),
    "label -1": (bad(3, 0, "-1"), "line 4", "found the emotion '-1'"),
    "label 10": (bad(3, 0, "10"), "line 4", "found the emotion '10'"),
    "label 1.0": (bad(3, 0, "1.0"), "line 4", "found the emotion '1.0'"),
    "label empty": (bad(3, 0, ""), "line 4", "found the emotion ''"),
    "label a word": (bad(3, 0, "happy"), "line 4", "found the emotion 'happy'"),
    "Usage unknown": (
        bad(3, 2, "Test"),
        "line 4",
        "found the Usage 'Test'; expected Training, PublicTest, PrivateTest",
    ),
    "Usage in small letters": (bad(3, 2, "training"), "line 4", "found the Usage 'training'"),
    "Usage empty": (bad(3, 2, ""), "line 4", "found the Usage ''"),
    "Usage endless": (bad(3, 2, "x" * 9999), "line 4", "found the Usage 'x{40}…'"),
    "NUL in emotion": (bad(3, 0, "\x00"), "line 4", "found NUL bytes; expected text"),
    "NUL in pixels": (bad(3, 1, pixel(8, "\x00")), "line 4", "found NUL bytes"),
    "NUL in Usage": (bad(3, 2, "Training\x00"), "line 4", "found NUL bytes"),
    "NUL in another column": (extra(["a", "b", "\x00"]), "line 4", "found NUL bytes"),
    "a hole of NULs": (WHOLE[:20_000].encode() + bytes(4096) + WHOLE[24_096:].encode(), "line 4", "found NUL bytes"),
    "cut in Usage": (cut(WHOLE, 3), "line 10", "found the Usage 'PrivateTe'"),
    "cut before Usage": (cut(WHOLE, 12), "line 10", "found the Usage ''"),
    "cut in pixels": (cut(WHOLE, 1000), "line 10", r"found 2 fields \(cut off\?\); expected 3, as in the header"),
    "cut after the label": (WHOLE + "3", "line 11", r"found 1 fields \(cut off\?\)"),
    "cut after the comma": (WHOLE + "3,", "line 11", r"found 2 fields"),
    "cut in pixels, pixels last": (cut(text(rows(), ICML), 1000), "line 10", r"found 20\d\d pixels; expected 2304"),
    "end of a text in DOS": (WHOLE + "\x1a", "line 11", r"found 1 fields"),
    "comma lost": (bad(3, 1, "").replace(",,", ",", 1), "line 4", "found 2 fields"),
    "comma more": (bad(3, 1, lambda field: field.replace(" ", ",", 1)), "line 4", "found 4 fields"),
    "comma and newline swapped": (
        WHOLE.replace("\n{},{},".format(*rows()[3]), ",{}\n{},".format(*rows()[3])),
        "line 4",
        "found 4 fields",
    ),
    "newline lost": (NO_COMMA, "line 2", r"found 5 fields, 2 more than the header; expected 3"),
    "newline more": (bad(3, 1, lambda field: field.replace(" ", "\n", 1)), "line 4", "found 2 fields"),
    "carriage return more": (bad(3, 1, lambda field: field.replace(" ", "\r", 1)), "line 4", "found a row that is not"),
    "quote opened": (bad(3, 1, lambda field: f'"{field}'), "line 4", "found "),
    "quote opened in a number": (bad(3, 1, pixel(8, '"7')), "line 4", "found '\"7' as pixel 8;"),
    "two rows in one quoted field": (
        WHOLE.replace("\n" + ",".join(rows()[1]) + "\n" + ",".join(rows()[2]), f"\n{PAIR}", 1),
        "line 3",
        "found '\\d+,Training' as pixel 2304;",
    ),
    "quote opened in another column": (extra([*["a"] * 6, '"b', "c", "d"]), "line 8", "found a row that is not CSV"),
    "quote opened at the end": (WHOLE + '"', "line 11", "found a row that is not CSV"),
    "a number after the quote": (
        bad(3, 1, lambda field: f'"{field[:-4]}"{field[-4:]}'),
        "line 4",
        "found a row that is not CSV",
    ),
    "no PublicTest": (text([*rows()[:3], *rows()[6:]]), "", "found 6 rows, none of them PublicTest; expected rows of"),
    "no PrivateTest": (text(rows()[:6]), "", "found 6 rows, none of them PrivateTest"),
    "gz cut": (gzip.compress(WHOLE.encode())[:-500], "", r"found a damaged archive \(.*; expected a whole .gz or .zip"),
    "gz cut in its header": (b"\x1f\x8b\x08", "", "found a damaged archive"),
    "gz without its checksum": (gzip.compress(WHOLE.encode())[:-8], "", "found a damaged archive"),
    "gz with another checksum": (gzip.compress(WHOLE.encode())[:-8] + bytes(8), "", "found a damaged archive"),
    "gz with a hole": (holed(gzip.compress(WHOLE.encode()), 9000), "", "found a damaged archive"),
    "gz of garbage": (b"\x1f\x8b" + b"x" * 500, "", "found a damaged archive"),
    "gz of nothing": (gzip.compress(b""), "", "found an empty file"),
    "gz of a bad row": (gzip.compress(bad(3, 0, "7").encode()), "line 4", "found the emotion '7'"),
    "zip cut": (zipped("fer2013.csv", WHOLE)[:-500], "", "found a damaged archive"),
    "zip with a hole": (holed(zipped("fer2013.csv", WHOLE), 9000), "", "found a damaged archive"),
    "zip of nothing": (b"PK\5\6" + bytes(18), "", "found members none; expected one that is fer2013.csv or icml_face"),
    "zip without a CSV": (zipped("readme.txt", "x"), "", "found members readme.txt; expected one that is fer2013.csv"),
    "zip of two": (zipped("a.csv", WHOLE, **{"b.csv": WHOLE}), "", "found members a.csv, b.csv; expected one that"),
    "zip of a bad row": (zipped("fer2013.csv", bad(3, 0, "7")), "line 4", "found the emotion '7'"),
    "zip with a password": (locked(zipped("fer2013.csv", WHOLE)), "", "found an archive with a password"),
    "tar.gz without a CSV": (tarred({"readme.txt": "x"}), "", "found members readme.txt; expected one that is"),
    "tar.gz cut": (tarred({"fer2013.csv": WHOLE})[:-500], "", "found a damaged archive"),
    "tar.gz of a folder of that name": (tarred({"fer2013.csv": None}), "", "found "),
    "tar.gz of a link that leads out": (tarred({"fer2013.csv": "->/etc/passwd"}), "", "found "),
    "tar.gz of a link to itself": (tarred({"fer2013.csv": "->fer2013.csv"}), "", "found "),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_named_and_nothing_is_written(tmp_path, case):
    data, where, finding = BAD[case]
    path = write(tmp_path, data)
    begin = re.escape(f"{path}: {where}: " if where else f"{path}: ")
    with pytest.raises(DataError, match=f"^{begin}{finding}") as error:
        datasets.import_dataset("fer2013", path, tmp_path / "set")
    assert "; expected " in str(error.value) and len(str(error.value)) < len(str(path)) + 450
    assert "\0" not in str(error.value) and "\n" not in str(error.value)
    assert sorted(tmp_path.glob("**/*")) == [path]


def test_a_bad_file_leaves_the_old_import_as_it_was(tmp_path):
    datasets.import_dataset("fer2013", write(tmp_path, WHOLE), tmp_path / "set")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "set").iterdir()}
    for case in ("label 7", "gz cut", "cut in pixels", "no PrivateTest", "empty"):
        with pytest.raises(DataError):
            datasets.import_dataset("fer2013", write(tmp_path, BAD[case][0], "other.csv"), tmp_path / "set")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "set").iterdir()} == before
    assert same(datasets.load_imported(tmp_path / "set"))


@pytest.mark.parametrize("name", ["fer2013.csv", "fer2013.csv.gz", "folder"])
def test_a_missing_file_is_named(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(
        DataError, match=re.escape(f"{path}: found no such file or folder; expected fer2013.csv, a .gz or .zip")
    ):
        datasets.import_dataset("fer2013", path, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
@pytest.mark.parametrize("chunk", [1 << 19, 30_000, 64])
@pytest.mark.parametrize("row", [1, 58, 120])
def test_the_line_is_right_wherever_the_row_is(tmp_path, monkeypatch, row, chunk, end):
    monkeypatch.setattr(fer2013_csv, "CHUNK", chunk)
    lines = LONG.copy()
    lines[row] = lines[row].replace(" ", " x ", 1)
    path = write(tmp_path, end.join(lines))
    with pytest.raises(DataError, match=f"line {row + 1}: found 'x' as pixel 2;"):
        fer2013.read(path)


LONG = text(rows(120)).split("\n")


@pytest.mark.parametrize("chunk", [1 << 19, 30_000, 5000])
def test_the_first_of_many_bad_rows_is_named(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(fer2013_csv, "CHUNK", chunk)
    for seed in range(10):
        rng, lines = np.random.default_rng(seed), LONG.copy()
        broken = np.sort(rng.choice(np.arange(1, 121), 5, replace=False)).tolist()
        for row in broken:
            lines[row] = lines[row].replace(" ", f" x{row} ", 1)
        path = write(tmp_path, "\n".join(lines))
        with pytest.raises(DataError, match=f"line {broken[0] + 1}: found 'x{broken[0]}' as pixel 2;"):
            fer2013.read(path)


@pytest.mark.parametrize("chunk", [1 << 19, 30_000, 5000])
@pytest.mark.parametrize("row", [3, 100])
def test_a_row_before_the_damage_of_an_archive_is_named_first(tmp_path, monkeypatch, row, chunk):
    monkeypatch.setattr(fer2013_csv, "CHUNK", chunk)
    lines = LONG.copy()
    lines[row] = "9" + lines[row][1:]
    data = gzip.compress("\n".join(lines).encode(), 1)
    with pytest.raises(DataError, match=f"line {row + 1}: found the emotion" if chunk < 1 << 19 else "damaged|line 4"):
        fer2013.read(write(tmp_path, data[: -len(data) // 20]))


def test_lines_are_counted_within_quotes_and_blank_lines_too(tmp_path, monkeypatch):
    for chunk in (1 << 19, 9000, 64):
        monkeypatch.setattr(fer2013_csv, "CHUNK", chunk)
        lines = ["emotion,pixels,Usage,note", *(",".join([*line, '"two\nlines"']) + "\n" for line in rows(12))]
        lines[8] = lines[8].replace(" ", " x ", 1)
        with pytest.raises(DataError, match="line 23: found 'x' as pixel 2;"):  # where the row begins
            fer2013.read(write(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize("chunk", [1 << 19, 30_000, 5000])
@pytest.mark.parametrize("row", [2, 60, 119])
@pytest.mark.parametrize("mark", ["field", "number"])
def test_a_stray_quotation_mark_is_found_where_it_is(tmp_path, monkeypatch, row, chunk, mark):
    monkeypatch.setattr(fer2013_csv, "CHUNK", chunk)
    monkeypatch.setattr(fer2013_csv, "LONGEST", 400_000)
    lines = LONG.copy()
    lines[row] = lines[row].replace(",", ',"', 1) if mark == "field" else lines[row].replace(" ", ' "', 1)
    with pytest.raises(DataError, match=f"line {row + 1}: found "):
        fer2013.read(write(tmp_path, "\n".join(lines)))


def test_an_inch_mark_in_another_column_is_text(tmp_path, monkeypatch):
    monkeypatch.setattr(fer2013_csv, "CHUNK", 20_000)
    monkeypatch.setattr(fer2013_csv, "LONGEST", 400_000)
    lines = ["emotion,pixels,Usage,note", *(",".join([*line, "plain"]) for line in rows(120))]
    lines[3] = lines[3].replace("plain", '5" tall')
    assert same(fer2013.read(write(tmp_path, "\n".join(lines))), 120)


def test_a_line_without_an_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(fer2013_csv, "LONGEST", 100_000)
    monkeypatch.setattr(fer2013_csv, "CHUNK", 10_000)
    lines = LONG[:9]
    lines[6] += " 1" * 200_000
    with pytest.raises(DataError, match="line 7: found a row without an end; expected a row a line"):
        fer2013.read(write(tmp_path, "\n".join(lines)))


# -- the folder form -----------------------------------------------------------------------------------------------

NAMED = (
    "train/angry/Training_3908.jpg",
    "train/happy/Training_1.png",
    "test/angry/PrivateTest_88305.jpg",
    "test/sad/PublicTest_2.jpg",
    "test/happy/PrivateTest_10.png",
    "test/happy/PublicTest_10.png",
)
PLAIN_NAMES = ("train/angry/im0.png", "train/neutral/im1.png", "test/disgust/im2.png", "test/angry/im3.png")


def draw_folder(root, names, size=(48, 48)):
    """Images in the given order, the i-th of grey level 10 + i."""
    for level, name in enumerate(names, start=10):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size, level).save(path, format="PNG")  # exact values, whatever the name says
    return root


@pytest.mark.parametrize("read", [fer2013.read, lambda root: datasets.load("fer2013", str(root))])
def test_names_give_the_official_splits_back(tmp_path, read):
    faces = read(draw_folder(tmp_path, NAMED))
    assert faces.splits == SPLITS and [note[:30] for note in faces.notes] == ["Not the whole of FER2013: 2, 2,"[:30]]
    assert [(row.split, faces.classes[row.label], row.source) for row in faces.table.itertuples()] == [
        ("Training", "angry", NAMED[0]),
        ("Training", "happy", NAMED[1]),
        ("PublicTest", "happy", NAMED[5]),
        ("PublicTest", "sad", NAMED[3]),
        ("PrivateTest", "angry", NAMED[2]),
        ("PrivateTest", "happy", NAMED[4]),
    ]
    assert faces.pixels[:, 5, 7].tolist() == [10, 11, 15, 13, 12, 14] and faces.pixels.shape == (6, 48, 48)


def test_a_whole_copy_without_its_official_splits_is_whole():
    training = ["Training"] * 28709
    for lost in (["validation"] * 3589 + ["test"] * 3589, ["test"] * 7178):
        assert fer2013_csv.in_part(training + lost) == []
        assert fer2013_csv.in_part(training[1:] + lost) != []


def test_lost_splits_are_said_plainly(tmp_path):
    faces = fer2013.read(draw_folder(tmp_path / "download", PLAIN_NAMES))
    assert faces.splits == ("Training", "test") and faces.labels.tolist() == [0, 6, 0, 1]
    [note, part] = faces.notes
    assert part.startswith("Not the whole of FER2013: 4 images, 2 of them Training; it has 35,887, 28,709 of them")
    assert "2 of 4 images do not say whether they are of PublicTest or of PrivateTest" in note
    assert "the official splits are lost" in note
    datasets.import_dataset("fer2013", tmp_path / "download", tmp_path / "set")
    assert datasets.load_imported(tmp_path / "set").notes == faces.notes


def test_some_names_without_a_split_are_counted(tmp_path):
    faces = fer2013.read(draw_folder(tmp_path, [*NAMED, "test/fear/1.png"]))
    assert faces.splits == (*SPLITS, "unnamed test") and "1 of 7 images" in faces.notes[0]


def test_names_of_folders_and_hidden_files(tmp_path):
    names = [f"{part}/{name}/1.png" for part in ("train", "test") for name in ("Anger", "HAPPINESS", "sadness", "fear")]
    root = draw_folder(tmp_path, [*names, "train/fear/.hidden.png", "train/.ipynb_checkpoints/x.png"])
    (root / "train/.DS_Store").write_text("x")
    (root / "train/fear/readme.txt").write_text("x")
    faces = fer2013.read(root)
    assert sorted({faces.classes[label] for label in faces.labels}) == ["angry", "fear", "happy", "sad"]
    assert len(faces) == 8
    assert "12 files found, 8 read" in faces.notes[-1] and "1 no image (.txt): train/fear/readme.txt" in faces.notes[-1]


def test_colour_copies_turn_grey(tmp_path):
    root = draw_folder(tmp_path, PLAIN_NAMES)
    Image.new("RGB", (48, 48), (90, 90, 90)).save(root / PLAIN_NAMES[0])
    assert fer2013.read(root).pixels[0, 0, 0] == 90


def bomb(path):
    """An image of few bytes that unpacks to 64 million pixels."""
    Image.new("1", (10_000, 10_000)).save(path, format="PNG")


def link(path):
    out = path.parents[3] / "out.png"
    path.rename(out)
    path.symlink_to(out)


def link_folder(path):
    out = path.parents[3] / "out"
    path.parent.rename(out)
    path.parent.symlink_to(out)


BAD_FOLDER = {
    "cut image": (lambda path: path.write_bytes(path.read_bytes()[:60]), "found an image that cannot be decoded"),
    "empty image": (lambda path: path.write_bytes(b""), "found an image that cannot be decoded"),
    "text for an image": (lambda path: path.write_text("x" * 500), "found an image that cannot be decoded"),
    "bomb": (bomb, r"found 10000 x 10000 pixels; expected .*decompression bomb"),
    "other size": (lambda path: Image.new("L", (47, 48)).save(path), "found 47 x 48 pixels; expected 48 x 48"),
    "sixteen bits": (
        lambda path: Image.new("I;16", (48, 48)).save(path, format="PNG"),
        "found pixels of Pillow's mode",
    ),
    "link out": (link, "found a path that leads to .*/out.png; expected one within"),
    "folder that links out": (link_folder, "found a path that leads to .*/out; expected one within"),
    "dangling link": (lambda path: (path.unlink(), path.symlink_to(path.parent / "gone")), None),
}


@pytest.mark.parametrize("case", BAD_FOLDER)
def test_a_bad_image_is_named_and_nothing_is_written(tmp_path, case):
    change, finding = BAD_FOLDER[case]
    root = draw_folder(tmp_path / "images", PLAIN_NAMES)
    path = root / "test/angry/im3.png"
    change(path)
    if finding is None:  # such a link is no image at all: its class is one short, and a note counts it
        faces = fer2013.read(root)
        assert len(faces) == 3 and "skipped: 1 dead links: test/angry/im3.png" in faces.notes[-1]
        return
    where = path.parent if case == "folder that links out" else path
    with pytest.raises(DataError, match=f"^{re.escape(str(where))}: {finding}"):
        datasets.import_dataset("fer2013", root, tmp_path / "set")
    assert list((tmp_path / "set").glob("*")) == []


def test_images_of_another_size_altogether_are_named(tmp_path):
    with pytest.raises(DataError, match=r"train/angry/im0\.png: found 64 x 48 pixels; expected 48 x 48"):
        fer2013.read(draw_folder(tmp_path, PLAIN_NAMES, (64, 48)))


@pytest.mark.parametrize(
    ("names", "where", "finding"),
    [
        ([], "", "found no CSV and no image; expected fer2013.csv"),
        (["train/angry/1.png"], "test", "found no such folder"),
        (["train/angry/1.png", "test/1.png"], "test", "found no image; expected images in folders named after"),
        (["train/angry/1.png", "test/angry/1.txt"], "test", "found no image"),
        (["train/angry/.1.png", "test/angry/1.png"], "train", "found no image"),
        (["train/joy/1.png", "test/angry/1.png"], "train/joy", "found the emotion 'joy'; expected angry, disgust"),
        (NAMED[:3], "test", "found no image of PublicTest"),
        ((*NAMED[:2], NAMED[3]), "test", "found no image of PrivateTest"),
    ],
)
def test_a_folder_without_a_split_is_named(tmp_path, names, where, finding):
    root = tmp_path / "images"
    root.mkdir()
    draw_folder(root, names)
    with pytest.raises(DataError, match=f"^{re.escape(str(root / where))}: {finding}"):
        datasets.import_dataset("fer2013", root, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_a_file_named_as_a_folder_of_the_form_is_named(tmp_path):
    (tmp_path / "train").write_text("x")
    with pytest.raises(DataError, match=r"found no CSV and no image; .*\(no suffix\): train; expected"):
        fer2013.read(tmp_path)


def test_an_imported_set_is_not_taken_for_the_folder_form(tmp_path):
    datasets.import_dataset("fer2013", write(tmp_path, WHOLE), tmp_path / "set")
    assert same(datasets.load("fer2013", tmp_path / "set"))
    assert (tmp_path / "set" / store.INDEX).is_file()


def test_a_plain_file_is_mapped_and_anything_else_goes_on_line_by_line(tmp_path, monkeypatch):
    """Speed hangs on it, and nothing else would show that it was lost."""
    calls = []
    blocks = fer2013_csv._blocks
    monkeypatch.setattr(fer2013_csv, "_blocks", lambda *given: calls.append(1) or blocks(*given))
    monkeypatch.setattr(fer2013_csv, "CHUNK", 20_000)
    plain = text(rows())
    assert same(fer2013.read(write(tmp_path, plain))) and not calls
    assert same(fer2013.read(write(tmp_path, plain + type(plain)("\n" if isinstance(plain, str) else b"\n")))) and calls
