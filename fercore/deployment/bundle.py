"""One file that times networks on a small computer, which needs NumPy and ONNX Runtime alone; and what it found, read.

bundle.make("fercore-bench.pyz", [latency.network("tinyfer_lite@224")])
# on the Raspberry Pi: python fercore-bench.pyz --device raspberry_pi_4 > raspberry_pi_4.json
table, measured = bundle.join("raspberry_pi_4.json")
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from .. import files
from ..models.profile import profile
from ..results import measurements
from . import compress, export, timing
from .latency import COLUMNS
from .runtimes import Network

HERE = Path(__file__).parent
PRECISIONS = ("fp32", "int8")
# px at which the papers time their networks: only these answer for their numbers
PAPERS = {"tinyfer_lite": 224, "microexpnet_xxs": 84, "microexpnet_se": 48, "mini_resemotenet_a": 64, "light_fer": 299}


class BundleError(ValueError):
    """A file that is no bundle's: says what was found."""


def make(path: str | Path, networks: Iterable[Network], precisions: Sequence[str] = PRECISIONS) -> Path:
    """Write a zip application of `networks`, each in fp32 and INT8, and of `timing`; returns its path.

    The file is put in place once it is whole. Raises ExportError where the extra `edge` is missing.
    """
    listed, contents = [], {}
    for network in networks:
        macs = profile(network.module, network.shape)["macs"]
        for precision in precisions:
            content = network.onnx if precision == "fp32" else compress.int8(network.onnx, network.calibration())
            images = np.random.default_rng(0).random((1, *network.shape), np.float32)
            logits = export.session(content).run(None, {export.INPUT: images})[0]
            name = f"{network.name.replace('@', '-')}-{precision}.onnx"
            contents[name] = content
            listed.append(
                {
                    "network": network.name.partition("@")[0], "shape": list(network.shape), "precision": precision,
                    "file": name, "input": export.INPUT, "macs": macs, "logits": logits.tolist(),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
            )  # fmt: skip
    contents["networks.json"] = json.dumps(listed, indent=1).encode()
    contents["__main__.py"] = (HERE / "_bundle_main.py").read_bytes()
    contents["timing.py"] = Path(timing.__file__).read_bytes()

    def write(file) -> None:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in sorted(contents.items()):  # without the time of day, so that the bytes are the same
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)

    files.replace(path, write)
    return Path(path)


def join(path: str | Path) -> tuple[pd.DataFrame, list[dict]]:
    """What a bundle has printed: rows as `latency.bench` has them, with device and precision, and measurements.

    A device that the papers name gives latency(NETWORK, DEVICE) and fps(...) for `measurements.table`, of fp32 at the
    papers' sizes, the fastest runtime. Raises BundleError for what no bundle has printed.
    """
    try:
        made = json.loads(Path(path).read_text(encoding="utf-8"))
        table = pd.DataFrame(made["rows"])
        table["times_limit"], table["fps"] = table["median"] / table["limit"], 1000 * table["batch"] / table["median"]
        device, processor = made["device"], made["machine"]["processor"]
    except OSError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{path}: not what a bundle prints ({error!r})") from error
    table = table.assign(device=device or processor)
    columns = ["device", "precision", *(name for name in COLUMNS if name in table)]
    measured = []
    if device in measurements.DEVICES:
        for network, part in table[table["precision"] == "fp32"].groupby("network"):
            part = part[part["img_size"] == PAPERS.get(network)]
            if len(part):
                seconds = part["median"].min() / 1000
                measured.append({"measurement": f"latency({network}, {device})", "value": seconds})
                measured.append({"measurement": f"fps({network}, {device})", "value": 1 / seconds})
    return table[columns], measured
