import re
import shutil
import sys
from pathlib import Path

import pytest

from vru_models.audit.ledger import Ledger
from vru_models.cli import main

COMMANDS = [
    "demo", "check", "readiness", "record", "build", "fit", "evaluate", "key", "approve", "score", "verify", "report",
    "purge", "expire", "secret", "pseudonymise", "rotate", "rekey",
]  # fmt: skip


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "demo"
    argv, sys.argv = sys.argv, ["vru-models", "demo", "--out", str(folder), "--people", "4000", "--seed", "1"]
    try:
        with pytest.raises(SystemExit, match="0"):
            main()
    finally:
        sys.argv = argv
    return folder


def _is_one_clear_error(called, code):
    assert called.code == code, called.err
    assert "Traceback" not in called.err
    lines = [line for line in called.err.strip().splitlines() if not re.match(r"\[ *\d+\.\d s\] ", line)]
    assert 1 <= len(lines) <= 12
    assert re.match(r"\w+Error: \S", lines[0]), called.err
    assert "A defect" not in called.err


def test_help_reads_like_a_table_of_contents(call):
    called = call("--help")
    assert called.code == 0
    positions = [called.out.index(f"\n  {name}") for name in COMMANDS]
    assert positions == sorted(positions)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(call, command):
    called = call(command, "--help")
    assert called.code == 0
    assert f"Example: vru-models {command}" in called.out


def test_the_version_is_printed(call):
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", call("--version").out)


def test_an_unknown_command_is_a_usage_error(call):
    assert call("predict").code == 2


def test_the_demo_leaves_everything_and_verifies(call, demo):
    left = {p.name for p in demo.iterdir()}
    assert left >= {
        "extracts", "events", "dataset", "run", "evidence", "release", "trust.toml", "ledger.jsonl", "scores",
        "report.html",
    }  # fmt: skip
    assert {p.name for p in (demo / "scores").iterdir()} >= {"list.parquet", "list.csv", "sheets.html", "_SUCCESS"}
    called = call("verify", demo)
    assert called.code == 0
    assert " fail" not in called.out


def test_the_demo_does_not_overwrite(call, demo):
    _is_one_clear_error(call("demo", "--out", demo), 74)


@pytest.mark.parametrize("words", [["fit", "early_help"], ["evaluate"]])
def test_a_step_whose_result_is_there_does_nothing_and_opens_nothing(call, demo, words):
    before = (demo / "ledger.jsonl").read_bytes()
    _is_one_clear_error(call(*words, demo), 75)
    assert (demo / "ledger.jsonl").read_bytes() == before


