"""The data of a profile: rendered, or what was imported; nothing is lost and nothing quietly something else."""

import os

import numpy as np
import pytest

from fercore import datasets
from fercore.datasets import store
from fercore.datasets.faces import Faces, table
from fercore.pipeline.data import prepare, prepare_data

PAPER = "dataset: fer2013\nstore: data/fer2013\ninstead: synthfer\nimages: 300\nseed: 0\n"


@pytest.fixture
def project(tmp_path, monkeypatch, write):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "paper.yaml", PAPER)
    return tmp_path


def imported(folder, name="fer2013"):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4), np.uint8)
    store.save(Faces(name, pixels, table([0, 1, 2, 3, 4], "Training"), datasets.FER2013_CLASSES), folder)
    return pixels


def test_a_synthetic_profile_is_rendered(project, write):
    quick = write(project / "quick.yaml", "dataset: synthfer\nimages: 250\nseed: 2\n")
    line = prepare_data(["paper.yaml", quick], "data/quick")
    assert "250 rendered faces (synthfer)" in line and "synthetic" in line and "nothing is imported" not in line
    faces = datasets.load_imported(project / "data/quick")
    assert len(faces) == 250 and faces.synthetic and faces.name == "synthfer"
    assert np.array_equal(faces.pixels, datasets.load("synthfer", images=250, seed=2).pixels)


def test_a_real_profile_runs_on_rendered_faces_until_there_are_real_ones(project):
    line = prepare_data(["paper.yaml"], "data/paper")
    assert "nothing is imported in data/fer2013" in line and "300 rendered faces" in line and "synthetic" in line
    assert datasets.load_imported("data/paper").synthetic
    pixels = imported("data/fer2013")
    line = prepare_data(["paper.yaml"], "data/paper")
    assert line == "data/paper: fer2013 as imported in data/fer2013"
    faces = datasets.load_imported("data/paper")
    assert not faces.synthetic and np.array_equal(faces.pixels, pixels)
    assert [path.name for path in (project / "data/paper").iterdir()] == ["dataset.json"], "referred to, not copied"


def test_what_is_referred_to_is_found_from_anywhere(project, monkeypatch):
    pixels = imported("data/fer2013")
    prepare_data(["paper.yaml"], "data/paper")
    (project / "elsewhere").mkdir()
    monkeypatch.chdir(project / "elsewhere")
    assert np.array_equal(datasets.load_imported("../data/paper").pixels, pixels)
    os.rename(project / "data", project / "moved")
    assert np.array_equal(datasets.load_imported(project / "moved/paper").pixels, pixels), "no path of this machine"


def test_an_imported_set_is_never_lost_to_a_reference_to_itself(project, refused):
    pixels = imported("data/fer2013")
    refused(lambda: prepare_data(["paper.yaml"], "data/fer2013"), "store", "data/fer2013")
    refused(lambda: prepare_data(["paper.yaml"], project / "data/../data/fer2013"), "store")
    assert np.array_equal(datasets.load_imported("data/fer2013").pixels, pixels)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("image: 3", ["'image'", "did you mean 'images'?"]),
        ("xyzzy: 3", ["'xyzzy'", "dataset, images, instead, seed, store"]),
        ("dataset: fer2103", ["dataset", "'fer2103'", "fer2013"]),  # not silently rendered instead
        ("instead: fer2013", ["instead", "'fer2013'", "synthfer"]),
        ("images: many", ["images", "'many'", "expects int"]),
        ("images: 300.0", ["images", "300.0", "expects int"]),
        ("store: 3", ["store", "expects str"]),
        ("seed: true", ["seed", "expects int"]),
    ],
)
def test_data_parameters_that_do_not_fit(project, line, parts, write, refused):
    bad = write(project / "bad.yaml", f"{line}\n")
    # named is the file that holds the key, which need not be the last one
    refused(lambda: prepare_data(["paper.yaml", bad, write(project / "last.yaml", "{}")], "data/x"), bad, *parts)
    assert not (project / "data/x").exists()


def test_data_parameters_that_are_missing(project, write, refused):
    short = write(project / "short.yaml", "dataset: synthfer\nimages: 300\n")
    refused(lambda: prepare_data([short], "data/x"), short, "instead, seed, store")


def test_another_set_than_the_profile_asks_for(project, refused):
    imported("data/fer2013", name="rafdb")
    refused(lambda: prepare_data(["paper.yaml"], "data/x"), "data/fer2013", "rafdb", "fer2013")


def test_a_profile_and_a_set_that_names_its_subjects_by_their_names(project, write):
    write(project / "params/paper/data.yaml", PAPER)
    write(project / "params/quick/data.yaml", "dataset: synthfer\nimages: 210\n")
    write(project / "params/paper/data_ckplus.yaml", PAPER.replace("fer2013", "ckplus").replace("synthfer", "synthck"))
    assert prepare("quick").startswith("data/quick: 210 rendered faces")
    assert prepare("ckplus").startswith("data/subjects/ckplus: nothing is imported in data/ckplus; 300 rendered faces")
