"""A trained network as one ONNX file that takes a face as the camera has it, and says what it is.

export(network, "tinyfer_lite.onnx", describe("tinyfer_lite", "fer2013"))
exported = load("tinyfer_lite.onnx")
exported(faces)                                # uint8 (N, H, W, 3) or (N, H, W) to probabilities (N, classes)

Grey levels, resizing, normalisation, views and temperature are inside the file, so that nobody can get them wrong.
Needs the extra `edge`; running a file needs ONNX Runtime alone.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import importlib
import io
import json
import logging
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import nn

from .. import files, models
from ..datasets import Faces, preprocess
from ..evaluation import inference
from ..models import padding, weights
from ..training import checkpoint

PARITY = 1e-4  # what logarithms of probabilities may differ by, between PyTorch and the file, in fp32
HALF_PARITY = 0.05  # the same where weights are stored in half precision
INPUT, OUTPUT = "faces", "probabilities"
RECORD, DIGEST = "fercore", "sha256"  # keys of the file's metadata
OPSET = 20
NOT_CALIBRATED = (
    "Not calibrated: its probabilities may be too high or too low (fercore train --release calibrates what was trained "
    "from random weights; fercore score says by how much)"
)
BATCH = 64  # images that a file is given at a time, where it is asked for many
OPENVINO = ("openvino", "nncf")  # in no extra: 190 MB, and NNCF wants older versions of others


class ExportError(RuntimeError):
    """A file that cannot be made or must not be used: says what was found and what to do."""


@dataclass(frozen=True)
class Description:
    """What a file says of itself.

    network, data, classes   the name, that of its weights (the set, with _distilled where another network taught, too)
                  and those of the outputs in order
    img_size      px, of what the network sees
    face_size     px, of the faces it was trained on, (height, width) where they are not square: others are brought to
                  that first, to be as blurred as they
    tta           one, flip: the views whose probabilities are averaged
    temperature   that logits are divided by (`evaluation.calibration`)
    grey          colours are taken away first, as from the faces it was trained on
    fingerprint   of the weights, SHA-256
    precision     of the arithmetic: fp32, fp16, int8
    """

    network: str
    data: str
    classes: tuple[str, ...]
    img_size: int
    face_size: int | tuple[int, int] = 48
    tta: str = "one"
    temperature: float = 1.0
    grey: bool = True
    fingerprint: str = ""
    precision: str = "fp32"

    def __post_init__(self):
        object.__setattr__(self, "classes", tuple(self.classes))
        if not isinstance(self.face_size, int):
            object.__setattr__(self, "face_size", tuple(self.face_size))
        if self.tta not in ("one", "flip"):
            raise ValueError(f"tta is one or flip in a file, not {self.tta!r}")

    @property
    def face_shape(self) -> tuple[int, int]:
        """Height and width of `face_size`."""
        return (self.face_size, self.face_size) if isinstance(self.face_size, int) else self.face_size

    @property
    def calibrated(self) -> bool:
        """Whether a temperature was fitted, as of weights of a release, and of no others."""
        return self.temperature != 1.0


class FromFace(nn.Module):
    """`network` with all that comes before and after it: uint8 faces (N, H, W, 3) to probabilities (N, classes)."""

    def __init__(self, network: nn.Module, description: Description):
        super().__init__()
        self.network, self.description = network, description
        self.channels = inference.channels(network)

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        wanted = self.description
        images = preprocess.to_float(faces.permute(0, 3, 1, 2))
        if wanted.grey:
            images = preprocess.grey(images) / 0.9999  # what its weights add up to: grey stays as it is
        for height, width in (wanted.face_shape, (wanted.img_size, wanted.img_size)):
            images = resize(images, height, width)
        images = preprocess.normalise(images, self.channels)
        if wanted.tta == "flip":  # one batch: the network and its weights stand in the file once
            images = torch.cat([images, images.flip(-1)])
        found = (self.network(images) / wanted.temperature).softmax(-1)
        return found.reshape(2, -1, found.shape[1]).mean(0) if wanted.tta == "flip" else found


def resize(images: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Float (N, C, H, W) to (N, C, height, width), bilinear and with antialiasing, as `preprocess.resize` does.

    Written as two products with matrices, since runtimes differ in ONNX's Resize: OpenVINO leaves antialiasing out.
    """
    across, down = (_triangles(images.shape[axis], side, images) for axis, side in ((3, width), (2, height)))
    return down @ images @ across.T


