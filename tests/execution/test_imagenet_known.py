"""ImageNet accuracy that is known when a study begins: given, in a table, or published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from study_folders import write_pictures

import penultimate as pn
from penultimate.backbones import PACKAGES, resolve
from penultimate.spec import Backbone, Study
from penultimate.store import Accuracy, ImageNetTable, ResultStore

TINY = "test_resnet@random"


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "store")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """36 pictures of three classes."""
    return write_pictures(tmp_path_factory.mktemp("data") / "pictures")


def study(pictures: Path, *backbones: Backbone | str) -> Study:
    return Study(backbones=backbones, tasks=[f"folder:{pictures}"])


def test_a_packaged_network_and_its_file_are_one_run_with_one_accuracy_of_a_table(
    pictures: Path, store: ResultStore
) -> None:
    name = "tf_efficientnet_lite0"
    pytest.importorskip(PACKAGES[name].module)
    package, file = f"{name}@package", f"{name}@{PACKAGES[name].checkpoint()}"
    table = ImageNetTable.parse(
        b"model,img_size,top1,top5\ntf_efficientnet_lite0.in1k,224,74.25,91.5\n"
        b"tf_efficientnet_lite0.in1k,256,75.5,92.5\ntf_efficientnet_lite0,224,1.0,2.0\n",
        "results.csv",
    )
    results = pn.run(study(pictures, package, file, f"{name}@random"), store, imagenet=table)
    frame = results.frame().set_index("backbone")
    assert frame.loc[package, "run"] == frame.loc[file, "run"]
    for backbone in (package, file):
        assert frame.loc[backbone, "imagenet_top1"] == 0.7425
        assert frame.loc[backbone, "imagenet_top1_source"] == (
            f"results table results.csv (sha256 {table.digest[:12]}), "
            "tf_efficientnet_lite0.in1k, 224 px"
        )
    assert frame.loc[[f"{name}@random"], "imagenet_top1"].isna().all()


def test_a_table_given_later_needs_nothing_computed(pictures: Path, store: ResultStore) -> None:
    name = "tf_efficientnet_lite0@package"
    pytest.importorskip(PACKAGES["tf_efficientnet_lite0"].module)
    first = pn.run(study(pictures, name), store)
    assert first.frame()["imagenet_top1"].isna().all()
    table = ImageNetTable.parse(
        b"model,img_size,top1\ntf_efficientnet_lite0.in1k,224,74.25\n", "results.csv"
    )
    assert store.imagenet.add_table(table) == 1
    assert list(store.frame()["imagenet_top1"]) == [0.7425]
    file = pictures.parent / "results.csv"
    file.write_text("model,img_size,top1\ntf_efficientnet_lite0.in1k,224,75.25\n")
    again = pn.run(study(pictures, name), store, imagenet=file)
    assert again.computed == 0
    assert list(again.frame()["imagenet_top1"]) == [0.7525]


def test_the_study_has_the_last_word_and_can_be_mended(pictures: Path, store: ResultStore) -> None:
    def top1(value: float | None) -> tuple[list[float], list[str]]:
        backbone = Backbone(name=TINY, imagenet_top1=value)
        pn.run(study(pictures, backbone), store)
        frame = store.frame()
        return list(frame["imagenet_top1"]), list(frame["imagenet_top1_source"])

    assert top1(0.57) == ([0.57], ["study file"])
    weights = resolve(Backbone(name=TINY)).weights
    store.imagenet.write(weights, "table", Accuracy(top1=0.75, source="a table"))
    assert top1(0.75) == ([0.75], ["study file"])
    digests = store.digests()
    record = json.loads((store.root / "runs" / digests[0] / "result.json").read_text())
    assert len(digests) == 1
    assert "imagenet" not in json.dumps(record["run"])


def test_the_accuracy_that_torchvision_publishes_is_shown_as_its_own(
    pictures: Path, store: ResultStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision import models

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    entry = models.ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(models.shufflenet_v2_x0_5().state_dict(), folder / Path(entry.url).name)
    frame = pn.run(study(pictures, "torchvision:shufflenet_v2_x0_5"), store).frame()
    assert frame["imagenet_top1"][0] == entry.meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100
    assert frame["imagenet_top1_source"][0] == f"torchvision, published with {entry}"
