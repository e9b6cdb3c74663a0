"""What stands first on the page: the backbone, the setting, how sure, and the cost."""

from dataclasses import replace

import pytest

from builders import FakeStudy, FakeTask
from penultimate.report.findings import Findings
from penultimate.report.page import record
from penultimate.report.page.answer import APART, answers, best_method, cards, counted
from penultimate.report.settings import setting_counts

METHODS = ("linear-probe", "fine-tune", "from-scratch")
GAINS = {"fine-tune": 0.6, "from-scratch": -0.6}
TWO = {"digits": FakeTask(), "pets": FakeTask(hardness=0.4)}


def findings(store, names, tasks=TWO, methods=METHODS, gains=GAINS):
    FakeStudy(names, tasks, methods=methods, gains=gains).commit(store)
    return Findings.read(store)


def of(found):
    return cards(found, *record.costs(found))


def test_one_method_is_answered_as_ever_with_its_cost_below(new_store):
    found = findings(new_store, {"good": 1.2, "bad": 0.2}, methods=["linear-probe"])
    [answer] = answers(found)
    assert answer.startswith("Start from good (")
    [card] = of(found)
    assert (card.method, card.sentence) == ("", "")
    [price] = card.prices
    assert (price.backbone, price.why) == ("good", "the choice")
    assert price.facts == [
        ("parameters", "3.4 M"),
        ("image", "224 px"),
        ("images/s", "42"),
        ("a task", "50 s"),
    ]
    assert price.stages == "features 41 s, path 7.5 s"


def test_several_methods_are_answered_by_the_best_of_them(new_store):
    found = findings(new_store, {"good": 1.2, "bad": 0.2})
    assert best_method(found) == "fine-tune"
    first, *settings = answers(found)
    rows = found.ranking.query("backbone == 'good' and method == 'fine-tune'")
    reached = f"{100 * rows['score'].mean():.1f} % on average over 2 tasks"
    assert first == f"Start from good and fine-tune it: {reached}, the most of all that was run."
    assert [s.split(":")[0] for s in settings] == ["good on digits", "good on pets"]
    drawn = of(found)
    assert [card.method for card in drawn] == list(METHODS)
    assert all(card.sentence.startswith("Start from good (") for card in drawn)
    assert dict(drawn[1].prices[0].facts)["a task"] == "17 min"


def test_an_open_choice_is_said_to_be_and_the_cheapest_gets_its_cost(new_store):
    found = findings(new_store, {"one": 1.0, "other_": 1.0})
    assert "is not shown to be worse." in answers(found)[0]
    for card in of(found):
        assert len({price.backbone for price in card.prices}) == len(card.prices)
        assert "the cheapest of its equals" in card.prices[-1].why


def test_many_pairs_are_counted(new_store):
    tasks = {f"task {i}": FakeTask(hardness=0.1 * i) for i in range(5)}
    found = findings(new_store, {"good": 1.2, "bad": 0.2}, tasks)
    _, sentence = answers(found)
    pairs, level = setting_counts(found.settings)
    assert pairs == 10
    compared = found.settings
    for method in METHODS:
        mine = compared[compared["method"] == method]
        assert level[method] == int(mine["tied_with_best"].sum())
    mine = setting_counts(compared[compared["backbone"] == "good"])[1]
    assert sentence.startswith("With good, fine-tune is the best setting, or cannot be told apart")
    assert f"on {mine['fine-tune']} of 5 tasks" in sentence
    assert f"from-scratch on {mine['from-scratch']}" in sentence
    assert counted(compared).startswith("Over all backbones, fine-tune is the best setting")
    assert "of 10 pairs of backbone and task" in counted(compared)
    assert counted(compared.head(0)) == ""


def test_methods_on_different_tasks_have_no_common_answer(new_store):
    FakeStudy({"a": 1.0, "b": 0.5}, {"digits": FakeTask()}).commit(new_store)
    FakeStudy({"a": 1.0}, {"pets": FakeTask()}, methods=["fine-tune"]).commit(new_store)
    found = Findings.read(new_store)
    assert best_method(found) is None
    assert answers(found) == [APART]
    assert [card.method for card in of(found)] == ["linear-probe", "fine-tune"]


def test_random_networks_alone_have_settings_and_no_choice(new_store):
    found = findings(new_store, {"net@random": 0.0}, {"digits": FakeTask()})
    assert best_method(found) is None
    assert answers(found)[0].startswith("net@random on digits: fine-tune reaches ")
    assert all(card.prices == [] for card in of(found))


@pytest.mark.parametrize("missing", ["parameters", "image_size"])
def test_what_is_not_known_is_left_out(new_store, missing):
    found = findings(new_store, {"good": 1.2}, methods=["linear-probe"])
    results = {
        digest: result.model_copy(
            update={"network": result.network.model_copy(update={missing: None})}
        )
        for digest, result in found.results.items()
    }
    changed = replace(found, results=results)
    names = [name for name, _ in of(changed)[0].prices[0].facts]
    assert len(names) == 3
    assert {"parameters": "parameters", "image_size": "image"}[missing] not in names
