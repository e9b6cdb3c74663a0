"""PyTorch's SGD as the recipe asks for it: what is trained, and what of it decays."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from penultimate.errors import SpecError
from penultimate.spec import Recipe


def parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """The parameters that are trained, those that decay apart from those that do not.

    ``weights`` are the tensors of more than one dimension: of convolutions and linear layers, and
    not the scales, shifts and biases. Parameters that need no gradient are left as they are.

    Raises
    ------
    SpecError : the network has nothing to train.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise SpecError(
            "no parameter of the network asks for a gradient: call requires_grad_() on what is "
            "to be trained"
        )
    decayed = [p for p in trained if recipe.decayed == "all" or p.ndim > 1]
    others = [p for p in trained if recipe.decayed != "all" and p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """SGD with momentum and coupled weight decay: the decay is added to the gradient."""
    return torch.optim.SGD(
        parameter_groups(model, recipe),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov and recipe.momentum > 0,
    )


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """For all parameters."""
    for group in optimiser.param_groups:
        group["lr"] = rate
