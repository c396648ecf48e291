"""A kept store under new pseudonyms, after a change of the key that made them."""

import datetime as dt

import kept as keeping
import pandas as pd
import pytest
import small
import world as worlds

from vru_models.audit.ledger import Ledger
from vru_models.audit.stores import KeptStores, written_days
from vru_models.audit.verify import verify
from vru_models.errors import DataError, RefusedError
from vru_models.events import Events, record_events
from vru_models.feeds import admit, write_extracts
from vru_models.identifiers import PseudonymKey, rotate
from vru_models.workflow import Kept, purge, record, rekey

KEY = bytes(range(32))


def written(folder, mapping):
    """The mapping as rotate_csv writes it."""
    file = folder / "mapping.csv"
    lines = [f"{old},{new}" for old, new in mapping.items()]
    file.write_text("\n".join(["old_pseudonym,new_pseudonym", *lines]) + "\n")
    return file


def renamed(frames, mapping):
    """The extracts as they come from then on."""
    given = {name: frame for name, frame in frames.items() if "person_id" in frame}
    return frames | {name: frame.assign(person_id=frame["person_id"].map(mapping)) for name, frame in given.items()}


def extract(frames, day=small.EXTRACT_DATE):
    return admit(frames, worlds.spec(), extract_dates=dict.fromkeys(worlds.spec().feeds, day))


def test_a_store_under_new_pseudonyms_is_the_store_of_extracts_under_them():
    frames, spec = worlds.extracts(n=60), worlds.spec()
    mapping = {f"p{i:04}": f"q{(i * 7) % 60:04}" for i in range(60)}
    old = record_events(extract(frames), spec)
    new = record_events(extract(renamed(frames, mapping)), spec)
    made = old.rekeyed(pd.Series(mapping))
    assert made.digest == new.digest
    assert made.digest != old.digest
    again = record_events(extract(renamed(frames, mapping), dt.date(2024, 10, 1)), spec, earlier=made)
    assert {f.figures["new"] for f in again.findings if f.code == "VRU122"} == {0}
    assert {f.figures["elsewhere"] for f in again.findings if f.code == "VRU124"} == {0}


def test_links_and_objections_are_renamed_at_both_ends(tmp_path):
    mapping = pd.Series({name: f"new-{name}" for name in "abcde"})
    made = keeping.linked().rekeyed(mapping)
    assert made.people == frozenset(mapping)
    made.save(tmp_path / "store")
    assert Events.open(tmp_path / "store").digest == made.digest


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"a": "z", "b": "y"}, "mapping: 1 of 3 people are not in the mapping. Expected: everybody's old pseudonym."),
        ({"a": "z", "b": "y", "c": "z"}, "mapping: 1 pseudonyms are there twice. Expected: each once."),
    ],
)
def test_nobody_is_left_out_and_no_two_become_one(mapping, says):
    held = keeping.events(spells=None)
    with pytest.raises(DataError) as error:
        held.rekeyed(pd.Series(mapping))
    assert str(error.value).startswith(says)


def test_who_was_purged_stays_out_by_the_new_pseudonym():
    mapping = pd.Series({name: f"new-{name}" for name in "abcde"})
    held = keeping.events().purge("a", key=KEY)
    with pytest.raises(RefusedError, match="no key to tell whose rows must stay out"):
        held.rekeyed(mapping)
    made = held.rekeyed(mapping, key=KEY)
    assert made.tombstones.hide(pd.Series(["new-a", "a", "new-b"]), key=KEY).tolist() == [True, True, False]


def test_a_kept_store_goes_on_under_the_new_pseudonyms_and_the_ledger_follows_it(tmp_path):
    spec, ledger, store = worlds.spec(), Ledger(tmp_path / "ledger.jsonl"), tmp_path / "store"
    frames = worlds.extracts(n=60)
    raw = pd.Series([f"{1_000 + i}" for i in range(60)], dtype="str")
    keys = [PseudonymKey("early_help", bytes(range(i, i + 32))) for i in (1, 2)]
    mapping = rotate(raw, old=keys[0], new=keys[1], purpose="early_help", id_type="agency:school")
    mapping = "p" + mapping  # the small schema's pseudonyms begin with a letter
    ours = dict(zip([f"p{i:04}" for i in range(60)], mapping["old_pseudonym"], strict=True))
    to_new = dict(zip(mapping["old_pseudonym"], mapping["new_pseudonym"], strict=True))
    write_extracts(tmp_path / "august", renamed(frames, ours), extract_date=dt.date(2024, 8, 31))
    record(spec, tmp_path / "august", kept=Kept(store), ledger=ledger)
    purge(store, [ours["p0007"]], key=KEY, ledger=ledger)
    before = Events.open(store).digest
    file = written(tmp_path, to_new)
    assert rekey(store, file, ledger=ledger, key=KEY) == 60
    held = Events.open(store)
    assert held.people <= set(to_new.values())
    assert KeptStores(ledger).standing(held.digest) == "last"
    assert KeptStores(ledger).standing(before) == "older"
    assert len({entry.seq for entry, _ in written_days(ledger)}) == 1
    assert not verify(store, ledger=ledger).with_status("fail")
    write_extracts(tmp_path / "september", renamed(renamed(frames, ours), to_new), extract_date=small.EXTRACT_DATE)
    done = record(spec, tmp_path / "september", kept=Kept(store, KEY), ledger=ledger)
    assert set(done.brought["new"]) == {0}
    text = ledger.path.read_text()
    assert not [p for p in (*to_new, *to_new.values()) if p in text]


@pytest.mark.parametrize("content", [b"", b"old,new\na,b\n", b"old_pseudonym,new_pseudonym\na\n", b"\xff\n"])
def test_what_rotate_did_not_write_is_no_mapping(tmp_path, content):
    store, ledger = keeping.kept(tmp_path / "work")
    (tmp_path / "mapping.csv").write_bytes(content)
    before = Events.open(store).digest
    with pytest.raises(DataError, match=r"mapping: is not what rotate writes"):
        rekey(store, tmp_path / "mapping.csv", ledger=ledger)
    assert Events.open(store).digest == before
