"""What the page and the table say of runs that trained a network."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from study_folders import probe
from trained_studies import FINE, of, trained_study

import penultimate as pn
from penultimate.report import ranked_table, write_report
from penultimate.report.findings import Findings
from penultimate.report.page.grids import DIVERGED, WARMEST, grids
from penultimate.report.settings import compared_settings, setting_sentences
from penultimate.stats import exact_mcnemar, rank


@pytest.fixture(scope="module")
def page(done: tuple[Path, pn.StudyResults], tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("page") / "report.html"
    return write_report(done[1].store, place).read_text(encoding="utf-8")


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_grid_is_a_table_of_scores_the_chosen_cell_marked(
    done: tuple[Path, pn.StudyResults],
) -> None:
    result = of(done[1], "fine-tune")
    (grid,) = grids(done[1].store, done[1].results, "test_resnet@random", "photos")[:1]
    assert grid.rates == ["0.01", "0.1", "1.0 × 10⁶"]  # noqa: RUF001
    assert [decay for decay, _ in grid.rows] == ["0", "1.0 × 10⁻⁴"]  # noqa: RUF001
    squares = [square for _, row in grid.rows for square in row]
    assert [square.text == DIVERGED for square in squares] == [False, False, True] * 2
    scores = {
        (c.settings["learning_rate"], c.settings["weight_decay"]): c.score for c in result.selection
    }
    for (_, row), decay in zip(grid.rows, (0.0, 1e-4), strict=True):
        for square, rate in zip(row[:2], (0.01, 0.1), strict=True):
            assert square.text == f"{100 * scores[rate, decay]:.1f}"
            assert square.chosen == (
                result.chosen["learning_rate"] == rate and result.chosen["weight_decay"] == decay
            )
    assert sum(square.chosen for square in squares) == 1
    assert max(square.warmth for square in squares) == WARMEST
    assert min(square.warmth for square in squares) == 0
    assert "6 trainings of up to 12 steps, of which 2 diverged" in grid.note
    assert grid.curves is not None
    assert "every cell of the grid of test_resnet@random on photos" in grid.curves


def test_the_page_compares_the_settings_and_shows_grids_curves_and_costs(page: str) -> None:
    text = words(page)
    assert "Freeze, fine-tune or train from scratch" in text
    assert page.count("every cell of the grid of test_resnet@random on photos") == 2
    assert page.count('class="heat"') == 2
    assert "the chosen cell" in text
    for method in ("linear-probe", "fine-tune", "from-scratch"):
        assert f"<td>{method}</td>" in page
    assert "learning rate" in text
    assert "final fit" in text
    # Only the probe's section shows an l2.
    assert page.count("chosen l2") == 1
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_page_without_training_has_none_of_it(
    done: tuple[Path, pn.StudyResults], store: Path, tmp_path: Path
) -> None:
    pn.run(trained_study(done[0], probe()), store)
    html = write_report(pn.ResultStore(store), tmp_path / "page.html").read_text()
    for words_ in ("Freeze, fine-tune", "heat", "training curves", "learning rate"):
        assert words_ not in html.split("</style>")[1]


def test_the_test_between_settings_is_the_paired_one(done: tuple[Path, pn.StudyResults]) -> None:
    store = done[1].store
    compared = compared_settings(done[1].frame(), lambda d: store.predictions(store.get(d)))
    assert list(compared["score"]) == sorted(compared["score"], reverse=True)
    right = {}
    for result in done[1].results:
        predictions = store.predictions(result).sort_values("example_id")
        hits = predictions["label"].astype(str) == predictions["predicted"].astype(str)
        right[result.run.method.name] = hits.to_numpy()
    best = compared.iloc[0]["method"]
    for _, row in compared.iloc[1:].iterrows():
        assert row["p_value"] == pytest.approx(exact_mcnemar(right[best], right[row["method"]]))
    (sentence,) = setting_sentences(compared)
    assert sentence.startswith(f"test_resnet@random on photos: {best} reaches ")
    assert sentence.count("p = ") + sentence.count("p < ") == 2


def predicted(right: int, of_all: int = 100) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "example_id": [f"{i:03}" for i in range(of_all)],
            "label": "a",
            "predicted": ["a" if i < right else "b" for i in range(of_all)],
        }
    )


def settings_frame(**right: int) -> pd.DataFrame:
    rows = [
        {
            "run": m,
            "backbone": "net",
            "task": "birds",
            "method": m.replace("_", "-"),
            "measure": "top-1",
            "score": n / 100,
            "ci_low": 0.0,
            "ci_high": 1.0,
            "seed": 0,
            "images_per_second": 1.0,
            "l2": 1.0,
            "converged": True,
            "created": "2026",
        }
        for m, n in right.items()
    ]
    return pd.DataFrame(rows)


def test_the_sentence_says_who_is_ahead_and_who_cannot_be_told_apart() -> None:
    right = {"linear_probe": 90, "fine_tune": 92, "from_scratch": 50}
    frame = settings_frame(**right)
    compared = compared_settings(frame, lambda run: predicted(right[run]))
    assert setting_sentences(compared) == [
        "net on birds: fine-tune reaches 92.0 %, ahead of from-scratch (50.0 %, p < 0.001); not to "
        "be told apart from linear-probe (90.0 %, p = 0.50)."
    ]


def test_one_setting_alone_is_not_compared() -> None:
    compared = compared_settings(settings_frame(fine_tune=3), lambda run: predicted(3))
    assert compared.empty
    assert setting_sentences(compared) == []


def test_the_table_shows_what_was_chosen(done: tuple[Path, pn.StudyResults]) -> None:
    from rich.console import Console

    store = done[1].store
    ranking = rank(done[1].frame(), lambda d: store.predictions(store.get(d)))
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(ranked_table(ranking))
    shown = console.export_text()
    assert "learning rate" in shown
    result = of(done[1], "fine-tune")
    (line,) = [
        line
        for line in shown.splitlines()
        if f"{100 * result.score:.1f} " in line and f"{result.chosen['learning_rate']:g}" in line
    ][:1]
    assert "test_resnet@random" in line


def test_curves_that_are_gone_leave_the_page_without_them(
    done: tuple[Path, pn.StudyResults], store: Path
) -> None:
    shutil.copytree(done[1].store.root, store)
    kept = pn.ResultStore(store)
    shutil.rmtree(store / "trainings")
    (grid,) = grids(kept, [of(done[1], "fine-tune")], "test_resnet@random", "photos")
    assert grid.curves is None
    assert len(grid.rows) == 2
    assert Findings.read(kept).results


def test_a_cell_of_a_search_shows_its_longest_training(photos: Path, store: Path) -> None:
    settings = FINE.model_copy(
        update={
            "steps": 150,
            "learning_rates": (0.003, 0.01, 0.03),
            "weight_decays": (0.0,),
            "search": "halving",
        }
    )
    results = pn.run(trained_study(photos, settings), store)
    (grid,) = grids(results.store, results.results, "key", "photos")
    ((_, row),) = grid.rows
    assert sorted(square.detail for square in row) == [
        "150 steps",
        "50 steps",
        "50 steps",
    ]
    (chosen,) = [square for square in row if square.chosen]
    assert chosen.detail == "150 steps"
