import csv
import dataclasses
import fcntl
import io
import json
import os
import stat

import pandas as pd
import pytest
import tiny
from page import Page

from vru_models.audit.ledger import Ledger
from vru_models.errors import LockedError, RefusedError, StorageError
from vru_models.scoring import output, score
from vru_models.scoring.output import save_scores
from vru_models.spec.digest import digest_file


@pytest.fixture
def ledger(tmp_path):
    return tiny.ledger(tmp_path / "ledger.jsonl")


@pytest.fixture
def scores(ledger):
    return score(tiny.release(), tiny.events(), as_of=tiny.AS_OF, ledger=ledger)


def files(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def test_what_is_left_is_the_list_the_sheets_a_summary_and_success(scores, ledger, tmp_path):
    scores.save(tmp_path / "scores", ledger=ledger)
    assert list(files(tmp_path / "scores")) == ["_SUCCESS", "list.csv", "list.parquet", "scores.json", "sheets.html"]
    stored = pd.read_parquet(tmp_path / "scores" / "list.parquet")
    pd.testing.assert_frame_equal(stored, scores.list, check_dtype=False)


def test_the_summary_holds_counts_and_digests_and_nobody(scores, ledger, tmp_path):
    scores.save(tmp_path / "scores", ledger=ledger)
    summary = json.loads((tmp_path / "scores" / "scores.json").read_bytes())
    assert summary == {
        "purpose": "small",
        "version": 1,
        "release": "d" * 64,
        "as_of": "2024-09-15",
        "counts": {"in_view": 6, "eligible": 5, "routed": 1, "objecting": 0, "listed": 4},
        "extracts": dict.fromkeys(["audit", "cover", "exclusions", "missing", "people"], "2024-09-01"),
        "findings": scores.findings.records(),
        "overrides": {},
        "overridden_by": "",
        "events": tiny.events().digest,
    }


def test_the_ledger_knows_the_files_before_they_are_there(scores, ledger, tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "write_folder", stop)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        save_scores(scores, tmp_path / "scores", ledger)
    (entry,) = ledger.find("scores")
    assert entry.body["counts"] == dict(scores.counts)
    assert not (tmp_path / "scores").exists()


def test_a_run_that_was_killed_before_it_published_gives_the_same_bytes_when_run_again(
    scores, ledger, tmp_path, monkeypatch
):
    scores.save(tmp_path / "whole", ledger=ledger)
    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            save_scores(scores, tmp_path / "killed", ledger)
    assert not (tmp_path / "killed").exists()
    again = score(tiny.release(), tiny.events(), as_of=tiny.AS_OF, ledger=ledger)
    again.save(tmp_path / "killed", ledger=ledger)
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


def test_the_digests_in_the_ledger_are_those_of_the_files(scores, ledger, tmp_path):
    scores.save(tmp_path / "scores", ledger=ledger)
    (entry,) = ledger.find("scores", release="d" * 64, as_of="2024-09-15")
    said = {name: digest_file(tmp_path / "scores" / name) for name in files(tmp_path / "scores") if name != "_SUCCESS"}
    assert entry.body["files"] == said


def test_a_second_run_on_the_same_output_is_locked_out_and_writes_nothing(scores, ledger, tmp_path):
    scores.save(tmp_path / "scores", ledger=ledger)
    before, entries = files(tmp_path / "scores"), len(ledger)
    with pytest.raises(LockedError, match=r"holds a finished run.*Nothing was written") as caught:
        scores.save(tmp_path / "scores", ledger=ledger)
    assert caught.value.exit_code == 75
    assert (files(tmp_path / "scores"), len(ledger)) == (before, entries)


def test_a_run_at_the_same_time_is_locked_out(scores, ledger, tmp_path):
    with open(tmp_path / ".scores.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(LockedError, match="another run is writing it"):
            save_scores(scores, tmp_path / "scores", ledger)
    assert not ledger.find("scores")
    save_scores(scores, tmp_path / "scores", ledger)
    assert (tmp_path / "scores" / "_SUCCESS").is_file()


def test_a_lock_that_was_taken_away_meanwhile_is_none(scores, ledger, tmp_path, monkeypatch):
    real = fcntl.flock

    def late(fd, how):
        (tmp_path / ".scores.lock").unlink(missing_ok=True)
        real(fd, how)

    monkeypatch.setattr(output.fcntl, "flock", late)
    with pytest.raises(LockedError, match="another run is writing it"):
        scores.save(tmp_path / "scores", ledger=ledger)
    assert not (tmp_path / "scores").exists()


def test_nothing_but_the_list_is_left_and_only_its_owner_can_read_it(scores, ledger, tmp_path):
    before = os.umask(0o022)
    try:
        scores.save(tmp_path / "to" / "scores", ledger=ledger)
    finally:
        os.umask(before)
    assert [p.name for p in (tmp_path / "to").iterdir()] == ["scores"]
    folder = tmp_path / "to" / "scores"
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600


def test_a_list_inside_a_release_would_break_it(scores, ledger, tmp_path):
    (tmp_path / "manifest.json").touch()
    with pytest.raises(StorageError, match="lies inside a release, which a new file would break"):
        scores.save(tmp_path / "lists" / "scores", ledger=ledger)
    assert not ledger.find("scores")
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == []


def test_a_list_that_was_changed_after_scoring_is_not_written(scores, ledger, tmp_path):
    scores.list.loc[0, "points"] += 1
    with pytest.raises(RefusedError, match="scores: list: was changed after it was scored"):
        scores.save(tmp_path / "scores", ledger=ledger)
    assert not ledger.find("scores")


def test_a_list_is_recorded_where_the_release_was_approved(scores, tmp_path):
    with pytest.raises(RefusedError, match="does not hold the approval of this release"):
        scores.save(tmp_path / "scores", ledger=Ledger(tmp_path / "fresh.jsonl"))


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: p.symlink_to("nowhere")], ids=["folder", "link"])
def test_a_place_that_is_taken_by_something_else_is_refused(scores, ledger, tmp_path, make):
    make(tmp_path / "scores")
    with pytest.raises(StorageError, match="is already there"):
        scores.save(tmp_path / "scores", ledger=ledger)
    assert not ledger.find("scores")


