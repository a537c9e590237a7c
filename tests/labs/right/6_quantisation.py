"""What students rightly write otherwise: question__how."""

import numpy as np
import torch


def overflowing__a_tensor(weights, bits):
    scale = (2**bits - 1) / (2 * np.abs(weights).max())
    numbers = torch.as_tensor(np.rint(scale * weights))
    return (numbers > 2 ** (bits - 1) - 1) | (numbers < -(2 ** (bits - 1)))
