from __future__ import annotations

import gc
import logging
import sys
import traceback

import pandas as pd
import postgres
import pyarrow as pa
import pytest
import small
import sqlalchemy

from vru_models.audit.ledger import Ledger
from vru_models.errors import DataError, StorageError, VruError
from vru_models.events import record_events
from vru_models.feeds import read_feeds, sql, write_extracts
from vru_models.feeds.sql import queries_read, query_batches
from vru_models.spec.digest import digest_bytes
from vru_models.spec.sources import Source
from vru_models.workflow import build

TYPES = {"string": "text", "integer": "integer", "date": "date", "yearmonth": "text"}
VARIABLE = "VRU_TEST_URL"
SCHEMA = small.spec().table_of("missing")


@pytest.fixture(scope="module")
def server():
    with postgres.server() as made:
        fill(made.url())
        yield made


@pytest.fixture(scope="module")
def lite(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('lite') / 'agency.db'}"
    fill(url)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, monkeypatch):
    """Every feed in a table of its own, in either database."""
    url = request.getfixturevalue("lite") if request.param == "sqlite" else request.getfixturevalue("server").url()
    monkeypatch.setenv(VARIABLE, url)
    return request.param


def fill(url):
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        for name, frame in small.extracts().items():
            fields = {f["name"]: TYPES[f["type"]] for f in small.SCHEMAS[name]["fields"]}
            connection.exec_driver_sql(
                f"CREATE TABLE {name} ({', '.join(f'{c} {kind}' for c, kind in fields.items())})"
            )
            places = ", ".join(f"CAST(:{column} AS {kind})" for column, kind in fields.items())
            if url.startswith("sqlite"):
                places = ", ".join(f":{column}" for column in fields)
            statement = sqlalchemy.text(f"INSERT INTO {name} ({', '.join(fields)}) VALUES ({places})")
            connection.execute(statement, [{c: v or None for c, v in row.items()} for row in frame.to_dict("records")])


def by_query(query=None, *, feeds=tuple(small.SCHEMAS), **source):
    """The small spec whose feeds are read by queries."""
    declared = {"kind": "sql", "url_from": VARIABLE} | source
    return small.spec(**{f"feeds.{f}.source": declared | {"query": query or f"SELECT * FROM {f}"} for f in feeds})


def rows(query, **source):
    """The batches of one query, read as the feed ``missing``."""
    return list(query_batches(Source(kind="sql", query=query, url_from=VARIABLE, **source), "missing", schema=SCHEMA))


def values(query, **source):
    return pa.concat_tables(rows(query, **source)).to_pydict()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "extracts.toml").write_text(f"extract_date = {small.EXTRACT_DATE}\n")
    return tmp_path / "x"


def same(first, second):
    assert first.rows_in == second.rows_in
    assert first.extract_dates == second.extract_dates
    assert first.findings.records() == second.findings.records()
    pd.testing.assert_frame_equal(first.quarantine, second.quarantine)
    pd.testing.assert_frame_equal(first.sensitive, second.sensitive)
    assert first.accepted.keys() == second.accepted.keys()
    for name, frame in first.accepted.items():
        pd.testing.assert_frame_equal(frame, second.accepted[name])
    assert record_events(first, small.spec()).digest == record_events(second, small.spec()).digest


def test_the_same_rows_by_csv_parquet_frame_and_query_are_the_same_feeds(database, folder, tmp_path):
    write_extracts(tmp_path / "csv", small.extracts(), extract_date=small.EXTRACT_DATE)
    (tmp_path / "parquet").mkdir()
    (tmp_path / "parquet" / "extracts.toml").write_text((folder / "extracts.toml").read_text())
    for name, frame in small.extracts().items():
        frame.to_parquet(tmp_path / "parquet" / f"{name}.parquet", index=False)
    feeds = read_feeds(folder, by_query())
    same(feeds, read_feeds(tmp_path / "csv", small.spec()))
    same(feeds, read_feeds(tmp_path / "parquet", small.spec()))
    same(feeds, small.admitted())


