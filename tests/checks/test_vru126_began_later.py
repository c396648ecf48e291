import datetime as dt

import pandas as pd
import small

from vru_models.events import record_events
from vru_models.feeds import admit

OBJECTIONS = small.rows(
    "objection_id,person_id,purpose,start_date,end_date,known_date",
    "o1,a,all,2022-01-01,,2022-01-01", "o2,b,all,2022-09-20,,2022-09-20",
)  # fmt: skip


def test_a_feed_that_begins_after_others_says_how_much_earlier_lists_did_not_know():
    first, second = small.spec(), small.spec(schemas=small.MORE_SCHEMAS, **small.also("objections"))
    events = record_events(
        admit(small.extracts(), first, extract_dates=dict.fromkeys(first.feeds, dt.date(2022, 9, 1))), first
    )
    later = {name: frame.iloc[:0] for name, frame in small.extracts().items()} | {"objections": OBJECTIONS}
    feeds = admit(later, second, extract_dates=dict.fromkeys(second.feeds, dt.date(2022, 10, 1)))
    assert not [f for f in events.findings if f.code == "VRU126"]
    events = record_events(feeds, second, earlier=events.recorded(events.findings, under=second.recording))
    (found,) = [f for f in events.findings if f.code == "VRU126"]
    assert (found.status, found.where, found.figures) == ("cannot tell", "objections", {"old": 1})
    assert found.message == (
        "its first extract says of 1 of 2 rows that they were known before the extracts held: earlier lists did not "
        "know them"
    )
    assert pd.isna(events.rows["objections"]["known_until"]).all()
