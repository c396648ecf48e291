"""Unique strings in every column of every feed appear in nothing that is said about them."""

from __future__ import annotations

import pandas as pd
import pytest
import small

from vru_models.errors import VruError
from vru_models.feeds import admit, read_feeds, write_extracts
from vru_models.identifiers import scan_identifiers

CANARY = "CANARY7f3a"


def planted():
    frames = {}
    for name, frame in small.extracts().items():
        marks = {c: f"{CANARY}{name}{c}" for c in frame.columns}
        frames[name] = pd.concat([frame, pd.DataFrame([marks])], ignore_index=True).astype("str")
    return frames


def said(feeds):
    return "".join(
        [
            repr(feeds),
            repr(feeds.findings),
            str(feeds.findings.records()),
            feeds.quarantine.to_csv(),
            feeds.frame().to_csv(),
        ]
    )


def test_a_quarantined_value_is_in_no_finding_and_no_quarantine():
    feeds = small.admitted(planted())
    assert feeds.frame()["quarantined"].tolist() == [1, 1, 1, 1, 0]
    assert CANARY not in said(feeds)
    assert CANARY in feeds.sensitive.to_csv()


def test_a_folder_of_planted_extracts_says_nothing_either(tmp_path, capsys):
    write_extracts(tmp_path / "x", planted(), extract_date=small.EXTRACT_DATE)
    with (tmp_path / "x" / "missing.csv").open("a") as file:
        file.write(f"{CANARY},{CANARY}\n")
    assert CANARY not in said(read_feeds(tmp_path / "x", small.spec()))
    assert CANARY not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: frame.drop(columns=frame.columns[-1]),
        lambda frame: frame.assign(extra=CANARY),
        lambda frame: frame.assign(nhs_number=CANARY),
        lambda frame: frame.assign(**{f"Alice O'{CANARY}; born 12/03/2010; home address": "x"}),
        lambda frame: frame.set_axis([f"{CANARY}{i}" for i in range(frame.shape[1])], axis=1),
        lambda frame: frame.set_axis([frame.columns[0]] * frame.shape[1], axis=1),
        lambda frame: frame.assign(ref=[f"{CANARY}{i}@example.org" for i in range(len(frame))]),
    ],
)
@pytest.mark.parametrize("feed", list(small.SCHEMAS))
def test_a_refused_file_is_refused_without_its_values(feed, spoil):
    frames = planted()
    frames[feed] = spoil(frames[feed])
    with pytest.raises(VruError, match=f"{feed}: ") as caught:
        admit(frames, small.spec(), extract_dates=dict.fromkeys(frames, small.EXTRACT_DATE))
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("content", [f'person_id\n"{CANARY}\n', f"{CANARY}\n", f"{CANARY}\xff\n"])
def test_a_broken_file_is_refused_without_its_content(tmp_path, content):
    write_extracts(tmp_path / "x", small.extracts(), extract_date=small.EXTRACT_DATE)
    (tmp_path / "x" / "missing.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(VruError, match="missing") as caught:
        read_feeds(tmp_path / "x", small.spec())
    assert CANARY not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_mixed_columns_are_scanned_without_showing_what_could_not_be_converted():
    frame = pd.DataFrame({"x": [1, CANARY, 2.5, None]}, dtype=object)
    assert CANARY not in repr(scan_identifiers(frame))
