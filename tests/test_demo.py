import json
from pathlib import Path

import pandas as pd
import pytest

from vru_models.audit.ledger import Ledger
from vru_models.demo import demo_steps, summary
from vru_models.errors import StorageError

SAME = [
    "report.html", "truth.csv", "audit_file.parquet", "release/card.json", "release/card.txt", "release/published.json",
    "release/known_answers.json", "release/report.html", "scores/list.parquet", "scores/list.csv", "scores/sheets.html",
    "evidence/evidence.json", "run/run.json", "dataset/dataset.json", "events/store.json",
    "quarantine/quarantine.parquet", "quarantine/quarantine.csv",
]  # fmt: skip


def _run(out):
    *_, last = demo_steps(out, n_people=4_000, seed=3)
    return last.demo


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twice")
    return _run(folder / "first"), _run(folder / "second")


@pytest.mark.parametrize("name", SAME)
def test_the_same_seed_gives_the_same_bytes(twice, name):
    first, second = (Path(demo.out / name).read_bytes().replace(_signer(demo), b"signer") for demo in twice)
    assert first == second


def _signer(demo):
    """The fingerprint of the key that the demonstration made for itself: new each time."""
    return json.loads((demo.out / "release" / "approval.json").read_bytes())["signed_by"][0].encode()


def test_the_summary_is_ten_lines_that_say_what_a_person_needs(twice):
    lines = summary(twice[0])
    assert len(lines) == 10
    starts = [
        "Listed: 200 of ", "Model: ", "Good at capacity? On ", "Missed: ", "Fairness: ", "Override: ",
        "Report for reviewers: ", "List and reason sheets: ", "Everything that happened: ", "Next: vru-models verify ",
    ]  # fmt: skip
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))


def test_the_list_has_the_declared_places(twice):
    listed = pd.read_parquet(twice[0].out / "scores" / "list.parquet")
    assert len(listed) == 200
    assert (listed["kind"] == "random").sum() == 10
    assert listed["place"].tolist() == list(range(1, 201))


def test_the_ledger_tells_the_story_in_order_and_names_nobody(twice):
    demo = twice[0]
    kinds = [entry.kind for entry in Ledger(demo.out / "ledger.jsonl")]
    assert kinds == [
        "feeds", "events", "dataset", "audit_file", "bars", "fit", "sealed_split_opened", "evidence", "approval",
        "scores",
    ]  # fmt: skip
    people = set(pd.read_parquet(demo.out / "scores" / "list.parquet")["person_id"])
    text = (demo.out / "ledger.jsonl").read_text(encoding="utf-8")
    assert not any(person in text for person in people)


def test_the_true_need_is_beside_the_feeds_and_never_among_them(twice):
    out = twice[0].out
    assert "need" in pd.read_csv(out / "truth.csv", nrows=1)
    for file in (out / "extracts").glob("*.csv"):
        assert "need" not in pd.read_csv(file, nrows=1).columns


def test_protected_characteristics_lie_apart(twice):
    out = twice[0].out
    assert (out / "audit_file.parquet").stat().st_mode & 0o777 == 0o600
    columns = {name for file in (out / "dataset").glob("*.parquet") for name in pd.read_parquet(file).columns}
    assert "person_id" in columns
    assert not columns & {"sex", "ethnicity", "ethnic_group", "disability"}


def test_the_release_says_who_answered_for_what(twice):
    approval = json.loads((twice[0].out / "release" / "approval.json").read_bytes())
    assert set(approval["overrides"]) == set(twice[0].made["overridden"])
    assert approval["version"] == 1


def test_a_folder_that_is_there_is_not_touched(tmp_path):
    with pytest.raises(StorageError, match="is already there"):
        next(demo_steps(tmp_path, n_people=4_000, seed=0))
    assert list(tmp_path.iterdir()) == []
