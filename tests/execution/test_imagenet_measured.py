"""ImageNet accuracy: measured against what one would write by hand, kept, and found by studies."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from study_folders import write_pictures

import penultimate as pn
from penultimate.backbones import PACKAGES, resolve
from penultimate.backbones.build import build
from penultimate.backbones.timm import build_timm
from penultimate.errors import BackboneError, DataError
from penultimate.execution.measure_imagenet import measure_imagenet
from penultimate.progress import Progress, Step
from penultimate.spec import Backbone, Study
from penultimate.store import ResultStore

TINY = "test_resnet@random"  # timm's own, 160 px, with 1,000 classes
PALACE, DAISY = 698, 985
NAMES = timm.data.ImageNetInfo()


@pytest.fixture(scope="session")
def empty(tmp_path_factory) -> Path:
    """ImageNet's folder with a folder for each of the 1,000 classes, and no image."""
    root = tmp_path_factory.mktemp("imagenet")
    for index in range(1000):
        (root / "val" / NAMES.index_to_label_name(index)).mkdir(parents=True)
    return root


@pytest.fixture
def tree(empty: Path, tmp_path: Path) -> Path:
    """A copy to put images in."""
    return shutil.copytree(empty, tmp_path / "imagenet")


def place(root: Path, index: int, name: str, image: Image.Image) -> Path:
    path = root / "val" / NAMES.index_to_label_name(index) / f"{name}.png"
    image.save(path)
    return path


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "store")


@pytest.fixture
def noise(tree: Path) -> list[tuple[Path, int]]:
    """Twelve pictures, more of them of classes that the tiny network answers."""
    rng = np.random.default_rng(0)
    network = build_timm(TINY).network
    transform = timm.data.create_transform(
        **timm.data.resolve_data_config({}, model=network), is_training=False
    )
    placed = []
    for number in range(12):
        side = (200 + 10 * number, 300)
        image = Image.fromarray(rng.integers(0, 256, (*side, 3), dtype=np.uint8))
        with torch.inference_mode():
            order = network(transform(image)[None])[0].argsort(descending=True)
        label = int(order[number % 8])  # the first answer of some, the eighth of others
        placed.append((place(tree, label, f"{number}", image), number % 8))
    return placed


def test_counts_what_one_would_count_by_hand(tree: Path, noise, store: ResultStore) -> None:
    measured = measure_imagenet(TINY, tree, store)
    ranks = [rank for _, rank in noise]
    assert measured.accuracy.top1 == sum(rank < 1 for rank in ranks) / 12
    assert measured.accuracy.top5 == sum(rank < 5 for rank in ranks) / 12
    assert measured.accuracy.images == 12
    assert measured.accuracy.source == "measured on 12 of 50,000 images"
    assert measured.weights == resolve(Backbone(name=TINY)).weights
    assert measured.skipped == []


def test_says_on_what_and_with_what_it_was_measured(tree: Path, noise, store: ResultStore) -> None:
    record = measure_imagenet(TINY, tree, store, command="penultimate ...").accuracy.record
    config = timm.data.resolve_data_config({}, model=build_timm(TINY).network)
    assert record["preprocessing"]["crop_pct"] == config["crop_pct"]
    assert record["preprocessing"]["interpolation"] == config["interpolation"]
    assert record["preprocessing"]["size"] == 160
    assert record["provenance"]["packages"]["timm"] == timm.__version__
    assert record["provenance"]["command"] == "penultimate ..."


def test_the_packaged_network_knows_a_palace_and_a_daisy(tree: Path, store: ResultStore) -> None:
    name = "tf_efficientnet_lite0@package"
    pytest.importorskip(PACKAGES["tf_efficientnet_lite0"].module)
    photographs = pytest.importorskip("sklearn.datasets").load_sample_images()
    for index, file, pixels in zip(
        (PALACE, DAISY), photographs.filenames, photographs.images, strict=True
    ):
        place(tree, index, Path(file).stem, Image.fromarray(pixels))
    assert measure_imagenet(name, tree, store).accuracy.top1 == 1.0
    for index in (PALACE, DAISY):  # among the photographs of another class they are mistakes
        folder = tree / "val" / NAMES.index_to_label_name(index)
        for file in folder.iterdir():
            file.rename(tree / "val" / NAMES.index_to_label_name(index + 1) / file.name)
    assert measure_imagenet(name, tree, store).accuracy.top1 == 0.0


def test_what_was_measured_is_not_measured_again_but_where_something_changed(
    tree: Path, noise, store: ResultStore, tmp_path: Path
) -> None:
    first = measure_imagenet(TINY, tree, store)
    again = measure_imagenet(TINY, tree, store)
    assert (first.computed, again.computed) == (True, False)
    assert first.accuracy == again.accuracy
    # Another last layer on the same features answers otherwise.
    state = build_timm(TINY).network.state_dict()
    state["fc.bias"] = torch.zeros(1000).index_fill(0, torch.tensor(0), 1e4)
    torch.save(state, tmp_path / "other.pth")
    other = measure_imagenet(f"test_resnet@{tmp_path / 'other.pth'}", tree, store)
    assert (other.computed, other.weights) == (True, first.weights)
    assert other.accuracy.top1 == 0
    noise[0][0].unlink()
    assert measure_imagenet(TINY, tree, store).computed


