"""Two at once in one folder, many times over; and one killed at a random moment, many times over.

    python tests/benchmarks/races.py imports|fits|sweeps|killed-imports|killed-fits [ROUNDS] [SEED]

Two processes begin each round together. What each was told is counted: `done`, `told who holds it` (BusyError), or the
error. After each round the folder is opened and compared with what one of the two alone leaves there, byte for byte
where a training is concerned. Of kills, what was left is gone on with and compared. The exit code is 1 where anything
is damaged or anybody was told anything else.
"""

import collections
import functools
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd

from fercore import datasets, files
from fercore.datasets import store
from fercore.studies.sweep import sweep

TRIALS = pd.DataFrame({"x": range(4)})


def source(home, side):
    """A FER2013 of 21 or 28 images."""
    path = home / f"{side}.csv"
    if not path.exists():
        draw = np.random.default_rng(side)
        rows = [" ".join(map(str, row)) for row in draw.integers(0, 256, (21 + 7 * side, 2304)).tolist()]
        splits = ("Training", "Training", "PublicTest", "PrivateTest")
        lines = [f"{place % 7},{row},{splits[place % 4]}" for place, row in enumerate(rows)]
        path.write_text("\n".join(["emotion,pixels,Usage", *lines, ""]))
    return path


def do_import(home, folder, side):
    datasets.import_dataset("fer2013", source(home, side), folder)


def left_import(home, folder):
    faces = datasets.load_imported(folder)
    assert store.fingerprint(faces.pixels, faces.table) == faces.fingerprint
    assert len(list(folder.iterdir())) == 3, sorted(folder.iterdir())
    return faces.fingerprint


def do_fit(home, folder, side, restart=True):
    import torch
    from conftest import TinyNet, _faces

    from fercore.training.recipe import Recipe
    from fercore.training.trainer import fit

    torch.manual_seed(0)
    recipe = Recipe(
        epochs=4, batch_size=16, img_size=12, augmentation=None, loss="cross_entropy", learning_rate=0.2, seed=side
    )
    fit(TinyNet(), _faces(60), recipe, folder, device="cpu", restart=restart, progress=False)


def left_fit(home, folder):
    from fercore.training import checkpoint

    identities = {str(checkpoint.read(folder / name)[1]["identity"]) for name in (checkpoint.LAST, checkpoint.BEST)}
    assert len(identities) == 1, "the last of one training and the best of the other"
    assert len(list(folder.iterdir())) == 5, sorted(folder.iterdir())
    return tuple((folder / name).read_bytes() for name in ("best.safetensors", "history.csv", "metrics.json"))


def squared(trials):
    return pd.DataFrame({"y": trials["x"].to_numpy() ** 2})


def do_sweep(home, folder, side):
    found = sweep(squared, TRIALS, folder, workers=1, progress=False)
    assert found["y"].tolist() == [0, 1, 4, 9] and "error" not in found


def left_sweep(home, folder):
    assert len(list(folder.iterdir())) == 4, sorted(folder.iterdir())
    return sorted(path.read_bytes() for path in folder.iterdir())


KINDS = {"imports": (do_import, left_import), "fits": (do_fit, left_fit), "sweeps": (do_sweep, left_sweep)}


def compete(kind, home, side, rounds, barrier, said, seed):
    do, draw = KINDS[kind][0], random.Random(seed + side)
    for number in range(rounds):
        barrier.wait()
        time.sleep(draw.random() * 0.003)
        try:
            do(home, home / "folder", side)
            said.put((number, "done"))
        except files.BusyError as error:
            assert "is being written by" in str(error)
            said.put((number, "told who holds it" if "process" in str(error) else str(error)))
        except Exception as error:
            said.put((number, f"{type(error).__name__}: {error}"))
        barrier.wait()  # the round is judged
        barrier.wait()


def alone(kind, home):
    do, left = KINDS[kind]
    found = []
    for side in (0, 1):
        do(home, home / f"alone-{side}", side)
        found.append(left(home, home / f"alone-{side}"))
    return found


def races(kind, home, rounds, seed):
    context, expected = multiprocessing.get_context("spawn"), alone(kind, home)
    barrier, said = context.Barrier(3), context.Queue()
    work = (kind, home)
    both = [context.Process(target=compete, args=(*work, side, rounds, barrier, said, seed)) for side in (0, 1)]
    for process in both:
        process.start()
    told, damaged, won = collections.Counter(), 0, collections.Counter()
    for number in range(rounds):
        if kind == "sweeps":
            shutil.rmtree(home / "folder", ignore_errors=True)
        barrier.wait()
        barrier.wait()
        outcome = [said.get()[1] for _ in both]
        told.update([" / ".join(sorted(outcome))])
        try:
            found = KINDS[kind][1](home, home / "folder")
            assert found in expected, "neither of the two"
            won[expected.index(found)] += 1  # two sweeps of the same are alike
        except Exception as error:
            damaged += 1
            print(f"round {number}: {outcome}: {error}", flush=True)
        barrier.wait()
    for process in both:
        process.join()
    for outcome, count in told.most_common():
        print(f"{count:6} {outcome}")
    print(
        f"{kind}: {rounds} rounds, of the first's making {won[0]}, of the second's {won[1]}; {damaged} damaged",
        flush=True,
    )
    known = {"done", "told who holds it"}
    return damaged or any(set(outcome.split(" / ")) - known for outcome in told)


def forked(do, *given, after=None):
    """`do` in a child, killed `after` so many seconds; returns whether it was. The parent trains nothing: a child
    that is forked from a process with threads may wait for one that it does not have."""
    child = os.fork()
    if not child:
        do(*given)
        os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


def killed(kind, home, rounds, seed):
    """Kill at a random moment, look, and go on until nobody is killed."""
    import fercore.training.trainer  # noqa: F401  so that no child spends its time on that

    (do, left), draw, damaged, kills, expected = KINDS[kind], random.Random(seed), 0, 0, []
    for side in (0, 1):
        began = time.perf_counter()
        forked(do, home, home / f"alone-{side}", side)
        expected.append(left(home, home / f"alone-{side}"))
    lasts = time.perf_counter() - began
    for number in range(rounds):
        folder, side = home / ("folder" if kind == "imports" else f"run-{number}"), number % 2
        for after in (draw.random() * lasts * 1.1, None):
            kills += forked(do, home, folder, side, after=after)
            try:
                if kind == "imports" and (folder / store.INDEX).is_file():  # the old set or the new one, at any moment
                    faces = datasets.load_imported(folder)
                    assert store.fingerprint(faces.pixels, faces.table) == faces.fingerprint
                if after is None:
                    assert left(home, folder) == expected[side], "not what is left by one that was not killed"
            except Exception as error:
                damaged += 1
                print(f"round {number}: {error}", flush=True)
    print(f"killed {kind}: {rounds} rounds, {kills} kills within {lasts:.2f} s each; {damaged} damaged", flush=True)
    return damaged


def main(kind, rounds=100, seed=0):
    with tempfile.TemporaryDirectory() as home:
        run = functools.partial(killed, kind.removeprefix("killed-")) if kind.startswith("killed-") else None
        return bool((run or functools.partial(races, kind))(Path(home), rounds, seed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
