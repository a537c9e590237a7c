"""Losses of the papers: class-weighted focal loss, and distillation in the three forms that they print; and
four later forms that need no search for a temperature.

Cross-entropy with class weights, label smoothing or soft labels is PyTorch's own. All are means over the batch. In
every distillation labels are int (N,), or but for `Decoupled` soft (N, C), and `weight` (C,) is of their cross-entropy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn


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
    standardised  in the softened term, logits of mean 0 and standard deviation 1 over the classes of each image
    """

    kind: ClassVar[str] = "softened"
    temperature: float
    soft: float
    hard: float
    squared: bool = True
    divergence: bool = True
    standardised: bool = False

    def __call__(
        self, student: torch.Tensor, teacher: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The loss of student and teacher logits (N, C) and labels; see above. No gradient goes to the teacher."""
        teacher, own = teacher.detach(), student
        if self.standardised:
            own, teacher = standardise(student), standardise(teacher)
        log_q, log_p = F.log_softmax(own / self.temperature, 1), F.log_softmax(teacher / self.temperature, 1)
        if self.divergence:
            softened = (log_p.exp() * (log_p - log_q)).sum(1).mean()  # F.kl_div, which vmap takes image by image
        else:
            softened = -(log_p.exp() * log_q).sum(1).mean()
        scale = self.temperature**2 if self.squared else 1.0
        return self.soft * scale * softened + self.hard * F.cross_entropy(student, target, weight)


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


def mini_resemotenet_text(temperature: float = 3.0, alpha: float = 0.2) -> Distillation:
    """Mini-ResEmoteNet as the sentence below equation 6 has it: alpha is the weight of the hard labels. It calls the
    teacher's beta, which is printed nowhere; 1 - alpha is taken, times T^2."""
    return Distillation(temperature, 1 - alpha, alpha)


def standardise(logits: torch.Tensor) -> torch.Tensor:
    """Each row of (N, C) at mean 0 and standard deviation 1; a row of equal logits at 0."""
    centred = logits - logits.mean(1, keepdim=True)
    return centred / (centred.std(1, keepdim=True) + 1e-7)


def logit_standardisation() -> Distillation:
    """Distillation of standardised logits, at one base temperature (Sun et al., CVPR 2024, arXiv:2403.01427)."""
    return Distillation(2.0, 9.0, 0.1, standardised=True)


@dataclass(frozen=True)
class Relations:
    """DIST: the teacher's relations in place of its values (Huang et al., NeurIPS 2022, arXiv:2205.10536, equation 10).

    hard x cross-entropy + inter x (1 - Pearson's correlation over the classes of an image, mean over the images)
    + intra x (1 - Pearson's correlation over the images of a class, mean over the classes). No temperature.
    """

    kind: ClassVar[str] = "relations"
    inter: float = 2.0
    intra: float = 2.0
    hard: float = 1.0

    def __call__(
        self, student: torch.Tensor, teacher: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The loss of student and teacher logits (N, C) and labels; see above. No gradient goes to the teacher."""
        q, p = student.softmax(1), teacher.detach().softmax(1)
        inter, intra = 1 - _pearson(q, p).mean(), 1 - _pearson(q.T, p.T).mean()
        return self.inter * inter + self.intra * intra + self.hard * F.cross_entropy(student, target, weight)


def _pearson(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The correlation of each row of (N, C) with its counterpart, (N,)."""
    return F.cosine_similarity(one - one.mean(1, keepdim=True), other - other.mean(1, keepdim=True), 1)


@dataclass(frozen=True)
class Decoupled:
    """Decoupled distillation: the target's share, and the others among themselves, weighted apart (Zhao et al.,
    CVPR 2022, arXiv:2203.08679, equation 7).

    target x T^2 x KL of (p_y, 1 - p_y) + others x T^2 x KL of the softmax without the target + hard x cross-entropy
    """

    kind: ClassVar[str] = "decoupled"
    temperature: float = 4.0
    target: float = 1.0
    others: float = 8.0
    hard: float = 1.0

    def __call__(
        self, student: torch.Tensor, teacher: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The loss of student and teacher logits (N, C) and labels; see above. No gradient goes to the teacher."""
        right = F.one_hot(target, student.shape[1]).bool()
        parts = []
        for logits in (student, teacher.detach()):
            log_p = F.log_softmax(logits / self.temperature, 1)
            pair = torch.stack([log_p[right], log_p.masked_fill(right, -torch.inf).logsumexp(1)], 1)
            rest = (logits / self.temperature)[~right].reshape(len(logits), -1)
            parts.append((pair, F.log_softmax(rest, 1)))
        (pair_q, rest_q), (pair_p, rest_p) = parts
        share = F.kl_div(pair_q, pair_p, reduction="batchmean", log_target=True)
        among = F.kl_div(rest_q, rest_p, reduction="batchmean", log_target=True)
        softened = self.temperature**2 * (self.target * share + self.others * among)
        return softened + self.hard * F.cross_entropy(student, target, weight)


@dataclass(frozen=True)
class Curriculum:
    """CTKD: a temperature that is learned against the student (Li et al., AAAI 2023, arXiv:2211.16231, global version).

    T = low + span sigmoid(learned), and learned goes up the gradient of the softened term, with a strength that rises
    from 0 to 1 within `rise` epochs along a cosine. The loss is `Distillation`'s at that temperature.

    rate  of plain descent on what is learned: the authors' 0.05 with a momentum of 0.9 comes to as much. It is not left
          to the student's optimiser, since Adam would divide the strength out again
    """

    kind: ClassVar[str] = "curriculum"
    low: float = 1.0
    span: float = 20.0
    rise: float = 10.0
    rate: float = 0.5
    soft: float = 0.9
    hard: float = 0.1

    def start(self, device: torch.device | str = "cpu") -> nn.Parameter:
        """What is learned, before the first step."""
        return nn.Parameter(torch.ones((), device=device))

    def temperature(self, learned: torch.Tensor) -> torch.Tensor:
        """T at what has been learned so far, a scalar with its gradient."""
        return self.low + self.span * learned.sigmoid()

    def __call__(
        self,
        student: torch.Tensor,
        teacher: torch.Tensor,
        target: torch.Tensor,
        learned: torch.Tensor,
        epoch: float,
        weight: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The loss of student and teacher logits (N, C) and labels int (N,), `epoch` epochs after the start."""
        strength = 0.5 * (1 - math.cos(math.pi * min(epoch / self.rise, 1)))
        reversed_ = (1 + strength) * learned.detach() - strength * learned  # as large, with the gradient turned round
        return Distillation(self.temperature(reversed_), self.soft, self.hard)(student, teacher, target, weight)


def teacher_share(kd: Distillation, teacher: torch.Tensor, target: torch.Tensor) -> float:
    """How much of the first gradient is the teacher's: norm of the softened term's over that of both terms' norms.

    teacher  logits (N, C); target  int (N,). The student starts undecided, with equal logits. Without T^2 the share
    falls as 1 / T^2: a high temperature is then hardly any distillation (Hinton, Vinyals, Dean, 2015, section 2).
    """
    norms = []
    for soft, hard in ((kd.soft, 0.0), (0.0, kd.hard)):
        student = torch.zeros_like(teacher, requires_grad=True)
        replace(kd, soft=soft, hard=hard)(student, teacher, target).backward()
        norms.append(float(student.grad.norm(dim=1).mean()))
    return norms[0] / sum(norms)


DISTILLATIONS = {kind.kind: kind for kind in (Distillation, Relations, Decoupled, Curriculum)}
