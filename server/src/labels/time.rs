//! A moment, a day, a month, and the names of the weekdays.

use app::booking::model::WeekdayName;
use app::moment::{Day, Moment};
use app::words::Language;
use chrono::{DateTime, Datelike, LocalResult, Locale, NaiveDate, NaiveTime, Offset, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Tz;

use super::place::{place, zone_label};

/// Words an instant by the clock on the wall of `zone`, and also by the reader's own clock if
/// that shows something else at that instant.
pub fn moment(instant: DateTime<Utc>, zone: Tz, language: Language, now: DateTime<Utc>, reader: Option<Tz>) -> Moment {
    let local = instant.with_timezone(&zone);
    let today = now.with_timezone(&zone).date_naive();
    Moment {
        instant,
        date: local.date_naive(),
        day: day_label(local.date_naive(), language, today),
        time: clock_label(local.time(), language) + turn(&local, language),
        zone: zone_label(instant, zone, language),
        elsewhere: reader.and_then(|reader| elsewhere(&local, reader, language, today)),
    }
}

/// The day in words, and whether it is today or tomorrow.
pub fn day(date: NaiveDate, language: Language, today: NaiveDate) -> Day {
    let names = match language {
        Language::En => ["Today", "Tomorrow"],
        Language::Es => ["Hoy", "Mañana"],
        Language::De => ["Heute", "Morgen"],
        Language::Ar => ["اليوم", "غدًا"],
    };
    let relative = if date == today {
        Some(names[0])
    } else if Some(date) == today.succ_opt() {
        Some(names[1])
    } else {
        None
    };
    Day { date, label: day_label(date, language, today), relative: relative.map(str::to_owned) }
}

/// "Thursday 12 March", with the year unless it is this year.
pub fn day_label(date: NaiveDate, language: Language, today: NaiveDate) -> String {
    let this_year = date.year() == today.year();
    let pattern = match (language, this_year) {
        (Language::En | Language::Ar, true) => "%A %-d\u{a0}%B",
        (Language::En | Language::Ar, false) => "%A %-d\u{a0}%B %Y",
        (Language::Es, true) => "%A %-d\u{a0}de\u{a0}%B",
        (Language::Es, false) => "%A %-d\u{a0}de\u{a0}%B de %Y",
        (Language::De, true) => "%A, %-d.\u{a0}%B",
        (Language::De, false) => "%A, %-d.\u{a0}%B %Y",
    };
    date.format_localized(pattern, locale(language)).to_string()
}

/// "March 2026", for any day of the month.
pub fn month_label(first: NaiveDate, language: Language) -> String {
    let pattern = if language == Language::Es { "%B de %Y" } else { "%B %Y" };
    first.format_localized(pattern, locale(language)).to_string()
}

/// The day on which a calendar's week begins. Arabic without a region begins on Saturday, as
/// most countries do that write it.
pub const fn first_weekday(language: Language) -> Weekday {
    match language {
        Language::En | Language::Es | Language::De => Weekday::Mon,
        Language::Ar => Weekday::Sat,
    }
}

/// The seven days in the order of a calendar's columns, from [`first_weekday`] on.
pub fn weekday_names(language: Language) -> Vec<WeekdayName> {
    week(language)
        .map(|weekday| WeekdayName { full: weekday_label(weekday, language), short: weekday_text(weekday, "%a", language) })
        .collect()
}

/// "Monday".
pub fn weekday_label(weekday: Weekday, language: Language) -> String {
    weekday_text(weekday, "%A", language)
}

/// The week as the language's readers count it.
pub(super) fn week(language: Language) -> impl Iterator<Item = Weekday> {
    std::iter::successors(Some(first_weekday(language)), |weekday| Some(weekday.succ())).take(7)
}

fn weekday_text(weekday: Weekday, pattern: &str, language: Language) -> String {
    let week = NaiveDate::default().week(weekday);
    week.checked_first_day().unwrap_or_default().format_localized(pattern, locale(language)).to_string()
}

/// "9:20 am", "12 noon": a time by the clock, whatever the day.
pub fn clock_label(time: NaiveTime, language: Language) -> String {
    let (hour, minute) = (time.hour(), time.minute());
    let (is_pm, hour_12) = time.hour12();
    match (language, hour, minute) {
        (Language::En, 0, 0) => "12\u{a0}midnight".to_owned(),
        (Language::En, 12, 0) => "12\u{a0}noon".to_owned(),
        (Language::En, ..) => format!("{hour_12}:{minute:02}\u{a0}{}", if is_pm { "pm" } else { "am" }),
        (Language::Es, ..) => format!("{hour}:{minute:02}"),
        (Language::De, ..) => format!("{hour}:{minute:02}\u{a0}Uhr"),
        (Language::Ar, 0, 0) => "12\u{a0}منتصف\u{a0}الليل".to_owned(),
        (Language::Ar, 12, 0) => "12\u{a0}ظهرًا".to_owned(),
        (Language::Ar, ..) => format!("{hour_12}:{minute:02}\u{a0}{}", if is_pm { "م" } else { "ص" }),
    }
}

/// When the clocks go back, the wall shows an hour twice: this says which of the two it is.
/// Empty on every other hour of the year.
fn turn(local: &DateTime<Tz>, language: Language) -> &'static str {
    let LocalResult::Ambiguous(first, _) = local.timezone().from_local_datetime(&local.naive_local()) else { return "" };
    match (language, *local == first) {
        (Language::En, true) => ", before the clocks go back",
        (Language::En, false) => ", after the clocks go back",
        (Language::Es, true) => ", antes de atrasar los relojes",
        (Language::Es, false) => ", después de atrasar los relojes",
        (Language::De, true) => ", vor dem Zurückstellen der Uhren",
        (Language::De, false) => ", nach dem Zurückstellen der Uhren",
        (Language::Ar, true) => "، قبل تأخير الساعة",
        (Language::Ar, false) => "، بعد تأخير الساعة",
    }
}

