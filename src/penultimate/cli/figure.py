"""``penultimate figure``: the paper's figures and tables from a store. Never imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penultimate.cli.accuracy import IMAGENET, add_table
from penultimate.cli.paper_tables import make_table, table_named, write_table
from penultimate.cli.titles import titled
from penultimate.errors import SpecError

if TYPE_CHECKING:
    import pandas as pd

WIDTHS = {"column": 3.25, "text": 6.875}


def _inches(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """``column``, ``text``, or a number of inches."""
    try:
        return None if value is None else WIDTHS[value] if value in WIDTHS else float(value)
    except ValueError:
        message = f"{value!r} is neither column, nor text, nor a number of inches"
        raise click.BadParameter(message, ctx, param) from None


@click.command()
@click.argument("name", required=False)
@click.argument("store", default="penultimate-store")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where it goes: .pdf, .svg or .png; for a table .txt, .csv, .md or .tex.",
)
@click.option("--width", callback=_inches, help="column (3.25 inches), text (6.875), or inches.")
@click.option("--method", multiple=True, help="Only this method; may be repeated.")
@click.option("--backbone", multiple=True, help="Only this network; may be repeated.")
@click.option("--task", multiple=True, help="Only this task; may be repeated.")
@click.option(
    "--missing",
    type=click.Choice(["refuse", "drop-models", "drop-data-sets"]),
    default="refuse",
    show_default=True,
    help="What becomes of networks that were not run on all data sets.",
)
@click.option(
    "--previous",
    type=click.Path(path_type=Path),
    help="For settings: a CSV of task,score (fractions), drawn as lines.",
)
@click.option(
    "--features",
    multiple=True,
    metavar="[NAME=]DIR",
    help="For embedding: a folder of features.npy and labels.npy, in place of STORE's own; may be "
    "repeated.",
)
@click.option("--class", "classes", multiple=True, help="For embedding: a class; may be repeated.")
@click.option("--perplexity", type=float, help="For embedding: of t-SNE, 30 by default.")
@click.option("--no-numbers", is_flag=True, help="Leave r and rho out of the correlations.")
@click.option("--unit", type=click.Choice(["steps", "epochs", "both"]), help="For training-time.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of what is drawn at random.")
@click.option("--imagenet", metavar="TABLE", help=IMAGENET)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "csv", "markdown", "latex"]),
    help="Of a table, in place of what OUTPUT ends in; text by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the plotted numbers as a JSON array.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the plotted numbers as CSV.")
def figure(
    name: str | None,
    store: str,
    output: Path | None,
    width: float | None,
    method: tuple[str, ...],
    backbone: tuple[str, ...],
    task: tuple[str, ...],
    missing: str,
    previous: Path | None,
    features: tuple[str, ...],
    classes: tuple[str, ...],
    perplexity: float | None,
    no_numbers: bool,
    unit: str | None,
    seed: int,
    imagenet: str | None,
    form: str | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Draw the figure NAME of the paper from the runs of STORE; without NAME, list all.

    figure-1 to figure-9 and table-1 are names too. Numbers are fractions and log odds.
    """
    from penultimate.cli.output import print_frame_json
    from penultimate.figures.catalogue import FIGURES, figure_named

    if as_json and as_csv:
        raise click.UsageError("--json and --csv cannot go together: choose one")
    if name is None:
        _print_list(as_json)
        return
    known = figure_named(name)
    if known is None:
        table = make_table(
            table_named(name),
            store,
            (method, backbone, task),
            imagenet=imagenet,
            missing=missing,
            seed=seed,
        )
        if as_json:
            print_frame_json(table)
        else:
            write_table(table, output, "csv" if as_csv and output is None else form)
        return
    if form is not None:
        raise click.UsageError("--format is of tables; a figure's file ends in .pdf, .svg or .png")
    if known == "embedding":
        shown = _given(features) if features else _kept(store, backbone, task, classes)
        frame = _embedding(*shown, classes, perplexity, seed)
    else:
        chosen = method or FIGURES[known].methods
        frame = _frame(known, store, imagenet, chosen, backbone, task, missing)
    shared: dict[str, Any] = {}
    if known.endswith(("correlation", "training-settings")):
        shared["missing"] = missing
    if known.endswith("correlation"):
        shared["seed"] = seed
    if as_json or as_csv:
        _print_numbers(FIGURES[known].numbers(frame, **shared), as_json)
    if output is not None or not (as_json or as_csv):
        lines = None if previous is None else titled(_previous(previous))
        drawn = {"previous": lines, "unit": unit, "width": width, "numbers": not no_numbers}
        own = {
            "previous": known == "settings",
            "unit": known == "training-time",
            "width": True,
            "numbers": known.endswith("correlation"),
        }
        more = {key: value for key, value in drawn.items() if own[key] and value is not None}
        _write(FIGURES[known].draw(titled(frame), **shared, **more), output or Path(f"{known}.pdf"))


