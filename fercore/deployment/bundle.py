"""One file that times networks on a small computer, which needs NumPy and ONNX Runtime alone; and what it found, read.

bundle.make("fercore-bench.pyz", [benchmark.network("tinyfer_lite@224")])
# on the Raspberry Pi: python fercore-bench.pyz --device raspberry_pi_4 > raspberry_pi_4.json
table, measured = bundle.join("raspberry_pi_4.json")
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from .. import files
from ..models.profile import profile
from ..results import measurements
from . import compress, export, timing
from .benchmark import COLUMNS
from .runtimes import Network

HERE = Path(__file__).parent
PRECISIONS = ("fp32", "int8")
SEED = 1  # of the image whose logits are compared with PyTorch's: another than those that INT8 is calibrated on
FIRST = "ONNX Runtime"  # what runs on the processor is called by this alone
BOARDS = ("jetson_nano",)  # which have a graphics card of their own
# the network that a paper times in ONNX Runtime, by network and px, as the ledger names it; distilled weights take no
# longer than others
RUNS = {("microexpnet_se", 48): "microexpnet_se+kd+onnx"}


class BundleError(ValueError):
    """A file that is no bundle's: says what was found."""


def make(path: str | Path, networks: Iterable[Network], precisions: Sequence[str] = PRECISIONS) -> Path:
    """Write a zip application of `networks`, each in fp32 and INT8, and of `timing`; returns its path.

    The file is put in place once it is whole. Raises ExportError where the extra `edge` is missing.
    """
    listed, contents = [], {}
    for network in networks:
        macs = profile(network.module, network.shape)["macs"]
        logits = network.logits(np.random.default_rng(SEED).random((1, *network.shape), np.float32))
        for precision in precisions:
            content = network.onnx if precision == "fp32" else compress.int8(network.onnx, network.calibration())
            name = f"{network.name.replace('@', '-')}-{precision}.onnx"
            contents[name] = content
            listed.append(
                {
                    "network": network.name.partition("@")[0], "shape": list(network.shape), "precision": precision,
                    "file": name, "input": export.INPUT, "macs": macs, "seed": SEED,
                    "logits": logits.tolist(), "sha256": hashlib.sha256(content).hexdigest(),
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
    """What a bundle has printed: rows as `benchmark.bench` has them, with device and precision, and measurements.

    A device that the papers name gives latency(RUN, DEVICE) and fps(...) for `measurements.table`, of fp32 at the
    papers' sizes, the fastest runtime: of a graphics card, of those that run on one, and of a processor, of the others.
    The limit is that of the processor, and none of what ran elsewhere. Raises BundleError for what no bundle has
    printed.
    """
    try:
        files.refuse_pipe(path)
        made = json.loads(Path(path).read_bytes())  # PowerShell writes UTF-16
        table = pd.DataFrame(made["rows"])
        elsewhere = table["runtime"].ne(FIRST)
        table["limit"] = table["limit"].mask(elsewhere)
        table["times_limit"], table["fps"] = table["median"] / table["limit"], 1000 * table["batch"] / table["median"]
        device, processor = made["device"], made["machine"]["processor"]
    except OSError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{path}: not what a bundle prints ({type(error).__name__}: {error})") from error
    table = table.assign(device=device or processor)
    columns = ["device", "precision", *(name for name in COLUMNS if name in table)]
    measured = []
    if device in measurements.DEVICES:
        of = elsewhere if device in measurements.GPUS else ~elsewhere | (device in BOARDS)
        for timed, part in table[(table["precision"] == "fp32") & of].groupby(["network", "img_size"]):
            if run := RUNS.get(timed):
                seconds = part["median"].min() / 1000
                measured.append({"measurement": f"latency({run}, {device})", "value": seconds})
                measured.append({"measurement": f"fps({run}, {device})", "value": 1 / seconds})
    return table[columns], measured


def fastest(measured: Iterable[Mapping]) -> list[dict]:
    """The fastest of `join`'s measurements, where several files timed the same network on the same device."""
    best: dict[str, dict] = {}
    for row in measured:
        kept = best.setdefault(row["measurement"], dict(row))
        chosen = min if row["measurement"].startswith("latency(") else max
        kept["value"] = chosen(kept["value"], row["value"])
    return list(best.values())


def beside(printed: Mapping[str, float], folder: str | Path = "") -> tuple[pd.DataFrame, list[dict]]:
    """What papers print of devices and what bundles found on them: a row a network and device, with ms of one image and
    its source, a paper or a file; and the `fastest` measurements of `join`.

    printed  by measurement, latency(RUN, DEVICE) in seconds or fps(...), of which the first counts where both stand
    folder   of JSON that bundles have printed; empty: none. Raises BundleError
    """
    rows, measured = {}, []
    for name, value in sorted(printed.items(), reverse=True):  # latency before fps
        kind, words, settings = measurements.split(name)
        if not settings:
            ms = 1000 * value if kind == "latency" else 1000 / value
            rows.setdefault(tuple(words), {"network": words[0], "device": words[1], "ms": ms, "source": "paper"})
    found = [rows[key] for key in sorted(rows)]
    for path in sorted(Path(folder).glob("*.json")) if folder else ():
        table, own = join(path)
        measured += own
        found += [
            {"network": f"{row.network}@{row.img_size}, {row.precision}, {row.runtime}", "device": row.device}
            | {"ms": row.median, "source": path.name}
            for row in table.itertuples()
        ]
    return pd.DataFrame(found).set_index(["network", "device"]), fastest(measured)