/// "2:20 pm in New York", if the reader's clock differs at that instant.
fn elsewhere(local: &DateTime<Tz>, reader: Tz, language: Language, today: NaiveDate) -> Option<String> {
    let there = local.with_timezone(&reader);
    if there.offset().fix() == local.offset().fix() {
        return None;
    }
    let time = clock_label(there.time(), language);
    let place = place(reader, language);
    let time_there = match (language, place) {
        (Language::En | Language::De, Some(place)) => format!("{time} in {place}"),
        (Language::Es, Some(place)) => format!("{time} en {place}"),
        (Language::Ar, Some(place)) => format!("{time} بتوقيت {place}"),
        (_, None) => format!("{time} ({})", zone_label(there.to_utc(), reader, language)),
    } + turn(&there, language);
    if there.date_naive() == local.date_naive() {
        return Some(time_there);
    }
    let comma = if language == Language::Ar { "،" } else { "," };
    Some(format!("{}{comma} {time_there}", day_label(there.date_naive(), language, today)))
}

const fn locale(language: Language) -> Locale {
    match language {
        Language::En => Locale::en_GB,
        Language::Es => Locale::es_ES,
        Language::De => Locale::de_DE,
        // Egypt's month names are the ones most readers know; the Levant has others.
        Language::Ar => Locale::ar_EG,
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::{New_York, Sao_Paulo};
    use chrono_tz::Asia::{Kolkata, Tokyo};
    use chrono_tz::Australia::Lord_Howe;
    use chrono_tz::Europe::{Berlin, London};

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// A day in the spring on which every language is easily compared.
    fn now() -> DateTime<Utc> {
        utc("2026-03-11T08:00:00Z")
    }

    /// No-break spaces as `_`, so that a test shows them.
    fn seen(text: &str) -> String {
        text.replace('\u{a0}', "_")
    }

    #[test]
    fn a_moment_reads_the_way_each_language_writes_it() {
        for (language, day, time, zone) in [
            (Language::En, "Thursday 12_March", "9:20_am", "London time (GMT)"),
            (Language::Es, "jueves 12_de_marzo", "9:20", "hora de Londres (GMT)"),
            (Language::De, "Donnerstag, 12._März", "9:20_Uhr", "Ortszeit London (GMT)"),
            (Language::Ar, "الخميس 12_مارس", "9:20_ص", "توقيت لندن (GMT)"),
        ] {
            let moment = moment(utc("2026-03-12T09:20:00Z"), London, language, now(), None);
            assert_eq!((seen(&moment.day), seen(&moment.time), seen(&moment.zone)), (day.into(), time.into(), zone.into()));
            assert_eq!(moment.date, date("2026-03-12"));
            assert_eq!(moment.elsewhere, None);
        }
    }

    #[test]
    fn the_year_is_named_only_if_it_is_another_one_where_the_clinic_is() {
        let new_year = utc("2026-12-31T16:00:00Z");
        assert_eq!(seen(&moment(new_year, London, Language::En, now(), None).day), "Thursday 31_December");
        assert_eq!(seen(&moment(new_year, Tokyo, Language::En, now(), None).day), "Friday 1_January 2027");
        // The year has turned in Tokyo already: there it is this year.
        assert_eq!(seen(&moment(new_year, Tokyo, Language::En, new_year, None).day), "Friday 1_January");
        assert_eq!(seen(&day_label(date("2027-01-01"), Language::Es, date("2026-03-11"))), "viernes 1_de_enero de 2027");
        assert_eq!(seen(&day_label(date("2027-01-01"), Language::De, date("2026-03-11"))), "Freitag, 1._Januar 2027");
    }

    #[test]
    fn noon_and_midnight_have_names_where_twelve_would_be_unclear() {
        let at = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        for (language, hour, minute, expected) in [
            (Language::En, 0, 0, "12_midnight"),
            (Language::En, 0, 5, "12:05_am"),
            (Language::En, 12, 0, "12_noon"),
            (Language::En, 12, 30, "12:30_pm"),
            (Language::En, 14, 0, "2:00_pm"),
            (Language::De, 0, 0, "0:00_Uhr"),
            (Language::De, 14, 5, "14:05_Uhr"),
            (Language::Es, 12, 0, "12:00"),
            (Language::Ar, 12, 0, "12_ظهرًا"),
            (Language::Ar, 0, 0, "12_منتصف_الليل"),
            (Language::Ar, 14, 30, "2:30_م"),
        ] {
            assert_eq!(seen(&clock_label(at(hour, minute), language)), expected);
        }
    }

    #[test]
    fn an_hour_that_comes_twice_says_which_one_it_is() {
        let london = |instant| moment(utc(instant), London, Language::En, now(), None);
        let (first, second) = (london("2026-10-25T00:30:00Z"), london("2026-10-25T01:30:00Z"));
        assert_eq!(seen(&first.time), "1:30_am, before the clocks go back");
        assert_eq!(first.zone, "London time (BST)");
        assert_eq!(seen(&second.time), "1:30_am, after the clocks go back");
        assert_eq!(second.zone, "London time (GMT)");
        assert_eq!(seen(&london("2026-10-25T02:00:00Z").time), "2:00_am");
        // The clocks go forward: nothing is shown twice.
        assert_eq!(seen(&london("2026-03-29T00:59:00Z").time), "12:59_am");
        assert_eq!(seen(&london("2026-03-29T01:00:00Z").time), "2:00_am");
        // Half an hour is enough, south of the equator too.
        let howe = moment(utc("2026-04-04T15:10:00Z"), Lord_Howe, Language::En, now(), None);
        assert_eq!(seen(&howe.time), "1:40_am, after the clocks go back");
    }

    #[test]
    fn a_reader_elsewhere_sees_their_own_clock_too() {
        let instant = utc("2026-03-12T09:20:00Z");
        let read = |reader, language| moment(instant, London, language, now(), Some(reader)).elsewhere.as_deref().map(seen);
        assert_eq!(read(New_York, Language::En).unwrap(), "5:20_am in New York");
        assert_eq!(read(New_York, Language::Es).unwrap(), "5:20 en Nueva York");
        assert_eq!(read(Berlin, Language::De).unwrap(), "10:20_Uhr in Berlin");
        assert_eq!(read(New_York, Language::Ar).unwrap(), "5:20_ص بتوقيت نيويورك");
        assert_eq!(read(Kolkata, Language::En).unwrap(), "2:50_pm in Kolkata");
        // The same clock under another name is not elsewhere.
        assert_eq!(read(chrono_tz::Europe::Lisbon, Language::En), None);
        // It only is for as long as the clocks agree.
        let reykjavik = Some(chrono_tz::Atlantic::Reykjavik);
        assert_eq!(moment(instant, London, Language::En, now(), reykjavik).elsewhere, None);
        let summer = moment(utc("2026-06-12T09:20:00Z"), London, Language::En, now(), reykjavik);
        assert_eq!(summer.elsewhere.as_deref().map(seen).unwrap(), "9:20_am in Reykjavik");
    }

    #[test]
    fn a_reader_for_whom_it_is_another_day_is_told_the_day() {
        let late = utc("2026-03-12T17:20:00Z");
        let tokyo = |language| moment(late, London, language, now(), Some(Tokyo)).elsewhere.unwrap();
        assert_eq!(seen(&tokyo(Language::En)), "Friday 13_March, 2:20_am in Tokyo");
        assert_eq!(seen(&tokyo(Language::De)), "Freitag, 13._März, 2:20_Uhr in Tokio");
        assert_eq!(seen(&tokyo(Language::Ar)), "الجمعة 13_مارس، 2:20_ص بتوقيت طوكيو");
        let utc_reader = moment(late, Sao_Paulo, Language::En, now(), Some(chrono_tz::UTC)).elsewhere.unwrap();
        assert_eq!(seen(&utc_reader), "5:20_pm (UTC)");
    }

    #[test]
    fn today_and_tomorrow_are_said() {
        let today = date("2026-12-31");
        assert_eq!(day(today, Language::En, today).relative.as_deref(), Some("Today"));
        assert_eq!(day(date("2027-01-01"), Language::De, today).relative.as_deref(), Some("Morgen"));
        assert_eq!(day(date("2027-01-01"), Language::Ar, today).relative.as_deref(), Some("غدًا"));
        assert_eq!(day(date("2027-01-02"), Language::Es, today).relative, None);
        assert_eq!(day(date("2026-12-30"), Language::Es, today).relative, None);
    }

    #[test]
    fn months_and_weekdays_are_named() {
        let first = date("2026-03-01");
        let months = Language::ALL.map(|language| month_label(first, language));
        assert_eq!(months, ["March 2026", "marzo de 2026", "März 2026", "مارس 2026"]);
        let english = weekday_names(Language::En);
        assert_eq!(english.len(), 7);
        assert_eq!((english[0].full.as_str(), english[6].short.as_str()), ("Monday", "Sun"));
        let arabic = weekday_names(Language::Ar);
        assert_eq!((arabic[0].full.as_str(), arabic[6].full.as_str()), ("السبت", "الجمعة"));
        assert_eq!(weekday_label(first_weekday(Language::Ar), Language::Ar), arabic[0].full);
        assert_eq!(weekday_names(Language::De)[2].short, "Mi");
        assert_eq!(weekday_names(Language::Es)[2].full, "miércoles");
    }
}
