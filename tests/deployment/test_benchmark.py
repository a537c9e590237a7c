"""Runtimes are timed side by side, a missing one says so, and a bundle runs by itself."""

import ast
import contextlib
import itertools
import json
import os
import subprocess
import sys
import textwrap
import time
from importlib.util import find_spec
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from fercore import cli
from fercore.deployment import benchmark, bundle, runtimes, timing
from fercore.deployment.bundle import BundleError
from fercore.deployment.detect import Box
from fercore.deployment.predict import Predictor
from fercore.results import measurements


def test_runs_are_interleaved_and_the_slow_one_is_told():
    order = []
    runs = {"fast": lambda: order.append("fast"), "slow": lambda: (order.append("slow"), time.sleep(0.002))}
    found = timing.interleaved(runs, seconds=0.05, rounds=5, warmup=1)
    assert np.median(found["slow"]) >= 0.002 > np.median(found["fast"])
    changes = sum(one != other for one, other in itertools.pairwise(order))
    assert changes >= 9  # in turn, round after round
    quantiles = timing.quantiles(found["slow"])
    assert 2 <= quantiles["median"] <= quantiles["p90"] <= quantiles["p99"]
    assert timing.compare(found, "slow")["fast"] > 1 == timing.compare(found, "slow")["slow"]


def test_the_machine_and_its_rate():
    told = timing.machine()
    assert told["processor"] and told["cores"] >= 1
    assert 1e8 < timing.peak_rate(64, 0.02) < 1e13
    with timing.undisturbed(False) as had:
        assert not had


def test_a_runtime_that_is_not_here_has_a_row_that_says_so(tiny):
    held = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12))
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        table = benchmark.bench([held], ["PyTorch", "TensorRT", "LiteRT"], seconds=0.02)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
    row = table.set_index("runtime")
    assert row.loc["PyTorch", "times_faster"] == 1 and row.loc["PyTorch", "median"] > row.loc["PyTorch", "limit"] > 0
    assert row.loc["PyTorch", "fps"] == pytest.approx(1000 / row.loc["PyTorch", "median"])
    assert np.isnan(row.loc["TensorRT", "median"]) and "NVIDIA GPU" in row.loc["TensorRT", "note"]
    with pytest.raises(ValueError, match="no runtime 'caffe'; there are PyTorch"):
        runtimes.load("caffe", held)


@pytest.mark.parametrize(("wanted", "had"), [(True, False), (True, True), (False, False)])
def test_times_that_other_work_may_have_disturbed_say_so(tiny, monkeypatch, wanted, had):
    monkeypatch.setattr(timing, "undisturbed", lambda *_: contextlib.nullcontext(had))
    held = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12))
    table = benchmark.bench([held], ["PyTorch"], seconds=0.02, realtime=wanted)
    assert table["note"].tolist() == [benchmark.DISTURBED if wanted and not had else ""]


def test_a_missing_package_is_a_row_too(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(runtimes.Missing, match="openvino is not installed: pip install openvino nncf"):
        runtimes.load("OpenVINO", runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12)))


@pytest.mark.parametrize("late", [False, True])
def test_a_runtime_that_fails_is_a_row_too(tiny, monkeypatch, late):
    """Some fail while they load, and torch.compile at its first call."""

    def fail(*_):
        raise RuntimeError("no compiler\nand a page of C++")

    made = runtimes.Loaded(fail, 1)
    monkeypatch.setitem(runtimes.RUNTIMES, "PyTorch compiled", (lambda *_: made) if late else fail)
    held = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12))
    row = benchmark.bench([held], ["PyTorch compiled", "PyTorch"], seconds=0.02).set_index("runtime")
    assert row.loc["PyTorch compiled", "note"] == "fails here: no compiler" and row.loc["PyTorch", "median"] > 0
    assert np.isnan(row.loc["PyTorch compiled", "median"])


