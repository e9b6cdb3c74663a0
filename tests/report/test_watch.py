"""A page that renews itself: a real command, a store that grows, and a browser that looks on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from builders import FakeStudy, FakeTask
from penultimate.cli.app import cli
from penultimate.errors import StoreError
from penultimate.io import write_json
from penultimate.report.watch import watch_report
from penultimate.spec import Study, dump_study
from penultimate.store import Planned, ResultStore, count_planned

NETS = {f"network_{i:02}": 1.5 - 0.1 * i for i in range(10)}
TESTS = Path(__file__).parents[1]

# Commits the runs of one backbone from a process of its own, as a study on another machine does.
COMMIT = """
import sys
sys.path.insert(0, sys.argv[1])
from builders import FakeStudy
from penultimate.store import ResultStore
FakeStudy({name: 0.8 for name in sys.argv[3:]}).commit(ResultStore(sys.argv[2]))
"""


def commit_elsewhere(root: Path, *names: str) -> None:
    subprocess.run([sys.executable, "-c", COMMIT, str(TESTS), str(root), *names], check=True)


def keep_study(root: Path, backbones: list[str], task: str = "digits") -> None:
    """What ``penultimate run`` leaves in the store before its first run."""
    (root / "studies").mkdir(parents=True, exist_ok=True)
    text = dump_study(Study(backbones=backbones, tasks=[task]))
    (root / "studies" / f"{task}{len(backbones)}.toml").write_text(text)


@contextmanager
def watching(root: Path, output: Path, *options: str) -> Iterator[subprocess.Popen]:
    """The command in a process of its own; ended however the test ends."""
    command = [str(Path(sys.executable).parent / "penultimate"), "report", str(root)]
    process = subprocess.Popen(
        [*command, "-o", str(output), "--watch", "--every", "0.2", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def wait_for(output: Path, text: str, seconds: float = 60) -> str:
    """The page once it contains ``text``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page = output.read_text() if output.exists() else ""
        if text in page:
            return page
        time.sleep(0.05)
    raise AssertionError(f"{text!r} is not in the page after {seconds} s")


class TestPlanned:
    def test_counts_the_cells_that_studies_name(self, tmp_path) -> None:
        store = ResultStore(tmp_path / "store")
        assert count_planned(store) == Planned(0, 0, 0)
        keep_study(store.root, list(NETS))
        keep_study(store.root, list(NETS)[:3])  # cells of two studies are counted once
        keep_study(store.root, ["network_00"], task="glyphs")
        assert count_planned(store) == Planned(3, 11, 0)
        FakeStudy({"network_00": 1.0, "not planned": 1.0}).commit(store)
        assert count_planned(store) == Planned(3, 11, 1)
        # A task whose test part is drawn is repeated, which its first run tells.
        (store.root / "studies" / "r.toml").write_text(
            dump_study(Study(backbones=["one", "two"], tasks=["pets"], repeats=5))
        )
        assert count_planned(store) == Planned(4, 13, 1)
        FakeStudy({"one": 1.0}, {"pets": FakeTask()}, repeats=2).commit(store)
        assert count_planned(store) == Planned(4, 21, 3)
        (store.root / "studies" / "torn.toml").write_text("backbones = [")
        assert count_planned(store).studies == 4


