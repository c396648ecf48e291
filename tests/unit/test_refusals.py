from __future__ import annotations

import pytest
import small

from vru_models.errors import SpecError
from vru_models.spec import CodeList, Spec, TableSchema
from vru_models.spec.spec import shipped_schemas

PROXY_RACE = "travel for work marks Gypsy, Roma and Traveller families: a proxy for race"
SECOND_TIME = "it counts a suspension or exclusion a second time"
NO_VALUE = "no diagnostic value and must not decide what service a child receives"
SUPPORTED = "support is already in place, and it infers disability: for the disability audit only"

REFUSED = [
    ("education_register", {"code": ["T"]}, f"'T' is refused: {PROXY_RACE}"),
    ("education_register", {"code": ["O", "R"]}, "'R' is refused: religious observance is a proxy for religion"),
    ("education_register", {"code": ["Y5"]}, "'Y5' is refused: it reveals that a child was detained"),
    ("education_register", {"code": ["E"]}, f"'E' is refused: {SECOND_TIME}"),
    ("education_attendance_scotland", {"absence": ["exclusion"]}, "'exclusion' is refused: it counts an exclusion"),
    ("education_census", {"sex": ["F"]}, "column sex is refused: a protected characteristic"),
    ("education_census", {"ethnicity": ["BCRB"]}, "column ethnicity is refused: a protected characteristic"),
    ("education_census", {"first_language": ["pol"]}, "column first_language is refused: a protected"),
    ("health_mh_referrals", {"diagnosis": ["F32"]}, "column diagnosis is refused: no diagnosis is shared"),
    ("health_mh_referrals", {"notes": ["x"]}, "column notes is refused: free text is banned outright"),
    ("health_mh_contacts", {"diagnosis": ["F32"]}, "column diagnosis is refused: no diagnosis is shared"),
    ("health_mh_contacts", {"notes": ["x"]}, "column notes is refused: free text is banned outright"),
    ("police_records", {"kind": ["stop_and_search"]}, "'stop_and_search' is refused: agency activity and not"),
    ("police_records", {"kind": ["intelligence"]}, "'intelligence' is refused: intelligence on a child is not"),
    ("police_records", {"kind": ["social_media"]}, "'social_media' is refused: what a child posts"),
    ("police_records", {"kind": ["music"]}, "'music' is refused: what a child posts or listens to"),
    ("police_records", {"kind": ["association"]}, "'association' is refused: whom a child knows"),
    ("police_records", {"kind": ["list_membership"]}, "'list_membership' is refused: being on a gang list"),
    ("police_records", {"role": ["victim", "associate"]}, "'associate' is refused: it is about somebody else"),
    ("youth_justice", {"assetplus_score": ["high"]}, "column assetplus_score is refused: an assessment made to"),
    ("youth_justice", {"likelihood_of_reoffending": ["high"]}, "column likelihood_of_reoffending is refused"),
    ("youth_justice", {"risk_of_serious_harm": ["high"]}, "column risk_of_serious_harm is refused"),
    ("youth_justice", {"safety_and_wellbeing": ["high"]}, "column safety_and_wellbeing is refused"),
    ("youth_justice", {"outcome": ["nfa"]}, "'nfa' is refused: no further action falls out of the record"),
    ("housing_homelessness", {"kind": ["asb_case"]}, "'asb_case' is refused: a household case of anti-social"),
    ("housing_homelessness", {"asb_case": ["true"]}, "column asb_case is refused: a household case of anti-social"),
    ("housing_arrears", {"kind": ["asb_case"]}, "'asb_case' is refused: a household case of anti-social"),
]
CONTEXT_ONLY = [
    ("social_care_cin", {"kind": ["referral"], "primary_need": ["N1"]}, f"column primary_need {{}}: .*{NO_VALUE}"),
    ("social_care_cin", {"kind": ["referral_nfa"]}, "'referral_nfa' {}: a referral closed with no further action"),
    ("looked_after", {"category_of_need": ["N1"]}, f"column category_of_need {{}}: .*{NO_VALUE}"),
    ("education_census", {"fsm": ["true"]}, "column fsm {}: a proxy for poverty"),
    ("education_census", {"sen_provision": ["E"]}, f"column sen_provision {{}}: {SUPPORTED}"),
    ("education_census", {"sen_type": ["SEMH"]}, f"column sen_type {{}}: {SUPPORTED}"),
    ("police_records", {"role": ["suspect"]}, "'suspect' {}: not established, and driven by enforcement"),
    ("youth_justice", {"outcome": ["yro"]}, "column outcome {}: it reflects plea, legal representation and bias"),
    ("early_help", {"kind": ["episode_start"]}, "'episode_start' {}: support, and not risk"),
    ("early_help", {"kind": ["episode_end"]}, "'episode_end' {}: support, and not risk"),
    ("housing_arrears", {"kind": ["rent"]}, "'rent' {}: a proxy for poverty"),
    ("housing_arrears", {"kind": ["council_tax"]}, "'council_tax' {}: a proxy for poverty"),
    ("housing_arrears", {"kind": ["benefit_cap"]}, "'benefit_cap' {}: a proxy for poverty"),
]


