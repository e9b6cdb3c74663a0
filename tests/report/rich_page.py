"""A page with everything on it, and with names that would be markup."""

from pathlib import Path

from builders import FakeStudy, FakeTask
from penultimate.report import write_report
from penultimate.store import ResultStore, SkippedExample

NASTY = '<script>window.hacked = 1</script><b onclick="x">"\''
LONG = "zeta_net_with_a_long_name@package"
METHODS = ("linear-probe", "fine-tune", "from-scratch")


def write_page(folder: Path) -> Path:
    """Nine networks and the floor on two tasks; three of them, by every method, on a third."""
    tasks = {
        "digits": FakeTask(hardness=-0.6, unconverged=2),
        f"pets {NASTY}": FakeTask(
            measure="mean-per-class",
            classes=[NASTY, "a", "b"],
            skipped=[SkippedExample(id=f"{NASTY}.png", reason="the file is empty")],
            notices=[f"a notice on {NASTY}"],
        ),
    }
    names = {LONG: 1.4, NASTY: 1.0} | {f"net {i}": 0.2 + 0.1 * i for i in range(6)}
    known = {name: 0.60 + 0.1 * ability for name, ability in names.items()}
    store = ResultStore(folder / "store")
    FakeStudy(names, tasks, methods=METHODS, imagenet=known).commit(store)
    FakeStudy({"alpha@random": -0.5}, tasks).commit(store)
    return write_report(store, folder / "a report.html")
