"""What a person sees while work goes on: on a terminal, and in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from penultimate.cli import bars


def test_the_bar_shows_what_was_told_last() -> None:
    drawn = bars.Bars(quiet=True)
    with drawn, drawn.step("cell 3", 20, "steps") as step:
        step.advance(4)
        step.tell("loss 2.1, lr 0.01, 140 images/s")
        step.tell("loss 1.9, lr 0.01, 141 images/s")
        page = Console(width=200, record=True, quiet=False, file=io.StringIO())
        page.print(drawn._bars.make_tasks_table(drawn._bars.tasks))
        text = page.export_text()
    assert "cell 3" in text
    assert "4/20" in text
    assert "loss 1.9, lr 0.01, 141 images/s" in text
    assert "loss 2.1" not in text


def test_a_log_gets_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(bars.time, "perf_counter", lambda: now[0])
    with bars.Bars() as drawn, drawn.step("cell 3", 300, "steps") as step:
        for second in range(150):
            now[0] = float(second)
            step.advance()
            step.tell(f"loss {second}")
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == [
        "cell 3: 61 of 300 steps, loss 60",
        "cell 3: 121 of 300 steps, loss 120",
    ]
