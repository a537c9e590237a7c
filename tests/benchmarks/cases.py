"""What people bring, against what they get: every case of a folder is written, tried, and shown beside its expectation.

    python tests/benchmarks/cases.py FOLDER_OF_CASES [NAME ...]

A case is a script NAME.py that writes an input into the folder it is given and prints what a user expects. Those below
have the commands that their users would type; of any other, `import SET` is taken from what it prints.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
IN = "{in}"  # the folder of the case's input
TRAIN = "network: simple_cnn\\nepochs: 1\\nbatch_size: 4\\nimg_size: 48\\naugmentation: null\\nschedule: constant\\n"


def imported(name: str, source: str = IN, *more: str) -> list[str]:
    return ["fercore", "import", name, source, "--to", "set", *more]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def trained(lines: str, *more: str) -> list[list[str]]:
    recipe = python(f"open('r.yaml', 'w').write('{TRAIN}{lines}')")
    return [recipe, ["fercore", "train", "r.yaml", "--data", "set", "--to", "run", "--device", "cpu", *more]]


LABELS = "from fercore import datasets as d; f = d.load_imported('set'); "
LABELS += "print(f.classes, f.labels[:8], set(f.table.subject))"
RECIPES = "from fercore.training.recipe import from_plain; from fercore.pipeline.parameters import read_params as r; "
RECIPES += "s = r('{in}/%s.yaml'); s.pop('network'); from_plain(s)"
PHOTOS = """
import torch
from pathlib import Path
from fercore import models
from fercore.datasets import images, preprocess
paths = sorted(Path("{in}").glob("*.jpg"))
net = models.create("tinyfer_lite", weights="fer2013").eval()
faces = torch.from_numpy(images.decode_all(paths, "L", (64, 64)))
with torch.no_grad():
    shares = net(preprocess.resize(faces, 64, 3)).softmax(1)
names = "angry disgust fear happy sad surprise neutral".split()
for path, row in zip(paths, shares):
    print(path.name, names[row.argmax()], round(float(row.max()), 2))
"""
CREATE = "from fercore import models; models.create('tinyfer_lite', 7, weights='%s'); print('taken')"
NOTEBOOK = "from fercore.pipeline.parameters import check_params as c; c('{in}/notebooks/02_baselines.ipynb', [])"
COMMANDS = {
    "affectnet_kaggle": [imported("affectnet"), python(LABELS)],
    "affectnet_yolo": [imported("folder"), python(LABELS)],
    "checkpoint_pth": [
        python(CREATE % "{in}/state.pth"),
        python(CREATE % "{in}/whole.pt"),
        python(CREATE % "{in}/parallel.safetensors"),
        ["fercore", "convert", "{in}/state.pth", "state.safetensors"],
        python(CREATE % "state.safetensors"),
        ["fercore", "convert", "{in}/whole.pt", "whole.safetensors"],
    ],
    "ckplus48": [
        imported("ckplus"),
        python(LABELS),
        imported("folder", IN, "--subject", r"(S\d+)_"),
        *trained("", "--train", "", "--select", "none"),
    ],
    "ckplus_unpacked": [imported("ckplus"), python(LABELS)],
    "distillation_recipe": [python(RECIPES % "zero"), python(RECIPES % "text")],
    "fer2013_ed_names": [imported("fer2013"), imported("folder")],
    "fer2013_folder_zip": [imported("fer2013", "{in}/archive.zip")],
    "fer2013_tar": [imported("fer2013", f"{{in}}/{name}") for name in (
        "fer2013.tar", "fer2013.tar.bz2", "fer2013.tar.xz", "fer2013.tar.gz", "again.zip", "both.zip")],
    "fer2013_trailing_comma": [imported("fer2013", "{in}/fer2013.csv")],
    "fer2013_unnamed_tests": [imported("fer2013"), *trained("")],
    "fer2013_unpacked": [imported("fer2013", "{in}/fer2013"), imported("fer2013")],
    "fer2013_validation_folder": [imported("fer2013"), imported("folder")],
    "jpeg_suffixes": [imported("folder")],
    "kaggle_train_csv": [imported("fer2013", "{in}/train.csv"), imported("fer2013", "{in}/test.csv")],
    "mixed_sizes": [imported("folder"), imported("folder", IN, "--size", "48")],
    "notebook_edited": [python(NOTEBOOK)],
    "rafdb_kaggle": [
        imported("rafdb"),
        python(LABELS),
        imported("folder", "{in}/DATASET"),
        python(f"open('r.yaml', 'w').write('{TRAIN}'.replace('simple_cnn', 'tinyfer_lite') + 'weights: fer2013\\n')"),
        ["fercore", "train", "r.yaml", "--data", "set", "--to", "run", "--select", "none", "--device", "cpu"],
    ],
    "recipe_exponent": [
        python("from fercore.pipeline import parameters as p; print(p.read_params('{in}/recipe.yaml'))")
    ],
    "train_test_leak": [imported("folder"), ["fercore", "audit", "set"]],
    "transparent_png": [
        imported("folder"),
        python("from fercore import datasets as d; print(d.load_imported('set').pixels[:, 0, 0], 'corners')"),
    ],
    "unlabelled_photos": [python(PHOTOS)],
}  # fmt: skip


def attempt(command: list[str], given: Path, place: Path) -> str:
    words = [word.replace(IN, str(given)) for word in command]
    words = [sys.executable, "-m", "fercore.cli", *words[1:]] if words[0] == "fercore" else words
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True)
    errors = [line for line in done.stderr.splitlines() if "%|" not in line]  # without the bar of a training
    said = done.stdout.splitlines() + errors[-1 if "Traceback" in done.stderr else 0 :]
    return "\n".join(line.replace(str(given), "IN") for line in said) or f"exit {done.returncode}"


def commands(name: str, expected: str) -> list[list[str]]:
    if name in COMMANDS:
        return COMMANDS[name]
    return [imported(one) for one in dict.fromkeys(re.findall(r"import (\w+)", expected))]


def run(script: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        given, place = Path(folder) / "in", Path(folder) / "place"
        place.mkdir()
        if script.stem == "notebook_edited":  # whose input is a copy of the project
            (given / "notebooks").mkdir(parents=True)
            for path in (ROOT / "notebooks").glob("02_*"):
                (given / "notebooks" / path.name).write_bytes(path.read_bytes())
        made = subprocess.run(
            [sys.executable, script, given], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        print(f"== {script.stem}\nexpected  " + "\n          ".join(made.stdout.splitlines() or [made.stderr]))
        for command in commands(script.stem, made.stdout):
            shown = (
                " ".join(command[:6]) if command[0] == "fercore" else f"python: {command[2].strip().splitlines()[0]}"
            )
            print(f"found     $ {shown.replace(IN, 'IN')[:110]}")
            print("          " + attempt(command, given, place).replace("\n", "\n          "))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for path in sorted(Path(sys.argv[1]).glob("[!_]*.py")):
        if not sys.argv[2:] or path.stem in sys.argv[2:]:
            run(path)
