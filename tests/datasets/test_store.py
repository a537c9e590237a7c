"""Imports that happen whole or not at all, under faults and kills, and what is read back from the disk."""

import builtins
import errno
import gc
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from fercore import datasets, files
from fercore.datasets import store
from fercore.datasets.faces import DataError, Faces, table


def make(seed, images=40, allocate=lambda shape: np.empty(shape, np.uint8), **more):
    rng = np.random.default_rng(seed)
    pixels = allocate((images, 12, 10))
    pixels[:] = rng.integers(0, 256, pixels.shape)
    split = np.where(np.arange(images) < images // 2, "Training", "PublicTest")
    rows = table(rng.integers(0, 3, images), split, source=[f"row {row}" for row in range(1, images + 1)], **more)
    return Faces(f"set {seed}", pixels, rows, ("a", "b", "c"), notes=(f"made from {seed}",))


def mark(faces):
    return store.fingerprint(faces.pixels, faces.table)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def whole(folder):
    """The set in `folder`, read back and found to be what its fingerprint says."""
    faces = store.load(folder)
    assert mark(faces) == faces.fingerprint
    return faces


# -- what is saved is what is loaded -------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", [False, True])
def test_a_set_comes_back_as_it_was(tmp_path, colour):
    faces = make(0, votes_neutral=np.arange(40))
    if colour:
        pixels = np.random.default_rng(1).integers(0, 256, (40, 12, 10, 3), np.uint8)
        faces = Faces("colour", pixels, faces.table, faces.classes, synthetic=True)
    assert store.save(faces, tmp_path) == tmp_path / "dataset.json"
    back = whole(tmp_path)
    assert back.pixels.dtype == np.uint8 and (back.pixels == faces.pixels).all()
    assert back.table.equals(faces.table)
    assert (back.name, back.classes, back.notes) == (faces.name, faces.classes, faces.notes)
    assert back.synthetic is colour and back.fingerprint == mark(faces)
    assert names(tmp_path) == [
        "dataset.json",
        f"pixels-{mark(faces)[:16]}.npy",
        f"table-{mark(faces)[:16]}.csv",
    ]


def test_pixels_are_mapped_and_cannot_be_written(tmp_path):
    store.save(make(0), tmp_path)
    pixels = store.load(tmp_path).pixels
    assert isinstance(pixels, np.memmap) and not pixels.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        pixels[0] = 0


def test_text_and_numbers_of_every_kind_come_back(tmp_path):
    odd = ["", "NA", "nan", "007", "1e3", "True", "a,b", 'say "x"', "línea\nbreak", " blank "]
    rng = np.random.default_rng(0)
    values = rng.normal(size=10)
    values[3] = np.nan  # AffectNet's valence, where an image has none
    rows = table([0] * 10, odd, odd, odd, odd, valence=values, note=odd, copy_of=np.arange(10) - 1)
    store.save(Faces("odd", np.zeros((10, 4, 4), np.uint8), rows, ("a",)), tmp_path)
    back = whole(tmp_path)
    assert back.table.equals(rows)
    assert back.table["valence"].dtype == np.float64 and back.table["valence"].isna().sum() == 1
    assert back.table["note"].tolist() == odd


def test_a_column_of_nothing_but_blanks_stays_text(tmp_path):
    store.save(make(0, copy_kind=""), tmp_path)
    assert whole(tmp_path).table["copy_kind"].tolist() == [""] * 40


def test_the_fingerprint_tells_images_shape_and_table_apart():
    faces = make(0)
    pixels, other = faces.pixels.copy(), faces.table.copy()
    pixels[-1, -1, -1] ^= 1
    other.loc[39, "split"] = "PrivateTest"
    marks = {
        store.fingerprint(*parts)
        for parts in (
            (faces.pixels, faces.table),
            (pixels, faces.table),
            (faces.pixels, other),
            (faces.pixels.reshape(40, 10, 12), faces.table),
        )
    }
    assert len(marks) == 4
    assert store.fingerprint(faces.pixels[::-1][::-1], faces.table) == mark(faces)  # a view with strides


def test_every_block_of_a_large_set_is_in_the_fingerprint():
    pixels, rows = np.zeros((9000, 1, 1), np.uint8), table(np.zeros(9000, int))
    marks = [store.fingerprint(pixels, rows)]
    for row in (4095, 4096, 8999):
        pixels[row] = 1
        marks.append(store.fingerprint(pixels, rows))
    assert len(set(marks)) == 4


def test_a_pickle_of_an_imported_set_names_its_file_and_any_other_holds_its_pixels(tmp_path):
    """Else every process that trains would hold a set of its own, however large."""
    store.save(make(0, images=2000), tmp_path)
    faces = store.load(tmp_path)
    text = pickle.dumps(faces)
    back = pickle.loads(text)
    assert len(text) < faces.pixels.nbytes / 2 and back.pixels.mode == "r" and mark(back) == mark(faces)
    assert vars(back).keys() == vars(faces).keys() and back.roles == faces.roles and back.classes == faces.classes
    writable, changed = (np.load(faces.pixels.filename, mmap_mode=mode) for mode in ("r+", "c"))
    changed[0] ^= 255
    views = (faces.pixels[1:], faces.pixels[::-1], faces.pixels[:, :, ::2], faces.pixels.reshape(2000, 10, 12))
    for pixels in (*views, writable, changed, np.array(faces.pixels)):
        part = replace(faces, pixels=pixels, table=faces.table[: len(pixels)], fingerprint=None)
        assert mark(pickle.loads(pickle.dumps(part))) == mark(part)
        assert len(pickle.dumps(part)) > pixels.nbytes
    Path(faces.pixels.filename).unlink()  # another import has taken its place
    assert mark(pickle.loads(pickle.dumps(faces))) == mark(faces)


# -- room for pixels -----------------------------------------------------------------------------------------------


def test_a_temporary_array_takes_its_file_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(store.tempfile, "gettempdir", lambda: str(tmp_path))
    array = store.allocate((3, 4, 5))
    array[:] = 7
    assert array.shape == (3, 4, 5) and array.dtype == np.uint8 and len(names(tmp_path)) == 1
    view = array[1:]
    del array
    gc.collect()
    assert (view == 7).all()  # whatever still looks at the pixels keeps them
    del view
    gc.collect()
    assert names(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="room cannot be reserved")
@pytest.mark.parametrize("inside", [True, False])
def test_room_is_reserved_before_a_pixel_is_written(tmp_path, monkeypatch, inside):
    monkeypatch.setattr(store.tempfile, "gettempdir", lambda: str(tmp_path))
    array = store.allocate((1000, 48, 48), tmp_path if inside else None)
    [path] = tmp_path.iterdir()
    assert path.stat().st_blocks * 512 >= array.nbytes  # with holes, a full disk shows only when they are filled

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left") as caught:
        store.allocate((1000, 48, 48), tmp_path if inside else None)
    assert caught.value.filename == str(tmp_path) and list(tmp_path.iterdir()) == [path]


def test_pixels_in_the_folder_are_renamed_not_copied(tmp_path, monkeypatch):
    faces = make(0, allocate=partial(store.allocate, folder=tmp_path / "set"))
    number = os.stat(faces.pixels.filename).st_ino
    monkeypatch.setattr(np, "save", None)  # a copy would need it
    store.save(faces, tmp_path / "set")
    assert os.stat(whole(tmp_path / "set").pixels.filename).st_ino == number
    assert len(names(tmp_path / "set")) == 3


def test_a_set_that_lies_elsewhere_is_copied_and_stays(tmp_path):
    store.save(make(0), tmp_path / "one")
    store.save(store.load(tmp_path / "one"), tmp_path / "two")
    assert mark(whole(tmp_path / "one")) == mark(whole(tmp_path / "two"))


def test_a_set_may_be_saved_over_itself(tmp_path):
    store.save(make(0), tmp_path)
    store.save(store.load(tmp_path), tmp_path)
    assert mark(whole(tmp_path)) == mark(make(0)) and len(names(tmp_path)) == 3


# -- what is left behind -------------------------------------------------------------------------------------------


def test_a_new_import_removes_the_old_and_what_killed_ones_left(tmp_path):
    store.save(make(0), tmp_path)
    left = f"{'0a' * 16}.tmp", f"pixels-{'0a' * 8}.npy", f"table-{'0a' * 8}.csv"
    for name in left:
        (tmp_path / name).write_bytes(b"half")
    store.save(make(1), tmp_path)
    assert whole(tmp_path).name == "set 1" and len(names(tmp_path)) == 3


def test_sweep_keeps_what_is_named_and_what_is_not_its_own(tmp_path):
    store.save(make(0), tmp_path)
    own = ("notes.tmp", "pixels-of-mine.npy", "table-1.csv", "fer2013.csv")  # a user may import into any folder
    for name in own:
        (tmp_path / name).write_text("x")
    before = names(tmp_path)
    (tmp_path / f"{'f' * 32}.tmp").write_text("x")
    store.sweep(tmp_path)
    assert names(tmp_path) == before
    store.save(make(1), tmp_path)
    assert set(own) < set(names(tmp_path)) and len(names(tmp_path)) == 3 + len(own)


@pytest.mark.parametrize("text", ["", "{", '{"pixels": 3}'])
def test_sweep_removes_nothing_that_a_damaged_index_may_name(tmp_path, text):
    store.save(make(0), tmp_path)
    (tmp_path / store.INDEX).write_text(text)
    before = names(tmp_path)
    (tmp_path / f"{'f' * 32}.tmp").write_text("x")
    store.sweep(tmp_path)
    assert names(tmp_path) == before and len(before) == 3


def test_sweep_of_nothing(tmp_path):
    store.sweep(tmp_path / "nowhere")
    store.sweep(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pixels": 3}'])
def test_a_damaged_index_hides_no_error_and_a_new_import_heals_it(tmp_path, text):
    store.save(make(0), tmp_path / "set")
    (tmp_path / "set/dataset.json").write_text(text)
    with pytest.raises(DataError, match=r"none\.csv: found no such file"):
        datasets.import_dataset("fer2013", tmp_path / "none.csv", tmp_path / "set")
    assert len(names(tmp_path / "set")) == 3  # what an index that cannot be read may name is not removed
    store.save(make(1), tmp_path / "set")
    assert whole(tmp_path / "set").name == "set 1" and len(names(tmp_path / "set")) == 3


# -- another name for a set ----------------------------------------------------------------------------------------


def test_refer_copies_nothing_and_reads_the_same(tmp_path):
    store.save(make(0), tmp_path / "store/set")
    assert store.refer(tmp_path / "store/set", tmp_path / "a/b/data") == tmp_path / "a/b/data/dataset.json"
    assert names(tmp_path / "a/b/data") == ["dataset.json"]
    assert mark(whole(tmp_path / "a/b/data")) == mark(make(0))
    store.refer(tmp_path / "a/b/data", tmp_path / "again")
    assert mark(whole(tmp_path / "again")) == mark(make(0))
    (tmp_path / "a").rename(tmp_path / "z")  # both may move, as long as the one still leads to the other
    (tmp_path / "z").rename(tmp_path / "a")
    assert mark(whole(tmp_path / "store/set")) == mark(make(0))


def test_refer_replaces_a_set_and_a_set_replaces_a_reference(tmp_path):
    store.save(make(0), tmp_path / "store")
    store.save(make(1), tmp_path / "data")
    store.refer(tmp_path / "store", tmp_path / "data")
    assert names(tmp_path / "data") == ["dataset.json"] and whole(tmp_path / "data").name == "set 0"
    store.save(make(2), tmp_path / "data")
    assert whole(tmp_path / "data").name == "set 2" and whole(tmp_path / "store").name == "set 0"


def test_a_set_that_refers_to_itself_keeps_its_pixels(tmp_path):
    store.save(make(0), tmp_path)
    store.refer(tmp_path, tmp_path)
    assert whole(tmp_path).name == "set 0"


def test_refer_finds_its_way_where_a_folder_is_a_link(tmp_path, monkeypatch):
    (tmp_path / "disk/deep").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/data").symlink_to(tmp_path / "disk/deep")
    store.save(make(0), tmp_path / "home/store")
    monkeypatch.chdir(tmp_path / "home")
    store.refer("store", "data/set")
    assert whole(Path("data/set")).name == "set 0"


def test_refer_to_what_is_no_set_changes_nothing(tmp_path):
    store.save(make(0), tmp_path / "data")
    with pytest.raises(DataError, match="found no such file; expected an imported data set"):
        store.refer(tmp_path / "none", tmp_path / "data")
    assert whole(tmp_path / "data").name == "set 0"


# -- damage --------------------------------------------------------------------------------------------------------


def edit(**change):
    def damage(folder):
        index = json.loads((folder / "dataset.json").read_text()) | change
        (folder / "dataset.json").write_text(json.dumps({k: v for k, v in index.items() if v != "gone"}))

    return damage


def put(pattern, change):
    def damage(folder):
        [path] = folder.glob(pattern)
        path.write_bytes(change(path.read_bytes()))

    return damage


def lose(pattern):
    def damage(folder):
        [path] = folder.glob(pattern)
        path.unlink()

    return damage


DAMAGE = {
    "index empty": put("*.json", lambda data: b""),
    "index cut": put("*.json", lambda data: data[:50]),
    "index of another kind": put("*.json", lambda data: b"[1]"),
    "index null": put("*.json", lambda data: b"null"),
    "index not text": put("*.json", lambda data: b"\xff\xfe\x00"),
    "index without classes": edit(classes="gone"),
    "index without fingerprint": edit(fingerprint="gone"),
    "index with no pixels": edit(pixels=None),
    "index with a number for a name": edit(table=7),
    "index with fewer classes": edit(classes=["a"]),
    "index with classes of another kind": edit(classes=3),
    "pixels lost": lose("*.npy"),
    "pixels empty": put("*.npy", lambda data: b""),
    "pixels cut in the header": put("*.npy", lambda data: data[:40]),
    "pixels cut": put("*.npy", lambda data: data[:-1]),
    "pixels are garbage": put("*.npy", lambda data: os.urandom(200)),
    "pixels are an archive": put("*.npy", lambda data: b"PK\x03\x04" + data),
    "pixels of another type": put("*.npy", lambda data: data.replace(b"|u1", b"|i1")),
    "pixels of another shape": put("*.npy", lambda data: data.replace(b"(40, 12, 10)", b"(39, 12, 10)")),
    "table lost": lose("*.csv"),
    "table empty": put("*.csv", lambda data: b""),
    "table cut": put("*.csv", lambda data: data[: len(data) // 2]),
    "table without a column": put("*.csv", lambda data: data.replace(b"split", b"part")),
    "table with a label that is no number": put("*.csv", lambda data: data[:-20] + b"\nx,,,,"),
    "table not text": put("*.csv", lambda data: b"\xff\xfe\x00\n" * 41),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_import_is_named(tmp_path, case):
    store.save(make(0), tmp_path)
    DAMAGE[case](tmp_path)
    with pytest.raises(DataError, match=r"dataset\.json: found a damaged import \(.*; expected the files that fercore"):
        store.load(tmp_path)


def test_no_import_is_named(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError, match=r"dataset\.json: found no such file; expected an imported data set"):
            store.load(folder)


# -- faults: every call that can fail fails in turn ----------------------------------------------------------------


class Full:
    """A file on a disk that is full sooner or later: each write is announced, and may fail then."""

    def __init__(self, file, tick):
        self.file, self.tick = file, tick

    def write(self, data):
        self.tick()
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


def fail(monkeypatch, call, at, when="before"):
    """Make the `at`-th call of one kind fail with ENOSPC; returns the list of calls made."""
    calls = []

    def tick():
        calls.append(call)
        if len(calls) == at:
            raise OSError(errno.ENOSPC, "No space left on device")

    if call == "write":
        opened = builtins.open
        monkeypatch.setattr(files, "open", lambda *given, **more: Full(opened(*given, **more), tick), raising=False)
        return calls
    owner, name = {
        "replace": (os, "replace"),
        "fsync": (os, "fsync"),
        "flush": (np.memmap, "flush"),
        "map": (np.lib.format, "open_memmap"),
    }[call]
    real = getattr(owner, name)

    def wrapped(*given, **more):
        if when == "before":
            tick()
        result = real(*given, **more)
        if when == "after":
            tick()
        return result

    monkeypatch.setattr(owner, name, wrapped)
    return calls


@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize(
    ("call", "when"),
    [("replace", "before"), ("replace", "after"), ("fsync", "before"), ("flush", "before"), ("write", "before")],
)
def test_a_full_disk_leaves_the_old_set_or_the_new_one(tmp_path, monkeypatch, call, when, mapped, old):
    folder, failed = tmp_path / "set", 0
    for at in range(1, 99):
        if old:
            store.save(make(0), folder)
        with monkeypatch.context() as patch:
            calls = fail(patch, call, at, when)
            allocate = {"allocate": partial(store.allocate, folder=folder)} if mapped else {}
            try:
                store.save(make(1, **allocate), folder)
            except OSError as error:
                assert error.errno == errno.ENOSPC
                failed += 1
        if len(calls) < at:
            break
        if (folder / "dataset.json").is_file():
            faces = whole(folder)
            assert mark(faces) in {mark(make(0)), mark(make(1))} and (old or call == "replace")
            assert faces.name == ("set 1" if when == "after" and len(calls) == 3 else "set 0")
        else:
            assert not old
        assert mapped or not list(folder.glob("*.tmp"))  # import_dataset sweeps those that it maps
        store.save(make(2), folder)
        assert whole(folder).name == "set 2" and len(names(folder)) == 3
        (folder / "dataset.json").unlink()
    needed = {"replace": 3, "fsync": 2 if mapped else 3, "flush": int(mapped), "write": 2 if mapped else 3}[call]
    assert failed >= needed


# -- kills ---------------------------------------------------------------------------------------------------------

# Starting Python takes longer than an import does, so one process that has all modules in memory forks a child for
# each import. A line on its input: which CSV to bring in, and before which step, if any, the child is to kill itself.
SERVER = """
import json, os, signal, sys
import numpy as np
from fercore import datasets
from fercore.datasets import fer2013
from fercore.datasets import store
from pathlib import Path

def die_at(step):
    done = 0
    def wrap(owner, name):
        real = getattr(owner, name)
        def call(*given, **more):
            nonlocal done
            done += 1
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given, **more)
        setattr(owner, name, call)
    for owner, name in ((os, "replace"), (os, "fsync"), (Path, "unlink"), (np.lib.format, "open_memmap"),
                        (np.memmap, "flush"), (np, "concatenate"), (store, "fingerprint"), (store, "_csv")):
        wrap(owner, name)

while line := sys.stdin.readline():
    source, step = json.loads(line)
    child = os.fork()
    if child == 0:
        if step:
            die_at(step)
        print("ready", os.getpid(), flush=True)
        datasets.import_dataset("fer2013", source, sys.argv[1])
        print("done", flush=True)
        os._exit(0)
    sys.stdin.readline()  # only then: until it is waited for, the number of the child is not given to another process
    print("status", os.waitpid(child, 0)[1], flush=True)
"""


class Importer:
    def __init__(self, folder):
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=Path(datasets.__file__).parents[2],
        )

    def start(self, source, step=0):
        self.say(json.dumps([str(source), step]))
        word, number = self.hear()
        assert word == "ready"
        return int(number)

    def end(self):
        """The wait status of the child: 0, or the signal that killed it."""
        self.say("")
        while (words := self.hear())[0] != "status":
            assert words == ["done"]
        return int(words[1])

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def hear(self):
        return self.process.stdout.readline().split()

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


@pytest.fixture
def importer(tmp_path):
    importer = Importer(tmp_path / "set")
    yield importer
    importer.close()


def write_csv(path, seed, images):
    rng = np.random.default_rng(seed)
    rows = [" ".join(map(str, row)) for row in rng.integers(0, 256, (20, 2304)).tolist()]
    splits = ("Training", "Training", "PublicTest", "PrivateTest")
    lines = [f"{row % 7},{rows[row % 20]},{splits[row % 4]}" for row in range(images)]
    path.write_text("\n".join(["emotion,pixels,Usage", *lines, ""]))
    return path


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills are sent to a forked process")
def test_killed_at_random_an_import_leaves_the_old_set_or_the_new_one(tmp_path, importer):
    folder, kills = tmp_path / "set", 20
    old, new = write_csv(tmp_path / "old.csv", 0, 2500), write_csv(tmp_path / "new.csv", 1, 3000)
    marks, lasted = {}, []
    for source in (new, old, new, old):  # no kill: what the two sets are and how long an import lasts
        importer.start(source)
        began = time.perf_counter()
        assert importer.hear() == ["done"]
        lasted.append(time.perf_counter() - began)
        assert importer.end() == 0
        marks[source] = whole(folder).fingerprint
    assert marks[old] != marks[new]

    found, killed, rng = [], 0, np.random.default_rng(0)
    for moment in rng.permutation(kills):
        number = importer.start(new)
        time.sleep(min(lasted) * (moment + rng.random()) / kills)  # spread over the whole import
        os.kill(number, signal.SIGKILL)
        killed += importer.end() == signal.SIGKILL
        faces = whole(folder)
        assert faces.fingerprint in marks.values()
        assert len(faces) == (3000 if faces.fingerprint == marks[new] else 2500)
        found.append(faces.fingerprint)
        if faces.fingerprint == marks[new]:
            store.save(datasets.load("fer2013", old), folder)
    assert killed > kills / 4 and marks[old] in found
    importer.start(new)
    assert importer.end() == 0
    assert whole(folder).fingerprint == marks[new] and len(names(folder)) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills are sent to a forked process")
def test_killed_before_each_step_an_import_leaves_the_old_set_or_the_new_one(tmp_path, importer):
    folder = tmp_path / "set"
    old, new = write_csv(tmp_path / "old.csv", 0, 20), write_csv(tmp_path / "new.csv", 1, 30)
    marks = [store.fingerprint(*(lambda f: (f.pixels, f.table))(datasets.load("fer2013", path))) for path in (old, new)]
    outcome = []
    for step in range(1, 99):
        importer.start(old)
        assert importer.end() == 0 and len(names(folder)) == 3
        importer.start(new, step)
        status = importer.end()
        outcome.append(marks.index(whole(folder).fingerprint))
        if status == 0:
            break
        assert status == signal.SIGKILL
    assert outcome == sorted(outcome) and outcome[0] == 0 and outcome[-1] == 1  # old, old, … new, new
    assert outcome.count(0) > 8 and outcome.count(1) > 2
    assert len(names(folder)) == 3


def test_whoever_reads_during_imports_finds_a_whole_set(tmp_path):
    store.save(make(0), tmp_path)
    stop = threading.Event()

    def write():
        for seed in count(1):
            store.save(make(seed), tmp_path)
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen, deadline = [], time.monotonic() + 120
        while (len(seen) < 100 or len(set(seen)) < 5) and time.monotonic() < deadline:
            seen.append(whole(tmp_path).name)
    finally:
        stop.set()
        writer.join()
    numbers = [int(name.split()[1]) for name in seen]
    assert numbers == sorted(numbers) and len(set(numbers)) >= 5


# -- what is written is read back ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["carriage\rreturn", "both\r\n", "\r", 'quo"te\r,', "tab\t", "line\x0bfeed", "\u2028"])
def test_a_name_with_any_control_character_comes_back(tmp_path, name):
    store.save(make(0), tmp_path)
    rows = table([0, 1], ["Training", name], source=["plain", name], subject=name)
    faces = Faces(name, np.zeros((2, 4, 4), np.uint8), rows, ("a", name), notes=(name,))
    store.save(faces, tmp_path)
    back = whole(tmp_path)
    assert back.table.equals(rows) and (back.name, back.classes, back.notes) == (name, ("a", name), (name,))


def test_what_cannot_be_read_back_does_not_take_the_place_of_what_can(tmp_path, monkeypatch):
    store.save(make(0), tmp_path)
    real = store._csv
    written = {"a cut table": lambda frame: real(frame)[:-9], "a row": lambda frame: real(frame.assign(source="x"))}
    for broken in written.values():
        given, marks = make(1), iter(("0" * 64, "1" * 64))  # of what is given, and of what is read back
        with monkeypatch.context() as patch:
            patch.setattr(store, "fingerprint", lambda *parts, marks=marks: next(marks))
            patch.setattr(store, "_csv", broken)
            with pytest.raises(DataError, match=r"what was written reads as another \(.*; the old set stays"):
                store.save(given, tmp_path)
        assert whole(tmp_path).name == "set 0" and len(names(tmp_path)) == 3


@pytest.mark.parametrize("place", ["source", "class"])
def test_a_name_that_is_no_text_is_told_and_the_old_set_stays(tmp_path, place):
    store.save(make(0), tmp_path)
    name = os.fsdecode(b"caf\xe9")  # a file name in Latin-1
    rows = table([0], source=name if place == "source" else "")
    faces = Faces("set", np.zeros((1, 4, 4), np.uint8), rows, (name if place == "class" else "a",))
    with pytest.raises(DataError, match=r"found a name that is no text, .*; expected names in UTF-8") as caught:
        store.save(faces, tmp_path)
    assert "\\n" not in str(caught.value)  # the one name, and not the whole table
    assert whole(tmp_path).name == "set 0" and len(names(tmp_path)) == 3


def test_which_images_rows_refer_to_is_told_whatever_is_said_of_them():
    faces = make(0)
    mark = store.images_fingerprint(faces)
    voted = Faces("other", faces.pixels, faces.table.assign(votes_neutral=3, label=0), faces.classes)
    assert store.images_fingerprint(voted) == mark and len(mark) == 16
    turned = Faces("set", faces.pixels[::-1], faces.table.iloc[::-1], faces.classes)
    resplit = Faces("set", faces.pixels, faces.table.assign(split="Test"), faces.classes)
    assert len({mark, store.images_fingerprint(turned), store.images_fingerprint(resplit)}) == 3


# -- two at once ---------------------------------------------------------------------------------------------------


def elsewhere(act):
    """What `act` raises in another thread, which is as good as another process to a lock."""
    raised = []

    def run():
        try:
            act()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised


def test_a_second_import_is_told_who_has_the_folder(tmp_path):
    store.save(make(0), tmp_path / "set")
    acts = (
        lambda: store.save(make(1), tmp_path / "set"),
        lambda: datasets.import_dataset("synthfer", None, tmp_path / "set", images=200),
        lambda: store.refer(tmp_path / "set", tmp_path / "other"),
        lambda: store.refer(tmp_path / "other", tmp_path / "set"),
    )
    store.save(make(2), tmp_path / "other")
    with files.locked(tmp_path / "set", "an import"):
        for act in acts:
            [error] = elsewhere(act)
            assert isinstance(error, files.BusyError)
            told = rf"set is being written by an import, process {os.getpid()} on .*, since \d\d:\d\d:\d\d; wait for it"
            assert re.search(told, str(error))
    assert whole(tmp_path / "set").name == "set 0" and len(names(tmp_path / "set")) == 3
    assert elsewhere(acts[0]) == [] and whole(tmp_path / "set").name == "set 1"


def test_the_lock_of_a_killed_import_holds_nobody_up(tmp_path):
    (tmp_path / files.LOCK).write_text('{"what": "an import", "pid": 1, "host": "gone", "since": 0}')
    store.save(make(0), tmp_path)
    assert len(names(tmp_path)) == 3


def test_an_import_over_a_set_that_others_refer_to_leaves_them_whole(tmp_path):
    store.save(make(0), tmp_path / "store")
    store.refer(tmp_path / "store", tmp_path / "one")
    store.refer(tmp_path / "one", tmp_path / "two")  # by way of another
    store.save(make(1), tmp_path / "store")
    assert [whole(tmp_path / name).name for name in ("store", "one", "two")] == ["set 1", "set 0", "set 0"]
    store.refer(tmp_path / "store", tmp_path / "one")
    store.save(make(2), tmp_path / "store")
    assert [whole(tmp_path / name).name for name in ("store", "one", "two")] == ["set 2", "set 1", "set 0"]
    for name in ("one", "two"):
        store.save(make(3), tmp_path / name)
    store.save(make(4), tmp_path / "store")
    assert len(names(tmp_path / "store")) == 3 and whole(tmp_path / "store").name == "set 4"
