"""What a submission's process may do, and what ends it: each tried in a process of its own."""

import os
import subprocess
import sys

import pytest

from fercore.labs import guard

ENDED = {
    "open('../secret/answer.py').read()": "reads",
    "import os; os.symlink('../secret/answer.py', 'link'); open('link').read()": "reads",
    "import shutil; shutil.copy('../secret/answer.py', 'copy.py')": "reads",
    "import os; os.link('../secret/answer.py', 'link'); open('link').read()": "writes",
    "import os; os.link('../secret/answer.py', '../link')": "writes",
    "open('../outside.txt', 'w')": "writes",
    "open('../own.txt', 'w')": "writes",  # its name begins as the folder's does
    "import os; os.open('../outside.txt', os.O_CREAT)": "writes",
    "import pathlib; pathlib.Path('../outside').mkdir()": "writes",
    "import os; os.remove('../secret/answer.py')": "writes",
    "import os; os.rename('../secret/answer.py', 'answer.py')": "writes",
    "import os; open('mine.txt', 'w').close(); os.rename('mine.txt', '../outside.txt')": "writes",
    "import sqlite3; sqlite3.connect('../own.db')": "writes",
    "import os; os.truncate('../secret/answer.py', 0)": "writes",
    "import os; os.system('cat ../secret/answer.py')": "starts a process",
    "import subprocess; subprocess.run(['cat', '../secret/answer.py'])": "starts a process",
    "import os; os.fork()": "starts a process",
    "import os; os.posix_spawn('/bin/true', ['true'], {})": "starts a process",
    "import os; os.kill(os.getppid(), 9)": "signals a process",
    "import os; os.killpg(os.getpgrp(), 0)": "signals a process",
    "import socket; socket.create_connection(('127.0.0.1', 9))": "connects",
    "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))": "connects",
    "import socket; socket.getaddrinfo('localhost', 9)": "connects",
}


@pytest.fixture
def tried(tmp_path):
    """Runs a line in a guarded process; its exit status, its error output, and what was reported."""
    for name in ("own", "secret"):
        (tmp_path / name).mkdir()
    (tmp_path / "secret/answer.py").write_text("42")

    def run(line):
        install = f"guard.install('.', ['../secret'], {str(tmp_path / 'report')!r})"
        words = [sys.executable, "-c", f"from fercore.labs import guard\n{install}\n{line}"]
        own = {"cwd": tmp_path / "own", "env": os.environ | {"TMPDIR": str(tmp_path / "own")}}
        done = subprocess.run(words, **own, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr, (tmp_path / "report").read_text()

    return run


@pytest.mark.parametrize("line", ENDED)
def test_ends_the_process_and_says_why(tried, tmp_path, line):
    status, _, report = tried(f"try:\n    exec({line!r})\nexcept BaseException: pass")
    assert status == guard.TAMPERED
    assert report.startswith(ENDED[line])
    assert (tmp_path / "secret/answer.py").read_text() == "42"
    assert {path.name for path in tmp_path.iterdir()} == {"own", "secret", "report"}


def test_lets_pass_what_a_lab_needs(tried):
    lines = [
        "open('mine.txt', 'w').write('x'); open('mine.txt').read(); os.rename('mine.txt', 'ours.txt')",
        "os.makedirs('sub/folder', exist_ok=True); os.makedirs('..', exist_ok=True); open(os.devnull, 'w')",
        "os.fdopen(os.open('mine.txt', os.O_RDWR | os.O_CREAT), 'w').write('x'); os.link('mine.txt', 'linked.txt')",
        "import sqlite3; sqlite3.connect(':memory:'), sqlite3.connect('mine.db')",
        "import matplotlib; matplotlib.use('Agg'); from matplotlib import pyplot; pyplot.savefig('figure.png')",
        "import scipy.stats, sklearn.linear_model; from fercore import datasets; from fercore.labs import practice",
        "faces = datasets.load('synthfer', images=200); images = practice.inputs(faces.pixels[:64])",
        "import torch; practice.train(images, torch.tensor(faces.labels[:64]), 7, epochs=1)",
    ]
    assert tried("import os\n" + "\n".join(lines)) == (0, "", "")


@pytest.mark.parametrize("name", ["training.losses", "labs.grade", "labs.make", "cli"])
def test_what_has_the_answers_cannot_be_imported(tried, name):
    status, error, report = tried(f"import fercore.{name}")
    assert status == 1 and report == ""
    assert "ImportError: fercore." in error and "has the answers" in error


def test_a_test_that_trips_says_what_is_missing_and_what_returned_nothing():
    source = "from otter.test_files import test_case\nname = 'first'\n@test_case()\ndef test(first): len(first(1))"
    assert guard.failures(source, {"first": lambda x: [x]}) == [None]
    assert guard.failures(source, {}) == ["first is not defined"]
    (said,) = guard.failures(source, {"first": lambda x: None})
    assert said.startswith("it returns None, TypeError: ")
    (said,) = guard.failures(source, {"first": lambda x: x})
    assert said.startswith("TypeError: ")


def test_a_class_or_an_object_that_can_be_called_reaches_its_test_as_it_is():
    source = (
        "from otter.test_files import test_case\n"
        "@test_case()\ndef one(layer, network):\n    assert issubclass(layer, list) and network.width == 3"
    )
    network = type("Network", (), {"width": 3, "__call__": lambda self: None})()
    assert guard.failures(source, {"layer": list, "network": network}) == [None]


def test_a_test_that_ends_the_process_fails_and_one_that_asks_for_all_names_is_given_them():
    source = (
        "from otter.test_files import test_case\n"
        "@test_case()\ndef one(first): first()\n"
        "@test_case()\ndef two(env): assert env['first']"
    )
    assert guard.failures(source, {"first": lambda: exit(1)}) == ["SystemExit: 1", None]
    broken = source.replace("env['first']", "env['second']")
    assert guard.failures(broken, {"first": int})[1] == "KeyError: 'second'"
