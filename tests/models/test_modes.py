"""Evaluation mode, and what is left as it was."""

import pytest
from torch import nn

from fercore.models.modes import evaluating


def test_each_layer_comes_back_to_the_mode_it_was_in():
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout())
    network.train()
    network[0].eval()  # frozen
    with pytest.raises(RuntimeError), evaluating(network):
        assert not any(part.training for part in network.modules())
        raise RuntimeError
    assert [part.training for part in network.modules()] == [True, False, True]