def test_a_query_is_read_a_batch_at_a_time_and_begins_with_its_columns(database, monkeypatch):
    monkeypatch.setattr(sql, "ROWS", 2)
    read = rows("SELECT * FROM exclusions")
    assert [table.num_rows for table in read] == [0, 2, 2, 1]
    assert {str(kind) for table in read for kind in table.schema.types} == {"string"}
    assert pa.concat_tables(read)["sessions"].to_pylist() == ["3", "1", "1", None, None]


def test_postgresql_keeps_the_rows_until_they_are_fetched(server, monkeypatch):
    monkeypatch.setenv(VARIABLE, server.url())
    assert values("SELECT count(*) AS cursors FROM pg_cursors") == {"cursors": ["1"]}


def test_a_query_without_rows_is_an_empty_feed(database, tmp_path):
    write_extracts(tmp_path / "x", small.extracts(), extract_date=small.EXTRACT_DATE)
    (tmp_path / "x" / "missing.csv").unlink()
    feeds = read_feeds(tmp_path / "x", by_query("SELECT * FROM missing WHERE 1 = 0", feeds=("missing",)))
    assert feeds.frame().set_index("feed").loc["missing"].tolist() == [0, 0, 0]


def test_colons_and_percent_signs_are_the_querys_own(database):
    assert values("SELECT '12:30' AS a, ':x' AS b, 'a%s' AS c FROM missing WHERE episode_id LIKE 'm%'") == {
        "a": ["12:30"],
        "b": [":x"],
        "c": ["a%s"],
    }


def test_values_get_the_text_they_have_in_a_csv_file(server, monkeypatch):
    monkeypatch.setenv(VARIABLE, server.url())
    given = {
        "DATE '2022-01-10'": "2022-01-10",
        "TIMESTAMP '2022-01-10 00:00'": "2022-01-10",
        "TIMESTAMP '2022-01-10 03:00'": "2022-01-10T03:00:00",
        "TIMESTAMPTZ '2022-07-01 00:00+01'": "2022-06-30T23:00:00",
        "TRUE": "true",
        "7": "7",
        "1.50::numeric": "1.50",
        "3::float8": "3",
        "'NaN'::float8": None,
        "NULL": None,
        "'00000000-0000-0000-0000-000000000001'::uuid": "00000000-0000-0000-0000-000000000001",
        "12345678901234567890123456789012345678901234567890::numeric": "1234567890" * 5,
    }
    query = "SELECT " + ", ".join(f"{expression} AS c{i}" for i, expression in enumerate(given))
    assert [column[0] for column in values(query).values()] == list(given.values())


def test_values_of_several_types_in_one_column_are_text(lite, monkeypatch):
    monkeypatch.setenv(VARIABLE, lite)
    assert values("SELECT 1 AS a UNION ALL SELECT 'x' UNION ALL SELECT 2.5 UNION ALL SELECT NULL") == {
        "a": ["1", "x", "2.5", None]
    }


@pytest.mark.parametrize(
    "expression",
    ["ARRAY[1]", "'{}'::jsonb", "'x'::bytea", "TIME '10:00'", "INTERVAL '1 day'", "inet '127.0.0.1'"],
)
def test_a_column_that_is_not_a_column_of_values_is_refused(expression, server, monkeypatch):
    monkeypatch.setenv(VARIABLE, server.url())
    with pytest.raises(DataError, match=r"missing: columns of lists, bytes .* not read: 1\..* Cast them in the query"):
        rows(f"SELECT {expression} AS a")


def test_text_in_the_declared_format_is_a_date_and_a_typed_date_is_one_anyway(server, monkeypatch):
    monkeypatch.setenv(VARIABLE, server.url())
    query = "SELECT '10/01/2022' AS start_date, DATE '2022-01-11' AS known_date UNION ALL SELECT '2022-01-10', NULL"
    assert values(query, date_format="%d/%m/%Y") == {
        "start_date": ["2022-01-10", "?2022-01-10"],
        "known_date": ["2022-01-11", None],
    }


def test_the_columns_of_a_query_are_those_declared(database, tmp_path):
    spec = by_query("SELECT episode_id, person_id, person_id, 1 AS age FROM missing", feeds=("missing",))
    write_extracts(tmp_path / "x", small.extracts(), extract_date=small.EXTRACT_DATE)
    (tmp_path / "x" / "missing.csv").unlink()
    with pytest.raises(DataError, match=r"missing: start_date, known_date\n.*declared: age\n.*twice: person_id"):
        read_feeds(tmp_path / "x", spec)


