import datetime as dt
import shutil

import kept
import pytest
import retained
import world as worlds

from vru_models.audit.approve import approve
from vru_models.audit.ledger import Ledger
from vru_models.errors import LedgerError, RefusedError, StorageError
from vru_models.events import Events
from vru_models.retention import beside, keeping
from vru_models.spec.digest import digest_file
from vru_models.workflow import purge


@pytest.fixture(scope="module")
def whole(released, tmp_path_factory):
    copy = shutil.copytree(released.place, tmp_path_factory.mktemp("keeping") / "work")
    return retained.everything(worlds.World(copy, released.spec, released.built, released.run, released.evidence))


@pytest.fixture
def place(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "work")


@pytest.fixture
def bare(tmp_path):
    (tmp_path / "work").mkdir()
    return tmp_path / "work", Ledger(tmp_path / "work" / "ledger.jsonl")


def what(found):
    return {a.place: (a.happens, a.why) for a in found}


def happens(found):
    return {a.place: a.happens for a in found}


ALL = (
    "report.html", "scores/2024-09", "extracts", "quarantine", "events", "audit_file.parquet", "dataset", "run",
    "evidence", "release",
)  # fmt: skip


@pytest.mark.parametrize(
    ("written", "window", "day", "expected"),
    [
        ("2026-11-01", "12 months", "2027-11-01", "stays"),
        ("2026-11-01", "12 months", "2027-11-02", "goes"),
        ("2026-11-01", "1 day", "2026-11-02", "stays"),
        ("2026-11-01", "1 day", "2026-11-03", "goes"),
        ("2028-02-29", "1 year", "2029-02-28", "stays"),
        ("2028-02-29", "1 year", "2029-03-01", "goes"),
        ("2026-11-30", "3 months", "2027-02-28", "stays"),
        ("2026-11-30", "3 months", "2027-03-01", "goes"),
        ("2026-11-01", "12 months", "2020-01-01", "stays"),
    ],
)
def test_the_last_day_of_the_window_is_kept_and_the_day_after_goes(bare, monkeypatch, written, window, day, expected):
    retained.on(monkeypatch, written)
    retained.audit_file(*bare)
    (found,) = keeping(bare[0], retained.spec(audit_file=window), bare[1], as_of=day)
    assert (found.happens, found.written) == (expected, dt.date.fromisoformat(written))


def test_the_plan_says_the_rule_the_day_and_the_last_day(bare, monkeypatch):
    retained.on(monkeypatch, "2026-11-01")
    retained.extracts(*bare, "extracts/2026-11")
    (found,) = keeping(bare[0], retained.spec(extracts="3 months"), bare[1])
    assert (found.kind, found.place) == ("extracts", "extracts/2026-11")
    assert (str(found.rule), str(found.until), found.why) == ("3 months", "2027-02-01", "kept for 3 months")


def test_without_a_day_today_counts(bare, monkeypatch):
    retained.on(monkeypatch, "2026-11-01")
    retained.audit_file(*bare)
    retained.on(monkeypatch, "2026-11-03")
    assert happens(keeping(bare[0], retained.spec(audit_file="1 day"), bare[1])) == {"audit_file.parquet": "goes"}


def test_without_windows_everything_is_kept_until_somebody_removes_it(place):
    found = what(keeping(place, retained.spec(), Ledger(place / "ledger.jsonl"), as_of="2199-01-01"))
    assert found == dict.fromkeys(ALL, ("stays", "the spec gives it no window: kept until somebody removes it"))


@pytest.mark.parametrize(("kind", "name"), [*zip(retained.KINDS, ALL, strict=True)])
def test_each_kind_goes_by_its_own_window_alone(place, kind, name):
    shutil.rmtree(place / "scores") if kind == "old_release" else None
    found = happens(
        keeping(place, retained.spec(**{kind: "1 day"}), Ledger(place / "ledger.jsonl"), as_of="2099-01-01")
    )
    assert {place for place, happens in found.items() if happens == "goes"} == {name}


