"""A lab of two questions made into its two versions, once for all tests."""

from pathlib import Path

import jupytext
import pytest

from fercore.labs import make

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def labs(tmp_path_factory):
    """The folder that `make` has filled from tiny.py."""
    folder = tmp_path_factory.mktemp("labs")
    jupytext.write(jupytext.read(HERE / "tiny.py"), folder / "tiny.ipynb", fmt="ipynb")
    make.make([folder / "tiny.ipynb"], folder / "made")
    return folder / "made"
