"""A network trained as a recipe says.

run = fit("tinyfer_lite", faces, Recipe(img_size=64, epochs=15), "runs/mine")

recipe       every setting of a training          augment     what a batch is put through
losses       focal loss, distillation             trainer     the loop
checkpoint   a run on disk, and its identity      vectorized  many small networks at once
origins      what pretrained weights have seen
"""

from .augment import AUGMENTATIONS, Augmentation
from .checkpoint import RunError
from .recipe import Recipe, from_plain
from .trainer import Run, fit

__all__ = ["AUGMENTATIONS", "Augmentation", "Recipe", "Run", "RunError", "fit", "from_plain"]
