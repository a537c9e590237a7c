"""Light-FER's equations by hand, a schedule that is kept while a training goes on, and what is left of a network."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

from fercore import models
from fercore.deployment import compress, export
from fercore.deployment.compress import Schedule
from fercore.training.recipe import Recipe
from fercore.training.trainer import fit

RECIPE = Recipe(
    epochs=4, batch_size=8, img_size=12, loss="cross_entropy", class_weighted=False, learning_rate=0.01,
    schedule="cosine",
)  # fmt: skip


def test_equations_2_to_4_by_hand():
    weight = torch.tensor([[-2.0, -1.0, 0.0], [0.5, 0.008, 2.0]])
    assert compress.greatest(weight) == 2
    assert compress.scale(weight, 8) == 255 / 4
    # 63.75 times -2, -1, 0, 0.5, 0.008, 2 is -127.5, -63.75, 0, 31.875, 0.51, 127.5
    assert compress.quantise(weight, 8).tolist() == [[-127, -64, 0], [32, 1, 127]]
    assert compress.quantise(weight, 2).tolist() == [[-1, -1, 0], [0, 0, 1]]  # 0.75 times: -1.5 is taken back to -1


@pytest.mark.parametrize("bits", [0, 25, 32])
def test_bits_that_no_weight_has_are_refused(bits):
    with pytest.raises(ValueError, match=f"{bits} bits; expected 1 to 24"):
        compress.quantise(torch.tensor([0.9, -0.9, 0.4]), bits)


@pytest.mark.parametrize("bits", [2, 4, 8, 16, 24])
def test_quantised_weights_are_within_the_bounds_and_near(bits):
    weight = torch.randn(500, generator=torch.Generator().manual_seed(0))
    found, scale = compress.quantise(weight, bits), compress.scale(weight, bits)
    assert found.dtype == torch.int32 and found.abs().max() <= (2**bits - 1) / 2
    assert (found / scale - weight).abs().max() <= 0.5 / scale + 1e-6  # half a step, at the greatest weight too


def test_weights_that_are_all_zero_have_no_scale():
    with pytest.raises(ValueError, match="no scale fits"):
        compress.scale(torch.zeros(3), 8)
    layer = nn.Sequential(nn.Linear(3, 3))
    nn.init.zeros_(layer[0].weight)
    assert compress.quantised(layer, 8)[0].weight.count_nonzero() == 0


def test_equation_1():
    assert compress.compression_ratio([100, 300], [50, 100]) == pytest.approx(400 / 150), "of all, not a mean of ratios"
    with pytest.raises(ValueError, match="nothing is left"):
        compress.compression_ratio([5], [0])


def test_the_schedule_is_zhu_and_guptas():
    schedule = Schedule(0.8, steps=100, initial=0.2, after=10)
    assert [schedule.at(step) for step in (0, 9, 10, 110, 500)] == [0, 0, pytest.approx(0.2), 0.8, 0.8]
    assert schedule.at(60) == pytest.approx(0.8 - 0.6 * 0.5**3)
    for wrong in ({"final": 1.0}, {"final": 0.1, "initial": 0.2}):
        with pytest.raises(ValueError, match="expected shares below 1"):
            Schedule(**wrong, steps=10)


def test_each_layer_loses_its_smallest_weights(tiny):
    network = tiny()
    pruned = compress.prune(network, 0.5)
    for name, (whole, left) in compress.counts(pruned).items():
        before, after = network.get_submodule(name).weight, pruned.get_submodule(name).weight
        assert left == whole - round(whole / 2)
        assert before[after == 0].abs().max() <= before[after != 0].abs().min()
    assert compress.sparsity(network) == 0 and compress.sparsity(pruned) == pytest.approx(0.5, abs=0.02)
    assert pruned.state_dict().keys() == network.state_dict().keys()


def test_a_training_prunes_as_it_goes_on(tiny, faces, tmp_path):
    steps = 4 * 8  # 60 images in batches of 8
    network = compress.prune_while_training(tiny(), Schedule(0.75, steps=steps // 2, every=4))
    run = fit(network, faces, RECIPE, tmp_path, select=None, device="cpu", progress=False)
    assert int(run.network.pruning_step) > 0
    network = compress.make_permanent(run.network)
    assert network.state_dict().keys() == tiny().state_dict().keys() and not network._forward_pre_hooks
    for whole, left in compress.counts(network).values():
        assert left == whole - round(0.75 * whole)


def test_a_training_of_one_step_prunes_as_much(tiny, faces):
    recipe = replace(RECIPE, epochs=1, batch_size=len(faces))
    assert compress.sparsity(compress.prune_and_train(tiny(), 0.5, faces, recipe)) == pytest.approx(0.5, abs=0.02)


def test_another_share_in_the_same_folder_is_another_training(tiny, faces, tmp_path):
    for share in (0.5, 0.9):
        pruned = compress.prune_and_train(tiny(), share, faces, replace(RECIPE, epochs=2), tmp_path)
        assert compress.sparsity(pruned) == pytest.approx(share, abs=0.02)


def test_what_was_trained_on_a_gpu_comes_back_to_the_cpu(tiny, faces, monkeypatch):
    class Elsewhere(nn.Sequential):
        def cpu(self):
            return self[0]

    def trained(network, *_, **__):
        return type("Run", (), {"network": Elsewhere(network)})

    monkeypatch.setattr(compress, "fit", trained)
    assert not isinstance(compress.prune_and_train(tiny(), 0.5, faces, RECIPE), Elsewhere)


def test_a_pruned_training_that_was_stopped_comes_to_the_same(tiny, faces, tmp_path, monkeypatch):
    def train(folder):
        network = compress.prune_while_training(tiny(), Schedule(0.75, steps=16, every=4))
        return fit(network, faces, RECIPE, tmp_path / folder, device="cpu", progress=False)

    from fercore.training import trainer

    expected = train("whole").network.state_dict()
    write = trainer._Training.write

    def stop(self, *words):
        write(self, *words)
        if len(self.history) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(trainer._Training, "write", stop)
        train("stopped")
    found = train("stopped").network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in found.items())


@pytest.mark.skipif(find_spec("torch_pruning") is None, reason="torch-pruning is not installed, of the extra edge")
@pytest.mark.parametrize("name", ["tinyfer_lite", "microexpnet_xxs", "simple_cnn"])
def test_channels_are_taken_out(name):
    network = models.create(name, 7).eval()
    shape = (1, 84, 84) if "micro" in name else (3, 48, 48)
    pruned = compress.prune_channels(network, shape, 0.3)
    sizes = [sum(parameter.numel() for parameter in each.parameters()) for each in (network, pruned)]
    assert sizes[1] < 0.75 * sizes[0] and pruned(torch.rand(2, *shape)).shape == (2, 7)


@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="ONNX Runtime is not installed, of the extra edge")
class TestInt8:
    @pytest.mark.parametrize("method", compress.METHODS)
    def test_answers_are_much_the_same(self, tiny, faces, method):
        pytest.importorskip("onnxscript", reason="of the extra edge")
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten())
        network.append(nn.Linear(16 * 64, 3)).eval()
        dynamic = {export.INPUT: {0: torch.export.Dim("n")}}
        content = export.to_onnx(network, torch.zeros(2, 1, 12, 12), dynamic).SerializeToString()
        made = compress.int8(content, compress.calibration(faces, 40, 12, 1), method)
        assert len(made) < 0.7 * len(content)
        rows = faces.rows("PrivateTest")
        sessions = [export.session(each) for each in (content, made, compress.float16(content))]
        found = [
            compress.probabilities(lambda x, s=s: s.run(None, {export.INPUT: x})[0], faces, rows, 12, channels=1)
            for s in sessions
        ]
        assert np.abs(found[1] - found[0]).max() < 0.05 and np.abs(found[2] - found[0]).max() < 0.01

    def test_methods_by_name(self):
        with pytest.raises(ValueError, match="no method 'int4'; there are per tensor; per channel; per channel, "):
            compress.int8(b"", np.zeros(1), "int4")

    def test_the_whole_of_a_file_is_not_quantised_by_openvino(self):
        with pytest.raises(export.ExportError, match="give the network alone, and float images"):
            compress.int8_openvino(b"", np.zeros((1, 12, 12, 3), np.uint8))

    def test_percentiles_leave_out_what_is_far_from_all_else(self):
        pytest.importorskip("onnxscript", reason="of the extra edge")
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(1, 8, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 144, 3)).eval()
        dynamic = {export.INPUT: {0: torch.export.Dim("n")}}
        content = export.to_onnx(network, torch.zeros(2, 1, 12, 12), dynamic).SerializeToString()
        seen = np.random.default_rng(0).random((201, 1, 12, 12), np.float32)  # by 8, 4 and 2 no whole parts
        seen[100, 0, 5, 5] = 1000
        run = {
            name: export.session(made).run(None, {export.INPUT: seen[:50]})[0]
            for name, made in [("fp32", content)]
            + [(each, compress.int8(content, seen, each)) for each in compress.METHODS]
        }
        lost = {name: np.abs(answers - run["fp32"]).max() for name, answers in run.items()}
        assert lost["per channel, percentiles"] < 0.05 and lost["per channel"] > 5 * lost["per channel, percentiles"], (
            lost
        )

    def test_a_file_in_integers_is_written_where_it_loses_little(self, tiny, make_faces, tmp_path):
        pytest.importorskip("onnxscript", reason="of the extra edge")
        faces = make_faces(90)
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 100, 3))
        told = export.Description("tiny", faces.name, faces.classes, 12, face_size=12)
        path, to = export.export(network.eval(), tmp_path / "a.onnx", told), tmp_path / "b.onnx"
        found = compress.export_int8(path, faces, to, count=16, allowed=1.0)
        rows = faces.rows("select")
        right = [export.load(one)(faces.pixels[rows]).argmax(1) == faces.labels[rows] for one in (path, to)]
        assert found == {name: each.mean() for name, each in zip(("fp32", "int8"), right, strict=True)}
        assert export.read(to)[1].precision == "int8" and found["fp32"] != 0.5
        answers = [export.load(one)(faces.pixels[:9]) for one in (path, to)]
        assert 0 < np.abs(answers[0] - answers[1]).max() < 0.01
        larger = np.stack([np.kron(face, np.ones((9, 7), np.uint8)) for face in faces.pixels[:9]])  # than calibrated
        answers = [export.load(one)(larger) for one in (path, to)]
        assert 0 < np.abs(answers[0] - answers[1]).max() < 0.01
        order = [2, 0, 1]  # in which another import may have the same classes
        turned = replace(
            faces,
            classes=tuple(faces.classes[place] for place in order),
            table=faces.table.assign(label=np.argsort(order)[faces.labels]),
        )
        assert compress.export_int8(path, turned, to, count=16, allowed=1.0) == found
        to.unlink()
        others = replace(faces, classes=("dark", "middle", "blinding"))
        with pytest.raises(
            export.ExportError, match=r"^tiny is of the classes .* and grey noise of dark, middle, blinding"
        ):
            compress.export_int8(path, others, to, count=16, allowed=1.0)
        with pytest.raises(
            export.ExportError, match=r"INT8 is right on .* of PublicTest.*nothing written.* 'per tensor' or"
        ):
            compress.export_int8(path, faces, to, count=16, allowed=-2.0)
        assert not to.exists()


def test_what_was_pruned_is_of_the_last_epoch_and_not_of_one_before_it(tiny, faces, monkeypatch):
    asked, fit_as_it_is = {}, compress.fit
    monkeypatch.setattr(compress, "fit", lambda *words, **more: asked.update(more) or fit_as_it_is(*words, **more))
    compress.prune_and_train(tiny(), 0.5, faces, RECIPE)
    assert asked["select"] is None
