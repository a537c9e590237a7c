"""Losses of the five papers: class-weighted focal loss, and distillation in the three forms that they print.

Cross-entropy with class weights, label smoothing or soft labels is PyTorch's own. All are means over the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F


def class_weights(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Weights by inverse frequency, float (classes,): N / (C n_c) over the classes that are present, 0 for the others.

    labels  int (N,). Source: TinyFER-Lite, equation 14.
    """
    counts = torch.bincount(labels, minlength=classes).double()
    present = counts > 0
    weights = labels.numel() / (present.sum() * counts.clamp(min=1))
    return torch.where(present, weights, 0.0).float()


def focal(
    logits: torch.Tensor, target: torch.Tensor, gamma: float = 2.0, weight: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean of w_y (1 - p_y)^gamma (-log p_y) over the batch: divided by N, and not by the sum of the weights.

    logits  (N, C); target  int (N,); weight  (C,) or None. Source: TinyFER-Lite, equations 11 and 13.
    """
    log_p = F.log_softmax(logits, 1).gather(1, target[:, None]).squeeze(1)
    # at p = 1 a power below 1 has no derivative: a weight of 0 would come back as a gradient that is not a number
    loss = -((1 - log_p.exp()).clamp(min=torch.finfo(log_p.dtype).tiny) ** gamma) * log_p
    return (loss if weight is None else weight[target] * loss).mean()


@dataclass(frozen=True)
class Distillation:
    """soft x (T^2 if squared) x softened term + hard x cross-entropy with the labels.

    divergence  the softened term is the Kullback-Leibler divergence of the student from the teacher; otherwise their
                cross-entropy, which is greater by the teacher's entropy and has the same gradient
    """

    temperature: float
    soft: float
    hard: float
    squared: bool = True
    divergence: bool = True

    def __call__(self, student: torch.Tensor, teacher: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of student and teacher logits (N, C) and labels int (N,). No gradient goes to the teacher."""
        log_q = F.log_softmax(student / self.temperature, 1)
        log_p = F.log_softmax(teacher.detach() / self.temperature, 1)
        if self.divergence:
            softened = F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
        else:
            softened = -(log_p.exp() * log_q).sum(1).mean()
        scale = self.temperature**2 if self.squared else 1.0
        return self.soft * scale * softened + self.hard * F.cross_entropy(student, target)


def microexpnet(temperature: float, weight: float = 0.5) -> Distillation:
    """MicroExpNet (Cugu, Sener, Akbas), equation 2: lambda and 1 - lambda, cross-entropy, without T^2."""
    return Distillation(temperature, weight, 1 - weight, squared=False, divergence=False)


def microexpnet_se(temperature: float = 4.0, alpha: float = 0.7) -> Distillation:
    """MicroExpNet of 2026, equation 1: alpha T^2 and 1 - alpha.

    The hard term is that of the plain softmax, as its reference [7] has it; the text says that p is softened in both.
    """
    return Distillation(temperature, alpha, 1 - alpha)


def mini_resemotenet(temperature: float = 3.0, beta: float = 0.2) -> Distillation:
    """Mini-ResEmoteNet, equations 4 to 6: 1 and beta T^2. The alpha that the text speaks of stands in no equation."""
    return Distillation(temperature, beta, 1.0)
