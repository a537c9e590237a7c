"""What a result rests on: what is imported, directly or not, and a digest of it that only changes with what is done."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from fercore import closure

ROOT = Path(__file__).parents[1]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package in the place of fercore, of files that are given by name."""
    home = tmp_path / "fercore"
    monkeypatch.setattr(closure, "PACKAGE", home)

    def write(**files):
        for name, text in files.items():
            path = home / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
            init = path.parent / "__init__.py"
            if not init.is_file():
                init.write_text("")
        return home

    return write


def names(home, *roots, **more):
    return [path.relative_to(home).as_posix() for path in closure.modules(*(home / root for root in roots), **more)]


def test_imports_are_followed_through_modules_packages_and_functions(package):
    home = package(
        a__one="from ..b import two\nimport numpy\n",
        b__two="def f():\n    from . import three\n",
        b__three="import fercore.c.four\n",
        c__four="",
        c__five="",
    )
    assert names(home, "a/one.py") == ["a/one.py", "b/three.py", "b/two.py", "c/four.py"]


def test_a_name_that_a_package_passes_on_leads_to_where_it_is_defined(package):
    home = package(a__x="from ..b import made\n", b__maker="made = 1\n", b__other="")
    (home / "b/__init__.py").write_text("from . import other\nfrom .maker import made\nown = 2\n")
    assert names(home, "a/x.py") == ["a/x.py", "b/maker.py"]
    (home / "a/x.py").write_text("from .. import b\n")
    assert names(home, "a/x.py") == ["a/x.py", "b/__init__.py", "b/maker.py", "b/other.py"]
    (home / "a/x.py").write_text("from ..b import own\n")
    assert names(home, "a/x.py") == ["a/x.py", "b/__init__.py", "b/maker.py", "b/other.py"]


def test_what_is_left_out_is_neither_named_nor_followed(package):
    home = package(a__x="from ..b import y\nfrom ..c import z\n", b__y="from ..c import w\n", c__z="", c__w="")
    assert names(home, "a/x.py", without=("b/",)) == ["a/x.py", "c/z.py"]


def test_a_module_that_moves_is_the_same_code(package):
    home = package(a__x="from ..b.y import f\n\n\ndef g():\n    return f()\n", b__y="def f():\n    return 1\n")
    before = closure.digest(home / "a/x.py")
    (home / "c").mkdir()
    (home / "b/y.py").rename(home / "c/moved.py")
    (home / "c/__init__.py").write_text("")
    (home / "a/x.py").write_text("from ..c.moved import f\n\n\ndef g():\n    return f()\n")
    assert closure.digest(home / "a/x.py") == before


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ('"""Module."""\n# why\ndef f():\n    """F."""\n    return (1)\n', True),
        ("import os\n\n\ndef f():\n    import sys\n\n    return 1\n", True),
        ("async def h(): ...\n\n\ndef f():\n    return 1\n", False),
        ("def f():\n    return 2\n", False),
        ("def f(x=0):\n    return 1\n", False),
    ],
)
def test_only_what_a_module_does_counts(package, text, same):
    home = package(a__x="from ..b.y import f\n", b__y="def f():\n    return 1\n")
    before = closure.digest(home / "a/x.py")
    (home / "b/y.py").write_text(text)
    assert (closure.digest(home / "a/x.py") == before) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("from numpy import mean as middle", "from numpy import median as middle"),
        ("from numpy import mean as middle", "from statistics import mean as middle"),
        ("import numpy as middle", "import math as middle"),
        ("from ..c.z import g as middle", "from ..c.z import h as middle"),
    ],
)
def test_what_an_imported_name_stands_for_counts(package, one, other):
    home = package(b__y="", c__z="def g(): ...\n\n\ndef h(): ...\n")
    found = []
    for line in (one, other):
        (home / "b/y.py").write_text(f"{line}\n\n\ndef f():\n    return middle\n")
        found.append(closure.digest(home / "b/y.py"))
    assert found[0] != found[1]


def test_a_digest_is_the_same_by_every_version_of_python(package):
    """CI's versions all run this: what one has trained the others know again."""
    home = package(
        a__x="""
        import numpy

        class Layer:
            pass

        def f(x, *rest, scale=1.5, **more):
            found = [f"{one:.{scale}f} of {x!r}" for one in rest if one not in ()]
            return lambda: numpy.mean(found) if found else {}

        async def g():
            async with f() as (one, *others):
                await one(*others, last=None)
        """
    )
    assert closure.digest(home / "a/x.py") == "2d65afca93b4"


def test_what_a_process_runs_is_told_from_what_is_edited_meanwhile(package, monkeypatch):
    home = package(a__x="from ..b.y import f\n", b__y="def f():\n    return 1\n", b__z="def f():\n    return 2\n")
    monkeypatch.setattr(closure, "IMPORTED", closure.state(home))
    before = closure.digest(home / "a/x.py", read=closure.loaded)
    assert before == closure.digest(home / "a/x.py")
    assert not closure.edited()
    (home / "a/x.py").write_text("from ..b.z import f\n")
    assert closure.edited()
    assert closure.digest(home / "a/x.py", read=closure.loaded) == before != closure.digest(home / "a/x.py")
    (home / "a/x.py").write_text("from ..b.y import f\n")
    assert not closure.edited(), "it is as before"
    (home / "b/y.py").write_text("def f():\n    return 3\n")
    assert closure.digest(home / "a/x.py", read=closure.loaded) == before != closure.digest(home / "a/x.py")


def test_a_training_rests_on_the_votes_it_learns_and_not_on_what_writes_its_record():
    from fercore.training import checkpoint

    without = ("models/__init__.py", "models/weights.py", "results/", "progress.py")
    found = names(ROOT / "fercore", "training/trainer.py", without=without)
    assert {"datasets/votes.py", "evaluation/metrics.py", "training/losses.py", "datasets/preprocess.py"} <= set(found)
    assert [name for name in found if name.startswith(("results/", "models/"))] == ["models/modes.py"]
    assert checkpoint.code(checkpoint.TRAINER) == closure.digest(checkpoint.TRAINER, without=without)


def test_a_package_that_goes_through_its_modules_imports_them_all(package):
    home = package(a__x="from .. import b\n", b__y="", b__z="from ..c import w\n", c__w="")
    (home / "b/__init__.py").write_text("import pkgutil\nfound = list(pkgutil.iter_modules(__path__))\n")
    assert names(home, "a/x.py") == ["a/x.py", "b/__init__.py", "b/y.py", "b/z.py", "c/w.py"]


def test_an_editors_lock_which_leads_nowhere_is_no_module(package):
    home = package(a__x="pass\n")
    (home / "a/.#x.py").symlink_to("nowhere")
    assert {path.name for path in closure.state(home)} == {path.name for path in home.rglob("[!.]*.py")}


def test_a_network_that_is_loaded_before_anything_is_trained_is_known_by_the_code_that_it_was_loaded_from():
    told = "import fercore.models; print(len(fercore.closure.IMPORTED) > 100)"  # which imports no closure itself
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, cwd=ROOT)
    assert run.stdout.strip() == "True", run.stderr
