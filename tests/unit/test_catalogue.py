from __future__ import annotations

import json

import pytest

from vru_models.spec import catalogue
from vru_models.spec.catalogue import with_tables, write_readme
from vru_models.spec.spec import shipped_schemas

MARKS = "".join(f"<!-- {name} -->\n<!-- end of {name} -->\n" for name in ("feeds", "code lists", "crosswalks"))
FEED = {
    "name": "visits",
    "description": "One row per visit, or call: whichever came. More of it.",
    "fields": [{"name": "visit_id", "type": "integer"}, {"name": "person_id", "type": "string"}]
    + [{"name": name, "type": "date"} for name in ("day", "seen")],
    "primaryKey": ["visit_id"],
    "x-vru": {
        "agency": "council", "event_date": "day", "known_date": "seen", "sensitivity": "SV", "default_use": "context",
        "typical_lag": {"median": 2, "p95": 9},
    },
}  # fmt: skip
CODES = (
    "code,label,valid_from,valid_to,source\na,A,,2020-03-31,Manual; to be verified\nb,B,,2020-03-31,Manual\n"
    "c,C|D,2020-04-01,,Guide; wording to be verified\nd,D,,,to be verified\n"
)


@pytest.fixture
def folder(tmp_path):
    for name in ("feeds", "codelists", "crosswalks"):
        (tmp_path / name).mkdir()
    (tmp_path / "feeds" / "visits.json").write_text(json.dumps(FEED))
    (tmp_path / "codelists" / "reasons.csv").write_text(CODES)
    (tmp_path / "README.md").write_text(f"Before.\n{MARKS}After.\n")
    return tmp_path


def test_the_readme_that_ships_holds_the_tables_of_the_files_that_ship():
    text = (shipped_schemas() / "README.md").read_text(encoding="utf-8")
    assert with_tables(text, shipped_schemas()) == text


def test_the_readme_says_how_to_make_the_tables_anew():
    text = (shipped_schemas() / "README.md").read_text(encoding="utf-8")
    assert 'python -c "from vru_models.spec.catalogue import write_readme; write_readme()"' in text


def test_a_feed_is_told_by_what_one_row_is_whose_it_is_and_how_late(folder):
    assert (
        "| `visits` | council | events | visit, or call | person | context | SV | 2, 9 |"
        in with_tables(MARKS, folder).splitlines()
    )


def test_a_lag_that_a_schema_does_not_state_is_not_told_as_none(folder):
    vru = {key: value for key, value in FEED["x-vru"].items() if key != "typical_lag"}
    (folder / "feeds" / "visits.json").write_text(json.dumps(FEED | {"x-vru": vru}))
    assert "| SV | not stated |" in with_tables(MARKS, folder)


def test_a_list_is_told_by_its_codes_changes_sources_and_share_to_be_verified(folder):
    expected = "| `reasons` | 4 | 2 end 2020-03-31; 1 starts 2020-04-01 | Manual; Guide | 75% |"
    assert expected in with_tables(MARKS, folder).splitlines()


def test_prose_stays_and_making_the_tables_twice_changes_nothing(folder):
    once = with_tables((folder / "README.md").read_text(), folder)
    assert once.startswith("Before.\n<!-- feeds -->\n| feed |")
    assert once.endswith("<!-- end of crosswalks -->\nAfter.\n")
    assert with_tables(once, folder) == once


@pytest.mark.parametrize("mark", ["<!-- feeds -->", "<!-- end of code lists -->"])
def test_a_missing_mark_is_refused(folder, mark):
    with pytest.raises(ValueError, match=r"the marks of (feeds|code lists) are missing"):
        with_tables(MARKS.replace(mark, ""), folder)


def test_the_readme_is_written_with_its_tables(folder, monkeypatch):
    monkeypatch.setattr(catalogue, "shipped_schemas", lambda: folder)
    write_readme()
    assert "| `visits` |" in (folder / "README.md").read_text()
