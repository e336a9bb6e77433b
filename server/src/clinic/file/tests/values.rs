//! `[clinic]`, the plain lists, and what a value may be.

use super::{case, check};

#[test]
fn a_key_that_is_missing_or_unknown_is_named() {
    check(&[
        case("currency = \"GBP\"\n", "", "This clinic has no `currency`. Add it, for example: currency = \"GBP\"").on("[clinic]\n"),
        case("hue = 164", "huee = 164", "This clinic cannot have a key \"huee\". Did you mean \"hue\"?"),
        case(
            "kind = \"treatment-room\"",
            "kind = \"treatment-room\"\nseats = 3",
            "This room cannot have a key \"seats\". It knows: slug, name, location, kind.",
        )
        .on("seats = 3"),
        case("free_until = \"24 h\", fee", "free_til = \"24 h\", free_until = \"24 h\", fee", "This cancellation cannot have a key \"free_til\". Did you mean \"free_until\"?"),
        case("\n# Where", "\n[[doctors]]\n\n# Where", "This clinic file cannot have a key \"doctors\". It knows: clinic, locations, practitioners, categories, treatments, questionnaires, rooms, shifts, exceptions, closures.")
            .on("[[doctors]]"),
    ]);
}

#[test]
fn a_value_of_the_wrong_type_is_answered_with_an_example() {
    check(&[
        case(
            "name = \"Tom Ferreira\"",
            "name = 5",
            "`name`: this must be text in quotes, not a whole number. Write for example: name = \"Tom Ferreira\"",
        ),
        case(
            "zone = \"Europe/London\"",
            "zone = true",
            "`zone`: this must be text in quotes, not true or false. Write for example: zone = \"Europe/London\"",
        ),
        case(
            "price = \"18.50\"",
            "price = 18.5",
            "`price`: this must be a number, or text in quotes, not a number with a point. Write for example: price = \"65\"",
        ),
        case("hue = 164", "hue = \"green\"", "`hue`: this must be a whole number, not text. Write for example: hue = 164"),
        case("hue = 164", "hue = 360", "`hue`: 360 is out of range. Write a number from 0 to 359."),
        case("series = 12", "series = 1", "`series`: 1 is out of range. Write a number from 2 to 24."),
        case("series = 12", "series = 25", "`series`: 25 is out of range. Write a number from 2 to 24."),
        case(
            "series = 12",
            "series = \"weekly\"",
            "`series`: this must be a whole number, not text. Write for example: series = 8",
        ),
        case("capacity = 8", "capacity = 0", "`capacity`: 0 is out of range. Write a number from 1 to 200."),
        case(
            "sites = [\"https://www.rowanstreet.example\"]",
            "sites = \"https://x.example\"",
            "`sites`: this must be a list, not text. Write for example: sites = [\"https://www.example.org\"]",
        ),
        case(
            "date = 2027-06-04",
            "date = 4",
            "`date`: this must be a date, not a whole number. Write for example: date = 2026-12-25",
        ),
        case(
            "date = 2027-06-04",
            "date = 2027-06-04T10:00:00",
            "`date`: this must be a date, not a date or time. Write for example: date = 2026-12-25",
        ),
        case(
            "cancellation = { free_until = \"24 h\", fee = \"20\" }",
            "cancellation = [\"24 h\"]",
            "`cancellation`: this must be a table, not a list. Write for example: cancellation = { free_until = \"24 h\", fee = \"20\" }",
        ),
        case(
            "reason = { en = \"Easter\", es = \"Semana Santa\", de = \"Ostern\", ar = \"عيد الفصح\" }",
            "reason = \"Easter\"",
            "`reason`: this must be one text for each language, not text. Write for example: reason = { en = \"…\" }",
        ),
    ]);
}

#[test]
fn a_text_is_there_in_every_language_of_the_clinic_and_is_not_empty() {
    check(&[
        case("directions.de = \"Im ersten Stock. Nehmen Sie den Aufzug links. Der nächste Parkplatz ist am Grand Casemates Square.\"\n", "", "`directions`: a text is missing. Add: directions.de = \"…\"").on("directions.en = \"On the first"),
        case("es = \"Semana Santa\", de = \"Ostern\", ", "", "`reason`: a text is missing. Add: reason.es = \"…\", reason.de = \"…\"").on("reason = { en = \"Easter\""),
        case("role.es = \"Fisioterapeuta\"", "role.es = \"Fisioterapeuta\"\nrole.fr = \"Kiné\"", "`role`: \"fr\" is not among the clinic's languages. Add it to `languages`, or remove this text.").on("role.fr"),
        case("role.es = \"Fisioterapeuta\"", "role.es = \" \"", "`role`: this is empty. Write for example: role = { en = \"…\" }"),
        case("role.es = \"Fisioterapeuta\"", "role.es = \"\\u0007\"", "`role`: this has a control character in it. Write it anew instead of pasting it."),
        case("name = \"Room 1\"", "name = \"Room\\n1\"", "`name`: this is too long. Write one line of at most 120 characters."),
    ]);
}

