"""Rendered faces that several files look for copies among."""

import pytest

from fercore import datasets
from fercore.datasets import synthetic


@pytest.fixture(scope="package")
def rendered():
    return datasets.load("synthfer", images=2000, near_copies=0.06)


@pytest.fixture(scope="package")
def originals():
    """120 faces, all of different people."""
    return synthetic.read("synthfer", images=240, wrong_labels=0, copies=0, near_copies=0).pixels[:120]
