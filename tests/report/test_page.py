"""The page from a store: what it says, what it leaves out, and that names stay names."""

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from builders import FakeStudy, FakeTask
from penultimate.errors import StoreError
from penultimate.report import write_report
from penultimate.report.findings import Findings
from penultimate.report.page.render import render
from penultimate.store import ResultStore, SkippedExample

VOID = {"meta", "link", "br", "wbr", "img"}


class Page(HTMLParser):
    """Tags, attributes and visible text of a page; refuses tags that do not close in order."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text, self._open = [], [], [], []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self._open):
            self.text.append(data)

    def words(self):
        return " ".join("".join(self.text).split())

    def ids(self):
        return [value for name, value in self.attributes if name == "id"]


def written(store, tmp_path, **options):
    html = write_report(store, tmp_path / "report.html", **options).read_text(encoding="utf-8")
    return html, Page(html)


def test_the_answer_comes_first_and_everything_follows(demo_store, tmp_path):
    html, page = written(demo_store, tmp_path)
    words = page.words()
    places = [
        words.index(text)
        for text in (
            "Start from tf_efficientnet_lite2@package",
            "the cheapest of its equals",
            "Intervals and p-values count only the luck",
            "From 4 backbones · 2 tasks · 780 test images · 8 runs.",
            "Lines are 95 % intervals",
            "A correlation needs the ImageNet accuracy",
            "--imagenet timm",
            "Grey: behind it",
            "On digits, tf_efficientnet_lite2@package is best",
            "How the L2 parameter was chosen",
            "1 image was skipped",
            "2 exact duplicates were kept in one part",
            "The same command computes the same numbers",
            "penultimate run study.toml --store results",
        )
    ]
    assert places == sorted(places)
    for fact in ("a/broken.png", "the file is empty", "2.11.0", "splits/", "cpu, a processor"):
        assert fact in words
    for result in demo_store.results():
        assert result.run.weights in words
        assert result.digest in words
    assert html.count("<h1") == 1
    assert html.count('<svg class="plot"') == 4  # a ranking and a selection curve a task


def test_the_page_is_well_formed_and_refers_to_itself_only(demo_store, tmp_path):
    html, page = written(demo_store, tmp_path)
    assert len(page.ids()) == len(set(page.ids()))
    targets = re.findall(r'(?:href="|url\()#([^")]+)', html)
    assert targets
    assert set(targets) <= set(page.ids())
    outside = [v for n, v in page.attributes if n in ("src", "href") and not v.startswith("#")]
    assert outside == ["data:,"]
    assert "http" not in html.replace("http-equiv", "")
    assert "#0a0b" not in html, "a placeholder colour was left"


def test_scores_stand_in_the_table_the_best_in_bold(demo_store, tmp_path):
    html, _ = written(demo_store, tmp_path)
    frame = demo_store.frame()
    for _, row in frame.iterrows():
        assert f'data-value="{row["score"]}"' in html
    best = frame.groupby("task")["score"].max()
    for score in best:
        assert f'<td class="num best" data-value="{score}">' in html


NASTY = '<script>alert("x")</script>'


def test_names_from_data_are_text_everywhere(new_store, tmp_path):
    quote = "\"'><img src=x onerror=alert(1)>"
    task = FakeTask(
        classes=[NASTY, quote, "c"],
        skipped=[SkippedExample(id=f"{NASTY}.png", reason=f"broken {quote}")],
        notices=[f"a notice {NASTY}", "{{ 7 * 7 }}"],
        unconverged=2,
    )
    names = {NASTY: 1.0, quote: 0.6, "{{ 7 * 7 }} $x$": 0.4, "back\\slash & co": 0.2}
    FakeStudy(names, {f"task {NASTY}": task, f"]]> {quote}": task}).commit(new_store)
    html, page = written(new_store, tmp_path, title=f"title {NASTY}")
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "alert(1)>" not in html.replace("&gt;", "")
    words = page.words()
    for text in (f"title {NASTY}", f"task {NASTY}", f"{NASTY}.png", "{{ 7 * 7 }} $x$", quote):
        assert text in words


def test_control_characters_in_names_do_no_harm(new_store, tmp_path):
    task = FakeTask(skipped=[SkippedExample(id="caf\x01\u202e.png", reason="not an image")])
    FakeStudy({"a\x0b": 1.0, "b\x00": 0.5}, {"t\x01\x0b": task}).commit(new_store)
    _, page = written(new_store, tmp_path)
    assert "1 image was skipped" in page.words()


def test_several_seeds_are_averaged_and_said_to_be(new_store, tmp_path):
    FakeStudy({"a": 1.0, "b": 0.5}, seeds=(0, 1, 2)).commit(new_store)
    _, page = written(new_store, tmp_path)
    words = page.words()
    assert "mean of 3 seeds" in words
    assert "± over seeds" in words
    assert "Drawn for seed 0, one of 3." in words
    score = new_store.frame().groupby("backbone")["score"].mean()["a"]
    assert f"{100 * score:.1f} %" in words


def test_the_latest_run_counts_and_older_ones_are_counted(new_store, tmp_path):
    old = FakeStudy({"a": 0.2, "b": 0.1}, created="2026-01-01T00:00:00+00:00")
    new = FakeStudy({"a": 0.8, "b": 1.4}, created="2026-02-01T00:00:00+00:00")
    old.commit(new_store)
    new.commit(new_store)
    _, page = written(new_store, tmp_path)
    assert "2 older runs of the same backbone" in page.words()
    assert "Start from b" in page.words()


def test_what_did_not_converge_is_said(new_store, tmp_path):
    FakeStudy({"a": 1.0, "b": 0.4}, {"t": FakeTask(unconverged=3)}).commit(new_store)
    _, page = written(new_store, tmp_path)
    assert "a and b: 3 fits of 46 (1,000 steps were not enough: scale features)." in page.words()


def test_one_backbone_and_different_tests_are_enough_for_a_page(new_store, tmp_path):
    FakeStudy({"a": 1.0}, {"t": FakeTask()}).commit(new_store)
    FakeStudy({"b": 0.8}, {"t": FakeTask(n_test=100)}).commit(new_store)
    _, page = written(new_store, tmp_path)
    assert "other test examples" in page.words()
    assert "not compared with the best" in page.words()


def test_missing_predictions_do_not_stop_the_report(demo_store, tmp_path):
    for path in demo_store.root.glob("runs/*/attempts/*/predictions.parquet"):
        path.unlink()
    _, page = written(demo_store, tmp_path)
    assert "predictions are missing" in page.words()


def test_an_empty_store_says_what_to_do(new_store, tmp_path):
    with pytest.raises(StoreError, match="has no finished run to report on: 'penultimate run"):
        write_report(new_store, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_a_report_replaces_the_old_one_and_repeats(demo_store, tmp_path):
    first, _ = written(demo_store, tmp_path)
    assert written(demo_store, tmp_path)[0] == first


def test_methods_are_told_apart(demo_store):
    """As it will be with a second method: results of one method under two names."""
    findings = Findings.read(demo_store)
    frame, ranking = findings.frame.copy(), findings.ranking.copy()
    for table in (frame, ranking):
        table.loc[table["task"] == "glyphs", "method"] = "svm"
    words = Page(render(replace(findings, frame=frame, ranking=ranking), "title")).words()
    assert "each has an answer of its own" in words
    assert "linear-probe Start from" in words
    assert "svm Start from" in words
    assert "On glyphs with svm" in words


@pytest.mark.slow
def test_a_large_study_is_small_and_quick(tmp_path):
    import time

    tasks = {
        f"task {i}": FakeTask(n_test=500, measure=["top-1", "mean-per-class"][i % 2])
        for i in range(12)
    }
    store = ResultStore(tmp_path / "large")
    names = {f"network {i}": i / 10 for i in range(16)}
    known = {name: 0.7 + 0.01 * i for i, name in enumerate(names)}
    methods = ("linear-probe", "fine-tune", "from-scratch")
    FakeStudy(names, tasks, methods=methods, imagenet=known).commit(store)
    start = time.monotonic()
    page = write_report(store, tmp_path / "report.html")
    assert time.monotonic() - start < 60
    assert page.stat().st_size < 10e6


def test_reading_imports_no_torch():
    code = (
        "import sys, penultimate.stats, penultimate.figures, penultimate.report\n"
        "found = {'torch', 'timm', 'matplotlib.pyplot'} & set(sys.modules)\n"
        "sys.exit(', '.join(found) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
