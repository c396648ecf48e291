import pytest
import ready

from vru_models.quality.findings import complete_columns


def found(*rows):
    names = ("feed", "column", "of", "used_by", "rows", "missing")
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    table = ready.protected(columns, counts=["rows", "missing"], rates={"missing_share": ("missing", "rows")})
    return {f.where: f for f in complete_columns(table)}


@pytest.mark.parametrize(
    ("rows", "missing", "status"),
    [
        (1000, 50, "pass"),
        (1000, 55, "fail"),
        (1000, 0, "pass"),
        (1000, 1000, "fail"),
        (140, 0, "cannot tell"),
        (150, 0, "pass"),
        (14, 7, "cannot tell"),
        (7, 0, "cannot tell"),
    ],
)
def test_one_row_in_twenty_may_lack_a_column_that_makes_events(rows, missing, status):
    assert found(("f", "kind", "every row", "suspension", rows, missing))["f.kind"].status == status


def test_a_column_that_nothing_uses_may_be_empty():
    assert found(("f", "note", "every row", "", 1000, 1000)) == {}


def test_a_value_is_judged_over_the_rows_of_its_indicator():
    rows = found(("f", "sessions", "every row", "", 1000, 400), ("f", "sessions", "suspension", "suspension", 600, 0))
    assert {where: f.status for where, f in rows.items()} == {"f.sessions, rows of suspension": "pass"}


def test_the_message_gives_the_protected_share():
    assert (
        "there in 94.5% of rows; at least 95% is needed"
        in found(("f", "kind", "every row", "suspension", 1001, 54))["f.kind"].message
    )
    assert "there in at most 1% of rows" in found(("f", "kind", "every row", "s", 1000, 998))["f.kind"].message
