"""The page and the figures of numbers from elsewhere, read as a reader would, in a browser."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from penultimate.cli.app import cli
from penultimate.errors import PenultimateError
from penultimate.report.given.analysis import analyse
from penultimate.report.given.frames import tidy
from penultimate.report.given.page import Source, write_analysis
from penultimate.report.given.words import answers

NASTY = "<script>window.hacked = 1</script>\"'&"
SETTINGS = {"linear-probe": 0.0, "fine-tune": 0.9, "from-scratch": -0.6}


def grids(models: int, sets: int, settings=SETTINGS, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Accuracies with a known order of models, data sets and settings."""
    rng = np.random.default_rng(seed)
    names = [f"net {NASTY}", *(f"network_{i:02}" for i in range(1, models))]
    data_sets = [f"set {NASTY}", *(f"data set {i}" for i in range(1, sets))]
    ability, hardness = np.linspace(1.6, 0.4, models), np.linspace(0.5, -1.0, sets)
    made = {}
    for name, gain in settings.items():
        x = ability[:, None] + hardness[None] + gain + rng.normal(0, 0.05, (models, sets))
        made[name] = pd.DataFrame(1 / (1 + np.exp(-x)), index=names, columns=data_sets)
    return made


def imagenet(table: pd.DataFrame) -> pd.Series:
    x = 1.2 - 0.06 * np.arange(len(table))
    return pd.Series(1 / (1 + np.exp(-x)), index=table.index)


def written(folder: Path, models: int, sets: int, settings=SETTINGS) -> Path:
    """The table of such accuracies as people write it: a row an accuracy."""
    made = grids(models, sets, settings)
    frames = [
        table.rename_axis("model")
        .reset_index()
        .melt("model", var_name="dataset", value_name="accuracy")
        .assign(setting=name, n_test=1000)
        for name, table in made.items()
    ]
    frame = pd.concat(frames)
    top1 = imagenet(next(iter(made.values())))
    frame["imagenet"] = frame["model"].map(top1)
    if list(settings) == [""]:
        frame = frame.drop(columns="setting")
    frame.to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


def run(*arguments: object) -> str:
    done = CliRunner().invoke(cli, ["analyse", *map(str, arguments)])
    if isinstance(done.exception, PenultimateError):
        return str(done.exception)
    if done.exception is not None:
        raise done.exception
    return done.output


class TestWords:
    def test_the_best_and_those_level_with_it_are_named(self) -> None:
        found = analyse({"": grids(6, 8)["linear-probe"]})
        (best,) = answers(found)
        assert best.startswith(f"net {NASTY} is best on average over 8 data sets (")
        assert best.endswith("every other model is behind it by more than chance (p < 0.05).")
        same = grids(3, 8)["linear-probe"]
        same.iloc[1] = same.iloc[0] + np.tile([0.001, -0.001], 4)
        (best,) = answers(analyse({"": same}))
        assert "cannot be told apart from it over these data sets" in best

    def test_imagenet_s_part_is_said_with_its_interval(self) -> None:
        table = grids(9, 4)["linear-probe"]
        found = analyse({"": table}, imagenet(table))
        row = found.settings[0].correlation.loc["all"]
        said = answers(found)[1]
        assert said.startswith("The better a model is on ImageNet, the better it is here: r = ")
        assert (
            f"r = {row['r']:.2f} (95 % interval {row['r_low']:.2f} to {row['r_high']:.2f})" in said
        )
        assert f"ρ = {row['rho']:.2f}" in said  # noqa: RUF001 - Spearman's
        shuffled = pd.Series(
            imagenet(table).to_numpy()[[4, 1, 7, 0, 8, 3, 6, 2, 5]], index=table.index
        )
        assert "is not shown to tell" in answers(analyse({"": table}, shuffled))[1]

    def test_settings_are_set_against_each_other(self) -> None:
        said = answers(analyse(grids(6, 3)))
        assert said[0].startswith("With linear-probe: net ")
        pairs = "pairs of model and data set; by more than chance"
        assert (
            f"fine-tune is above from-scratch in 18 of 18 {pairs} above on every data set." in said
        )
        assert (
            f"linear-probe is above fine-tune in 0 of 18 {pairs} below on every data set." in said
        )
        equal = grids(6, 3)["linear-probe"]
        assert answers(analyse({"one": equal, "other": equal}))[-1].endswith(
            "in 0 of 18 pairs of model and data set; on no data set by more than chance."
        )

    def test_little_has_little_to_say(self) -> None:
        one = grids(1, 1)["linear-probe"]
        assert "is the only model" in answers(analyse({"": one}))[0]
        two = grids(2, 1)["linear-probe"]
        said = answers(analyse({"": two}, imagenet(two)))
        assert "one data set allows no test" in said[0]
        assert said[1].startswith("Nothing can be said of accuracy on ImageNet from 2 models")


