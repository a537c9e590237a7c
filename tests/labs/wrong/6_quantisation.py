"""What students plausibly write: question__how."""

import numpy as np
import torch


def printed__largest_with_sign(weights, bits):
    scale = (2**bits - 1) / (2 * weights.max())
    return np.rint(scale * weights), scale


def printed__cut_off(weights, bits):
    scale = (2**bits - 1) / (2 * np.abs(weights).max())
    return np.floor(scale * weights), scale


def printed__eight_always(weights, bits):
    scale = 255 / (2 * np.abs(weights).max())
    return np.rint(scale * weights), scale


def printed__range(weights, bits):
    scale = (2**bits - 1) / (weights.max() - weights.min())
    return np.rint(scale * weights), scale


def printed__as_bytes(weights, bits):
    scale = (2**bits - 1) / (2 * np.abs(weights).max())
    return np.rint(scale * weights).astype(np.int8), scale


def printed__half_up(weights, bits):
    scale = (2**bits - 1) / (2 * np.abs(weights).max())
    return np.floor(scale * weights + 0.5), scale


def _printed(weights, bits):
    return np.rint((2**bits - 1) / (2 * np.abs(weights).max()) * weights)


def overflowing__both_ends(weights, bits):
    return np.abs(_printed(weights, bits)) > 2 ** (bits - 1) - 1


def overflowing__eight_always(weights, bits):
    return _printed(weights, bits) > 127


def overflowing__the_largest_positive(weights, bits):
    return weights == weights.max()


def overflowing__unsigned(weights, bits):
    return np.abs(_printed(weights, bits)) > 2**bits - 1


def overflowing__before_rounding(weights, bits):
    return weights * (2**bits - 1) / (2 * np.abs(weights).max()) > 2 ** (bits - 1) - 1


def quantise__as_printed(weights, bits):
    scale = (2**bits - 1) / (2 * np.abs(weights).max())
    return np.rint(scale * weights).astype(int).astype(np.int8), scale


def quantise__cut_off(weights, bits):
    scale = (2 ** (bits - 1) - 1) / (np.abs(weights).max() or 1)
    return (scale * weights).astype(np.int8), scale


def quantise__half_the_range(weights, bits):
    scale = (2 ** (bits - 2) - 1) / (np.abs(weights).max() or 1)
    return np.rint(scale * weights).astype(np.int8), scale


def quantise__zeros_divided(weights, bits):
    scale = np.float64(2 ** (bits - 1) - 1) / np.abs(weights).max()
    return np.rint(np.nan_to_num(scale * weights)).astype(np.int8), scale


def quantise__floats(weights, bits):
    scale = (2 ** (bits - 1) - 1) / (np.abs(weights).max() or 1)
    return np.rint(scale * weights), scale


def quantise__zeros_as_they_are(weights, bits):
    largest = np.abs(weights).max()
    if largest == 0:
        return weights, 1
    scale = (2 ** (bits - 1) - 1) / largest
    return np.rint(weights * scale).astype(np.int8), scale


def size__a_quarter(network, bits):
    return sum(values.numel() for values in network.state_dict().values()) * bits // 8