def test_networks_by_name_and_side():
    assert benchmark.network("tinyfer_lite@64").module.features[0][0].stride == (1, 1)  # the weights that come along
    assert benchmark.network("tinyfer_lite@224").module.features[0][0].stride == (2, 2)
    assert benchmark.network("microexpnet_xxs@84").shape == (1, 84, 84)
    for spec in ("tinyfer_lite", "tinyfer_lite.onnx"):
        with pytest.raises(ValueError, match=f"'{spec}' is not NAME@SIDE, .*: name the network of a file"):
            benchmark.network(spec)


@pytest.mark.parametrize("wrong", [{"threads": 0}, {"batch": 0}, {"batch": -1}])
def test_no_thread_and_no_image_are_refused_before_anything_is_timed(wrong):
    (name, value) = next(iter(wrong.items()))
    with pytest.raises(ValueError, match=f"{name} must be at least 1, not {value}"):
        benchmark.bench(iter(lambda: pytest.fail("a network was asked for"), None), **wrong)


def test_what_is_printed_has_units_and_what_is_missing_stands_below():
    row = {"network": "microexpnet_xxs", "img_size": 84, "batch": 2, "threads": 1, "limit": 0.4, "note": ""}
    number = {"median": 1.23456, "p90": 2.0, "p99": 3.0, "fps": 810.0, "times_faster": 0.5, "times_limit": 3.1}
    number |= {"deviation": 1.5e-6, "MiB": 0.25, "load_seconds": 0.125}
    rows = [row | number | {"runtime": name, "note": benchmark.DISTURBED} for name in ("PyTorch", "ONNX Runtime int8")]
    rows += [row | {"runtime": name, "note": f"{name} is not installed; and so on"} for name in ("ncnn", "LiteRT")]
    rows.append(row | {"runtime": "OpenVINO", "note": "fails here: no memory"})
    text = benchmark.shown(pd.DataFrame(rows, columns=list(benchmark.COLUMNS)))
    head, first, second, settings, *_ = lines = text.splitlines()
    assert max(map(len, lines)) <= 120
    assert all(name in head for name in ("median ms", "fps", "limit ms", "x limit", "load s"))
    assert "1.23" in first and "int8" in second and settings.startswith("batch 2, threads 1; ms of a batch")
    assert "not installed or not for this machine: ncnn, LiteRT (why" in text
    assert "microexpnet_xxs@84, OpenVINO: fails here: no memory" in text and lines[-1] == benchmark.DISTURBED


def test_only_columns_that_are_there_are_explained():
    made = found_by_a_bundle()
    text = benchmark.shown(pd.DataFrame(made["rows"]).assign(device="x"))
    assert "deviation:" in text and not any(f"{name}:" in text for name in ("faster", "load s", "fps"))


def test_to_load_is_not_to_export(tiny, monkeypatch):
    """Which one runtime would do for all that follow it."""

    def to_onnx(*_):
        time.sleep(0.2)
        return Mock(SerializeToString=bytes)

    run = runtimes.Loaded(lambda images: np.ones((len(images), 3)), 1)
    monkeypatch.setattr("fercore.deployment.export.to_onnx", to_onnx)
    monkeypatch.setitem(runtimes.RUNTIMES, "ONNX Runtime", lambda network, *_: network.onnx or run)
    held = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12))
    assert benchmark.bench([held], ["ONNX Runtime"], seconds=0.02)["load_seconds"][0] < 0.2
    monkeypatch.setattr("fercore.deployment.export.to_onnx", lambda *_: pytest.fail("it is exported"))
    held = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12))
    assert benchmark.bench([held], ["PyTorch"], seconds=0.02)["load_seconds"][0] > 0


def test_answers_are_compared_on_images_that_int8_was_not_calibrated_on(tiny, monkeypatch):
    seen = []
    run = runtimes.Loaded(lambda images: seen.append(images) or np.ones((len(images), 3)), 1)
    monkeypatch.setitem(runtimes.RUNTIMES, "PyTorch", lambda *_: run)
    held = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12))
    assert not np.isin(held.held_out(), held.calibration()).any()
    one, other = np.full((4, 1, 12, 12), 0.25, np.float32), np.full((4, 1, 12, 12), 0.5, np.float32)
    held = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12), one, other)
    benchmark.bench([held], ["PyTorch"], batch=2, seconds=0.02)
    assert all((images == other[:2]).all() for images in seen[1:]), "the first is to load it"


