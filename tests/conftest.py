"""Shared ground for every test; ``small.py`` beside this file holds a tiny spec and literal extracts."""

import os

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # before scipy is imported: four of scikit-learn's checks need it

import joblib
import pytest
import world as worlds
from threadpoolctl import threadpool_limits


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
