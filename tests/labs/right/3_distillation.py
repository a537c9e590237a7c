"""What students rightly write otherwise: question__how."""

import torch
import torch.nn.functional as F


def soften__in_64_bits(logits, temperature):
    powers = (logits.double() / temperature - (logits.double() / temperature).amax(1, keepdim=True)).exp()
    return powers / powers.sum(1, keepdim=True)


def entropy__in_64_bits(shares):
    shares = shares.double()
    return -torch.where(shares > 0, shares * shares.clamp(min=1e-300).log2(), 0.0).sum(1)


def kd_loss__in_64_bits(student, teacher, target, temperature, weight):
    shares = (teacher.double() / temperature).softmax(1).detach()
    soft = F.cross_entropy(student.double() / temperature, shares)
    return weight * soft + (1 - weight) * F.cross_entropy(student.double(), target)
