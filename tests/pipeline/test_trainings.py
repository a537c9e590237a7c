"""A notebook's trainings can be run one by one, and the notebook then finds them."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fercore import cli
from fercore.datasets import DataError, store
from fercore.pipeline import notebook, trainings
from fercore.pipeline.parameters import ParameterError, check_params, layers
from fercore.results.folders import PROFILES
from fercore.studies import fits, microexpnet_se, mini_resemotenet
from fercore.training import Recipe, RunError, answers, checkpoint

ROOT = Path(__file__).parents[2]
SMALL = Recipe(epochs=1, batch_size=16, img_size=12, augmentation=None, loss="cross_entropy", class_weighted=False)


class Protocol:
    """A teacher, a student by itself and one that it teaches."""

    of = staticmethod(lambda given, faces: Protocol())
    teacher_network, teacher_weights, second = "microexpnet_xxs", "", None

    def teacher(self, faces):
        return {"teacher": {"network": "microexpnet_xxs", "name": "big", "recipe": self.recipe(), "seeds": [1]}}

    def as_teacher(self, faces, teacher):
        return fits.teacher_logits(teacher, faces)

    def students(self, faces, logits):
        kd = mini_resemotenet.losses.mini_resemotenet()
        alone = {"network": "microexpnet_xxs", "recipe": self.recipe(), "seeds": [1, 2]}
        taught = {"network": "microexpnet_xxs", "recipe": self.recipe(distillation=kd), "seeds": [1], "teacher": logits}
        return {"alone": alone, "taught": taught}

    def recipe(self, **more):
        return replace(SMALL, img_size=84, **more)


@pytest.fixture
def project(monkeypatch, faces, tmp_path):
    module = type("module", (), {"Protocol": Protocol, "TEACHER": "teacher"})
    monkeypatch.setattr(trainings, "PROTOCOLS", {"06_x": module})
    monkeypatch.setattr(notebook, "parameters", lambda name, profile: {"data": "", "runs": str(tmp_path)})
    monkeypatch.setattr(trainings.datasets, "load_imported", lambda folder: faces)
    return tmp_path


ALONE, OTHER, TAUGHT = (f"{name}-cross_entropy-1-{seed}" for name, seed in (("alone", 1), ("alone", 2), ("taught", 1)))
BIG = "big-cross_entropy-1-1"


def test_they_are_listed_with_how_far_they_are_and_run_one_by_one(project):
    listed = trainings.listed("06_x", "quick")
    assert listed.index.tolist() == [BIG, ALONE, OTHER, TAUGHT] and not listed["done"].any()
    assert listed.index[listed["needs the teacher"].astype(bool)].tolist() == [TAUGHT]
    trainings.train("06_x", "quick", [ALONE])
    assert trainings.listed("06_x", "quick")["state"].tolist() == ["", "finished", "", ""]
    trainings.train("06_x", "quick", [TAUGHT, BIG])  # the teacher goes first
    assert trainings.listed("06_x", "quick")["state"].tolist() == ["finished", "finished", "", "finished"]


def test_the_notebook_finds_what_was_run_by_itself(project, faces):
    trainings.train("06_x", "quick", [BIG, TAUGHT])
    before = (project / TAUGHT / "last.safetensors").read_bytes()
    teacher = fits.fit_seeds(Protocol().teacher(faces), [], faces, project)["teacher"][0]
    said = Protocol().as_teacher(faces, teacher)
    found = fits.fit_seeds(Protocol().students(faces, said), [], faces, project, kept_only=True)
    assert list(found) == ["taught"] and (project / TAUGHT / "last.safetensors").read_bytes() == before


def test_the_finished_ones_are_published_and_shown_without_their_weights(project, faces, tmp_path, capsys):
    assert cli.main(["trainings", "06_x", "quick", "--publish", str(tmp_path / "none")]) == 1
    assert "is finished yet: nothing is published" in capsys.readouterr().err and not (tmp_path / "none").exists()
    trainings.train("06_x", "quick", [BIG, ALONE, TAUGHT])
    folder = tmp_path / "published"
    options = ["trainings", "06_x", "quick", "--publish", str(folder)]
    assert cli.main(options) == 0 and f"{folder}: {BIG}, {ALONE}, {TAUGHT}" in capsys.readouterr().out
    with pytest.raises(ParameterError, match="is where they are trained"):
        trainings.publish("06_x", "quick", project)
    assert trainings.publish("06_x", "quick", folder) == [BIG, ALONE, TAUGHT]
    teacher = fits.fit_seeds(Protocol().teacher(faces), [], faces, folder, kept_only=True)["teacher"][0]
    assert teacher.network is None
    found = fits.fit_seeds(Protocol().students(faces, None), [], faces, folder, kept_only=True)
    assert {name: len(each) for name, each in found.items()} == {"alone": 1, "taught": 1}
    for path in project.iterdir():
        if path != folder:
            shutil.rmtree(path)
    for path in folder.iterdir():
        shutil.copytree(path, project / path.name)
    listed = trainings.listed("06_x", "quick")
    assert listed["state"].tolist() == ["finished", "finished", "", "finished"]
    assert listed["done"].tolist() == [1, 1, 0, 1]


def test_students_learn_from_a_published_teacher_what_they_learn_from_itself(project, monkeypatch, tmp_path):
    trainings.train("06_x", "quick", [BIG, TAUGHT])
    trainings.publish("06_x", "quick", tmp_path / "published")
    assert [path.parent.name for path in tmp_path.glob(f"published/*/{answers.LOGITS}")] == [
        BIG
    ]  # students teach nobody
    shutil.copytree(tmp_path / "published" / BIG, tmp_path / "elsewhere" / BIG)
    monkeypatch.setattr(notebook, "parameters", lambda name, profile: {"data": "", "runs": str(tmp_path / "elsewhere")})
    trainings.train("06_x", "quick", [TAUGHT])
    both = [(folder / TAUGHT / checkpoint.LAST).read_bytes() for folder in (project, tmp_path / "elsewhere")]
    assert _tensors(both[0]) == _tensors(both[1])
    assert trainings.publish("06_x", "quick", tmp_path / "again") == [BIG, TAUGHT]
    again, first = (tmp_path / name / BIG / answers.LOGITS for name in ("again", "published"))
    assert again.read_bytes() == first.read_bytes()
    (tmp_path / "elsewhere" / BIG / answers.LOGITS).unlink()
    with pytest.raises(ParameterError, match=f"{BIG} teaches, and lies there with neither its weights nor its logits"):
        trainings.train("06_x", "quick", [TAUGHT])
    with pytest.warns(UserWarning, match=f"{TAUGHT} is left out: its teacher is not at hand"):
        assert trainings.publish("06_x", "quick", tmp_path / "none") == [BIG]
    assert not (tmp_path / "none" / BIG / answers.LOGITS).exists()


def test_a_teacher_that_answers_anew_in_every_epoch_is_published_without_logits(project, monkeypatch, tmp_path):
    monkeypatch.setattr(Protocol, "as_teacher", lambda self, faces, teacher: teacher.network)
    trainings.train("06_x", "quick", [BIG])
    assert trainings.publish("06_x", "quick", tmp_path / "published") == [BIG]
    assert not list(tmp_path.glob(f"published/*/{answers.LOGITS}"))


def test_a_student_waits_for_its_own_teacher_alone_and_learns_from_it(project, monkeypatch, faces):
    class Second(Protocol):
        def teacher(self, faces):
            return {"teacher": super().teacher(faces)["teacher"] | {"name": "other", "seeds": [9]}}

    monkeypatch.setattr(Protocol, "second", Second())
    monkeypatch.setattr(
        Protocol,
        "taught_by_second",
        lambda self, faces, logits: {"by other": self.students(faces, logits)["taught"] | {"name": "by_other"}},
        raising=False,
    )
    other, by_other = "other-cross_entropy-1-9", "by_other-cross_entropy-1-1"
    assert trainings.listed("06_x", "quick").index.tolist() == [BIG, ALONE, OTHER, TAUGHT, other, by_other]
    with pytest.raises(ParameterError, match=f"train {other} first, which teaches"):
        trainings.train("06_x", "quick", [by_other, BIG])
    trainings.train("06_x", "quick", [by_other, other])
    done = trainings.listed("06_x", "quick")["state"]
    assert done.index[done == "finished"].tolist() == [other, by_other]
    trainings.train("06_x", "quick", [TAUGHT, BIG])
    taught = [checkpoint.read(project / one / checkpoint.LAST)[1]["identity"]["teacher"] for one in (TAUGHT, by_other)]
    assert taught[0] != taught[1]
    assert trainings.publish("06_x", "quick", project / "published") == [BIG, TAUGHT, other, by_other]


def _tensors(checkpoint: bytes) -> bytes:
    """What a safetensors file holds, without its record: times differ."""
    return checkpoint[8 + int.from_bytes(checkpoint[:8], "little") :]


def test_one_that_was_stopped_is_listed_as_begun(project):
    trainings.train("06_x", "quick", [ALONE])
    (project / ALONE / checkpoint.METRICS).unlink()
    listed = trainings.listed("06_x", "quick")
    assert listed["state"].tolist() == ["", "begun", "", ""] and listed["done"].tolist() == [0, 1, 0, 0]


def test_by_whom_a_student_was_taught_is_published_with_it(project, monkeypatch):
    students, teacher = Protocol.students, {"network": "microexpnet_xxs"}

    def told(self, faces, logits):
        made = students(self, faces, logits)
        return made | {"taught": made["taught"] | {"taught_by": teacher}}

    monkeypatch.setattr(Protocol, "students", told)
    trainings.train("06_x", "quick", [BIG, TAUGHT])
    trainings.publish("06_x", "quick", project / "published")
    held = {name: checkpoint.read(project / "published" / name / answers.ANSWERS)[1] for name in (BIG, TAUGHT)}
    assert (held[BIG]["taught_by"], held[TAUGHT]["taught_by"]) == (None, teacher)


def test_a_student_with_weights_whose_teacher_has_none_is_left_out(project, faces):
    trainings.train("06_x", "quick", [BIG, TAUGHT])
    with pytest.warns(UserWarning, match=f"{TAUGHT} is left out: its teacher is not at hand, nor are its logits"):
        assert fits.fit_seeds(Protocol().students(faces, None), [], faces, project, kept_only=True) == {}


def test_what_cannot_be_run_is_refused_before_anything_is(project):
    with pytest.raises(ParameterError, match="no training 'x'; there are big-cross_entropy-1-1, alone"):
        trainings.train("06_x", "quick", [ALONE, "x"])
    with pytest.raises(ParameterError, match=f"train {BIG} first, which teaches"):
        trainings.train("06_x", "quick", [ALONE, TAUGHT])
    with pytest.raises(ParameterError, match="01_data_audit: its trainings cannot be run one by one"):
        trainings.listed("01_data_audit", "quick")
    assert not list(project.iterdir())
    (project / OTHER).mkdir()
    (project / OTHER / answers.ANSWERS).write_bytes(b"")
    with pytest.raises(RunError, match=f"{OTHER} has the answers of a published training"):
        trainings.train("06_x", "quick", [ALONE, OTHER])
    assert [path.name for path in project.iterdir()] == [OTHER]


@pytest.mark.parametrize(
    "name, module", [("06_mini_resemotenet", mini_resemotenet), ("06b_microexpnet_se", microexpnet_se)]
)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_has_trainings_with_folders_of_their_own(name, module, profile, faces):
    known = check_params(ROOT / f"notebooks/{name}.ipynb", layers(name, profile, ROOT / "params"))
    protocol = module.Protocol.of(known)
    teacher, students = (fits.planned(part)[1] for part in (protocol.teacher(faces), protocol.students(faces, None)))
    if protocol.second:
        more = fits.planned(protocol.taught_by_second(faces, None))[1]
        assert more and not {*fits.planned(protocol.second.teacher(faces))[1], *more} & {*teacher, *students}
        students |= more
    assert len(teacher) == (profile != "laptop") and len(students) > 2 and not {*teacher} & {*students}
    shorter = protocol.epochs_of.values() if module is mini_resemotenet else ()
    assert {words["recipe"].epochs for words in students.values()} == {protocol.epochs, *shorter}


def test_data_that_are_not_there_yet_are_told_with_the_command_that_puts_them_there(monkeypatch, tmp_path):
    monkeypatch.setattr(notebook, "parameters", lambda name, profile: {"data": str(tmp_path / "laptop"), "runs": ""})
    monkeypatch.setattr(trainings, "PROTOCOLS", {"06_x": type("module", (), {"Protocol": Protocol})})
    with pytest.raises(ParameterError, match="fercore data laptop"):
        trainings.listed("06_x", "laptop")


def test_data_that_are_damaged_are_told_as_such_and_not_as_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(notebook, "parameters", lambda name, profile: {"data": str(tmp_path), "runs": ""})
    monkeypatch.setattr(trainings, "PROTOCOLS", {"06_x": type("module", (), {"Protocol": Protocol})})
    (tmp_path / store.INDEX).write_text("{")
    with pytest.raises(DataError):
        trainings.listed("06_x", "quick")
