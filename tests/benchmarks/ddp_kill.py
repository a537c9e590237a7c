"""Two processes train one network by gloo; one is killed at a random moment; what is left is gone on with.

    python tests/benchmarks/ddp_kill.py [ROUNDS] [SEED]

Each line says which of the two was killed, how long the other took to end, and whether the training, started again,
came to the bytes of one that was left alone. The exit code is 1 where it did not, or where a process was left over.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[1]
SCRIPT = f"""
import os, sys
sys.path[:0] = [{str(TESTS)!r}, {str(TESTS.parent)!r}]
import torch
from conftest import TinyNet, _faces
from fercore.training.recipe import Recipe
from fercore.training.trainer import fit
print("rank", os.environ["RANK"], os.getpid(), flush=True)
torch.manual_seed(0)
recipe = Recipe(epochs=30, batch_size=16, img_size=12, augmentation=None, loss="cross_entropy", learning_rate=0.03)
fit(TinyNet(), _faces(), recipe, sys.argv[1], device="cpu", progress=False)
"""
FILES = ("history.csv", "best.safetensors", "metrics.json")


def start(script, folder):
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script, str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def alive(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def main(rounds=4, seed=0):
    draw, wrong = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as held:
        base = Path(held)
        (base / "script.py").write_text(SCRIPT)
        _, said = start(base / "script.py", base / "whole").communicate()
        expected = {name: (base / "whole" / name).read_bytes() for name in FILES}
        for number in range(rounds):
            folder, rank = base / f"{number}", number % 2
            process, numbers = start(base / "script.py", folder), {}
            while len(numbers) < 2:
                words = process.stdout.readline().split()
                if words[:1] == ["rank"]:
                    numbers[int(words[1])] = int(words[2])
            while not (folder / "last.safetensors").is_file():
                time.sleep(0.02)
            time.sleep(draw.random())
            os.kill(numbers[rank], signal.SIGKILL)
            began = time.perf_counter()
            _, said = process.communicate(timeout=300)
            lasted, failed = time.perf_counter() - began, process.returncode != 0
            left = [other for other in numbers.values() if alive(other)]
            done = max(0, len((folder / "history.csv").read_text().splitlines()) - 1)
            again = start(base / "script.py", folder)
            _, said = again.communicate(timeout=300)
            same = again.returncode == 0 and all((folder / name).read_bytes() == expected[name] for name in FILES)
            wrong += not (failed and same) or bool(left)
            told = "same bytes" if same else f"DIFFERENT {said[-1000:]}"
            print(
                f"rank {rank} killed after epoch {done}: ended in {lasted:.1f} s, {len(left)} left; {told}", flush=True
            )
    print(f"{rounds - wrong} of {rounds} went on to the same bytes")
    return wrong


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)
