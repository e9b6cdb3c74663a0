"""Small trees in the layouts that data sets are published in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from old_pickles import python2_pickle
from pictures import picture, save


def draw(root: Path, names: Iterable[str], seed: int = 0) -> None:
    """Pictures under these names below ``root``, all unlike."""
    for number, name in enumerate(names, seed):
        save(root / name, picture(number))


def write(path: Path, *lines: str, end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def food101(holder: Path, train: int = 6, test: int = 2) -> Path:
    """The folder ``food-101`` with three classes, below ``holder``; ids are in no order."""
    root = holder / "food-101"
    classes = ("apple_pie", "baby_back_ribs", "waffles")
    names = {
        part: {
            label: [f"{label}/{(7919 * (i + first) + 31 * k) % 9973}" for i in range(n)]
            for k, label in enumerate(classes)
        }
        for part, n, first in (("train", train, 0), ("test", test, 100))
    }
    for part, by_class in names.items():
        listed = [name for inside in by_class.values() for name in inside]
        draw(root / "images", [f"{name}.jpg" for name in listed], 100 * len(part))
        write(root / "meta" / f"{part}.txt", *listed)
        (root / "meta" / f"{part}.json").write_text(json.dumps(by_class))
    write(root / "meta" / "classes.txt", *classes)
    return root


CIFAR = {  # classes, folder and files of each form, with their parts
    "cifar10": (10, "cifar-10-batches", {f"data_batch_{i}": 6 for i in range(1, 6)}, "test_batch"),
    "cifar100": (100, "cifar-100", {"train": 30}, "test"),
}


def cifar10(holder: Path, form: str = "python") -> Path:
    """One of the folders ``cifar-10-batches-py`` and ``-bin``, with 30 and 9 pictures."""
    return _cifar(holder, "cifar10", form)


def cifar100(holder: Path, form: str = "python") -> Path:
    """One of the folders ``cifar-100-python`` and ``-binary``, with 30 and 9 pictures."""
    return _cifar(holder, "cifar100", form)


def _cifar(holder: Path, name: str, form: str) -> Path:
    """The same pictures in either form, of three classes; the last one's number is the highest."""
    classes, folder, batches, test = CIFAR[name]
    fine = name == "cifar100"
    end = {"python": "python" if fine else "py", "binary": "binary" if fine else "bin"}[form]
    root = holder / f"{folder}-{end}"
    root.mkdir(parents=True)
    names = [f"class {i:02d}" for i in range(classes)][::-1]
    for seed, (batch, n) in enumerate({**batches, test: 9}.items()):
        rng = np.random.default_rng(seed)
        pixels = rng.integers(0, 256, (n, 3072), dtype=np.uint8)
        labels = [(0, 1, classes - 1)[i % 3] for i in range(n)]
        coarse = [label % 20 for label in labels]
        if form == "binary":
            columns = [*([coarse] if fine else []), labels]
            before = np.array(columns, dtype=np.uint8).T
            (root / f"{batch}.bin").write_bytes(np.hstack([before, pixels]).tobytes())
        else:
            record = {"batch_label": "a batch", "data": pixels}
            record |= {"filenames": [f"thing_s_{i:06d}.png" for i in range(n)]}
            record |= {"fine_labels": labels, "coarse_labels": coarse} if fine else {}
            record |= {} if fine else {"labels": labels}
            (root / batch).write_bytes(python2_pickle(record))
    many = [f"group {i:02d}" for i in range(20)]
    if form == "binary" and fine:
        write(root / "fine_label_names.txt", *names)
        write(root / "coarse_label_names.txt", *many)
    elif form == "binary":
        write(root / "batches.meta.txt", *names, "")  # with an empty last line, as published
    elif fine:
        meta = {"fine_label_names": names, "coarse_label_names": many}
        (root / "meta").write_bytes(python2_pickle(meta))
    else:
        meta = {"num_cases_per_batch": 6, "label_names": names, "num_vis": 3072}
        (root / "batches.meta").write_bytes(python2_pickle(meta))
    return root


