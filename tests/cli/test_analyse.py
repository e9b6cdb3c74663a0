"""``penultimate analyse``: numbers from elsewhere, in any form, and what may be wrong there."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from penultimate.stats import adjusted_log_odds, compare_settings, correlation

MODELS = ["net [a]", "net b", "net c", "net d", "net e"]
SETS = ["pets", "cars", "dtd"]


def accuracies(seed: int = 0, gain: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = 1 + gain + 0.3 * np.arange(5)[:, None] + rng.normal(0, 0.1, (5, 3))
    return pd.DataFrame(1 / (1 + np.exp(-x)), index=MODELS, columns=SETS).round(4)


TOP1 = pd.Series([0.70, 0.72, 0.75, 0.77, 0.80], index=MODELS)


def long(frame: pd.DataFrame) -> pd.DataFrame:
    tidy = frame.rename_axis("model").reset_index().melt("model", var_name="dataset")
    return tidy.rename(columns={"value": "accuracy"})


@pytest.fixture
def wide(place: Path) -> Path:
    accuracies().assign(ImageNet=TOP1).rename_axis("model").to_csv("wide.csv")
    return Path("wide.csv")


def close(found: list[dict], expected: pd.DataFrame) -> None:
    """Rows of JSON against a frame, undefined as None."""
    for row, (_, values) in zip(found, expected.iterrows(), strict=True):
        for name, value in values.items():
            if isinstance(value, float) and math.isnan(value):
                assert row[name] is None
            else:
                assert row[name] == pytest.approx(value), name


class TestForms:
    def test_a_wide_table_gives_the_statistics_of_its_frame(self, penultimate, wide) -> None:
        (found,) = json.loads(penultimate("analyse", wide, "--json").out)
        expected = adjusted_log_odds(accuracies()).sort_values("mean", ascending=False)
        assert [row["model"] for row in found["models"]] == list(expected.index)
        close(found["models"], expected)
        assert found["models"][0]["imagenet"] == 0.80
        rows = {row["group"]: row for row in found["correlation"]}
        assert list(rows) == ["all", *SETS]
        close([rows["all"]], correlation(TOP1, accuracies()))
        close([rows["cars"]], correlation(TOP1, accuracies()[["cars"]]))

    @pytest.mark.parametrize("form", ["long", "data sets in rows", "percent", "semicolons"])
    def test_every_form_gives_the_same(self, penultimate, wide, form) -> None:
        expected = json.loads(penultimate("analyse", wide, "--json").out)
        frame, options = accuracies().assign(imagenet=TOP1), []
        if form == "long":
            tidy = long(accuracies()).assign(other=1.5)
            tidy["imagenet"] = tidy["model"].map(TOP1)
            tidy.to_csv("other.csv", index=False)
        elif form == "data sets in rows":
            frame.T.rename_axis("dataset").to_csv("other.csv")
        elif form == "percent":
            (100 * frame).round(6).rename_axis("backbone").to_csv("other.csv")
            options = ["--percent"]
        else:
            frame.rename_axis("model").to_csv("other.csv", sep=";")
        found = json.loads(penultimate("analyse", "other.csv", "--json", *options).out)
        assert json.dumps(found) == json.dumps(expected) or form == "percent"
        r = [rows[0]["correlation"][0]["r"] for rows in (found, expected)]
        assert r[0] == pytest.approx(r[1], abs=1e-9)

    def test_several_settings_are_each_analysed_and_compared(self, penultimate, place) -> None:
        tuned = accuracies(seed=1, gain=0.5)
        pd.concat(
            [long(tuned).assign(setting="tuned"), long(accuracies()).assign(setting="probe")]
        ).to_csv("both.csv", index=False)
        first, second, compared = json.loads(penultimate("analyse", "both.csv", "--json").out)
        assert (first["setting"], second["setting"]) == ("tuned", "probe")
        assert first["correlation"] is None
        above = int((tuned > accuracies()).to_numpy().sum())
        assert (compared["above"], compared["pairs"]) == (above, 15)
        close(compared["data_sets"], compare_settings(tuned, accuracies()))
        shown = penultimate("analyse", "both.csv")
        assert f"tuned is above in {above} of 15 pairs" in shown.out
        assert "Wilcoxon" in shown.out
        assert "--imagenet" in shown.err

    def test_groups_are_correlated_too(self, penultimate, wide) -> None:
        (found,) = json.loads(
            penultimate("analyse", wide, "--group", "fine=pets, cars", "--json").out
        )
        rows = {row["group"]: row for row in found["correlation"]}
        close([rows["fine"]], correlation(TOP1, accuracies()[["pets", "cars"]]))

    def test_the_tables_show_names_as_they_are(self, penultimate, wide) -> None:
        outcome = penultimate("analyse", wide)
        assert outcome.code == 0
        assert "net [a]" in outcome.out
        assert "ImageNet against transfer accuracy" in outcome.out
        assert "all (3)" in outcome.out
        assert max(map(len, outcome.out.splitlines())) <= 100

    def test_holm_makes_no_p_value_smaller(self, penultimate, wide) -> None:
        plain, holm = (
            json.loads(penultimate("analyse", wide, "--json", *option).out)[0]["models"]
            for option in ([], ["--holm"])
        )
        pairs = [(a["p_value"], b["p_value"]) for a, b in zip(plain, holm, strict=True)][1:]
        assert all(b >= a for a, b in pairs)
        assert any(b > a for a, b in pairs)


class TestImageNet:
    @pytest.fixture
    def given(self, place: Path) -> None:
        accuracies().rename_axis("model").to_csv("table.csv")
        Path("imagenet.csv").write_text(
            "model,img_size,top1\nnet [a],224,70\nbe.in1k,224,72\nsee.in1k,224,74\n"
            "see.in1k,288,75\nnet d,224,77\n"
        )
        Path("names.csv").write_text("model,checkpoint\nnet b,be.in1k\nnet c,see.in1k@288\n")

    def test_is_looked_up_by_name_or_by_the_name_that_is_given(self, penultimate, given) -> None:
        outcome = penultimate(
            *("analyse", "table.csv", "--imagenet", "imagenet.csv", "--names", "names.csv"),
            "--json",
        )
        (found,) = json.loads(outcome.out)
        close(found["correlation"][:1], correlation(TOP1, accuracies()[:4]))
        assert found["notes"] == [
            "not in the correlation, since net e has no ImageNet accuracy: --names says what a "
            "model is called in the table of ImageNet results"
        ]
        assert "ImageNet accuracy: results table imagenet.csv (sha256 " in outcome.err

    def test_at_several_sizes_is_not_guessed(self, penultimate, given) -> None:
        Path("names.csv").write_text("model,checkpoint\nnet b,see.in1k\n")
        outcome = penultimate(
            *("analyse", "table.csv", "--imagenet", "imagenet.csv", "--names", "names.csv")
        )
        assert "see.in1k stands in imagenet.csv at 224 and 288 px" in outcome.sentence
        assert "net b,see.in1k@224" in outcome.sentence
        Path("names.csv").write_text("model,checkpoint\nnet b,see.in1k@225\n")
        outcome = penultimate(
            *("analyse", "table.csv", "--imagenet", "imagenet.csv", "--names", "names.csv")
        )
        assert "not at 225" in outcome.sentence

    @pytest.mark.parametrize(
        ("names", "says"),
        [
            ("model,checkpoint\nnet b,bee.in1k\n", "which has 'be.in1k'"),
            ("model,checkpoint\nnet b,be.in1k\nnet b,be.in1k\n", "the model 'net b' twice"),
            ("a,b\nc,d\n", "no columns model and checkpoint"),
        ],
    )
    def test_wrong_names_are_one_sentence(self, penultimate, given, names, says) -> None:
        Path("names.csv").write_text(names)
        outcome = penultimate(
            *("analyse", "table.csv", "--imagenet", "imagenet.csv", "--names", "names.csv")
        )
        assert says in outcome.sentence

    def test_names_without_a_table_are_a_mistake(self, penultimate, given) -> None:
        assert "--names needs --imagenet" in (
            penultimate("analyse", "table.csv", "--names", "names.csv").sentence
        )


class TestHoles:
    @pytest.fixture
    def holed(self, wide) -> Path:
        frame = pd.read_csv(wide, index_col="model")
        frame.loc["net b", "cars"] = math.nan
        frame.to_csv(wide)
        return wide

    def test_are_refused_with_both_remedies(self, penultimate, holed) -> None:
        sentence = penultimate("analyse", holed).sentence
        assert "there is no accuracy of net b on cars" in sentence
        assert "drop-models leaves out 1 of 5 models" in sentence

    def test_are_dropped_and_counted(self, penultimate, holed) -> None:
        (found,) = json.loads(
            penultimate("analyse", holed, "--missing", "drop-models", "--json").out
        )
        assert [row["group"] for row in found["correlation"]] == ["all", *SETS]
        assert found["correlation"][0]["networks"] == 4
        assert found["notes"] == ["left out 1 model with missing accuracies: net b"]


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("model,pets\na,82.7\nb,0.5\n", (), "82.7, which is no fraction: give --percent"),
        ("model,pets\na,0.7\n", ("--percent",), "leave out --percent"),
        ("model,pets,imagenet\na,82,0.7\n", ("--percent",), "no ImageNet accuracy in table.csv"),
        ("model,pets\na,good\n", (), "line 2: 'good' in column 'pets' is no number"),
        ("model,pets\na,0.5,0.6\n", (), "line 2 has 3 cells and the header 2"),
        ("model,pets,pets\na,0.5,0.6\n", (), "the column 'pets' twice"),
        ("model,pets\na,0.5\na,0.6\n", (), "the row 'a' twice"),
        ("model,pets\n,0.5\n", (), "line 2: 'model' is empty"),
        ("model,pets\na,1\nb,0.5\n", (), "a has 100 % on pets, which has no finite log odds"),
        ("model,pets\na,-0.1\n", (), "the accuracy of a on pets is outside 0 to 100 %"),
        ("model,pets\n", (), "has no rows"),
        ("model\na\n", (), "has one column"),
        ("model,dataset,left,right\na,d,1,2\n", (), "which column has the accuracies"),
        ("model,dataset,acc\na,d,0.5\n", ("--accuracy", "ac"), "did you mean 'acc'"),
        ("model,dataset,acc\na,d,0.5\na,d,0.6\n", (), "a has more than one accuracy on d"),
        ("model,pets\na,0.5\n", ("--accuracy", "pets"), "--accuracy has nothing to choose"),
        ("model,pets\na,0.5\n", ("--group", "x"), "is not of the form NAME=SET,SET"),
        ("model,imagenet,imagenet_top1\na,0.5,0.5\n", (), "ImageNet accuracies twice"),
        ("model,pets\na,\n", ("--missing", "drop-models"), "no accuracy is left"),
        (
            "model,dataset,acc,imagenet\na,d,0.5,0.7\na,e,0.5,0.6\n",
            (),
            "a has more than one imagenet",
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(
    penultimate, place, content, options, says
) -> None:
    Path("table.csv").write_text(content)
    assert says in penultimate("analyse", "table.csv", *options).sentence


def test_a_file_that_is_not_there_or_no_text_is_one_sentence(penultimate, place) -> None:
    assert "there is no file nowhere.csv" in penultimate("analyse", "nowhere.csv").sentence
    Path("table.csv").write_bytes(b"model,pets\n\xff\xfe,0.5\n")
    assert "not UTF-8" in penultimate("analyse", "table.csv").sentence
    Path("folder").mkdir()
    assert "cannot be read" in penultimate("analyse", "folder").sentence


def test_test_sizes_let_all_right_stand(penultimate, place) -> None:
    tidy = long(accuracies()).assign(n_test=100)
    tidy.loc[0, "accuracy"] = 1.0
    tidy.to_csv("table.csv", index=False)
    (found,) = json.loads(penultimate("analyse", "table.csv", "--json").out)
    frame = accuracies()
    frame.iloc[0, 0] = 1.0
    close(
        sorted(found["models"], key=lambda row: row["model"]),
        adjusted_log_odds(frame, n=100).sort_index(),
    )


def test_one_model_and_one_data_set_have_little_to_say_and_say_it(penultimate, place) -> None:
    Path("table.csv").write_text("model,pets,imagenet\na,0.5,0.7\n")
    outcome = penultimate("analyse", "table.csv")
    assert outcome.code == 0
    assert "—" in outcome.out


def test_a_store_s_own_frame_can_be_analysed(penultimate, feature_run) -> None:
    Path("frame.csv").write_text(penultimate("results", "store", "--csv").out)
    (found,) = json.loads(penultimate("analyse", "frame.csv", "--json").out)
    assert found["setting"] == "linear-probe"
    (row,) = json.loads(penultimate("results", "store", "--json").out)
    assert found["models"][0]["accuracy"] == row["score"]
