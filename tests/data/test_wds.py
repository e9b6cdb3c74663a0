"""WebDataset shards: what is read from them, against the library itself, and what is refused."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pictures import picture

from penultimate.data import Dataset, load_dataset
from penultimate.data.shards import expand_braces
from penultimate.errors import DataError, UnreadableImageError
from penultimate.spec import Task


def encoded(number: int, form: str = "png") -> bytes:
    file = io.BytesIO()
    picture(number).save(file, form)
    return file.getvalue()


def write_shard(path: Path, members: list[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def samples(start: int, n: int, label: str = "cls") -> list[tuple[str, bytes]]:
    """n samples, half cats and half dogs, the label before or after the image."""
    members = []
    for number in range(start, start + n):
        pair = [
            (f"{number:04d}.png", encoded(number)),
            (f"{number:04d}.{label}", b"cat" if number % 2 else b" dog\n"),
        ]
        members += pair if number % 3 else pair[::-1]
    return members


def load(place: object, **settings: object) -> Dataset:
    return load_dataset(Task.model_validate({"source": f"wds:{place}", **settings}))


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> Path:
    """Two shards of train, one of test; only read them."""
    root = tmp_path_factory.mktemp("wds") / "birds"
    write_shard(root / "train-000.tar", samples(0, 10))
    write_shard(root / "train-001.tar", samples(10, 10))
    write_shard(root / "test-000.tar", samples(20, 6))
    return root


def test_shards_of_parts_are_read_with_their_split(shards) -> None:
    data = load(shards)
    assert data.name == "birds"
    assert data.classes == ("cat", "dog")
    assert Counter(data.parts.tolist()) == {"train": 16, "val": 4, "test": 6}
    assert data.split_source == "shards; val is 20 % of train, seed 0, stratified"
    assert data.ids[:2] == ("test-000/0020", "test-000/0021")
    assert data.skipped == data.notices == ()
    for row, id_ in enumerate(data.ids):
        number = int(id_[-4:])
        assert data.classes[data.labels[row]] == ("cat" if number % 2 else "dog")
        np.testing.assert_array_equal(data.image(row), picture(number))


def test_images_and_labels_are_those_that_the_library_reads(shards) -> None:
    library = pytest.importorskip("webdataset.tariterators")
    data = load(shards)
    read = []
    for shard in sorted(shards.glob("*.tar")):
        with shard.open("rb") as stream:
            members = ({**m, "__url__": ""} for m in library.tar_file_iterator(stream))
            for sample in library.group_by_keys(members):
                read.append((sample["__key__"], sample["png"], sample["cls"].decode().strip()))
    assert len(read) == len(data)
    for row, (key, image, label) in enumerate(read):
        assert data.ids[row].rpartition("/")[2] == key
        assert data.images.source.content(int(data.images.rows[row])) == image
        assert data.classes[data.labels[row]] == label


@pytest.mark.parametrize(
    "pattern", ["{}/{{train,test}}-{{000..001}}.tar", "{}/t*-00[01].tar", "{}/*-000.tar"]
)
def test_patterns_name_shards(shards, tmp_path, pattern) -> None:
    if pattern.startswith("{}/{{train"):
        root = tmp_path / "own [1]"  # brackets that are no wildcard
        for split in ("train", "test"):
            for number in range(2):
                write_shard(root / f"{split}-00{number}.tar", samples(20 * number, 6))
        assert len(load(pattern.format(root))) == 24
    else:
        assert len(load(pattern.format(shards))) == (26 if "[" in pattern else 16)


@pytest.mark.parametrize(
    "pattern", ["a", "a-{0..3}", "{000..011}.tar", "{a,b,c}", "{8..11}x{1,2}", "{08..11}", "{x}"]
)
def test_braces_stand_for_what_the_library_takes_them_for(pattern) -> None:
    braceexpand = pytest.importorskip("braceexpand")
    assert expand_braces(pattern) == list(braceexpand.braceexpand(pattern))


def test_shards_without_a_split_are_divided_by_us_and_moving_them_changes_nothing(
    tmp_path,
) -> None:
    for number in range(3):
        write_shard(tmp_path / "a" / f"{number}.tar", samples(10 * number, 10))
    data = load(tmp_path / "a")
    assert data.split_source == "seed 0, 60/20/20, stratified"
    assert Counter(data.parts.tolist()) == {"train": 18, "val": 6, "test": 6}
    (tmp_path / "a").rename(tmp_path / "b")
    assert load(tmp_path / "b").fingerprint == data.fingerprint


def test_folders_name_parts_and_validation_serves_where_there_is_no_test(tmp_path) -> None:
    write_shard(tmp_path / "training" / "0.tar", [])
    write_shard(tmp_path / "train" / "0.tar", samples(0, 10))
    write_shard(tmp_path / "val" / "0.tar", samples(10, 4))
    with pytest.raises(DataError, match="does not say which it is of"):
        load(tmp_path)
    (tmp_path / "training" / "0.tar").unlink()
    data = load(tmp_path)
    assert Counter(data.parts.tolist()) == {"train": 8, "val": 2, "test": 4}
    assert data.notices == (
        "there is no test split: 'val' is the test part here, and validation is held out of train",
    )


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("json", lambda n: json.dumps({"caption": "x", "label": n % 2}).encode()),
        ("json", lambda n: json.dumps(n % 2).encode()),
        ("txt", lambda n: str(n % 2).encode()),
        ("cls", lambda n: f"{n % 2}\n".encode()),
    ],
)
def test_labels_are_in_any_of_the_usual_members(tmp_path, member, content) -> None:
    members = []
    for number in range(10):
        members += [
            (f"{number}.jpg", encoded(number, "jpeg")),
            (f"{number}.{member}", content(number)),
            (f"{number}.seg.npy", b"ignored"),
        ]
    data = load(write_shard(tmp_path / "x.tar", members))
    assert data.classes == ("0", "1")
    assert Counter(data.labels.tolist()) == {0: 5, 1: 5}


def test_what_is_no_sample_is_skipped_and_counted(tmp_path) -> None:
    members = samples(0, 10)
    members += [
        ("a.png", encoded(50)),
        ("b.cls", b"cat"),
        ("c.png", b"no image"),
        ("c.cls", b"cat"),
    ]
    members += [("d.png", encoded(51)), ("d.cls", b" ")]
    members += [("e.png", encoded(52)), ("e.jpg", encoded(53, "jpeg")), ("e.cls", b"cat")]
    members += [("f.png", encoded(54)), ("f.cls", b"\xff")]
    members += [("__meta__", b"x"), ("README", b"x")]
    data = load(write_shard(tmp_path / "x.tar", members))
    assert len(data) == 10
    assert [(s.id, s.reason) for s in data.skipped] == [
        ("x/a", "it has no label"),
        ("x/b", "it has no image"),
        ("x/c", "it is not an image that Pillow can read"),
        ("x/d", "its .cls is empty"),
        ("x/e", "it has several images: jpg, png"),
        ("x/f", "its .cls is not valid"),
    ]
    with pytest.raises(DataError, match=r"x/a of wds:.* cannot be read: it has no label"):
        load_dataset(Task(source=f"wds:{tmp_path}/x.tar"), strict=True)


def test_a_pickle_is_never_opened(tmp_path) -> None:
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "touched",))

    members = samples(0, 10)
    for number in range(10):
        members.append((f"{number:04d}.pyd", pickle.dumps(Evil())))
        members.append((f"{number:04d}.pickle", pickle.dumps(Evil())))
    assert len(load(write_shard(tmp_path / "x.tar", members))) == 10
    assert not (tmp_path / "touched").exists()


def test_data_travel_to_another_process_and_a_change_is_seen(tmp_path) -> None:
    shard = write_shard(tmp_path / "x.tar", samples(0, 10))
    data = pickle.loads(pickle.dumps(load(shard)))
    np.testing.assert_array_equal(data.image(3), picture(3))
    write_shard(shard, samples(40, 10))
    with pytest.raises(UnreadableImageError, match="changed since"):
        data.image(3)
    shard.write_bytes(b"")
    with pytest.raises(UnreadableImageError, match="shorter"):
        data.image(3)


def test_what_was_decoded_once_is_not_decoded_again(tmp_path, monkeypatch) -> None:
    shard = write_shard(tmp_path / "x.tar", samples(0, 10))
    task = Task(source=f"wds:{shard}")
    first = load_dataset(task, cache=tmp_path / "cache")
    monkeypatch.setattr("penultimate.data.packed.decode", lambda _: pytest.fail("decoded"))
    assert load_dataset(task, cache=tmp_path / "cache").fingerprint == first.fingerprint


def test_near_duplicates_stay_together(tmp_path) -> None:
    members = []
    for number in range(12):
        for copy in range(2):
            file = io.BytesIO()
            big = picture(number, (160, 120))
            (big.resize((80, 60)) if copy else big).save(file, "png")
            key = f"{number:02d}{copy}"
            members += [(f"{key}.png", file.getvalue()), (f"{key}.cls", str(number % 2).encode())]
    data = load(write_shard(tmp_path / "x.tar", members))
    assert data.notices == (
        "0 exact duplicates and 12 near-duplicates in 12 groups kept in one part",
    )
    assert (data.parts[::2] == data.parts[1::2]).all()


def damaged(root: Path, what: str) -> str:
    """A source with something wrong, by name."""
    good = write_shard(root / "good" / "0.tar", samples(0, 6))
    if what == "truncated":
        good.write_bytes(good.read_bytes()[:5000])
    elif what == "no tar":
        good.write_bytes(b"this is text" * 100)
    elif what == "compressed":
        (root / "good" / "0.tar.gz").write_bytes(gzip.compress(good.read_bytes()))
        good.unlink()
    elif what == "empty":
        good.unlink()
    elif what == "gaps":
        return f"{root}/good/{{0..3}}.tar"
    elif what == "two words":
        good.rename(root / "good" / "train-test.tar")
    elif what == "mixed labels":
        write_shard(good, samples(0, 6) + samples(6, 6, "txt"))
    elif what == "no test":
        good.rename(root / "good" / "test-0.tar")
        write_shard(root / "good" / "val-0.tar", samples(6, 6))
    elif what == "other files":
        write_shard(good, [("README", b"x"), ("a.txt", b"cat"), ("b.npy", b"x")])
    elif what == "no member":
        write_shard(good, [])
    elif what == "url":
        return "https://host/train-{000..099}.tar"
    elif what == "pipe":
        return f"pipe:touch {root}/touched"
    return str(root / "good")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("truncated", r"0\.tar is not a whole tar file"),
        ("no tar", r"0\.tar is not a whole tar file"),
        ("compressed", r"are compressed \('.*0\.tar\.gz'\): unpack them to \.tar"),
        ("empty", "no shards found for wds:"),
        ("gaps", r"3 of 4 shards that .* names are not there: '.*1\.tar'"),
        ("two words", "is of test and train by its name"),
        ("mixed labels", "are in 'cls', 'txt' members"),
        ("no test", "has the splits 'test', 'val' and none that is called 'train'"),
        ("other files", r"none of the images .*for example 0/a: it has no image"),
        ("no member", r"none of the images .*for example it holds none"),
        ("url", "is not on this disk"),
        ("pipe", "is not on this disk"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path, what, said) -> None:
    place = damaged(tmp_path, what)
    with pytest.raises(DataError, match=said):
        load(place)
    assert not (tmp_path / "touched").exists()
