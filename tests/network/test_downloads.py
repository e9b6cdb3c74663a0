"""What needs the internet: weights that are downloaded."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.network


@pytest.mark.parametrize("name", ["test_resnet.r160_in1k", "hf-hub:timm/test_resnet.r160_in1k"])
def test_pretrained_weights_are_downloaded_and_beat_random_ones(name: str, tmp_path: Path) -> None:
    import penultimate as pn

    study = pn.Study(backbones=[name, "test_resnet@random"], tasks=["glyphs"])
    frame = pn.run(study, store=tmp_path).frame().set_index("backbone")
    assert frame.loc[name, "score"] > frame.loc["test_resnet@random", "score"]


def test_a_name_and_its_hub_address_are_one_network() -> None:
    from penultimate.backbones import resolve
    from penultimate.spec import Backbone

    names = ("test_resnet.r160_in1k", "hf-hub:timm/test_resnet.r160_in1k")
    by_name, by_address = (resolve(Backbone(name=name)) for name in names)
    assert by_name.weights == by_address.weights
    assert by_name.preprocessing == by_address.preprocessing


@pytest.mark.parametrize("name", ["torchvision:squeezenet1_1", "open_clip:PE-Core-T-16-384"])
def test_weights_of_other_libraries_are_downloaded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from penultimate.backbones import resolve
    from penultimate.spec import Backbone

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    pretrained = resolve(Backbone(name=name))
    assert pretrained.weights != resolve(Backbone(name=f"{name}@random")).weights
    assert (pretrained.published is not None) == name.startswith("torchvision:")


def test_timm_s_table_is_fetched_and_has_the_packaged_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from penultimate.backbones import PACKAGES
    from penultimate.store import ImageNetTable

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    table = ImageNetTable.read("timm")
    for size, package in zip((224, 240, 260), PACKAGES.values(), strict=True):
        assert table.find(package.published, size) is not None
