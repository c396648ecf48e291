import pandas as pd
import pytest

from vru_models.disclosure.spreadsheet import spreadsheet_safe

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "\0x", "＝1", "＋1", "－1", "＠x"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_would_run_is_made_safe_in_cells_and_in_headers(text):
    safe = spreadsheet_safe(pd.DataFrame({text: [text], "points": [-3]}))
    assert list(safe.columns) == [f"'{text}", "points"]
    assert safe.iloc[0].tolist() == [f"'{text}", -3]


def test_other_text_and_every_number_stay_as_they_are():
    frame = pd.DataFrame({"note": ["late", "", "a=b", "1-2"], "points": [-3, 0, 1, 2], "share": [-0.5, 0.0, 1.0, 0.25]})
    pd.testing.assert_frame_equal(spreadsheet_safe(frame), frame, check_dtype=False)
