"""The command: quick to answer, and one line where it cannot go on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from fercore import cli, datasets
from fercore.cli import main

ROOT = Path(__file__).parents[2]


def test_help_lists_the_commands_and_is_quick():
    script = (
        "import sys\nfrom fercore.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit as end: assert not end.code\n"
        "print(sorted({'torch', 'pandas', 'sklearn', 'numpy', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *text, loaded = done.stdout.splitlines()
    for command in ("import", "audit", "data", "params", "notebook", "deps"):
        assert any(line.strip().startswith(command) for line in text)
    assert loaded == "[]", "what takes seconds to import"


@pytest.mark.parametrize("words", [[], ["nonsense"], ["audit"], ["import", "synthfer", "--images", "many"]])
def test_wrong_words_are_explained(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2 and "usage: fercore" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="names of files are Unicode there")
def test_names_that_a_terminal_cannot_show_end_nothing(project):
    """Latin-1 names, as old ZIP files leave them, and names of another script where output is in Windows' encoding."""
    (project / "faces").mkdir()
    for name in (b"a.png", b"caf\xe9.png", "猫.png".encode(), b"n\x1b[31mred.png"):
        Image.new("L", (48, 48)).save(project / "faces" / os.fsdecode(name))
    words = [sys.executable, "-m", "fercore.cli", "predict", "faces", "--to", "t.csv", "--draw", "drawn"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(words, capture_output=True, env=environment)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert rb"caf\xdce9.png" in done.stdout and rb"n\x1b[31mred.png" in done.stdout and b"\x1b" not in done.stdout
    assert rb"\u732b" in done.stdout
    assert len((project / "t.csv").read_text(encoding="utf-8").splitlines()) == 5
    assert len(list((project / "drawn").iterdir())) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_reader_that_has_seen_enough_is_no_error(at_the_root):
    script = "import sys; from fercore import cli; "
    script += "cli.stages._deps = lambda _: print('line\\n' * 100_000); sys.exit(cli.main(['deps']))"
    command = f'{sys.executable} -c "{script}" | head -1'
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.count("\n") == 1


def commands():
    """Every command with words that it takes."""
    words = {"import": ["synthfer"], "audit": ["x"], "train": ["x", "--data", "x", "--to", "x"], "params": ["smoke"]}
    words |= {"data": ["smoke"], "notebook": ["x", "smoke"], "trainings": ["x", "smoke"], "site": ["smoke"]}
    words |= {
        "convert": ["x", "y"],
        "export": ["x", "--to", "y"],
        "grade": ["x"],
        "score": ["x", "--data", "x"],
        "soft-labels": words["train"],
    }
    [action] = [action for action in cli._parser()._actions if action.choices]
    return {name: [name, *words.get(name, [])] for name in action.choices}


@pytest.mark.parametrize("name", commands())
def test_ctrl_c_is_one_line_and_130_in_every_command(name, capsys, monkeypatch):
    given = commands()[name]
    try:
        run = cli._parser().parse_args(given).run
    except SystemExit:
        pytest.fail(f"{name} needs words in this test")

    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules[run.__module__], run.__name__, interrupted)
    assert main(given) == 130
    assert capsys.readouterr().err == "fercore: interrupted\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are POSIX's")
@pytest.mark.parametrize(
    "words",
    [
        ["predict", "pipe", "--detector", "none"],
        ["predict", "pipe.mp4", "--detector", "none"],
        ["train", "pipe", "--data", "set", "--to", "run"],
        ["train", "r.yaml", "--data", "set", "--to", "run", "--select", "none", "--release", "out", "--mask", "pipe"],
        ["bench", "join", "pipe"],
        ["convert", "pipe", "x.safetensors"],
        ["export", "tinyfer_lite", "--weights", "pipe", "--to", "x.onnx"],
    ],
    ids=lambda words: words[0],
)
def test_a_pipe_is_refused_and_not_waited_for(project, capsys, words):
    datasets.import_dataset("synthoulu", None, project / "set", images=36)
    (project / "r.yaml").write_text("network: simple_cnn\n")
    for word in words:
        if word.startswith("pipe"):
            os.mkfifo(project / word)
    waited = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it waits"))
    signal.alarm(20)
    try:
        assert main(words) == 1
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, waited)
    output = capsys.readouterr()
    assert "pipe" in output.out + output.err and not (project / "run").exists()
