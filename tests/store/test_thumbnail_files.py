"""Thumbnails in a store: what was written is read, and whatever is not whole is not there."""

import json
from base64 import b64decode

import pytest

from penultimate.errors import StoreError
from penultimate.io import digest_bytes
from penultimate.store import ResultStore, Thumbnail

DATA = "ab" * 32
CAT = Thumbnail(b"cat", "jpeg", 96, 64)
DOG = Thumbnail(b"dog", "png", 8, 8)
NAMES = ["../../cat.jpg", "/etc/passwd", "<b>\n", "\udcff.png", ""]


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path / "store")


def folder(store):
    return store.root / "thumbnails" / DATA


def test_what_is_written_is_read(store):
    store.thumbnails.write(DATA, {"a/cat.png": CAT, "dog": DOG})
    assert store.thumbnails.read(DATA, ["dog", "a/cat.png", "owl"]) == {
        "dog": DOG,
        "a/cat.png": CAT,
    }
    assert store.thumbnails.read("cd" * 32, ["dog"]) == {}
    head, _, body = CAT.uri.partition(",")
    assert head == "data:image/jpeg;base64"
    assert b64decode(body) == b"cat"


def test_more_is_added_and_the_same_again_is_the_same(store):
    store.thumbnails.write(DATA, {"cat": CAT})
    store.thumbnails.write(DATA, {"dog": DOG, "twin": CAT})
    store.thumbnails.write(DATA, {"dog": DOG})
    assert store.thumbnails.read(DATA, ["cat", "dog", "twin"]) == {
        "cat": CAT,
        "dog": DOG,
        "twin": CAT,
    }
    assert len(list(folder(store).iterdir())) == 3


def test_no_name_of_an_example_becomes_a_path(store, tmp_path):
    store.thumbnails.write(DATA, dict.fromkeys(NAMES, CAT))
    assert store.thumbnails.read(DATA, NAMES) == dict.fromkeys(NAMES, CAT)
    files = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {"store.json", "index.json", f"{digest_bytes(b'cat')}.jpg"}


@pytest.mark.parametrize("fingerprint", ["..", "../../elsewhere", "AB" * 32, "", "ab" * 31])
def test_what_is_no_fingerprint_becomes_no_path_either(store, fingerprint):
    assert store.thumbnails.read(fingerprint, ["cat"]) == {}
    with pytest.raises(ValueError, match="no fingerprint"):
        store.thumbnails.write(fingerprint, {"cat": CAT})


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"images": []}', '{"images": {"cat": 1, "dog": null}}', "[" * 100_000, "1"],
)
def test_a_damaged_index_holds_nothing_and_is_written_anew(store, text):
    store.thumbnails.write(DATA, {"cat": CAT, "dog": DOG})
    (folder(store) / "index.json").write_text(text)
    assert store.thumbnails.read(DATA, ["cat", "dog"]) == {}
    store.thumbnails.write(DATA, {"dog": DOG})
    assert store.thumbnails.read(DATA, ["cat", "dog"]) == {"dog": DOG}


def test_a_damaged_or_missing_file_is_left_out_and_mended_by_writing_it_again(store):
    store.thumbnails.write(DATA, {"cat": CAT, "dog": DOG})
    cat = folder(store) / f"{digest_bytes(b'cat')}.jpg"
    for break_it in (cat.unlink, lambda: cat.write_bytes(b"ca"), lambda: cat.write_bytes(b"")):
        break_it()
        assert store.thumbnails.read(DATA, ["cat", "dog"]) == {"dog": DOG}
        store.thumbnails.write(DATA, {"cat": CAT})
        assert store.thumbnails.read(DATA, ["cat"]) == {"cat": CAT}


@pytest.mark.parametrize(
    "entry",
    [
        {"file": "../../../secret.jpg"},
        {"file": "index.json"},
        {"file": f"{'ab' * 32}.svg"},
        {"file": 7},
        {"width": 0},
        {"height": "9"},
        {"width": True, "height": -1},
    ],
)
def test_an_index_cannot_point_elsewhere(store, entry):
    store.thumbnails.write(DATA, {"cat": CAT})
    (store.root / "secret.jpg").write_bytes(b"secret")
    index = folder(store) / "index.json"
    record = json.loads(index.read_text())
    record["images"]["cat"] |= entry
    index.write_text(json.dumps(record))
    assert store.thumbnails.read(DATA, ["cat"]) == {}


def test_a_file_that_is_too_large_is_no_thumbnail(store):
    huge = Thumbnail(b"x" * (2**16 + 1), "jpeg", 1, 1)
    store.thumbnails.write(DATA, {"cat": huge})
    assert store.thumbnails.read(DATA, ["cat"]) == {}


def test_a_store_that_cannot_be_written_says_so(store):
    (store.root / "thumbnails").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        store.thumbnails.write(DATA, {"cat": CAT})
    assert store.thumbnails.read(DATA, ["cat"]) == {}
