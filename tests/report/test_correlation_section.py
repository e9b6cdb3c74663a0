"""The section on ImageNet accuracy: its points, its numbers, and what it says is missing."""

import math
import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, spearmanr

from penultimate.report.page.correlation import correlation_section
from penultimate.report.page.plot import Point
from penultimate.report.page.scatter import scatter

NETWORKS = {"a": 0.70, "b": 0.74, "c": 0.76, "d": 0.79, "e": 0.81, "f": 0.83}
NASTY = '<b onclick="x">&\'\n\x07'


def frame(tasks=("pets", "cars"), method="linear-probe", networks=NETWORKS):
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        [
            {
                "backbone": name,
                "task": task,
                "method": method,
                "score": top1 + 0.05 * rng.normal() - 0.1 * place,
                "n_test": 500,
                "imagenet_top1": top1,
                "tied_with_best": name > "d",
            }
            for place, task in enumerate(tasks)
            for name, top1 in networks.items()
        ]
    ).astype({"tied_with_best": "boolean"})


def drawn(svg):
    """By name, the points of a panel: the lines of the text, and where the mark stands."""
    found = {}
    for group in ElementTree.fromstring(str(svg)).findall("g[@data-of]"):
        name, *lines = group.find("title").text.split("\n")
        mark = group.find("circle")
        place = None if mark is None else (float(mark.get("cx")), float(mark.get("cy")))
        found[name] = (lines, place)
    return found


def test_each_network_is_a_named_point_in_every_panel():
    section = correlation_section(frame())
    [setting] = section.settings
    assert [name for name, _ in setting.small] == ["pets", "cars"]
    for svg in (setting.large, *(svg for _, svg in setting.small)):
        assert set(drawn(svg)) == set(NETWORKS)
    lines, _ = drawn(setting.small[0][1])["a"]
    score = frame().query("backbone == 'a' and task == 'pets'")["score"].iloc[0]
    assert lines == ["ImageNet 70.0 %", f"pets {100 * score:.1f} %"]
    mean = frame().query("backbone == 'a'")["score"].mean()
    assert f"average over 2 tasks {100 * mean:.1f} %" in drawn(setting.large)["a"][0]


def test_points_stand_where_log_odds_put_them():
    [setting] = correlation_section(frame(("pets",))).settings
    assert setting.small == []
    scores = frame(("pets",)).set_index("backbone")["score"]
    places = {name: place for name, (_, place) in drawn(setting.large).items()}
    for axis, values, sign in ((0, pd.Series(NETWORKS), 1), (1, scores, -1)):
        odds = [math.log(values[n] / (1 - values[n])) for n in NETWORKS]
        pixels = [places[n][axis] for n in NETWORKS]
        assert pearsonr(odds, pixels).statistic == pytest.approx(sign, abs=1e-5)


def test_the_table_has_r_on_log_odds_and_rho():
    section = correlation_section(frame())
    grid = frame().pivot(index="backbone", columns="task", values="score")

    def odds(p):
        return np.log(p / (1 - p))

    x, y = odds(pd.Series(NETWORKS)), odds(grid).mean(axis=1)
    [row] = section.overall
    assert row.values["r"] == pytest.approx(pearsonr(x, y).statistic)
    assert row.values["rho"] == pytest.approx(spearmanr(x, y).statistic)
    assert row.r[0] == f"{row.values['r']:.2f}"
    alone = {task.name: task.values["r"] for task in section.settings[0].tasks}
    assert alone["cars"] == pytest.approx(pearsonr(x, odds(grid["cars"])).statistic)


def test_the_sentence_follows_the_numbers():
    rising = frame(("pets",)).assign(score=lambda f: f["imagenet_top1"] - 0.1)
    falling = rising.assign(score=lambda f: 1.4 - f["imagenet_top1"])
    unclear = rising.assign(score=[0.7, 0.8, 0.7, 0.8, 0.7, 0.8])
    for given, words in (
        (rising, "the better a network is on ImageNet, the better it transfers: r = 1.00"),
        (
            falling,
            "the better a network is on ImageNet, the worse it transfers: r = \N{MINUS SIGN}1.00",
        ),
        (unclear, "is not shown to tell which network transfers better"),
        (rising.assign(score=0.5), "r is undefined"),
    ):
        [setting] = correlation_section(given).settings
        assert setting.sentence.startswith("With linear-probe, ")
        assert words in setting.sentence
    few = correlation_section(rising[rising["backbone"].isin(list("abc"))])
    assert "So few networks say little." in few.settings[0].sentence


