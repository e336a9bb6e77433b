//! Opening hours in lines: "Monday to Friday, 8 am to 6 pm".

use app::clinic::model::Hours;
use app::words::Language;
use chrono::Weekday;

use super::NBSP;
use super::time::{week, weekday_label};

/// Minutes since midnight, from and until.
type Span = (u32, u32);

/// One line for each run of days with the same hours, in the order of the language's week. The
/// rules may overlap, as the shifts of several people do; a day without hours has no line.
pub fn opening_hours(rules: &[(Vec<Weekday>, Hours)], language: Language) -> Vec<String> {
    let mut runs: Vec<(Vec<Weekday>, Vec<Span>)> = Vec::new();
    for weekday in week(language) {
        let spans = spans_of(weekday, rules);
        match runs.last_mut() {
            Some((days, same)) if *same == spans => days.push(weekday),
            _ => runs.push((vec![weekday], spans)),
        }
    }
    runs.iter().filter(|(_, spans)| !spans.is_empty()).map(|(days, spans)| line(days, spans, language)).collect()
}

/// A day's hours in order, with those that touch or overlap made one.
fn spans_of(weekday: Weekday, rules: &[(Vec<Weekday>, Hours)]) -> Vec<Span> {
    let mut spans: Vec<Span> =
        rules.iter().filter(|(days, _)| days.contains(&weekday)).map(|(_, hours)| hours.minutes()).collect();
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::new();
    for (from, until) in spans {
        match merged.last_mut() {
            Some((_, end)) if from <= *end => *end = until.max(*end),
            _ => merged.push((from, until)),
        }
    }
    merged
}

fn line(days: &[Weekday], spans: &[Span], language: Language) -> String {
    let (comma, and) = match language {
        Language::En => (", ", " and "),
        Language::Es => (", ", " y "),
        Language::De => (", ", " und "),
        Language::Ar => ("، ", " و"),
    };
    let days = match days {
        [] => String::new(),
        [day] => capitalised(&weekday_label(*day, language)),
        [first, second] => {
            format!("{}{and}{}", capitalised(&weekday_label(*first, language)), weekday_label(*second, language))
        }
        [first, .., last] => {
            let (first, last) = (weekday_label(*first, language), weekday_label(*last, language));
            match language {
                Language::En => format!("{first} to {last}"),
                Language::Es => format!("De {first} a {last}"),
                Language::De => format!("{first} bis {last}"),
                Language::Ar => format!("من {first} إلى {last}"),
            }
        }
    };
    let spans: Vec<String> = spans.iter().map(|span| span_text(*span, language)).collect();
    format!("{days}{comma}{}", spans.join(and))
}

fn span_text((from, until): Span, language: Language) -> String {
    if (from, until) == (0, 24 * 60) {
        return match language {
            Language::En => "all day",
            Language::Es => "todo el día",
            Language::De => "ganztägig",
            Language::Ar => "طوال اليوم",
        }
        .to_owned();
    }
    let (start, end) = (hour_text(from, language), hour_text(until, language));
    match language {
        Language::En => format!("{start} to {end}"),
        Language::Es => format!("de {start} a {end}"),
        Language::De => format!("{start} bis {end}{NBSP}Uhr"),
        Language::Ar => format!("من {start} إلى {end}"),
    }
}

/// Shorter than the time of a visit: full hours lose their zeros where the language allows it.
fn hour_text(minute_of_day: u32, language: Language) -> String {
    let (hour, minute) = (minute_of_day / 60, minute_of_day % 60);
    let is_pm = (12..24).contains(&hour);
    let hour_12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    let short = |hour: u32| if minute == 0 { hour.to_string() } else { format!("{hour}:{minute:02}") };
    match (language, hour, minute) {
        (Language::En, 12, 0) => format!("12{NBSP}noon"),
        (Language::En, 0 | 24, 0) => format!("12{NBSP}midnight"),
        (Language::En, ..) => format!("{}{NBSP}{}", short(hour_12), if is_pm { "pm" } else { "am" }),
        (Language::Es, ..) => format!("{hour}:{minute:02}"),
        (Language::De, ..) => short(hour),
        (Language::Ar, 12, 0) => format!("12{NBSP}ظهرًا"),
        (Language::Ar, 0 | 24, 0) => format!("12{NBSP}منتصف{NBSP}الليل"),
        (Language::Ar, ..) => format!("{}{NBSP}{}", short(hour_12), if is_pm { "م" } else { "ص" }),
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    use chrono::NaiveTime;

    use super::*;

    fn hours(from: &str, until: &str) -> Hours {
        let time = |text| NaiveTime::parse_from_str(text, "%H:%M").unwrap();
        Hours { from: time(from), until: time(until) }
    }

    fn lines(rules: &[(Vec<Weekday>, Hours)], language: Language) -> Vec<String> {
        opening_hours(rules, language).iter().map(|line| line.replace(NBSP, "_")).collect()
    }

    #[test]
    fn days_with_the_same_hours_share_a_line() {
        let rules = [(vec![Mon, Tue, Wed, Thu, Fri], hours("08:00", "18:00")), (vec![Sat], hours("09:30", "12:00"))];
        assert_eq!(lines(&rules, Language::En), ["Monday to Friday, 8_am to 6_pm", "Saturday, 9:30_am to 12_noon"]);
        assert_eq!(lines(&rules, Language::Es), ["De lunes a viernes, de 8:00 a 18:00", "Sábado, de 9:30 a 12:00"]);
        assert_eq!(lines(&rules, Language::De), ["Montag bis Freitag, 8 bis 18_Uhr", "Samstag, 9:30 bis 12_Uhr"]);
        assert_eq!(lines(&rules, Language::Ar), ["السبت، من 9:30_ص إلى 12_ظهرًا", "من الاثنين إلى الجمعة، من 8_ص إلى 6_م"]);
    }

    #[test]
    fn several_peoples_shifts_make_one_span_and_a_real_break_stays_one() {
        let rules = [
            (vec![Mon, Tue], hours("08:00", "12:00")),
            (vec![Mon], hours("10:00", "11:00")),
            (vec![Mon, Tue], hours("13:00", "16:00")),
            (vec![Mon, Tue], hours("16:00", "18:00")),
        ];
        assert_eq!(lines(&rules, Language::En), ["Monday and Tuesday, 8_am to 12_noon and 1_pm to 6_pm"]);
        assert_eq!(lines(&rules, Language::De), ["Montag und Dienstag, 8 bis 12_Uhr und 13 bis 18_Uhr"]);
    }

    #[test]
    fn a_day_off_in_between_parts_the_line() {
        let rules = [(vec![Mon, Tue, Thu, Fri, Sun], hours("09:00", "00:00"))];
        assert_eq!(
            lines(&rules, Language::En),
            [
                "Monday and Tuesday, 9_am to 12_midnight",
                "Thursday and Friday, 9_am to 12_midnight",
                "Sunday, 9_am to 12_midnight"
            ]
        );
        assert_eq!(lines(&[(vec![Wed], hours("00:00", "00:00"))], Language::En), ["Wednesday, all day"]);
        assert!(lines(&[], Language::En).is_empty());
    }
}
