"""Shared ground for every test; ``small.py`` beside this file holds a tiny spec and literal extracts."""

import os

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # before scipy is imported: four of scikit-learn's checks need it

import sys

import joblib
import pytest
import world as worlds
from threadpoolctl import threadpool_limits

from vru_models.cli import main


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A working folder from extracts to evidence; nothing in it may be changed: approve into another folder."""
    return worlds.made(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """A working folder of its own, approved: ``released.place / "release"``; copy it before changing anything."""
    made = worlds.made(tmp_path_factory.mktemp("released"), seed=1)
    made.approved()
    return made


@pytest.fixture
def in_process():
    """Splits are fitted one after the other in this process, which is quicker for a few hundred rows."""
    with joblib.parallel_config(backend="sequential"), threadpool_limits(1):
        yield


class Called:
    """What one call of the command line gave: exit code and both streams."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def call(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["vru-models", *map(str, words)])
        with pytest.raises(SystemExit, match=r".*") as stop:
            main()
        out, err = capsys.readouterr()
        return Called(stop.value.code or 0, out, err)

    return run
