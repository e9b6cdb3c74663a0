"""Killed, interrupted or misled: what a training does with a checkpoint."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from killed_training import run
from tiny_training import Notes, fit, network, recipe

from penultimate.errors import CheckpointError, Interrupted
from penultimate.progress import Progress, Step

HERE = Path(__file__).parent


def start(checkpoint: Path, result: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, HERE / "killed_training.py", checkpoint, result],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_killed_at_random_moments_it_ends_bit_for_bit_as_undisturbed(
    tmp_path: Path, one_thread: None
) -> None:
    checkpoint, result = tmp_path / "checkpoint.pt", tmp_path / "result.pt"
    moments = random.Random(11)
    kills, kept = 0, b""
    while not result.exists() and kills < 20:
        process = start(checkpoint, result)
        until = time.monotonic() + 60
        # Moments count from the first checkpoint of this process: importing takes seconds.
        while process.poll() is None and time.monotonic() < until:
            if checkpoint.exists() and checkpoint.read_bytes() != kept:
                break
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.15))
        if process.poll() is None and kills < 3:
            process.send_signal(signal.SIGKILL)
            kills += 1
        errors = process.communicate(timeout=60)[1]
        assert process.returncode in (0, -signal.SIGKILL), errors
        kept = checkpoint.read_bytes()
    assert kills == 3
    assert [path.name for path in tmp_path.iterdir() if "unfinished" in path.name] == []
    killed = torch.load(result, weights_only=True)
    model, done = run(tmp_path / "another.pt")
    assert done.curve["loss"].tolist() == killed["loss"].tolist()
    for name, value in model.state_dict().items():
        assert torch.equal(value, killed["model"][name]), name


class Stopper(Progress):
    """Sends this process a signal when a number of steps are done."""

    def __init__(self, after: int, number: int) -> None:
        self.after, self.number, self.done = after, number, 0

    def step(self, description: str, total: int, unit: str = "images") -> Step:
        progress = self

        class Counting(Step):
            def advance(self, count: int = 1) -> None:
                progress.done += count
                if progress.done == progress.after:
                    os.kill(os.getpid(), progress.number)

        return Counting()


@pytest.mark.parametrize("after", [1, 7, 10])
@pytest.mark.parametrize(
    ("number", "raised"),
    [(signal.SIGTERM, Interrupted), (signal.SIGINT, KeyboardInterrupt)],
)
def test_a_signal_leaves_a_checkpoint_and_the_next_call_goes_on(
    tmp_path: Path, after: int, number: int, raised: type[BaseException]
) -> None:
    path = tmp_path / "checkpoint.pt"
    before = signal.getsignal(number)
    plan = recipe(average=0.9)
    settings = {"batch_norm": True, "dropout": 0.3}
    with pytest.raises(raised, match=f"after {after} of 10 steps: run the same again"):
        fit(network(**settings), plan, checkpoint=path, progress=Stopper(after, number))
    assert signal.getsignal(number) == before
    resumed, undisturbed = network(**settings), network(**settings)
    listened: list[int] = []
    done = fit(resumed, plan, checkpoint=path, listen=lambda now: listened.append(now.step))
    assert listened == list(range(after + 1, 11)), "steps that were done are not done again"
    whole = fit(undisturbed, plan)
    assert done.curve["loss"].tolist() == whole.curve["loss"].tolist()
    for name, value in undisturbed.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_without_a_checkpoint_an_interruption_says_that_nothing_is_kept() -> None:
    with pytest.raises(Interrupted, match="nothing is kept") as caught:
        fit(network(), recipe(), progress=Stopper(3, signal.SIGTERM))
    assert caught.value.signal == signal.SIGTERM


def interrupted(path: Path, **settings: Any) -> None:
    with pytest.raises(Interrupted):
        fit(
            network(),
            recipe(),
            checkpoint=path,
            progress=Stopper(4, signal.SIGTERM),
            **settings,
        )


def test_the_checkpoint_of_another_training_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    interrupted(path, identity="a" * 64)
    content = path.read_bytes()
    with pytest.raises(
        CheckpointError, match=r"another training \(aaaaaaaaaaaa, and this one is b"
    ):
        fit(network(), recipe(), checkpoint=path, identity="b" * 64)
    assert path.read_bytes() == content


def test_a_damaged_checkpoint_is_said_and_the_training_starts_anew(tmp_path: Path) -> None:
    path, notes = tmp_path / "checkpoint.pt", Notes()
    interrupted(path)
    path.write_bytes(path.read_bytes()[:-200])
    model, whole = network(), network()
    assert fit(model, recipe(), checkpoint=path, progress=notes).steps == 10
    fit(whole, recipe())
    assert torch.equal(model[8].weight, whole[8].weight)
    (note,) = notes.said
    assert note.startswith(f"the checkpoint {path} cannot be read")
    assert note.endswith("the training starts anew")


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("echo a checkpoint ran code > ran",)


def test_a_checkpoint_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"format": 1, "identity": "a run", "model": Evil()}, tmp_path / "checkpoint.pt")
    notes = Notes()
    fit(network(), recipe(), checkpoint=tmp_path / "checkpoint.pt", progress=notes)
    assert not (tmp_path / "ran").exists()
    assert len(notes.said) == 1


def test_a_checkpoint_of_another_engine_is_gone_on_with_and_that_is_said(tmp_path: Path) -> None:
    path, notes = tmp_path / "checkpoint.pt", Notes()
    interrupted(path)
    state = torch.load(path, weights_only=True)
    state["engine"]["torch"] = "1.0"
    torch.save(state, path)
    done = fit(network(), recipe(), checkpoint=path, progress=notes)
    assert (done.status, done.steps) == ("finished", 10)
    (note,) = notes.said
    assert f"(torch 1.0 and now {torch.__version__})" in note


def test_the_callers_random_numbers_are_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(network(dropout=0.5), recipe())
    assert torch.equal(torch.rand(3), expected)


def test_dropout_is_drawn_from_the_seed() -> None:
    models = [network(dropout=0.5) for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        fit(model, recipe(steps=5), seed=seed)
    same, again, other = (model[8].weight for model in models)
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


def test_checkpoints_are_written_while_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    sizes = []

    def listen(now: object) -> None:
        if path.exists():
            sizes.append(len(torch.load(path, weights_only=True)["curve"][0]))

    fit(network(), recipe(), checkpoint=path, save_seconds=0.0, listen=listen)
    assert sizes == list(range(1, 10))
