import pytest
import small

from vru_models.events import Events
from vru_models.events.tombstones import linked_to
from vru_models.events.versions import no_versions

LINKS = "person_id,other_id,kind,confidence,known_date,known_until"


def linked(*rows, to="a", least=0.9):
    links = small.rows(LINKS, *rows)
    typed = links.astype({"confidence": "float64", "known_date": "datetime64[s]", "known_until": "datetime64[s]"})
    return sorted(linked_to(typed, set(to), least=least))


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (["a,b,merge,1,2024-01-01,"], ["b"]),
        (["b,a,merge,1,2024-01-01,"], ["b"]),
        (["a,b,merge,1,2024-01-01,", "c,b,merge,1,2024-02-01,", "c,d,merge,1,2024-01-01,"], ["b", "c", "d"]),
        (["a,b,merge,1,2024-01-01,2024-03-01"], []),
        (["a,b,merge,0.89,2024-01-01,"], []),
        (["a,b,merge,1,2024-01-01,", "b,a,split,1,2024-02-01,"], []),
        (["b,a,split,1,2024-01-01,", "a,b,merge,1,2024-02-01,"], ["b"]),
        (["a,b,merge,1,2024-01-01,", "a,b,split,1,2024-01-01,"], []),
        (["a,b,split,1,2024-01-01,", "a,b,merge,1,2024-01-01,"], []),
        (["a,b,merge,1,2024-01-01,", "a,b,merge,0.5,2024-02-01,"], []),
        (["a,b,merge,1,2024-01-01,", "b,c,split,1,2024-02-01,", "d,e,merge,1,2024-01-01,"], ["b"]),
    ],
)
def test_who_is_linked_as_the_links_stand_at_the_end(rows, found):
    assert linked(*rows) == found


def test_nobody_is_linked_where_there_are_no_links():
    assert linked_to(Events.from_frame(no_versions()).rows["links"], {"a"}, least=0.9) == set()
