import io
import json

import pandas as pd
import pytest
import ready
import small
from page import Page

from vru_models.errors import StorageError
from vru_models.spec.digest import digest_bytes

NASTY = "=1+1<b onclick=x>&amp;"


@pytest.fixture(scope="module")
def made():
    return ready.made()


@pytest.fixture(scope="module")
def files(made):
    return made.files()


@pytest.fixture(scope="module")
def page(files):
    return Page(files["readiness.html"].decode())


def test_the_page_is_whole_and_runs_and_fetches_nothing(page):
    assert page.balanced
    assert page.runs_and_fetches_nothing()
    assert page.has_policy()
    assert page.skips_no_heading()
    assert len(page.ids) == len(set(page.ids))


def test_every_finding_is_on_the_page(made, page):
    for finding in made.findings:
        assert finding.code in page.text
        if finding.status != "pass":
            assert " ".join(finding.message.replace("_", " ").split()) in page.text


def test_the_page_is_the_same_each_time(files):
    assert ready.made().files() == files


def test_every_table_is_a_file_of_the_frame(made, files):
    for name in made.tables:
        read = pd.read_csv(io.BytesIO(files[f"{name}.csv"]), keep_default_na=False, na_values=[""])
        assert list(read.columns) == list(made.frame(name).columns)
        assert len(read) == len(made.tables[name].table)


def test_the_findings_are_json(made, files):
    record = json.loads(files["findings.json"])
    assert record["findings"] == made.findings.records()
    assert record["extract_dates"]["people"] == "2024-09-01"


def test_what_the_extracts_say_is_escaped_and_no_formula():
    given = ready.frames()
    given["audit"] = given["audit"].assign(sex=NASTY)
    files = ready.made(given).files()
    page = Page(files["readiness.html"].decode())
    assert page.runs_and_fetches_nothing()
    assert "<b onclick" not in page.html
    assert NASTY in page.text
    assert "'=1+1" in files["groups.csv"].decode()
    assert ",=1+1" not in files["groups.csv"].decode()


def test_a_share_is_printed_with_its_bound(page):
    assert "at least 85 %" in page.text
    assert "at most 15 %" in page.text
    assert "nan" not in page.text.lower().split()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (ready.frames(range(300), suspended=range(300), gone=range(50, 100)), "Not ready as it stands."),
        (ready.frames(range(1), suspended=range(1), gone=range(1)), "Nothing fails, and some things cannot be told."),
    ],
)
def test_the_page_begins_with_whether_anything_fails(given, says):
    assert says in Page(ready.made(given).files()["readiness.html"].decode()).text


def test_saving_gives_the_digest_of_every_file(made, tmp_path):
    written = made.save(tmp_path / "out")
    left = {file.name: digest_bytes(file.read_bytes()) for file in (tmp_path / "out").iterdir()}
    assert written == left


def test_a_folder_that_holds_something_is_not_written_to(made, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(StorageError, match="cannot be written"):
        made.save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["note.txt"]


def test_the_declaration_is_named(page):
    assert small.spec().digest in page.text
