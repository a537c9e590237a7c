"""What was measured is found again by name, and a name that means nothing is refused."""

import errno
import math
import os
from dataclasses import replace

import pandas as pd
import pytest

from fercore import datasets
from fercore.results import measurements

NETWORKS = ["tinyfer_lite", "microexpnet_xxs"]
GOOD = [
    "parameters(tinyfer_lite, 7)",
    "size(tinyfer_lite, 7, buffers)",
    "macs(tinyfer_lite, 7, 3x224x224)",
    "images(fer2013, all, all)",
    "accuracy(microexpnet_xxs+kd, ckplus, subject folds, T=8)",
    "confusion(tinyfer_lite, fer2013, PrivateTest, sad, neutral)",
    "latency(tinyfer_lite+fp16+onnx, jetson_nano)",
    "equation(one, 14)",
    "accuracy(lbp_svm, fer2013, PrivateTest)",  # which is trained, and is no network
]


def test_on_a_full_disk_the_measurements_of_before_stay_whole(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    found = measurements.table([{"measurement": GOOD[0], "value": 932_000}], "quick")
    measurements.write(found, tmp_path)
    before = (tmp_path / measurements.FILE).read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        measurements.write(found[:0], tmp_path)
    assert (tmp_path / measurements.FILE).read_bytes() == before


@pytest.mark.parametrize("text", GOOD)
def test_a_name_is_kept_and_its_spaces_put_right(text):
    assert measurements.check(text, NETWORKS, ["one"]) == text
    assert measurements.check(text.replace(", ", " ,  "), NETWORKS, ["one"]) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accuracy", "is not kind"),
        ("accurracy(tinyfer_lite, fer2013, all)", "did you mean 'accuracy'"),
        ("parameters(lbp_svm, 7)", "no network 'lbp_svm'"),
        ("accuracy(tinyfer, fer2013, all)", "did you mean 'tinyfer_lite'"),
        ("accuracy(tinyfer_lite+distilled, fer2013, all)", "no recipe 'distilled'"),
        ("accuracy(tinyfer_lite, synthfer, all)", "no dataset 'synthfer'"),
        ("accuracy(tinyfer_lite, fer2013, Private)", "no split 'Private'"),
        ("recall(tinyfer_lite, fer2013, all, calm)", "no class 'calm'"),
        ("recall(tinyfer_lite, fer2013, all)", "3 arguments; recall takes (run, dataset, split, class)"),
        ("parameters(tinyfer_lite, seven)", "'seven' is no classes"),
        ("macs(tinyfer_lite, 7, 224)", "'224' is no shape"),
        ("latency(tinyfer_lite, rtx_9000)", "no device 'rtx_9000'"),
        ("equation(two, 1)", "no paper 'two'"),
    ],
)
def test_a_name_that_means_nothing_is_refused(text, said):
    with pytest.raises(ValueError) as caught:
        measurements.check(text, NETWORKS, ["one"])
    assert said in str(caught.value)


def test_what_is_saved_is_gathered_and_the_first_folder_wins(tmp_path):
    name = "accuracy(tinyfer_lite, fer2013, PrivateTest)"
    rows = [{"measurement": name, "value": 0.67, "low": 0.65, "high": 0.69, "seeds": 3, "deduplicated": 0.66}]
    measurements.write(measurements.table(rows, "quick"), tmp_path / "quick/02_b")
    other = [{"measurement": name, "value": 0.5}, {"measurement": "parameters(vgg13, 7)", "value": 80238599}]
    measurements.write(measurements.table(other, "laptop"), tmp_path / "reference/02_b")
    found = measurements.gather([tmp_path / "quick", tmp_path / "reference", tmp_path / "nowhere"])
    assert found.loc[name, ["value", "low", "high", "seeds", "deduplicated", "profile"]].tolist() == [
        0.67,
        0.65,
        0.69,
        3,
        0.66,
        "quick",
    ]
    assert found.loc[name, "evidence"] == (tmp_path / "quick/02_b/measurements.csv").as_posix()
    assert found.loc["parameters(vgg13, 7)", "value"] == 80238599
    assert found.index.is_unique
    alone = measurements.gather([tmp_path / "reference/02_b"])
    assert alone["value"].to_dict() == {name: 0.5, "parameters(vgg13, 7)": 80238599}, "a stage's own folder"


def test_what_is_measured_twice_in_one_place_is_refused_before_it_is_written(tmp_path):
    row = {"measurement": "accuracy(tinyfer_lite, fer2013, PrivateTest)", "value": 0.5}
    with pytest.raises(ValueError, match=r"accuracy\(tinyfer_lite, fer2013, PrivateTest\) is measured twice"):
        measurements.table([row, row | {"value": 0.6}], "laptop")
    both = pd.concat([measurements.table([row], "laptop")] * 2)
    with pytest.raises(ValueError, match="measured twice"):
        measurements.write(both, tmp_path / "stage")
    assert not (tmp_path / "stage").exists()
    measurements.write(both.iloc[:1], tmp_path / "all/stage")
    assert len(measurements.every([tmp_path / "all", tmp_path / "all/stage"])) == 1, "each file once"


