"""``penultimate figure`` on a real store: files, numbers, and what is missing in one sentence."""

import json
import shlex

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from builders import FakeStudy, FakeTask
from penultimate.cli.app import cli
from penultimate.cli.titles import titled
from penultimate.errors import PenultimateError
from penultimate.store import Accuracy, ResultStore

BACKBONES = {"one": 1.0, "two": 0.6, "three": 0.1, "four": -0.2}
TASKS = {"digits": FakeTask(), "flowers": FakeTask(hardness=0.5)}


def run(*arguments):
    done = CliRunner().invoke(cli, ["figure", *map(str, arguments)])
    if isinstance(done.exception, PenultimateError):
        return str(done.exception)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


@pytest.fixture
def store(tmp_path):
    made = FakeStudy(BACKBONES, TASKS).commit(ResultStore(tmp_path / "store"))
    for number, weights in enumerate(made.frame()["weights"].unique()):
        made.imagenet.write(weights, "study", Accuracy(top1=0.7 + 0.02 * number, source="here"))
    return made


@pytest.mark.parametrize("name", ["correlation", "figure-1", "settings"])
@pytest.mark.parametrize("ending", ["pdf", "svg"])
def test_a_figure_is_written(store, tmp_path, name, ending):
    target = tmp_path / f"out.{ending}"
    run(name, store.root, "-o", target)
    assert target.stat().st_size > 5_000


def test_without_a_name_all_are_listed():
    rows = json.loads(run("--json"))
    assert {f"figure {i}" for i in range(1, 10)} < {row["number"] for row in rows}
    assert "table 1" in run()


def test_numbers_are_those_of_the_store(store):
    rows = json.loads(run("correlation", store.root, "--json"))
    frame = store.frame().set_index(["task", "backbone"])["score"]
    shown = {(r["data_set"], r["backbone"]): r["score"] for r in rows if r["score"] is not None}
    assert shown == pytest.approx(frame.to_dict())
    assert sum(r["data_set"] == "average" for r in rows) == 4
    assert run("correlation", store.root, "--csv").startswith("method,data_set,backbone,")


def test_missing_runs_are_named_with_the_command_that_makes_them(tmp_path):
    made = FakeStudy(BACKBONES, {"digits": FakeTask()}).commit(ResultStore(tmp_path / "store"))
    FakeStudy({"one": 1.0, "two": 0.5}, {"flowers": FakeTask()}).commit(made)
    said = run("settings", made.root)
    assert "lacks the run of" in said
    assert "and 1 more" in said
    command = said.partition("more: ")[2].partition("; or draw")[0]
    words = shlex.split(command)
    assert words[:2] == ["penultimate", "run"]
    pairs = list(zip(words[2::2], words[3::2], strict=True))
    assert ("--data", "flowers") in pairs
    assert ("--data", "digits") not in pairs
    assert {value for key, value in pairs if key == "--backbone"} == {"three", "four"}
    assert ("--method", "linear-probe") in pairs


def test_an_unknown_imagenet_accuracy_is_named_with_its_remedies(tmp_path):
    made = FakeStudy({"one": 1.0, "two": 0.5}, TASKS).commit(ResultStore(tmp_path / "store"))
    said = run("correlation", made.root)
    assert "ImageNet accuracy of two and of 1 more" in said or "of one and of 1 more" in said
    assert "--imagenet timm" in said
    assert "penultimate imagenet-accuracy" in said


def test_the_floor_is_no_point_and_that_is_said(tmp_path):
    networks = {"a": 1.0, "b": 0.6, "c": 0.2, "a@random": -0.5}
    study = FakeStudy(networks, imagenet={"a": 0.8, "b": 0.75, "c": 0.7})
    study.commit(ResultStore(tmp_path / "store"))
    path = tmp_path / "x.svg"
    words = ["figure", "average-correlation", str(tmp_path / "store"), "-o", str(path)]
    assert "left out: a@random, whose weights are random" in CliRunner().invoke(cli, words).stderr
    assert path.is_file()


def test_the_paper_s_data_sets_are_drawn_by_their_titles_in_its_order():
    frame = pd.DataFrame({"task": ["own", "dtd", "food101", "dtd"], "row": [0, 1, 2, 3]})
    found = titled(frame)
    assert list(found["row"]) == [2, 1, 3, 0]
    assert [found["task"].iloc[0], found["task"].iloc[-1]] == ["Food-101", "own"]


