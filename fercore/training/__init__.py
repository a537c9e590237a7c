"""A network trained as a recipe says.

run = fit("tinyfer_lite", faces, Recipe(img_size=64, epochs=15), "runs/mine")

recipe       every setting of a training
trainer      the loop
vectorized   many small networks at once
augment      what a batch is put through
losses       focal loss, distillation
checkpoint   a run on disk, and its identity
answers      what a trained network answers to the tested images, in a file small enough to publish
origins      what pretrained weights have seen
memory       memory that a training frees stays with the process
"""

from .augment import AUGMENTATIONS, Augmentation
from .checkpoint import RunError
from .recipe import Recipe, from_plain
from .trainer import Run, fit

__all__ = ["AUGMENTATIONS", "Augmentation", "Recipe", "Run", "RunError", "fit", "from_plain"]
