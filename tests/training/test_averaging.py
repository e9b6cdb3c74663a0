"""The moving average against longhand, its warm-up, and what of batch norm."""

from __future__ import annotations

import pytest
import torch
from tiny_training import fit, network, recipe

from penultimate.training.averaging import decay_at


def test_the_decay_warms_up() -> None:
    assert [decay_at(0.9999, t) for t in (1, 2, 90)] == pytest.approx([2 / 11, 3 / 12, 91 / 100])
    assert decay_at(0.9999, 10**6) == 0.9999
    assert decay_at(0.5, 90) == 0.5


def test_the_network_ends_as_the_average_of_longhand() -> None:
    model = network(batch_norm=True)
    expected = {name: value.double().clone() for name, value in model.state_dict().items()}
    weights = []

    def keep(step: int, state: object) -> None:
        weights.append({name: value.clone() for name, value in plain.state_dict().items()})

    plain = network(batch_norm=True)
    fit(plain, recipe(), snapshots=range(1, 11), on_snapshot=keep)
    for t, state in enumerate(weights, start=1):
        decay = min(0.6, (1 + t) / (10 + t))
        for name, value in expected.items():
            expected[name] = decay * value + (1 - decay) * state[name]
    fit(model, recipe(average=0.6))
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, expected[name].float(), rtol=1e-5, atol=1e-6)
    assert model[1].num_batches_tracked == 10
    assert not torch.equal(model[8].weight, plain[8].weight)


def test_snapshots_are_what_would_be_scored() -> None:
    short, long = network(batch_norm=True), network(batch_norm=True)
    seen = {}

    def keep(step: int, state: dict[str, torch.Tensor]) -> None:
        seen[step] = {name: value.clone() for name, value in state.items()}

    # Constant rate: a shorter run is the beginning of a longer one.
    settings = {"schedule": "exponential", "decay_rate": 1.0, "average": 0.9}
    fit(long, recipe(steps=10, **settings), snapshots=(4, 7), on_snapshot=keep)
    fit(short, recipe(steps=4, **settings))
    assert sorted(seen) == [4, 7]
    for name, value in short.state_dict().items():
        assert torch.equal(value, seen[4][name]), name