def test_networks_without_imagenet_accuracy_are_named_with_the_remedy():
    given = frame().assign(imagenet_top1=lambda f: f["imagenet_top1"].where(f["backbone"] != "c"))
    section = correlation_section(given, commands=["penultimate report s --imagenet timm"])
    assert set(drawn(section.settings[0].large)) == set("abdef")
    assert section.notes == ["The ImageNet accuracy of c is not known: it is left out."]
    assert section.commands == ["penultimate report s --imagenet timm"]
    none = correlation_section(given.assign(imagenet_top1=math.nan), commands=["x"])
    assert none.settings == []
    assert "at least 3 networks, and it is known of none" in none.notes[0]
    assert none.commands == ["x"]


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_an_imagenet_accuracy_without_log_odds_is_left_out(end):
    given = frame().assign(
        imagenet_top1=lambda f: f["imagenet_top1"].where(f["backbone"] != "c", end)
    )
    section = correlation_section(given, commands=["x"])
    assert section.commands == []
    assert set(drawn(section.settings[0].large)) == set("abdef")
    assert section.notes == ["ImageNet accuracies of 0 and 100 % have no log odds: c left out."]


def test_too_few_networks_are_no_plot_and_need_no_table():
    two = frame(networks={"a": 0.7, "b": 0.8})
    section = correlation_section(two, commands=["x"])
    assert section.settings == []
    assert "and there are 2 networks" in section.notes[0]
    assert section.commands == []


def test_holes_and_floors_are_left_out_and_said():
    given = pd.concat(
        [
            frame().iloc[:-1],  # f has no run on cars
            frame(networks={"a@random": math.nan}).assign(score=0.1),
        ]
    )
    section = correlation_section(given)
    assert set(drawn(section.settings[0].large)) == set("abcde")
    assert any("network f is left out, since runs are missing" in n for n in section.notes)
    assert any("Random weights" in note for note in section.notes)
    assert not any("not known" in note for note in section.notes)


def test_settings_stand_in_the_papers_order_and_share_numbers():
    given = pd.concat([frame(method=m) for m in ("from-scratch", "fine-tune", "linear-probe")])
    section = correlation_section(given)
    names = ["linear-probe", "fine-tune", "from-scratch"]
    assert [setting.method for setting in section.settings] == names
    assert [row.name for row in section.overall] == names
    of = [re.findall(r'data-of="(\d)".*?<title>(\w)', str(s.large), re.S) for s in section.settings]
    assert of[0] == of[1] == of[2]


def test_points_are_told_apart_by_how_they_compare_with_the_best():
    given = frame(("pets",))
    given.loc[0, "tied_with_best"] = pd.NA
    section = correlation_section(given)
    kinds = re.findall(r'class="point plain (\w+)"', str(section.settings[0].large))
    assert sorted(kinds) == ["behind"] * 3 + ["level"] * 2 + ["unknown"]
    assert section.uncompared
    assert not correlation_section(frame(("pets",))).uncompared


def test_names_are_text_in_points():
    point = Point(x=0.0, y=1.0, of=0, text=f"{NASTY}\nsecond")
    line = pd.DataFrame(columns=["imagenet", "line", "low", "high"], dtype=float)
    svg = scatter([point], line, label=f"on {NASTY}", axes=("x", NASTY))
    root = ElementTree.fromstring(str(svg).replace("\x07", ""))
    assert {element.tag for element in root.iter()} <= {
        "svg",
        "g",
        "path",
        "text",
        "title",
        "circle",
    }
    assert root.find("g[@data-of]/title").text.endswith("&'\n?\nsecond")