def _triangles(size: int, side: int, like: torch.Tensor) -> torch.Tensor:
    """What each of `size` pixels adds to each of `side`, (side, size): triangles as wide as two of the larger ones."""
    scale = torch.full((1,), 1.0, device=like.device) * size / side
    wide = scale.clamp(min=1.0)
    middles = (torch.arange(side, device=like.device) + 0.5) * scale
    pixels = torch.arange(size, device=like.device) + 0.5
    # what lies beyond the edge counts for nothing, so the rest counts for more
    shares = (1 - (pixels[None, :] - middles[:, None]).abs() / wide).clamp(min=0)
    return shares / shares.sum(1, keepdim=True)


def describe(network: str, data: str) -> Description:
    """The description of weights that come with the project. Raises WeightsError."""
    path, _ = weights.released(network, data)
    return _described(network, data, weights.record(path))


def _described(network: str, data: str, record: dict) -> Description:
    wanted = {"tta": record["tta"], "temperature": record["temperature"] or 1.0}
    wanted |= {
        key: record[key] for key in ("face_size", "grey") if key in record
    }  # of a release from before: FER2013's
    return Description(network, data, record["classes"], record["img_size"], **wanted)


def from_weights(network: str, weights_of: str | Path, path: str | Path, half: bool = False) -> Path:
    """Export a network with weights that come with the project ("fer2013"), or in a file of `model_card.release`, or
    the best.safetensors of a run, whose probabilities are not calibrated.

    Raises WeightsError where they cannot be had, and as `export` does.
    """
    if Path(weights_of).is_dir() and not (weights.RELEASED / f"{network}-{weights_of}.safetensors").is_file():
        raise weights.WeightsError(f"{weights_of} is a folder; of a run, name {Path(weights_of) / 'best.safetensors'}")
    if str(weights_of).isidentifier():
        description, given = describe(network, str(weights_of)), str(weights_of)
        made = models.create(network, weights=given)
    else:
        record = weights.record(weights_of)
        data = Path(weights_of).stem.removeprefix(f"{network}-")
        if "identity" in record:
            data, record = _of_run(Path(weights_of), record)
        if record.get("network") != network:
            raise weights.WeightsError(
                f"{weights_of} is of {record.get('network', 'no network by name')}, not {network}"
            )
        description = _described(network, data, record)
        made = models.create(network, len(record["classes"]), weights_of)
    return export(made, path, description, half=half)


def _of_run(path: Path, record: dict) -> tuple[str, dict]:
    """The data's name, and the record of a run's weights with how large the faces were, which its provenance alone
    says. Raises WeightsError."""
    made, told = record["identity"], path.with_name("provenance.json")
    try:
        found = json.loads(told.read_text(encoding="utf-8"))
        shape = found["data"]["shape"] if found["parameters"] == made else None
    except (OSError, ValueError, KeyError, TypeError):
        shape = None
    if shape is None:
        what = f"how large the faces are that {path} was trained on"
        if not told.exists():
            raise weights.WeightsError(f"{told}, which says {what}, is not there: copy the run's")
        raise weights.WeightsError(
            f"{told} does not say {what}: remove it, and give the same fercore train again, which makes it anew"
        )
    data = checkpoint.name_of_data(made["data"])
    return data, record | {"face_size": size_of(shape), "grey": len(shape) == 2}


def size_of(shape: Sequence[int]) -> int | tuple[int, int]:
    """`Description.face_size` of images of a shape (H, W, …)."""
    height, width = map(int, shape[:2])
    return height if height == width else (height, width)


def export(network: nn.Module, path: str | Path, description: Description, half: bool = False) -> Path:
    """Write `network` to `path` as ONNX once it is known to answer as PyTorch does, to random faces of `face_size` and
    of two sizes beside it; returns the path.

    half  whether weights are stored in half precision (`in_half`)
    Any number of faces of any size goes in at a time. Weights that meet padding alone are left out (`padding.trim`):
    what the network sees has one size. Raises ExportError where the answers differ by more than PARITY, with `half`
    HALF_PARITY, and where the extra is missing; what stood at `path` before stays then.
    """
    module = FromFace(network, description).eval()
    height, width = description.face_shape
    example = torch.zeros(2, height + 4, width + 6, 3, dtype=torch.uint8)
    dynamic = {INPUT: {0: torch.export.Dim("n"), 1: torch.export.Dim("height"), 2: torch.export.Dim("width")}}
    seen = (inference.channels(network), description.img_size, description.img_size)
    smaller = FromFace(padding.trim(copy.deepcopy(network), seen), description).eval()
    model = to_onnx(smaller, example, dynamic)
    content = model.SerializeToString()
    compared = _random_faces(height, width)
    _require_parity(module, content, compared, PARITY, path)
    if half:
        content = in_half(content)
        _require_parity(module, content, compared, HALF_PARITY, path)
    return write(content, path, replace(description, fingerprint=fingerprint(network)))