def test_models_or_data_sets_can_be_dropped(tmp_path):
    made = FakeStudy(BACKBONES, {"digits": FakeTask()}).commit(ResultStore(tmp_path / "store"))
    FakeStudy({"one": 1.0, "two": 0.5}, {"flowers": FakeTask()}).commit(made)
    kept = json.loads(run("settings", made.root, "--missing", "drop-models", "--json"))
    assert {row["backbone"] for row in kept if row["backbone"]} == {"one", "two"}
    kept = json.loads(run("settings", made.root, "--missing", "drop-data-sets", "--json"))
    assert {row["task"] for row in kept} == {"digits"}


def test_a_method_that_was_not_run_is_named_with_its_command(store):
    said = run("from-scratch", store.root)
    assert "has no run by from-scratch" in said
    assert "--method from-scratch --store" in said
    assert "penultimate run --data" in said
    some = run("from-scratch", store.root, "--task", "flowers", "--backbone", "two")
    assert "--data flowers --backbone two --method from-scratch" in some


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("training-settings", "paper:inception_v4"),
        ("training-time", "--set steps=N"),
        ("examples-per-class", "--splits FILE"),
        ("embedding", "--task NAME"),
    ],
)
def test_what_other_figures_need_is_said(store, name, needs):
    assert needs in run(name, store.root)


def test_switches_are_read_from_the_names_of_the_paper_s_networks(tmp_path):
    names = {
        "paper:inception_v4@random": 1.0,
        "paper:inception_v4,dropout=0.2,auxiliary_head=on@random": 0.2,
        "paper:inception_v4,batch_norm_scale=off@random": 0.4,
        "resnet50": 0.9,
    }
    made = FakeStudy(names, TASKS).commit(ResultStore(tmp_path / "store"))
    rows = json.loads(run("figure-3", made.root, "--json"))
    assert [row["configuration"].replace("\n", "") for row in rows] == ["+-++", "----", "+---"]
    assert {row["network"] for row in rows} == {"inception_v4"}


def test_two_networks_of_one_setting_have_no_place_beside_one_another(tmp_path):
    names = {
        "paper:inception_v4@one.safetensors": 1.0,
        "paper:inception_v4@two.safetensors": 0.9,
        "paper:inception_v4,dropout=0.2@three.safetensors": 0.2,
    }
    made = FakeStudy(names, TASKS).commit(ResultStore(tmp_path / "store"))
    said = run("figure-3", made.root, "--json")
    assert "trained with the same settings" in said
    assert "two.safetensors" in said
    two = [word for name in list(names)[1:] for word in ("--backbone", name)]
    assert len(json.loads(run("figure-3", made.root, *two, "--json"))) == 2


def test_sizes_of_training_parts_make_figure_9(tmp_path):
    made = ResultStore(tmp_path / "store")
    for size, ability in [(50, 0.1), (100, 0.4), (200, 0.9)]:
        FakeStudy({"one": ability}, {"digits": FakeTask(n_test=size)}).commit(made)
    rows = json.loads(run("examples-per-class", made.root, "--json"))
    # The builder has three times the test part in train and once in validation, of ten classes.
    assert [row["examples_per_class"] for row in rows] == [20, 40, 80]


def test_embedding_of_given_features(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.repeat(["cat", "dog", "fox"], 12)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "features.npy", rng.normal(size=(36, 5)).astype(np.float32))
        np.save(tmp_path / name / "labels.npy", labels)
    given = ["--features", f"first={tmp_path / 'one'}", "--features", tmp_path / "two"]
    rows = json.loads(run("embedding", *given, "--json"))
    assert {row["backbone"] for row in rows} == {"first", "two"}
    assert len(rows) == 72
    kept = json.loads(run("embedding", *given, "--class", "cat", "--class", "fox", "--json"))
    assert {row["label"] for row in kept} == {"cat", "fox"}
    np.save(tmp_path / "two" / "labels.npy", labels[::-1])
    assert "labels differ" in run("embedding", *given)


@pytest.fixture
def probed(tmp_path):
    study = FakeStudy({"one": 1.0, "two": 0.2}, TASKS, sampled=True)
    return study.commit(ResultStore(tmp_path / "probed"))


