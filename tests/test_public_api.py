import inspect
from pathlib import Path

import pytest

import vru_models

PUBLIC = [
    "Dataset", "Events", "Evidence", "Finding", "Findings", "FlagCountClassifier", "Ledger", "Release", "Run",
    "ScorecardClassifier", "Spec", "VruError", "approve", "build_dataset", "check", "evaluate", "fit", "protect",
    "prove_no_leakage", "pseudonymise", "read_feeds", "readiness", "record_events", "report", "scan_identifiers",
    "score", "synthetic_feeds", "temporal_splits", "verify",
]  # fmt: skip


def test_the_public_names_are_these():
    assert sorted(PUBLIC) == vru_models.__all__
    assert len(PUBLIC) <= 29


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented(name):
    thing = getattr(vru_models, name)
    assert inspect.getdoc(thing)
    assert name in dir(vru_models)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_method_is_documented(name):
    thing = getattr(vru_models, name)
    if inspect.isclass(thing) and thing.__module__.startswith("vru_models"):
        for attribute, member in vars(thing).items():
            if not attribute.startswith("_") and (callable(member) or isinstance(member, property | classmethod)):
                assert inspect.getdoc(getattr(thing, attribute)), f"{name}.{attribute}"


def test_a_name_that_is_not_there_says_so():
    with pytest.raises(AttributeError, match="has no attribute 'predict'"):
        vru_models.predict  # noqa: B018


def test_the_version_is_that_of_the_changelog():
    changelog = vru_models.__path__[0] + "/../CHANGELOG.md"
    with open(changelog, encoding="utf-8") as stream:
        assert f"## [{vru_models.__version__}]" in stream.read()


def test_no_room_hides_a_public_name():
    rooms = {path.name for path in Path(vru_models.__path__[0]).iterdir() if path.is_dir()}
    assert rooms.isdisjoint(PUBLIC)