def test_memory_is_that_of_the_same_threads_and_precision(tiny, monkeypatch, tmp_path):
    (tmp_path / "openvino.py").write_text(
        "import pathlib\n"
        "class Core:\n"
        "    def compile_model(self, path, device, settings):\n"
        "        pathlib.Path(__file__).with_name('asked').write_text(repr(settings))\n"
        "        return lambda images: None\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    held = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12))
    vars(held)["onnx"] = b"a file"
    for name, precision in (("OpenVINO", "f32"), ("OpenVINO bf16", "bf16")):
        assert benchmark.peak_memory(held, name, threads=2) > 10
        asked = ast.literal_eval((tmp_path / "asked").read_text())
        assert asked["INFERENCE_PRECISION_HINT"] == precision and asked["INFERENCE_NUM_THREADS"] == 2


@pytest.mark.usefixtures("opencv")
def test_faces_are_found_with_as_many_threads_as_they_are_named_with():
    import cv2

    before, had = cv2.getNumThreads(), []
    predictor = Predictor(detector=lambda _: had.append((cv2.getNumThreads(), torch.get_num_threads())) or [])
    benchmark.end_to_end(predictor, benchmark.frames_with(0, count=2), seconds=0.01, threads=before + 1)
    assert set(had) == {(before + 1, before + 1)} and cv2.getNumThreads() == before


@pytest.mark.usefixtures("opencv")
def test_from_frame_to_label():
    predictor = Predictor(detector=lambda picture: [Box(20, 20, 60, 80)] * 2)
    own = predictor.detector, predictor.classify
    found = benchmark.end_to_end(predictor, benchmark.frames_with(1, count=2), seconds=0.05)
    assert found["faces"] == 2 and 0 < found["detect_ms"] + found["classify_ms"] <= found["whole_ms"]
    assert found["fps"] == pytest.approx(1000 / found["whole_ms"]) and own == (predictor.detector, predictor.classify)
    assert [frame.shape for frame in benchmark.frames_with(5, count=1)] == [(480, 640, 3)]


@pytest.fixture
def onnxruntime_of(tmp_path):
    """Makes a folder with a module `onnxruntime` whose sessions have the methods that are given as text."""

    def make(methods):
        (tmp_path / "modules").mkdir(exist_ok=True)
        text = """
        import numpy as np

        __version__, CPU = "1.0", "CPUExecutionProvider"
        SessionOptions = type("SessionOptions", (), {})
        get_available_providers = lambda: ["TensorrtExecutionProvider", "CUDAExecutionProvider", CPU]

        class InferenceSession:
            def get_providers(self):
                return self.providers
        """
        content = textwrap.dedent(text) + textwrap.indent(textwrap.dedent(methods), "    ")
        (tmp_path / "modules/onnxruntime.py").write_text(content)
        return tmp_path / "modules"

    return make


def found_by_a_bundle(device="raspberry_pi_4", network="microexpnet_se", side=48):
    row = {"network": network, "img_size": side, "runtime": "ONNX Runtime", "batch": 1, "median": 20.0, "p90": 21.0}
    row |= {"p99": 25.0, "threads": 1, "precision": "fp32", "deviation": 0.0, "limit": 5.0, "MiB": 3.5, "calls": 10}
    rows = [row, row | {"precision": "int8", "median": 10.0}]
    return {"device": device, "machine": {"processor": "Cortex-A72"}, "rate": 1e9, "rows": rows, "versions": {}}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (
            found_by_a_bundle(),
            {
                "latency(microexpnet_se+kd+onnx, raspberry_pi_4)": 0.02,
                "fps(microexpnet_se+kd+onnx, raspberry_pi_4)": 50,
            },
        ),
        (found_by_a_bundle(side=64), {}),  # not the size that the paper times
        (found_by_a_bundle(network="tinyfer_lite", side=224), {}),  # which its paper times in PyTorch
        (found_by_a_bundle(device="my laptop"), {}),
    ],
)
def test_what_a_bundle_found_joins(tmp_path, made, expected):
    path = tmp_path / "found.json"
    path.write_text(json.dumps(made))
    table, measured = bundle.join(path)
    assert {row["measurement"]: row["value"] for row in measured} == expected
    assert table["device"].eq(made["device"]).all() and table["times_limit"].to_list() == [4, 2]
    path.write_bytes(json.dumps(made).encode("utf-16"))  # as PowerShell 5 redirects it
    assert bundle.join(path)[0].equals(table)


