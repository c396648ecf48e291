"""The rows of one query, a batch at a time, from any database that SQLAlchemy reaches.

The URL comes from the environment and is in no message; errors say the dialect and the class of the fault, since what
a database says may hold a password or a value.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pyarrow as pa

from vru_models.errors import DataError, StorageError
from vru_models.feeds.dates import in_iso_dates
from vru_models.feeds.files import ROWS, few_columns, read_types
from vru_models.frames import texts_of
from vru_models.spec import Spec
from vru_models.spec.digest import digest_bytes
from vru_models.spec.sources import Source
from vru_models.spec.tables import TableSchema

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

_READ_ONLY: Final = {"postgresql": "SET TRANSACTION READ ONLY", "sqlite": "PRAGMA query_only = ON"}
_PLAIN: Final = {str, int, float, Decimal, dt.date, dt.datetime, UUID}
_NUMBERS: Final = {int, float, Decimal}


def query_batches(source: Source, feed: str, *, schema: TableSchema) -> Iterator[pa.Table]:
    """Tables of text with at most 250,000 rows of the source's query each, and at least one.

    The query is one ``SELECT``, read through a server-side cursor where the dialect has one. PostgreSQL and SQLite are
    told to change nothing; elsewhere, give the job an account that may only read. Numbers, dates and booleans get the
    text they have in a CSV file, a timestamp with a time zone that of its instant in UTC; NULL is missing.

    Raises
    ------
    StorageError
        When the URL is not set, its driver is not installed, or the database cannot be reached.
    DataError
        When the query fails, gives no rows and columns, or columns of a type that is not read.
    """
    engine = _engine(source.url_from, feed)
    dialect = engine.dialect.name
    with _connected(engine, feed) as connection, _query_errors(feed, dialect):
        if dialect in _READ_ONLY:
            connection.exec_driver_sql(_READ_ONLY[dialect])
        streamed = connection.execution_options(stream_results=True, no_parameters=True)
        with streamed.exec_driver_sql(str(source.query)) as result:
            names = list(result.keys())
            few_columns(len(names), feed)
            yield _table([], names, feed=feed, source=source, schema=schema)
            for rows in result.yield_per(ROWS).partitions():
                yield _table(rows, names, feed=feed, source=source, schema=schema)


def queries_read(spec: Spec, rows_in: Mapping[str, int]) -> dict[str, dict[str, str | int]]:
    """What an account records of the feeds that were read by a query: SHA-256 of its text, and how many rows it gave.

    A query has no file to take a digest of: that the rows were these is said by the digest of the events made of them.

    Examples
    --------
    >>> queries_read(Spec.example("early_help"), {})
    {}
    """
    queries = {name: feed.source.query for name, feed in spec.feeds.items() if feed.source.query is not None}
    return {name: {"query": digest_bytes(text.encode()), "rows": rows_in[name]} for name, text in queries.items()}


def _engine(variable: str, feed: str) -> Engine:
    try:
        import sqlalchemy  # noqa: PLC0415  an extra, loaded only for a feed that is read by a query
    except ModuleNotFoundError:
        then = "Run pip install 'vru_models[sql]'"
        raise StorageError.at(feed, "is read by a query, and SQLAlchemy is not installed", then=then) from None
    if not os.environ.get(variable):
        then = "Set it for this run alone; it has no place in a file"
        what = f"the environment variable {variable} is not set"
        raise StorageError.at(feed, what, expected="the SQLAlchemy URL of the database", then=then)
    try:
        url = _of_what_is_there(sqlalchemy.make_url(os.environ[variable]), variable, feed)
        return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, hide_parameters=True)
    except ImportError:
        what = f"the driver that {variable} names is not installed"
        expected = "a URL such as postgresql+psycopg://..., whose driver comes with vru_models[sql]"
    except (sqlalchemy.exc.SQLAlchemyError, ValueError, TypeError) as error:
        what = f"{variable} holds no URL that can be used ({type(error).__name__})"
        expected = "a SQLAlchemy URL, its password with %40 for @ and so on"
    raise StorageError.at(feed, what, expected=expected)


def _of_what_is_there(url: URL, variable: str, feed: str) -> URL:
    """The URL, unless SQLite would make the file that it names, which is then missing."""
    place = url.database or ""
    if url.get_backend_name() != "sqlite" or place in ("", ":memory:"):
        return url
    if place.startswith("file:"):
        return url if "mode" in url.query else url.update_query_dict({"mode": "ro"})
    if not Path(place).is_file():
        what = f"the SQLite file that {variable} names is missing"
        raise StorageError.at(feed, what, then="Check the path in it: sqlite:///relative.db, sqlite:////absolute.db")
    return url


@contextmanager
def _connected(engine: Engine, feed: str) -> Iterator[Connection]:
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    try:
        connection = engine.connect()
    except SQLAlchemyError as error:
        said = f"the database cannot be reached ({engine.dialect.name}: {_class(error)})"
        then = "Check that it is up, and the account and password in the URL"
        raise StorageError.at(feed, said, then=then) from None
    try:
        yield connection
    finally:
        with suppress(SQLAlchemyError):  # nothing was written, so a connection that is lost loses nothing
            connection.close()


@contextmanager
def _query_errors(feed: str, dialect: str) -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    try:
        yield
    except SQLAlchemyError as error:
        then = "Run it in the database's own client to see why"
        raise DataError.at(feed, f"the query failed ({dialect}: {_class(error)})", then=then) from None


def _class(error: Exception) -> str:
    """The driver's own class of a fault: it says more than SQLAlchemy's, and no value."""
    return type(getattr(error, "orig", None) or error).__name__


def _table(rows: Sequence[Any], names: list[str], *, feed: str, source: Source, schema: TableSchema) -> pa.Table:
    values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    columns = [_array(column) for column in values]
    read_types([column.type for column in columns], feed, then="Cast them in the query")
    table = in_iso_dates(pa.Table.from_arrays(columns, names=names), schema, form=source.date_format)
    return pa.Table.from_arrays([texts_of(column) for column in table.itercolumns()], names=names)


def _array(values: Sequence[Any]) -> pa.Array:
    """A column in its own type; a mixed one as text; one that is neither as bytes, which are not read."""
    kinds = {type(value) for value in values} - {type(None)}
    mixed = kinds == {UUID} or (len(kinds) > 1 and not kinds <= _NUMBERS)
    if not mixed:
        try:
            return pa.array(values, from_pandas=True)
        except (pa.ArrowException, OverflowError):
            mixed = True
    if kinds <= _PLAIN:
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.nulls(len(values), pa.binary())
