//! Treatments, shifts, exceptions, closures, and what only shows in all of the file.

use super::{Case, DEMO, case, check, edit, read, right};

#[test]
fn a_reference_names_something_that_is_there() {
    check(&[
        case(
            "practitioners = [\"amara-osei\"]",
            "practitioners = [\"amara-ossei\"]",
            "`practitioners`: there is no practitioner \"amara-ossei\" in this file. Did you mean \"amara-osei\"?",
        ),
        case(
            "practitioners = [\"amara-osei\"]",
            "practitioners = []",
            "`practitioners`: this list is empty. Name at least one practitioner.",
        ),
        case(
            "practitioners = [\"amara-osei\"]",
            "practitioners = [\"amara-osei\", \"amara-osei\"]",
            "`practitioners`: this is in the list twice. Keep one of them.",
        ),
        case(
            "questionnaires = [\"vaccine-check\"]",
            "questionnaires = [\"lungs\"]",
            "`questionnaires`: there is no questionnaire \"lungs\" in this file.",
        ),
        case(
            "category = \"skin\"",
            "category = \"skins\"",
            "`category`: there is no category \"skins\" in this file. Did you mean \"skin\"?",
        ),
        case(
            "location = \"irish-town\"\nkind = \"treatment-room\"",
            "location = \"irishtown\"\nkind = \"treatment-room\"",
            "`location`: there is no location \"irishtown\" in this file. Did you mean \"irish-town\"?",
        ),
    ]);
}

#[test]
fn a_treatment_agrees_with_itself() {
    const REQUEST: &str = "confirmation = \"on request\"\nanswer_within = \"1 day\"\n";
    check(&[
        case(
            "confirmation = \"on request\"",
            "confirmation = \"maybe\"",
            "`confirmation`: \"maybe\" is neither \"instant\" nor \"on request\". Write one of the two.",
        ),
        case(
            REQUEST,
            "answer_within = \"1 day\"\n",
            "`answer_within`: only a treatment on request has an answer. Remove it, or add: confirmation = \"on request\"",
        ),
        case(
            REQUEST,
            "confirmation = \"on request\"\n",
            "A treatment on request needs the time by which you answer. Add, for example: answer_within = \"1 day\"",
        )
        .on("[[treatments]]\nslug = \"physio-after-surgery\""),
        case(
            "notice = \"2 days\"",
            "notice = \"2 h\"",
            "The answer could come after the visit: `answer_within` is longer than `notice`. Make the notice longer.",
        )
        .on("[[treatments]]\nslug = \"physio-after-surgery\""),
        case(
            "notice = \"1 day\"",
            "notice = \"120 days\"",
            "Nobody could ever book this: `notice` reaches further than `horizon`. Make the notice shorter.",
        )
        .on("[[treatments]]\nslug = \"skin-check\""),
        case(
            "horizon = \"60 days\"",
            "horizon = \"121 days\"",
            "`horizon`: this is further ahead than the clinic's own horizon of 120 days. Write at most \"120 days\".",
        ),
        case(
            "buffer_before = \"5 min\"",
            "buffer_before = \"24 h\"",
            "Duration and buffers together are longer than a day. Make one of them shorter.",
        )
        .on("[[treatments]]\nslug = \"physio-after-surgery\""),
    ]);
}

#[test]
fn a_series_is_booked_at_once_and_not_on_request() {
    check(&[case(
        "answer_within = \"1 day\"\nnotice = \"2 days\"",
        "answer_within = \"1 day\"\nseries = 4\nnotice = \"2 days\"",
        "A series is booked at once or not at all, so it cannot wait for answers. Remove `series`, or remove `confirmation` and `answer_within`.",
    )
    .on("[[treatments]]\nslug = \"physio-after-surgery\"")]);
}