def test_more_columns_than_any_feed_has_are_refused(database):
    with pytest.raises(DataError, match=r"missing: has 1,001 columns"):
        rows("SELECT " + ", ".join(f"{i} AS c{i}" for i in range(1001)))


def test_a_file_beside_a_query_is_refused(database, folder):
    (folder / "missing.csv").write_text("episode_id\n")
    with pytest.raises(DataError, match=r"extracts: missing.csv is there, but missing is read by a query. Remove the"):
        read_feeds(folder, by_query())


@pytest.mark.parametrize(
    "query",
    ["WITH x AS (SELECT 1) DELETE FROM missing", "WITH x AS (DELETE FROM missing RETURNING *) SELECT * FROM x"],
)
def test_a_query_changes_nothing(query, database):
    with pytest.raises(DataError, match=r"missing: the query failed \((sqlite|postgresql): \w+\). Run it in"):
        rows(query)
    assert len(values("SELECT * FROM missing")["episode_id"]) == 1


def test_a_function_that_writes_is_refused_by_postgresql(server, monkeypatch):
    monkeypatch.setenv(VARIABLE, server.url())
    body = "CREATE OR REPLACE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM missing; SELECT 1'"
    with sqlalchemy.create_engine(server.url(), poolclass=sqlalchemy.NullPool).begin() as connection:
        connection.exec_driver_sql(body)
    with pytest.raises(DataError, match=r"the query failed \(postgresql: ReadOnlySqlTransaction\)"):
        rows("SELECT wipe() AS a")
    with pytest.raises(DataError, match=r"the query failed \(postgresql: ActiveSqlTransaction\)"):
        rows("SELECT set_config('transaction_read_only', 'off', true) AS a, wipe() AS b")


def test_a_dialect_that_has_no_word_for_it_is_read_all_the_same(lite, monkeypatch):
    monkeypatch.setenv(VARIABLE, lite)
    monkeypatch.setattr(sql, "_READ_ONLY", {})
    assert values("SELECT person_id FROM missing") == {"person_id": ["c"]}


def test_without_sqlalchemy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(StorageError, match=r"SQLAlchemy is not installed. Run pip install 'vru_models\[sql\]'"):
        rows("SELECT 1 AS a")


