"""SGD against longhand: Nesterov's momentum, coupled weight decay, and what decays."""

from __future__ import annotations

import copy

import pytest
import torch
from tiny_training import ArrayImages, fit, network, pictures, recipe
from torch import nn
from torch.nn import functional

from penultimate.errors import SpecError
from penultimate.spec import Recipe
from penultimate.training.schedule import learning_rate


def longhand(model: nn.Module, images: ArrayImages, plan: Recipe) -> dict[str, torch.Tensor]:
    """The same training written out: gradient, decay, velocity, step."""
    model.train()
    velocity = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for step in range(plan.steps):
        rows = images.rows(step)
        loss = functional.cross_entropy(model(images.images[rows]), images.labels[rows])
        names, parameters = zip(*model.named_parameters(), strict=True)
        gradients = torch.autograd.grad(loss, parameters)
        rate = learning_rate(plan, step)
        for name, p, g in zip(names, parameters, gradients, strict=True):
            decays = plan.decayed == "all" or p.ndim > 1
            pull = g + plan.weight_decay * p.detach() if decays else g
            velocity[name] = plan.momentum * velocity[name] + pull
            ahead = pull + plan.momentum * velocity[name] if plan.nesterov else velocity[name]
            p.data -= rate * ahead
    return dict(model.state_dict())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"nesterov": False},
        {"momentum": 0.0},
        {"weight_decay": 0.3},
        {"weight_decay": 0.3, "decayed": "all"},
    ],
    ids=str,
)
def test_steps_are_those_of_longhand(settings: dict[str, object]) -> None:
    plan = recipe(steps=12, **settings)
    images = ArrayImages(*pictures(), plan.batch_size)
    model = network(batch_norm=True)
    expected = longhand(copy.deepcopy(model), images, plan)
    fit(model, plan, images)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=1e-6, msg=name)


def test_what_needs_no_gradient_stays_as_it_is() -> None:
    model = network(batch_norm=True)
    model[0].requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    fit(model, recipe(weight_decay=0.5, decayed="all"))
    after = model.state_dict()
    assert torch.equal(after["0.weight"], before["0.weight"])
    assert not torch.equal(after["8.weight"], before["8.weight"])


def test_a_network_with_nothing_to_train_is_refused() -> None:
    with pytest.raises(SpecError, match="no parameter of the network asks for a gradient"):
        fit(network().requires_grad_(False), recipe())
