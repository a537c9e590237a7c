"""glibc keeps what a training frees; elsewhere nothing happens."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from fercore.training import memory
from fercore.training.recipe import Recipe
from fercore.training.trainer import fit

FAULTS = """
import resource, runpy, sys
from types import SimpleNamespace
import numpy as np
memory = SimpleNamespace(**runpy.run_path(sys.argv[2]))  # without the package, whose imports take seconds
if sys.argv[1] == "kept":
    assert memory.keep_freed() and memory.keep_freed()
def step():
    np.empty(2**26, np.uint8).fill(1)
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.fixture
def asked_anew():
    memory.keep_freed.cache_clear()
    yield
    memory.keep_freed.cache_clear()


def test_memory_that_is_kept_is_not_cleared_again():
    """64 MiB, twenty times: 32 pages each time at least, however large they are."""
    if not memory.keep_freed():
        pytest.skip("no glibc here")
    found = {}
    for way in ("kept", "given back"):
        done = subprocess.run(
            [sys.executable, "-c", FAULTS, way, memory.__file__], capture_output=True, text=True, check=True
        )
        found[way] = int(done.stdout)
    assert found["given back"] >= 20 * 32 and found["kept"] < found["given back"] / 10


def test_fit_asks_for_it(faces, tiny, monkeypatch):
    asked = []
    monkeypatch.setattr(memory, "keep_freed", lambda: asked.append(True))
    fit(tiny(), faces, Recipe(epochs=1, img_size=12), device="cpu", progress=False)
    assert asked == [True]


def test_elsewhere_nothing_is_done(asked_anew, monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", None)  # which nothing may call
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("", ""))
    assert memory.keep_freed() is False


def missing(_):
    raise OSError("no such library")


@pytest.mark.parametrize("library", [missing, lambda _: SimpleNamespace()], ids=["no library", "no mallopt"])
def test_a_library_without_the_setting_is_no_error(asked_anew, monkeypatch, library):
    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(memory.ctypes, "CDLL", library)
    assert memory.keep_freed() is False


def test_an_older_glibc_takes_a_lower_threshold(asked_anew, monkeypatch):
    taken = []

    def mallopt(parameter, value):
        if (parameter, value) == (memory.MMAP_THRESHOLD, 2**30):
            return 0
        taken.append((parameter, value))
        return 1

    monkeypatch.setattr(memory.platform, "libc_ver", lambda: ("glibc", "2.31"))
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: SimpleNamespace(mallopt=mallopt))
    assert memory.keep_freed() is True
    assert taken == [(memory.MMAP_THRESHOLD, 2**25), (memory.TRIM_THRESHOLD, memory.INT_MAX)]