def test_the_release_in_use_stays_with_its_run_and_its_evidence(place):
    ledger = Ledger(place / "ledger.jsonl")
    (approval,) = ledger.find("approval")
    last = dt.date.fromisoformat(approval.body["expires_on"])
    found = what(keeping(place, retained.every("1 day"), ledger, as_of=last))
    assert found["release"] == ("stays", f"due, but may be used up to {last}")
    for part in ("run", "evidence"):
        assert found[part] == ("stays", f"due, but a release approved on it may be used up to {last}")
    assert {place for place, (happens, _) in found.items() if happens == "goes"} == set(ALL[:-3])
    later = keeping(place, retained.every("1 day"), ledger, as_of=last + dt.timedelta(days=1))
    assert set(happens(later).values()) == {"goes"}


def test_a_superseded_release_goes_and_the_run_stays_for_the_later_one(place, released):
    ledger = Ledger(place / "ledger.jsonl")
    given = {"overrides": released.overrides, "key": place / "keys" / "approver.pem"}
    second = approve(released.run, released.evidence, ledger, by=worlds.APPROVER, out=place / "second", **given)
    found = what(keeping(place, retained.every("1 day"), ledger, as_of=second.expires_on))
    assert found["release"][0] == "goes"
    assert found["second"] == ("stays", f"due, but may be used up to {second.expires_on}")
    assert found["run"][0] == found["evidence"][0] == "stays"


def test_a_release_stays_as_long_as_a_list_that_was_made_from_it(place):
    ledger = Ledger(place / "ledger.jsonl")
    declared = retained.spec(old_release="1 day", scores="100 years")
    found = what(keeping(place, declared, ledger, as_of="2099-01-01"))
    assert found["release"] == ("stays", "due, but a list made from it is still kept")
    shutil.rmtree(place / "scores")
    assert what(keeping(place, declared, ledger, as_of="2099-01-01"))["release"][0] == "goes"


def test_a_list_does_not_wait_for_its_release(place):
    found = happens(keeping(place, retained.spec(scores="1 day"), Ledger(place / "ledger.jsonl"), as_of="2099-01-01"))
    assert (found["scores/2024-09"], found["release"]) == ("goes", "stays")


def test_a_copy_of_the_releases_page_is_as_old_as_the_release_and_goes_with_it(released, tmp_path):
    place = shutil.copytree(released.place, tmp_path / "released")
    shutil.copy(place / "release" / "report.html", place / "copy.html")
    ledger, (approval,) = Ledger(place / "ledger.jsonl"), released.ledger.find("approval")
    (kept,) = [a for a in keeping(place, retained.spec(report="6 years"), ledger) if a.place == "copy.html"]
    assert (kept.written, kept.happens) == (dt.date.fromisoformat(approval.at[:10]), "stays")
    found = what(keeping(place, retained.spec(old_release="1 day"), ledger, as_of="2099-01-01"))
    assert found["copy.html"] == ("goes", "goes with the release it is a copy of")
    shutil.copy(place / "release" / "report.html", place / "own.html")
    ledger.append("report", sha256=digest_file(place / "own.html"))
    found = what(keeping(place, retained.spec(old_release="1 day"), ledger, as_of="2099-01-01"))
    assert found["own.html"] == ("stays", "the spec gives it no window: kept until somebody removes it")


def test_where_the_ledger_names_a_content_twice_the_later_day_counts(bare, monkeypatch):
    for day in ("2026-11-01", "2026-12-01"):
        retained.on(monkeypatch, day)
        retained.extracts(*bare, "extracts")
    (found,) = keeping(bare[0], retained.spec(extracts="1 month"), bare[1], as_of="2027-01-01")
    assert (str(found.written), found.happens) == ("2026-12-01", "stays")