def test_a_part_of_the_images_never_replaces_more_of_them(
    tree: Path, noise, store: ResultStore
) -> None:
    more = measure_imagenet(TINY, tree, store)
    for path, _ in noise[:6]:
        path.unlink()
    part = measure_imagenet(TINY, tree, store)
    assert part.accuracy.images == 6
    assert store.imagenet.best(part.weights) == more.accuracy


def test_images_that_cannot_be_read_are_counted_and_left_out(
    tree: Path, noise, store: ResultStore
) -> None:
    broken = noise[3][0]
    broken.write_bytes(b"no picture")
    measured = measure_imagenet(TINY, tree, store)
    assert measured.skipped == [broken.relative_to(tree).as_posix()]
    assert measured.accuracy.images == 11
    assert measured.accuracy.top5 == sum(r < 5 for _, r in noise if r != 3 or _ != broken) / 11
    for path, _ in noise:
        path.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"none of the 12 images .* can be read"):
        measure_imagenet(TINY, tree, store)


def test_an_interrupted_measurement_leaves_nothing(tree: Path, noise, store: ResultStore) -> None:
    class Interrupted(Progress, Step):
        def step(self, description: str, total: int, unit: str = "images") -> Step:
            return self

        def advance(self, count: int = 1) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_imagenet(TINY, tree, store, progress=Interrupted())
    assert not list((store.root / "imagenet").rglob("*.json"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mobilenetv3_large_100.miil_in21k@random", r"answers in [\d,]+ classes .* 1,000"),
        ("features:somewhere", "without a network"),
    ],
)
def test_a_network_without_imagenet_s_classes_is_refused(
    tree: Path, noise, store: ResultStore, name: str, message: str
) -> None:
    with pytest.raises(BackboneError, match=message) as caught:
        measure_imagenet(name, tree, store)
    assert "\n" not in str(caught.value)


def test_a_network_of_torchvision_s_is_measured_with_torchvision_s_transforms(
    tree: Path, noise, store: ResultStore
) -> None:
    from torchvision import models

    name = "torchvision:shufflenet_v2_x0_5@random"
    network = build(name).network
    own = models.ShuffleNet_V2_X0_5_Weights.DEFAULT.transforms()
    for path, _ in noise[2:]:
        path.unlink()
    for path, rank in noise[:2]:
        with Image.open(path) as image, torch.inference_mode():
            label = int(network(own(image.convert("RGB"))[None])[0].argsort(descending=True)[rank])
        path.rename(tree / "val" / NAMES.index_to_label_name(label) / path.name)
    measured = measure_imagenet(name, tree, store).accuracy
    assert (measured.top1, measured.top5) == (0.5, 1.0)  # the first answer, and the second
    assert measured.record["preprocessing"]["crop"] == 224


def test_a_network_of_the_paper_s_sees_the_central_square_of_its_own_size() -> None:
    evaluation = build("paper:mobilenet_v1@random").evaluation()
    assert evaluation is not None
    assert evaluation.settings["size"] == 224
    assert evaluation.settings["crop_pct"] == 0.875
    assert evaluation.settings["mean"] == list(
        resolve(Backbone(name="paper:mobilenet_v1@random")).preprocessing.mean
    )
    assert evaluation.transform(Image.new("RGB", (300, 200))).shape == (3, 224, 224)


def test_a_tower_of_clip_has_no_classes(tree: Path, noise, store: ResultStore) -> None:
    pytest.importorskip("open_clip")
    with pytest.raises(BackboneError, match="no layer for ImageNet's 1,000 classes"):
        measure_imagenet("open_clip:ViT-S-32@random", tree, store)


@pytest.mark.parametrize("classes", [10, None])
def test_a_checkpoint_without_the_last_layer_has_no_accuracy(
    tree: Path, noise, store: ResultStore, tmp_path: Path, classes: int | None
) -> None:
    state = build_timm(TINY).network.state_dict()
    width = state.pop("fc.weight").shape[1]
    state.pop("fc.bias")
    if classes:
        state |= {"fc.weight": torch.ones(classes, width), "fc.bias": torch.ones(classes)}
    torch.save(state, tmp_path / "tuned.pth")
    with pytest.raises(BackboneError, match="no layer for ImageNet's 1,000 classes"):
        measure_imagenet(f"test_resnet@{tmp_path / 'tuned.pth'}", tree, store)


def test_without_images_or_classes_it_says_so(empty: Path, tmp_path: Path, store) -> None:
    with pytest.raises(DataError, match="no images"):
        measure_imagenet(TINY, empty, store)
    with pytest.raises(DataError):
        measure_imagenet(TINY, tmp_path / "nowhere", store)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> Path:
    """36 pictures of three classes."""
    return write_pictures(tmp_path_factory.mktemp("data") / "pictures")


def study(pictures: Path, *backbones: Backbone | str) -> Study:
    return Study(backbones=backbones, tasks=[f"folder:{pictures}"])


def test_a_measured_accuracy_appears_in_the_results_of_the_network(
    tree: Path, noise, pictures: Path, store: ResultStore
) -> None:
    results = pn.run(study(pictures, TINY), store)
    assert results.frame()["imagenet_top1"].isna().all()
    measured = measure_imagenet(TINY, tree, store)
    for frame in (results.frame(), store.frame(), pn.run(study(pictures, TINY), store).frame()):
        assert list(frame["imagenet_top1"]) == [measured.accuracy.top1]
        assert list(frame["imagenet_top1_source"]) == ["measured on 12 of 50,000 images"]
