import pytest
import small
import tiny


def found(where):
    rule = tiny.PLAN | {"where": where}
    declared = tiny.spec(**{"indicators.plan": rule})
    return {
        f.where: (f.status, f.message) for f in small.events(tiny.extracts(), declared).findings if f.code == "VRU109"
    }


def test_an_indicator_that_no_row_matches_cannot_be_told():
    message = "no row of exclusions makes an event of it (kind in 1 codes)"
    assert found({"kind": ["L"]}) == {"plan": ("cannot tell", message)}


@pytest.mark.parametrize("where", [{"kind": ["P"]}, {"kind": ["L", "S"]}, {}])
def test_one_row_is_enough(where):
    assert found(where) == {}


def test_a_feed_without_rows_is_said_elsewhere():
    empty = tiny.extracts()["missing"].iloc[:0]
    assert [f.where for f in tiny.events(missing=empty).findings if f.code == "VRU109"] == []