def test_what_the_ledger_never_named_stays_and_is_said_to(bare):
    retained.extracts(*bare, "extracts/2026-11", mark="a")
    retained.write(bare[0], "extracts/2026-12", {"people.csv": b"b", "extracts.toml": b"b"})
    retained.write(bare[0], "", {"holiday.html": b"sun"})
    retained.report(*bare)
    found = what(keeping(bare[0], retained.every("1 day"), bare[1], as_of="2099-01-01"))
    assert found["extracts/2026-11"][0] == "goes"
    for name in ("extracts/2026-12", "holiday.html"):
        assert found[name][0] == "stays"
        assert "the ledger says nothing of it" in found[name][1]


@pytest.mark.parametrize(
    "name",
    ["scores/2024-09/list.csv", "extracts/people.csv", "quarantine/quarantine.csv", "events/store.json",
     "audit_file.parquet", "dataset/part-000.parquet", "run/run.json", "evidence/evidence.json", "release/card.json",
     "report.html"],
)  # fmt: skip
def test_what_has_changed_is_refused_once_it_may_be_due(place, name):
    content = bytearray((place / name).read_bytes())
    content[len(content) // 2] ^= 1
    (place / name).write_bytes(content)
    part = next(p for p in ALL if name.startswith(p))
    found = keeping(place, retained.every("1 day"), Ledger(place / "ledger.jsonl"), as_of="2099-01-01")
    assert {a.place for a in found if a.happens == "refused"} == {part}


def test_what_has_changed_stays_before_it_may_be_due_and_without_a_window(bare):
    retained.audit_file(*bare)
    (bare[0] / "audit_file.parquet").write_bytes(b"changed")
    for declared, day in ((retained.every("50 years"), "2030-01-01"), (retained.spec(), "2099-01-01")):
        found = what(keeping(bare[0], declared, bare[1], as_of=day))
        assert found == {"audit_file.parquet": ("stays", "is not what the ledger says was written")}


def test_what_changed_after_everything_of_its_kind_had_expired_is_not_due(bare):
    retained.audit_file(*bare, mark="a")
    (found,) = keeping(bare[0], retained.every("1 day"), bare[1])
    bare[1].append("expired", artefact="audit_file", digest=found.digest)
    (bare[0] / "audit_file.parquet").write_bytes(b"b")
    (again,) = keeping(bare[0], retained.every("1 day"), bare[1], as_of="2099-01-01")
    assert (again.happens, again.why) == ("stays", "is not what the ledger says was written")


@pytest.mark.parametrize("name", ["dataset", "scores", "audit_file.parquet", "report.html"])
def test_a_link_is_refused_and_nothing_is_read_through_it(place, tmp_path, name):
    shutil.move(place / name, tmp_path / "elsewhere")
    (place / name).symlink_to(tmp_path / "elsewhere")
    found = what(keeping(place, retained.every("1 day"), Ledger(place / "ledger.jsonl"), as_of="2099-01-01"))
    at = "scores/2024-09" if name == "scores" else name
    assert found[at] == ("refused", f"{at}: is a link, or lies behind one, and links are not followed")


def test_the_folder_itself_may_be_named_by_a_link(bare, tmp_path):
    retained.audit_file(*bare)
    (tmp_path / "link").symlink_to(bare[0])
    found = keeping(tmp_path / "link", retained.every("1 day"), bare[1], as_of="2099-01-01")
    assert happens(found) == {"audit_file.parquet": "goes"}


def test_the_spec_of_another_purpose_is_refused(place):
    other = worlds.spec(**{"purpose.name": "other", "retention": {"release": "1 month", "run": "1 day"}})
    with pytest.raises(
        RefusedError, match=r"of another purpose \(small\).*Expected: artefacts of other.*Give the spec"
    ):
        keeping(place, other, Ledger(place / "ledger.jsonl"))


def test_a_broken_ledger_accounts_for_nothing(place):
    path = place / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"kind":"fit"', b'"kind":"fat"'))
    with pytest.raises(LedgerError, match="Keep this copy as it is"):
        keeping(place, retained.every("1 day"), Ledger(path))


def test_without_a_ledger_nothing_can_be_told(tmp_path):
    with pytest.raises(StorageError, match=r"ledger: is missing.*Give the ledger .* \(--ledger\)"):
        keeping(tmp_path, retained.every("1 day"), Ledger(tmp_path / "ledger.jsonl"))


def test_a_day_that_is_none_is_a_value_error(bare):
    retained.audit_file(*bare)
    with pytest.raises(ValueError, match=r"not a day\. Expected: YYYY-MM-DD"):
        keeping(bare[0], retained.every("1 day"), bare[1], as_of="2026-11")


def test_files_beside_the_artefacts_are_counted_and_those_of_stopped_writes_among_them(place):
    found = keeping(place, retained.every("1 day"), Ledger(place / "ledger.jsonl"))
    assert beside(place, found) == (4, 0)
    retained.write(place, ".dataset.4711-0.tmp", {"rows.parquet": b"rows"})
    retained.write(place, "notes", {"list.tmp": b"x"})
    assert beside(place, found) == (6, 1)


def test_a_folder_that_is_not_there_is_a_storage_error(bare):
    with pytest.raises(StorageError, match=r"is not a folder. Expected: a working folder. Check the path"):
        keeping(bare[0] / "none", retained.every("1 day"), bare[1])


def test_a_store_that_is_kept_is_found_by_whatever_name_and_a_purge_renews_nothing(tmp_path, monkeypatch):
    retained.on(monkeypatch, "2026-11-01")
    place, ledger = kept.kept(tmp_path / "w", "stores/early")
    retained.on(monkeypatch, "2027-05-01")
    for people in ("a", "b"):
        purge(place, [people], key=kept.KEY, ledger=ledger)
    (found,) = keeping(tmp_path / "w", retained.spec(events="1 year"), ledger, as_of="2027-11-01")
    assert (found.kind, found.place, str(found.written), found.happens) == (
        "events",
        "stores/early",
        "2026-11-01",
        "stays",
    )
    (found,) = keeping(tmp_path / "w", retained.spec(events="1 year"), ledger, as_of="2027-11-02")
    assert found.happens == "goes"
    kept.record(place, kept.events("cf"), ledger)
    (found,) = keeping(tmp_path / "w", retained.spec(events="1 year"), ledger, as_of="2027-11-02")
    assert (str(found.written), found.happens) == ("2027-05-01", "stays")


def test_a_store_that_the_ledger_does_not_name_as_it_is_is_refused_once_one_that_it_names_is_due(tmp_path):
    place, ledger = kept.kept(tmp_path / "w")
    Events.update(place, lambda held: held.purge("a", key=kept.KEY))
    found = what(keeping(tmp_path / "w", retained.spec(events="1 day"), ledger, as_of="2099-01-01"))
    assert found == {"st": ("refused", "is not what the ledger says was written")}


def test_a_file_more_in_a_store_is_refused_once_it_is_due(tmp_path):
    place, ledger = kept.kept(tmp_path / "w")
    (place / "events" / ".bucket-000.parquet.7-0.tmp").write_bytes(b"rows")
    (found,) = keeping(tmp_path / "w", retained.spec(events="1 day"), ledger, as_of="2099-01-01")
    assert (found.happens, found.why) == ("refused", "st: holds files that nobody recorded: 1")


def test_a_store_itself_is_no_folder_to_expire_from(tmp_path):
    place, ledger = kept.kept(tmp_path / "w")
    with pytest.raises(RefusedError, match=r"is an event store itself.* Expected: the folder that holds it. Give that"):
        keeping(place, retained.spec(events="1 day"), ledger)


def test_quarantines_of_every_month_are_found(tmp_path):
    content = {"quarantine.parquet": b"p", "quarantine.csv": b"c"}
    ledger = Ledger(tmp_path / "ledger.jsonl")
    digests = retained.write(tmp_path, "quarantine/2026-11", content)
    ledger.append("feeds", feeds=[], files={}, quarantine=digests, spec="5" * 64)
    found = happens(keeping(tmp_path, retained.spec(quarantine="1 day"), ledger, as_of="2099-01-01"))
    assert found == {"quarantine/2026-11": "goes"}
