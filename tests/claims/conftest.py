"""A small paper of two tables, whose numbers are easy to work out by hand."""

import textwrap

import pytest

from fercore import claims
from fercore.results import measurements

NETWORKS = [{"network": "tinyfer_lite"}, {"network": "simple_cnn"}]
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
