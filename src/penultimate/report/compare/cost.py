"""What the two cost: speed, parameters and time, as far as they were measured alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from penultimate.report.compare.sides import Side
from penultimate.report.words import rate, seconds
from penultimate.store import Result

ALIKE = 1.1  # ratios below it are not called a difference


@dataclass(frozen=True)
class Cost:
    """Means over the runs on tasks that both have; NaN where not known.

    ``seconds`` is of a whole run: features or trainings, selection and the final fit. ``alike``
    says whether all was measured on one machine with one number of threads.
    """

    images_per_second_a: float
    images_per_second_b: float
    parameters_a: float
    parameters_b: float
    seconds_a: float
    seconds_b: float
    alike: bool
    one_method: bool

    def cheaper(self) -> tuple[str, str] | None:
        """``"a"`` or ``"b"`` and why, as ``is 2.1 times as fast``; None where it cannot be said.

        Speed counts first, under one method; the time of a run where the methods differ; then
        parameters.
        """
        speed = _ratio(self.images_per_second_a, self.images_per_second_b)
        if self.alike and self.one_method and speed:
            return speed[0], f"is {speed[1]:.1f} times as fast"
        time = _ratio(self.seconds_b, self.seconds_a)
        if self.alike and not self.one_method and time:
            return time[0], f"took {time[1]:.1f} times less time"
        size = _ratio(self.parameters_b, self.parameters_a)
        return (size[0], f"has {size[1]:.1f} times fewer parameters") if size else None

    def sentence(self, a: str, b: str) -> str:
        """Speed, parameters and time of both, as far as known."""
        parts = []
        speeds = (self.images_per_second_a, self.images_per_second_b)
        if self.one_method and not any(map(math.isnan, speeds)):
            parts.append("{} against {} images a second".format(*map(rate, speeds)))
        sizes = (self.parameters_a, self.parameters_b)
        if not any(map(math.isnan, sizes)):
            parts.append(
                "{:.1f} against {:.1f} million parameters".format(*(s / 1e6 for s in sizes))
            )
        times = (self.seconds_a, self.seconds_b)
        if not any(map(math.isnan, times)):
            parts.append("{} against {} a run".format(*map(seconds, times)))
        if not parts:
            return ""
        where = "" if self.alike else "; not measured on one machine, so that speeds say little"
        return f"Cost of {a} against {b}: {', '.join(parts)}{where}."


def cost_of(one: Side, other: Side, tasks: set[str], result: Callable[[str], Result]) -> Cost:
    """The cost of both over ``tasks``."""
    found = [
        [result(run) for run in side.rows.loc[side.rows["task"].isin(tasks), "run"]]
        for side in (one, other)
    ]
    machines = {
        (r.provenance.device, r.provenance.processor, r.provenance.threads)
        for results in found
        for r in results
    }
    a, b = found
    return Cost(
        images_per_second_a=_mean(r.images_per_second for r in a),
        images_per_second_b=_mean(r.images_per_second for r in b),
        parameters_a=_mean(r.network.parameters for r in a),
        parameters_b=_mean(r.network.parameters for r in b),
        seconds_a=_mean(map(_seconds, a)),
        seconds_b=_mean(map(_seconds, b)),
        alike=len(machines) == 1,
        one_method=one.method == other.method,
    )


def _ratio(a: float, b: float) -> tuple[str, float] | None:
    """The greater of two and by how much; None where it is not known or not much."""
    if math.isnan(a) or math.isnan(b) or min(a, b) <= 0 or max(a, b) / min(a, b) < ALIKE:
        return None
    return ("a", a / b) if a > b else ("b", b / a)


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan


def _seconds(result: Result) -> float | None:
    stages = [value for stage, value in result.durations.items() if stage != "total"]
    return sum(stages) if stages else None
