import json
import shutil

import kept
import pytest
import retained

from vru_models.audit.ledger import Ledger
from vru_models.audit.verify import verify
from vru_models.errors import StorageError
from vru_models.events import Events, store
from vru_models.spec.digest import digest_bytes, digest_json
from vru_models.workflow import purge

FINE = ("pass", "as the ledger says")


def recorded(path, **named):
    return [(f.where, f.status, f.message) for f in verify(path, **named) if f.code == "VRU607"]


def of(path, **named):
    """What is found of the one store there."""
    [(_, status, message)] = recorded(path, **named)
    return status, message


def out(place, ledger, *people, **given):
    return purge(place, people, key=kept.KEY, ledger=ledger, **given)


@pytest.mark.parametrize("name", ["st", "events", "stores/early_help"])
def test_a_store_that_is_kept_is_as_the_ledger_says_wherever_it_lies_and_whatever_it_is_called(tmp_path, name):
    place, ledger = kept.kept(tmp_path / "w", name)
    assert of(tmp_path / "w") == of(place, ledger=ledger.path) == FINE
    out(place, ledger, "a")
    assert of(tmp_path / "w") == of(place) == FINE
    shutil.move(place, tmp_path / "elsewhere")
    assert of(tmp_path / "elsewhere", ledger=ledger) == FINE
    with pytest.raises(StorageError, match=r"holds nothing to verify.* say where its ledger is"):
        verify(tmp_path / "elsewhere")


@pytest.mark.parametrize("name", ["st", "events"])
def test_a_copy_that_is_put_back_after_a_purge_fails_and_so_does_what_is_recorded_onto_it(tmp_path, name):
    place, ledger = kept.kept(tmp_path / "w", name)
    copy = shutil.copytree(place, tmp_path / "copy")
    out(place, ledger, "a")
    shutil.rmtree(place)
    shutil.copytree(copy, place)
    failing = ("fail", "is from before a purge, and older than the last that was recorded: restore the last")
    assert of(place) == failing
    kept.record(place, kept.events("abcf"), ledger)
    assert of(place) == failing


def test_a_copy_of_an_earlier_month_fails_before_and_after_a_purge(tmp_path):
    place, ledger = kept.kept(tmp_path / "w")
    kept.events("ab").save(tmp_path / "w" / "copy")
    message = "is older than the last that was recorded: a copy, or a record that was stopped. Record again"
    assert recorded(tmp_path / "w") == [("copy", "fail", message), ("st", *FINE)]
    out(place, ledger, "c")
    message = "is from before a purge, and older than the last that was recorded: restore the last"
    assert recorded(tmp_path / "w") == [("copy", "fail", message), ("st", *FINE)]


def test_a_record_that_was_stopped_before_the_store_was_written_fails_until_it_is_done_again(tmp_path):
    place, ledger = kept.kept(tmp_path / "w")
    ledger.append("events", events="f" * 64, rows=9, before=Events.open(place).digest)
    assert of(place)[0] == "fail"
    kept.record(place, kept.events("abcf"), ledger)
    assert of(place) == FINE


def test_tombstones_that_are_emptied_with_a_fitting_digest_fail(tmp_path):
    place, ledger = kept.kept(tmp_path / "w")
    out(place, ledger, "a")
    manifest = json.loads((place / "store.json").read_bytes())
    rest = {k: v for k, v in manifest.items() if k != "digest"} | {"tombstones": {"check": "", "people": []}}
    (place / "store.json").write_text(json.dumps(rest | {"digest": digest_json(rest)}))
    assert len(Events.open(place).tombstones) == 0
    assert of(place) == ("fail", "is not what the ledger says was written")


def test_a_purge_that_could_not_be_written_fails_until_it_is_done_again(tmp_path, monkeypatch):
    place, ledger = kept.kept(tmp_path / "w")

    def full(*_, **__):
        raise StorageError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(store, "write_file", full)
        with pytest.raises(StorageError, match="no space"):
            out(place, ledger, "a")
    day = ledger.find("purging")[0].at[:10]
    message = f"a purge begun on {day} was never finished, and its rows are here: purge them again"
    assert of(place) == ("fail", message)
    kept.record(place, kept.events("abcf"), ledger)
    assert of(place) == ("fail", message)
    out(place, ledger, "b")
    assert of(place) == ("fail", message)
    assert out(place, ledger, "a").found == 1
    assert of(place) == FINE


def test_a_purge_that_was_done_and_never_said_so_cannot_be_told_until_it_is_done_again(tmp_path):
    place, ledger = kept.kept(tmp_path / "w")
    stopped = Ledger(tmp_path / "stopped.jsonl")
    stopped.path.write_bytes(ledger.path.read_bytes())
    copy = shutil.copytree(place, tmp_path / "w" / "copy")
    out(place, stopped, "a")
    ledger.path.write_bytes(b"".join(stopped.path.read_bytes().splitlines(keepends=True)[:-1]))
    day = ledger.find("purging")[0].at[:10]
    message = f"as the purge begun on {day} was to leave it, which did not finish: purge again"
    assert of(place) == ("cannot tell", message)
    again = out(place, ledger, "a")
    assert (again.found, again.before) == (0, 1)
    assert of(place) == FINE
    assert of(copy) == (
        "fail",
        "is from before a purge, and older than the last that was recorded: restore the last",
    )