def test_embedding_of_what_a_store_kept(probed, tmp_path):
    two = ["--backbone", "two", "--backbone", "one", "--task", "digits"]
    rows = json.loads(run("figure-4", probed.root, *two, "--json"))
    assert list(dict.fromkeys(row["backbone"] for row in rows)) == ["two", "one"]
    assert {row["perplexity"] for row in rows} == {30.0}
    labels = [[row["label"] for row in rows if row["backbone"] == name] for name in ("one", "two")]
    assert labels[0] == labels[1]
    assert len(labels[0]) == 150
    assert json.loads(run("figure-4", probed.root, *two, "--json")) == rows
    chosen = ["--class", "a", "--class", "b", "--perplexity", "5", "--seed", "1"]
    few = json.loads(run("figure-4", probed.root, *two, *chosen, "--json"))
    assert {row["label"] for row in few} == {"a", "b"}
    assert {(row["perplexity"], row["seed"]) for row in few} == {(5.0, 1)}
    run("figure-4", probed.root, *two, "-o", tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size > 5_000


def test_what_an_embedding_cannot_show_is_said(probed, store):
    assert "choose it, --task NAME" in run("figure-4", probed.root)
    digits = [probed.root, "--task", "digits"]
    assert "did you mean 'digits'" in run("figure-4", probed.root, "--task", "digit")
    assert "no backbone 'three'" in run("figure-4", *digits, "--backbone", "three")
    assert "no class 'q'" in run("figure-4", *digits, "--class", "q")
    assert "and 0 is too few" in run("figure-4", *digits, "--perplexity", "0")
    # A store of before samples were kept: which runs to delete, and what makes them again.
    said = run("figure-4", store.root, "--task", "digits", "--backbone", "two")
    digest = store.frame().query("backbone == 'two' and task == 'digits'")["run"].iloc[0]
    assert f"rm -r {store.root}/runs/{digest} && penultimate run study.toml" in said
    # Of a store that was copied: into the copy, by the study that it keeps.
    (store.root / "studies").mkdir()
    (store.root / "studies" / "study.toml").touch()
    said = run("figure-4", store.root, "--task", "digits", "--backbone", "two")
    assert said.endswith(f"run {store.root}/studies/study.toml --store {store.root}")
    FakeStudy({"five": 1.0, "six": 0.5, "seven": 0.1}, TASKS).commit(store)
    assert "choose those to show" in run("figure-4", store.root, "--task", "digits")


def test_networks_that_saw_other_images_are_not_put_side_by_side(probed):
    other = {"digits": FakeTask(n_test=140)}
    FakeStudy({"three": 0.5}, other, sampled=True).commit(probed)
    two = ["--backbone", "one", "--backbone", "three", "--task", "digits"]
    assert "three and one were tested on different images" in run("figure-4", probed.root, *two)


def test_previous_results_are_read_and_mistakes_said(store, tmp_path):
    table = tmp_path / "previous.csv"
    table.write_text("task,score\ndigits,0.9\n")
    run("settings", store.root, "--previous", table, "-o", tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").is_file()
    table.write_text("task,score\ndigits,90\n")
    assert "between 0 and 1" in run("settings", store.root, "--previous", table)
    table.write_text("data\nx\n")
    assert "no column task" in run("settings", store.root, "--previous", table)
    assert "cannot be read" in run("settings", store.root, "--previous", tmp_path / "no.csv")


@pytest.mark.parametrize("ending", ["txt", "csv", "md", "tex"])
def test_tables_are_written_in_four_forms(store, tmp_path, ending):
    target = tmp_path / f"table.{ending}"
    run("accuracies", store.root, "-o", target)
    best = store.frame().query("task == 'digits'")["score"].max()
    assert f"{100 * best:.1f}" in target.read_text()


@pytest.mark.parametrize("name", ["accuracies", "ranking", "significance", "correlations"])
@pytest.mark.parametrize("form", ["text", "csv", "markdown", "latex"])
def test_every_table_prints_in_every_form(store, name, form):
    printed = run(name, store.root, "--format", form)
    signs = {"text": "---", "csv": ",", "markdown": "| ---", "latex": "\\toprule"}
    assert signs[form] in printed
    assert "inear" in printed
    rows = json.loads(run(name, store.root, "--json"))
    assert len(rows) == {"ranking": 8, "correlations": 1}.get(name, 4)


def test_the_form_of_a_figure_is_its_file_s(store):
    done = CliRunner().invoke(cli, ["figure", "settings", str(store.root), "--format", "latex"])
    assert done.exit_code == 2
    assert "--format is of tables" in done.stderr


def test_table_1_is_the_paper_s():
    rows = pd.DataFrame(json.loads(run("table-1", "--json"))).set_index("Data set")
    assert len(rows) == 12
    assert rows.loc["Food-101", "Size (train/test)"] == "75,750/25,250"
    assert rows.loc["Food-101", "Classes"] == "101"


def test_wrong_names_and_endings_are_answered(store, tmp_path):
    assert "did you mean 'correlation'" in run("corelation", store.root)
    assert ".pdf, .svg or .png" in run("settings", store.root, "-o", tmp_path / "a.gif")
    assert ".txt, .csv" in run("table-1", "-o", tmp_path / "a.pdf")
    assert "inches wide" in run("settings", store.root, "--width", "1", "-o", tmp_path / "a.pdf")
    assert "did you mean 'three'" in run("settings", store.root, "--backbone", "thre")
