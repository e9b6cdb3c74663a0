"""Each of the paper's four switches changes exactly what it names."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest
import torch
from timm.layers import ConvNormAct
from timm.models.inception_v3 import InceptionAux
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from penultimate.backbones.paper import PAPER, Logits, PaperNetwork, build_paper
from penultimate.backbones.paper.auxiliary import AuxiliaryHead
from penultimate.errors import SpecError

SMALL = "mobilenet_v2"
WITH_HEAD = [name for name, card in PAPER.items() if card.taps]


pytestmark = pytest.mark.usefixtures("one_thread")


def on_meta(name: str, **switches: Any) -> PaperNetwork:
    with torch.device("meta"):
        return build_paper(name, seed=0, **switches)


def trained(network: nn.Module) -> set[str]:
    return {name for name, p in network.named_parameters() if p.requires_grad}


def scales(network: nn.Module) -> set[str]:
    return {
        f"{name}.weight"
        for name, module in network.named_modules()
        if isinstance(module, _BatchNorm)
    }


def images(side: int, n: int = 2) -> Tensor:
    return torch.linspace(-1, 1, n * 3 * side * side).view(n, 3, side, side).sin()


def features(network: PaperNetwork, side: int = 64) -> Tensor:
    with torch.inference_mode():
        return network.eval().forward_features(images(side))


def rates(network: nn.Module) -> list[float]:
    return [module.p for module in network.modules() if isinstance(module, nn.Dropout) and module.p]


def test_there_are_heads_on_the_inceptions_and_nasnets() -> None:
    assert WITH_HEAD == [
        "inception_v1",
        "bn_inception",
        "inception_v3",
        "inception_v4",
        "inception_resnet_v2",
        "nasnet_a_mobile",
        "nasnet_a_large",
    ]


@pytest.mark.parametrize("name", PAPER)
def test_a_scale_that_is_off_is_the_only_thing_that_is_not_trained(name: str) -> None:
    on, off = on_meta(name), on_meta(name, batch_norm_scale=False)
    assert list(on.state_dict()) == list(off.state_dict())
    assert trained(on) == {name for name, _ in on.named_parameters()}
    assert trained(on) - trained(off) == scales(on)
    assert len(scales(on)) > 10
    assert {name.replace("weight", "bias") for name in scales(on)} <= trained(off)


def test_a_scale_that_is_off_is_1_and_stays_so() -> None:
    # timm starts the last scale of each residual block at 0
    network = build_paper("resnet50", seed=0, batch_norm_scale=False)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    assert all(bool((before[key] == 1).all()) for key in scales(network))
    network.requires_grad_(False)
    network.requires_grad_(True)  # as one thaws a network to fine-tune it
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, weight_decay=0.1)
    network.train()(images(64)).square().sum().backward()
    optimiser.step()
    after = network.state_dict()
    for key in scales(network):
        assert bool((after[key] == 1).all())
        shift = key.replace("weight", "bias")
        assert not torch.equal(after[shift], before[shift])


def test_a_scale_that_is_on_is_trained() -> None:
    network = build_paper(SMALL, seed=0)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    network.train()(images(64)).square().sum().backward()
    optimiser.step()
    assert any(bool((network.state_dict()[key] != 1).any()) for key in scales(network))


@pytest.mark.parametrize("name", PAPER)
def test_dropout_is_one_layer_before_the_classifier(name: str) -> None:
    off, on = on_meta(name), on_meta(name, dropout=0.25)
    assert list(off.state_dict()) == list(on.state_dict())
    assert trained(off) == trained(on)
    assert rates(off) == []
    assert rates(on) == [0.25]
    assert on.dropout.p == 0.25


def test_dropout_changes_logits_in_training_and_no_feature() -> None:
    off, on = (build_paper(SMALL, seed=2, dropout=rate) for rate in (0.0, 0.5))
    torch.testing.assert_close(features(on), features(off), rtol=0, atol=0)
    ones = torch.ones(2, 1280)
    for network in (off, on):
        nn.init.ones_(network.classifier.weight)
        network.train()
    torch.manual_seed(0)
    assert not torch.equal(on.forward_head(ones), off.forward_head(ones))
    assert torch.equal(on.eval().forward_head(ones), off.eval().forward_head(ones))


@pytest.mark.parametrize("name", WITH_HEAD)
def test_a_head_adds_its_own_tensors_and_no_others(name: str) -> None:
    off, on = on_meta(name, num_classes=7), on_meta(name, num_classes=7, auxiliary_head=True)
    added = set(on.state_dict()) - set(off.state_dict())
    assert set(off.state_dict()) < set(on.state_dict())
    assert added == {f"auxiliary.{key}" for key in on.auxiliary.state_dict()}
    assert rates(on) == []
    side = PAPER[name].image_size
    both = on(torch.empty(2, 3, side, side, device="meta"))
    assert isinstance(both, Logits)
    assert both.main.shape == (2, 7)
    heads = 2 if name in ("inception_v1", "bn_inception") else 1
    assert [logits.shape for logits in both.auxiliary] == [(2, 7)] * heads
    assert on.eval()(torch.empty(2, 3, side, side, device="meta")).shape == (2, 7)


@pytest.mark.parametrize("name", ["inception_v1", "bn_inception", "nasnet_a_mobile"])
def test_a_head_changes_neither_weights_nor_features_of_the_body(name: str) -> None:
    off, on = (build_paper(name, seed=4, auxiliary_head=head) for head in (False, True))
    assert torch.equal(features(on), features(off))
    plain, both = off.train()(images(64)), on.train()(images(64))
    assert torch.equal(both.main, plain)


@pytest.mark.parametrize(
    "name",
    [
        "inception_v1",
        "bn_inception",
        "nasnet_a_mobile",
        pytest.param("inception_v3", marks=pytest.mark.slow),
        pytest.param("inception_v4", marks=pytest.mark.slow),
        pytest.param("inception_resnet_v2", marks=pytest.mark.slow),
    ],
)
def test_a_head_s_loss_reaches_the_layers_before_it_and_none_after(name: str) -> None:
    network = build_paper(name, seed=4, num_classes=3, auxiliary_head=True)
    network.train()(images(96)).auxiliary[-1].square().sum().backward()
    reached = {key for key, p in network.named_parameters() if p.grad is not None}
    before = f"body.{PAPER[name].taps[-1].module}."
    last = [key for key in reached if key.startswith("body.")][-1]
    order = [key for key, _ in network.named_parameters() if key.startswith("body.")]
    assert any(key.startswith(before) for key in reached)
    assert order.index(last) <= max(i for i, key in enumerate(order) if key.startswith(before))
    assert not any(key.startswith("classifier") for key in reached)


def test_the_head_is_inception_v3_s() -> None:
    """Against timm's own, at the size that it was published for."""
    tap = PAPER["inception_v3"].taps[0]
    block = partial(ConvNormAct, padding=0, norm_kwargs={"eps": 1e-3})  # as its network has it
    theirs, ours = InceptionAux(768, 10, block).eval(), AuxiliaryHead(tap, 10).eval()
    ours.load_state_dict(theirs.state_dict())
    maps = torch.rand(2, 768, 17, 17)
    torch.testing.assert_close(ours(maps), theirs(maps))


