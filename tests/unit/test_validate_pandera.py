"""pandera as an oracle: the rows it finds bad, by the rules that both have, are the rows that are quarantined.

pandera is no dependency of the package: where it is not installed these tests are skipped.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import small

from vru_models.feeds.validate import validate

pandera = pytest.importorskip("pandera.pandas", reason="pandera, an oracle for these tests alone, is not installed")

N = 3_000
FIELDS = {
    "person_id": small.column("person_id", pattern="p[0-9]{4}"),
    "kind": small.column("kind", enum=["S", "P", "L"], required=True),
    "sessions": small.column("sessions", "integer", minimum=1, maximum=90),
    "share": small.column("share", "number", minimum=0, maximum=1, required=True),
    "school": small.column("school", maxLength=7),
    "day": small.column("day", "date", required=True),
    "flag": small.column("flag", "boolean"),
    "place": small.column("place", unique=True),
}
GOOD = {
    "person_id": [f"p{i}" for i in range(1_000, 1_000 + N)],
    "kind": ["S", "P", "L"],
    "sessions": ["", "1", "90", "45"],
    "share": ["0", "1", "0.25", "1e-3", ".5"],
    "school": ["", "1", "1234567"],
    "day": ["2022-01-10", "2024-02-29"],
    "flag": ["", "true", "false"],
    "place": [f"u{i}" for i in range(N)],
}
BAD = {
    "person_id": ["", "p12345", "q1234", "p12"],
    "kind": ["", "Z", "s"],
    "sessions": ["0", "91", "-1", "1.5", "many"],
    "share": ["", "-0.1", "1.01", "NaN", "half"],
    "school": ["12345678", "a school with a long name"],
    "day": ["", "2022-02-30", "10/01/2022", "2022-1-1", "yesterday"],
    "flag": ["True", "yes", "0"],
    "place": ["u0", "u1"],
}


def made(seed, bad):
    """Columns of good cells, of which those that are to be bad are so at random."""
    rng = np.random.default_rng(seed)
    columns = {}
    for name, cells in GOOD.items():
        good = np.array(cells, dtype=object) if len(cells) == N else rng.choice(np.array(cells, dtype=object), N)
        spoilt = rng.random(N) < (0.03 if name in bad else 0)
        columns[name] = np.where(spoilt, rng.choice(np.array(BAD[name], dtype=object), N), good)
    return pd.DataFrame(columns, dtype="str")


def by_pandera(frame):
    """The 1-based rows that pandera finds bad, of every rule at once."""
    check = pandera.Check
    absent = frame.map(lambda text: text == "")
    typed = frame.mask(absent).astype(object)
    typed["sessions"] = pd.to_numeric(typed["sessions"], errors="coerce").astype("float64")
    typed["share"] = pd.to_numeric(typed["share"], errors="coerce").astype("float64")
    exact = frame["day"].str.fullmatch(r"\d{4}-\d{2}-\d{2}")
    typed["day"] = pd.to_datetime(frame["day"].where(exact), format="%Y-%m-%d", errors="coerce")
    # what was there and could not be read is no longer there: a type fault is a missing value beside a text
    read = pd.DataFrame({f"{c}_read": typed[c].notna() | absent[c] for c in ("sessions", "share", "day")})
    columns = {
        "person_id": pandera.Column(object, check.str_matches(r"^p[0-9]{4}$")),
        "kind": pandera.Column(object, check.isin(["S", "P", "L"])),
        "sessions": pandera.Column(float, [check.in_range(1, 90), check(lambda s: s % 1 == 0)], nullable=True),
        "share": pandera.Column(float, check.in_range(0, 1)),
        "school": pandera.Column(object, check.str_length(max_value=7), nullable=True),
        "day": pandera.Column(typed["day"].dtype),
        "flag": pandera.Column(object, check.isin(["true", "false"]), nullable=True),
        "place": pandera.Column(object, unique=True, report_duplicates="exclude_first"),
    } | {c: pandera.Column(bool, check.eq(True)) for c in read}
    try:
        pandera.DataFrameSchema(columns, strict=True).validate(pd.concat([typed, read], axis=1), lazy=True)
    except pandera.errors.SchemaErrors as found:
        return {int(i) + 1 for i in found.failure_cases["index"]}
    return set()


def by_us(frame):
    fields = list(FIELDS.values())
    schema = small.schema("audit", fields, "person_id", kind="audit")
    table = pa.Table.from_pandas(frame, preserve_index=False)
    verdict = validate(table, small.spec(schemas={"audit": schema}), feed="audit", extract_date=small.EXTRACT_DATE)
    return verdict.quarantine


@pytest.mark.parametrize("seed", range(3))
def test_rows_bad_by_any_rule_of_one_row_are_those_of_pandera(seed):
    frame = made(seed, set(FIELDS) - {"place"})
    found = by_us(frame)
    assert 300 < len(found) < 1_000
    assert set(found["row"]) == by_pandera(frame)
    assert not found["reasons"].str.contains("duplicate|not_unique").any()


@pytest.mark.parametrize("column", list(FIELDS))
def test_rows_bad_by_one_column_alone_are_those_of_pandera(column):
    frame = made(9, {column})
    found = by_us(frame)
    assert 50 < len(found) < 150
    assert found["reasons"].str.startswith(f"{column}:").all()
    assert set(found["row"]) == by_pandera(frame)


def test_a_file_without_faults_is_clean_by_both():
    frame = made(1, set())
    assert by_us(frame).empty
    assert by_pandera(frame) == set()
