from __future__ import annotations

import traceback

import pytest
import small
from pydantic import ValidationError

from vru_models.errors import SpecError
from vru_models.spec import Spec
from vru_models.spec.sources import Source

QUERY = "SELECT * FROM missing"


def test_a_source_is_a_file_of_utf_8_with_commas_and_iso_dates_unless_it_says_otherwise():
    source = small.spec().feeds["missing"].source
    assert source == Source(kind="file", encoding="utf-8", delimiter=",", date_format="%Y-%m-%d")
    assert source.query is None
    assert source == Source(query=None)


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "ascii"])
def test_any_text_encoding_that_python_knows_can_be_declared(encoding):
    assert Source(encoding=encoding).encoding == encoding


@pytest.mark.parametrize(
    ("encoding", "near"),
    [
        ("uft-8", "utf-8"),
        ("cp-1252", "cp1252"),
        ("utf-161", "utf-16"),
        ("hex", None),
        ("rot13", None),
        ("idna", None),
        ("unicode_escape", None),
        ("undefined", None),
        ("", None),
        ("a\0b", None),
        ("../utf_8", None),
    ],
)
def test_another_name_is_refused_with_the_nearest(encoding, near):
    hint = f"Did you mean '{near}'" if near else "is not a text encoding that Python knows"
    with pytest.raises(ValidationError, match=hint):
        Source(encoding=encoding)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "\x01"])
def test_a_delimiter_is_one_character(delimiter):
    assert Source(delimiter=delimiter).delimiter == delimiter


@pytest.mark.parametrize("delimiter", ["", ",,", "a", "0", '"', "\n", "\r", "\0", "§"])
def test_what_could_be_part_of_a_field_or_a_line_end_is_no_delimiter(delimiter):
    with pytest.raises(ValidationError, match="is not one ASCII character that is no letter, digit, quotation mark or"):
        Source(delimiter=delimiter)


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%d-%b-%y", "%B %d, %Y", "%d%m%Y", "%d/%m/%Y 00:00:00", "%%%d.%m.%Y"])
def test_a_date_format_says_a_day_a_month_and_a_year(form):
    assert Source(date_format=form).date_format == form


@pytest.mark.parametrize("form", ["", "%m/%Y", "%d/%m", "%d/%m/%Y %d", "%d %m %b %Y", "%x", "%d %m %Y %H", "%d%m%Y%"])
def test_a_format_that_says_less_or_more_is_refused(form):
    with pytest.raises(ValidationError, match=r"does not say one day, one month and one year\. Expected: %d"):
        Source(date_format=form)


@pytest.mark.parametrize("query", [QUERY, "  select 1", "WITH x AS (SELECT 1) SELECT * FROM x", "SELECT(1)"])
def test_a_query_is_one_select(query):
    assert Source(kind="sql", query=query).url_from == "VRU_SQL_URL"


@pytest.mark.parametrize("query", ["", "DELETE FROM x", "SELECT 1; DELETE FROM x", "SELECT 1;", "selected", "-- x"])
def test_anything_else_is_refused(query):
    with pytest.raises(ValidationError, match="is not one SELECT"):
        Source(kind="sql", query=query)


@pytest.mark.parametrize(
    "given",
    [
        {"url_from": "postgresql://u:SECRET@h/d"},
        {"url_from": "SECRET://"},
        {"query": "SELECT * FROM dblink('postgresql://u:SECRET@h/d', 'x')"},
    ],
)
def test_a_url_in_a_spec_is_refused_and_not_shown(given):
    with pytest.raises(ValidationError, match=r"holds a URL, .* change its password") as caught:
        Source(**{"kind": "sql", "query": QUERY} | given)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "1A", "$URL", "A=b"])
def test_a_variable_has_the_name_of_a_variable(name):
    with pytest.raises(ValidationError, match="is not the name of an environment variable"):
        Source(kind="sql", query=QUERY, url_from=name)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"query": QUERY}, "kind = 'file' has no query"),
        ({"url_from": "OTHER"}, "kind = 'file' has no url_from"),
        ({"kind": "sql", "query": QUERY, "encoding": "cp1252"}, "kind = 'sql' has no encoding"),
        ({"kind": "sql", "query": QUERY, "encoding": "cp1252", "delimiter": ";"}, "has no encoding and no delimiter"),
        ({"kind": "sql"}, "kind = 'sql' needs a query"),
        ({"kind": "sqll", "query": QUERY}, "Input should be 'file' or 'sql'"),
        ({"decimal": ","}, "Extra inputs are not permitted"),
    ],
)
def test_options_of_the_other_kind_are_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        Source(**given)


def test_a_source_is_part_of_the_spec_and_of_its_identity():
    spec = small.spec(**{"feeds.missing.source": {"kind": "sql", "query": QUERY}})
    again = Spec.from_files(spec.files(), "again")
    assert again.feeds["missing"].source.query == QUERY
    assert again.digest == spec.digest != small.spec().digest


def test_a_spec_file_says_where_its_source_is_wrong():
    spec = small.spec(**{"feeds.missing.source": {"encoding": "cp1252"}})
    files = spec.files()
    files["spec.toml"] = files["spec.toml"].replace(b"cp1252", b"cp1225")
    with pytest.raises(SpecError, match=r"feeds.missing.source.encoding: 'cp1225' is not a text encoding that Python"):
        Spec.from_files(files, "x")


def test_a_spec_file_that_holds_a_url_is_refused_without_showing_it():
    files = small.spec(**{"feeds.missing.source": {"kind": "sql", "query": QUERY, "url_from": "OTHER"}}).files()
    files["spec.toml"] = files["spec.toml"].replace(b"OTHER", b"postgresql://u:SECRET@h/d")
    with pytest.raises(SpecError, match=r"feeds.missing.source.url_from: holds a URL") as caught:
        Spec.from_files(files, "x")
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))
