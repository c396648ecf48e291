"""Nothing of a person leaves in the files of readiness: no pseudonym, no free text, no count below the rule."""

import json

import pandas as pd
import pytest
import ready
import small
import world

CANARY = "zzcanaryzz"


@pytest.fixture(scope="module")
def planted():
    """Extracts with a pseudonym, a household and texts that must not be met again."""
    frames = world.extracts(n=200, prefix=CANARY)
    frames["exclusions"]["kind"] = frames["exclusions"]["kind"].where(frames["exclusions"].index % 9 > 0, "L")
    frames["missing"]["episode_id"] = [f"{CANARY}-m{i}" for i in range(len(frames["missing"]))]
    return frames


def test_no_file_holds_a_pseudonym_or_a_key(planted):
    files = ready.made(planted).files()
    assert len(files) == 12
    assert [name for name, content in files.items() if CANARY in content.decode()] == []


def test_no_repr_or_finding_holds_one_either(planted):
    made = ready.made(planted)
    told = repr(made) + repr(made.findings) + json.dumps(made.findings.records())
    assert CANARY not in told


def test_no_table_holds_a_count_below_the_rule_or_between_its_steps(planted):
    made = ready.made(planted)
    for name, table in made.tables.items():
        counts = table.table[list(table.counts)].stack().dropna()
        assert (counts >= 10).all(), name
        assert (counts % 5 == 0).all(), name


def test_every_share_is_made_of_the_counts_that_are_shown(planted):
    made = ready.made(planted)
    rows = made.tables["reach"].table
    shown = rows.dropna(subset=["reach"])
    assert (shown["reach"] == shown["known"] / shown["in_view"]).all()


def test_one_person_more_or_less_in_a_small_cell_changes_no_file():
    """Two extracts that differ in 2 against 5 people suspended are told apart by no file."""
    files = []
    for n in (2, 5):
        given = ready.frames(range(100), suspended=range(n), gone=range(40, 90))
        files.append(ready.made(given).files())
    assert files[0] == files[1]


def test_numbers_of_the_object_are_the_protected_ones():
    made = ready.made(ready.frames(range(101), suspended=range(57)))
    numbers = [table.frame().select_dtypes("number").to_numpy().ravel() for table in made.tables.values()]
    assert not {57, 101} & set(pd.Series([n for part in numbers for n in part]).dropna())
    assert small.spec().digest == made.spec_digest
