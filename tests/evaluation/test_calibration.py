"""A temperature that was put in is found again, and changes no answer."""

import numpy as np
import pytest
import torch

from fercore.evaluation import calibration


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_labels_were_drawn_with_is_found(temperature):
    draw = np.random.default_rng(0)
    logits = 2 * draw.normal(size=(20_000, 7))
    shares = np.exp(logits / temperature)
    shares /= shares.sum(1, keepdims=True)
    labels = (shares.cumsum(1) < draw.random((len(shares), 1))).sum(1)
    found = calibration.fit_temperature(torch.from_numpy(logits)[None], labels)
    assert found == pytest.approx(temperature, rel=0.05) and found == round(found, 4)


def test_views_are_averaged_as_probabilities():
    logits = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0)).double()
    expected = (logits / 0.7).softmax(-1).mean(0).numpy()
    assert np.allclose(calibration.calibrated(logits, 0.7), expected)
    with pytest.raises(ValueError, match="no image"):
        calibration.fit_temperature(logits[:, :0], np.array([], int))


@pytest.mark.parametrize(
    ("logit", "label", "told"),
    [(float("nan"), 0, "not finite"), (1.0, -1, "labels from -1"), (1.0, 3, "labels from 0 to 3; expected 0 to 2")],
)
def test_no_temperature_is_fitted_to_what_is_no_answer(logit, label, told):
    logits = torch.tensor([[[logit, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    with pytest.raises(ValueError, match=told):
        calibration.fit_temperature(logits, np.array([label, 0]))


def test_a_temperature_at_the_end_of_its_range_is_told():
    logits = torch.tensor([[[4.0, 0.0], [0.0, 4.0]]])
    with pytest.warns(UserWarning, match="no temperature calibrates these"):
        assert calibration.fit_temperature(logits, np.array([1, 0])) > 19, "labels that contradict every answer"


def test_no_temperature_nearby_fits_better():
    draw = np.random.default_rng(0)
    logits = torch.from_numpy(draw.normal(size=(1, 500, 7)) * 3)
    labels = np.where(draw.random(500) < 0.5, logits[0].argmax(1).numpy(), draw.integers(0, 7, 500))

    def loss(temperature):
        return -np.log(calibration.calibrated(logits, temperature)[np.arange(500), labels]).mean()

    found = calibration.fit_temperature(logits, labels)
    assert loss(found) < min(loss(0.998 * found), loss(1.002 * found))
