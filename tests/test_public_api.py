"""The names that users build on: there, lazy, documented."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import penultimate

SOURCE = Path(penultimate.__file__).parent


def test_every_public_name_can_be_imported():
    for name in penultimate.__all__:
        assert getattr(penultimate, name) is not None


def test_public_names_and_their_homes_agree():
    assert set(penultimate._HOMES) == set(penultimate.__all__) - {"__version__"}
    assert sorted(penultimate.__all__) == dir(penultimate)


def test_type_checkers_see_every_public_name():
    tree = ast.parse((SOURCE / "__init__.py").read_text())
    seen = {
        alias.name: f"{node.module}".removeprefix("penultimate.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and f"{node.module}".startswith("penultimate.")
        for alias in node.names
    }
    assert seen == penultimate._HOMES


def test_a_name_is_imported_when_it_is_first_used_and_not_before():
    script = (
        "import sys, penultimate as pn\n"
        "assert 'penultimate.spec' not in sys.modules\n"
        "pn.Study\n"
        "assert 'penultimate.spec' in sys.modules\n"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules\n"
        "assert pn.Study is pn.Study and 'Study' in vars(pn)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_unknown_name_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="no attribute 'Studdy'"):
        penultimate.Studdy  # noqa: B018
    assert not hasattr(penultimate, "__wrapped__")


def test_the_version_is_that_of_the_installed_package():
    from importlib.metadata import version

    assert penultimate.__version__ == version("penultimate")


def public_definitions() -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """Public functions and classes of every module, and the methods of public classes."""
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list):
                continue  # a signature only; the function itself says what it does
            where = f"{file.relative_to(SOURCE)}: {node.name}"
            yield where, node
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                        yield f"{where}.{method.name}", method


def test_modules_have_docstrings():
    assert [
        str(file.relative_to(SOURCE))
        for file in sorted(SOURCE.rglob("*.py"))
        if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    ] == []


OVERRIDES = {"resolve_command", "render"}  # documented by click and rich


def test_public_functions_and_classes_have_docstrings():
    documented = {node.name for _, node in public_definitions() if ast.get_docstring(node)}
    assert [
        where
        for where, node in public_definitions()
        if not ast.get_docstring(node)
        # a method may be explained where its protocol or base is
        and not (where.count(".") > 1 and node.name in documented | OVERRIDES)
    ] == []


@pytest.mark.parametrize("name", sorted(set(penultimate.__all__) - {"__version__"}))
def test_help_on_a_public_name_says_what_it_is(name):
    text = inspect.getdoc(getattr(penultimate, name)) or ""
    assert text.splitlines()[0].endswith((".", ":")), "the first line is a sentence"
    assert "\n" not in text.strip() or text.splitlines()[1] == "", "and stands alone"
