"""The papers' numbered equations, written out and held against what the library computes.

Only those that the library already implements are here; each gives the greatest deviation on random input.
"""

from __future__ import annotations

import numpy as np
import torch

from .. import models
from ..deployment import compress
from ..training import losses


def tinyfer() -> dict[int, float]:
    """TinyFER-Lite, equations 3 to 10 and 12, on four images of 224x224 with weights and statistics drawn at random."""
    torch.manual_seed(0)
    network = models.create("tinyfer_lite", num_classes=7).eval()
    network.features.train()  # random weights with their untrained statistics would let everything vanish
    for tensor in (network.attention.conv.weight, network.norm.running_mean, network.norm.bias, network.head.bias):
        torch.nn.init.normal_(tensor)
    for tensor in (network.norm.running_var, network.norm.weight):
        torch.nn.init.uniform_(tensor, 0.5, 2)
    images = torch.rand(4, 3, 224, 224)
    with torch.no_grad():
        features = network.features(images)
        attended = network.attention(features)
        logits = network(images).double().numpy()
    h = features.double().numpy()  # H, (N, K, h, w)
    s = h.sum((2, 3)) / (h.shape[2] * h.shape[3])
    kernel = network.attention.conv.weight.detach().double().numpy().ravel()
    padded = np.pad(s, ((0, 0), (len(kernel) // 2,) * 2))
    a = 1 / (1 + np.exp(-sum(weight * padded[:, i : i + s.shape[1]] for i, weight in enumerate(kernel))))
    refined = a[:, :, None, None] * h
    g = refined.mean((2, 3))
    norm = {name: tensor.double().numpy() for name, tensor in network.norm.state_dict().items()}
    scaled = (g - norm["running_mean"]) / np.sqrt(norm["running_var"] + network.norm.eps)
    weight, bias = (tensor.detach().double().numpy() for tensor in (network.head.weight, network.head.bias))
    z = (scaled * norm["weight"] + norm["bias"]) @ weight.T + bias
    p, p_network = (_softmax(part) for part in (z, logits))
    return {
        3: float(np.abs(np.array(h.shape[1:]) - (576, 7, 7)).max()),
        4: _apart(s, features.mean((2, 3))),
        5: _apart(a, (attended / features).nanmedian(3).values.nanmedian(2).values),
        6: _apart(refined, attended),
        7: _apart(g, attended.mean((2, 3))),
        8: _apart(z, logits),
        9: _apart(p, p_network),
        10: float((z.argmax(1) != logits.argmax(1)).sum()),
        12: _apart(_softmax(g @ weight.T), p_network),  # as printed: no batch normalisation, no bias
    }


def objectives() -> dict[tuple[str, int], float]:
    """The papers' losses on random logits of 32 images and 7 classes.

    Equation 1 of microexpnet_se is left out: by its text the hard term is softened too, which losses.py does not do.
    """
    torch.manual_seed(0)
    student, teacher, y = 2 * torch.randn(32, 7), 2 * torch.randn(32, 7), torch.randint(7, (32,))
    v, z, one_hot = student.double().numpy(), teacher.double().numpy(), np.eye(7)[y]
    p = (_softmax(v) * one_hot).sum(1)
    n = one_hot.sum(0)
    w = len(y) / ((n > 0).sum() * n)
    weights = losses.class_weights(y, 7)
    focal = losses.focal(student, y, 2.0, weights)
    temperature = 3.0
    p_t, p_s = _softmax(z / temperature), _softmax(v / temperature)
    hard = -np.log(p).mean()
    soft = (p_t * (np.log(p_t) - np.log(p_s))).sum(1).mean()
    kl = losses.Distillation(temperature, 1.0, 0.0, squared=False)
    return {
        ("tinyfer", 11): _apart((w[y] * (1 - p) ** 2 * -np.log(p)).mean(), focal),
        ("tinyfer", 13): _apart(
            w[y[0]] * (1 - p[0]) ** 2 * -np.log(p[0]), losses.focal(student[:1], y[:1], 2.0, weights)
        ),
        ("tinyfer", 14): _apart(w, losses.class_weights(y, 7)),
        ("microexpnet", 1): _apart(p_s, (student / temperature).softmax(1)),
        ("microexpnet", 2): _apart(  # with another weight than the paper's 0.5, which hides two that are exchanged
            0.3 * -(p_t * np.log(p_s)).sum(1).mean() + 0.7 * hard,
            losses.microexpnet(temperature, 0.3)(student, teacher, y),
        ),
        ("mini_resemotenet", 4): _apart(soft, kl(student, teacher, y)),
        ("mini_resemotenet", 5): _apart(hard, torch.nn.functional.cross_entropy(student, y)),
        ("mini_resemotenet", 6): _apart(
            hard + 0.2 * temperature**2 * soft, losses.mini_resemotenet(temperature)(student, teacher, y)
        ),
    }


def light_fer() -> dict[int, float]:
    """Light-FER, equations 1 to 4, on the weights of a random layer and of what is left of it, in 8 bits.

    The greatest weight lies on a bound of equation 2, which for 8 bits is no integer, 127.5: halves are rounded towards
    zero here, so that it stays within.
    """
    torch.manual_seed(0)
    layer = torch.nn.Sequential(torch.nn.Linear(40, 20))
    weight = layer[0].weight.detach()
    w, left = weight.double().numpy(), compress.prune(layer, 0.75)[0].weight
    m = np.abs(w).max()
    s = (2**8 - 1) / (2 * m)
    w_b = np.clip(np.sign(w) * np.ceil(np.abs(s * w) - 0.5), -(2**8 - 1) / 2, (2**8 - 1) / 2)
    ratio = compress.compression_ratio([weight.numel()], [int(left.count_nonzero())])
    return {
        1: float(abs(w.size / (np.abs(left.detach().numpy()) > 0).sum() - ratio)),
        2: _apart(w_b, compress.quantise(weight, 8)),
        3: float(abs(s - float(compress.scale(weight, 8))) / s),
        4: float(abs(m - float(compress.greatest(weight)))),
    }


def measure() -> list[dict]:
    """Every deviation as a measurement for the ledger, equation(tinyfer, 4), to four decimals: less is rounding."""
    found = {("tinyfer", number): value for number, value in tinyfer().items()} | objectives()
    found |= {("light_fer", number): value for number, value in light_fer().items()}
    return [
        {"measurement": f"equation({paper}, {number})", "value": round(value, 4)}
        for (paper, number), value in found.items()
    ]


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _apart(ours: np.ndarray, theirs: np.ndarray | torch.Tensor) -> float:
    return float(np.abs(ours - np.asarray(theirs, np.float64)).max())
