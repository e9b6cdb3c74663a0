"""The sixteen networks of the paper, with its four switches."""

from penultimate.backbones.paper.build import build_paper
from penultimate.backbones.paper.cards import PAPER
from penultimate.backbones.paper.checkpoint import save_paper
from penultimate.backbones.paper.network import Logits, PaperNetwork
from penultimate.backbones.paper.switches import Switches

__all__ = ["PAPER", "Logits", "PaperNetwork", "Switches", "build_paper", "save_paper"]
