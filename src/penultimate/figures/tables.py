"""Tables as text, CSV, Markdown and LaTeX; Table 1 of the paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pandas as pd
from rich.cells import cell_len

from penultimate.errors import UnknownNameError
from penultimate.figures.paper import need_columns

TABLE_1 = ["Data set", "Classes", "Size (train/test)", "Accuracy measure"]
MEASURES = {
    "top-1": "top-1",
    "mean-per-class": "mean per-class",
    "mean-average-precision": "11-point mAP",
}
LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # after the end of a row it would begin a length, and a star another kind of end
    "*": "{*}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}
PREAMBLE = "% \\usepackage{booktabs} \\usepackage[T1]{fontenc} \\usepackage{textcomp}\n"
BEST = "*"  # after the best of a column, where there is no bold type


def data_sets_table(cards: pd.DataFrame) -> pd.DataFrame:
    """Table 1 of the paper from data sets' cards.

    Parameters
    ----------
    cards : ``title, classes, train, val, test, measure``; validation counts as train, from which
        it is held out elsewhere.
    """
    need_columns(cards, ["title", "classes", "train", "val", "test", "measure"], "the table")
    rows = [
        (
            row["title"],
            f"{row['classes']:,}",
            f"{row['train'] + row['val']:,}/{row['test']:,}",
            MEASURES.get(row["measure"], row["measure"]),
        )
        for _, row in cards.iterrows()
    ]
    return pd.DataFrame(rows, columns=TABLE_1)


def format_table(table: pd.DataFrame, form: str) -> str:
    """A table of texts as ``text``, ``csv``, ``markdown`` or ``latex`` (with booktabs' rules).

    Nothing in a name is markup in any of them. Columns of numbers stand to the right.

    Raises
    ------
    UnknownNameError : there is no such form.
    """
    if form not in FORMS:
        raise UnknownNameError("form of a table", form, FORMS)
    return FORMS[form](table.astype(str))


def _text(table: pd.DataFrame) -> str:
    lines = [list(map(_one_line, row)) for row in [list(table), *table.to_numpy().tolist()]]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    right = _right(table)
    padded = [
        "  ".join(
            " " * (w - cell_len(cell)) + cell if r else cell + " " * (w - cell_len(cell))
            for cell, w, r in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([padded[0], "  ".join("-" * w for w in widths), *padded[1:]]) + "\n"


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, lineterminator="\n")


def _markdown(table: pd.DataFrame) -> str:
    def cell(text: str) -> str:
        return re.sub(r"([\\`*_{}\[\]<>#|~&$])", r"\\\1", _one_line(text))

    rules = ["---:" if right else "---" for right in _right(table)]
    lines = [list(map(cell, map(str, table))), rules]
    for row in table.to_numpy().tolist():
        lines.append([_starred(text, cell, "**{}**") for text in row])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _latex(table: pd.DataFrame) -> str:
    def cell(text: str) -> str:
        return "".join(LATEX.get(c, c) for c in _one_line(text)).replace("--", "-{}-")

    sides = "".join("r" if right else "l" for right in _right(table))
    head = " & ".join(cell(str(name)) for name in table)
    rows = [
        " & ".join(_starred(text, cell, r"\textbf{{{}}}") for text in row)
        for row in table.to_numpy().tolist()
    ]
    body = "".join(f"{row} \\\\\n" for row in rows)
    return (
        f"{PREAMBLE}\\begin{{tabular}}{{{sides}}}\n\\toprule\n{head} \\\\\n\\midrule\n{body}"
        "\\bottomrule\n\\end{tabular}\n"
    )


def _starred(text: str, cell: Callable[[str], str], bold: str) -> str:
    """A starred number in bold; anything else as it is."""
    number = text.removesuffix(BEST)
    return bold.format(cell(number)) if number != text and _is_number(number) else cell(text)


def _right(table: pd.DataFrame) -> list[bool]:
    """Which columns hold numbers only, sizes such as 75,750/25,250 among them."""
    return [all(_is_number(str(v)) for v in column if v != "") for _, column in table.items()]


def _is_number(text: str) -> bool:
    return re.fullmatch(r"<?[\d.,/]+[*=]?|best", text) is not None


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


FORMS: dict[str, Callable[[pd.DataFrame], str]] = {
    "text": _text,
    "csv": _csv,
    "markdown": _markdown,
    "latex": _latex,
}
TABLE_FORMS: Sequence[str] = list(FORMS)
