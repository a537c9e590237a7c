"""What `make` does first: .venv is made once, whoever asks for it at the same time."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fercore import datasets

ROOT = Path(__file__).parents[1]
PYTHON = f"""#!/bin/sh
# a Python of which each command but the lock's takes a while, with a file `hold` until that is gone, and which notes
# when it begins and ends
if [ "$1" = -c ]; then exec {sys.executable} "$@"; fi
echo "begin $2 $VALUE" >> log
sleep 0.2
while [ -e hold ]; do sleep 0.05; done
mkdir -p .venv/bin && cp "$PWD/python" .venv/bin/python
echo "end $2 $VALUE" >> log
"""


@pytest.fixture
def clone(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def setup(clone, value="x", stdout=subprocess.PIPE):
    words = ["make", "setup", "PYTHON=./python", f"VALUE={value}"]
    own = {key: text for key, text in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}  # of make test
    return subprocess.Popen(words, cwd=clone, env=own, stdout=stdout, stderr=subprocess.STDOUT, text=True)


def waits(path):
    return "waiting for it" in path.read_text()


def test_of_two_set_ups_at_once_one_waits_and_then_has_nothing_to_do(clone):
    (clone / "hold").touch()
    said = [clone / "one", clone / "other"]
    with open(said[0], "w") as one, open(said[1], "w") as other:
        both = [setup(clone, stdout=one), setup(clone, stdout=other)]
    deadline = time.monotonic() + 60
    while not any(map(waits, said)) and time.monotonic() < deadline:
        time.sleep(0.05)
    (clone / "hold").unlink()
    assert [process.wait(60) for process in both] == [0, 0], [text.read_text() for text in said]
    steps = [f"{what} {step} x" for step in ("venv", "pip", "pip") for what in ("begin", "end")]
    assert (clone / "log").read_text().splitlines() == steps
    assert sorted(map(waits, said)) == [False, True]
    assert (clone / ".venv/ready").read_text().strip() == str(clone)


def test_of_a_set_up_that_is_killed_the_next_one_waits_for_what_still_runs(clone):
    first = setup(clone)
    while not (clone / "log").exists():
        assert first.poll() is None
        time.sleep(0.02)
    first.kill()
    first.wait()
    second = setup(clone)
    said = second.communicate(timeout=60)[0]
    assert second.returncode == 0, said
    lines = (clone / "log").read_text().splitlines()
    assert lines[:2] == ["begin venv x", "end venv x"], "the two at once"
    assert lines[-1] == "end pip x" and (clone / ".venv/ready").is_file()


def test_a_set_up_takes_what_make_is_given_for_text(clone):
    value = "`touch out` $(touch out) $$x '\"; touch out"
    process = setup(clone, value)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert (clone / "log").read_text().splitlines()[0] == f"begin venv {value}" and not (clone / "out").exists()


def test_a_variable_that_reproduce_does_not_know_is_refused(clone):
    """Or who writes fer2013=DOWNLOAD would train for a day on rendered faces."""
    own = {key: text for key, text in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}  # of make test
    words, how = ["make", "--dry-run", "reproduce"], {"cwd": clone, "env": own, "capture_output": True, "text": True}
    wrong = subprocess.run([*words, "PROFILE=laptop", "fer2013=x.csv"], **how)
    assert wrong.returncode and "unknown variable fer2013; known are PROFILE STAGE" in wrong.stderr
    makefile = (clone / "Makefile").read_text(encoding="utf-8")
    known = re.search(r"^KNOWN := (.+)$", makefile, flags=re.M)[1].split()
    assert {name.upper() for name in datasets.REAL} <= {*known}, "KNOWN in the Makefile names every set of REAL"
    right = subprocess.run([*words, *(f"{name}=x" for name in known if name not in ("LOCKED", "PYTHON"))], **how)
    assert "unknown variable" not in right.stderr


def test_a_link_to_the_environment_of_another_folder_is_replaced_and_that_one_stays(clone, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "ready").write_text(f"{other.parent}\n")
    (clone / ".venv").symlink_to(other)
    process = setup(clone)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 0, said
    assert [path.name for path in other.iterdir()] == ["ready"] and (other / "ready").read_text() == f"{other.parent}\n"
    assert not (clone / ".venv").is_symlink() and (clone / ".venv/ready").read_text().strip() == str(clone)


def test_a_set_up_that_fails_is_a_failure(clone):
    (clone / "python").write_text(PYTHON + "exit 3\n")
    process = setup(clone)
    process.communicate(timeout=60)
    assert process.returncode == 2 and not (clone / ".venv/ready").exists()


def test_a_python_that_the_lock_does_not_fit_is_refused_before_anything_is_made(clone):
    """3.15 has no wheels of what the lock pins: pip would say so after minutes, and not why."""
    real, other = f"exec {sys.executable} ", "import sys; sys.version_info = (3, 15, 0)"
    old = (clone / "python").read_text()
    (clone / "python").write_text(old.replace(f'{real}"$@"', f'{real}-c "{other}\n$2"'))
    process = setup(clone)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 2 and "needs Python 3.11 to 3.14" in said and not (clone / "log").exists()


def recipes():
    return re.findall(r"^\t.*", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M)


def test_recipes_name_their_commands_by_their_folder():
    """What is no line for a shell, make 3.81 of macOS looks for in the PATH that it was started with."""
    bare = r'(?<![\w./"-])(fercore|dvc|jupyter|jupytext|ruff|pytest)\b'  # in quotes, it is no command
    lines = [line.replace("-m pytest", "") for line in recipes()]
    assert sum("$(BIN)/" in line for line in lines) > 10
    assert not [line for line in lines if re.search(bare, line)]


def test_what_make_is_given_is_exported_by_a_statement_of_its_own():
    """Several modifiers of one assignment are read from make 3.82 on."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "$(eval override $(name)" in text and not re.search(r"override export|export override", text)
