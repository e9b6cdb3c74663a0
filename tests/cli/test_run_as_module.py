"""``python -m penultimate`` is the command line."""

import subprocess
import sys


def run(*words):
    command = [sys.executable, "-m", "penultimate", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_package_runs_as_a_module():
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("penultimate, version")


def test_its_mistakes_are_sentences_too():
    done = run("resul")
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no command 'resul'; did you mean 'results'")
