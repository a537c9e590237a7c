"""Rendered faces in the layouts of RAF-DB, AffectNet, class folders and images with a list, with leaks planted: are all
found, and do notebooks 1 to 3 run on each? Some eight minutes.

    python tests/benchmarks/layouts.py [NAME ...]
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import papermill
from PIL import Image

from fercore import audit, datasets
from fercore.pipeline import notebook

ROOT = Path(__file__).parents[2]
IMAGES, PLANTED = 2000, 40
EXPRESSIONS = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry")  # AffectNet's codes 0 to 6
BASIC = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")  # RAF-DB's codes 1 to 7
NOTEBOOKS = ("01_data_audit", "02_baselines", "03_tinyfer_lite")


def rafdb(root: Path, split: str, label: str, number: int) -> Path:
    name = {"Training": "train"}.get(split, "test")
    return root / "DATASET" / name / str(1 + BASIC.index(label)) / f"{name}_{number:05d}_aligned.jpg"


def affectnet(root: Path, split: str, label: str, number: int) -> Path:
    folder = root / ("train_set" if split == "Training" else "val_set")
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    np.save(folder / f"annotations/{number}_exp.npy", str(EXPRESSIONS.index(label)))
    return folder / f"images/{number}.jpg"


def folder(root: Path, split: str, label: str, number: int) -> Path:
    name = {"Training": "train", "PublicTest": "val"}.get(split, "test")
    return root / name / label / f"{number}.png"


def listed(root: Path, split: str, label: str, number: int) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    with open(root / "labels.csv", "a") as file:
        if not file.tell():
            file.write("Path;Emotion;Usage\n")
        file.write(f"/home/me/faces/{number}.png;{label};{split}\n")
    return root / f"faces/{number}.png"


LAYOUTS = {  # as what it is imported, how it is written, its side in pixels, and what a user would say
    "rafdb": ("rafdb", rafdb, 100, {"split": "90/10"}),
    "affectnet": ("affectnet", affectnet, 224, {"split": "90/10"}),
    "folder": ("folder", folder, 48, {}),
    "list": ("folder", listed, 48, {}),
}


def write(root: Path, path_of: Callable, side: int) -> None:
    """Faces without copies, and of PLANTED that test the file is one that trains."""
    faces = datasets.load("synthfer", images=IMAGES, copies=0, near_copies=0)
    splits = faces.table["split"].to_numpy()
    keep = [row for row in range(len(faces)) if np.ptp(faces.pixels[row])]  # blank images may be alike by chance
    paths = {row: path_of(root, splits[row], faces.classes[faces.labels[row]], row) for row in keep}
    for row, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(faces.pixels[row]).resize((side, side), Image.Resampling.BICUBIC).save(path, quality=95)
    draw = np.random.default_rng(0)
    testing, training = ([row for row in keep if splits[row] == name] for name in ("PrivateTest", "Training"))
    pairs = zip(draw.choice(testing, PLANTED, False), draw.choice(training, PLANTED, False), strict=True)
    for copied, original in pairs:
        paths[copied].write_bytes(paths[original].read_bytes())


def run(name: str, work: Path) -> dict:
    kind, path_of, side, options = LAYOUTS[name]
    write(work / "download", path_of, side)
    datasets.import_dataset(kind, work / "download", work / "set", **options)
    faces = datasets.load_imported(work / "set")
    exact = audit.exact_duplicates(faces.pixels)
    table = audit.leakage(faces, exact)
    seen = np.isin(exact, exact[np.concatenate([faces.rows("train"), faces.rows("select")])])  # divided after planting
    found = int(seen[faces.rows("test")].sum())
    print(f"== {name}: {len(faces):,} images, roles {dict(faces.roles)}\n{table.round(4).to_string()}")
    for stem in NOTEBOOKS:
        known = notebook.parameters(stem, "smoke")
        given = {"data": work / "set", "runs": work / "runs", "params": ROOT / "params", "out": work / stem}
        given |= {"audit": work / NOTEBOOKS[0], "baselines": work / NOTEBOOKS[1]}
        given = known | {key: str(path) for key, path in given.items() if key in known}
        papermill.execute_notebook(f"notebooks/{stem}.ipynb", work / f"{stem}.ipynb", given, progress_bar=False)
    return {"planted": PLANTED, "found": found, "notebooks": len(NOTEBOOKS)}


if __name__ == "__main__":
    os.chdir(ROOT)
    rows = {}
    for name in sys.argv[1:] or LAYOUTS:
        with tempfile.TemporaryDirectory() as place:
            rows[name] = run(name, Path(place))
    print(pd.DataFrame(rows).T.to_string())