def test_the_tidy_frame_is_the_grids(tmp_path) -> None:
    made = grids(4, 3)
    found = analyse(made, imagenet(made["fine-tune"]))
    frame = tidy(found, imagenet(made["fine-tune"]), pd.Series({"data set 1": 100.0}))
    for name, table in made.items():
        rows = frame[frame["method"] == name].pivot(
            index="backbone", columns="task", values="score"
        )
        pd.testing.assert_frame_equal(
            rows.loc[table.index, table.columns], table, check_names=False
        )
    assert frame.loc[frame["task"] == "data set 1", "n_test"].eq(100).all()
    assert frame.loc[frame["task"] != "data set 1", "n_test"].isna().all()
    assert frame["tied_with_best"].isna().all()


class TestFigures:
    @pytest.mark.slow
    def test_all_that_the_numbers_allow_are_written_in_vector_form(self, tmp_path) -> None:
        table = written(tmp_path, 4, 2)
        said = run(table, "--figures", tmp_path / "new" / "figures")
        found = {p.name: p.read_bytes() for p in (tmp_path / "new" / "figures").iterdir()}
        drawn = {"average-correlation.pdf", "correlation.pdf", "settings.pdf", "from-scratch.pdf"}
        assert set(found) == drawn | {"accuracies.csv", "accuracies.md", "accuracies.tex"}
        assert all(found[name].startswith(b"%PDF") for name in drawn)
        assert all(len(found[name]) > 8_000 for name in drawn)
        assert b"network_01" in found["accuracies.csv"]
        assert "left out" not in said

    def test_what_cannot_be_drawn_is_said(self, tmp_path) -> None:
        grids(3, 2)["linear-probe"].rename_axis("model").to_csv(tmp_path / "wide.csv")
        said = run(tmp_path / "wide.csv", "--figures", tmp_path / "figures")
        assert "left out: figures 1 and 2, which need the ImageNet accuracy of 3 models" in said
        assert "left out: figure 6" in said
        assert "left out: figure 7" in said
        assert {p.suffix for p in (tmp_path / "figures").iterdir()} == {".csv", ".md", ".tex"}

    def test_a_file_in_the_place_of_the_folder_is_one_sentence(self, tmp_path) -> None:
        table = written(tmp_path, 3, 2)
        assert "is a file: figures go to a folder" in run(table, "--figures", table)


def test_json_and_page_go_together_and_say_the_same(tmp_path) -> None:
    table = written(tmp_path, 4, 3, {"": 0.0})
    output = run(table, "-o", tmp_path / "page.html", "--json")
    end = output.rindex("]") + 1
    (found,) = json.loads(output[:end])
    page = (tmp_path / "page.html").read_text()
    r = found["correlation"][0]
    assert f"{r['r']:.2f}" in page
    for row in found["models"]:
        assert f"{100 * row['accuracy']:.1f}" in page
    assert hashlib.sha256(table.read_bytes()).hexdigest() in page
    assert "numpy" in page


@pytest.fixture(scope="module")
def given(tmp_path_factory, browser):
    """The page of 16 models, 12 data sets and 3 settings, open; and what it complained of."""
    folder = tmp_path_factory.mktemp("given")
    table = written(folder, 16, 12)
    began = time.perf_counter()
    run(table, "-o", folder / "page.html", "--group", f"odd=data set 1,data set 3,set {NASTY}")
    seconds = time.perf_counter() - began
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto((folder / "page.html").as_uri())
    complaints.remove((folder / "page.html").as_uri())
    yield page, complaints, seconds, (folder / "page.html").stat().st_size
    context.close()


