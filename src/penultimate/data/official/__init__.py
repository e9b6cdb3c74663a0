"""The data sets of the paper, each read from its official layout on disk; one file a data set.

Each file has a ``load`` from the data set's folder and a ``CARD`` with what is known of it.
"""

from penultimate.data.official.card import Archive, Official

OFFICIAL: dict[str, Official] = {}
"""By name, in the order of Table 1, ImageNet last."""

__all__ = ["OFFICIAL", "Archive", "Official"]