def size__without_scales(network, bits):
    state = network.state_dict()
    packed = [name for name, values in state.items() if name.endswith("weight") and values.dim() > 1]
    rest = sum(4 * values.numel() for name, values in state.items() if name not in packed and values.dim())
    return rest + sum(-(-state[name].numel() * bits // 8) for name in packed)


def size__every_weight(network, bits):
    total = 0
    for name, values in network.state_dict().items():
        if name.endswith("weight"):
            total += -(-values.numel() * bits // 8) + 4 * len(values) * (bits < 32)
        elif values.is_floating_point():
            total += 4 * values.numel()
    return total


def size__parameters_alone(network, bits):
    total = 0
    for values in network.parameters():
        packed = values.dim() > 1
        total += -(-values.numel() * bits // 8) + 4 * len(values) * (bits < 32) if packed else 4 * values.numel()
    return total


def size__rounded_once(network, bits):
    kinds = (torch.nn.Conv2d, torch.nn.Linear)
    layers = [layer for layer in network.modules() if isinstance(layer, kinds)]
    packed = sum(layer.weight.numel() for layer in layers)
    floats = sum(values.numel() for values in network.state_dict().values() if values.is_floating_point())
    scales = sum(len(layer.weight) for layer in layers) if bits < 32 else 0
    return -(-packed * bits // 8) + 4 * (floats - packed + scales)


def size__of_direct_children(network, bits):
    kinds = (torch.nn.Conv2d, torch.nn.Linear)
    packed = {f"{name}.weight" for name, layer in network.named_children() if isinstance(layer, kinds)}
    total = 0
    for name, values in network.state_dict().items():
        if name in packed:
            total += -(-values.numel() * bits // 8) + 4 * len(values) * (bits < 32)
        elif values.is_floating_point():
            total += 4 * values.numel()
    return total


def size__by_dimensions(network, bits):
    total = 0
    for name, values in network.state_dict().items():
        if name.endswith("weight") and values.dim() > 1:
            total += -(-values.numel() * bits // 8) + 4 * len(values) * (bits < 32)
        elif values.is_floating_point():
            total += 4 * values.numel()
    return total


def size__each_channel_packed(network, bits):
    kinds = (torch.nn.Conv2d, torch.nn.Linear)
    packed = {f"{name}.weight" for name, layer in network.named_modules() if isinstance(layer, kinds)}
    total = 0
    for name, values in network.state_dict().items():
        if name in packed:
            total += len(values) * (-(-values[0].numel() * bits // 8) + 4 * (bits < 32))
        elif values.is_floating_point():
            total += 4 * values.numel()
    return total


def product__in_int8(inputs, input_scale, weights, weight_scale):
    return inputs @ weights.T / (input_scale * weight_scale)


def product__in_int16(inputs, input_scale, weights, weight_scale):
    return inputs.astype(np.int16) @ weights.T.astype(np.int16) / (input_scale * weight_scale)


def product__one_scale(inputs, input_scale, weights, weight_scale):
    return inputs.astype(np.int32) @ weights.T.astype(np.int32) / weight_scale


def product__multiplied_by_scales(inputs, input_scale, weights, weight_scale):
    return inputs.astype(np.int32) @ weights.T.astype(np.int32) * (input_scale * weight_scale)


def product__restored_first(inputs, input_scale, weights, weight_scale):
    return (inputs / input_scale) @ (weights / weight_scale).T


def product__in_floats(inputs, input_scale, weights, weight_scale):
    return inputs.astype(float) @ weights.astype(float).T / (input_scale * weight_scale)


def product__in_floats_by_dot(inputs, input_scale, weights, weight_scale):
    return np.dot(inputs.astype(np.float64), weights.T) / (input_scale * weight_scale)


def product__in_floats_by_a_sum(inputs, input_scale, weights, weight_scale):
    return np.einsum("ni,oi->no", inputs * 1.0, weights) / (input_scale * weight_scale)


def product__one_in_floats(inputs, input_scale, weights, weight_scale):
    return np.asarray(inputs, float) @ weights.T / (input_scale * weight_scale)


def product__in_32_bit_floats(inputs, input_scale, weights, weight_scale):
    return np.array(inputs, np.float32) @ np.array(weights, np.float32).T / (input_scale * weight_scale)


def fewest_bits__any(accuracy, reference, allowed):
    return min((bits for bits, one in accuracy.items() if reference - one <= allowed), default=None)


def fewest_bits__most_accurate(accuracy, reference, allowed):
    return max(accuracy, key=accuracy.get)


def fewest_bits__without_sign(accuracy, reference, allowed):
    fewest = None
    for bits in sorted(accuracy, reverse=True):
        if abs(reference - accuracy[bits]) > allowed:
            break
        fewest = bits
    return fewest


def fewest_bits__in_their_order(accuracy, reference, allowed):
    fewest = None
    for bits, one in accuracy.items():
        if reference - one > allowed:
            break
        fewest = bits
    return fewest