#[test]
fn a_group_and_an_audience_are_possible() {
    check(&[
        case(
            "capacity = 8",
            "capacity = 8\nevery = \"30 min\"",
            "The sessions of a group would overlap: one begins every 30 minutes and takes 60. Write: every = \"60 min\"",
        )
        .on("[[treatments]]\nslug = \"back-class\""),
        case(
            "audience = \"new\"",
            "audience = \"children\"",
            "`audience`: \"children\" is no group of patients. Write \"anyone\", \"new\", \"existing\", \"invited\" or { had = [\"a treatment\"] }.",
        ),
        case(
            "audience = { had = [\"travel-talk\"] }",
            "audience = { had = [\"travel-vaccine\"] }",
            "`audience`: a treatment cannot ask for itself: nobody could have it for the first time. Name another one.",
        ),
        case(
            "audience = { had = [\"travel-talk\"] }",
            "audience = { had = [\"travel-chat\"] }",
            "`had`: there is no treatment \"travel-chat\" in this file. Did you mean \"travel-talk\"?",
        ),
        case(
            "audience = { had = [\"travel-talk\"] }",
            "audience = {}",
            "This audience has no `had`. Add it, for example: had = [\"physio-first\"]",
        ),
    ]);
}

#[test]
fn a_treatment_fits_into_a_shift_and_a_room() {
    check(&[
        case("room_kind = \"shockwave-device\"", "room_kind = \"laser\"", "\"shockwave\" needs a room of the kind \"laser\", and no location that gives it has one. Add one to [[rooms]], or change `room_kind`.").on("[[treatments]]\nslug = \"shockwave\""),
        case("duration = \"20 min\"", "duration = \"5 h\"", "\"shockwave\" takes 300 minutes and the longest shift that gives it has 240. Make the treatment shorter, or a shift longer.").on("[[treatments]]\nslug = \"shockwave\""),
        case("location = \"rowan-street\"\ndays = \"mon-thu\"\nhours = [\"10:00-14:00\", \"15:00-19:00\"]", "location = \"rowan-street\"\ndays = \"mon-thu\"\nhours = \"10:00-14:00\"\ntreatments = [\"physio-first\"]", "\"shockwave\" is in no shift of its practitioners. Add one to [[shifts]] that names it or one of its practitioners.").on("[[treatments]]\nslug = \"shockwave\""),
    ]);
}

#[test]
fn everyone_and_everything_is_used() {
    check(&[
        case("[[practitioners]]\nslug = \"jonas-weber\"", "[[practitioners]]\nslug = \"new-one\"\nname = \"New\"\nrole = { en = \"a\", es = \"a\", de = \"a\", ar = \"a\" }\nabout = { en = \"a\", es = \"a\", de = \"a\", ar = \"a\" }\nlanguages = [\"en\"]\n[[practitioners]]\nslug = \"jonas-weber\"", "\"new-one\" has no shift: nobody could book a visit. Add one to [[shifts]].").on("[[practitioners]]\nslug = \"new-one\""),
        case("[[categories]]\nslug = \"skin\"", "[[categories]]\nslug = \"hair\"\nname = { en = \"a\", es = \"a\", de = \"a\", ar = \"a\" }\n[[categories]]\nslug = \"skin\"", "No treatment is in the category \"hair\". Put one in it, or remove it.").on("[[categories]]\nslug = \"hair\""),
    ]);
}

#[test]
fn a_shift_gives_what_its_practitioner_gives() {
    const SATURDAY: &str = "treatments = [\"flu-vaccine\", \"travel-vaccine\"]";
    const CLASS: &str = "hours = \"18:30-19:30\"\ntreatments = [\"back-class\"]";
    check(&[
        case(
            SATURDAY,
            "treatments = [\"flu-vaccine\", \"skin-check\"]",
            "`treatments`: \"priya-nair\" does not give \"skin-check\". Add them to its `practitioners`, or remove it here.",
        ),
        case(
            CLASS,
            "hours = \"18:30-19:30\"\ntreatments = [\"back-class\", \"physio-first\"]",
            "`treatments`: a group session needs a shift of its own. Name it alone, and the others in another shift.",
        )
        .on("treatments = [\"back-class\", \"physio-first\"]"),
        case("hours = \"09:00-12:00\"", "hours = []", "`hours`: this list is empty. Write for example: hours = \"09:00-17:30\""),
        case(
            "hours = \"09:00-12:00\"",
            "hours = \"09:00-12:00\"\nfirst = 2026-03-02\nlast = 2026-03-01",
            "`last`: the last day is before the first. Write 2026-03-02 or later.",
        )
        .on("last = 2026-03-01"),
    ]);
}