def test_what_is_recorded_onto_a_purge_that_never_said_it_was_done_is_as_the_ledger_says(tmp_path):
    place, ledger = kept.kept(tmp_path / "w")
    copy = shutil.copytree(place, tmp_path / "w" / "copy")
    out(place, ledger, "a")
    ledger.path.write_bytes(b"".join(ledger.path.read_bytes().splitlines(keepends=True)[:-1]))
    kept.record(place, kept.events("bcf"), ledger)
    assert of(place) == FINE
    assert of(copy)[0] == "fail"


@pytest.mark.parametrize("lost", ["store.json", "events/bucket-*.parquet", "spells-*.parquet"])
def test_a_store_that_lost_a_file_fails_in_its_folder_and_alone(tmp_path, lost):
    place, _ = kept.kept(tmp_path / "w")
    next(place.glob(lost)).unlink()
    for path in (tmp_path / "w", place):
        status, message = of(path)
        assert status == "fail"
        assert "is missing" in message


def test_a_store_that_the_ledger_names_and_is_not_here_cannot_be_told(tmp_path):
    place, ledger = kept.kept(tmp_path / "w")
    other = tmp_path / "w" / "other"
    kept.record(other, kept.events("xy"), ledger)
    assert recorded(tmp_path / "w") == [("other", *FINE), ("st", *FINE)]
    shutil.rmtree(place)
    message = "1 of 2 that the ledger names are not in this folder: kept elsewhere, or removed"
    assert recorded(tmp_path / "w") == [("other", *FINE), ("kept store", "cannot tell", message)]


def test_a_store_of_another_ledger_fails(tmp_path):
    kept.kept(tmp_path / "w")
    kept.events("xyz").save(tmp_path / "w" / "foreign")
    assert recorded(tmp_path / "w")[0] == ("foreign", "fail", "is not what the ledger says was written")


def test_events_that_were_built_from_a_store_stay_as_they_are_and_a_later_purge_is_said(tmp_path):
    place, ledger = kept.kept(tmp_path / "w")
    ledger.append("dataset", dataset="d" * 64, events=Events.open(place).digest)
    shutil.copytree(place, tmp_path / "w" / "events")
    kept.record(place, kept.events("abcf"), ledger)
    assert {("events", *FINE), ("st", *FINE)} < {*recorded(tmp_path / "w")}
    out(place, ledger, "a")
    message = "as the ledger says, and from before a purge: it holds people who were purged since"
    assert ("events", "cannot tell", message) in recorded(tmp_path / "w")
    shutil.move(tmp_path / "w" / "events", tmp_path / "w" / "put_back")
    assert ("put_back", "fail") in [found[:2] for found in recorded(tmp_path / "w")]


def test_events_of_which_the_ledger_does_not_say_that_they_are_kept_are_those_of_any_entry(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for people in ("ab", "abc"):
        ledger.append("events", events=kept.events(people).digest, rows=2)
    kept.events("ab").save(tmp_path / "events")
    assert of(tmp_path) == FINE


def test_extracts_of_every_month_are_checked_and_those_that_nobody_read_cannot_be_told(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for month in ("2026-09", "2026-10"):
        retained.extracts(tmp_path, ledger, f"extracts/{month}", mark=month)
    retained.write(tmp_path, "extracts/2026-11", {"people.csv": b"person_id\n", "extracts.toml": b""})
    unread = ("2026-11", "cannot tell", "the ledger says nothing of it: not read yet, or changed")

    def read():
        return [found for found in recorded(tmp_path) if found[0].startswith(("2026", "extracts"))]

    assert read() == [("2026-09", *FINE), ("2026-10", *FINE), unread]
    (tmp_path / "extracts" / "2026-10" / "people.csv").write_text("person_id\n")
    assert read() == [("2026-09", *FINE), ("2026-10", "fail", "is not what the ledger says was written"), unread]


def test_a_folder_of_extracts_is_checked_by_itself(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    retained.extracts(tmp_path, ledger, "extracts/2026-09")
    place = tmp_path / "extracts" / "2026-09"
    assert recorded(place) == recorded(place, ledger=ledger) == [("2026-09", *FINE)]
    (place / "people.csv").write_text("x")
    (place / "extracts.toml").write_text("x")
    assert recorded(place) == [("2026-09", "fail", "is not what the ledger says was written")]


def test_a_quarantine_is_found_in_a_folder_of_the_month_and_its_absence_is_no_alarm(tmp_path):
    content = {"quarantine.parquet": b"p", "quarantine.csv": b"c"}
    digests = {name: digest_bytes(text) for name, text in content.items()}
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("feeds", feeds=[], files={}, quarantine=digests, spec="5" * 64)
    message = "1 of 1 that the ledger names are not in this folder: kept elsewhere, or removed"
    assert recorded(tmp_path) == [("quarantine", "not applicable", message)]
    retained.write(tmp_path, "quarantine/2026-11", content)
    assert recorded(tmp_path) == [("2026-11", *FINE)]
    (tmp_path / "quarantine" / "2026-11" / "quarantine.csv").write_text("edited")
    assert recorded(tmp_path) == [("2026-11", "fail", "is not what the ledger says was written")]
    retained.write(tmp_path, "quarantine/2026-12", {"quarantine.parquet": b"q", "quarantine.csv": b"d"})
    message = "the ledger says nothing of it: of extracts that record refused, or changed"
    assert recorded(tmp_path)[1] == ("2026-12", "cannot tell", message)
    (tmp_path / "dataset").mkdir()
    assert recorded(tmp_path)[1] == ("2026-12", "fail", "is not what the ledger says was written")