def _require_parity(
    module: nn.Module, content: bytes, faces: Sequence[np.ndarray], most: float, path: str | Path
) -> None:
    try:
        apart = np.max([difference(module, content, part) for part in faces])  # NaN where one is, unlike max
    except ExportError:
        raise
    except Exception as error:  # of ONNX Runtime, of many kinds
        raise ExportError(f"{path}: ONNX Runtime does not run it ({error}); nothing written") from error
    if not apart <= most:
        raise ExportError(f"{path}: answers differ from PyTorch's by {apart:.2g}, more than {most:g}; nothing written")


def in_half(content: bytes) -> bytes:
    """A serialised ONNX model with its weights stored in half precision: half as large. It turns them back into fp32
    where it is loaded, and computes as before. The exporter has folded batch normalisation into them, so they are
    rounded here even where the network's own already were. Raises ExportError where onnx is missing."""
    onnx = required("onnx")
    model = onnx.load_from_string(content)
    casts = []
    for tensor in model.graph.initializer:
        own = tensor.name.startswith("network.")  # of the network that `FromFace` holds, and not of what resizes
        if own and tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) > 1:  # matrices and kernels
            rounded = onnx.numpy_helper.to_array(tensor).astype(np.float16)
            casts.append(onnx.helper.make_node("Cast", [f"{tensor.name}_half"], [tensor.name], to=tensor.data_type))
            tensor.CopyFrom(onnx.numpy_helper.from_array(rounded, f"{tensor.name}_half"))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()


def to_onnx(module: nn.Module, example: torch.Tensor, dynamic: dict | None = None):
    """onnx.ModelProto of a module with one input; raises ExportError where onnx or onnxscript is missing."""
    required("onnx"), required("onnxscript")
    quiet = logging.getLogger("torch.onnx"), logging.getLogger("onnxscript"), logging.getLogger("torch.export")
    levels = [log.level for log in quiet]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        for log in quiet:
            log.setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(
                module.eval(), (example,), dynamo=True, opset_version=OPSET, verbose=False, external_data=False,
                input_names=[INPUT], output_names=[OUTPUT], dynamic_shapes=[dynamic[INPUT]] if dynamic else None,
            )  # fmt: skip
        finally:
            for log, level in zip(quiet, levels, strict=True):
                log.setLevel(level)
    return _plain(program.model_proto)


def _plain(model):
    """Without what the exporter notes at every node: lines of source, with the paths of the machine they lie on."""
    for part in (
        model,
        model.graph,
        *model.graph.node,
        *model.graph.value_info,
        *model.graph.input,
        *model.graph.output,
    ):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    for tensor in model.graph.initializer:
        tensor.ClearField("metadata_props")
        tensor.ClearField("doc_string")
    return model


def write(content: bytes, path: str | Path, description: Description) -> Path:
    """Put a serialised ONNX model with its description and a digest of both in place, whole or not at all.

    Both are fields of the model's metadata. Protocol buffers may be written one after another, so the digest is the
    last field of the file, over all bytes before it: it is checked without a library, and before anything is parsed.
    """
    content += _entry(RECORD, json.dumps(asdict(description), sort_keys=True))
    content += _entry(DIGEST, hashlib.sha256(content).hexdigest())
    path = Path(path)
    files.replace(path, lambda file: file.write(content))
    return path


def read(path: str | Path) -> tuple[bytes, Description]:
    """A file that `write` has made, and its description. Raises ExportError for one that was changed, cut short or
    made by others; the digest finds damage and edits, it is no signature."""
    path = Path(path)
    if not path.is_file():
        raise ExportError(f"{path}: no such file")
    content = path.read_bytes()
    length = len(_entry(DIGEST, "0" * 64))
    body, last = content[:-length], content[-length:]
    if not last.startswith(_entry(DIGEST, "0" * 64)[:-64]):
        raise ExportError(f"{path}: {_weights(path) or 'truncated, or not written by fercore export; export it again'}")
    if last[-64:].decode("ascii", "replace") != hashlib.sha256(body).hexdigest():
        raise ExportError(f"{path}: changed since it was exported, its digest does not fit; export it again")
    start = _entry(RECORD, "")[3:]  # tag and lengths differ by what follows
    text = body[body.rindex(start[:-1]) + len(start) - 1 :]
    return content, _description(path, text[text.index(b"{") :])