@pytest.mark.parametrize("reserved", ["", "another teacher"])
def test_what_is_by_the_papers_settings_outweighs_a_shorter_training_before_it(tmp_path, reserved):
    row = {"measurement": "accuracy(tinyfer_lite, fer2013, PrivateTest)", "value": 0.5}
    measurements.write(measurements.table([row], "quick"), tmp_path / "quick/02_b")
    measurements.write(measurements.table([row | {"value": 0.6}], reserved=reserved), tmp_path / "reference/02_b")
    assert measurements.gather([tmp_path / "quick", tmp_path / "reference"])["value"].tolist() == [0.6]


def test_the_file_is_sorted_rounded_and_the_same_again(tmp_path):
    rows = [{"measurement": f"loss(vgg13, fer2013, {split})", "value": 1 / 3} for split in ("test", "all")]
    for folder, order in (("a", rows), ("b", rows[::-1])):
        measurements.write(measurements.table(order), tmp_path / folder)
    text = (tmp_path / "a/measurements.csv").read_bytes()
    assert text == (tmp_path / "b/measurements.csv").read_bytes()
    assert text.decode().splitlines()[1].startswith('"loss(vgg13, fer2013, all)",0.333333,')


def test_counts_are_not_rounded(tmp_path):
    saved = measurements.table([{"measurement": "parameters(vgg13, 7)", "value": 304326632}])
    measurements.write(saved, tmp_path)
    assert saved["value"].tolist() == [304326632] and "304326632" in (tmp_path / "measurements.csv").read_text()


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    measurements.write(measurements.table([{"measurement": "parameters(vgg13, 7)", "value": 1}]), "")
    assert not list(tmp_path.iterdir())


def test_another_file_of_that_name_is_refused(tmp_path):
    (tmp_path / "01").mkdir()
    pd.DataFrame({"measurement": ["x"], "value": [1]}).to_csv(tmp_path / "01/measurements.csv", index=False)
    with pytest.raises(ValueError, match=r"01.measurements\.csv: has the columns measurement, value; expected"):
        measurements.gather([tmp_path])


