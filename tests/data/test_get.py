"""Getting a published data set: from a server, from archives that lie there, and not at all."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from pictures import picture
from range_server import Server, serving

from penultimate.data import OFFICIAL, download, load_dataset
from penultimate.data.listing import Entry, Listing
from penultimate.data.official import Archive, Official
from penultimate.data.official.describe import describe, on_disk
from penultimate.data.official.get import get
from penultimate.errors import DataError
from penultimate.spec import Task


@pytest.fixture(autouse=True)
def own_place(monkeypatch, tmp_path) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PENULTIMATE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(download, "WAIT", 0.001)


def read_list(root: Path) -> Listing:
    lines = (root / "list.txt").read_text().splitlines()
    rows = [line.split() for line in lines]
    return Listing(tuple(Entry(f, root / f, label, part) for f, label, part in rows), "official")


NAMES = [f"jpg/{part}{i}.png" for part in ("train", "test") for i in range(8)]
LIST = "".join(f"{n} {'ab'[i % 2]} {'train' if i < 8 else 'test'}\n" for i, n in enumerate(NAMES))


def encoded(number: int) -> bytes:
    file = io.BytesIO()
    picture(number).save(file, "png")
    return file.getvalue()


def tar(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as made:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return file.getvalue()


IMAGES = {name: encoded(i) for i, name in enumerate(NAMES)}
FLAT = tar(IMAGES)  # as 102flowers.tgz: its folder is to be put into the data set's own
WHOLE = tar(
    {f"toys-1/{name}": data for name, data in {**IMAGES, "list.txt": LIST.encode()}.items()}
)


def card(*archives: Archive) -> Official:
    return Official(
        name="toys",
        title="Toys",
        classes=2,
        train=8,
        val=0,
        test=8,
        measure="top-1",
        split="official",
        licence="none",
        homepage="https://toys.invalid",
        how_to_get="ask those who made it",
        folder="toys-1",
        marker="list.txt",
        layout="toys-1/\n  list.txt\n",
        pitfalls=(),
        load=read_list,
        archives=archives,
    )


def archive(server: Server | None, name: str, data: bytes) -> Archive:
    """An archive that the server has, or that nobody has."""
    if server is None:
        return Archive(name, md5=hashlib.md5(data).hexdigest())
    server.files[f"/{name}"] = data
    return Archive(name, f"{server.url}/{name}", hashlib.md5(data).hexdigest())


def test_archives_are_fetched_checked_and_unpacked_to_where_they_belong(tmp_path) -> None:
    with serving() as server:
        toys = card(archive(server, "jpg.tgz", FLAT), archive(server, "list.txt", LIST.encode()))
        root = get(toys)
        assert root == tmp_path / "data" / "toys" / "toys-1"
        assert sorted(p.name for p in root.iterdir()) == ["jpg", "list.txt"]
        assert on_disk(toys)["missing"] == 0
        assert on_disk(toys)["found"] == str(root)
        asked = len(server.asked)
        assert get(toys) == root
        assert len(server.asked) == asked, "what is there is not fetched again"


def test_an_archive_with_the_sets_folder_in_it_is_unpacked_beside(tmp_path) -> None:
    with serving(break_after=3000) as server:
        root = get(card(archive(server, "toys.tar.gz", WHOLE)), tmp_path / "elsewhere")
    assert root == tmp_path / "elsewhere" / "toys-1"
    assert [wanted for _, wanted in server.asked] == ["", "bytes=3000-"]
    assert (root / NAMES[3]).read_bytes() == IMAGES[NAMES[3]]


def test_archives_that_lie_there_need_no_server(tmp_path) -> None:
    toys = card(archive(None, "toys.tar.gz", WHOLE))
    place = tmp_path / "data" / "toys"
    place.mkdir(parents=True)
    (place / "toys.tar.gz").write_bytes(WHOLE)
    assert get(toys) == place / "toys-1"


def test_an_archive_that_lies_there_and_is_another_is_refused(tmp_path) -> None:
    (tmp_path / "toys.tar.gz").write_bytes(WHOLE[:-1] + b"x")
    with pytest.raises(
        DataError, match=r"toys\.tar\.gz is not the published toys\.tar\.gz: its md5"
    ):
        get(card(archive(None, "toys.tar.gz", WHOLE)), tmp_path)
    assert (tmp_path / "toys.tar.gz").exists(), "it is the user's"
    assert not (tmp_path / "toys-1").exists()


def test_only_what_is_missing_is_mended(tmp_path) -> None:
    with serving() as server:
        toys = card(archive(server, "toys.tar.gz", WHOLE))
        root = get(toys)
        for name in NAMES[:3]:
            (root / name).unlink()
        record = on_disk(toys)
        assert (record["missing"], record["missing_examples"]) == (3, sorted(NAMES[:3]))
        get(toys)
        assert on_disk(toys)["missing"] == 0
        assert len(server.asked) == 1, "the archive was still there"


def test_files_that_were_put_there_loose_make_the_folder_its_own(tmp_path) -> None:
    toys = card(archive(None, "jpg.tgz", FLAT), archive(None, "list.txt", LIST.encode()))
    (tmp_path / "jpg.tgz").write_bytes(FLAT)
    (tmp_path / "list.txt").write_bytes(LIST.encode())
    assert get(toys, tmp_path) == tmp_path
    assert on_disk(toys, str(tmp_path))["missing"] == 0


def test_without_a_source_it_says_how_to_get_it(tmp_path) -> None:
    toys = card(archive(None, "toys.tar.gz", WHOLE))
    with pytest.raises(DataError) as error:
        get(toys)
    assert str(error.value) == (
        "toys has no source that can be fetched from: ask those who made it; put toys.tar.gz into "
        f"{tmp_path}/data/toys and the same command unpacks"
    )
    assert not describe(toys)["can_be_fetched"]


def test_what_stays_incomplete_is_said(tmp_path) -> None:
    with serving() as server:
        toys = card(archive(server, "list.txt", LIST.encode()), archive(None, "jpg.tgz", FLAT))
        with pytest.raises(DataError, match=r"is not complete, as jpg\.tgz cannot be fetched"):
            get(toys)
    assert on_disk(toys)["problem"] is not None or on_disk(toys)["missing"]
    (tmp_path / "data" / "toys" / "jpg.tgz").write_bytes(FLAT)
    get(toys)
    assert on_disk(toys)["missing"] == 0


def test_an_evil_member_stops_it(tmp_path) -> None:
    evil = tar({"toys-1/list.txt": LIST.encode(), "../../evil": b"x"})
    with serving() as server, pytest.raises(DataError, match="outside of its folder"):
        get(card(archive(server, "toys.tar.gz", evil)), tmp_path / "a" / "b")
    assert not (tmp_path / "evil").exists()


def test_the_wrong_archive_is_never_unpacked(tmp_path) -> None:
    with serving() as server:
        toys = card(archive(server, "toys.tar.gz", WHOLE))
        server.files["/toys.tar.gz"] = tar({"toys-1/list.txt": b"other"})
        with pytest.raises(DataError, match="is not the published"):
            get(toys)
    assert list((tmp_path / "data" / "toys").iterdir()) == []


def test_imagenets_archive_of_archives_becomes_class_folders(tmp_path) -> None:
    """Laid out as the published ones are: a tar of a tar a class, and a flat one of validation."""
    imagenet = OFFICIAL["imagenet"]
    holder = tmp_path / "holder"
    holder.mkdir()
    classes = {
        f"n0144076{i}.tar": _plain_tar({f"n0144076{i}_1.JPEG": encoded(i)}) for i in range(2)
    }
    (holder / "ILSVRC2012_img_train.tar").write_bytes(_plain_tar(classes))
    val = {"ILSVRC2012_val_00000001.JPEG": encoded(9)}
    (holder / "ILSVRC2012_img_val.tar").write_bytes(_plain_tar(val))
    unchecked = tuple(replace(a, md5="") for a in imagenet.archives[:2])
    with pytest.raises(DataError, match="is not complete"):  # two classes are not a thousand
        get(replace(imagenet, archives=unchecked), holder)
    own = holder / "imagenet"
    assert (own / "train" / "n01440760" / "n01440760_1.JPEG").read_bytes() == encoded(0)
    assert (own / "train" / "n01440761" / "n01440761_1.JPEG").read_bytes() == encoded(1)
    assert (own / "val" / "ILSVRC2012_val_00000001.JPEG").read_bytes() == encoded(9)


def _plain_tar(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return file.getvalue()


def test_caltechs_zip_of_archives_is_read(tmp_path) -> None:
    names = ["accordion", "BACKGROUND_Google"]
    members = {
        f"101_ObjectCategories/{name}/image_{i:04d}.jpg": encoded(i + 50 * k)
        for k, name in enumerate(names)
        for i in range(1, 41)
    }
    inner = tar(members)
    with zipfile.ZipFile(tmp_path / "caltech-101.zip", "w") as packed:
        packed.writestr("caltech-101/101_ObjectCategories.tar.gz", inner)
        packed.writestr("__MACOSX/caltech-101/._x", b"")
    caltech = OFFICIAL["caltech101"]
    unchecked = tuple(replace(a, md5="") for a in caltech.archives)
    small = replace(caltech, archives=unchecked, train=60, test=20, classes=2)
    root = get(small, tmp_path)
    assert root == tmp_path / "caltech-101"
    data = load_dataset(Task(source=f"caltech101:{tmp_path}"))
    assert len(data) == 80
    (root / "101_ObjectCategories" / "accordion" / "image_0002.jpg").unlink()
    assert on_disk(small, str(tmp_path))["missing"] == 1
    get(small, tmp_path)
    assert on_disk(small, str(tmp_path))["missing"] == 0


@pytest.mark.parametrize("name", list(OFFICIAL))
def test_cards_name_sound_archives(name) -> None:
    for found in OFFICIAL[name].archives:
        assert Path(found.file).name == found.file
        assert found.url == "" or found.url.startswith(("https://", "http://"))
        assert found.url == "" or found.url.rstrip("/").endswith(found.file)
        assert found.md5 == "" or (len(found.md5) == 32 and int(found.md5, 16) >= 0)
