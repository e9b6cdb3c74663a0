"""What everybody needs of a file system: canonical JSON, files whole or not at all."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penultimate.errors import StoreError
from penultimate.io import (
    canonical_json,
    create_exclusive,
    digest_bytes,
    digest_file,
    digest_json,
    naming_full_disk,
    write_atomic,
    write_json,
)

finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers() | finite | st.text()
values = st.recursive(
    scalars, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(), v, max_size=4)
)


class TestCanonicalJson:
    def test_is_written_one_way_whatever_the_order_of_keys(self):
        assert canonical_json({"b": [1, 2], "a": "é"}) == '{"a":"\\u00e9","b":[1,2]}'

    @given(st.dictionaries(st.text(), values, max_size=6), st.randoms(use_true_random=False))
    def test_does_not_depend_on_the_order_of_keys(self, record, random):
        items = list(record.items())
        random.shuffle(items)
        assert canonical_json(dict(items)) == canonical_json(record)

    @given(values)
    def test_reads_back_as_an_equal_value(self, value):
        assert json.loads(canonical_json(value)) == value

    @given(values)
    def test_is_a_fixed_point(self, value):
        assert canonical_json(json.loads(canonical_json(value))) == canonical_json(value)

    @given(values)
    def test_is_ascii_also_of_names_that_utf8_cannot_hold(self, value):
        assert canonical_json([value, "\udcff"]).isascii()

    @given(st.integers(-(2**53) + 1, 2**53 - 1))
    def test_writes_a_whole_number_the_same_as_integer_and_as_float(self, number):
        assert canonical_json(float(number)) == canonical_json(number)

    def test_writes_minus_zero_as_zero(self):
        assert canonical_json(-0.0) == canonical_json(0) == "0"

    def test_tells_true_from_one(self):
        assert canonical_json(True) != canonical_json(1)

    @given(finite, finite)
    def test_tells_different_numbers_apart(self, one, other):
        assert (canonical_json(one) == canonical_json(other)) == (one == other)

    def test_takes_a_tuple_for_a_list(self):
        assert canonical_json((1, (2,))) == canonical_json([1, [2]])

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_refuses_numbers_that_are_not_finite(self, value):
        with pytest.raises(ValueError, match="no canonical form"):
            canonical_json({"a": [value]})

    @pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), Path("x")])
    def test_refuses_what_is_not_json(self, value):
        with pytest.raises(ValueError, match="is not JSON"):
            canonical_json([value])

    def test_has_the_digest_it_always_had(self):
        assert digest_json({"name": "linear-probe", "l2": 1.0}) == (
            "a70f9c989b597a6ba4f8fd099ebc17f6756b859b9a8690ea015b50f80202133b"
        )


class TestDigests:
    def test_of_a_file_is_that_of_its_bytes(self, tmp_path):
        path = tmp_path / "file"
        path.write_bytes(b"content" * 100_000)
        assert digest_file(path) == digest_bytes(b"content" * 100_000)

    def test_of_a_file_does_not_depend_on_name_date_or_place(self, tmp_path):
        (tmp_path / "folder").mkdir()
        one, other = tmp_path / "one", tmp_path / "folder" / "other"
        one.write_bytes(b"same")
        other.write_bytes(b"same")
        os.utime(other, (0, 0))
        assert digest_file(one) == digest_file(other)


class TestWriteAtomic:
    def test_makes_the_folders_it_needs(self, tmp_path):
        write_atomic(tmp_path / "a" / "b" / "file", "text")
        assert (tmp_path / "a" / "b" / "file").read_text() == "text"

    def test_replaces_what_was_there(self, tmp_path):
        path = tmp_path / "file"
        write_atomic(path, "a long first content")
        write_atomic(path, b"second")
        assert path.read_bytes() == b"second"

    def test_leaves_nothing_else_in_the_folder(self, tmp_path):
        write_atomic(tmp_path / "file", "text")
        assert [path.name for path in tmp_path.iterdir()] == ["file"]

    def test_readers_never_see_a_part(self, tmp_path):
        """Four threads read while one writes long contents of one letter each."""
        path = tmp_path / "file"
        write_atomic(path, "a" * 200_000)
        stop = threading.Event()
        parts = []

        def read() -> None:
            while not stop.is_set():
                content = path.read_text()
                if len(content) != 200_000 or len(set(content)) != 1:
                    parts.append(content)

        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        for letter in "bcdefghijk" * 4:
            write_atomic(path, letter * 200_000)
        stop.set()
        for reader in readers:
            reader.join()
        assert parts == []

    @given(st.text(st.characters(codec=None, exclude_categories=())))
    def test_writes_any_text_and_json_reads_back_as_it_was(self, tmp_path_factory, text):
        path = tmp_path_factory.mktemp("json") / "file.json"
        write_json(path, {"name": text})
        assert json.loads(path.read_text(encoding="utf-8"))["name"] in (text, merged(text))

    def test_keeps_the_bytes_of_a_file_name_that_is_not_utf8(self, tmp_path):
        name = os.fsdecode(b"caf\xe9.png")
        write_json(tmp_path / "file.json", [name])
        assert (tmp_path / "file.json").read_bytes() == b'[\n  "caf\\udce9.png"\n]\n'
        assert os.fsencode(json.loads((tmp_path / "file.json").read_text())[0]) == b"caf\xe9.png"

    def test_refuses_nan_rather_than_write_what_is_not_json(self, tmp_path):
        with pytest.raises(ValueError, match="JSON"):
            write_json(tmp_path / "file.json", [math.nan])
        assert list(tmp_path.iterdir()) == []


def merged(text: str) -> str:
    """Two surrogates side by side are one character to JSON."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


