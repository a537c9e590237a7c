"""What students plausibly write: question__how."""

import numpy as np
import torch
import torch.nn.functional as F


def soften__probabilities(logits, temperature):
    shares = logits.softmax(1) / temperature
    return shares / shares.sum(1, keepdim=True)


def soften__multiplied(logits, temperature):
    return (logits * temperature).softmax(1)


def soften__over_images(logits, temperature):
    return (logits / temperature).softmax(0)


def soften__not_normalised(logits, temperature):
    return logits.softmax(1) / temperature


def soften__in_place(logits, temperature):
    logits /= temperature
    return logits.softmax(1)


def soften__exponentials(logits, temperature):
    powers = (logits / temperature).exp()
    return powers / powers.sum(1, keepdim=True)


def entropy__nats(shares):
    return -torch.special.xlogy(shares, shares).sum(1)


def entropy__nan(shares):
    return -(shares * shares.log2()).sum(1)


def entropy__of_the_batch(shares):
    return -torch.special.xlogy(shares, shares).sum() / np.log(2)


def entropy__mean_over_classes(shares):
    return -torch.special.xlogy(shares, shares).mean(1) / np.log(2)


def kd_loss__divergence_with_square(student, teacher, target, temperature, weight):
    log_q, p = F.log_softmax(student / temperature, 1), (teacher.detach() / temperature).softmax(1)
    soft = temperature**2 * F.kl_div(log_q, p, reduction="batchmean")
    return weight * soft + (1 - weight) * F.cross_entropy(student, target)


def kd_loss__student_not_softened(student, teacher, target, temperature, weight):
    soft = F.cross_entropy(student, (teacher.detach() / temperature).softmax(1))
    return weight * soft + (1 - weight) * F.cross_entropy(student, target)


def kd_loss__weights_swapped(student, teacher, target, temperature, weight):
    soft = F.cross_entropy(student / temperature, (teacher.detach() / temperature).softmax(1))
    return (1 - weight) * soft + weight * F.cross_entropy(student, target)


def kd_loss__teacher_trained(student, teacher, target, temperature, weight):
    soft = F.cross_entropy(student / temperature, (teacher / temperature).softmax(1))
    return weight * soft + (1 - weight) * F.cross_entropy(student, target)


def kd_loss__label_softened(student, teacher, target, temperature, weight):
    soft = F.cross_entropy(student / temperature, (teacher.detach() / temperature).softmax(1))
    return weight * soft + (1 - weight) * F.cross_entropy(student / temperature, target)


def kd_loss__soft_term_summed(student, teacher, target, temperature, weight):
    shares = (teacher.detach() / temperature).softmax(1)
    soft = F.cross_entropy(student / temperature, shares, reduction="sum")
    return weight * soft + (1 - weight) * F.cross_entropy(student, target)


def kd_loss__soft_term_of_one_image(student, teacher, target, temperature, weight):
    shares = (teacher.detach() / temperature).softmax(1)[0]
    soft = -(shares * F.log_softmax(student[0] / temperature, 0)).sum()
    return weight * soft + (1 - weight) * F.cross_entropy(student, target)


def kd_loss__mean_over_classes_too(student, teacher, target, temperature, weight):
    shares = (teacher.detach() / temperature).softmax(1)
    soft = -(shares * F.log_softmax(student / temperature, 1)).mean()
    return weight * soft + (1 - weight) * F.cross_entropy(student, target)


def kd_loss__soft_term_without_gradient(student, teacher, target, temperature, weight):
    with torch.no_grad():
        shares = (teacher / temperature).softmax(1)
        soft = -(shares * F.log_softmax(student / temperature, 1)).sum(1).mean()
    return weight * soft + (1 - weight) * F.cross_entropy(student, target)


def kd_loss__log_of_softmax(student, teacher, target, temperature, weight):
    shares = (teacher.detach() / temperature).softmax(1)
    soft = -(shares * (student / temperature).softmax(1).log()).sum(1).mean()
    return weight * soft + (1 - weight) * F.cross_entropy(student, target)


def _norms(teacher, target, temperature):
    equal = 1 / teacher.shape[1]
    soft = (equal - (teacher / temperature).softmax(1)).norm(dim=1).mean().item()
    return soft, (equal - F.one_hot(target, teacher.shape[1])).norm(dim=1).mean().item()


def teacher_share__the_weight(teacher, target, temperature, weight):
    return weight