@pytest.mark.parametrize("url", [None, ""])
def test_without_a_url_the_variable_is_named(url, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    if url is not None:
        monkeypatch.setenv(VARIABLE, url)
    with pytest.raises(
        StorageError, match=f"missing: the environment variable {VARIABLE} is not set. Expected: the SQL"
    ):
        rows("SELECT 1 AS a")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("SECRET", "holds no URL that can be used .ArgumentError"),
        ("nowhere://x:SECRET@127.0.0.1/d", "holds no URL that can be used .NoSuchModuleError"),
        ("postgresql+psycopg://x:SEC@RET:SECRET@127.0.0.1:SECRET/d", "holds no URL that can be used .ValueError"),
        ("mysql+mysqldb://x:SECRET@127.0.0.1/d", "the driver that VRU_TEST_URL names is not installed"),
    ],
)
def test_a_url_that_cannot_be_used_is_not_shown(url, message, monkeypatch):
    monkeypatch.setenv(VARIABLE, url)
    with pytest.raises(StorageError, match=message) as caught:
        rows("SELECT 1 AS a")
    assert "SEC" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "sqlite:///{}/SECRET.db",
            r"missing: the SQLite file that VRU_TEST_URL names is missing. Check the path in it",
        ),
        ("sqlite:///{}", r"missing: the SQLite file that VRU_TEST_URL names is missing. Check the path in it"),
        (
            "sqlite:///file:{}/SECRET.db?uri=true",
            r"missing: the database cannot be reached \(sqlite: OperationalError\)",
        ),
    ],
)
def test_a_sqlite_file_that_is_missing_is_not_made_and_not_shown(url, message, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, url.format(tmp_path))
    with pytest.raises(StorageError, match=message) as caught:
        rows("SELECT 1 AS a")
    assert str(tmp_path) not in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_sqlite_file_may_be_named_by_a_uri_and_there_may_be_none(lite, monkeypatch):
    path = lite.removeprefix("sqlite:///")
    for url in (f"sqlite:///file:{path}?uri=true", f"sqlite:///file:{path}?mode=ro&uri=true"):
        monkeypatch.setenv(VARIABLE, url)
        assert values("SELECT person_id FROM missing") == {"person_id": ["c"]}
    for url in ("sqlite://", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true&mode=memory"):
        monkeypatch.setenv(VARIABLE, url)
        assert values("SELECT 1 AS a") == {"a": ["1"]}


@pytest.fixture
def unsaid(server, monkeypatch, capfd, caplog):
    """Fails the test when the password or a person's value was said anywhere while it ran."""
    caplog.set_level(logging.DEBUG, logger="psycopg")
    caplog.set_level(logging.INFO)
    monkeypatch.setenv(VARIABLE, server.url())
    said: list[str] = []
    yield said.append
    said += [*capfd.readouterr(), caplog.text]
    assert server.password not in "".join(said)
    assert "m1" not in "".join(said)


def error_of(query):
    batches = query_batches(Source(kind="sql", query=query, url_from=VARIABLE), "missing", schema=SCHEMA)
    with pytest.raises(VruError, match="missing: ") as caught:
        list(batches)
    gc.collect()
    return str(caught.value), "".join(traceback.format_exception(caught.value))


def test_the_password_is_nowhere_after_success(server, folder, tmp_path, unsaid):
    spec, ledger = by_query(), Ledger(tmp_path / "ledger.jsonl")
    built = build(spec, folder, out=tmp_path / "work", ledger=ledger)
    unsaid(repr(spec) + repr(built.feeds) + repr(spec.feeds) + "".join(map(repr, ledger.find("feeds"))))
    unsaid(b"".join(spec.files().values()).decode())
    written = [f for f in tmp_path.rglob("*") if f.is_file()]
    assert (tmp_path / "ledger.jsonl") in written
    assert [f.name for f in written if server.password.encode() in f.read_bytes()] == []


def test_the_password_is_nowhere_after_a_refused_login(server, monkeypatch, unsaid):
    monkeypatch.setenv(VARIABLE, server.url(f"{server.password}x"))
    short, whole = error_of("SELECT 1 AS a")
    unsaid(whole)
    assert short.startswith("missing: the database cannot be reached (postgresql: OperationalError). Check that it")


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("SELECT sum( AS a", "SyntaxError"),
        ("SELECT * FROM nowhere", "UndefinedTable"),
        ("SELECT wrong FROM missing", "UndefinedColumn"),
        ("SELECT episode_id::int AS a FROM missing", "InvalidTextRepresentation"),
    ],
)
def test_what_a_failed_query_says_is_not_passed_on(query, fault, unsaid):
    short, whole = error_of(query)
    unsaid(whole)
    assert short == f"missing: the query failed (postgresql: {fault}). Run it in the database's own client to see why."


def test_a_server_that_stops_is_an_error_without_a_url(server, monkeypatch, unsaid):
    monkeypatch.setattr(sql, "ROWS", 1)
    batches = query_batches(
        Source(kind="sql", query="SELECT * FROM exclusions", url_from=VARIABLE), "exclusions", schema=SCHEMA
    )
    assert [next(batches).num_rows, next(batches).num_rows] == [0, 1]
    server.stop()
    try:
        with pytest.raises(DataError, match=r"exclusions: the query failed \(postgresql: AdminShutdown\)") as caught:
            list(batches)
        short, whole = error_of("SELECT * FROM missing")
    finally:
        server.start()
    unsaid(whole + "".join(traceback.format_exception(caught.value)))
    assert "cannot be reached (postgresql: OperationalError)" in short


def test_an_account_records_the_query_by_its_digest_and_how_many_rows_it_gave(folder):
    query = "SELECT * FROM missing"
    spec = by_query(query, feeds=("missing",))
    assert queries_read(spec, {"missing": 7, "people": 3}) == {
        "missing": {"query": digest_bytes(query.encode()), "rows": 7}
    }
    assert queries_read(small.spec(), {"missing": 7}) == {}