def _weights(path: Path) -> str:
    """Of a file of weights, how a model is made of them; empty for any other."""
    pickled = weights.pickled(path)
    if not pickled and path.suffix != ".safetensors":
        return ""
    target = weights.converted(path) if pickled else path
    first = f"fercore convert {path} {target}, then " if pickled else ""
    made = f"{first}fercore export NETWORK --weights {target} --to {path.with_suffix('.onnx')}"
    return f"weights, not an exported model; to export them: {made}"


class Exported:
    """A file in use: uint8 faces (N, H, W, 3), RGB, or (N, H, W) to probabilities (N, classes), float32."""

    def __init__(self, content: bytes, description: Description, threads: int = 1):
        self.description, self.session = description, session(content, threads)

    def __call__(self, faces: np.ndarray) -> np.ndarray:
        return self.session.run(None, {INPUT: three_channels(faces)})[0]

    def probabilities(self, faces: Faces, rows: np.ndarray) -> np.ndarray:
        """Of some images of a data set, float32 (n, C), the classes in the order of `faces`. Raises ExportError where
        they are others."""
        own, asked = self.description.classes, faces.classes
        if sorted(own) != sorted(asked):
            raise ExportError(
                f"{self.description.network} is of the classes {', '.join(own)}, and {faces.name} of {', '.join(asked)}"
            )
        parts = np.array_split(rows, max(-(-len(rows) // BATCH), 1))
        return np.concatenate([self(faces.pixels[part]) for part in parts])[:, [own.index(name) for name in asked]]


def load(path: str | Path, threads: int = 1) -> Exported:
    """The file at `path`, checked and ready. Raises ExportError."""
    return Exported(*read(path), threads)


def session(content: bytes, threads: int = 1):
    """An ONNX Runtime session on the CPU with so many threads."""
    runtime = required("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def difference(module: nn.Module, content: bytes, faces: np.ndarray) -> float:
    """The largest difference of logarithms of probabilities between PyTorch and a serialised ONNX model, NaN where one
    answers it. What single precision rounds to 0, or nearly, counts as its smallest normal number."""
    with torch.no_grad():
        expected = module(torch.from_numpy(three_channels(faces))).double().numpy()
    found = session(content).run(None, {INPUT: three_channels(faces)})[0].astype(np.float64)
    smallest = np.finfo(np.float32).tiny
    return float(np.abs(np.log(np.maximum(found, smallest)) - np.log(np.maximum(expected, smallest))).max())


def three_channels(faces: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W) or (N, H, W, 3) as (N, H, W, 3). Raises ValueError for anything else."""
    faces = np.asarray(faces)
    if faces.dtype != np.uint8 or faces.ndim not in (3, 4) or (faces.ndim == 4 and faces.shape[3] != 3):
        raise ValueError(f"faces are uint8 (N, H, W) or (N, H, W, 3), not {faces.dtype} {faces.shape}")
    faces = np.repeat(faces[..., None], 3, -1) if faces.ndim == 3 else faces
    return np.require(faces, requirements=("C", "W"))  # PyTorch warns of what is read-only, as memory-mapped sets are


def fingerprint(network: nn.Module) -> str:
    """SHA-256 of a network's weights and statistics, with their names."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def ready() -> None:
    """Raise ExportError where the extra is missing: to be asked before what would be lost, such as a training."""
    for name in ("onnx", "onnxscript", "onnxruntime"):
        required(name)


def required(name: str, *packages: str) -> ModuleType:
    """A module of `packages`, by default of the extra `edge`. Raises ExportError, saying how to install it, where it is
    missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        install = " ".join(packages) or "'fercore[edge]'"
        raise ExportError(f"{name} is not installed: pip install {install}") from error


def _random_faces(height: int, width: int) -> Sequence[np.ndarray]:
    draw = np.random.default_rng(0)
    sizes = (height, width), (height // 2, width // 2 + 3), (3 * height + 1, 2 * width)
    return [draw.integers(0, 256, (4, *size, 3), np.uint8) for size in sizes]


def _entry(key: str, value: str) -> bytes:
    """A field `metadata_props` (14) of an ONNX ModelProto: StringStringEntryProto with key (1) and value (2)."""

    def text(tag: int, content: bytes) -> bytes:
        return bytes([tag << 3 | 2]) + _varint(len(content)) + content

    return text(14, text(1, key.encode()) + text(2, value.encode()))


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _description(path: Path, text: bytes) -> Description:
    try:
        held = json.loads(text)
        return Description(**{field.name: held[field.name] for field in fields(Description)})
    except (ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{path}: made by another version ({error!r}); export it again") from error