#[test]
fn a_text_has_an_end() {
    let long = "x".repeat(2_001);
    let text = super::edit(super::DEMO, "role.es = \"Fisioterapeuta\"", &format!("role.es = \"{long}\""));
    let mistakes = super::read(&text).expect_err("too long");
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0].reason, "`role`: this is too long. Write at most 2000 characters.");
}

#[test]
fn a_slug_can_stand_in_an_address() {
    check(&[
        case(
            "slug = \"room-1\"",
            "slug = \"Room 1\"",
            "`slug`: \"Room 1\" cannot stand in an address: use lower-case letters, digits and single hyphens, at most 40 in all.",
        ),
        case(
            "slug = \"rowan-street\"\nname = \"Rowan Street Clinic\"",
            "slug = \"api\"\nname = \"Rowan Street Clinic\"",
            "`slug`: \"api\" is reserved for an address of the program. Choose another word, like \"api-1\".",
        ),
        case(
            "slug = \"mole-check\"",
            "slug = \"hold\"",
            "`slug`: \"hold\" is reserved for an address of the program. Choose another word, like \"hold-1\".",
        ),
    ]);
}

#[test]
fn the_clinic_can_be_reached_and_seen() {
    check(&[
        case(
            "email = \"hello@rowanstreet.example\"",
            "email = \"hello\"",
            "`email`: \"hello\" is not an e-mail address. Write for example \"hello@example.org\".",
        ),
        case(
            "phone = \"+44 20 7946 0123\"",
            "phone = \"call us\"",
            "`phone`: \"call us\" is not a telephone number with a country's code. Write for example \"+44 20 7946 0123\".",
        ),
        case(
            "emergency_phone = \"999\"",
            "emergency_phone = \"9\"",
            "`emergency_phone`: \"9\" is not a telephone number. Write for example \"999\".",
        ),
        case(
            "currency = \"GBP\"",
            "currency = \"gbp\"",
            "`currency`: \"gbp\" is not a currency. Write its three capital letters, like \"GBP\" or \"EUR\".",
        ),
        case(
            "postal = { line = \"14 Rowan Street\", city = \"London\", postal_code = \"N1 7QP\" }",
            "postal = { line = \"14 Rowan Street\", city = \"London\" }",
            "This postal address has no `postal_code`. Add it, for example: postal_code = \"N1 7QP\"",
        ),
        case(
            "zone = \"Europe/London\"",
            "zone = \"Europe/Londn\"",
            "`zone`: there is no time zone \"Europe/Londn\". Write a name of the IANA list, like \"Europe/London\". Did you mean \"Europe/London\"?",
        ),
        case(
            "https://www.rowanstreet.example",
            "https://www.rowanstreet.example/booking",
            "`sites`: \"https://www.rowanstreet.example/booking\" is not the address of a site. Write it without path: \"https://www.example.org\".",
        ),
        case(
            "https://www.rowanstreet.example",
            "http://www.rowanstreet.example",
            "`sites`: \"http://www.rowanstreet.example\" is not encrypted. Write https:// instead of http://.",
        ),
        case(
            "languages = [\"en\", \"pt\"]",
            "languages = [\"Portuguese\"]",
            "`languages`: \"Portuguese\" is not a language. Write its short form, like \"en\", \"pt\" or \"pt-BR\".",
        ),
    ]);
}

#[test]
fn the_languages_are_ones_that_the_pages_speak() {
    // Without languages, texts in any of them are let be.
    check(&[
        case(
            "languages = [\"en\", \"es\", \"de\", \"ar\"]",
            "languages = [\"en\", \"fr\"]",
            "`languages`: the pages do not speak \"fr\". Choose from en, es, de, ar.",
        ),
        case(
            "languages = [\"en\", \"es\", \"de\", \"ar\"]",
            "languages = []",
            "`languages`: this list is empty. Write for example: languages = [\"en\"]",
        ),
        case(
            "languages = [\"en\", \"es\", \"de\", \"ar\"]",
            "languages = [\"en\", \"en\"]",
            "`languages`: a language is in the list twice. Keep one of them.",
        ),
    ]);
}

