"""What students rightly write otherwise: question__how."""

import torch


def class_weights__in_64_bits(labels, classes):
    counts = torch.bincount(labels, minlength=classes).double()
    present = counts > 0
    weights = torch.zeros(classes, dtype=torch.float64)
    weights[present] = len(labels) / (present.sum() * counts[present])
    return weights


def focal__in_64_bits(logits, target, gamma, weight):
    log_p = logits.double().log_softmax(1)[torch.arange(len(target)), target]
    return (weight[target] * (1 - log_p.exp()) ** gamma * -log_p).sum() / len(target)
