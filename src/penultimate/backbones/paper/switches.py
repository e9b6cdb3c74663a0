"""The paper's four switches, and how a name says them: ``paper:NAME,SWITCH=VALUE,...@WEIGHTS``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field, ValidationError

from penultimate.backbones.paper.cards import PAPER, PREFIX, Card
from penultimate.errors import SpecError, UnknownNameError
from penultimate.spec.base import Frozen

FORM = "as in paper:inception_v4,auxiliary_head=on,dropout=0.2@random"


class Switches(Frozen):
    """What the paper turned on or off when it trained on ImageNet; its own models are the defaults.

    Parameters
    ----------
    batch_norm_scale : batch norm's scale (gamma) is trained; otherwise it stays 1. The shift (beta)
        is trained either way.
    label_smoothing : of the loss on ImageNet. It changes nothing in the network and stands here so
        that a network says how it was trained.
    dropout : the share dropped before the classification layer. NASNet's drop-path is another
        thing, and off.
    auxiliary_head : a second classifier on an inner layer, while training. The Inceptions and
        NASNet have one.
    """

    batch_norm_scale: bool = True
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    auxiliary_head: bool = False


@dataclass(frozen=True)
class PaperName:
    """A name taken apart; ``weights`` is what stands after ``@``, empty where nothing does."""

    network: str
    switches: Switches
    weights: str

    @classmethod
    def read(cls, name: str) -> PaperName:
        """Take ``paper:NAME,SWITCH=VALUE,...@WEIGHTS`` apart.

        Raises
        ------
        UnknownNameError : there is no such network or switch.
        SpecError : a switch has no such value, is given twice, or the network has no such part.
        """
        asked, _, weights = name.partition("@")
        network, *settings = asked.removeprefix(PREFIX).split(",")
        card_of(network)
        given: dict[str, str] = {}
        for setting in settings:
            key, equals, value = setting.partition("=")
            if key not in Switches.model_fields:
                raise UnknownNameError(
                    "switch",
                    setting,
                    Switches.model_fields,
                    f"the switches of {PREFIX}{network} are {', '.join(Switches.model_fields)}",
                )
            if key in given:
                raise SpecError(f"{name} says {key} twice: say it once")
            given[key] = value if equals else "on"
        return cls(network, checked(network, given), weights)


def card_of(network: str) -> Card:
    """The card of one of the sixteen.

    Raises
    ------
    UnknownNameError : there is no such network.
    """
    if network not in PAPER:
        known = [PREFIX + known for known in PAPER]
        remedy = f"'penultimate list backbones \"{PREFIX}*\"' shows all sixteen"
        raise UnknownNameError("backbone", PREFIX + network, known, remedy)
    return PAPER[network]


def checked(network: str, given: Mapping[str, object]) -> Switches:
    """Switches of one of the sixteen networks.

    Raises
    ------
    SpecError : a value is not right, or the network has no auxiliary head.
    """
    try:
        switches = Switches.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        right = "a share from 0 to under 1"
        if Switches.model_fields[key].annotation is bool:
            right = "on or off"
        raise SpecError(
            f"{PREFIX}{network} has {key}={first['input']}, which is not {right}: write it {FORM}"
        ) from None
    if switches.auxiliary_head and not PAPER[network].taps:
        having = ", ".join(other for other, card in PAPER.items() if card.taps)
        raise SpecError(
            f"{PREFIX}{network} has no auxiliary head, so auxiliary_head cannot be on: these have "
            f"one: {having}"
        )
    return switches