#[test]
fn a_duration_is_possible() {
    check(&[
        case(
            "horizon = \"120 days\"",
            "horizon = \"120\"",
            "`horizon`: \"120\" is not a duration. Write a number and a unit: \"45 min\", \"2 h\", \"1 day\", \"6 weeks\".",
        ),
        case(
            "horizon = \"120 days\"",
            "horizon = \"1000 days\"",
            "`horizon`: \"1000 days\" is more than 2 years. Write at most \"2 years\".",
        ),
        case(
            "horizon = \"120 days\"",
            "horizon = \"90 days 1 h\"",
            "`horizon`: \"90 days 1 h\" is not a number of whole days. Write for example \"90 days\" or \"6 months\".",
        ),
        case(
            "offer = \"60 min\"",
            "offer = \"10 min\"",
            "`offer`: \"10 min\" is no time to take an offer in. Write at least \"15 min\" and at most \"24 h\".",
        ),
        case(
            "offer = \"60 min\"",
            "offer = \"2 days\"",
            "`offer`: \"2 days\" is no time to take an offer in. Write at least \"15 min\" and at most \"24 h\".",
        ),
        case("duration = \"45 min\"", "duration = \"0 min\"", "`duration`: this cannot be 0. Write at least \"5 min\"."),
        case(
            "duration = \"45 min\"",
            "duration = \"47 min\"",
            "`duration`: \"47 min\" is not a multiple of 5 minutes. Write \"45 min\" or \"50 min\".",
        ),
        case(
            "duration = \"45 min\"",
            "duration = \"25 h\"",
            "`duration`: \"25 h\" is longer than a day. Write at most \"24 h\".",
        ),
        case(
            "buffer_before = \"5 min\"",
            "buffer_before = \"4 min\"",
            "`buffer_before`: \"4 min\" is not a multiple of 5 minutes. Write \"0 min\" or \"5 min\".",
        ),
        case(
            "every = \"10 min\"",
            "every = \"12 min\"",
            "`every`: \"12 min\" is not a multiple of 5 minutes. Write \"10 min\" or \"15 min\".",
        ),
        case(
            "recall = \"1 year\"",
            "recall = \"11 years\"",
            "`recall`: \"11 years\" is more than 10 years. Write for example \"6 months\".",
        ),
        case(
            "answer_within = \"1 day\"",
            "answer_within = \"31 days\"",
            "`answer_within`: \"31 days\" is no time to answer in. Write at least \"5 min\" and at most \"30 days\".",
        ),
    ]);
}

#[test]
fn a_price_is_a_number_that_the_currency_can_have() {
    check(&[
        case(
            "price = \"65\"",
            "price = \"£65\"",
            "`price`: \"£65\" is not a price. Write the number alone, with a point: \"65\" or \"65.50\". Write \"0\" for no charge.",
        ),
        case("price = \"65\"", "price = -65", "`price`: a price cannot be below 0. Write \"0\" for no charge."),
        case(
            "price = \"65\"",
            "price = \"65.005\"",
            "`price`: \"65.005\" has 3 digits after the point, and this currency has 2. Write fewer.",
        ),
        case("price = \"65\"", "price = \"6500000\"", "`price`: \"6500000\" is 100000 or more. Write a smaller price."),
        case(
            "fee = \"20\"",
            "fee = \"20 pounds\"",
            "`fee`: \"20 pounds\" is not a price. Write the number alone, with a point: \"65\" or \"65.50\". Write \"0\" for no charge.",
        ),
    ]);
}

#[test]
fn hours_days_and_dates_are_ones_that_there_are() {
    check(&[
        case(
            "hours = \"09:00-12:00\"",
            "hours = \"9-12\"",
            "`hours`: \"9-12\" are not hours. Write them like this: \"09:00-17:30\".",
        ),
        case(
            "hours = \"09:00-12:00\"",
            "hours = \"12:00-09:00\"",
            "`hours`: \"12:00-09:00\" ends before it starts. For work past midnight, write \"…-24:00\" and go on the next day.",
        ),
        case(
            "hours = \"09:00-12:00\"",
            "hours = \"09:00-12:01\"",
            "`hours`: \"09:00-12:01\" does not begin and end on a multiple of 5 minutes. Write for example \"09:05-17:30\".",
        ),
        case(
            "days = \"sat\"",
            "days = \"saturn\"",
            "`days`: \"saturn\" is not a day. Write mon, tue, wed, thu, fri, sat or sun, or a range like \"mon-fri\".",
        ),
        case("days = \"sat\"", "days = [\"sat\", \"sat\"]", "`days`: a day is in the list twice. Name each day once."),
        case("days = \"sat\"", "days = []", "`days`: this list is empty. Write for example: days = \"mon-fri\""),
        case(
            "date = 2027-06-04",
            "date = \"4 June 2027\"",
            "`date`: \"4 June 2027\" is not a date. Write year, month and day: 2026-12-25",
        ),
        case(
            "date = 2027-06-04",
            "date = 9999-06-04",
            "`date`: \"9999-06-04\" is not a date. Write year, month and day: 2026-12-25",
        ),
    ]);
}

#[test]
fn each_slug_is_given_once() {
    check(&[case(
        "slug = \"room-2\"",
        "slug = \"room-1\"",
        "The room of line LINE is called \"room-1\" already. Choose another slug.",
    )
    .on("[[rooms]]\nslug = \"room-1\"\nname = \"Room 2\"")
    .about("[[rooms]]\nslug = \"room-1\"\nname = \"Room 1\"")]);
}
