"""The command: what it prints, what it returns, and that it is quick to answer."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fercore import claims, cli, datasets
from fercore.claims import settings
from fercore.cli import main
from fercore.datasets import splits
from fercore.models import weights
from fercore.results import tables


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def said(capsys):
    """Runs a command that is to succeed and returns what it printed."""

    def run(*words):
        status = main(list(words))
        output = capsys.readouterr()
        assert status == 0 and output.err == "", output.err
        return output.out

    return run


@pytest.fixture
def refused(capsys):
    """Runs a command that is to fail and returns its one line on standard error."""

    def run(*words):
        status = main(list(words))
        output = capsys.readouterr()
        assert status == 1 and output.err.startswith("fercore: ") and output.err.count("\n") == 1, output.err
        assert "Traceback" not in output.err
        return output.err

    return run


def pictures(root, count=3):
    for split in ("Training", "Test"):
        for level, name in enumerate(("happy", "sad")):
            for number in range(count):
                path = root / split / name / f"S{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                image = np.random.default_rng(10 * level + number).integers(0, 256, (48, 48), np.uint8)
                Image.fromarray(image).save(path)
    return str(root)


# -------------------------------------------------------------------------------------------------------------- import


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


# --------------------------------------------------------------------------------------------------------------- audit


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


# ------------------------------------------------------------------------------------------------ the pipeline's stages


def test_data(project, said, refused):
    for layer in ("paper", "quick"):
        (project / "params" / layer).mkdir(parents=True)
    (project / "params/paper/data.yaml").write_text(
        "dataset: fer2013\nstore: data/fer2013\ninstead: synthfer\nimages: 200\nseed: 0\n"
    )
    quick = project / "params/quick/data.yaml"
    quick.write_text("dataset: synthfer\n")
    text = said("data", "quick")
    assert text.startswith("data/quick: 200 rendered faces") and text.count("\n") == 1
    assert len(datasets.load_imported("data/quick")) == 200
    for wrong, said_of_it in (("sed: [\n", "quick/data.yaml"), ("images: some\n", "images"), ("images: 20\n", "200")):
        quick.write_text(wrong)
        assert said_of_it in refused("data", "quick")


def test_params(project, said, refused):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": ["seed = 0"]}
    for place in ("notebooks", "params/paper", "params/smoke"):
        (project / place).mkdir(parents=True)
    assert "notebooks" in refused("params", "smoke"), "nothing to check is no success"
    for name in ("01_a", "02_b"):
        (project / f"notebooks/{name}.ipynb").write_text(json.dumps({"cells": [cell]}))
        for layer in ("paper", "smoke"):
            (project / f"params/{layer}/{name}.yaml").write_text("seed: 1\n")
    assert said("params", "smoke") == ""
    (project / "params/smoke/02_b.yaml").write_text("sead: 1\n")
    line = refused("params", "smoke")
    assert "params/smoke/02_b.yaml" in line and "did you mean 'seed'" in line
    assert "no profile 'fast'; there are smoke, quick, laptop, paper" in refused("params", "fast")


def test_the_trainings_of_a_notebook_that_has_none_to_be_run_alone(refused, at_the_root):
    told = refused("trainings", "01_data_audit", "quick")
    assert "cannot be run one by one; those of 06_mini_resemotenet, 06b_microexpnet_se can" in told


def test_notebook_of_an_unknown_name_or_profile(refused, at_the_root):
    assert "06_none" in refused("notebook", "06_none", "smoke")
    assert "no profile 'fast'" in refused("notebook", "01_data_audit", "fast")


# ---------------------------------------------------------------------------------------------------------------- help


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


# -------------------------------------------------------------------------------------------------------------- claims

ROOT = Path(__file__).parents[1]


@pytest.fixture
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_claims_are_printed_and_chosen(said, at_the_root):
    whole = said("claims").splitlines()
    assert len(whole) > 800 and whole[0].split() == [
        "id",
        "claimed",
        "unit",
        "measured",
        "seeds",
        "verdict",
        "evidence",
        "how",
    ]
    (row,) = (line for line in whole if "tinyfer/table3.accuracy.value" in line)
    assert row.endswith("another protocol: laptop profile, random weights"), "a number that decides nothing says why"
    inconsistent = said("claims", "--paper", "light_fer", "--verdict", "inconsistent").splitlines()[1:]
    assert inconsistent and all(
        line.strip().startswith("light_fer/") and "inconsistent" in line for line in inconsistent
    )
    exact = said("claims", "--measurement", "parameters(tinyfer_lite").splitlines()[1:]
    assert exact and all(
        "932,202" in line and "exact" in line and "networks/measurements.csv" in line for line in exact
    )


def test_the_summary_adds_up(said, at_the_root):
    *papers, total = [line.split() for line in said("claims", "--summary").splitlines()[2:]]
    assert [row[0] for row in papers] == sorted(path.stem for path in (ROOT / "params/claims").glob("*.yaml"))
    assert [int(number) for number in total[1:]] == [
        sum(map(int, column)) for column in list(zip(*papers, strict=True))[1:]
    ]


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


def test_blanks_between_words_of_a_command_do_not_matter():
    assert cli.sets._roles("train=a, test = b") == {"train": "a", "test": "b"}


def test_findings_show_both_sides(said, at_the_root):
    text = said("claims", "--findings", "--paper", "mini_resemotenet")
    assert "76.33" in text and "76.42" in text and "653 is the number of sad" in text
    assert "light_fer" not in text


def test_findings_are_as_many_as_the_report_has_and_what_decides_nothing_stands_apart(said, at_the_root):
    whole = said("claims", "--findings")
    sure, apart = whole.split("\nNo contradictions: ")
    folder = ROOT / "params"
    findings = claims.run(
        claims.load(folder / "claims", claims.networks(folder / "paper/networks.yaml")),
        settings.evidence([ROOT / "reports/reference"]),
    )
    assert sure.count("  |  ") == len(claims.contradicting(findings)) > 50
    assert "assuming that" not in sure and "assuming that" in apart


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--paper", "tinyfer_lite"), "no paper 'tinyfer_lite'; there are light_fer"),
        (("--verdict", "wrong"), "no verdict 'wrong'; there are exact"),
    ],
)
def test_unknown_papers_and_verdicts_are_refused(refused, at_the_root, words, expected):
    assert expected in refused("claims", *words)


@pytest.mark.parametrize("words", [("--verdict", "exact"), ("--measurement", "parameters")])
def test_findings_are_not_chosen_by_what_they_lack(refused, at_the_root, words):
    assert "leave out --verdict and --measurement" in refused("claims", "--findings", *words)


@pytest.mark.parametrize("words", [("--open", "--summary"), ("--findings", "--open"), ("--summary", "--findings")])
def test_claims_are_shown_in_one_way_at_a_time(at_the_root, capsys, words):
    with pytest.raises(SystemExit, match="2"):
        main(["claims", *words])
    assert "not allowed with argument" in capsys.readouterr().err


def test_what_is_exported_is_called_onnx(refused, project):
    assert "name a file ending in .onnx" in refused("export", "lean_65k", "--to", "x.tflite")
    assert not (project / "x.tflite").exists()


@pytest.mark.parametrize("command", ["claims", "networks"])
def test_claims_elsewhere_than_at_the_root(refused, command):
    assert "params/paper/networks.yaml: not there; run this at the root of the project" in refused(command)


def test_networks_are_printed_beside_their_papers_numbers(said, at_the_root, tmp_path):
    lines = {tuple(line.split()[:2]): line.split() for line in said("networks", "--save", str(tmp_path)).splitlines()}
    assert lines["tinyfer_lite", "7"][3:6] == ["932,202", "932,202", "yes"]
    assert lines["microexpnet_se", "7"][3:6] == ["1,243,127", "1.18M", "no"]
    assert (tmp_path / "measurements.csv").read_bytes() == (
        ROOT / "reports/reference/networks/measurements.csv"
    ).read_bytes()


# -------------------------------------------------------------------------------------------------------------- Ctrl-C


def commands():
    """Every command with words that it takes."""
    words = {"import": ["synthfer"], "audit": ["x"], "train": ["x", "--data", "x", "--to", "x"], "params": ["smoke"]}
    words |= {"data": ["smoke"], "notebook": ["x", "smoke"], "trainings": ["x", "smoke"], "site": ["smoke"]}
    words |= {"convert": ["x", "y"], "export": ["x", "--to", "y"], "grade": ["x"], "soft-labels": words["train"]}
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


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is of POSIX")
@pytest.mark.parametrize("wait", [0.0, 1.5])
def test_ctrl_c_during_an_import_leaves_nothing(project, wait):
    script = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # as in the foreground
    script += "print('begun', flush=True); from fercore.cli import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", script, "import", "synthfer", "--images", "200000", "--to", "set"]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert process.stdout.readline() == "begun\n"
    while wait and not list(project.glob("set/*.tmp")):  # until it renders
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130 and said == "fercore: interrupted\n"
    assert not list(project.glob("set/*"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("network: [tinyfer_lite]\n", "network is ['tinyfer_lite'], a list; expected a name"),
        ("network: {tinyfer_lite: 1}\n", "network is {'tinyfer_lite': 1}, a dict; expected a name"),
        ("network: tinyfer_lite\nweights: [imagenet]\n", "weights is ['imagenet'], a list; expected a name"),
        ("network: tinyfer_lite\noptions: [dropout]\n", "options is ['dropout'], a list; expected names with values"),
        ("network: tinyfer_lite\nsoft_labels: true\n", "soft_labels is True; expected none, votes, or files"),
        ("network: tinyfer_lite\nsoft_labels: []\n", "soft_labels is []; expected none, votes, or files"),
        ("network: 2026-01-01\nepochs: 0\n", "epochs is 0"),
        ("2026-01-01\n", "found str; expected a mapping"),
        ("7\n", "found int; expected a mapping"),
        ("network: tinyfer_lite\nseed: 2026-01-01\n", "seed is '2026-01-01'"),
        ("a: &a [x, x]\nb: [*a, *a]\n", "has an alias"),
        (
            "network: tinyfer_lite\ndistillation: {temperature: 4, soft: 1, hard: 1}\n",
            "distillation, teacher_network and teacher_weights need each other",
        ),
        (
            "network: tinyfer_lite\nteacher_network: lean_65k\nteacher_weights: fer2013\n",
            "distillation, teacher_network and teacher_weights need each other",
        ),
        (
            "network: tinyfer_lite\ndistillation: {temperature: 4, soft: 1, hard: 1}\nteacher_network: lean_65k\n",
            "distillation, teacher_network and teacher_weights need each other",
        ),
        ("network: tinyfer_lite\nteacher_network: [lean_65k]\n", "teacher_network is ['lean_65k'], a list; expected a"),
        ("network: tinyfer_lite\ndistillation: softened\n", "distillation is 'softened', a str; expected its settings"),
    ],
)
def test_a_recipe_that_is_none_is_told_with_its_file(project, refused, content, told):
    datasets.import_dataset("synthoulu", None, project / "set", images=36)
    (project / "r.yaml").write_text(content)
    line = refused("train", "r.yaml", "--data", "set", "--to", "run")
    assert line.startswith("fercore: r.yaml: ") and told in line and not (project / "run").exists()


def test_soft_labels_are_made_and_learned_by_their_files(project, capsys, refused):
    datasets.import_dataset("synthfer", None, project / "set", images=200)
    settings = "network: microexpnet_xxs\nepochs: 1\nimg_size: 84\nschedule: cosine\nloss: cross_entropy\n"
    (project / "plain.yaml").write_text(settings)
    (project / "soft.yaml").write_text(settings + "soft_labels: [made/soft_labels.safetensors]\nsoft_weight: 0.7\n")
    line = refused("train", "soft.yaml", "--data", "set", "--to", "student")
    assert "made/soft_labels.safetensors" in line and not (project / "student").exists()
    words = ["soft-labels", "plain.yaml", "--data", "set", "--to", "made", "--folds", "2", "--seeds", "1,2"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert text.startswith("made/soft_labels.safetensors: out-of-fold accuracy 0.") and text.endswith(
        "training images\n"
    )
    assert sorted(path.name for path in (project / "made").glob("fold-*")) == [
        "fold-0-1", "fold-0-2", "fold-1-1", "fold-1-2",
    ]  # fmt: skip
    assert main(["train", "soft.yaml", "--data", "set", "--to", "student"]) == 0
    assert capsys.readouterr().out.startswith("student: epoch 1 of 1")
    held = json.loads((project / "student/provenance.json").read_text())["parameters"]
    assert held["recipe"]["soft_labels"] == "given" and held["soft_labels"]
    assert main(["train", "soft.yaml", "--data", "set", "--to", "second", "--seed", "7"]) == 0
    seeds = [
        json.loads((project / run / "provenance.json").read_text())["parameters"]["recipe"]["seed"]
        for run in ("student", "second")
    ]
    capsys.readouterr()
    assert seeds == [42, 7]
    line = refused("soft-labels", "soft.yaml", "--data", "set", "--to", "again")
    assert "soft labels are made by networks that learn labels alone" in line


def test_a_student_is_taught_by_a_network_that_comes_along_or_by_a_run(project, capsys, refused):
    datasets.import_dataset("synthfer", None, project / "set", images=200)
    alone = "network: microexpnet_xxs\nepochs: 1\nimg_size: 84\nschedule: cosine\nloss: cross_entropy\n"
    teaching = "distillation: {temperature: 4, soft: 0.7, hard: 0.3}\nteacher_network: %s\nteacher_weights: %s\n"
    recipes = {"alone": alone, "released": alone + teaching % ("lean_65k", "fer2013")}
    recipes["run"] = alone + teaching % ("microexpnet_xxs", "alone/best.safetensors")
    losses, heard = set(), []
    for name, content in recipes.items():
        (project / f"{name}.yaml").write_text(content)
        assert main(["train", f"{name}.yaml", "--data", "set", "--to", name]) == 0
        losses.add(tables.read(project / name / "history.csv")["train_loss"].item())
        heard.append(json.loads((project / name / "provenance.json").read_text())["parameters"]["teacher"])
    assert len(losses) == 3 and heard[0] is None and len(set(heard)) == 3
    capsys.readouterr()
    told = refused("soft-labels", "run.yaml", "--data", "set", "--to", "made")
    assert "soft labels are made by networks that learn labels alone" in told
    (project / "other.yaml").write_text(alone + teaching % ("lean_65k", "alone/best.safetensors"))
    told = refused("train", "other.yaml", "--data", "set", "--to", "other")
    assert "best.safetensors is of microexpnet_xxs, not lean_65k" in told and not (project / "other").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are POSIX's")
@pytest.mark.parametrize(
    "words",
    [
        ["predict", "pipe", "--detector", "none"],
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
    os.mkfifo(project / "pipe")
    waited = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it waits"))
    signal.alarm(20)
    try:
        assert main(words) == 1
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, waited)
    output = capsys.readouterr()
    assert "pipe" in output.out + output.err and not (project / "run").exists()


@pytest.mark.parametrize("words", [["--select", "none"], ["--select", "PrivateTest"], ["--train", "PublicTest"]])
def test_a_release_is_of_the_splits_that_its_card_names(project, refused, words):
    faces = datasets.load_imported(datasets.import_dataset("synthfer", None, project / "set", images=200).parent)
    (project / "r.yaml").write_text("network: microexpnet_xxs\nepochs: 1\nimg_size: 84\nschedule: cosine\n")
    exact = near = np.arange(len(faces))
    splits.mask(faces, exact, near).to_csv("mask.csv")
    line = refused("train", "r.yaml", "--data", "set", "--to", "run", "--release", "out", "--mask", "mask.csv", *words)
    assert "leave out --train and --select, or --release" in line and not (project / "run").exists()


def test_a_mask_of_other_images_is_refused_before_anything_is_trained(project, refused):
    """The same images in another order: `deduplicated` would be whatever stands at the rows."""
    made = datasets.load("synthfer", images=200)
    faces = dataclasses.replace(made, name="fer2013", synthetic=False)
    datasets.store.save(faces, "first")
    order = np.random.default_rng(0).permutation(200)
    turned = dataclasses.replace(
        faces, pixels=faces.pixels[order], table=faces.table.iloc[order].reset_index(drop=True)
    )
    datasets.store.save(turned, "second")
    exact = np.arange(200)
    tables.save(splits.mask(faces, exact, exact), ".", "test_mask", faces)
    (project / "r.yaml").write_text("network: simple_cnn\nepochs: 1\nimg_size: 16\n")
    line = refused("train", "r.yaml", "--data", "second", "--to", "run", "--release", "out", "--mask", "test_mask.csv")
    assert "the mask test_mask.csv is of other images" in line and "the same in another order" in line
    assert not (project / "run").exists()


@pytest.mark.parametrize(
    ("setting", "synthetic", "told"),
    [
        ("", True, "is rendered"),
        ("weights: imagenet", False, "only models trained on mine alone, from random weights, can"),
        ("tta: ten", False, "tta is one or flip, not ten"),
    ],
)
def test_what_no_release_takes_is_refused_before_anything_is_trained(project, refused, setting, synthetic, told):
    made = datasets.load("synthfer", images=200)
    datasets.store.save(dataclasses.replace(made, name="mine", synthetic=synthetic), "set")
    (project / "r.yaml").write_text(f"network: tinyfer_lite\nepochs: 1\nimg_size: 16\n{setting}\n")
    line = refused("train", "r.yaml", "--data", "set", "--to", "run", "--release", "out")
    assert told in line and not (project / "run").exists() and not (project / "out").exists()


@pytest.mark.parametrize("setting", ["weights: fer2013", "schedule: plateau", "soft_labels: votes"])
def test_what_makes_no_soft_labels_is_refused_before_copies_are_searched_for(project, refused, setting, monkeypatch):
    datasets.import_dataset("synthfer", None, project / "set", images=200)
    monkeypatch.setattr("fercore.audit.copies", lambda *_: pytest.fail("it searches"))
    settings = "network: lean_65k\nloss: cross_entropy\n" + "schedule: cosine\n" * ("schedule" not in setting)
    (project / "r.yaml").write_text(f"{settings}{setting}\n")
    refused("soft-labels", "r.yaml", "--data", "set", "--to", "made")


def test_a_file_in_eight_bits_says_what_it_loses(said, tmp_path, faces, monkeypatch):
    from fercore.deployment import compress, export

    asked, held = [], export.Description("lean_250k", "fer2013", faces.classes, 48, temperature=0.9)

    def made(whole, faces, to, method):
        asked.append((to, method))
        export.write(b"", to, held)
        return {"fp32": 0.5, "int8": 0.496}

    monkeypatch.setattr(export, "from_weights", lambda *words: asked.append(words[:2]))
    monkeypatch.setattr(datasets, "load_imported", lambda path: asked.append(path) or faces)
    monkeypatch.setattr(compress, "export_int8", made)
    words = ["export", "lean_250k", "--int8", "data/x", "--to", "a.onnx"]
    assert said(*words) == "a.onnx: accuracy on PublicTest fp32 50.00 %, int8 49.60 %\n"
    assert asked == ["data/x", ("lean_250k", "fer2013_distilled"), ("a.onnx", compress.METHODS[-1])]
    for method in compress.METHODS:
        said(*words, "--method", method)
        assert asked[-1] == ("a.onnx", method)
    assert cli.deployment.INT8_METHODS == compress.METHODS
    held = export.replaced(held, temperature=1.0)  # a run's own weights
    assert said(*words).endswith(f"49.60 %\n{export.NOT_CALIBRATED}\n")


def test_an_export_says_where_it_is_not_calibrated(said, monkeypatch):
    from fercore.deployment import export

    def made(network, weights, to):
        return export.write(b"", to, export.Description(network, "mine", "ab", 48, temperature=float(weights)))

    monkeypatch.setattr(export, "from_weights", made)
    assert said("export", "lean_65k", "--weights", "0.9", "--to", "a.onnx") == "a.onnx\n"
    assert said("export", "lean_65k", "--weights", "1.0", "--to", "a.onnx") == f"a.onnx\n{export.NOT_CALIBRATED}\n"


def test_a_method_of_eight_bits_is_not_asked_for_in_vain(refused):
    assert "--method can only be used with --int8" in refused(
        "export", "lean_250k", "--to", "a.onnx", "--method", "per tensor"
    )


def test_a_picture_is_seen_by_the_same_network_from_a_shell_and_in_python(capsys):
    from fercore.deployment import predict
    from fercore.models import weights

    for command in ("predict", "webcam"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        told = " ".join(capsys.readouterr().out.split())
        assert f"included (default: {predict.NETWORK})" in told
        assert f"(default: {weights.preferred(predict.NETWORK)} where it has them, else fer2013)" in told
        assert f"at most {predict.CROPPED} px always are" in told


def test_a_camera_is_seen_by_what_predict_takes(said, refused, monkeypatch):
    from fercore.deployment import detect, predict, webcam

    asked, told = {}, SimpleNamespace(description=SimpleNamespace(calibrated=False))
    monkeypatch.setattr(predict, "Predictor", lambda **given: asked.update(given) or told)
    monkeypatch.setattr(webcam, "watch", lambda *_: {"frames": 1, "seconds": 1.0, "fps": 1.0})
    words = ["--network", "tinyfer_lite", "--data", "fer2013", "--certain", "0.7", "--detector", "none"]
    assert "Not calibrated" in said("webcam", *words)
    told.description.calibrated = True
    assert "Not calibrated" not in said("webcam", *words)
    assert asked == {
        "network": "tinyfer_lite", "data": "fer2013", "model": None, "certain": 0.7, "detector": "none",
        "sizes": detect.MOVING,
    }  # fmt: skip
    assert "leave out --network" in refused("webcam", "--model", "a.onnx", "--network", "tinyfer_lite")


@pytest.mark.parametrize("path", sorted(ROOT.glob("params/recipes/*.yaml")), ids=lambda path: path.stem)
def test_recipes_that_come_along_are_read(path):
    network, words, soft, teacher = cli.training._read_recipe(str(path))
    assert words["recipe"].epochs >= 1 and all((ROOT / file).is_file() for file in soft)
    assert not teacher or weights.released(*teacher)[0].is_file()
    if words["weights"] is not None:  # trained on at the size that they are of
        record = weights.record(weights.released(network, words["weights"])[0])
        assert words["recipe"].img_size == record["img_size"]


def test_a_profile_or_a_folder_that_is_not_there_is_told_and_nothing_is_made(refused, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[1])
    assert "no profile 'nope', nor a set that names its subjects; there are smoke, quick" in refused("data", "nope")
    assert not Path("data/nope").exists()
    assert "nowhere is no folder: there is nothing that was measured" in refused("claims", "--reports", "nowhere")
