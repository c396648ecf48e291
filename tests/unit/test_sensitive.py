from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vru_models.errors import DataError
from vru_models.fairness.sensitive import join_sensitive, recorded, with_intersections

AUDIT = pd.DataFrame({"person_id": ["p1", "p2"], "sex": ["F", None], "age_band": pd.Categorical(["10-13", "14-17"])})


def test_every_row_gets_the_attributes_of_its_person_in_its_own_order():
    rows = pd.DataFrame({"person_id": ["p2", "p1", "p2"], "as_of": ["a", "a", "b"]}, index=[7, 8, 9])
    joined = join_sensitive(rows, AUDIT)
    assert joined.index.tolist() == [7, 8, 9]
    assert joined["age_band"].tolist() == ["14-17", "10-13", "14-17"]


def test_the_key_may_be_in_the_index_of_both():
    index = pd.MultiIndex.from_tuples([("p1", "a"), ("p9", "a")], names=["person_id", "as_of"])
    joined = join_sensitive(pd.DataFrame({"points": [3, 4]}, index=index), AUDIT.set_index("person_id"))
    assert joined["sex"].tolist() == ["F", "not recorded"]
    assert joined.index.equals(index)


def test_a_person_not_found_and_a_missing_value_are_the_same_group():
    joined = join_sensitive(pd.DataFrame({"person_id": ["p2", "p3"]}), AUDIT)
    assert joined["sex"].tolist() == ["not recorded", "not recorded"]


def test_a_person_with_two_rows_in_the_audit_file_is_refused_by_count():
    twice = pd.DataFrame({"person_id": ["p1", "p1", None], "sex": ["F", "M", "F"]})
    with pytest.raises(DataError, match="1 of 3 rows without person_id, 1 rows that repeat one") as caught:
        join_sensitive(pd.DataFrame({"person_id": ["p1"]}), twice)
    assert "p1" not in str(caught.value)


def test_a_frame_without_the_key_is_refused():
    with pytest.raises(DataError, match="rows: no column 'person_id'"):
        join_sensitive(pd.DataFrame({"x": [1]}), AUDIT)


@pytest.mark.parametrize("blank", [None, np.nan, "", "  ", pd.NA])
def test_a_blank_is_not_recorded(blank):
    assert recorded(pd.DataFrame({"sex": [blank, "F"]}))["sex"].tolist() == ["not recorded", "F"]


def test_an_intersection_is_an_attribute_of_its_own():
    both = with_intersections(pd.DataFrame({"a": ["x", None], "b": [1, 2]}), [("a", "b")])
    assert both["a x b"].tolist() == ["x x 1", "not recorded x 2"]


def test_an_intersection_of_an_undeclared_attribute_is_refused():
    with pytest.raises(DataError, match=r"intersections: 'sexx' is not known.*Did you mean 'sex'"):
        with_intersections(pd.DataFrame({"sex": ["F"]}), [("sexx",)])