class TestWatching:
    """In this process: what the page says, and what does not stop it."""

    @pytest.fixture
    def watch(self, tmp_path):
        """Starts a watch in a thread; it is stopped, and must have ended, with the test."""
        stop, said, threads, failed = threading.Event(), [], [], []

        def run(*arguments, **settings):
            try:
                watch_report(*arguments, **settings)
            except BaseException as error:
                failed.append(error)

        def start(root, output, **settings):
            settings = {"every": 0.05, "say": said.append, **settings}
            thread = threading.Thread(target=run, args=(root, output, stop), kwargs=settings)
            thread.start()
            threads.append(thread)
            return said, stop, thread

        yield start
        stop.set()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
        assert failed == []

    def test_waits_for_a_store_that_is_not_there_yet(self, tmp_path, watch) -> None:
        root, output = tmp_path / "store", tmp_path / "page.html"
        said, stop, thread = watch(root, output)
        page = wait_for(output, "No run is finished yet")
        assert "There is no results store yet; written" in page
        assert 'data-renew="1.0"' in page
        ResultStore(root)
        keep_study(root, list(NETS))
        wait_for(output, "0 of 10 runs finished that the store&#39;s study names")
        FakeStudy(dict(list(NETS.items())[:2])).commit(ResultStore(root))
        page = wait_for(output, "2 of 10 runs finished that the store&#39;s study names")
        assert 'id="ranking"' in page
        stop.set()
        thread.join(30)
        page = output.read_text()
        assert "data-renew=" not in page.partition("<script>")[0]
        assert 'http-equiv="refresh"' not in page
        assert "last written" in page
        assert said[-1] == f"wrote {output}: 2 of 10 runs finished that the store's study names"

    def test_writes_nothing_while_nothing_changes(self, tmp_path, watch) -> None:
        root, output = tmp_path / "store", tmp_path / "page.html"
        FakeStudy({"one": 1.0}).commit(ResultStore(root))
        said, _, _ = watch(root, output)
        wait_for(output, "1 run finished; written")
        time.sleep(0.6)  # a dozen looks
        assert len(said) == 1

    def test_outlives_what_it_cannot_read_and_says_so_once(self, tmp_path, watch) -> None:
        root, output = tmp_path / "store", tmp_path / "page.html"
        store = FakeStudy({"one": 1.0}).commit(ResultStore(root))
        said, _, _ = watch(root, output)
        before = wait_for(output, "1 run finished; written")
        torn = root / "runs" / ("f" * 64) / "result.json"
        torn.parent.mkdir()
        torn.write_text('{"schema_ver')
        end = time.monotonic() + 20
        while len(said) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.4)
        assert len(said) == 2
        assert "is not JSON" in said[1]
        assert said[1].endswith("the page stays as it was, trying again")
        assert output.read_text() == before
        shutil.rmtree(torn.parent)
        FakeStudy({"two": 0.5}).commit(store)
        wait_for(output, "2 runs finished; written")

    def test_looks_accuracies_up_for_what_is_new(self, tmp_path, watch) -> None:
        root, output = tmp_path / "store", tmp_path / "page.html"
        store = FakeStudy({"one": 1.0}).commit(ResultStore(root))
        seen = []
        watch(root, output, prepare=lambda opened: seen.append(len(opened.stamps())))
        wait_for(output, "1 run finished; written")
        FakeStudy({"two": 0.5}).commit(store)
        wait_for(output, "2 runs finished; written")
        assert seen[0] == 1
        assert seen[-1] == 2

    def test_what_can_never_be_ends_it_at_once(self, tmp_path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreError, match="is a file"):
            watch_report(tmp_path / "file", tmp_path / "page.html", threading.Event())
        with pytest.raises(StoreError, match="cannot be written"):
            watch_report(tmp_path / "s", tmp_path / "file" / "page.html", threading.Event())
        (tmp_path / "newer").mkdir()
        write_json(tmp_path / "newer" / "store.json", {"schema_version": 99})
        with pytest.raises(StoreError, match="schema 99"):
            watch_report(tmp_path / "newer", tmp_path / "page.html", threading.Event())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_the_command_well(tmp_path, number) -> None:
    root, output = tmp_path / "store", tmp_path / "page.html"
    FakeStudy({"one": 1.0}).commit(ResultStore(root))
    with watching(root, output) as process:
        wait_for(output, "1 run finished; written")
        loaded = Path(f"/proc/{process.pid}/maps")
        assert not loaded.exists() or "libtorch" not in loaded.read_text()
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == ""
    assert err.splitlines() == 2 * [f"wrote {output}: 1 run finished"]
    assert "last written" in output.read_text()


@pytest.mark.slow
def test_an_open_page_renews_itself_and_leaves_the_reader_where_he_was(tmp_path, browser) -> None:
    from playwright.sync_api import expect

    root, output = tmp_path / "store", tmp_path / "page.html"
    complaints: list[str] = []
    with watching(root, output) as process:
        wait_for(output, "There is no results store yet")
        context = browser.new_context(viewport={"width": 900, "height": 700})
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(output.as_uri())
        assert "No run is finished yet" in page.inner_text("main")

        names = list(NETS)
        ResultStore(root)
        keep_study(root, names)
        commit_elsewhere(root, *names[:8])
        # It has loaded itself again.
        expect(page.locator(".watched")).to_contain_text("8 of 10 runs finished", timeout=90_000)
        assert page.locator("#ranking").count() == 1

        # The reader sorts, filters, unfolds and goes down the page.
        heading = page.locator("#overview thead th").first
        heading.get_by_role("button").click()
        box = page.locator("#overview input[type=search]").first
        box.fill("network")
        page.locator("details").last.evaluate("fold => { fold.open = true }")
        page.evaluate("document.activeElement.blur()")
        page.evaluate("document.querySelector('#cost').scrollIntoView({ behavior: 'instant' })")
        top = page.evaluate("document.querySelector('#cost').getBoundingClientRect().top")
        FakeStudy({names[8]: 0.8}).commit(ResultStore(root))
        expect(page.locator(".watched")).to_contain_text("9 of 10", timeout=90_000)
        page.wait_for_timeout(300)
        where = page.evaluate("document.querySelector('#cost').getBoundingClientRect().top")
        assert where == pytest.approx(top, abs=3)
        assert heading.get_attribute("aria-sort") == "ascending"
        assert box.input_value() == "network"
        assert page.locator("details").last.evaluate("fold => fold.open")

        # Under the hands of a reader who types, the page stays.
        box.fill("")
        box.focus()
        FakeStudy({names[9]: 0.8}).commit(ResultStore(root))
        wait_for(output, "10 of 10 runs finished")
        for letter in "work_0":
            page.keyboard.type(letter)
            page.wait_for_timeout(600)
            assert "9 of 10" in page.inner_text(".watched")
        expect(page.locator(".watched")).to_contain_text("10 of 10", timeout=90_000)
        assert box.input_value() == "work_0"
        assert box.evaluate("b => b === document.activeElement")

        # Once the watch has ended, the page becomes one that stays.
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) == 0
        expect(page.locator(".watched")).to_contain_text("last written", timeout=90_000)
        assert page.locator("[data-renew]").count() == 0
        assert box.input_value() == "work_0"
        context.close()
    assert complaints == []


def test_how_often_to_look_is_of_watching_only(tmp_path):
    done = CliRunner().invoke(cli, ["report", str(tmp_path), "--every", "3"])
    assert done.exit_code == 2
    assert "--every says how often --watch looks: give --watch too" in done.output
