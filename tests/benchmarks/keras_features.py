"""Whether Light-FER from Keras's ImageNet weights gives the features that Keras gives.

    python tests/benchmarks/keras_features.py FILE.npz

FILE.npz  Keras's Xception without its head, an array a variable (`block2_sepconv1|pointwise_kernel`), with `images`,
          uint8 (N, H, W, 3), and the `features` (N, h, w, 2048) that Keras gives for images / 127.5 - 1
"""

import argparse
import sys

import numpy as np
import torch

from fercore.datasets import preprocess
from fercore.models import light_fer

TOLERANCE = 1e-3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    arrays = light_fer.read_keras(parser.parse_args().file)
    network = light_fer.from_keras(arrays)
    images = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2)
    with torch.no_grad():
        found = network.forward_features(preprocess.normalise(preprocess.to_float(images)))
    apart = np.abs(found.permute(0, 2, 3, 1).numpy() - arrays["features"]).max()
    most = arrays["features"].max()
    print(f"{len(images)} images of {images.shape[2]} px: features of up to {most:.3f}, apart {apart:.1e}")
    return int(apart > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
