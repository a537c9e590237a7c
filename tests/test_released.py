"""The benchmark of the files that come along measures what they answer, INT8 beside FP32."""

import numpy as np
import pytest

from fercore import models
from fercore.deployment import export
from fercore.models.profile import profile

CLASSES = ("angry", "disgust", "fear")


@pytest.fixture
def released(benchmark_of, monkeypatch):
    module = benchmark_of("released")
    monkeypatch.setattr(module, "latency", lambda run, image: image.shape[1] / 100)
    return module


class Says(export.Exported):
    """Answers by the brightness of a face, and of every `wrong`th that it is angry."""

    description = export.Description("net", "fer2013", CLASSES, 12)

    def __init__(self, wrong=0):
        self.wrong = wrong

    def __call__(self, faces):
        label = np.clip((faces.reshape(len(faces), -1).mean(1) - 30) // 60, 0, 2).astype(int)
        label[:: self.wrong or len(faces) + 1] = 0
        return np.eye(3, dtype=np.float32)[label] * 0.7 + 0.1


def test_a_file_is_measured_by_what_it_answers(released, make_faces):
    faces = make_faces(90, classes=CLASSES)
    said = released.answers(Says(), faces)
    masks = {"near_deduplicated": np.arange(len(faces.rows("test"))) < 6}
    found = released.measured(Says(), said, faces, masks)
    assert (found["ms_48"], found["ms_224"], found["precision"]) == (0.48, 2.24, "fp32")
    assert found["accuracy_PrivateTest"] == found["accuracy_PublicTest"] == found["macro_f1"] == 1
    rare = faces.labels[faces.rows("test")] == 1
    assert (found["disgust"], found["disgust_found"]) == (rare.sum(), rare.sum())
    assert found["disgust_near_deduplicated"] == found["disgust_found_near_deduplicated"] == rare[:6].sum() < rare.sum()
    errors = {name: value for name, value in found.items() if name.startswith("calibration_error")}
    assert set(errors) == {"calibration_error", "calibration_error_near_deduplicated"}
    assert list(errors.values()) == pytest.approx([0.2, 0.2]), "right on all, at 0.8"
    assert [found[f"overconfidence{part}"] for part in ("", "_near_deduplicated")] == pytest.approx([-0.2, -0.2])


def test_size_is_of_the_network_as_its_weights_were_made(released, tmp_path):
    (tmp_path / "net.onnx").write_bytes(bytes(2**19))
    found = released.size(tmp_path / "net.onnx", export.Description("tinyfer_lite", "fer2013", CLASSES, 48))
    assert found["MiB"] == 0.5 and found["parameters"] == 932_202
    papers = profile(models.create("tinyfer_lite", 7, stem_stride=2), (3, 48, 48))["macs"] / 1e6
    assert found["MMACs"] > 2 * papers, "the released one's stem has a stride of 1"


def test_int8_files_are_compared_with_those_they_are_made_of(released, make_faces):
    faces = make_faces(90, classes=CLASSES)
    said = {"net-x.onnx": released.answers(Says(), faces), "net-x-int8.onnx": released.answers(Says(5), faces)}
    apart = released.int8_differences(said, faces)
    assert list(apart.index) == [("net-x-int8.onnx", "PublicTest"), ("net-x-int8.onnx", "PrivateTest")]
    for split in ("PublicTest", "PrivateTest"):
        labels = faces.labels[faces.rows(split)]
        lost = (labels[::5] != 0).sum() / len(labels)
        row = apart.loc[("net-x-int8.onnx", split)]
        assert row["difference"] == pytest.approx(-lost) and row["same_answer"] == pytest.approx(1 - lost)
        assert row["low"] < row["difference"] < row["high"] and lost > 0