def _frame(
    name: str,
    store: str,
    imagenet: str | None,
    method: tuple[str, ...],
    backbone: tuple[str, ...],
    task: tuple[str, ...],
    missing: str,
) -> pd.DataFrame:
    """What a figure plots, from a store."""
    from penultimate.report.figure_frames import figure_frame
    from penultimate.store import ResultStore

    opened = ResultStore(store, create=False)
    add_table(opened, imagenet)
    whole = missing == "refuse" and name != "from-scratch"
    frame = figure_frame(opened, name, method, backbone, task, whole=whole, note=_note)
    return _dropped(frame, missing) if name == "settings" and missing != "refuse" else frame


def _note(sentence: str) -> None:
    click.echo(sentence, err=True)


def _write(drawn: Any, target: Path) -> None:
    from penultimate.figures.paper import save_figure

    save_figure(drawn, target)
    click.echo(f"wrote {target}", err=True)


def _print_numbers(numbers: pd.DataFrame, as_json: bool) -> None:
    from penultimate.cli.output import print_frame_json

    if as_json:
        print_frame_json(numbers)
    else:
        click.echo(numbers.to_csv(index=False), nl=False)


def _print_list(as_json: bool) -> None:
    from penultimate.cli.output import print_json

    rows = _list()
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['name']:30}{row['number']:10}{row['shows']}")


def _list() -> list[dict[str, str]]:
    from penultimate.figures.catalogue import FIGURES, TABLES

    rows = [
        {"name": name, "number": f"figure {drawing.number}", "shows": drawing.shows}
        for name, drawing in FIGURES.items()
    ]
    numbers = {"data-sets": "table 1"}
    rows += [
        {"name": name, "number": numbers.get(name, ""), "shows": text}
        for name, text in TABLES.items()
    ]
    return rows


Features = tuple[dict[str, Any], tuple[str, ...]]  # by network, and the labels


def _embedding(
    matrices: dict[str, Any],
    labels: tuple[str, ...],
    classes: tuple[str, ...],
    perplexity: float | None,
    seed: int,
) -> pd.DataFrame:
    """t-SNE of features by network."""
    from penultimate.figures.embedding import CLASSES, PERPLEXITY, embed

    chosen = list(classes) or CLASSES
    about = PERPLEXITY if perplexity is None else perplexity
    return embed(matrices, labels, classes=chosen, perplexity=about, seed=seed)


def _kept(
    store: str, backbone: tuple[str, ...], task: tuple[str, ...], classes: tuple[str, ...]
) -> Features:
    """The samples that a store kept with its linear probes."""
    from penultimate.report.embedding_samples import embedding_samples
    from penultimate.store import ResultStore

    found = embedding_samples(ResultStore(store, create=False), backbone, task, classes)
    return found.features, found.labels


def _given(features: tuple[str, ...]) -> Features:
    """Those in the folders given."""
    from penultimate.data.feature_folder import load_feature_folder, read_features

    matrices: dict[str, Any] = {}
    labels: tuple[str, ...] = ()
    first = ""
    for given in features:
        name, equals, place = given.partition("=")
        folder = Path(place if equals else given).expanduser()
        matrices[name if equals else folder.name] = read_features(folder)[0]
        mine = load_feature_folder(folder).labels
        if labels and mine != labels:
            raise SpecError(
                f"{folder} and {first} are not of the same images in one order: their labels differ"
            )
        labels, first = mine, str(folder)
    if not labels:
        raise SpecError(f"{first} has several labels an image, and a point has one: give classes")
    return matrices, labels


def _previous(path: Path) -> pd.DataFrame:
    """``task,score`` from a CSV file."""
    import pandas as pd

    try:
        frame = pd.read_csv(path)
    except OSError as error:
        raise SpecError(f"{path} cannot be read ({error.strerror}): give a CSV file") from None
    except ValueError as error:  # pandas' own are ValueErrors too
        reason = str(error).splitlines()[0]
        raise SpecError(f"{path} is no CSV file of task,score ({reason})") from None
    for column in ("task", "score"):
        if column not in frame:
            raise SpecError(f"{path} has no column {column}: it should begin with task,score")
    numbers = pd.to_numeric(frame["score"], errors="coerce")
    if not numbers.between(0, 1, inclusive="neither").all():
        raise SpecError(f"{path}: a score is a fraction between 0 and 1, as in 0.912")
    return frame.assign(score=numbers, task=frame["task"].astype(str))


def _dropped(frame: pd.DataFrame, missing: str) -> pd.DataFrame:
    """Only networks that have all data sets by all methods, or data sets that have all networks."""

    from penultimate.stats import complete

    grid = frame.pivot_table(index="backbone", columns=["task", "method"], values="score")
    if missing == "drop-models":
        return frame[frame["backbone"].isin(complete(grid, "drop-models").index)]
    holes = set(grid.columns[grid.isna().any()].get_level_values("task"))
    kept: pd.DataFrame = frame[~frame["task"].isin(holes)]
    return kept
