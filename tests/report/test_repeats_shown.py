"""What the terminal and the page say of networks that were scored over several splits."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from builders import FakeStudy, FakeTask
from penultimate.report import ranked_table, sentences, write_report
from penultimate.report.embedding_samples import embedding_samples
from penultimate.report.figure_frames import figure_frame
from penultimate.report.findings import Findings
from penultimate.report.page.record import splits
from penultimate.report.settings import setting_sentences
from penultimate.report.summary import CAVEAT, REPEATED
from penultimate.stats.repeated import CORRECTED
from penultimate.store import ResultStore

NETWORKS = {"tf_efficientnet_lite0@package": 1.0, "tf_efficientnet_lite1@package": 0.95, "net": 0.1}
PHOTOS = {"photos": FakeTask(n_test=60)}


@pytest.fixture
def found(new_store) -> Findings:
    """Three networks over six splits."""
    return Findings.read(FakeStudy(NETWORKS, PHOTOS, repeats=6).commit(new_store))


def printed(ranking) -> str:
    out = io.StringIO()
    Console(file=out, width=80).print(ranked_table(ranking))
    return out.getvalue()


def test_the_table_has_the_probability_and_says_how_intervals_are_made(found):
    text = printed(found.ranking)
    assert max(map(len, text.splitlines())) <= 80
    assert "photos (mean of 6 splits)" in text
    assert "P(best)" in text
    assert "intervals over splits are Nadeau and Bengio's" in " ".join(text.split())
    best = found.ranking.iloc[0]
    assert f"{100 * best['probability_best']:.0f} %" in text


def test_without_repeats_there_is_no_such_column(new_store):
    found = Findings.read(FakeStudy(NETWORKS, PHOTOS).commit(new_store))
    text = printed(found.ranking)
    assert "P(best)" not in text
    assert "Nadeau" not in text


def test_fewer_splits_of_one_are_named(found):
    frame = found.ranking.assign(repeats=[6, 6, 1])
    assert "mean of 6 splits, net: 1 of them" in " ".join(printed(frame).split())


def test_the_sentences_name_the_splits_the_probability_and_what_was_reckoned_with(found):
    answer, task, caveat = sentences(found.ranking)
    name = found.ranking["backbone"][0]
    p = f"{100 * found.ranking['probability_best'][0]:.0f} %"
    assert f"(over 6 splits, {name} is the best with probability {p})" in answer
    assert "cannot be told apart from it" in answer
    assert "mean of 6 splits)" in task
    assert caveat == REPEATED
    assert "another split, seed" not in caveat


def test_one_that_is_ahead_is_so_by_more_than_the_luck_of_the_split(new_store):
    networks = {"a": 1.5, "c": -0.5}
    found = Findings.read(FakeStudy(networks, PHOTOS, repeats=8).commit(new_store))
    answer, task, _ = sentences(found.ranking)
    assert "it is ahead by more than the luck of the split explains (over 8 splits" in answer
    assert "with probability over 99 %" in answer
    assert "by more than the luck of the split explains" in task


def test_the_caveat_says_which_are_of_one_split(new_store):
    FakeStudy(NETWORKS, PHOTOS, repeats=3).commit(new_store)
    FakeStudy(NETWORKS, {"given": FakeTask()}).commit(new_store)
    caveat = sentences(Findings.read(new_store).ranking)[-1]
    assert caveat.startswith(REPEATED)
    assert "Those of given are of one split and know only its test images." in caveat


def test_a_split_that_was_drawn_could_be_repeated_and_is_said_to_be(new_store):
    ranking = Findings.read(FakeStudy(NETWORKS, PHOTOS).commit(new_store)).ranking
    drawn, given = (sentences(ranking.assign(test_drawn=d))[-1] for d in (True, False))
    assert drawn.startswith(CAVEAT)
    assert (
        "The split of photos was drawn at random: penultimate run --repeats 20 counts its luck"
        in drawn
    )
    assert given == CAVEAT


def test_settings_are_compared_on_the_splits_that_both_were_run_on(new_store):
    """The probe over five splits, fine-tuning on the first."""
    study = FakeStudy(
        {"a": 1.0, "b": 0.5}, PHOTOS, repeats=5, methods=("linear-probe", "fine-tune")
    )
    found = Findings.read(study.commit(new_store))
    probed = found.frame[(found.frame["method"] == "linear-probe") & (found.frame["repeat"] == 0)]
    rows = found.settings[found.settings["method"] == "linear-probe"].set_index("backbone")
    for _, run in probed.iterrows():
        assert rows.loc[run["backbone"], "score"] == run["score"]  # not the mean of five
        assert rows.loc[run["backbone"], "run"] == run["run"]
    assert set(found.settings["comparison"]) == {"best", "exact McNemar test"}
    assert CORRECTED in set(found.ranking["comparison"])
    for sentence in setting_sentences(found.settings):
        assert "on photos, on 1 of 5 splits: " in sentence


def test_the_page_shows_them_and_has_its_figures_of_first_splits(found, tmp_path):
    firsts = found.of(found.ranking)
    assert [r.spec.repeat for r in firsts] == [0, 0, 0]
    assert len(found.of(found.ranking, repeats=True)) == 18
    page = write_report(found.store, tmp_path / "report.html").read_text()
    assert "P(best)" in page
    assert "± over splits" in page
    assert "top-1, 6 splits" in page
    assert "Drawn for the first of 6 splits" in page
    assert "5 repeats of these splits" in page
    assert len(splits(found)) == 6
    assert "seed 0, repeat 5" in page
    assert "Nadeau and Bengio" in page
    assert "60/20/20, and 5 more" in page


def test_a_page_without_repeats_says_nothing_of_them(new_store, tmp_path):
    FakeStudy(NETWORKS, PHOTOS).commit(new_store)
    page = write_report(new_store, tmp_path / "report.html").read_text()
    for words in ("P(best)", "repeat 1", "Nadeau", "over splits"):
        assert words not in page


def test_a_store_finds_the_run_on_the_first_split_by_name(found):
    store = ResultStore(found.store.root)
    assert store.match("net").spec.repeat == 0


def test_figures_over_runs_and_of_features_are_of_first_splits(new_store):
    networks = {"tf_efficientnet_lite0@package": 1.0, "tf_efficientnet_lite1@package": 0.9}
    FakeStudy(networks, PHOTOS, repeats=3, sampled=True).commit(new_store)
    drawn = embedding_samples(new_store)
    assert list(drawn.features) == list(networks)
    assert len(figure_frame(new_store, "ranking")) == 2