@pytest.mark.parametrize(("place", "error"), [("/", StorageError), (".", StorageError)])
def test_a_place_without_a_name_is_refused_in_words(scores, ledger, place, error):
    with pytest.raises(error, match=r"root folder|already there"):
        scores.save(place, ledger=ledger)


def test_a_lock_that_is_a_link_is_not_followed(scores, ledger, tmp_path):
    (tmp_path / ".scores.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="scores: is or holds a symbolic link"):
        save_scores(scores, tmp_path / "scores", ledger)
    assert not (tmp_path / "elsewhere").exists()


def test_folders_above_are_made(scores, ledger, tmp_path):
    scores.save(tmp_path / "a" / "b" / "2024-09", ledger=ledger)
    assert (tmp_path / "a" / "b" / "2024-09" / "_SUCCESS").is_file()


def test_an_override_is_in_the_ledger_and_in_the_summary(ledger, tmp_path):
    given = {"VRU501": "the feed was late this month"}
    late = score(
        tiny.release(), tiny.events(), as_of="2024-10-16", ledger=ledger, overrides=given, by="B. Name, panel chair"
    )
    late.save(tmp_path / "scores", ledger=ledger)
    summary = json.loads((tmp_path / "scores" / "scores.json").read_bytes())
    for told in (ledger.find("scores")[0].body, summary):
        assert told["overrides"] == given
        assert told["overridden_by"] == "B. Name, panel chair"
        assert told["events"] == tiny.events().digest


def test_the_csv_rounds_the_chance_of_a_place_and_the_parquet_file_keeps_it(ledger, scores, tmp_path):
    chances = [1.0, 0.75, 2 / 3, 0.00123456]
    dataclasses.replace(scores, list=scores.list.assign(inclusion_probability=chances)).save(
        tmp_path / "scores", ledger=ledger
    )
    rows = list(csv.reader(io.StringIO((tmp_path / "scores" / "list.csv").read_text())))
    column = [row[rows[0].index("inclusion_probability")] for row in rows[1:]]
    assert column == ["1.0", "0.75", "0.6667", "0.001235"]
    assert pd.read_parquet(tmp_path / "scores" / "list.parquet")["inclusion_probability"].tolist() == chances


def test_the_csv_of_a_hostile_declaration_runs_nothing(ledger, scores, tmp_path):
    hostile = dataclasses.replace(scores, list=scores.list.assign(reason_1='=HYPERLINK("http://x")', protective="@x"))
    hostile.save(tmp_path / "scores", ledger=ledger)
    rows = list(csv.reader(io.StringIO((tmp_path / "scores" / "list.csv").read_text())))
    assert rows[1][rows[0].index("reason_1")] == '\'=HYPERLINK("http://x")'
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)


def test_the_sheets_are_one_safe_page_with_a_sheet_for_each_person(scores, ledger, tmp_path):
    scores.save(tmp_path / "scores", ledger=ledger)
    page = Page((tmp_path / "scores" / "sheets.html").read_text())
    assert page.balanced
    assert page.runs_and_fetches_nothing()
    assert page.html.count('class="sheet"') == 4
    assert "Drawn at random" in page.text


def test_markup_in_a_sheet_is_text(scores):
    marked = dataclasses.replace(scores, list=scores.list.assign(reason_1="<script>alert(1)</script>"))
    assert "<script>" not in output.sheets(marked)
