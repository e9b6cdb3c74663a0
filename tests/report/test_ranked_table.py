"""The terminal's table: readable at 80 columns, names as they are."""

import io

from rich.console import Console

from builders import FakeStudy, FakeTask
from penultimate.report import ranked_table
from penultimate.stats import rank


def printed(store, **options):
    results = {result.digest: result for result in store.results()}
    table = rank(store.frame(), lambda run: store.predictions(results[run]), **options)
    out = io.StringIO()
    Console(file=out, width=80).print(ranked_table(table))
    return out.getvalue()


def test_fits_80_columns_with_the_names_whole(demo_store):
    text = printed(demo_store)
    assert max(map(len, text.splitlines())) <= 80
    for name in ("tf_efficientnet_lite2@package", "tf_efficientnet_lite0@random", "digits"):
        assert name in text
    assert "glyphs (mean per-class)" in text
    assert "cannot be told apart from the best" in text


def test_markup_in_names_shows_as_text(new_store):
    FakeStudy({"[bold]net[/bold]": 1.0, "[/]": 0.5}, {"[red]": FakeTask()}).commit(new_store)
    text = printed(new_store)
    assert "[bold]net[/bold]" in text
    assert "[/]" in text
    assert "[red]" in text


def test_seeds_are_named(new_store):
    FakeStudy({"a": 1.0, "b": 0.5}, seeds=(0, 1)).commit(new_store)
    assert "digits (mean of 2 seeds)" in printed(new_store)
    assert "digits (seed 1)" in printed(new_store, by_seed=True)
