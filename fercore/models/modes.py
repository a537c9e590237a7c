"""Training and evaluation mode, which layers such as dropout and batch normalisation differ in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Every layer in evaluation mode, and afterwards each in the mode it was in: some may be held there by design."""
    trained = [part for part in network.modules() if part.training]
    network.eval()
    try:
        yield
    finally:
        for part in trained:
            part.training = True
