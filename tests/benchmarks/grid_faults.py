"""The temperature grid gives one table, byte for byte, however it is run and whatever dies on the way.

    python tests/benchmarks/grid_faults.py [--images 60] [--epochs 1] [--workers 2]

Local processes, a local Dask cluster, the same with one worker killed half-way, and the whole run killed half-way and
started again. Of the last, what was done before is not written again. Every line says equal or how it differs; the exit
code is 1 where anything does.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

from fercore import datasets
from fercore.studies.cross_validation import (
    COHORT,
    SCRATCH,
    SOFTENED,
    Sample,
    cache_key,
    cohort,
    grid,
    logits_of,
    teach,
)
from fercore.studies.sweep import require_complete, sweep
from fercore.training.recipe import Recipe


def run(home, name, images, epochs, **how):
    """The table of the grid as CSV, trials kept in home/name; the same teachers for all."""
    samples = {"synthck": Sample(str(home / "data"), images, 2)}
    recipe = Recipe(
        epochs=epochs, batch_size=64, img_size=84, augmentation=None, loss="cross_entropy", class_weighted=False,
        optimizer="adam", learning_rate=1e-3, weight_decay=0.0, schedule="constant", channels_last=True,
    )  # fmt: skip
    teachers = str(home / "logits")
    teaching = partial(teach, samples=samples, network="microexpnet_m", recipe=recipe, teachers=teachers)
    basis = cache_key(samples, recipe, teacher="microexpnet_m")
    trials = grid(samples, ["microexpnet_m"], [1])
    taught = require_complete(sweep(teaching, trials, home / "teachers", identity=basis, workers=1, progress=False))
    work = partial(cohort, samples=samples, recipe=recipe, teacher_logits=logits_of(taught), teachers=teachers)
    trials = grid(
        samples, ["microexpnet_m", "microexpnet_xxs"], [1, 2], [SCRATCH, SOFTENED, "DIST", "CTKD"], [2.0, 8.0]
    )
    basis = cache_key(samples, recipe, logits_of(taught))
    return require_complete(
        sweep(work, trials, home / name, identity=basis, cohort=COHORT, progress=False, **how)
    ).to_csv()


def done(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("*.json")} if folder.is_dir() else {}


def at_half(folder, total, act):
    """Do `act` in the background as soon as half of the trials are there."""

    def watch():
        while len(done(folder)) < total // 2:
            time.sleep(0.02)
        act()

    threading.Thread(target=watch, daemon=True).start()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    settings = {"images": options.images, "epochs": options.epochs}
    if options.child:
        (options.child / "killed.csv").write_text(run(options.child, "killed", workers=options.workers, **settings))
        return 0

    from distributed import LocalCluster

    home, wrong = Path(tempfile.mkdtemp()), 0
    datasets.import_dataset("synthck", None, home / "data", images=200)
    started = time.perf_counter()
    expected = run(home, "local", workers=options.workers, **settings)
    total = len(done(home / "local"))
    print(f"{total} trials by {options.workers} processes in {time.perf_counter() - started:.0f} s", flush=True)

    def tell(what, found):
        nonlocal wrong
        wrong += found != expected
        print(f"{what}: {'equal' if found == expected else 'NOT EQUAL'} ({len(expected):,} bytes)", flush=True)

    tell("one process", run(home, "one", workers=1, **settings))
    for what, kill in ((f"Dask, {options.workers} workers", False), ("Dask, one worker killed half-way", True)):
        own = {"n_workers": options.workers, "threads_per_worker": 1, "dashboard_address": None}
        with LocalCluster(**own) as cluster:
            name, pids = what.replace(" ", "_"), [worker.pid for worker in cluster.workers.values()]
            if kill:
                at_half(home / name, total, lambda pids=pids: os.kill(pids[0], signal.SIGKILL))
            tell(what, run(home, name, scheduler=cluster.scheduler_address, **settings))
            if kill:
                print(f"  its process is {'alive' if Path(f'/proc/{pids[0]}').exists() else 'gone'}")

    words = [sys.executable, __file__, "--child", str(home), *(f"--{key}={value}" for key, value in settings.items())]
    child = subprocess.Popen(words, start_new_session=True, stderr=subprocess.DEVNULL)
    while len(done(home / "killed")) < total // 2:
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    before = done(home / "killed")
    subprocess.run(words, check=True)
    after = done(home / "killed")
    again = sum(after[path] != stamp for path, stamp in before.items())
    wrong += again
    tell(f"killed at {len(before)} of {total} trials and started again", (home / "killed.csv").read_text())
    print(f"  of the {len(before)} trials that were done, {again} were done again", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