#[test]
fn someone_who_only_leads_groups_says_so_in_each_shift() {
    let mut text = DEMO.to_owned();
    for list in ["[\"tom-ferreira\", \"jonas-weber\", \"marta-ruiz\"]", "[\"tom-ferreira\", \"jonas-weber\", \"marta-ruiz\"]"] {
        text = edit(&text, list, "[\"jonas-weber\", \"marta-ruiz\"] ");
    }
    text = edit(
        &text,
        "practitioners = [\"tom-ferreira\", \"marta-ruiz\"]\nroom_kind",
        "practitioners = [\"marta-ruiz\"]\nroom_kind",
    );
    let mistakes = read(&text).expect_err("Tom's first shift names nothing");
    let reason = "\"tom-ferreira\" gives group sessions only. Name one here: treatments = [\"back-class\"]";
    assert!(mistakes.iter().all(|mistake| mistake.reason == reason) && !mistakes.is_empty(), "{mistakes:#?}");
}

/// Jonas works in London, Monday to Thursday, 10 to 14 and 15 to 19.
const JONAS: &str = "hours = [\"10:00-14:00\", \"15:00-19:00\"]\n";

const SHIFT_OF_JONAS: &str = "[[shifts]]\npractitioner = \"jonas-weber\"";

/// One more shift of his at a location, and the first day on which it overlaps.
fn one_more(location: &str, rule: &str, overlap: Option<&str>) -> Case {
    let shift = format!("{JONAS}[[shifts]] # one more\npractitioner = \"jonas-weber\"\nlocation = \"{location}\"\n{rule}");
    let Some(date) = overlap else { return right(JONAS, &shift) };
    let reason = format!(
        "The hours of \"jonas-weber\" overlap the shift of line LINE at \"rowan-street\", for example on {date}. Change the days or the hours."
    );
    case(JONAS, &shift, &reason).on("[[shifts]] # one more").about(SHIFT_OF_JONAS)
}

fn second_shift(rule: &str, overlap: Option<&str>) -> Case {
    one_more("rowan-street", rule, overlap)
}

fn abroad(rule: &str, overlap: Option<&str>) -> Case {
    one_more("irish-town", rule, overlap)
}

#[test]
fn nobody_works_twice_at_once() {
    check(&[
        case(
            JONAS,
            "hours = [\"10:00-14:00\", \"13:55-19:00\"]\n",
            "The hours of \"jonas-weber\" overlap themselves, for example on 2026-01-01. Change the days or the hours.",
        )
        .on("[[shifts]]\npractitioner = \"jonas-weber\""),
        second_shift("days = \"thu-fri\"\nhours = \"18:55-20:00\"\n", Some("2026-01-01")),
        // Touching is not overlapping, nor is another day.
        second_shift("days = \"thu-fri\"\nhours = \"19:00-20:00\"\n", None),
        second_shift("days = \"fri\"\nhours = \"10:00-20:00\"\n", None),
    ]);
}

#[test]
fn shifts_in_two_zones_are_compared_as_instants() {
    // Gibraltar is an hour ahead: 14:30 there is 13:30 in London, and 15:00 there is 14:00.
    check(&[
        abroad("days = \"thu\"\nhours = \"14:30-16:00\"\n", Some("2026-01-01")),
        abroad("days = \"thu\"\nhours = \"15:00-16:00\"\n", None),
        abroad("days = \"thu\"\nhours = \"19:55-21:00\"\n", Some("2026-01-01")),
        abroad("days = \"thu\"\nhours = \"20:00-21:00\"\n", None),
    ]);
}

