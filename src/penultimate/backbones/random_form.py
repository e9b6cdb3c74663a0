"""The same architecture without its weights: what training from scratch starts from."""

from __future__ import annotations

from penultimate.errors import BackboneError
from penultimate.spec import Backbone


def random_form(backbone: Backbone) -> Backbone:
    """``NAME@random`` of ``NAME``, ``NAME@package`` or ``NAME@PATH``, other settings as they are.

    Of a paper's network in a file of ours the switches that the file states, written out.

    Raises
    ------
    BackboneError : there are features only, or a network of the user's own, which cannot be drawn
        anew.
    CheckpointError, UnknownNameError, SpecError : a paper's network is not right; see ``resolve``.
    """
    check_trainable(backbone)
    return backbone.model_copy(update={"name": _random(backbone.name)})


def check_trainable(backbone: Backbone) -> None:
    """Refuse what has no network, or one that cannot be given randomly cropped images.

    Raises
    ------
    BackboneError : it cannot be trained.
    """
    if backbone.is_module:
        raise BackboneError(
            f"{backbone.display} brings its own transform, which cannot crop at random, so it has "
            "no training: save its weights and name an architecture with them, NAME@PATH, or use "
            "the method linear-probe"
        )
    if backbone.name.startswith("features:"):
        raise BackboneError(
            f"{backbone.display} has features and no network to train: use the method "
            "linear-probe, or name a network"
        )


def _random(name: str) -> str:
    kind, colon, _ = name.partition(":")
    if colon and kind == "paper":
        return _of_paper(name)
    if colon and kind in ("torchvision", "open_clip"):
        return name.partition("@")[0] + "@random"
    from penultimate.backbones.timm import split_name

    return split_name(name)[0] + "@random"


def _of_paper(name: str) -> str:
    from penultimate.backbones.checkpoint import given_path
    from penultimate.backbones.paper.cards import PREFIX
    from penultimate.backbones.paper.checkpoint import stated
    from penultimate.backbones.paper.switches import PaperName

    asked = PaperName.read(name)
    switches = asked.switches
    if asked.weights not in ("", "random"):
        path = given_path(PREFIX + asked.network, asked.weights, ("random",))
        switches = stated(asked, path)
    written = "".join(f",{key}={_written(value)}" for key, value in switches.identity().items())
    return f"{PREFIX}{asked.network}{written}@random"


def _written(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
