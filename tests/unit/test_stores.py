import pytest

from vru_models.audit.ledger import Ledger
from vru_models.audit.stores import KeptStores, event_stores, folders_with, is_store, written_days


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.jsonl")


def say(ledger, *lines):
    """``events - A``: a store began; ``events A B``: B was recorded after A; ``purge A B x``: of x; ``plain A``."""
    for line in lines:
        kind, *words = line.split()
        if kind == "plain":
            ledger.append("events", events=words[0])
        else:
            before = None if words[0] == "-" else words[0]
            ledger.append(kind, before=before, events=words[1], **dict(zip(["whom"], words[2:], strict=False)))


MONTHS = ("events - A", "events A B")


@pytest.mark.parametrize(
    ("lines", "standing"),
    [
        (MONTHS, {"A": "older", "B": "last"}),
        ([*MONTHS, "events B B"], {"A": "older", "B": "last"}),
        ([*MONTHS, "events A B"], {"A": "older", "B": "last"}),
        ([*MONTHS, "events - X"], {"A": "older", "B": "last", "X": "last"}),
        ([*MONTHS, "plain C"], {"B": "last", "C": None}),
        ([*MONTHS, "purging B C x"], {"B": "unfinished", "C": "announced"}),
        ([*MONTHS, "purging B C x", "purge B C x"], {"A": "purged", "B": "purged", "C": "last"}),
        ([*MONTHS, "purging B C x", "events B D"], {"B": "older", "D": "unfinished"}),
        ([*MONTHS, "purging B C x", "events C D"], {"A": "purged", "B": "purged", "C": "older", "D": "last"}),
        ([*MONTHS, "purging B C x", "purging B C x", "purge B C x"], {"B": "purged", "C": "last"}),
        ([*MONTHS, "purging B C x", "purging C C x", "purge C C x"], {"A": "purged", "B": "purged", "C": "last"}),
        ([*MONTHS, "purging B C x", "purging B D y", "purge B D y"], {"B": "purged", "D": "unfinished"}),
        ([*MONTHS, "purging B C x", "purge B C x", "events B D", "events D E"], {"C": "last", "D": "purged"}),
        ([*MONTHS, "purging B C x", "purge B C x", "events B D", "events D E"], {"E": "purged"}),
        ([*MONTHS, "purging B C x", "events C D", "purge B C x"], {"C": "older", "D": "last"}),
        ([*MONTHS, "purging B B x", "purge B B x"], {"A": "older", "B": "last"}),
        ([*MONTHS, "purging B C x", "purge B C x", "events - B"], {"B": "last", "C": "last"}),
        (["purging A B x", "purge A B x"], {"A": "purged", "B": "last"}),
    ],
)
def test_what_the_ledger_says_of_each_content_of_a_store(ledger, lines, standing):
    say(ledger, *lines)
    found = KeptStores(ledger)
    assert {digest: found.standing(digest) for digest in standing} == standing


def test_the_last_of_every_store(ledger):
    say(ledger, *MONTHS, "events - X", "purging X Y x")
    assert KeptStores(ledger).last == ("B", "X")
    assert KeptStores(ledger).begun("X").seq == 4


def test_a_purge_is_as_old_as_what_was_last_recorded(ledger):
    say(ledger, "plain P", *MONTHS, "purging B C x", "purge B C x", "purging C D y", "purge Q R z")
    told = [(entry.seq, digest) for entry, digest in written_days(ledger)]
    assert told == [(1, "P"), (2, "A"), (3, "B"), (3, "C"), (3, "C"), (3, "D")]


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_stores_are_found_two_folders_deep_even_without_what_says_that_they_are_stores(tmp_path):
    touch(tmp_path, "a/store.json", "b/c/store.json", "b/d/events/bucket-000-1.parquet", "e/f/g/store.json")
    touch(tmp_path, ".h/store.json", "b/.i/store.json", "j/events/more.parquet")
    assert [path.relative_to(tmp_path).as_posix() for path in event_stores(tmp_path)] == ["a", "b/c", "b/d"]
    assert [is_store(tmp_path / name) for name in ("a", "b", "b/d", "j")] == [True, False, True, False]


def test_what_has_the_own_name_is_found_whatever_it_holds_unless_others_lie_in_it(tmp_path):
    (tmp_path / "events").mkdir()
    assert event_stores(tmp_path) == [tmp_path / "events"]
    touch(tmp_path, "extracts/2026-09/extracts.toml")
    assert folders_with(tmp_path, "extracts", "extracts.toml") == [tmp_path / "extracts" / "2026-09"]
    touch(tmp_path, "extracts/extracts.toml")
    assert len(folders_with(tmp_path, "extracts", "extracts.toml")) == 2
