"""Checkpoints: the same bytes each time, whole or not there, and refused where they are something else."""

import errno
import os
from pathlib import Path

import pytest
import torch

from fercore import closure
from fercore.training import checkpoint
from fercore.training.checkpoint import RunError

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b.c": torch.tensor(3), "half": torch.ones(2, dtype=torch.bfloat16)}


def test_what_is_written_is_read_again_and_is_the_same_bytes(tmp_path):
    record = {"epoch": 3, "history": [{"loss": 0.1 + 0.2}], "nothing": None}
    checkpoint.write(tmp_path / "deep" / "one", TENSORS, record)
    checkpoint.write(tmp_path / "two", dict(reversed(TENSORS.items())), record)
    held, found = checkpoint.read(tmp_path / "deep" / "one")
    assert found == record and held.keys() == TENSORS.keys()
    assert all(torch.equal(held[name], tensor) and held[name].dtype == tensor.dtype for name, tensor in TENSORS.items())
    assert (tmp_path / "two").read_bytes() == (tmp_path / "deep" / "one").read_bytes()
    assert checkpoint.read(tmp_path / "two", tensors=False) == ({}, record)


def test_views_of_one_tensor_and_other_layouts(tmp_path):
    base = torch.rand(2, 4, 4, 4)
    checkpoint.write(
        tmp_path / "x", {"all": base, "part": base[0], "last": base.to(memory_format=torch.channels_last)}, {}
    )
    held, _ = checkpoint.read(tmp_path / "x")
    assert torch.equal(held["part"], base[0]) and torch.equal(held["last"], base)


@pytest.mark.parametrize("content", [b"", b"not safetensors", b"\x10" + b"\0" * 40])
def test_another_file_is_no_checkpoint(tmp_path, content):
    (tmp_path / "last").write_bytes(content)
    with pytest.raises(RunError, match=r"last: not a checkpoint of a training \(.*\); remove it to start over"):
        checkpoint.read(tmp_path / "last")


def test_weights_of_others_are_no_checkpoint(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(1)}, tmp_path / "last")
    with pytest.raises(RunError, match="not a checkpoint of a training"):
        checkpoint.read(tmp_path / "last")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_no_space_left_is_said_and_the_old_one_stays(tmp_path, monkeypatch, code):
    path = tmp_path / "last"
    checkpoint.write(path, TENSORS, {"epoch": 1})
    before = path.read_bytes()

    def full(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"last: no space left for 0\.0 MB; what was there before is intact"):
        checkpoint.write(path, TENSORS, {"epoch": 2})
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["last"]


def test_other_errors_of_the_disk_are_what_they_are(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        checkpoint.write(tmp_path / "file" / "last", TENSORS, {})


def test_differences_name_both():
    held = {"recipe": {"batch_size": 64, "seed": 1}, "network": "a", "gone": 1}
    wanted = {"recipe": {"batch_size": 32, "seed": 1}, "network": "b", "new": 2}
    assert checkpoint.differences(held, wanted) == [
        "gone: 1, not None",
        "network: a, not b",
        "new: None, not 2",
        "recipe.batch_size: 64, not 32",
    ]
    assert not checkpoint.differences(held, held)


def test_a_training_is_known_by_the_code_that_runs_and_not_by_what_is_edited_meanwhile(monkeypatch):
    before = checkpoint.code(checkpoint.TRAINER), checkpoint.code(checkpoint.TRAINER, read=closure.on_disk)
    monkeypatch.setitem(closure.IMPORTED, checkpoint.TRAINER, "edited = True")
    after = checkpoint.code(checkpoint.TRAINER), checkpoint.code(checkpoint.TRAINER, read=closure.on_disk)
    assert after[0] != before[0] and after[1] == before[1]


@pytest.mark.parametrize("removed", range(1, 5))
def test_a_run_that_is_half_taken_away_does_not_pass_for_a_finished_one(tmp_path, monkeypatch, removed):
    names = [checkpoint.LAST, checkpoint.BEST, checkpoint.HISTORY, checkpoint.METRICS, checkpoint.PROVENANCE]
    for name in names:
        (tmp_path / name).touch()
    unlink, left = Path.unlink, iter(range(removed))

    def killed(path, **words):
        if next(left, None) is None:
            raise SystemExit
        unlink(path, **words)

    monkeypatch.setattr(Path, "unlink", killed)
    with pytest.raises(SystemExit):
        checkpoint.clear(tmp_path)
    assert not (tmp_path / checkpoint.METRICS).exists()
    if not (tmp_path / checkpoint.BEST).exists():
        assert not (tmp_path / checkpoint.LAST).exists()  # which would ask for it