def test_a_name_that_no_claim_could_have_is_not_written():
    for name, said in (("accuracy(tinyfer_lite, fer2103, PrivateTest)", "did you mean 'fer2013'"),
                       ("accuracy(tinyfer_light, fer2013, PrivateTest)", "no network 'tinyfer_light'"),
                       ("recall(tinyfer_lite, fer2013, PrivateTest, hapy)", "did you mean 'happy'")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            measurements.table([{"measurement": name, "value": 0.5}], "quick")


def test_whatever_a_set_is_called_its_measurement_has_its_own_arguments_and_settings():
    made = measurements.name("accuracy", "x", "a, b (c=d)", "Test", settings=("epochs=4",))
    assert made == "accuracy(x, a%2C b %28c%3Dd%29, Test, epochs=4)"
    assert measurements.split(made) == ("accuracy", ["x", "a%2C b %28c%3Dd%29", "Test"], ["epochs=4"])


def test_a_claim_can_name_every_set_that_has_a_reader():
    names = [f"images({name}, Training, happy)" for name in datasets.REAL if name != "folder"]
    assert [measurements.check(name) for name in names] == names


def test_a_set_of_ones_own_brings_its_names_with_it(make_faces):
    name = "recall(tinyfer_lite, grey noise, PublicTest, middle)"
    with pytest.raises(ValueError, match="no dataset"):
        measurements.table([{"measurement": name, "value": 0.5}], "quick")
    assert (
        measurements.table([{"measurement": name, "value": 0.5}], "quick", faces=[make_faces()])["value"].item() == 0.5
    )


def test_a_training_with_the_papers_settings_is_its_own_in_any_profile_but_for_what_is_named():
    rows = [{"measurement": "accuracy(vgg13, fer2013, test)", "value": 0.5}]
    for reserved, said in (("", "paper"), ("another teacher: 2 epochs", "paper, with another teacher: 2 epochs")):
        protocol = measurements.table(rows, "laptop", reserved=reserved)["protocol"].item()
        assert protocol == said and measurements.reservation(protocol) == reserved
    unknown = measurements.table(rows)["protocol"].item()
    assert unknown == "unknown profile", "which decides nothing"
    for other in ("laptop profile", unknown, "", "papers"):
        assert measurements.reservation(other) is None


@pytest.mark.parametrize(
    ("profile", "departs", "reserved", "said"),
    [
        ("paper", "", None, "90 images in place of 35,887"),
        ("laptop", "random weights", None, "laptop profile, random weights, 90 images in place of 35,887"),
        ("laptop", "", "another teacher", "another teacher, 90 images in place of 35,887"),
    ],
)
def test_a_training_on_a_part_of_a_published_set_is_none_of_a_papers(make_faces, profile, departs, reserved, said):
    part = replace(make_faces(), name="fer2013", synthetic=False)
    names = [f"accuracy(vgg13, {name}, PrivateTest)" for name in ("ckplus", "fer2013")] + ["latency(vgg13, rtx_3050)"]
    rows = [{"measurement": name, "value": 0.5} for name in names]
    found = measurements.table(rows, profile, departs, [part], reserved)["protocol"].tolist()
    assert found == [measurements.protocol(profile, departs, reserved), said, measurements.PAPER]
    assert measurements.reservation(said) is None


def test_settings_stand_behind_the_arguments():
    name = measurements.name("accuracy", "vgg13+kd", "fer2013", "test", settings=("T=3", "alpha=0.20"))
    assert name == "accuracy(vgg13+kd, fer2013, test, T=3, alpha=0.20)" == measurements.check(name)


@pytest.mark.parametrize(("profile", "weights", "other", "said"), [
    ("paper", "imagenet", "", "paper"),
    ("paper", "imagenet", "fp32 in place of fp16", "paper, with fp32 in place of fp16"),
    ("paper", "", "fp32 in place of fp16", "random weights, fp32 in place of fp16"),
    ("paper", "", "", "random weights"),
    ("laptop", "imagenet", "fp32 in place of fp16", "laptop profile"),
    ("laptop", "", "", "laptop profile, random weights"),
])  # fmt: skip
def test_what_a_notebook_starts_from_and_what_its_machine_lacks_are_told(profile, weights, other, said):
    assert measurements.protocol(profile, *measurements.started(profile, weights, other)) == said


@pytest.mark.parametrize(
    ("profile", "departs", "said"),
    [
        ("paper", "", "paper"),
        ("paper", "random weights", "random weights"),
        ("laptop", "", "laptop profile"),
        ("laptop", "random weights", "laptop profile, random weights"),
    ],
)
def test_whose_protocol_a_training_has_is_a_column_of_its_own(profile, departs, said):
    rows = [
        {"measurement": "accuracy(vgg13, fer2013, test)", "value": 0.5},
        {"measurement": "parameters(vgg13, 7)", "value": 1},
    ]
    assert measurements.table(rows, profile, departs)["protocol"].tolist() == [said, ""]


def test_what_a_device_takes_depends_on_no_training():
    rows = [{"measurement": "latency(tinyfer_lite, raspberry_pi_4)", "value": 0.02}]
    assert measurements.table(rows, "quick", "random weights")["protocol"].tolist() == [measurements.PAPER]


def test_what_could_not_be_estimated_is_no_measurement(tmp_path):
    names = ["effect(temperature_swings, synthck)", "accuracy(vgg13, fer2013, PrivateTest)"]
    rows = [{"measurement": name, "value": value} for name, value in zip(names, (math.nan, 0.6), strict=True)]
    measurements.write(measurements.table(rows), tmp_path / "01_x")
    assert measurements.every([tmp_path]).index.tolist() == names[1:]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda rows: [rows[0] | {"measurement": "acuracy(vgg13, fer2013, test)"}],
            r"'acuracy\(.*\)' is no measurement",
        ),
        (lambda rows: [rows[0] | {"measurement": "accuracy vgg13"}], "'accuracy vgg13' is no measurement"),
        (lambda rows: rows + rows, r"accuracy\(vgg13, fer2013, PrivateTest\) is there twice"),
        (lambda rows: [rows[0] | {"value": math.nan}], "is nan, where a fraction is expected"),
        (lambda rows: [rows[0] | {"value": 68.7}], "is 68.7, where a fraction is expected"),
        (lambda rows: [rows[0] | {"low": 0.7, "high": 0.6}], "ends below its beginning, 0.7 to 0.6"),
    ],
)
def test_what_cannot_have_been_measured_decides_nothing(tmp_path, change, said):
    rows = [{"measurement": "accuracy(vgg13, fer2013, PrivateTest)", "value": 0.65, "low": 0.6, "high": 0.7}]
    frame = pd.concat(
        [
            measurements.table([rows[0] | row | {name: rows[0][name] for name in ("measurement", "value")}])
            for row in change(rows)
        ]
    )
    for name in ("measurement", "value"):  # `table` refuses other names, and leaves out what is not a number
        frame[name] = [row[name] for row in change(rows)]
    (tmp_path / "01_x").mkdir()
    frame.to_csv(tmp_path / "01_x" / measurements.FILE, index=False)  # which `write` would refuse to write
    with pytest.raises(ValueError, match=rf"01_x/measurements\.csv: .*{said}"):
        measurements.every([tmp_path])