class TestCreateExclusive:
    def test_tells_who_was_first(self, tmp_path):
        assert create_exclusive(tmp_path / "file", "first")
        assert not create_exclusive(tmp_path / "file", "second")
        assert (tmp_path / "file").read_text() == "first"
        assert [path.name for path in tmp_path.iterdir()] == ["file"]

    def test_of_many_threads_one_wins_and_its_content_stays(self, tmp_path):
        for turn in range(20):
            path = tmp_path / str(turn) / "file"
            start = threading.Barrier(8)
            won = []

            def compete(name: str, path=path, start=start, won=won) -> None:
                start.wait()
                if create_exclusive(path, name * 1000):
                    won.append(name)

            threads = [threading.Thread(target=compete, args=(name,)) for name in "abcdefgh"]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(won) == 1
            assert path.read_text() == won[0] * 1000
            assert len(list(path.parent.iterdir())) == 1

    def test_of_many_processes_one_wins(self, tmp_path):
        script = (
            "import sys; from pathlib import Path; from penultimate.io import create_exclusive\n"
            "sys.stdin.read()\n"
            "print(create_exclusive(Path(sys.argv[1]), sys.argv[2]))"
        )
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", script, str(tmp_path / "file"), str(i)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for i in range(4)
        ]
        answers = [writer.communicate()[0].strip() for writer in writers]
        assert sorted(answers) == ["False", "False", "False", "True"]
        assert (tmp_path / "file").read_text() == str(answers.index("True"))

    def test_works_on_a_file_system_without_links(self, tmp_path, monkeypatch):
        def no_links(*_: object) -> None:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")

        monkeypatch.setattr(os, "link", no_links)
        assert create_exclusive(tmp_path / "file", "first")
        assert not create_exclusive(tmp_path / "file", "second")
        assert (tmp_path / "file").read_text() == "first"
        assert [path.name for path in tmp_path.iterdir()] == ["file"]


class TestWhatCannotBeWritten:
    def test_a_full_disk_is_one_sentence_with_the_remedy(self):
        with (
            pytest.raises(StoreError) as caught,
            naming_full_disk(Path("/somewhere/store")),
            Path("/dev/full").open("wb", buffering=0) as file,
        ):
            file.write(b"content")
        assert str(caught.value) == (
            "no space is left on the disk that holds /somewhere/store: free some, or choose "
            "another place, and run the same command again; what is finished is kept"
        )

    def test_a_quota_that_is_used_up_is_a_full_disk(self):
        with pytest.raises(StoreError, match="no space is left"), naming_full_disk(Path("x")):
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    def test_a_full_file_system_keeps_what_was_there_and_leaves_no_rubbish(self, small_disk):
        path = small_disk / "result.json"
        write_atomic(path, "finished")
        with pytest.raises(StoreError, match="no space is left on the disk that holds"):
            write_atomic(path, b"x" * 4_000_000)
        with pytest.raises(StoreError, match="no space is left on the disk that holds"):
            create_exclusive(small_disk / "other", b"x" * 4_000_000)
        assert path.read_text() == "finished"
        assert [entry.name for entry in small_disk.iterdir()] == ["result.json"]

    def test_a_full_disk_of_which_only_the_error_is_real(self, tmp_path, monkeypatch):
        """Where a small disk cannot be mounted: the error at the moment of writing through."""

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        write_atomic(tmp_path / "file", "finished")
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="no space is left"):
            write_atomic(tmp_path / "file", "more")
        assert (tmp_path / "file").read_text() == "finished"
        assert [path.name for path in tmp_path.iterdir()] == ["file"]

    @pytest.mark.parametrize(
        ("place", "reason"),
        [
            ("file/inside", "Not a directory|File exists"),
            ("folder", "Is a directory"),
            ("x" * 300, "File name too long"),
        ],
    )
    def test_names_the_place_and_the_reason(self, tmp_path, place, reason):
        (tmp_path / "file").write_text("")
        (tmp_path / "folder").mkdir()
        with pytest.raises(StoreError, match=f"cannot be written \\(({reason})\\): choose another"):
            write_atomic(tmp_path / place, "text")

    def test_a_folder_without_permission_is_one_sentence(self):
        """In a process that is not root, who may write anywhere."""
        script = (
            "import os; from pathlib import Path; from penultimate.io import write_atomic\n"
            "if os.getuid() == 0: os.setuid(65534)\n"
            "write_atomic(Path('locked/file'), 'text')"
        )
        with tempfile.TemporaryDirectory() as place:
            Path(place).chmod(0o755)
            (Path(place) / "locked").mkdir(mode=0o555)
            done = subprocess.run(
                [sys.executable, "-c", script],
                cwd=place,
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == 1
        sentence = "StoreError: locked/file cannot be written (Permission denied): choose another"
        assert sentence in done.stderr


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode != 0:
        pytest.skip("mounting a small disk is not permitted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
