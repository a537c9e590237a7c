"""Faces and a network that train in a moment, photographs, a small paper and its ledger, the benchmarks as modules."""

import importlib
import os
import textwrap
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: for nets this small, threads only wait

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from fercore import claims
from fercore.datasets.faces import Faces, table
from fercore.deployment.detect import Box
from fercore.results import measurements

CLASSES = ("dark", "middle", "bright")


@pytest.fixture
def benchmark_of(monkeypatch):
    """A module of tests/benchmarks by its name; skips where there is no onnx, which public_networks needs."""

    def imported(name):
        pytest.importorskip("onnx")
        monkeypatch.syspath_prepend(Path(__file__).parent / "benchmarks")
        return importlib.import_module(name)

    return imported


def _faces(count=90, img_size=12, seed=0, colour=False, classes=CLASSES):
    """Noise whose brightness tells the class, two thirds of it Training and the rest PublicTest and PrivateTest."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % len(classes)
    shape = (count, *((img_size, img_size) if isinstance(img_size, int) else img_size), *[3] * colour)
    level = (60 + 60 * labels).reshape(-1, *[1] * (len(shape) - 1))
    pixels = np.clip(level + draw.normal(0, 30, shape), 0, 255).astype(np.uint8)
    split = np.array(["Training"] * 4 + ["PublicTest", "PrivateTest"])[np.arange(count) // 3 % 6]
    return Faces("grey noise", pixels, table(labels, split), classes, synthetic=True)


class TinyNet(nn.Module):
    """Batch normalisation and dropout, so that what they remember and draw is tested too."""

    def __init__(self, channels=1, classes=3):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(channels, 8, 3), nn.BatchNorm2d(8)
        self.dropout, self.head = nn.Dropout(0.2), nn.Linear(8, classes)

    def forward(self, images):
        return self.head(self.dropout(self.norm(self.conv(images)).relu().mean((2, 3))))


@pytest.fixture
def make_faces():
    return _faces


@pytest.fixture
def faces():
    return _faces()


@pytest.fixture
def tiny():
    """Makes a network, the same each time."""

    def make(**options):
        torch.manual_seed(0)
        return TinyNet(**options)

    return make


@pytest.fixture(scope="session")
def opencv():
    """Skips what needs OpenCV where it is not installed."""
    pytest.importorskip("cv2", reason="OpenCV is not installed, of the extra camera")


@pytest.fixture(scope="session")
def two_faces():
    """Finds the same two in every picture."""
    return lambda picture: [Box(30, 20, 60, 80, 0.9), Box(140, 30, 40, 50, 0.8)]


@pytest.fixture
def photograph(tmp_path):
    draw = np.random.default_rng(0)
    path = tmp_path / "photograph.png"
    Image.fromarray(draw.integers(0, 256, (160, 240, 3), np.uint8)).save(path)
    return path


@pytest.fixture(scope="session")
def astronaut():
    from skimage import data

    return np.asarray(data.astronaut())


LONGEST = ("notebooks", "trainer", "site", "sweep", "grade", "plots", "papers")


def pytest_collection_modifyitems(items):
    """The files that take longest first: then two processes, which take a file each, end together."""
    items.sort(key=lambda item: [item.path.stem != f"test_{name}" for name in LONGEST])


NETWORKS = [{"network": "tinyfer_lite"}, {"network": "simple_cnn"}]
# two tables, whose numbers are easy to work out by hand
PAPER = """
paper: {title: A, authors: B, year: 2026, source: "doi:1"}
headline: [abstract.accuracy]
groups: {emotions: [happy, sad]}
tables:
  table1:
    where: Table 1
    about: counts
    columns:
      train: {unit: images, measurement: "images(fer2013, Training, {row})"}
      test: {unit: images, measurement: "images(fer2013, PrivateTest, {row})"}
    rows:
      happy: [60, 30]
      sad: [40, 20]
      all: [100, 50]
  table2:
    where: Table II
    about: test accuracy
    columns:
      params: {unit: parameters, scale: K, measurement: "parameters({name}, 7)"}
      accuracy:
        {unit: percent, needs: [fer2013, imagenet], tolerance: 1.5,
         measurement: "accuracy({name}, fer2013, PrivateTest)"}
    rows:
      ours: {name: tinyfer_lite, values: [932, 66.00]}
      theirs: {cited: "[3]", needs: [fer2013, cited], values: [8.0, 70]}
      nameless: [-, 12.5]
text:
  - {id: abstract.accuracy, where: Abstract, value: 66.00, unit: percent, about: accuracy, needs: [fer2013, imagenet],
     measurement: "accuracy(tinyfer_lite, fer2013, PrivateTest)", tolerance: 1.5}
  - {id: text.fewer, where: section 1, value: 2, unit: times, about: training images for each test image}
  - {id: text.speed, where: section 2, value: 10, unit: fps, about: speed, needs: [jetson_nano]}
  - {id: text.faces, where: section 2, value: 99, unit: percent, about: faces found, needs: [rafdb, jetson_nano]}
  - {id: text.rate, where: section 2, value: 0.001, unit: setting, about: learning rate}
statements:
  - {id: best, where: section 2, about: the best of Table II}
  - {id: small, where: section 2, about: smaller than a megabyte}
equations:
  - {id: eq1, where: Equation 1, about: the softmax}
checks:
  - {id: twice, says: twice as many, claim: text.fewer, from: "{table1.all.train} / {table1.all.test}"}
"""


@pytest.fixture
def paper():
    return PAPER


@pytest.fixture
def write(tmp_path):
    """Writes claims files; gives the ledger of them."""

    def write(text=PAPER, name="paper", **more):
        for stem, content in {name: text, **more}.items():
            (tmp_path / f"{stem}.yaml").write_text(textwrap.dedent(content), encoding="utf-8")
        return claims.load(tmp_path, NETWORKS)

    return write


@pytest.fixture
def evidence(tmp_path):
    """Writes measurements as a stage does; gives the evidence gathered from them."""

    def evidence(*rows, profile="paper", reserved=None, **values):
        rows = [*rows, *({"measurement": key, "value": value} for key, value in values.items())]
        measurements.write(measurements.table(rows, profile, reserved=reserved), tmp_path / "reports/stage")
        return measurements.gather([tmp_path / "reports"])

    return evidence


@pytest.fixture
def judged(write, evidence):
    """Gives a paper's ledger, the findings of its checks, and the judged table."""

    def judged(paper, *rows, **values):
        ledger = write(paper)
        found = evidence(*rows, **values)
        findings = claims.run(ledger, found)
        return ledger, findings, claims.judge(ledger, found, findings)

    return judged
