"""The commands on data sets: what they find, and what they refuse."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fercore import cli, datasets
from fercore.cli import main

ROOT = Path(__file__).parents[2]


def pictures(root, count=3):
    for split in ("Training", "Test"):
        for level, name in enumerate(("happy", "sad")):
            for number in range(count):
                path = root / split / name / f"S{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                image = np.random.default_rng(10 * level + number).integers(0, 256, (48, 48), np.uint8)
                Image.fromarray(image).save(path)
    return str(root)


def test_import_says_what_it_found(project, said):
    text = said("import", "folder", pictures(project / "faces"), "--to", "data/mine", "--subject", r"(S\d)\.png")
    assert text.splitlines()[0] == "data/mine: 12 images of 48 x 48 (Test 6, Training 6)"
    assert datasets.load_imported("data/mine").table["subject"].unique().tolist() == ["S0", "S1", "S2"]


def test_names_from_data_tell_a_terminal_nothing(project, said, refused):
    for name in ("a\n\x1b[2Jb", "c"):
        for number in range(2):
            path = project / "pictures" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((48, 48), 9 * number, np.uint8)).save(path)
    assert r"classes: a \x1b[2Jb, c" in said("import", "folder", "pictures", "--to", "set").splitlines()
    assert r"no set \x1b[2J here" in refused("audit", "no set \x1b[2J here")


@pytest.mark.parametrize("words", [("fer2013", "x.csv"), ("--to", "x"), ("--split", "80/10/10"), ("--no-contempt",)])
def test_an_import_of_what_the_environment_names_takes_nothing_else(refused, words):
    assert "--given takes everything from the environment" in refused("import", "--given", *words)


def test_import_goes_to_a_folder_of_its_name(said):
    text = said("import", "synthoulu", "--images", "36", "--seed", "1")
    assert text.splitlines()[0] == "data/synthoulu: 36 images of 84 x 84 (no split 36)"
    assert "note: These faces are rendered" in text and len(datasets.load_imported("data/synthoulu")) == 36


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["fer2103", "x.csv"], "fer2103"),
        (["fer2013"], "source"),
        (["fer2013", "none.csv"], "none.csv"),
        (["fer2013", "x.csv", "--seed", "3"], "--split"),
        (["synthfer", "x.csv"], "no source"),
        (["synthfer", "--images", "3"], "at least 200"),
        (["fer2013", "x.csv", "--images", "3"], "--images"),
        (["folder", "x", "--votes", "x.csv"], "--votes"),
        (["synthfer", "--subject", "x"], "--subject"),
        (["rafdb", "x", "--fer2013", "y"], "--fer2013"),
        (["ferplus", "x.csv"], "--fer2013"),
    ],
)
def test_an_import_that_cannot_be_done(project, refused, words, part):
    (project / "x.csv").write_text("x")
    assert part in refused("import", *words, "--to", "there")
    assert not (project / "there/dataset.json").exists()


def test_a_file_in_the_place_of_a_folder_is_told_before_the_work(project, refused):
    (project / "file").write_text("mine")
    told = "file is a file; expected a folder"
    assert told in refused("import", "synthoulu", "--images", "36", "--to", "file")
    assert told in refused("audit", "nowhere", "--save", "file")
    assert told in refused("trainings", "06_mini_resemotenet", "smoke", "--publish", "file")


def test_an_import_tells_the_splits_of_the_roles_and_which_nobody_has(said):
    assert "roles: train all, select none, test none" in said("import", "synthoulu", "--images", "36").splitlines()
    text = said("import", "synthfer", "--images", "200")
    assert "roles: train Training, select PublicTest, test PrivateTest" in text.splitlines()


def test_audit_tells_counts_copies_and_leakage(project, said):
    root = project / "faces"
    pictures(root)
    Image.new("L", (48, 48), 7).save(root / "Training/happy/blank.png")
    said("import", "folder", str(root), "--to", "set")
    text = said("audit", "set")
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["faces:", "13", "images"]
    assert ["happy", "3", "4", "7"] in lines and ["total", "6", "7", "13"] in lines
    assert "images of one grey value: 1" in text
    assert "identical to the byte: 6 redundant, 0 in groups of several labels" in text
    assert "the same photograph: 6 redundant" in text
    assert ["Test", "6", "0", "6", "1.0000"] in lines, "every test image stands in Training"


def test_audit_tells_what_is_cheap_before_it_searches_for_long(project, capsys, monkeypatch):
    datasets.import_dataset("folder", pictures(project / "faces"), project / "set")
    told = []
    monkeypatch.setattr("fercore.audit.copies", lambda faces: told.append(capsys.readouterr().out) or np.arange(12))
    assert main(["audit", "set"]) == 0
    before, after = told[0], capsys.readouterr().out
    assert "total" in before and "images of one grey value" in before and "in_Training" in before
    assert "identical to the byte: 6 redundant" in before and after.startswith("\nthe same photograph: 0 redundant")


def test_audit_says_that_faces_are_rendered(said):
    said("import", "synthoulu", "--images", "36")
    text = said("audit", "data/synthoulu")
    assert text.splitlines()[0] == "synthoulu (synthetic): 36 images" and "in_Training" not in text


def test_an_audit_is_saved_for_the_ledger(said):
    said("import", "synthoulu", "--images", "36")
    said("audit", "data/synthoulu", "--save", "counts")
    assert "images(synthoulu" in Path("counts/measurements.csv").read_text()


def test_audit_notices_images_and_labels_that_were_changed_after_the_import(project, said, refused):
    said("import", "synthoulu", "--images", "36")
    (pixels,), (table,) = (list((project / "data/synthoulu").glob(name)) for name in ("pixels-*.npy", "table-*.csv"))
    whole, rows = table.read_bytes(), pd.read_csv(table, dtype=str, keep_default_na=False)
    rows.loc[0, "label"] = str((int(rows.loc[0, "label"]) + 1) % 6)
    rows.to_csv(table, index=False, lineterminator="\n")
    assert "other images or rows than were imported" in refused("audit", "data/synthoulu")
    table.write_bytes(whole)
    said("audit", "data/synthoulu")
    with open(pixels, "r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    assert "data/synthoulu: found other images or rows" in refused("audit", "data/synthoulu")


def test_audit_of_what_is_not_there(refused):
    assert "nowhere" in refused("audit", "nowhere") and "fercore import" in refused("audit", "nowhere")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--roles", "train"], "'train'; expected roles with their splits, such as select=dev1,test=dev2"),
        (["--size", "48x"], "'48x'; expected 48, or 64x48 (height x width)"),
        (["--size", "1x2x3"], "'1x2x3'; expected 48"),
    ],
)
def test_what_a_word_of_a_command_should_look_like_is_told(capsys, words, told):
    with pytest.raises(SystemExit):
        main(["import", "folder", "x", *words])
    assert told in capsys.readouterr().err


def test_words_of_an_import_are_read():
    read = cli._parser().parse_args(["import", "affectnet", "x", "--size", "64x48", "--no-contempt"])
    assert read.size == (64, 48) and read.contempt is False
    assert cli._parser().parse_args(["import", "affectnet", "x", "--size", "48"]).size == 48


def test_blanks_between_words_of_a_command_do_not_matter():
    assert cli.sets._roles("train=a, test = b") == {"train": "a", "test": "b"}


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is of POSIX")
@pytest.mark.parametrize("wait", [0.0, 1.5])
def test_ctrl_c_during_an_import_leaves_nothing(project, wait):
    script = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # as in the foreground
    script += "from fercore.cli import main; print('begun', flush=True); sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", script, "import", "synthfer", "--images", "200000", "--to", "set"]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert process.stdout.readline() == "begun\n"
    while wait and not list(project.glob("set/*.tmp")):  # until it renders
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130 and said == "fercore: interrupted\n"
    assert not list(project.glob("set/*"))
