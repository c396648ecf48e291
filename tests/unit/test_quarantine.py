import csv
import io

import pandas as pd
import pytest

from vru_models.errors import StorageError
from vru_models.feeds.quarantine import quarantine_digests, quarantine_files
from vru_models.spec.digest import digest_bytes
from vru_models.spec.storage import write_folder

HELD = pd.DataFrame(
    {"feed": ["moves", "moves"], "row": [3, 1_000_000], "reasons": ["duplicate", "a:required; outside_agreement"]}
)


def test_both_files_say_the_same():
    files = quarantine_files(HELD)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(files["quarantine.parquet"])), HELD)
    rows = list(csv.reader(io.StringIO(files["quarantine.csv"].decode())))
    assert rows == [["feed", "row", "reasons"], *HELD.astype("str").to_numpy().tolist()]


def test_a_column_that_a_spreadsheet_would_run_is_made_safe():
    held = pd.DataFrame({"feed": ["moves"], "row": [1], "reasons": ["=1+1:required"]})
    assert quarantine_files(held)["quarantine.csv"] == b"feed,row,reasons\nmoves,1,'=1+1:required\n"


def test_the_digests_are_those_of_the_stored_bytes(tmp_path):
    files = quarantine_files(HELD)
    write_folder(tmp_path / "quarantine", files)
    assert quarantine_digests(tmp_path / "quarantine") == {name: digest_bytes(b) for name, b in files.items()}


def test_half_a_quarantine_has_no_digests(tmp_path):
    write_folder(tmp_path / "quarantine", {"quarantine.parquet": b"x"})
    with pytest.raises(StorageError, match=r"quarantine\.csv: cannot be read"):
        quarantine_digests(tmp_path / "quarantine")
