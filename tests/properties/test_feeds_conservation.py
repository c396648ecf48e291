"""Whatever bytes arrive, a file is refused as a whole by name, or every row of it is accepted or quarantined."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import small
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vru_models.errors import DataError, StorageError
from vru_models.feeds import read_feeds, write_extracts

CANARY = "CANARY7f3a"
NEEDED = ("exclusions", "missing")
SPECS = {
    feed: small.spec(without=tuple(name for name in small.SCHEMAS if name not in (*NEEDED, feed)))
    for feed in small.SCHEMAS
}
GOOD = {name: [list(frame.columns), *frame.to_numpy().tolist()] for name, frame in small.extracts().items()}
LONG = 1 << 20
BOM = b"\xef\xbb\xbf"
CELLS = [
    "", " ", "NA", "null", "0", "-1", "1.5", "1e400", "true", "9" * 30, "2099-01-01", "0000-00-00", "2022-02-30",
    "10/01/2022", "20220110", "10 Jan 2022", "2022-W02-1", "2022-01-10T00:00:00", CANARY, f"={CANARY}", f"+{CANARY}",
    f"@SUM({CANARY})", f"{CANARY}\0", "\0", f'{CANARY}"', f'"{CANARY},x"', f'"{CANARY}""x"', '""', f"{CANARY},",
    f"{CANARY}é", "\u202e" + CANARY, "\ufeff" + CANARY, f"{CANARY}\u2028x", f"{CANARY}\x85x", f"{CANARY}\x0bx",
    f"{CANARY}\x1cx",
]  # fmt: skip
UNSPLIT = [
    '"',
    f'"{CANARY}',
    f'"{CANARY}\n{CANARY}"',
    f'"{CANARY}\r\n"',
    f"{CANARY}\r{CANARY}",
    f"{CANARY}@example.org",
]
NOT_UTF8 = [b"\xff", b"\xe9" + CANARY.encode(), CANARY.encode("utf-16")]
HEADERS = [
    lambda names: names[:-1],
    lambda names: [*names, names[0]],
    lambda names: [*names, "notes"],
    lambda names: [names[0]] * len(names),
    lambda names: [f'"{name}"' for name in names],
    lambda names: [f'"{names[0]}', *names[1:]],
    lambda names: [f" {names[0]}", *names[1:]],
    lambda names: [f"{CANARY}{i}" for i in range(len(names))],
    lambda names: [],
]
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def one_in(n):
    return st.integers(1, n).map(lambda drawn: drawn == n)


@st.composite
def a_row(draw, good):
    cells = list(draw(st.sampled_from(good)))
    for i in draw(st.lists(st.integers(0, len(cells) - 1), max_size=3)):
        cells[i] = draw(st.sampled_from(UNSPLIT if draw(one_in(40)) else CELLS))
    if draw(one_in(60)):
        cells[0] = CANARY + "x" * LONG
    if draw(one_in(12)):
        cells = draw(st.sampled_from([cells[:-1], [*cells, CANARY], [], [""]]))
    return ",".join(cells).encode()


@st.composite
def files(draw):
    """A feed's name and the bytes of its file."""
    feed = draw(st.sampled_from(sorted(GOOD)))
    declared, *good = GOOD[feed]
    names = draw(st.permutations(declared))
    if draw(one_in(6)):
        names = draw(st.sampled_from(HEADERS))(names)
    order = [declared.index(name) for name in names] if sorted(names) == sorted(declared) else range(len(declared))
    rows = draw(st.lists(a_row([[row[i] for i in order] for row in good]), max_size=12))
    lines = [",".join(names).encode(), *rows]
    if draw(one_in(16)):
        lines = draw(st.sampled_from([[], [b""], lines[:1], lines[1:]]))
    if lines and draw(one_in(16)):
        lines[draw(st.integers(0, len(lines) - 1))] += draw(st.sampled_from(NOT_UTF8))
    content = b"".join(line + draw(ENDS) for line in lines)
    if draw(st.booleans()):
        content = content.rstrip(b"\r\n")
    return feed, draw(st.sampled_from([b"", b"", BOM])) + content


def naive_count(content):
    """Lines with anything in them below the first."""
    return sum(map(bool, re.split(rb"[\r\n]", content.removeprefix(BOM))[1:]))


def outcome(folder, feed, content):
    """Whether a file was refused or read, after holding either to its promise."""
    file = folder / f"{feed}.csv"
    whole = file.read_bytes()
    file.write_bytes(content)
    try:
        feeds = read_feeds(folder, SPECS[feed])
    except (DataError, StorageError) as error:
        said = str(error)
    else:
        said = None
    finally:
        file.write_bytes(whole)
    if said is not None:
        assert feed in said
        assert CANARY not in said
        return "refused"
    counts = feeds.frame().set_index("feed").loc[feed]
    held = feeds.quarantine[feeds.quarantine["feed"] == feed]
    assert counts["rows_in"] == counts["accepted"] + counts["quarantined"] == naive_count(content)
    assert held["row"].is_unique
    assert held["row"].between(1, counts["rows_in"]).all()
    assert CANARY not in str(feeds.findings.records()) + held.to_csv()
    return "all quarantined" if len(held) == counts["rows_in"] > 0 else "read"


def outcomes(folder, n):
    write_extracts(folder, small.extracts(), extract_date=small.EXTRACT_DATE)
    seen = Counter()

    @given(files())
    @settings(max_examples=n, deadline=None, suppress_health_check=list(HealthCheck))
    def conserved(made):
        seen[outcome(folder, *made)] += 1

    conserved()
    return seen


def test_no_row_of_a_hostile_file_is_lost(tmp_path):
    seen = outcomes(tmp_path / "extracts", 200)
    assert min(seen[kind] for kind in ("refused", "read", "all quarantined")) >= 1, seen


@pytest.mark.long
def test_no_row_of_ten_thousand_hostile_files_is_lost(tmp_path):
    seen = outcomes(tmp_path / "extracts", 10_000)
    print(f"{seen.total():,} files: {dict(seen)}")
    assert min(seen[kind] for kind in ("refused", "read", "all quarantined")) >= 500, seen