def birdsnap(holder: Path, images: str = "download/images") -> Path:
    """The folder ``birdsnap`` with three species, 6 and 2 pictures each."""
    root = holder / "birdsnap"
    species = {  # in no order; names with what file names may not have
        "2": ("Clark's Nutcracker", "Nucifraga columbiana", "Clarks_Nutcracker"),
        "1": ("Acadian Flycatcher", "Empidonax virescens", "Acadian_Flycatcher"),
        "500": ("Black-and-white Warbler", "Mniotilta varia", "Black_and_white_Warbler"),
    }
    rows, test = [], []
    for number, (_, _, folder) in species.items():
        for i in range(8):
            path = f"{folder}/{int(number) * 1000 + 37 * i % 64}.jpg"
            url = f"https://farm{i}.staticflickr.com/{path}"
            rows.append("\t".join([url, "0" * 32, path, number, "10", "12", "200", "210", "", ""]))
            test += [path] if i % 4 == 3 else []
            draw(root / images, [path], 100 * int(number) + i)
    header = "url md5 path species_id bb_x1 bb_y1 bb_x2 bb_y2 back_x back_y"
    write(root / "images.txt", header.replace(" ", "\t"), *rows)
    write(root / "test_images.txt", "path", *test)
    lines = ["\t".join((number, *names)) for number, names in species.items()]
    write(root / "species.txt", "id\tcommon\tscientific\tdir", *lines)
    return root


SUN_CLASSES = ("/a/abbey", "/a/athletic_field/indoor", "/a/athletic_field/outdoor", "/z/zoo")


def sun397(holder: Path, lists: str = "") -> Path:
    """The folder ``SUN397`` with four classes, two of them folders in a folder; 5 and 2 each."""
    root = holder / "SUN397"
    write(root / "ClassName.txt", *SUN_CLASSES)
    paths = {name: [f"{name}/sun_{k:016x}.jpg" for k in range(9)] for name in SUN_CLASSES}
    for seed, inside in enumerate(paths.values()):
        draw(root, [path[1:] for path in inside], 100 * seed)
    for number in (1, 2):  # the second partition is another, and is not read
        train = [path for inside in paths.values() for path in inside[number - 1 :][:5]]
        test = [path for inside in paths.values() for path in inside[number + 4 :][:2]]
        write(root / lists / f"Training_{number:02d}.txt", *train)
        write(root / lists / f"Testing_{number:02d}.txt", *test)
    return root


CAR_NAMES = ("AM General Hummer SUV 2000", "Ram C/V Cargo Van Minivan 2012", "smart fortwo 2012")


def cars(holder: Path, *, combined: bool = False) -> Path:
    """The folder ``stanford_cars`` in either form: three classes, 18 and 9 pictures."""
    from scipy.io import savemat

    root = holder / "stanford_cars"
    (root / "devkit").mkdir(parents=True)
    names = np.array([*CAR_NAMES], dtype=object)
    box = [("bbox_x1", object), ("bbox_y1", object), ("bbox_x2", object), ("bbox_y2", object)]
    both = {
        part: [(f"{i + 1:05d}.jpg", i % 3 + 1) for i in range(n)]
        for part, n in (("train", 18), ("test", 9))
    }
    for part, rows in both.items():
        draw(root / f"cars_{part}", [fname for fname, _ in rows], 100 * len(part))
        fields = [*box, ("class", object), ("fname", object)]
        annotations = np.array([(1, 2, 30, 40, label, fname) for fname, label in rows], fields)
        bare = np.array([(1, 2, 30, 40, fname) for fname, _ in rows], [*box, fields[-1]])
        if part == "train":
            savemat(root / "devkit" / "cars_train_annos.mat", {"annotations": annotations})
        else:
            savemat(root / "devkit" / "cars_test_annos.mat", {"annotations": bare})
            savemat(root / "cars_test_annos_withlabels.mat", {"annotations": annotations})
    savemat(root / "devkit" / "cars_meta.mat", {"class_names": names})
    return _combined(root, both) if combined else root


def _combined(root: Path, both: dict[str, list[tuple[str, int]]]) -> Path:
    """The same pictures in the form that was published later."""
    from scipy.io import savemat

    fields = [(name, object) for name in ("relative_im_path", "bbox_x1", "class", "test")]
    rows: list[tuple[object, ...]] = []
    (root / "car_ims").mkdir()
    for part, listed in both.items():
        for fname, label in listed:
            path = f"car_ims/{len(rows) + 1:06d}.jpg"
            (root / f"cars_{part}" / fname).rename(root / path)
            rows.append((path, 1, label, int(part == "test")))
        (root / f"cars_{part}").rmdir()
    names = np.array([*CAR_NAMES], dtype=object)
    savemat(root / "cars_annos.mat", {"annotations": np.array(rows, fields), "class_names": names})
    for file in [*(root / "devkit").iterdir(), root / "cars_test_annos_withlabels.mat"]:
        file.unlink()
    (root / "devkit").rmdir()
    return root