@pytest.mark.slow
class TestPage:
    def test_is_quick_and_small(self, given) -> None:
        _, _, seconds, size = given
        assert seconds < 20
        assert size < 10e6

    def test_has_no_complaint_and_asks_for_nothing(self, given) -> None:
        page, complaints, _, _ = given
        assert [text for text in complaints if text != "data:,"] == []
        assert page.evaluate("window.hacked") is None

    def test_shows_names_as_text_everywhere(self, given) -> None:
        page = given[0]
        assert page.get_by_role("rowheader", name=f"net {NASTY}").count() >= 3
        assert page.get_by_role("columnheader", name=f"set {NASTY}").count() >= 3
        said = page.locator("#answer").inner_text().replace("\xa0", " ")
        assert f"net {NASTY} is best on average" in said

    def test_sorts_models_by_a_data_set(self, given) -> None:
        page = given[0]
        table = page.locator("#given_models table").first
        heading = table.locator("thead th", has_text="data set 5")
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == "descending"
        place = heading.evaluate("h => h.cellIndex") + 1
        texts = table.locator(f"tbody tr > :nth-child({place}) .score").all_inner_texts()
        values = [float(text) for text in texts]
        assert len(values) == 16
        assert values == sorted(values, reverse=True)

    def test_tells_settings_apart_by_their_hatching(self, given) -> None:
        page = given[0]
        fills = page.locator("#given_settings figure svg [style*='url(#']").evaluate_all(
            "marks => marks.map(m => getComputedStyle(m).fill.match(/#([^\"')]+)/)[1])"
        )
        assert len(set(fills)) == 2  # the first setting's bars have none
        assert all(page.locator(f"pattern[id='{name}']").count() == 1 for name in set(fills))
        grounds = page.locator("#given_settings pattern rect").evaluate_all(
            "marks => marks.map(m => getComputedStyle(m).fill)"
        )
        assert set(grounds) == {"rgb(223, 226, 230)"}  # the page's --rule, in the light scheme

    def test_filters_models(self, given) -> None:
        page = given[0]
        box = page.locator("#given_models input[type=search]").first
        box.fill("network_07")
        rows = page.locator("#given_models tbody tr:visible th").all_inner_texts()
        assert rows == ["network_07"] * 3
        box.fill("")

    def test_says_the_name_of_a_point(self, given) -> None:
        page = given[0]
        point = page.locator("#correlation svg .point").first
        point.focus()
        assert "ImageNet" in page.locator(".tip").inner_text()

    def test_never_scrolls_sideways_on_a_phone(self, given) -> None:
        page = given[0]
        page.set_viewport_size({"width": 380, "height": 800})
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= 380
        page.set_viewport_size({"width": 1280, "height": 900})

    def test_every_link_of_the_contents_leads_to_a_section(self, given) -> None:
        page = given[0]
        links = page.locator("nav a").evaluate_all("a => a.map(x => x.getAttribute('href'))")
        assert len(links) == 5
        assert all(page.locator(link).count() == 1 for link in links)


def test_a_page_that_cannot_be_written_is_one_sentence(tmp_path) -> None:
    table = written(tmp_path, 3, 2)
    (tmp_path / "file").write_text("")
    assert "cannot be written" in run(table, "-o", tmp_path / "file" / "page.html")


def test_without_imagenet_accuracy_there_is_a_page_without_its_section(tmp_path) -> None:
    made = {"": grids(3, 3)["linear-probe"]}
    found = analyse(made)
    source = Source("table.csv", notes=["a note <b>"])
    path = write_analysis(found, tidy(found), tmp_path / "page.html", source)
    page = path.read_text()
    assert 'id="correlation"' not in page
    assert 'id="given_settings"' not in page
    assert "a note &lt;b&gt;" in page
