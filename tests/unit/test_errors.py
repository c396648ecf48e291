from __future__ import annotations

import pytest

from vru_models import errors
from vru_models.errors import DataError, LeakageError, LedgerError, SpecError, VruError


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({}, "here: is wrong."),
        ({"expected": "right"}, "here: is wrong. Expected: right."),
        ({"then": "Mend it"}, "here: is wrong. Mend it."),
        ({"expected": "right.", "then": "Mend it."}, "here: is wrong. Expected: right. Mend it."),
    ],
)
def test_an_error_says_where_what_expected_and_what_next(kwargs, message):
    assert str(DataError.at("here", "is wrong.", **kwargs)) == message


def test_an_unknown_name_comes_with_the_declared_ones_and_the_nearest():
    assert str(SpecError.unknown("f", "hedge", ["edge", "wall"])) == (
        "f: 'hedge' is not known. Expected: one of edge, wall. Did you mean 'edge'?"
    )


def test_a_name_like_no_other_comes_with_the_remedy_if_there_is_one():
    assert str(SpecError.unknown("f", "zzz", ["edge"], then="Declare it.")) == (
        "f: 'zzz' is not known. Expected: one of edge. Declare it."
    )
    assert str(SpecError.unknown("f", "zzz", [])) == "f: 'zzz' is not known. Expected: one of (none declared)."


def test_the_exit_codes_are_those_of_the_command_line():
    codes = {e.__name__: e.exit_code for e in vars(errors).values() if isinstance(e, type) and issubclass(e, VruError)}
    assert codes == {
        "VruError": 70,
        "SpecError": 2,
        "DataError": 4,
        "LeakageError": 4,
        "RefusedError": 3,
        "LedgerError": 3,
        "StorageError": 74,
        "LockedError": 75,
    }


def test_a_constructor_gives_its_own_class():
    assert type(LedgerError.at("x", "y")) is LedgerError
    assert type(LeakageError.unknown("x", "y", [])) is LeakageError