def test_the_steps_one_by_one_end_in_a_list(call, demo, tmp_path):
    work, extracts = tmp_path / "work", demo / "extracts"
    assert call("check", "early_help", "--extracts", extracts).code == 0
    assert call("build", "early_help", "--extracts", extracts, "--out", work).code == 0
    assert call("fit", "early_help", work).code == 0
    evaluated = call("evaluate", work)
    assert evaluated.code == 0
    assert call("report", work, "--out", tmp_path / "report.html").code == 0
    assert call("key", tmp_path / "a.pem", "--name", "A. Name", "--trust", tmp_path / "trust.toml").code == 0
    sign = ["approve", work, "--by", "A. Name, owner", "--key", tmp_path / "a.pem", "--out", work / "release"]
    sign += ["--trust", tmp_path / "trust.toml"]
    refused = call(*sign)
    open_codes = sorted(set(re.findall(r"(VRU\d+) (?:fail|cannot tell)", evaluated.out)))
    if open_codes:
        _is_one_clear_error(refused, 3)
        assert not (work / "release").exists()
        answers = [part for code in open_codes for part in ("--override", f"{code}=looked at by the equality lead")]
        assert call(*sign, *answers).code == 0
    scored = ["score", work / "release", extracts, "--as-of", "2026-11-02", "--out", work / "scores"]
    _is_one_clear_error(call(*scored), 3)
    done = call(*scored, "--trust", tmp_path / "trust.toml")
    assert done.code == 0, done.err
    _is_one_clear_error(call(*scored, "--trust", tmp_path / "trust.toml"), 75)
    assert call("verify", work, "--trust", tmp_path / "trust.toml").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["check", "nowhere.toml", "--extracts", "nowhere"],
        ["check", "early_help", "--extracts", "nowhere"],
        ["build", "early_help", "--extracts", "nowhere", "--out", "work"],
        ["fit", "early_help", "nowhere"],
        ["evaluate", "nowhere"],
        [
            "approve",
            "nowhere",
            "--by",
            "A. Name, owner",
            "--key",
            "nowhere.pem",
            "--trust",
            "t.toml",
            "--out",
            "release",
        ],
        ["score", "nowhere", "nowhere", "--as-of", "2026-11-02", "--out", "scores"],
        ["verify", "nowhere"],
        ["report", "nowhere", "--out", "report.html"],
    ],
    ids=lambda words: words[0],
)
def test_a_missing_path_is_an_input_error_and_leaves_nothing(call, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _is_one_clear_error(call(*words), 74)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["evaluate", "approve", "report", "fit", "verify", "score"])
def test_a_folder_of_something_else_is_refused(call, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "holiday.txt").write_text("sun")
    more = {
        "approve": ["--by", "A. Name, owner", "--key", "k.pem", "--trust", "t.toml", "--out", "release"],
        "report": ["--out", "report.html"],
        "score": ["else", "--as-of", "2026-11-02", "--out", "scores"],
    }
    words = ["fit", "early_help", "else"] if command == "fit" else [command, "else", *more.get(command, [])]
    called = call(*words)
    assert called.code in (3, 74)
    _is_one_clear_error(called, called.code)
    assert {p.name for p in tmp_path.iterdir()} == {"else"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[purpose", "is not TOML"),
        ("", "is missing"),
        ("[purpose]\nnickname = 'x'", "purpose.nickname: is not a known key here"),
        ("\ufffe\x00", "is not"),
    ],
)
def test_an_unreadable_spec_is_a_spec_error(call, text, says, tmp_path):
    (tmp_path / "spec.toml").write_text(text)
    called = call("check", tmp_path / "spec.toml", "--extracts", tmp_path)
    assert called.code == 2
    assert says in called.err
    assert "Traceback" not in called.err


def test_a_shipped_spec_that_does_not_exist_says_which_do(call, tmp_path):
    called = call("check", "early_halp", "--extracts", tmp_path)
    _is_one_clear_error(called, 2)
    assert "Did you mean 'early_help'?" in called.err


def test_a_date_that_is_none_is_a_usage_error(call, demo, tmp_path):
    called = call("score", demo / "release", demo / "extracts", "--as-of", "tomorrow", "--out", tmp_path / "scores")
    _is_one_clear_error(called, 2)


