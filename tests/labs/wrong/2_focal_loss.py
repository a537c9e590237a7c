"""What students plausibly write: question__how."""

import numpy as np
import torch
import torch.nn.functional as F


def recalls__precision(labels, said, classes):
    return np.array([np.mean(labels[said == k] == k) if (said == k).any() else np.nan for k in range(classes)])


def recalls__zero_where_unknown(labels, said, classes):
    return np.array([np.sum((labels == k) & (said == k)) / max(np.sum(labels == k), 1) for k in range(classes)])


def recalls__of_all_images(labels, said, classes):
    return np.array([np.mean((labels == k) & (said == k)) for k in range(classes)])


def recalls__of_classes_that_occur(labels, said, classes):
    return np.array([np.mean(said[labels == k] == k) for k in np.unique(labels)])


def class_weights__inverse(labels, classes):
    return 1 / torch.bincount(labels, minlength=classes).clamp(min=1).float()


def class_weights__all_classes(labels, classes):
    counts = torch.bincount(labels, minlength=classes).float()
    return torch.where(counts > 0, len(labels) / (classes * counts.clamp(min=1)), 0.0)


def class_weights__infinite(labels, classes):
    counts = torch.bincount(labels, minlength=classes).float()
    return len(labels) / ((counts > 0).sum() * counts)


def class_weights__sum_to_one(labels, classes):
    counts = torch.bincount(labels, minlength=classes).float()
    weights = torch.where(counts > 0, 1 / counts.clamp(min=1), 0.0)
    return weights / weights.sum()


def focal__divided_by_weights(logits, target, gamma, weight):
    log_p = F.log_softmax(logits, 1).gather(1, target[:, None]).squeeze(1)
    return (weight[target] * (1 - log_p.exp()) ** gamma * -log_p).sum() / weight[target].sum()


def focal__of_the_largest(logits, target, gamma, weight):
    p = logits.softmax(1).max(1).values
    return (weight[target] * (1 - p) ** gamma * -p.log()).mean()


def focal__unstable(logits, target, gamma, weight):
    p = logits.softmax(1).gather(1, target[:, None]).squeeze(1)
    return (weight[target] * (1 - p) ** gamma * -p.log()).mean()


def focal__easy_ones_up(logits, target, gamma, weight):
    log_p = F.log_softmax(logits, 1).gather(1, target[:, None]).squeeze(1)
    return (weight[target] * log_p.exp() ** gamma * -log_p).mean()


def focal__of_the_mean(logits, target, gamma, weight):
    loss = F.cross_entropy(logits, target, weight=weight)
    return (1 - torch.exp(-loss)) ** gamma * loss


def focal__factor_without_gradient(logits, target, gamma, weight):
    log_p = F.log_softmax(logits, 1).gather(1, target[:, None]).squeeze(1)
    return (weight[target] * (1 - log_p.exp().detach()) ** gamma * -log_p).mean()


def easy_share__without_gamma(p, gamma):
    loss = -np.log(p)
    return loss[p >= 0.5].sum() / loss.sum()


def easy_share__of_images(p, gamma):
    return np.mean(p >= 0.5)


def easy_share__without_the_logarithm(p, gamma):
    return ((1 - p) ** gamma)[p >= 0.5].sum() / ((1 - p) ** gamma).sum()


def easy_share__above_a_half(p, gamma):
    loss = (1 - p) ** gamma * -np.log(p)
    return loss[p > 0.5].sum() / loss.sum()


def easy_share__squared_whatever_gamma(p, gamma):
    loss = ((1 - p) ** 2 if gamma else 1) * -np.log(p)
    return loss[p >= 0.5].sum() / loss.sum()


def choose__unless_within_the_error(results, plain):
    scores = results.pivot(index="seed", columns="loss", values="macro_f1")
    best = scores.mean().idxmax()
    lead = scores[best] - scores[plain]
    return plain if lead.mean() <= 2 * lead.std() / len(lead) ** 0.5 else best


def choose__best_mean(results, plain):
    return results.groupby("loss")["macro_f1"].mean().idxmax()


def choose__best_training(results, plain):
    return results.loc[results["macro_f1"].idxmax(), "loss"]


def choose__plain_always(results, plain):
    return plain


def choose__by_deviation(results, plain):
    scores = results.pivot(index="seed", columns="loss", values="macro_f1")
    best = scores.mean().idxmax()
    lead = scores[best] - scores[plain]
    return best if lead.mean() > 2 * lead.std() else plain


def choose__deviation_with_n(results, plain):
    scores = results.pivot(index="seed", columns="loss", values="macro_f1")
    best = scores.mean().idxmax()
    lead = scores[best] - scores[plain]
    return best if best != plain and lead.mean() > 2 * lead.std(ddof=0) / len(lead) ** 0.5 else plain


def choose__in_order_of_rows(results, plain):
    best = results.groupby("loss")["macro_f1"].mean().idxmax()
    one, other = (results.loc[results["loss"] == name, "macro_f1"].to_numpy() for name in (best, plain))
    lead = one - other
    return best if lead.mean() > 2 * lead.std(ddof=1) / len(lead) ** 0.5 else plain


def choose__by_position(results, plain):
    best = results.groupby("loss")["macro_f1"].mean().idxmax()
    one, other = (results.loc[results["loss"] == name, "macro_f1"].to_numpy() for name in (best, plain))
    lead = one - other
    return best if best != plain and lead.mean() > 2 * lead.std(ddof=1) / len(lead) ** 0.5 else plain


def choose__first_that_leads(results, plain):
    scores = results.pivot(index="seed", columns="loss", values="macro_f1")
    for name in scores.columns.drop(plain):
        lead = scores[name] - scores[plain]
        if lead.mean() > 2 * lead.std() / len(lead) ** 0.5:
            return name
    return plain


def choose__best_of_those_that_lead(results, plain):
    scores = results.pivot(index="seed", columns="loss", values="macro_f1")
    lead = scores.sub(scores[plain], axis=0).drop(columns=plain)
    leads = lead.columns[lead.mean() > 2 * lead.std() / len(lead) ** 0.5]
    return scores[leads].mean().idxmax() if len(leads) else plain


def choose__error_of_the_best(results, plain):
    scores = results.pivot(index="seed", columns="loss", values="macro_f1")
    best = scores.mean().idxmax()
    lead = scores[best].mean() - scores[plain].mean()
    return best if best != plain and lead > 2 * scores[best].std() / len(scores) ** 0.5 else plain


def choose__student_t(results, plain):
    from scipy import stats

    scores = results.pivot(index="seed", columns="loss", values="macro_f1")
    best = scores.mean().idxmax()
    lead = scores[best] - scores[plain]
    sure = lead.mean() > stats.t.ppf(0.975, len(lead) - 1) * lead.std() / len(lead) ** 0.5
    return best if best != plain and sure else plain


def choose__n_less_1_twice(results, plain):
    scores = results.pivot(index="seed", columns="loss", values="macro_f1")
    best = scores.mean().idxmax()
    lead = scores[best] - scores[plain]
    return best if best != plain and lead.mean() > 2 * lead.std(ddof=1) / (len(lead) - 1) ** 0.5 else plain


def choose__at_least(results, plain):
    scores = results.pivot(index="seed", columns="loss", values="macro_f1")
    best = scores.mean().idxmax()
    lead = scores[best] - scores[plain]
    return best if lead.mean() >= 2 * lead.std() / len(lead) ** 0.5 else plain
