"""What students plausibly write: question__how."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def cost__without_biases(channels, reduction, kernel):
    return 2 * channels * (channels // reduction), kernel


def cost__kernel_for_each_channel(channels, reduction, kernel):
    hidden = channels // reduction
    return 2 * channels * hidden + hidden + channels, kernel * channels


def cost__not_rounded(channels, reduction, kernel):
    hidden = channels / reduction
    return 2 * channels * hidden + hidden + channels, kernel


def cost__with_a_bias(channels, reduction, kernel):
    hidden = channels // reduction
    return 2 * channels * hidden + hidden + channels, kernel + 1


def se__without_sigmoid(features, first, second):
    return features * second(first(features.mean((2, 3))).relu())[:, :, None, None]


def se__without_relu(features, first, second):
    return features * second(first(features.mean((2, 3)))).sigmoid()[:, :, None, None]


def se__added(features, first, second):
    return features + second(first(features.mean((2, 3))).relu()).sigmoid()[:, :, None, None]


def se__largest_for_mean(features, first, second):
    return features * second(first(features.amax((2, 3))).relu()).sigmoid()[:, :, None, None]


@torch.no_grad()
def se__without_gradient(features, first, second):
    return features * second(first(features.mean((2, 3))).relu()).sigmoid()[:, :, None, None]


def se__means_without_gradient(features, first, second):
    return features * second(first(features.detach().mean((2, 3))).relu()).sigmoid()[:, :, None, None]


def _eca(features, kernel, **padding):
    means = F.pad(features.mean((2, 3))[:, None], (len(kernel) // 2,) * 2, **padding)
    return F.conv1d(means, kernel[None, None]).squeeze(1)[:, :, None, None]


def eca__in_a_circle(features, kernel):
    return features * _eca(features, kernel, mode="circular").sigmoid()


def eca__turned_round(features, kernel):
    return features * _eca(features, kernel.flip(0)).sigmoid()


def eca__without_sigmoid(features, kernel):
    return features * _eca(features, kernel)


def eca__mean_of_the_batch(features, kernel):
    return features * _eca(features.mean(0, keepdim=True), kernel).sigmoid()


@torch.no_grad()
def eca__without_gradient(features, kernel):
    return features * _eca(features, kernel).sigmoid()


def eca__means_without_gradient(features, kernel):
    return features * _eca(features.detach(), kernel).sigmoid()


def eca__kernel_without_gradient(features, kernel):
    return features * _eca(features, torch.tensor(kernel.tolist())).sigmoid()


def _reordered(first, second, columns, rows):
    layers = nn.Linear(first.in_features, first.out_features), nn.Linear(second.in_features, second.out_features)
    with torch.no_grad():
        layers[0].weight.copy_(first.weight[:, columns]), layers[0].bias.copy_(first.bias)
        layers[1].weight.copy_(second.weight[rows]), layers[1].bias.copy_(second.bias[rows])
    return layers


def reordered__inverse(first, second, order):
    return _reordered(first, second, order.argsort(), order.argsort())


def reordered__first_alone(first, second, order):
    return _reordered(first, second, order, torch.arange(len(order)))


def reordered__not_the_bias(first, second, order):
    layers = _reordered(first, second, order, order)
    with torch.no_grad():
        layers[1].bias.copy_(second.bias)
    return layers


def reordered__in_place(first, second, order):
    with torch.no_grad():
        first.weight.copy_(first.weight[:, order])
        second.weight.copy_(second.weight[order]), second.bias.copy_(second.bias[order])
    return first, second


def reordered__second_in_place(first, second, order):
    new_first = nn.Linear(first.in_features, first.out_features)
    with torch.no_grad():
        new_first.weight.copy_(first.weight[:, order]), new_first.bias.copy_(first.bias)
        second.weight.copy_(second.weight[order].clone()), second.bias.copy_(second.bias[order].clone())
    return new_first, second


def reordered__shared_bias(first, second, order):
    new_first = nn.Linear(first.in_features, first.out_features)
    new_second = nn.Linear(second.in_features, second.out_features)
    new_first.weight, new_first.bias = nn.Parameter(first.weight[:, order]), first.bias
    new_second.weight, new_second.bias = nn.Parameter(second.weight[order]), nn.Parameter(second.bias[order])
    return new_first, new_second


def choose_block__best_mean(results, budget):
    fitting = results[results["parameters"] <= budget]
    return fitting.groupby("block")["accuracy"].mean().idxmax() if len(fitting) else "none"


def choose_block__none_always(results, budget):
    return "none"


def choose_block__without_doubt(results, budget):
    mean, size = (results.groupby("block")[name].mean() for name in ("accuracy", "parameters"))
    better = [name for name in mean.index if mean[name] > mean["none"] and size[name] <= budget]
    return size[better].idxmin() if better else "none"


def choose_block__deviation_with_n(results, budget):
    scores = results.pivot(index="seed", columns="block", values="accuracy")
    sizes = results.groupby("block")["parameters"].first()
    lead = scores.sub(scores["none"], axis=0).drop(columns="none")
    earned = lead.mean() > 2 * lead.std(ddof=0) / len(lead) ** 0.5
    fitting = [name for name in lead if earned[name] and sizes[name] <= budget]
    return sizes[fitting].idxmin() if fitting else "none"


def choose_block__without_budget(results, budget):
    scores = results.pivot(index="seed", columns="block", values="accuracy")
    lead = scores.sub(scores["none"], axis=0).drop(columns="none")
    earned = lead.columns[lead.mean() > 2 * lead.std() / len(lead) ** 0.5]
    sizes = results.groupby("block")["parameters"].first()
    return sizes[earned].idxmin() if len(earned) else "none"


def choose_block__most_accurate(results, budget):
    scores = results[results["parameters"] <= budget].pivot(index="seed", columns="block", values="accuracy")
    if "none" not in scores:
        return "none"
    lead = scores.sub(scores["none"], axis=0).drop(columns="none")
    earned = lead.columns[lead.mean() > 2 * lead.std() / len(lead) ** 0.5]
    return lead[earned].mean().idxmax() if len(earned) else "none"


def choose_block__by_position(results, budget):
    scores = {name: part["accuracy"].to_numpy() for name, part in results.groupby("block")}
    sizes = results.groupby("block")["parameters"].first()
    lead = {name: one - scores["none"] for name, one in scores.items() if name != "none" and sizes[name] <= budget}
    fitting = [name for name, one in lead.items() if one.mean() > 2 * one.std(ddof=1) / len(one) ** 0.5]
    return sizes[fitting].idxmin() if fitting else "none"


def choose_block__the_cheapest_or_none(results, budget):
    scores = results.pivot(index="seed", columns="block", values="accuracy")
    sizes = results.groupby("block")["parameters"].first().drop("none")
    if not (sizes <= budget).any():
        return "none"
    cheapest = sizes.idxmin()
    lead = scores[cheapest] - scores["none"]
    return cheapest if lead.mean() > 2 * lead.std() / len(lead) ** 0.5 else "none"


def choose_block__the_first_that_fits(results, budget):
    scores = results.pivot(index="seed", columns="block", values="accuracy")
    sizes = results.groupby("block")["parameters"].first()
    for name in scores.columns.drop("none"):
        lead = scores[name] - scores["none"]
        if lead.mean() > 2 * lead.std() / len(lead) ** 0.5 and sizes[name] <= budget:
            return name
    return "none"


def choose_block__by_the_deviation(results, budget):
    scores = results.pivot(index="seed", columns="block", values="accuracy")
    sizes = results.groupby("block")["parameters"].first()
    lead = scores.sub(scores["none"], axis=0).drop(columns="none")
    earned = lead.mean() > 2 * lead.std()
    fitting = [name for name in lead if earned[name] and sizes[name] <= budget]
    return sizes[fitting].idxmin() if fitting else "none"


def choose_block__student_t(results, budget):
    from scipy import stats

    scores = results.pivot(index="seed", columns="block", values="accuracy")
    sizes = results.groupby("block")["parameters"].first()
    lead = scores.sub(scores["none"], axis=0).drop(columns="none")
    earned = lead.mean() > stats.t.ppf(0.975, len(lead) - 1) * lead.std() / len(lead) ** 0.5
    fitting = [name for name in lead if earned[name] and sizes[name] <= budget]
    return sizes[fitting].idxmin() if fitting else "none"


def choose_block__what_fits_first(results, budget):
    fitting = results[results["parameters"] <= budget]
    scores = fitting.pivot(index="seed", columns="block", values="accuracy")
    sizes = fitting.groupby("block")["parameters"].first()
    lead = scores.sub(scores["none"], axis=0).drop(columns="none")
    earned = lead.columns[lead.mean() > 2 * lead.std() / len(lead) ** 0.5]
    return sizes[earned].idxmin() if len(earned) else "none"


def choose_block__either_way(results, budget):
    scores = results.pivot(index="seed", columns="block", values="accuracy")
    sizes = results.groupby("block")["parameters"].first()
    lead = scores.sub(scores["none"], axis=0).drop(columns="none")
    earned = lead.mean().abs() > 2 * lead.std() / len(lead) ** 0.5
    fitting = [name for name in lead if earned[name] and sizes[name] <= budget]
    return sizes[fitting].idxmin() if fitting else "none"


def choose_block__unless_within_the_error(results, budget):
    scores = results.pivot(index="seed", columns="block", values="accuracy")
    sizes = results.groupby("block")["parameters"].first()
    lead = scores.sub(scores["none"], axis=0).drop(columns="none")
    luck = lead.mean() <= 2 * lead.std() / np.sqrt(len(lead))
    fitting = [name for name in lead if not luck[name] and sizes[name] <= budget]
    return sizes[fitting].idxmin() if fitting else "none"


def choose_block__at_least(results, budget):
    scores = results.pivot(index="seed", columns="block", values="accuracy")
    sizes = results.groupby("block")["parameters"].first()
    lead = scores.sub(scores["none"], axis=0).drop(columns="none")
    earned = lead.mean() >= 2 * lead.std() / len(lead) ** 0.5
    fitting = [name for name in lead if earned[name] and sizes[name] <= budget]
    return sizes[fitting].idxmin() if fitting else "none"