def test_several_files_join_into_one_table(tmp_path, capsys):
    for device in ("raspberry_pi_4", "jetson_nano"):
        (tmp_path / f"{device}.json").write_text(json.dumps(found_by_a_bundle(device)))
    files = [str(tmp_path / f"{device}.json") for device in ("raspberry_pi_4", "jetson_nano")]
    assert cli.main(["bench", "join", *files, "--to", str(tmp_path / "to")]) == 0
    assert (
        pd.read_csv(tmp_path / "to" / "latency.csv")["device"].tolist() == ["raspberry_pi_4"] * 2 + ["jetson_nano"] * 2
    )
    measured = pd.read_csv(tmp_path / "to" / "measurements.csv")["measurement"]
    assert {f"latency(microexpnet_se+kd+onnx, {device})" for device in ("raspberry_pi_4", "jetson_nano")} <= set(
        measured
    )
    assert capsys.readouterr().out.count("precision") == 2


def test_of_one_device_timed_twice_the_faster_counts(tmp_path):
    """Several files of one device, as with other numbers of threads: the ledger has room for one latency of it."""
    folder = tmp_path / "bundles"
    folder.mkdir()
    for name, times in (("a", 1), ("b", 0.5), ("c", 0.8)):
        made = found_by_a_bundle()
        made["rows"] = [row | {"median": times * row["median"]} for row in made["rows"]]
        (folder / f"{name}.json").write_text(json.dumps(made))
    files = [str(path) for path in sorted(folder.iterdir())]
    assert cli.main(["bench", "join", *files, "--to", str(tmp_path / "to/pi")]) == 0
    expected = {f"{kind}(microexpnet_se+kd+onnx, raspberry_pi_4)": by for kind, by in (("latency", 0.01), ("fps", 100))}
    assert measurements.gather([tmp_path / "to"])["value"].to_dict() == expected
    _, measured = bundle.beside({"latency(tinyfer_lite, ryzen_5_3600)": 0.009}, folder)
    assert {row["measurement"]: row["value"] for row in measured} == expected


@pytest.mark.parametrize(
    ("device", "on_card", "ms"),
    [("gtx_1050", 30, 30), ("i7_7700hq", 10, 20), ("jetson_nano", 30, 20), ("jetson_nano", 10, 10)],
)
def test_a_card_is_timed_by_what_runs_on_it_a_processor_by_what_does_not_and_a_board_by_the_faster(
    tmp_path, device, on_card, ms
):
    made = found_by_a_bundle(device)
    made["rows"][1] = made["rows"][0] | {"runtime": "ONNX Runtime CUDA", "median": float(on_card)}
    (tmp_path / "found.json").write_text(json.dumps(made))
    table, (latency, _) = bundle.join(tmp_path / "found.json")
    assert latency == {"measurement": f"latency(microexpnet_se+kd+onnx, {device})", "value": ms / 1000}
    assert table["times_limit"].isna().tolist() == [False, True]  # the limit is the processor's


def test_what_papers_print_of_devices_and_what_was_found_there(tmp_path):
    said = {"latency(tinyfer_lite, ryzen_5_3600)": 0.009, "fps(tinyfer_lite, ryzen_5_3600)": 100.0}
    said |= {"fps(light_fer+pruned+fp16, i5_10300h)": 27.0, "latency(resemotenet, tesla_p100, dataset=rafdb)": 0.1}
    table, measured = bundle.beside(said)
    assert table["ms"].round(2).tolist() == [37.04, 9.0] and not measured  # what is timed on one set is left out
    (tmp_path / "pi.json").write_text(json.dumps(found_by_a_bundle()))
    table, measured = bundle.beside(said, tmp_path)
    assert table["source"].tolist() == ["paper", "paper", "pi.json", "pi.json"] and len(measured) == 2


