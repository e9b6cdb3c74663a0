"""Tables say what their frame says in four forms, and nothing in a name is markup."""

import csv
import io
import math
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from rich.cells import cell_len
from scipy.stats import ttest_rel

from penultimate.errors import SpecError, UnknownNameError
from penultimate.figures.correlation_numbers import correlations
from penultimate.figures.store_tables import (
    accuracy_table,
    correlations_table,
    ranking_table,
    significance_table,
)
from penultimate.figures.tables import data_sets_table, format_table

NASTY = [
    *("a|b", "50% & $x$ #1_{y}", "<b>bold</b>", "*star*", "two\nlines", "[2pt]", "a--b"),
    *("back\\slash", "~^`tick`", 'quo"te, comma', "* alone", "=1+1", "Malm\u00f6"),
]


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
    table = pd.DataFrame({"Network": NASTY, "n": ["1"] * len(NASTY)})
    markdown = format_table(table, "markdown")
    assert len(markdown.splitlines()) == 2 + len(NASTY)
    # A row has three bars that part its cells, whatever stands in them.
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in markdown.splitlines()} == {3}
    assert r"50% \& \$x\$ \#1\_\{y\}" in markdown
    assert r"a\|b" in markdown
    assert r"\<b\>" in markdown
    assert r"\*star\*" in markdown
    latex = format_table(table, "latex")
    assert r"50\% \& \$x\$ \#1\_\{y\}" in latex
    assert "\\begin{tabular}{lr}\n\\toprule" in latex
    assert "\n[" not in latex and "\n*" not in latex
    assert len(format_table(table, "text").splitlines()) == 2 + len(NASTY)
    assert [row[0] for row in csv.reader(io.StringIO(format_table(table, "csv")))][1:] == NASTY


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles_and_prints_each_name_as_it_is(tmp_path):
    table = pd.DataFrame({"Network": NASTY, "p, %": ["1.0*"] * len(NASTY)})
    (tmp_path / "table.tex").write_text(format_table(table, "latex"), encoding="utf-8")
    needed = format_table(table, "latex").splitlines()[0].removeprefix("% ")
    page = f"\\documentclass{{article}}\n{needed}\n\\begin{{document}}\\input{{table}}"
    (tmp_path / "page.tex").write_text(page + "\n\\end{document}\n", encoding="utf-8")
    call = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2_000:]
    assert "Missing character" not in (tmp_path / "page.log").read_text(errors="replace")


def test_letters_of_two_cells_keep_columns_in_line():
    table = pd.DataFrame({"Network": ["\u5199\u771f", "plain"], "n": ["1", "22"]})
    lines = format_table(table, "text").splitlines()
    assert len({cell_len(line) for line in lines[1:]}) == 1


def ranking():
    """Three networks on two data sets: b level with a on t, behind it on u; c untested on u."""
    columns = ["task", "method", "backbone", "score", "ci_low", "ci_high", "n_test"]
    rows = [
        ("t", "linear-probe", "a", 0.95, 0.93, 0.97, 400, 1, math.nan, True, "best"),
        ("t", "linear-probe", "b", 0.94, 0.92, 0.96, 400, 2, 0.31, True, "McNemar"),
        ("t", "linear-probe", "c", 0.60, 0.55, 0.65, 400, 3, 0.0001, False, "McNemar"),
        ("u", "linear-probe", "a", 0.90, 0.88, 0.92, 400, 1, math.nan, True, "best"),
        ("u", "linear-probe", "b", 0.80, 0.78, 0.82, 400, 2, 0.012, False, "McNemar"),
        ("u", "linear-probe", "c", 0.50, 0.45, 0.55, 400, 3, math.nan, None, "none"),
    ]
    found = pd.DataFrame(
        rows, columns=[*columns, "rank", "p_value", "tied_with_best", "comparison"]
    )
    top1 = found["backbone"].map({"a": 0.8, "b": 0.76, "c": 0.7})
    return found.assign(imagenet_top1=top1).astype({"tied_with_best": "boolean"})


def test_the_ranking_has_intervals_and_tests():
    table = ranking_table(ranking())
    assert list(table["Rank"]) == ["1", "2=", "3", "1", "2", "3"]
    assert list(table["p against best"]) == ["", "0.310", "<0.001", "", "0.012", ""]
    assert table["95 % interval"].iloc[0] == "93.0 to 97.0"


def test_significance_is_on_each_data_set_and_over_them():
    frame = ranking()
    table = significance_table(frame).set_index("Network")
    assert table.loc["a", ["t", "u", "over data sets"]].tolist() == ["best"] * 3
    assert table.loc["b", ["t", "u"]].tolist() == ["0.310*", "0.012"]
    assert table.loc["c", ["t", "u"]].tolist() == ["<0.001", ""]
    grid = frame.pivot(index="backbone", columns="task", values="score")
    odds = np.log(grid / (1 - grid))
    for name in "bc":
        p = ttest_rel(odds.loc[name], odds.loc["a"]).pvalue
        assert table.loc[name, "over data sets"] == f"{p:.3f}" + ("*" if p > 0.05 else "")
    with pytest.raises(SpecError, match="drop-models"):
        significance_table(frame.iloc[1:])


def test_correlations_are_those_of_the_figures():
    (row,) = correlations_table(correlations(ranking())).to_dict("records")
    (found,) = correlations(ranking())
    assert row["Networks"] == "3" and row["Data sets"] == "2"
    assert row["r"].startswith(f"{found.numbers['r']:.2f} [")
    assert row["p of rho"] == f"{found.numbers['rho_p']:.3f}"


def test_columns_of_text_stand_in_line():
    lines = format_table(accuracy_table(accuracies()), "text").splitlines()
    assert len({line.index("  ") for line in lines if line.startswith("linear")}) == 1
    assert lines[2].endswith("50.0*")


def test_an_unknown_form_is_named():
    with pytest.raises(UnknownNameError, match="markdown"):
        format_table(pd.DataFrame(), "markdwon")
