"""Who may import whom, read from the source; and what a command imports, seen in a process.

``MAY_IMPORT`` is the truth. docs/decisions/import-rules.md says how it differs from the design.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import penultimate

SOURCE = Path(penultimate.__file__).parent

EVERYWHERE = {"errors", "io", "lease", "progress"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "io": {"errors"},
    "lease": {"io"},
    "progress": set(),
    "spec": set(),
    "metrics": set(),
    "solvers": set(),
    "stats": {"metrics"},
    "store": {"spec"},
    "data": {"spec"},
    "backbones": {"spec"},
    "features": {"data", "backbones", "spec"},
    "training": {"data", "backbones", "spec"},
    "methods": {"features", "training", "data", "backbones", "solvers", "metrics", "spec"},
    "execution": {
        *("methods", "store", "stats", "spec"),
        *("data", "backbones", "features", "training", "solvers", "metrics"),
    },
    "studies": {"execution", "store", "spec"},
    "figures": {"stats"},
    "report": {"figures", "stats", "store"},
}
ANYTHING = {"cli", "__init__", "__main__"}  # and nothing imports them

# Libraries that only some rooms may touch, wherever in a file the import stands.
PRODUCING = {"solvers", "data", "backbones", "features", "training", "methods", "execution"}
HEAVY = {
    "torch": PRODUCING | {"spec"},  # spec names its types in annotations
    "timm": {"backbones"},
    "matplotlib": {"figures", "report"},
}


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Every import of a file, also those in functions: its line and the module's full name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}, line {node.lineno}: relative imports hide the room"
            module = node.module or ""
            if module == "penultimate":
                yield from ((node.lineno, f"penultimate.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def all_imports() -> Iterator[tuple[str, str, str]]:
    """Room, place in the source, imported module."""
    for file in sorted(SOURCE.rglob("*.py")):
        relative = file.relative_to(SOURCE)
        room = relative.parts[0].removesuffix(".py")
        for line, module in imports(file):
            yield room, f"{relative}, line {line}", module


def test_every_room_stands_in_the_table():
    rooms = {path.name.removesuffix(".py") for path in SOURCE.iterdir() if path.suffix == ".py"}
    rooms |= {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    assert rooms <= set(MAY_IMPORT) | ANYTHING


def test_rooms_import_only_what_the_table_allows():
    wrong = [
        f"{place}: {room} imports {module}"
        for room, place, module in all_imports()
        if module.startswith("penultimate.") and room not in ANYTHING
        for other in [module.split(".")[1]]
        if other not in MAY_IMPORT[room] | EVERYWHERE | {room}
    ]
    assert wrong == []


def test_nothing_imports_the_command_line():
    assert [
        place
        for room, place, module in all_imports()
        if module.startswith("penultimate.cli") and room not in {"cli", "__main__"}
    ] == []


def test_the_table_goes_only_downward():
    def reached(room: str, seen: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for other in MAY_IMPORT[room]:
            if other in seen:
                yield (*seen, other)
            else:
                yield from reached(other, (*seen, other))

    assert [circle for room in MAY_IMPORT for circle in reached(room, (room,))] == []


@pytest.mark.parametrize("library", HEAVY)
def test_heavy_libraries_stay_in_their_rooms(library):
    assert [
        f"{place}: {module}"
        for room, place, module in all_imports()
        if module.partition(".")[0] == library and room not in HEAVY[library]
    ] == []


def imported(code: str, *arguments: str) -> set[str]:
    """The top-level modules that a fresh process has imported when ``code`` has run."""
    script = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}


def imported_by_command(*arguments: str) -> set[str]:
    return imported(
        "from penultimate.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass",
        *arguments,
    )


SLOW = {"torch", "timm", "pandas", "numpy", "scipy", "matplotlib", "pydantic", "rich", "PIL"}
PRODUCERS = {"torch", "timm"}


@pytest.mark.parametrize(
    "arguments", [("--help",), ("run", "--help"), ("--version",), ("rnu",)], ids=" ".join
)
def test_help_and_its_like_import_click_and_the_standard_library_only(arguments):
    found = imported_by_command(*arguments)
    assert not found & SLOW
    assert found - set(sys.stdlib_module_names) - site_modules() <= {"click", "penultimate"}


def site_modules() -> set[str]:
    """What this environment's start-up files import into every process."""
    return imported("")


def test_importing_the_package_imports_no_library():
    assert not imported("import penultimate") & (SLOW | {"click"})


READING = {
    "results": ("results", "store"),
    "compare": ("compare", "store", "one", "two@random"),
    "report": ("report", "store", "-o", "page.html"),
    "figure": ("figure", "settings", "store", "-o", "figure.pdf"),
    "a table": ("figure", "table-1"),
    "analyse": ("analyse", "table.csv"),
    "analyse's page": ("analyse", "table.csv", "-o", "page.html", "--figures", "figures"),
}


@pytest.mark.parametrize("arguments", READING.values(), ids=READING)
def test_commands_that_read_never_import_torch(arguments, demo_runs, monkeypatch):
    """Each is run for real, on a store or a table that it has something to say of."""
    monkeypatch.chdir(demo_runs.root.parent)
    Path("table.csv").write_text(
        "model,imagenet,pets,cars\na,0.7,0.8,0.6\nb,0.75,0.85,0.7\nc,0.8,0.9,0.75\n"
    )
    # Where the command fails the process does, and with it the test.
    found = imported("from penultimate.cli import main\nmain()", *arguments)
    assert "pandas" in found
    assert not found & PRODUCERS


def test_a_mistake_in_a_study_file_is_answered_without_torch(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('backbone = ["resnet50"]\ntasks = ["digits"]\n')
    assert not imported_by_command("run", str(path)) & PRODUCERS


def test_listing_tasks_never_imports_torch():
    assert not imported_by_command("list", "tasks", "--json") & PRODUCERS


@pytest.fixture
def demo_runs(tmp_path):
    """A store with a few runs."""
    from builders import FakeStudy
    from penultimate.store import ResultStore

    return FakeStudy({"one": 1.0, "two@random": 0.0}).commit(ResultStore(tmp_path / "store"))