def test_a_wrong_name_is_told_before_any_network_is_timed(monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "bench", lambda networks, *_: pytest.fail(f"timed {next(iter(networks)).name}"))
    assert cli.main(["bench", "microexpnet_xxs@84", "mini_xception@48"]) == 1
    assert "no network 'mini_xception'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["bundle", "x.pyz", "--to", "x"],
        ["bundle", "x.pyz", "--threads", "1"],
        ["join", "x.json", "--memory"],
        ["join", "x.json", "--runtimes", "PyTorch"],
    ],
)
def test_an_option_that_is_not_read_is_refused(words, capsys):
    assert cli.main(["bench", *words]) == 1
    assert f"bench {words[0]} does not read {words[2]}" in capsys.readouterr().err


def test_options_are_those_of_the_benchmark(monkeypatch, tmp_path, capsys):
    asked, table = {}, pd.DataFrame(columns=list(benchmark.COLUMNS))
    monkeypatch.setattr(benchmark, "bench", lambda networks, **given: asked.update(given) or table)
    assert cli.main(["bench", "microexpnet_xxs@84"]) == 0 and asked == {}
    words = ["--runtimes", "PyTorch", "--threads", "2", "--batch", "3", "--seconds", "0.5", "--memory", "--realtime"]
    assert cli.main(["bench", "microexpnet_xxs@84", *words]) == 0
    expected = {"names": ["PyTorch"], "threads": 2, "batch": 3, "seconds": 0.5, "memory": True, "realtime": True}
    assert asked == expected


def test_what_no_bundle_printed(tmp_path, capsys):
    (tmp_path / "found.json").write_text("{}")
    with pytest.raises(BundleError, match="not what a bundle prints"):
        bundle.join(tmp_path / "found.json")
    (tmp_path / "picture.json").write_bytes(b"\xff\xd8\xff\xe0" * 10_000)
    with pytest.raises(BundleError) as found:
        bundle.join(tmp_path / "picture.json")
    assert len(str(found.value)) < 400, "the file itself is no part of the message"
    assert cli.main(["bench", "join", str(tmp_path / "found.json")]) == 1
    assert cli.main(["bench", "bundle"]) == 1
    capsys.readouterr()
    assert cli.main(["bench", "join"]) == 1 and "name what a bundle has printed" in capsys.readouterr().err