def shipped(feed):
    table = TableSchema.parse((shipped_schemas() / "feeds" / f"{feed}.json").read_text(encoding="utf-8"), feed)
    lists = {
        name: CodeList.parse((shipped_schemas() / "codelists" / f"{name}.csv").read_text(encoding="utf-8"), name)
        for name in table.x_vru.codelists.values()
    }
    return table, lists


def declared(feed, *, use="score", **parts):
    """The small spec with one indicator of one shipped feed beside its own."""
    table, lists = shipped(feed)
    indicator = {"feed": feed, "activity_driver": "agency_decision", "rationale": small.BECAUSE, "use": use, **parts}
    if use == "score":
        indicator |= {"direction": "either", "reason": "Something that was recorded"}
    base = small.spec()
    return Spec.model_validate(
        small.DECLARED
        | {
            "feeds": small.DECLARED["feeds"] | {feed: {"schema": feed, "agreement": small.agreement("train", "score")}},
            "indicators": small.DECLARED["indicators"] | {"added": indicator},
            "tables": dict(base.tables) | {feed: table},
            "codelists": dict(base.codelists) | lists,
        }
    )


@pytest.mark.parametrize("use", ["score", "context"])
@pytest.mark.parametrize(("feed", "where", "message"), REFUSED)
def test_what_may_not_be_counted_is_refused_for_any_use_with_the_reason(feed, where, message, use):
    with pytest.raises(SpecError, match=rf"indicators.added.where.*: {message}"):
        declared(feed, use=use, where=where)


@pytest.mark.parametrize(("feed", "where", "message"), CONTEXT_ONLY)
def test_what_is_context_only_is_refused_as_a_feature_with_the_reason_and_may_be_context(feed, where, message):
    full = message.format("is context only and never a feature")
    with pytest.raises(SpecError, match=rf"indicators.added.where.*: {full}.* Declare it as use = 'context'"):
        declared(feed, where=where)
    assert declared(feed, use="context", where=where).indicators["added"].use == "context"


@pytest.mark.parametrize(
    ("feed", "message"),
    [
        ("education_register", "every code is taken, and 'T' is refused: .* Say in where which codes of code count"),
        ("education_attendance_scotland", "every absence is taken, and 'exclusion' is refused"),
        ("police_records", "every role is taken, and 'suspect' is context only"),
        ("social_care_cin", "every kind is taken, and 'referral_nfa' is context only"),
    ],
)
def test_an_indicator_that_does_not_say_which_codes_takes_the_refused_ones_too(feed, message):
    with pytest.raises(SpecError, match=f"indicators.added: {message}"):
        declared(feed)


