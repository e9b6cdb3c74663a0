"""Tables say what their frame says in four forms, and nothing in a name is markup."""

import csv
import io

import pandas as pd
import pytest

from penultimate.errors import UnknownNameError
from penultimate.figures.tables import accuracy_table, data_sets_table, format_table

NASTY = ["a|b", "50% & $x$ #1_{y}", "<b>bold</b>", "*star*", "two\nlines"]


def accuracies():
    rows = [
        ("linear-probe", "a", "t", 0.912),
        ("linear-probe", "b", "t", 0.9119),
        ("linear-probe", "a", "u", 0.5),
        ("fine-tune", "a", "t", 0.95),
    ]
    return pd.DataFrame(rows, columns=["method", "backbone", "task", "score"])


def test_table_1_adds_validation_to_train():
    voc = "mean-average-precision"
    cards = pd.DataFrame(
        [
            ("DTD", 47, 1880, 1880, 1880, "top-1"),
            ("VOC", 20, 2501, 2510, 4952, voc),
        ],
        columns=["title", "classes", "train", "val", "test", "measure"],
    )
    table = data_sets_table(cards)
    assert list(table["Size (train/test)"]) == ["3,760/1,880", "5,011/4,952"]
    assert list(table["Accuracy measure"]) == ["top-1", "11-point mAP"]


def test_the_best_as_printed_is_marked_and_holes_are_empty():
    table = accuracy_table(accuracies())
    assert table.to_numpy().tolist() == [
        ["linear-probe", "a", "91.2*", "50.0*"],
        ["linear-probe", "b", "91.2*", ""],
        ["fine-tune", "a", "95.0*", ""],
    ]
    assert "**91.2**" in format_table(table, "markdown")
    assert r"\textbf{91.2}" in format_table(table, "latex")


def test_no_name_is_markup():
    table = pd.DataFrame({"Network": NASTY, "n": ["1"] * 5})
    markdown = format_table(table, "markdown")
    assert len(markdown.splitlines()) == 7
    assert r"a\|b" in markdown
    assert r"\<b\>" in markdown
    assert r"\*star\*" in markdown
    latex = format_table(table, "latex")
    assert r"50\% \& \$x\$ \#1\_\{y\}" in latex
    assert latex.startswith("\\begin{tabular}{lr}\n\\toprule")
    assert len(format_table(table, "text").splitlines()) == 7
    assert [row[0] for row in csv.reader(io.StringIO(format_table(table, "csv")))][1:] == NASTY


def test_columns_of_text_stand_in_line():
    lines = format_table(accuracy_table(accuracies()), "text").splitlines()
    assert len({line.index("  ") for line in lines if line.startswith("linear")}) == 1
    assert lines[2].endswith("50.0*")


def test_an_unknown_form_is_named():
    with pytest.raises(UnknownNameError, match="markdown"):
        format_table(pd.DataFrame(), "markdwon")
