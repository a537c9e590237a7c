"""Commands that use networks: predict, webcam, export, score, bench."""

from __future__ import annotations

import argparse
import shlex
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from .. import files
from . import numbers
from .outputs import make_room, refuse_file

INT8_METHODS = ("per tensor", "per channel", "per channel, percentiles")  # compress.METHODS, which imports PyTorch


def add_to(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add these commands; `add` takes name, function and help."""
    words = "predict the emotion of every face in pictures, folders of pictures and videos"
    command = add("predict", _predict, words)
    command.add_argument("sources", nargs="*", metavar="IMAGE|FOLDER|VIDEO")
    command.add_argument("--to", metavar="FILE", help="write a table, one row per face, to FILE.csv or FILE.json")
    command.add_argument("--draw", metavar="FOLDER", help="save copies of the pictures and videos with labelled faces")
    _add_predictor(command)
    command.add_argument(
        "--every",
        type=numbers.whole(),
        default=1,
        metavar="N",
        help="only every Nth frame of a video or an animation (default: %(default)s)",
    )
    command.add_argument(
        "--limits", action="store_true", help="print what these predictions can and cannot be used for, and exit"
    )

    command = add("webcam", _webcam, "show a camera's picture with labelled faces in a browser")
    command.add_argument("--camera", default="0", help="number of the camera, or a video file (default: %(default)s)")
    command.add_argument(
        "--port",
        type=numbers.whole(0, numbers.LAST_PORT),
        default=0,
        help="port on this computer (default: any that is free)",
    )
    command.add_argument("--seconds", type=numbers.seconds, help="stop after so many seconds")
    words = "record what is shown; browsers play .webm (default: nothing is kept)"
    command.add_argument("--record", metavar="FILE.mp4|FILE.webm", help=words)
    _add_predictor(command)

    words = "export a network as an ONNX file, with resizing and normalisation inside"
    command = add("export", _export, words)
    command.add_argument("network", help="its name, such as lean_250k")
    command.add_argument(
        "--weights", help="the network's included weights, such as fer2013, or a run's best.safetensors (default: "
        "fer2013_distilled where the network has them, else fer2013)",
    )  # fmt: skip
    command.add_argument("--to", metavar="FILE.onnx", required=True, help="the file to write")
    command.add_argument(
        "--int8", metavar="FOLDER", help="quantise to INT8, calibrated on this imported data set; refused if that "
        "costs more than half a point of accuracy on the validation split",
    )  # fmt: skip
    command.add_argument(
        "--method", choices=INT8_METHODS, metavar="METHOD", help="how to quantise with --int8: weights with one scale "
        "per tensor or per channel, activations by min-max or percentile calibration: "
        f"{'; '.join(INT8_METHODS)} (default: {INT8_METHODS[-1]})",
    )  # fmt: skip

    words = "score a file of fercore export on a data set: accuracy, F1 and calibration, overall and by class"
    command = add("score", _score, words)
    command.add_argument("model", metavar="FILE.onnx", help="what fercore export has made, or comes with the project")
    command.add_argument("--data", metavar="FOLDER", required=True, help="an imported data set, such as data/mine")
    command.add_argument("--split", default="test", help="a split by name or role (default: the one that tests)")
    command.add_argument(
        "--mask", metavar="CSV", help="test_mask.csv of 01_data_audit: score also without the images that stand in "
        "Training as well",
    )  # fmt: skip
    command.add_argument("--to", metavar="FOLDER", help="save tables, every answer and the confusion matrix there")

    words = "time networks in every installed runtime, here or on another computer"
    command = add("bench", _bench, words)
    command.add_argument(
        "words", nargs="*", metavar="NETWORK@SIDE | bundle FILE [NETWORK@SIDE ...] | join JSON",
        help="networks and input sizes, such as tinyfer_lite@64; bundle: write one file that times them on a computer "
        "with only NumPy and ONNX Runtime; join: read the results that it printed there",
    )  # fmt: skip
    command.add_argument(
        "--runtimes", dest="names", nargs="+", metavar="NAME", help="such as PyTorch 'ONNX Runtime' (default: all)"
    )
    command.add_argument("--threads", type=numbers.whole(), help="number of threads (default: 1)")
    command.add_argument("--batch", type=numbers.whole(), help="images at a time (default: 1)")
    command.add_argument(
        "--seconds", type=numbers.seconds, help="approximate time for each network in each runtime (default: 1)"
    )
    words = "hold up other processes while timing, where Linux allows it"
    command.add_argument("--realtime", action="store_const", const=True, help=words)
    words = "also measure peak memory, each in a fresh process"
    command.add_argument("--memory", action="store_const", const=True, help=words)
    command.add_argument("--to", metavar="FOLDER", help="save latency.csv there, and after join also measurements.csv")


def _add_predictor(command: argparse.ArgumentParser) -> None:
    """What `predict` and `webcam` see faces by; `_predictor` reads it."""
    command.add_argument("--model", metavar="FILE", help="a file made by fercore export, instead of --network")
    command.add_argument("--network", help="a network whose weights are included (default: lean_250k)")
    words = "which of its weights, such as fer2013 (default: fer2013_distilled where it has them, else fer2013)"
    command.add_argument("--weights", "--data", dest="data", metavar="NAME", help=words)
    command.add_argument(
        "--detector", default="auto", help="auto, yunet, cascade, or none: every picture is one face, as pictures "
        "with sides of at most 112 px always are (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--certain", type=numbers.share, default=0.5, metavar="P",
        help="mark predictions of a lower probability as uncertain (default: %(default)s)",
    )  # fmt: skip


def _named(options) -> dict[str, str]:
    """Network and data of `_add_predictor`, as far as they are given. Raises ValueError where a model is, too."""
    named = {key: value for key in ("network", "data") if (value := getattr(options, key)) is not None}
    if options.model and named:
        raise ValueError(f"--model is a network with its weights: leave out --{' and --'.join(named)}")
    return named


def _predictor(options, **more):
    from ..deployment.predict import Predictor

    words = {"model": options.model, "certain": options.certain, "detector": options.detector}
    return Predictor(**_named(options), **words, **more)


def _predict(options) -> int:
    from ..deployment import predict

    named = _named(options)
    if options.limits:
        print(predict.limits_of(options.model) if options.model else predict.limits(**named))
        return 0
    if not options.sources:
        raise ValueError("name a picture, a folder or a video; fercore predict --help says more")
    if options.to and Path(options.to).suffix not in (".csv", ".json"):  # before the work, not after it
        raise ValueError(f"{options.to}: a table is written to a file ending in .csv or .json")
    refuse_file(options.draw)
    predictor = _predictor(options)
    make_room(options.to)
    found = predict.predict(predictor, options.sources, options.every)
    keep = partial(predict.save, path=options.to) if options.to else None
    table = predict.report(found, predictor.description.classes, options.draw, keep=keep)
    given = [word for key, value in [*named.items(), ("model", options.model)] if value for word in (f"--{key}", value)]
    limits = shlex.join(["fercore", "predict", *given, "--limits"])
    print(predict.summary(table, predictor.description.calibrated, limits))
    nothing = table["face"].isna().all() and not table["note"].eq(predict.NO_FACE).any()
    return int(nothing or (bool(options.draw) and not table.attrs["drawn"]))


def _webcam(options) -> None:
    from ..deployment import detect, export, webcam

    source = int(options.camera) if options.camera.isdigit() else options.camera
    predictor = _predictor(options, sizes=detect.MOVING)
    if not predictor.description.calibrated:
        print(export.NOT_CALIBRATED)
    seen = webcam.watch(predictor, source, options.port, options.seconds, options.record)
    print(f"{seen['frames']:,} frames in {seen['seconds']:.1f} s, {seen['fps']:.1f} a second")


def _export(options) -> None:
    from ..deployment import compress, export
    from ..models import weights

    if options.method and not options.int8:
        raise ValueError("--method can only be used with --int8, which names the data set to calibrate on")
    if Path(options.to).suffix != ".onnx":
        raise ValueError(f"{options.to}: what is written is ONNX; name a file ending in .onnx")
    make_room(options.to)
    given = options.weights or weights.preferred(options.network)
    if not options.int8:
        print(export.from_weights(options.network, given, options.to))
        _say_uncalibrated(options.to)
        return
    from .. import datasets

    faces = datasets.load_imported(options.int8)
    with tempfile.TemporaryDirectory() as folder:
        whole = export.from_weights(options.network, given, Path(folder) / "fp32.onnx")
        found = compress.export_int8(whole, faces, options.to, options.method or compress.METHODS[-1])
    said = ", ".join(f"{name} {100 * share:.2f} %" for name, share in found.items())
    print(f"{options.to}: accuracy on {faces.split_of('select')} {said}")
    _say_uncalibrated(options.to)


def _score(options) -> None:
    from .. import audit, datasets
    from ..deployment import export, score

    refuse_file(options.to)
    faces = datasets.load_imported(options.data)
    masks = audit.without_copies(faces, options.split, options.mask) if options.mask else {}
    split = options.split if options.split in faces.splits else faces.split_of(options.split)
    model = export.load(options.model)
    found = score.score(model, faces, options.split, masks)
    told = split or "all images"
    print(f"{told} of {faces.name}, with 95 % intervals over images")
    if why := score.seen(model.description, faces, split):
        print(f"note: {why}")
    print(found.scores.round(4).to_string(), found.by_class.round(4).to_string(), sep="\n\n")
    print(f"\nexpected calibration error: {found.calibration_error:.4f}")
    if options.to:
        from ..reporting import plots
        from ..results import figures, tables

        name = Path(options.model).name
        tables.save(found.scores, options.to, "scores", faces, f"{name} on {told}")
        tables.save(found.by_class, options.to, "report", faces, f"{name} on {told}, by class")
        tables.save(found.predictions, options.to, "predictions", faces)
        tables.save_findings({"calibration_error": found.calibration_error}, options.to, faces)
        figures.save(plots.confusion(found.matrix, faces, f"{name}, {told}"), options.to, "confusion")
        print(f"saved in {options.to}")


def _say_uncalibrated(path: str) -> None:
    from ..deployment import export

    if not export.read(path)[1].calibrated:
        print(export.NOT_CALIBRATED)


def _bench(options) -> None:
    import pandas as pd

    from ..deployment import benchmark, bundle, timing
    from ..results import measurements

    first, *rest = options.words or ["tinyfer_lite@64"]
    timed = ("names", "threads", "batch", "seconds", "memory", "realtime")
    given = {key: value for key in timed if (value := getattr(options, key)) is not None}
    reads = {"bundle": [], "join": ["to"]}.get(first, ["to", *timed])
    if unread := [key for key in ("to", *timed) if getattr(options, key) is not None and key not in reads]:
        raise ValueError(f"bench {first} does not read --{unread[0].replace('names', 'runtimes')}")
    refuse_file(options.to)
    if first == "bundle":
        if not rest:
            raise ValueError("name the file: fercore bench bundle fercore-bench.pyz [NETWORK@SIDE ...]")
        specs = rest[1:] or ["microexpnet_xxs@84", "microexpnet_se@48", "tinyfer_lite@64", "tinyfer_lite@224"]
        make_room(rest[0])
        path = bundle.make(rest[0], map(benchmark.network, specs))
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB; python {path.name} --device NAME > NAME.json")
        return
    if first == "join":
        if not rest:
            raise ValueError("name what a bundle has printed: fercore bench join NAME.json [NAME.json ...]")
        tables, measured = zip(*map(bundle.join, rest), strict=True)
        if options.to:
            folder = Path(options.to)
            rows = bundle.fastest(row for each in measured for row in each)
            measurements.write(measurements.table(rows, measurements.PAPER), folder)
            _write_latency(pd.concat(tables), folder)
        for table in tables:
            print(benchmark.shown(table))
        return
    networks = [benchmark.network(spec) for spec in (first, *rest)]  # a wrong name is told before any is timed
    table = benchmark.bench(networks, **given)
    if options.to:
        Path(options.to).mkdir(parents=True, exist_ok=True)
        _write_latency(table, Path(options.to))
    print(benchmark.shown(table))
    print("  ".join(f"{name}: {value}" for name, value in timing.machine().items()))


def _write_latency(table, folder: Path) -> None:
    content = table.to_csv(index=False, lineterminator="\n", float_format="%.4g")
    files.write_text(folder / "latency.csv", content)