@pytest.mark.skipif(
    not all(map(find_spec, ("onnx", "onnxscript", "onnxruntime"))), reason="the extra edge is not installed"
)
class TestWithRuntime:
    def test_a_bundle_runs_by_itself(self, tmp_path):
        network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 3)).eval()
        held = runtimes.Network("microexpnet_xxs@12", network, (1, 12, 12))
        path = bundle.make(tmp_path / "bench.pyz", [held], ["fp32"])
        assert path.read_bytes() == bundle.make(tmp_path / "again.pyz", [held], ["fp32"]).read_bytes()
        # no module of the project or of PyTorch: what the file needs beside NumPy and ONNX Runtime it holds itself
        block = "import sys, runpy\nfor name in ('torch', 'fercore', 'onnx', 'pandas'): sys.modules[name] = None\n"
        block += "sys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')"
        words = [sys.executable, "-c", block, str(path), "--device", "jetson_nano", "--seconds", "0.01"]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        made = json.loads(done.stdout)
        assert made["device"] == "jetson_nano" and made["rows"][0]["deviation"] < 1e-4
        (tmp_path / "found.json").write_text(done.stdout)
        assert len(bundle.join(tmp_path / "found.json")[0]) == 1

    def test_only_json_is_printed_and_no_time_of_the_processor_as_that_of_a_card(self, tmp_path, tiny, onnxruntime_of):
        """ONNX Runtime prints of a provider that fails, and goes on with the processor, at once or in the midst."""
        answers = """
        def __init__(self, content, settings, providers):
            if "Tensorrt" in providers[0] and fails:
                raise Exception("EPFail: no such layer")
            self.providers = [CPU] if "Tensorrt" in providers[0] else providers
            print("*** EP Error ***")

        def run(self, names, images):
            if "CUDA" in self.providers[0]:
                print("EP Error: out of memory; falling back")
                self.providers = [CPU]
            return [np.ones((1, 3))]
        """
        for fails in ("False", "True"):
            done = self._bundle(tmp_path, tiny, onnxruntime_of(answers.replace("fails", fails)))
            assert done.returncode == 0, done.stderr
            assert [row["runtime"] for row in json.loads(done.stdout)["rows"]] == ["ONNX Runtime"]
            assert "EP Error" in done.stderr and ("EPFail: no such layer" in done.stderr) == (fails == "True")

    def test_a_network_that_an_older_onnx_runtime_cannot_read_is_one_line(self, tmp_path, tiny, onnxruntime_of):
        answers = """
        def __init__(self, *_, **__):
            raise Exception("Unsupported model IR version: 10, max supported IR version: 9\\nand where")
        """
        done = self._bundle(tmp_path, tiny, onnxruntime_of(answers))
        assert done.returncode == 1 and not done.stdout and done.stderr.count("\n") == 1
        assert "ONNX Runtime 1.0" in done.stderr and "IR version: 10" in done.stderr and "--upgrade" in done.stderr

    @staticmethod
    def _bundle(tmp_path, tiny, path):
        """What a bundle of one network did with the modules in the folder `path`."""
        network = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12))
        words = [sys.executable, str(bundle.make(tmp_path / "bench.pyz", [network], ["fp32"])), "--seconds", "0.01"]
        return subprocess.run(words, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(path)})

    def test_a_bundle_compares_with_pytorch(self, tiny, tmp_path):
        """So that INT8 deviates, which would answer as the same file does."""
        network = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12))
        path = bundle.make(tmp_path / "bench.pyz", [network])
        done = subprocess.run([sys.executable, str(path), "--seconds", "0.01"], capture_output=True, text=True)
        fp32, int8 = (row["deviation"] for row in json.loads(done.stdout)["rows"])
        assert fp32 < 1e-5 < int8 < 0.5

    def test_a_damaged_bundle_is_one_line(self, tmp_path, tiny):
        network = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12))
        content = bytearray(bundle.make(tmp_path / "bench.pyz", [network], ["fp32"]).read_bytes())
        content[content.index(b".onnx") + 200] ^= 1  # in the midst of the network
        (tmp_path / "bench.pyz").write_bytes(content)
        words = [sys.executable, str(tmp_path / "bench.pyz"), "--seconds", "0.01"]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and "copy it again" in done.stderr

    @pytest.mark.parametrize("name", ["ONNX Runtime", "OpenVINO", "OpenVINO bf16"])
    def test_runtimes_answer_alike(self, tiny, name):
        if "OpenVINO" in name and not find_spec("openvino"):
            pytest.skip("OpenVINO is not installed, of the extra edge")
        held = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12))
        try:
            loaded = runtimes.load(name, held, batch=4)
        except runtimes.Missing as error:
            pytest.skip(str(error))
        images = np.random.default_rng(0).random((3, 1, 12, 12), np.float32)  # the last batch of a set is smaller
        with torch.no_grad():
            expected = held.module(torch.from_numpy(images)).numpy()
        assert np.abs(loaded.run(images) - expected).max() < (0.05 if "bf16" in name else 1e-4)
        assert loaded.size > 0

    def test_peak_memory_of_a_fresh_process(self, tiny):
        """Whatever the process has held that starts it."""
        held, ballast = runtimes.Network("tiny@12", tiny().eval(), (1, 12, 12)), np.ones(600 * 2**17)
        assert 10 < benchmark.peak_memory(held, "ONNX Runtime") < ballast.nbytes / 2**20 / 2
        assert np.isnan(benchmark.peak_memory(held, "ONNX Runtime int8"))