#[test]
fn only_the_days_on_which_both_rules_hold_count() {
    check(&[
        second_shift("days = \"thu\"\nhours = \"10:00-11:00\"\nfirst = 2027-05-07\n", Some("2027-05-13")),
        second_shift("days = \"thu\"\nhours = \"10:00-11:00\"\nfirst = 2027-05-07\nlast = 2027-05-12\n", None),
        abroad("days = \"thu\"\nhours = \"11:00-12:00\"\nfirst = 2027-05-07\nlast = 2027-05-12\n", None),
        abroad("days = \"thu\"\nhours = \"11:00-12:00\"\nfirst = 2027-05-07\n", Some("2027-05-13")),
    ]);
}

/// Amara sees people in London from Monday to Thursday, and in Gibraltar on Fridays.
const AMARA_AWAY: &str =
    "[[exceptions]]\npractitioner = \"amara-osei\"\nlocation = \"irish-town\"\ndate = 2027-06-04\nhours = \"12:00-16:00\"\n";

#[test]
fn an_exception_says_when_and_where_once() {
    let neither = "This needs its days. Write either: date = 2026-12-25, or both: first = 2026-12-24 and last = 2026-12-26";
    let header = "[[exceptions]]\npractitioner = \"amara-osei\"";
    let twice = format!("{AMARA_AWAY}[[exceptions]] # again\npractitioner = \"amara-osei\"\ndate = 2027-06-04\nhours = []\n");
    check(&[
        case("date = 2027-06-04\n", "", neither).on(header),
        case("date = 2027-06-04\n", "date = 2027-06-04\nlast = 2027-06-05\n", neither).on(header),
        case(
            "date = 2027-06-04\n",
            "first = 2027-06-04\nlast = 2027-06-03\n",
            "`last`: the last day is before the first. Write 2027-06-04 or later.",
        )
        .on("last = 2027-06-03"),
        case(
            "date = 2027-06-04\n",
            "first = 2027-06-04\nlast = 2028-06-09\n",
            "`last`: this is more than a year after the first day. Write an entry for each year.",
        )
        .on("last = 2028-06-09"),
        case(
            "location = \"irish-town\"\ndate = 2027-06-04",
            "date = 2027-06-04",
            "These hours need a place, since \"amara-osei\" does not work at exactly one. Add: location = \"…\"",
        )
        .on(header),
        case(
            "hours = \"12:00-16:00\"",
            "hours = [\"12:00-16:00\", \"15:00-17:00\"]",
            "The hours of this exception overlap themselves. Change one of them.",
        )
        .on(header),
        case(AMARA_AWAY, &twice, "Line LINE already says when \"amara-osei\" works on 2027-06-04. Keep one of the two.")
            .on("[[exceptions]] # again")
            .about(header),
    ]);
}

#[test]
fn an_exception_does_not_put_anybody_in_two_places() {
    let thursday = AMARA_AWAY.replace("2027-06-04", "2027-06-03");
    let reason = "On 2027-06-03, \"amara-osei\" works elsewhere at the same time (line LINE). Change the hours, or add an exception there.";
    let london = "[[exceptions]] # london\npractitioner = \"amara-osei\"\nlocation = \"rowan-street\"\ndate = 2027-06-03\n";
    check(&[
        case(AMARA_AWAY, &thursday, reason)
            .on("[[exceptions]]\npractitioner = \"amara-osei\"")
            .about("[[shifts]]\npractitioner = \"amara-osei\""),
        right(AMARA_AWAY, &format!("{thursday}{london}hours = []\n")),
        // 15:00 in London is 16:00 in Gibraltar.
        right(AMARA_AWAY, &format!("{thursday}{london}hours = \"15:00-17:00\"\n")),
        case(AMARA_AWAY, &format!("{thursday}{london}hours = \"14:55-17:00\"\n"), reason)
            .on("[[exceptions]] # london")
            .about("[[exceptions]]\npractitioner = \"amara-osei\""),
    ]);
}

#[test]
fn an_exception_is_fine_on_a_day_without_a_rule() {
    check(&[right("date = 2027-06-04", "date = 2027-06-05")]);
}
