"""Unpacking: what comes out, and what is refused."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from penultimate.data import tar_member
from penultimate.data.unpack import is_archive, top_of, unpack
from penultimate.errors import DataError


@pytest.fixture(autouse=True, params=["Python's filter", "ours"])
def filtered(request, monkeypatch):
    """Both ways of refusing members: Python before 3.11.4 has no filter."""
    if request.param == "ours":
        monkeypatch.setattr(tar_member, "FILTER", None)
    elif tar_member.FILTER is None:
        pytest.skip("this Python has no tarfile.data_filter")


MEMBERS = {"set/a/1.txt": b"one", "set/b/2.txt": b"two" * 1000, "set/list.txt": b"1\n2\n"}


def make(path: Path, members: dict[str, bytes] = MEMBERS) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, data in members.items():
                packed.writestr(name, data)
        return path
    kind = path.suffix.lstrip(".").replace("tgz", "gz")
    with tarfile.open(path, "w" if kind == "tar" else f"w:{kind}") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def files(root: Path) -> dict[str, bytes]:
    found = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tgz", "x.tar.bz2", "x.tar.xz", "x.zip"])
def test_every_kind_of_archive_gives_its_members(tmp_path, name) -> None:
    archive = make(tmp_path / name)
    assert is_archive(name)
    assert top_of(archive) == "set"
    unpack(archive, tmp_path / "out")
    unpack(archive, tmp_path / "out")  # again over what is there
    assert files(tmp_path / "out") == MEMBERS


def test_links_within_the_folder_are_made_and_made_again(tmp_path) -> None:
    archive = make(tmp_path / "x.tar")
    with tarfile.open(archive, "a") as tar:
        tar.addfile(special(tarfile.LNKTYPE, "set/hard.txt", "set/list.txt"))
        tar.addfile(special(tarfile.SYMTYPE, "set/soft.txt", "list.txt"))
    for _ in range(2):
        unpack(archive, tmp_path / "out")
        assert (tmp_path / "out" / "set" / "hard.txt").read_bytes() == b"1\n2\n"
        assert (tmp_path / "out" / "set" / "soft.txt").read_bytes() == b"1\n2\n"


def test_an_encrypted_zip_is_one_sentence(tmp_path) -> None:
    archive = make(tmp_path / "x.zip")
    data = bytearray(archive.read_bytes())
    for start in (6, data.index(b"PK\x01\x02") + 8):  # the flags, in both places they stand
        data[start] |= 1
    archive.write_bytes(data)
    with pytest.raises(DataError, match=r"is damaged .*encrypted"):
        unpack(archive, tmp_path / "out")


def test_archives_in_it_are_unpacked_beside_or_into_a_folder_of_their_name(tmp_path) -> None:
    flat = make(tmp_path / "n01.tar", {"n01_1.JPEG": b"1", "n01_2.JPEG": b"2"})
    deep = make(tmp_path / "cats.tar.gz", {"cats/a/1.jpg": b"3"})
    outer = {"n01.tar": flat.read_bytes(), "all/cats.tar.gz": deep.read_bytes(), "readme": b"x"}
    unpack(make(tmp_path / "outer.zip", outer), tmp_path / "out")
    assert files(tmp_path / "out") == {
        "n01/n01_1.JPEG": b"1",
        "n01/n01_2.JPEG": b"2",
        "all/cats/a/1.jpg": b"3",
        "readme": b"x",
    }


def special(kind: bytes, name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo("../evil"),
        tarfile.TarInfo("set/../../evil"),
        special(tarfile.SYMTYPE, "set/link", "../../evil"),
        special(tarfile.SYMTYPE, "set/link", "/etc"),
        special(tarfile.LNKTYPE, "set/hard", "../../evil"),
        special(tarfile.FIFOTYPE, "set/pipe", ""),
        special(tarfile.CHRTYPE, "set/device", ""),
    ],
    ids=lambda info: f"{info.name} {info.type.decode()} {info.linkname}",
)
def test_a_member_that_leads_outside_is_refused(tmp_path, member) -> None:
    archive = tmp_path / "in" / "x.tar"
    archive.parent.mkdir()
    with tarfile.open(archive, "w") as tar:
        tar.addfile(member)
    with pytest.raises(DataError, match=r"which would write outside of its folder or is no"):
        unpack(archive, tmp_path / "in" / "out")
    assert files(tmp_path) == {"in/x.tar": archive.read_bytes()}


def test_an_absolute_name_stays_in_the_folder(tmp_path) -> None:
    inner = make(tmp_path / "inner.tar", {"a/1.txt": b"y"}).read_bytes()
    precious = make(tmp_path / "precious.tar", {"a/1.txt": b"z"})
    archive = make(tmp_path / "x.tar", {"/evil-penultimate/1.txt": b"x", str(precious): inner})
    unpack(archive, tmp_path / "out")
    below = precious.parent.relative_to("/").as_posix()
    assert files(tmp_path / "out") == {"evil-penultimate/1.txt": b"x", f"{below}/a/1.txt": b"y"}
    assert precious.exists(), "only what came out of the archive is unpacked and removed"
    assert not Path("/evil-penultimate").exists()


@pytest.mark.parametrize(
    "name", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:\\evil", "link"]
)
def test_a_zip_that_leads_outside_is_refused(tmp_path, name) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        info = zipfile.ZipInfo(name)
        if name == "link":
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(info, "../../etc/passwd")
    with pytest.raises(DataError, match="would write outside of its folder"):
        unpack(archive, tmp_path / "out")
    assert files(tmp_path) == {"x.zip": archive.read_bytes()}


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tar.xz", "x.zip"])
@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_a_damaged_archive_is_one_sentence(tmp_path, name, damage) -> None:
    archive = make(tmp_path / name, {f"set/{i}": bytes([i]) * 5000 for i in range(20)})
    whole = archive.read_bytes()
    archive.write_bytes(
        {"cut": whole[: len(whole) // 2], "text": b"hello" * 500, "empty": b""}[damage]
    )
    with pytest.raises(DataError, match=r"is damaged \(.*\): remove it and get it anew"):
        unpack(archive, tmp_path / "out")


def test_an_empty_archive_has_no_top(tmp_path) -> None:
    with pytest.raises(DataError, match="is empty"):
        top_of(make(tmp_path / "x.tar", {}))


def test_other_files_are_no_archives() -> None:
    assert not any(map(is_archive, ("setid.mat", "train.txt", "images", "x.tarx", "x.gz")))