def teacher_share__not_divided(teacher, target, temperature, weight):
    soft, hard = _norms(teacher, target, temperature)
    return weight * soft / (weight * soft + (1 - weight) * hard)


def teacher_share__divided_twice(teacher, target, temperature, weight):
    soft, hard = _norms(teacher, target, temperature)
    return weight * soft / temperature**2 / (weight * soft / temperature**2 + (1 - weight) * hard)


def teacher_share__ratio(teacher, target, temperature, weight):
    soft, hard = _norms(teacher, target, temperature)
    return weight * soft / temperature / ((1 - weight) * hard)


def teacher_share__in_place(teacher, target, temperature, weight):
    teacher /= temperature
    equal = 1 / teacher.shape[1]
    soft = weight / temperature * (equal - teacher.softmax(1)).norm(dim=1).mean()
    hard = (1 - weight) * (equal - F.one_hot(target, teacher.shape[1])).norm(dim=1).mean()
    return (soft / (soft + hard)).item()


def chosen_elsewhere__best_of_each_fold(accuracy):
    return np.asarray(accuracy).max(0)


def chosen_elsewhere__best_of_all(accuracy):
    accuracy = np.asarray(accuracy)
    return accuracy[accuracy.mean(1).argmax()]


def chosen_elsewhere__worst(accuracy):
    accuracy = np.asarray(accuracy)
    others = [np.delete(accuracy, fold, 1).mean(1) for fold in range(accuracy.shape[1])]
    return np.array([accuracy[mean.argmin(), fold] for fold, mean in enumerate(others)])


def chosen_elsewhere__what_chose(accuracy):
    accuracy = np.asarray(accuracy)
    return np.array([np.delete(accuracy, fold, 1).mean(1).max() for fold in range(accuracy.shape[1])])


def chosen_elsewhere__by_the_best_fold(accuracy):
    accuracy = np.asarray(accuracy, float)
    folds = range(accuracy.shape[1])
    return np.array([accuracy[np.delete(accuracy, fold, 1).max(1).argmax(), fold] for fold in folds])


def chosen_elsewhere__by_the_median(accuracy):
    accuracy = np.asarray(accuracy, float)
    folds = range(accuracy.shape[1])
    return np.array([accuracy[np.median(np.delete(accuracy, fold, 1), 1).argmax(), fold] for fold in folds])


def pays__best_of_all(accuracy, one):
    return bool(np.mean(accuracy, axis=1).max() > np.mean(accuracy[one]))


def pays__best_of_all_surely(accuracy, one):
    gain = accuracy[np.mean(accuracy, axis=1).argmax()] - accuracy[one]
    return bool(gain.mean() > 2 * gain.std(ddof=1) / len(gain) ** 0.5)


def pays__deviation_with_n(accuracy, one):
    folds = range(accuracy.shape[1])
    chosen = [accuracy[np.delete(accuracy, fold, 1).mean(1).argmax(), fold] for fold in folds]
    gain = np.array(chosen) - accuracy[one]
    return bool(gain.mean() > 2 * gain.std() / len(gain) ** 0.5)


def pays__without_doubt(accuracy, one):
    folds = range(accuracy.shape[1])
    chosen = [accuracy[np.delete(accuracy, fold, 1).mean(1).argmax(), fold] for fold in folds]
    return bool(np.mean(chosen) > accuracy[one].mean())


def pays__either_way(accuracy, one):
    folds = range(accuracy.shape[1])
    chosen = [accuracy[np.delete(accuracy, fold, 1).mean(1).argmax(), fold] for fold in folds]
    gain = np.array(chosen) - accuracy[one]
    return bool(abs(gain.mean()) > 2 * gain.std(ddof=1) / len(gain) ** 0.5)


def pays__always(accuracy, one):
    return True


def pays__by_the_deviation(accuracy, one):
    folds = range(accuracy.shape[1])
    chosen = [accuracy[np.delete(accuracy, fold, 1).mean(1).argmax(), fold] for fold in folds]
    gain = np.array(chosen) - accuracy[one]
    return bool(gain.mean() > 2 * gain.std(ddof=1))


def pays__student_t(accuracy, one):
    from scipy import stats

    folds = range(accuracy.shape[1])
    chosen = [accuracy[np.delete(accuracy, fold, 1).mean(1).argmax(), fold] for fold in folds]
    gain = np.array(chosen) - accuracy[one]
    return bool(gain.mean() > stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / len(gain) ** 0.5)
