"""A stage that was killed blocks no later run, whether or not anybody has reaped the process."""

import json
import os
import subprocess
import sys
import time

import psutil
import pytest

from fercore.pipeline.locks import release_dead


@pytest.fixture
def zombie():
    """The number of a process that has ended and is not reaped."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    yield process.pid
    process.wait()


def entry(number):
    return {"pid": number, "cmd": "dvc repro"}


@pytest.mark.skipif(sys.platform == "win32", reason="zombies are of POSIX")
def test_what_a_dead_process_holds_is_released_and_what_a_living_one_holds_is_not(tmp_path, zombie):
    gone, own = subprocess.Popen([sys.executable, "-c", ""]), os.getpid()
    gone.wait()
    read = {"a": [entry(zombie), entry(own)], "b": [entry(zombie)], "c": [entry(gone.pid)]}
    path = tmp_path / "rwlock"
    path.write_text(json.dumps({"read": read, "write": {"d": entry(zombie), "e": entry(own)}}))
    release_dead(path)
    assert json.loads(path.read_text()) == {"read": {"a": [entry(own)]}, "write": {"e": entry(own)}}


@pytest.mark.parametrize("content", [None, "", "[]", '{"read": {}}', '{"read": {"a": [7]}, "write": {}}'])
def test_what_is_no_lock_is_left_to_dvc(tmp_path, content):
    path = tmp_path / "rwlock"
    if content is not None:
        path.write_text(content)
    release_dead(path)
    assert path.exists() == (content is not None) and (content is None or path.read_text() == content)