def test_a_changed_release_is_refused_by_verify_and_by_score(call, demo, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(demo, copy)
    card = copy / "release" / "card.json"
    card.write_bytes(card.read_bytes().replace(b'"slope"', b'"slopf"'))
    assert call("verify", copy).code == 3
    words = ["score", copy / "release", copy / "extracts", "--as-of", "2026-11-02", "--out", tmp_path / "scores"]
    _is_one_clear_error(call(*words, "--trust", copy / "trust.toml"), 3)
    assert not (tmp_path / "scores").exists()


@pytest.mark.parametrize(
    "part",
    ["quarantine", "events", "dataset", "audit_file.parquet", "run", "evidence", "release", "scores", "ledger.jsonl"],
)
def test_verify_finds_a_changed_byte_in_every_part(call, demo, part, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(demo, copy)
    place = copy / part
    files = [p for p in (place, *place.rglob("*")) if p.is_file()]
    target = max(files, key=lambda p: p.stat().st_size)
    content = bytearray(target.read_bytes())
    content[len(content) // 2] ^= 1
    target.write_bytes(content)
    called = call("verify", copy)
    assert called.code == 3
    assert "Traceback" not in called.err


def test_a_stranger_among_the_signers_is_refused(call, demo, tmp_path):
    assert call("key", tmp_path / "s.pem", "--name", "Stranger", "--trust", tmp_path / "other.toml").code == 0
    words = ["score", demo / "release", demo / "extracts", "--as-of", "2026-11-02", "--out", tmp_path / "scores"]
    called = call(*words, "--trust", tmp_path / "other.toml", "--ledger", demo / "ledger.jsonl")
    _is_one_clear_error(called, 3)
    assert "is not among the 1 keys" in called.err


@pytest.mark.parametrize("name", ["", " ", "A\nB"])
def test_a_key_of_nobody_is_not_made(call, tmp_path, name):
    called = call("key", tmp_path / "a.pem", "--name", name, "--trust", tmp_path / "trust.toml")
    _is_one_clear_error(called, 2)
    assert list(tmp_path.iterdir()) == []


def test_an_approver_signs_under_their_own_name(call, demo, tmp_path):
    words = ["approve", demo, "--key", demo / "keys" / "approver.pem", "--out", tmp_path / "release"]
    assert call(*words, "--by", "A. Name, owner").code == 2
    before = (demo / "ledger.jsonl").read_bytes()
    refused = call(*words, "--by", "B. Other, owner", "--trust", demo / "trust.toml")
    assert refused.code == 3
    assert "does not list this key as an approver's under this name" in refused.err
    assert (demo / "ledger.jsonl").read_bytes() == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("by_name", [True, False], ids=["--ledger", "VRU_LEDGER"])
def test_one_ledger_goes_through_every_working_folder(call, demo, tmp_path, monkeypatch, by_name):
    ledger, option = tmp_path / "ledger.jsonl", []
    if by_name:
        option = ["--ledger", ledger]
    else:
        monkeypatch.setenv("VRU_LEDGER", str(ledger))
    for work in (tmp_path / "first", tmp_path / "second"):
        begun = call("build", "early_help", "--extracts", demo / "extracts", "--out", work, *option)
        assert begun.code == 0, begun.err
        assert ("A new ledger begins" in begun.out) == (work.name == "first")
        assert not (work / "ledger.jsonl").exists()
    assert [entry.kind for entry in Ledger(ledger)] == 2 * ["feeds", "events", "dataset", "audit_file"]
    assert call("verify", tmp_path / "second", "--ledger", ledger).code == 0


def test_a_list_is_verified_by_itself(call, demo, tmp_path):
    assert call("verify", demo / "scores").code == 0
    copy = shutil.copytree(demo / "scores", tmp_path / "elsewhere")
    _is_one_clear_error(call("verify", copy), 74)
    assert call("verify", copy, "--ledger", demo / "ledger.jsonl").code == 0
    with open(copy / "sheets.html", "a") as stream:
        stream.write(" ")
    assert call("verify", copy, "--ledger", demo / "ledger.jsonl").code == 3


def test_a_page_is_no_ledger(call, demo):
    _is_one_clear_error(call("verify", demo / "report.html"), 74)


def test_another_ledger_than_the_releases_makes_no_list(call, demo, tmp_path):
    other = Ledger(tmp_path / "ledger.jsonl")
    (approval,) = Ledger(demo / "ledger.jsonl").find("approval")
    other.append("approval", **approval.body)
    words = ["score", demo / "release", demo / "extracts", "--as-of", "2026-11-02", "--out", tmp_path / "scores"]
    called = call(*words, "--trust", demo / "trust.toml", "--ledger", other.path)
    _is_one_clear_error(called, 3)
    assert "ledger: is not the one the release was approved in" in called.err
    assert [entry.kind for entry in other] == ["approval"]


def test_a_cut_feed_makes_no_list_unless_somebody_answers_for_it(call, demo, tmp_path):
    extracts = shutil.copytree(demo / "extracts", tmp_path / "extracts")
    attendance = extracts / "education_attendance.csv"
    lines = attendance.read_bytes().splitlines(keepends=True)
    attendance.write_bytes(b"".join([lines[0], *lines[1::4]]))
    words = ["score", demo / "release", extracts, "--as-of", "2026-11-02", "--out", tmp_path / "scores"]
    words += ["--trust", demo / "trust.toml", "--ledger", tmp_path / "ledger.jsonl"]
    shutil.copy(demo / "ledger.jsonl", tmp_path / "ledger.jsonl")
    refused = call(*words)
    _is_one_clear_error(refused, 3)
    found = re.findall(r"(VRU\d+) fail, (\w+)", refused.err)
    assert set(found) >= {("VRU502", "persistent_absence"), ("VRU507", "education_attendance")}
    answer = [
        part for code, where in found for part in ("--override", f"{code}:{where}=half of the schools were closed")
    ]
    assert "by: names nobody" in call(*words, *answer).err
    assert call(*words, *answer, "--by", "C. Name, duty manager").code == 0
    (entry,) = Ledger(tmp_path / "ledger.jsonl").find("scores", overridden_by="C. Name, duty manager")
    assert set(entry.body["overrides"]) == {f"{code}:{where}" for code, where in found}


def test_a_date_after_the_release_expires_is_refused(call, demo, tmp_path):
    words = ["score", demo / "release", demo / "extracts", "--as-of", "2029-01-01", "--out", tmp_path / "scores"]
    called = call(*words, "--trust", demo / "trust.toml")
    _is_one_clear_error(called, 3)
    assert "expired on" in called.err


def test_extracts_without_a_column_are_bad_data_and_no_value_is_echoed(call, demo, tmp_path):
    extracts = tmp_path / "extracts"
    shutil.copytree(demo / "extracts", extracts)
    people = extracts / "people.csv"
    lines = people.read_text(encoding="utf-8").splitlines()
    people.write_text("\n".join([lines[0].replace("birth_month", "born"), *lines[1:]]), encoding="utf-8")
    called = call("build", "early_help", "--extracts", extracts, "--out", tmp_path / "work")
    _is_one_clear_error(called, 4)
    assert lines[1].split(",")[1] not in called.err
    assert not (tmp_path / "work" / "dataset").exists()


def test_build_says_where_quarantined_rows_and_reasons_lie_and_never_what_they_say(call, demo, tmp_path):
    extracts, work = shutil.copytree(demo / "extracts", tmp_path / "extracts"), tmp_path / "work"
    with open(extracts / "people.csv", "a", encoding="utf-8") as stream:
        stream.write("CANARY7f3a\n")
    called = call("build", "early_help", "--extracts", extracts, "--out", work)
    assert called.code == 0, called.err
    assert f"Quarantined rows and reasons: {work / 'quarantine' / 'quarantine.csv'}\n" in called.out
    assert "people" in (work / "quarantine" / "quarantine.csv").read_text(encoding="utf-8")
    assert "CANARY7f3a" not in called.out + called.err


def test_an_override_without_a_reason_is_a_usage_error(call, demo, tmp_path):
    words = [
        "approve",
        demo,
        "--by",
        "A. Name, owner",
        "--key",
        demo / "keys" / "approver.pem",
        "--trust",
        demo / "trust.toml",
        "--out",
        tmp_path / "r",
    ]
    _is_one_clear_error(call(*words, "--override", "VRU302"), 2)


def test_a_defect_leaves_one_line_without_data(call, monkeypatch):
    def broken(*_, **__):
        raise KeyError("person-4711")

    monkeypatch.setattr("vru_models.audit.verify.verify", broken)
    called = call("verify", Path(__file__).parent)
    assert called.code == 70
    assert "A defect (KeyError at test_cli.py:" in called.err
    assert "4711" not in called.err