def test_the_head_rectifies_what_a_nasnet_cell_gives() -> None:
    tap = PAPER["nasnet_a_mobile"].taps[0]
    head = AuxiliaryHead(tap, 10).eval()
    maps = torch.randn(2, tap.channels, 14, 14)
    assert torch.equal(head(maps), head(maps.relu()))


@pytest.mark.parametrize("side", [2, 4, 9, 14, 17, 30])
def test_the_head_takes_maps_of_any_size(side: int) -> None:
    tap = PAPER["nasnet_a_mobile"].taps[0]
    assert AuxiliaryHead(tap, 10).eval()(torch.rand(2, tap.channels, side, side)).shape == (2, 10)


def test_googlenet_s_heads_drop_what_the_switch_says() -> None:
    assert rates(on_meta("inception_v1", auxiliary_head=True)) == []
    assert rates(on_meta("inception_v1", auxiliary_head=True, dropout=0.7)) == [0.7] * 3


@pytest.mark.parametrize("name", [name for name in PAPER if name not in WITH_HEAD])
def test_a_network_without_a_head_says_which_have_one(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        build_paper(name, seed=0, auxiliary_head=True)
    message = str(caught.value)
    assert message.startswith(f"paper:{name} has no auxiliary head")
    assert all(other in message for other in WITH_HEAD)


def test_label_smoothing_is_only_written_down() -> None:
    plain, smoothed = (build_paper(SMALL, seed=1, label_smoothing=s) for s in (0.0, 0.1))
    assert smoothed.switches.label_smoothing == 0.1
    for key, value in plain.state_dict().items():
        assert torch.equal(value, smoothed.state_dict()[key])
    assert trained(plain) == trained(smoothed)


def test_the_paper_s_own_models_have_the_scale_on_and_the_rest_off() -> None:
    assert build_paper(SMALL, seed=0).switches.model_dump() == {
        "batch_norm_scale": True,
        "label_smoothing": 0.0,
        "dropout": 0.0,
        "auxiliary_head": False,
    }


def test_a_copy_listens_to_itself() -> None:
    """An average of weights is a copy: its heads must hear its own body."""
    network = build_paper("inception_v1", seed=0, num_classes=3, auxiliary_head=True)
    other = copy.deepcopy(network)
    for parameter in other.parameters():
        nn.init.zeros_(parameter)
    torch.manual_seed(0)
    assert all(bool((logits == 0).all()) for logits in other.train()(images(64)).auxiliary)
    assert all(bool((logits != 0).any()) for logits in network.train()(images(64)).auxiliary)
    assert network._heard == other._heard == []


def test_features_taken_while_training_leave_nothing_for_the_next_pass() -> None:
    network = build_paper("inception_v1", seed=0, num_classes=3, auxiliary_head=True).train()
    network.forward_features(images(64))
    assert len(network(images(64)).auxiliary) == 2


def test_weights_come_from_the_seed_and_leave_the_global_generator_alone() -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    one, again, other = (build_paper(SMALL, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.rand(3), expected)
    states = [network.state_dict() for network in (one, again, other)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not torch.equal(states[0]["classifier.weight"], states[2]["classifier.weight"])
    assert not torch.equal(features(one), features(other))


def test_the_body_does_not_depend_on_the_number_of_classes() -> None:
    assert torch.equal(
        features(build_paper(SMALL, seed=3)), features(build_paper(SMALL, seed=3, num_classes=5))
    )
