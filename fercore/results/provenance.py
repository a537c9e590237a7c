"""What produced a result: enough to tell two results apart and to make one again."""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..datasets import Faces, store
from . import tables

PACKAGES = ("numpy", "pandas", "scikit-learn", "scikit-image", "cleanlab", "torch", "torchvision", "timm")
STARTED = time.time()  # of the process: the module is imported first


_KEPT: list[str] = []


def kept(what: str) -> None:
    """Remember that this process has taken what was trained before, whose time is not in its own."""
    _KEPT.append(what)


def save(out: str | Path, parameters: Mapping, faces: Faces | Sequence[Faces], device: str = "cpu") -> Path:
    """Write the record of the stage that has filled `out` to provenance/ beside it, where no stage depends on it; with
    `kept: true` where its wall time leaves trainings out."""
    path = Path(out).with_name("provenance") / f"{Path(out).name}.json"
    tables.write_json(path, record(parameters, faces, device) | ({"kept": True} if _KEPT else {}))
    return path


def record(parameters: Mapping, faces: Faces | Sequence[Faces], device: str = "cpu") -> dict:
    """Parameters, data, code revision, versions, machine and wall time (seconds) as plain JSON values."""
    several = [faces] if isinstance(faces, Faces) else faces
    data = [
        {
            "name": tables.label(one),
            "images": len(one),
            "shape": [*one.pixels.shape[1:]],
            "fingerprint": _fingerprint(one),
        }
        for one in several
    ]
    return {
        "parameters": dict(parameters),
        "data": data[0] if isinstance(faces, Faces) else data,
        "revision": revision(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "device": device,
        "wall_seconds": round(time.time() - STARTED, 1),
    }


def revision() -> str | None:
    """The commit of the code that runs, with "+changes" where files differ from it; None outside a repository, and in
    one of another project."""

    def git(*words: str) -> str:
        here = Path(__file__).parents[1]
        return subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", "results/provenance.py")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", "../notebooks", "../params")
        return git("rev-parse", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _fingerprint(faces: Faces) -> str:
    """Also of what was drawn from a set, which has none of its own yet."""
    return faces.fingerprint or store.fingerprint(faces.pixels, faces.table)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
