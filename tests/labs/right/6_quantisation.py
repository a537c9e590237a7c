"""What students rightly write otherwise: question__how."""

import numpy as np
import torch


def overflowing__a_tensor(weights, bits):
    scale = (2**bits - 1) / (2 * np.abs(weights).max())
    numbers = torch.as_tensor(np.rint(scale * weights))
    return (numbers > 2 ** (bits - 1) - 1) | (numbers < -(2 ** (bits - 1)))


def product__in_64_bits_by_dot(inputs, input_scale, weights, weight_scale):
    return np.dot(inputs.astype(np.int64), weights.T.astype(np.int64)).astype(float) / input_scale / weight_scale


def product__by_einsum(inputs, input_scale, weights, weight_scale):
    return np.einsum("ni,oi->no", inputs, weights, dtype=np.int32) / (input_scale * weight_scale)


def product__one_product_after_another(inputs, input_scale, weights, weight_scale):
    sums = np.zeros((len(inputs), len(weights)), np.int32)
    for place in range(inputs.shape[1]):
        sums += inputs[:, place, None].astype(np.int32) * weights[:, place]
    return sums / (input_scale * weight_scale)


def product__by_torch(inputs, input_scale, weights, weight_scale):
    sums = torch.tensor(inputs).int() @ torch.tensor(weights).int().T
    return sums.double().numpy() / (input_scale * weight_scale)


def product__with_a_sum_of_its_own(inputs, input_scale, weights, weight_scale):
    products = inputs[:, None].astype(np.int32) * weights[None].astype(np.int32)
    return products.sum(axis=-1) / (input_scale * weight_scale)
