"""The data sets of the paper, each read from its official layout on disk; one file a data set.

Each file has a ``load`` from the data set's folder and a ``CARD`` with what is known of it.
"""

from penultimate.data.official import (
    aircraft,
    birdsnap,
    caltech101,
    cars,
    cifar10,
    cifar100,
    dtd,
    flowers102,
    food101,
    imagenet,
    pets,
    sun397,
    voc2007,
)
from penultimate.data.official.card import Archive, Official
from penultimate.data.official.find import data_folder, find, find_root
from penultimate.data.official.load import Loaded, load_official

OFFICIAL: dict[str, Official] = {
    card.name: card
    for card in (
        food101.CARD,
        cifar10.CARD,
        cifar100.CARD,
        birdsnap.CARD,
        sun397.CARD,
        cars.CARD,
        aircraft.CARD,
        voc2007.CARD,
        dtd.CARD,
        pets.CARD,
        caltech101.CARD,
        flowers102.CARD,
        imagenet.CARD,
    )
}
"""By name, in the order of Table 1, ImageNet last."""

__all__ = [
    "OFFICIAL",
    "Archive",
    "Loaded",
    "Official",
    "data_folder",
    "find",
    "find_root",
    "load_official",
]
