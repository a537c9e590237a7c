"""Kill a training, or the whole chain, at random moments, go on, and compare the bytes with one that was left alone.

    python tests/benchmarks/kill_resume.py training|chain [MOMENTS] [SEED] [STAGE]

A training is killed twice at each moment, and ends. The chain, `make reproduce PROFILE=smoke` in a clone of the
repository's last commit with this environment's commands, to its end or up to STAGE, is killed with its whole process
group, and started again at once, MOMENTS times one after the other; then it ends. The exit code is 1 where anything
differs but times.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from fercore import datasets
from fercore.training.recipe import Recipe
from fercore.training.trainer import fit
recipe = Recipe(epochs=6, batch_size=32, img_size=32, learning_rate=2e-3,
                schedule="plateau", plateau_patience=0, ema=0.9, mixup=0.2,
                loss="cross_entropy", class_weighted=False, sampling="weighted", channels_last=True)
fit("tinyfer_lite", datasets.load_imported(sys.argv[1]), recipe, sys.argv[2], device="cpu", progress=False)
"""
FILES = ("history.csv", "best.safetensors", "metrics.json")
TIMES = (
    "provenance",
    "provenance.json",
    "timings",
    "notebooks",
    "last.safetensors",
)  # files and folders that hold them


def start(data, folder):
    return subprocess.Popen([sys.executable, "-c", SCRIPT, data, folder], env=os.environ | {"OMP_NUM_THREADS": "1"})


def training(moments, draw, base):
    words = ["import", "synthfer", "--images", "600", "--seed", "0", "--to", base / "data"]
    subprocess.run([Path(sys.executable).with_name("fercore"), *words], check=True, capture_output=True)
    began = time.perf_counter()
    assert start(base / "data", base / "whole").wait() == 0
    whole = time.perf_counter() - began
    expected = {name: (base / "whole" / name).read_bytes() for name in FILES}
    print(f"undisturbed: {whole:.1f} s")
    wrong = 0
    for number in range(moments):
        folder, killed = base / f"{number}", []
        while True:
            process = start(base / "data", folder)
            after = draw.uniform(0.25, 1.0) * whole if len(killed) < 2 else None
            try:
                process.wait(after)
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                rows = (folder / "history.csv").is_file() and len((folder / "history.csv").read_text().splitlines()) - 1
                killed.append(f"{after:.2f} s (epoch {rows or 0})")
        same = all((folder / name).read_bytes() == content for name, content in expected.items())
        left = list(folder.glob("*.tmp"))
        wrong += not same or bool(left)
        when, what = ", then ".join(killed) or "nothing", "same bytes" if same else "DIFFERENT"
        print(f"{number + 1:3}: killed after {when}: {what}", flush=True)
    print(f"{moments - wrong} of {moments} the same")
    return wrong


def clone(place):
    """A clone whose .venv has this environment's commands."""
    subprocess.run(["git", "clone", "--quiet", ROOT, place], check=True)
    (place / ".venv").mkdir()
    (place / ".venv/bin").symlink_to(Path(sys.executable).parent)
    (place / ".venv/ready").write_text(f"{place}\n")
    return place


def reproduce(place, stage, after=None):
    """Run the chain, killed `after` so many seconds; which stage that was in, None where it came to its end."""
    words, own = ["make", "reproduce", "PROFILE=smoke", f"STAGE={stage}"], os.environ | {"PYTHONPATH": str(place)}
    process = subprocess.Popen(
        words, cwd=place, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        said, _ = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        words = [child.cmdline() for child in psutil.Process(process.pid).children(recursive=True)]
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return next((line[line.index("notebook") + 1] for line in words if "notebook" in line), "no notebook")
    if process.returncode:
        raise SystemExit(f"exit {process.returncode}: {said[-3000:]}")
    return None


def made(place):
    """What the chain has made, by its name, without what holds times."""
    files = [path for name in ("reports/smoke", "runs/smoke", "data/smoke") for path in (place / name).rglob("*")]
    kept = [path for path in files if path.is_file() and not {*TIMES} & {*path.relative_to(place).parts}]
    return {str(path.relative_to(place)): path.read_bytes() for path in kept if path.suffix != ".html"}


def chain(moments, draw, base, stage="site"):
    began = time.perf_counter()
    whole = clone(base / "whole")
    reproduce(whole, stage)
    seconds, expected = time.perf_counter() - began, made(whole)
    print(f"undisturbed: {seconds:.0f} s, {len(expected)} files", flush=True)
    shutil.rmtree(whole)
    place = clone(base / "killed")
    for number in range(moments):
        after = draw.random() * 2 * seconds / moments
        within = reproduce(place, stage, after)
        print(
            f"{number + 1:3}: " + (f"killed after {after:.1f} s, in {within}" if within else "at its end"), flush=True
        )
    reproduce(place, stage)
    found = made(place)
    for name in sorted({*found, *expected}):
        if found.get(name) != expected.get(name):
            what = "DIFFERENT" if name in found and name in expected else "LEFT" if name in found else "LOST"
            print(what, name)
    wrong = sum(found.get(name) != expected.get(name) for name in {*found, *expected})
    running = [one for one in psutil.process_iter(["cwd"]) if (one.info["cwd"] or "").startswith(str(place))]
    print(f"{len(found) - wrong} of {len(expected)} files the same, {len(running)} processes left")
    return wrong + len(running)


def main(what, moments=10, seed=0, *stage):
    with tempfile.TemporaryDirectory() as base:
        return {"training": training, "chain": chain}[what](
            int(moments), random.Random(int(seed)), Path(base).resolve(), *stage
        )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) > 0)