@pytest.mark.parametrize(
    ("feed", "where"),
    [
        ("education_register", {"code": ["C2"]}),
        ("education_attendance_scotland", {"absence": ["unauthorised"]}),
        ("education_census", {"moved_in": ["true"]}),
        ("police_records", {"kind": ["violence"], "role": ["victim"]}),
        ("social_care_cin", {"kind": ["s47_enquiry"]}),
        ("social_care_factors", {"factor": ["3A", "24A"]}),
        ("looked_after", {}),
        ("housing_homelessness", {"kind": ["temporary_accommodation_start"]}),
    ],
)
def test_what_the_schemas_leave_open_may_be_a_feature(feed, where):
    assert declared(feed, where=where).indicators["added"].use == "score"


def test_codes_that_cannot_arrive_need_not_be_left_out_by_name():
    assert declared("housing_homelessness").indicators["added"].where == {}


def test_a_column_that_is_ruled_out_is_ruled_out_as_a_value_too():
    with pytest.raises(SpecError, match=r"indicators.added.value: column fsm is context only and never a feature"):
        declared("education_census", value="fsm")
    with pytest.raises(SpecError, match=r"indicators.added.value: column decile is context only .* fixed for years"):
        declared("area_context", value="decile")


@pytest.mark.parametrize(
    ("feed", "where", "reason"),
    [
        ("offers", {}, "Declining never raises priority: offers are context and never a feature"),
        ("decisions", {}, "Never a feature: a past decision says what a panel did"),
        ("social_care", {}, "Primary need is not shared: it has no diagnostic value"),
        ("youth_justice", {}, "Context: the outcome reflects plea, representation and bias"),
        ("early_help", {"kind": ["contact"]}, "is never a sign of risk"),
    ],
)
def test_a_feed_that_is_context_gives_no_feature_and_its_description_says_why(feed, where, reason):
    with pytest.raises(SpecError, match=f"feed {feed} is refused as a source .* its use is context.*{reason}"):
        declared(feed, where=where)
    assert declared(feed, use="context", where=where).indicators["added"].use == "context"


def test_assaults_by_area_have_no_lawful_join_to_a_person():
    message = r"feeds.assault_attendances: holds one row per area and has no lawful join to a person. Expected: a feed"
    with pytest.raises(SpecError, match=message):
        declared("assault_attendances", use="context")


@pytest.mark.parametrize("feed", ["links", "objections"])
def test_links_and_objections_are_acted_on_and_give_no_event(feed):
    with pytest.raises(SpecError, match=f"indicators.added: feed {feed} holds {feed}. Expected: a feed of events"):
        declared(feed, use="context")


def test_the_areas_deprivation_gives_no_event():
    with pytest.raises(SpecError, match=r"indicators.added: feed area_context holds area. Expected: a feed of events"):
        declared("area_context", use="context")


def ruled_out(kind):
    """Feed, column and code (``*`` for a column) of everything that the schemas that ship rule out."""
    for file in sorted((shipped_schemas() / "feeds").glob("*.json")):
        for column, reasons in getattr(shipped(file.stem)[0].x_vru, kind).items():
            yield from ((file.stem, column, code) for code in reasons)


@pytest.mark.parametrize(("kind", "cases"), [("refused", REFUSED), ("context_only", CONTEXT_ONLY)])
def test_every_refusal_that_ships_is_tried_here(kind, cases):
    tried = {(feed, column, code) for feed, where, _ in cases for column, codes in where.items() for code in codes}
    tried |= {(feed, column, "*") for feed, where, _ in cases for column in where}
    assert set(ruled_out(kind)) - tried - {("area_context", "decile", "*")} == set()


def test_a_code_that_is_context_only_can_arrive():
    for feed, column, code in ruled_out("context_only"):
        table, lists = shipped(feed)
        [field] = [f for f in table.fields if f.name == column]
        listed = table.x_vru.codelists.get(column)
        assert code == "*" or code in (lists[listed].codes if listed else field.constraints.enum)
