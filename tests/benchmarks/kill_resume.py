"""Kill a training at random moments, go on, and compare the bytes with a training that was left alone.

python tests/benchmarks/kill_resume.py [MOMENTS] [SEED]
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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


def start(data, folder):
    return subprocess.Popen([sys.executable, "-c", SCRIPT, data, folder], env=os.environ | {"OMP_NUM_THREADS": "1"})


def main(moments=20, seed=0):
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as held:
        base = Path(held)
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
                    rows = (folder / "history.csv").is_file() and len(
                        (folder / "history.csv").read_text().splitlines()
                    ) - 1
                    killed.append(f"{after:.2f} s (epoch {rows or 0})")
            same = all((folder / name).read_bytes() == content for name, content in expected.items())
            left = list(folder.glob("*.tmp"))
            wrong += not same or bool(left)
            when, what = ", then ".join(killed) or "nothing", "same bytes" if same else "DIFFERENT"
            print(f"{number + 1:3}: killed after {when}: {what}", flush=True)
    print(f"{moments - wrong} of {moments} the same")
    return wrong


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)
