"""Numbers out of range are refused before any work, in one line that says what was expected."""

import argparse

import pytest

from fercore import cli
from fercore.cli import main, numbers


def options():
    """Every option of every command that is read as a number."""
    commands = next(iter(cli._parser()._subparsers._group_actions)).choices
    for command, parser in commands.items():
        for action in parser._actions:
            if action.type is not None and action.option_strings:
                yield command, action.option_strings[0], action.type


def test_no_option_is_a_bare_int_or_float():
    assert [found for found in options() if found[2] in (int, float)] == []
    assert {(command, flag) for command, flag, _ in options()} >= {
        ("predict", "--every"), ("predict", "--certain"), ("webcam", "--port"), ("bench", "--threads"),
        ("bench", "--batch"), ("train", "--seed"), ("soft-labels", "--folds"), ("import", "--images"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ["webcam", "--port", "65536"],
        ["webcam", "--port", "-1"],
        ["webcam", "--seconds", "nan"],
        ["grade", "handed_in", "--seconds", "0"],
        ["bench", "lean_65k@48", "--threads", "0"],
        ["bench", "lean_65k@48", "--seconds", "inf"],
        ["predict", "face.png", "--every", "0"],
        ["predict", "face.png", "--certain", "1.01"],
        ["train", "recipe.yaml", "--data", "data", "--to", "run", "--seed", "-1"],
        ["train", "recipe.yaml", "--data", "data", "--to", "run", "--seed", "4294967296"],
        ["soft-labels", "recipe.yaml", "--data", "data", "--to", "run", "--folds", "1"],
        ["soft-labels", "recipe.yaml", "--data", "data", "--to", "run", "--seeds", "42,-1"],
        ["import", "synthfer", "--images", "0"],
        ["import", "folder", "pictures", "--size", "0x48"],
        ["import", "folder", "pictures", "--size", "-48"],
    ],
)
def test_out_of_range_is_refused_where_it_is_read(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    said = capsys.readouterr().err
    assert caught.value.code == 2 and f"{words[-2]}: '" in said and "expected" in said, said


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (numbers.whole(), "1", 1),
        (numbers.whole(0, 5), "5", 5),
        (numbers.seed, "4294967295", 4294967295),
        (numbers.seeds, "0,42", [0, 42]),
        (numbers.seconds, "0.5", 0.5),
        (numbers.share, "0", 0.0),
        (numbers.share, "1", 1.0),
    ],
)
def test_the_ends_of_a_range_are_in_it(kind, text, value):
    assert kind(text) == value


@pytest.mark.parametrize("text", ["many", "", "1.5", "²"])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="a whole number of at least 1"):
        numbers.whole()(text)
