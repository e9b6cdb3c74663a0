"""Compiled training: the real compiler, and what happens where it fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tiny_training import Notes, fit, network, recipe

from penultimate.backbones.device import can_compile
from penultimate.training import engine as engines


@pytest.mark.slow
@pytest.mark.skipif(not can_compile("cpu"), reason="no C++ compiler")
def test_compiled_and_eager_agree_to_rounding() -> None:
    plain, quick = network(batch_norm=True), network(batch_norm=True)
    plan = recipe(micro_batch=6)
    eager = fit(plain, plan, compiled=False)
    compiled = fit(quick, plan, compiled=True)
    assert (eager.engine.compiled, compiled.engine.compiled) == (False, True)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(quick.state_dict()[name], value, rtol=1e-4, atol=1e-5)
    assert quick._compiled_call_impl is None, "scoring does not compile anew"


def test_compiling_pays_only_where_much_is_left_to_do() -> None:
    assert not engines.may_pay(99, "cuda")
    assert not engines.may_pay(10**6, "mps")
    assert not engines.may_pay(10**6, "cpu")
    for device in engines.COMPILE_SECONDS:
        passes = 10_000
        at_stake = engines.COMPILE_SECONDS[device] / (1 - 1 / engines.COMPILE_SPEEDUP[device])
        assert engines.pays(1.01 * at_stake / passes, passes, device)
        assert not engines.pays(0.99 * at_stake / passes, passes, device)


def test_a_run_that_is_timed_first_is_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = []
    monkeypatch.setattr(engines, "may_pay", lambda passes, device: True)
    monkeypatch.setattr(engines, "pays", lambda seconds, *rest: timed.append(seconds) or False)
    one, two = (network(batch_norm=True, dropout=0.3) for _ in range(2))
    fit(one, recipe(), compiled=None)
    fit(two, recipe(), compiled=False)
    assert len(timed) == 1 and timed[0] > 0
    for name, value in one.state_dict().items():
        assert torch.equal(value, two.state_dict()[name]), name


def test_where_compiling_fails_it_is_said_and_the_run_is_the_eager_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(graph: Callable[..., object], inputs: object) -> Callable[..., object]:
        def run(*given: object) -> object:
            graph(*given)  # far enough for batch norm's statistics to move
            raise RuntimeError("no compiler today")

        return run

    compile_in_place = torch.nn.Module.compile
    monkeypatch.setattr(
        torch.nn.Module,
        "compile",
        lambda self, **settings: compile_in_place(self, backend=fails, **settings),
    )
    monkeypatch.setattr("penultimate.training.run.can_compile", lambda device: True)
    notes = Notes()
    one, two = (network(batch_norm=True, dropout=0.3) for _ in range(2))
    done = fit(one, recipe(), compiled=True, progress=notes)
    fit(two, recipe(), compiled=False)
    assert not done.engine.compiled
    (note,) = notes.said
    assert note.startswith("torch.compile failed (")
    assert note.endswith("going on without it")
    for name, value in one.state_dict().items():
        assert torch.equal(value, two.state_dict()[name]), name
