//! What a text in the file means: durations, prices, hours, days, dates, zones, origins.
//!
//! Each parser answers with the value, or with a sentence that says what is wrong and what to
//! write instead. None knows where in the file it is.

use app::clinic::model::Hours;
use app::fields::{Email, Phone};
use chrono::{Datelike, NaiveDate, NaiveTime, Timelike, Weekday};
use chrono_tz::{TZ_VARIANTS, Tz};
use url::Host;

use super::report::did_you_mean;
use crate::clinic::currency;

pub(super) const MINUTES_PER_HOUR: u32 = 60;
pub(super) const MINUTES_PER_DAY: u32 = 24 * MINUTES_PER_HOUR;
/// The grid that appointments lie on.
const STEP_MIN: u32 = 5;
/// More than this is a typing mistake; in whole units of the currency.
const PRICE_MAX: u32 = 100_000;

/// Minutes: "45 min", "1 h 30 min", "2 days", "6 weeks", "6 months" (of 30 days), "1 year" (of 365).
pub(super) fn minutes(text: &str) -> Result<u32, String> {
    let unreadable =
        || format!("\"{text}\" is not a duration. Write a number and a unit: \"45 min\", \"2 h\", \"1 day\", \"6 weeks\".");
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(0);
    }
    let mut total: u32 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(unreadable)?;
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let unit_min = match unit {
            "min" | "minute" | "minutes" => 1,
            "h" | "hour" | "hours" => MINUTES_PER_HOUR,
            "day" | "days" => MINUTES_PER_DAY,
            "week" | "weeks" => 7 * MINUTES_PER_DAY,
            "month" | "months" => 30 * MINUTES_PER_DAY,
            "year" | "years" => 365 * MINUTES_PER_DAY,
            _ => return Err(unreadable()),
        };
        let part = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit_min)).ok_or_else(unreadable)?;
        total = total.checked_add(part).ok_or_else(unreadable)?;
        rest = after.trim_start();
    }
    if text.trim().is_empty() { Err(unreadable()) } else { Ok(total) }
}

/// Minutes on the grid of five, at most a day; may be 0.
pub(super) fn buffer(text: &str) -> Result<u32, String> {
    let length = minutes(text)?;
    if !length.is_multiple_of(STEP_MIN) {
        let (below, above) = (length - length % STEP_MIN, length.next_multiple_of(STEP_MIN));
        return Err(format!("\"{text}\" is not a multiple of 5 minutes. Write \"{below} min\" or \"{above} min\"."));
    }
    if length > MINUTES_PER_DAY {
        return Err(format!("\"{text}\" is longer than a day. Write at most \"24 h\"."));
    }
    Ok(length)
}

/// Like [`buffer`], and not 0.
pub(super) fn length(text: &str) -> Result<u32, String> {
    match buffer(text)? {
        0 => Err("this cannot be 0. Write at least \"5 min\".".to_owned()),
        length => Ok(length),
    }
}

/// Minutes that patients wait for an answer: up to 30 days, at least 5 minutes.
pub(super) fn answer(text: &str) -> Result<u32, String> {
    let length = minutes(text)?;
    if !(STEP_MIN..=30 * MINUTES_PER_DAY).contains(&length) {
        return Err(format!("\"{text}\" is no time to answer in. Write at least \"5 min\" and at most \"30 days\"."));
    }
    Ok(length)
}

/// Minutes that a time is offered to one person: 15 minutes to a day.
pub(super) fn offer_min(text: &str) -> Result<u32, String> {
    let length = minutes(text)?;
    if !(15..=MINUTES_PER_DAY).contains(&length) {
        return Err(format!("\"{text}\" is no time to take an offer in. Write at least \"15 min\" and at most \"24 h\"."));
    }
    Ok(length)
}

/// Minutes up to two years: as far as anything can be booked ahead.
pub(super) fn ahead(text: &str) -> Result<u32, String> {
    /// Two years, one of them a leap year.
    const AHEAD_DAYS_MAX: u32 = 731;
    let length = minutes(text)?;
    if length > AHEAD_DAYS_MAX * MINUTES_PER_DAY {
        return Err(format!("\"{text}\" is more than 2 years. Write at most \"2 years\"."));
    }
    Ok(length)
}

/// Whole days up to two years, at least one.
pub(super) fn horizon_days(text: &str) -> Result<u32, String> {
    whole_days(ahead(text)?, text)
}

/// Whole days up to ten years, at least one.
pub(super) fn recall_days(text: &str) -> Result<u32, String> {
    let length = minutes(text)?;
    if length > 10 * 365 * MINUTES_PER_DAY {
        return Err(format!("\"{text}\" is more than 10 years. Write for example \"6 months\"."));
    }
    whole_days(length, text)
}

fn whole_days(length: u32, text: &str) -> Result<u32, String> {
    if length == 0 || !length.is_multiple_of(MINUTES_PER_DAY) {
        return Err(format!("\"{text}\" is not a number of whole days. Write for example \"90 days\" or \"6 months\"."));
    }
    Ok(length / MINUTES_PER_DAY)
}

/// An amount in the currency's smallest unit: "65" or "65.50".
pub(super) fn price(text: &str, digits: u32) -> Result<u32, String> {
    let unreadable = || {
        format!(
            "\"{text}\" is not a price. Write the number alone, with a point: \"65\" or \"65.50\". Write \"0\" for no charge."
        )
    };
    if text.starts_with('-') {
        return Err("a price cannot be below 0. Write \"0\" for no charge.".to_owned());
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(unreadable());
    }
    let places = u32::try_from(fraction.len()).map_err(|_| unreadable())?;
    if text.contains('.') && places > digits {
        return Err(format!("\"{text}\" has {places} digits after the point, and this currency has {digits}. Write fewer."));
    }
    let unit = 10_u32.pow(digits);
    let whole = whole.parse::<u32>().ok().filter(|whole| *whole < PRICE_MAX);
    let whole = whole.ok_or_else(|| format!("\"{text}\" is {PRICE_MAX} or more. Write a smaller price."))?;
    let fraction: u32 = fraction.parse().map_err(|_| unreadable())?;
    Ok(whole * unit + fraction * 10_u32.pow(digits.saturating_sub(places)))
}

/// "09:00-17:30"; the end may be "24:00".
pub(super) fn hours(text: &str) -> Result<Hours, String> {
    let unreadable = || format!("\"{text}\" are not hours. Write them like this: \"09:00-17:30\".");
    let (from, until) = text.split_once(['-', '–']).ok_or_else(unreadable)?;
    let clock = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let digits = |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(hour, 2) || !digits(minute, 2) || minute.len() != 2 {
            return None;
        }
        Some((hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?))
    };
    let from = clock(from).and_then(|(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0)).ok_or_else(unreadable)?;
    let until = clock(until)
        .and_then(|end| if end == (24, 0) { Some(NaiveTime::MIN) } else { NaiveTime::from_hms_opt(end.0, end.1, 0) })
        .ok_or_else(unreadable)?;
    if [from, until].iter().any(|time| !time.minute().is_multiple_of(STEP_MIN)) {
        return Err(format!("\"{text}\" does not begin and end on a multiple of 5 minutes. Write for example \"09:05-17:30\"."));
    }
    let hours = Hours { from, until };
    let (first, last) = hours.minutes();
    if first >= last {
        return Err(format!(
            "\"{text}\" ends before it starts. For work past midnight, write \"…-24:00\" and go on the next day."
        ));
    }
    Ok(hours)
}

/// "mon", "mon-fri", "sat-mon".
pub(super) fn days(text: &str) -> Result<Vec<Weekday>, String> {
    let day = |text: &str| {
        text.trim().parse::<Weekday>().map_err(|_| {
            format!(
                "\"{text}\" is not a day. Write mon, tue, wed, thu, fri, sat or sun, or a range like \"mon-fri\".",
                text = text.trim()
            )
        })
    };
    let Some((first, last)) = text.split_once(['-', '–']) else { return Ok(vec![day(text)?]) };
    let (first, last) = (day(first)?, day(last)?);
    let count = last.days_since(first) + 1;
    Ok(std::iter::successors(Some(first), |day| Some(day.succ())).take(count as usize).collect())
}

/// "2026-12-25".
pub(super) fn date(text: &str) -> Result<NaiveDate, String> {
    let date: Option<NaiveDate> = text.parse().ok();
    let date = date.filter(|date| (2000..2200).contains(&date.year()));
    date.ok_or_else(|| format!("\"{text}\" is not a date. Write year, month and day: 2026-12-25"))
}

/// An IANA zone.
pub(super) fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        let names = || TZ_VARIANTS.iter().map(|zone| zone.name());
        let city = |name: &'static str| name.rsplit('/').next().unwrap_or(name).eq_ignore_ascii_case(text).then_some(name);
        let guess =
            names().find_map(city).map_or_else(|| did_you_mean(text, names()), |name| format!(" Did you mean \"{name}\"?"));
        format!("there is no time zone \"{text}\". Write a name of the IANA list, like \"Europe/London\".{guess}")
    })
}

/// The origin of a website, as its browsers say it: `https://www.example.org`; `http` only for this
/// computer.
///
/// # Errors
/// It is something else; says how it is written.
pub fn site(text: &str) -> Result<String, String> {
    let unreadable = || format!("\"{text}\" is not the address of a site. Write it without path: \"https://www.example.org\".");
    let (scheme, rest) = text.split_once("://").ok_or_else(unreadable)?;
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    // Browsers say "müller.example" in the letters of the domain name system.
    let host = match Host::parse(host) {
        Ok(Host::Domain(name)) if !host.is_ascii() => name,
        _ => host.to_ascii_lowercase(),
    };
    let host_is_good = host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
    let port_is_good = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number > 0 && !port.starts_with('+')));
    if !host_is_good || !port_is_good {
        return Err(unreadable());
    }
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    match scheme {
        // Browsers leave the usual port away.
        "https" => Ok(format!("https://{host}{port}").trim_end_matches(":443").to_owned()),
        "http" if host == "localhost" => Ok(format!("http://{host}{port}")),
        "http" => Err(format!("\"{text}\" is not encrypted. Write https:// instead of http://.")),
        _ => Err(unreadable()),
    }
}

/// A code of ISO 4217.
pub(super) fn currency_code(text: &str) -> Result<String, String> {
    match currency::digits(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("\"{text}\" is not a currency. Write its three capital letters, like \"GBP\" or \"EUR\".")),
    }
}

pub(super) fn email(text: &str) -> Result<Email, String> {
    let email = Email::parse(text).ok().flatten();
    email.ok_or_else(|| format!("\"{text}\" is not an e-mail address. Write for example \"hello@example.org\"."))
}

pub(super) fn phone(text: &str) -> Result<Phone, String> {
    let phone = Phone::parse(text).ok().flatten();
    // Telephones of other countries dial it too.
    let phone = phone.filter(|phone| phone.as_str().starts_with('+'));
    phone.ok_or_else(|| {
        format!("\"{text}\" is not a telephone number with a country's code. Write for example \"+44 20 7946 0123\".")
    })
}

/// What people dial: digits with an optional `+`, spaces between; "999" is long enough.
pub(super) fn emergency_phone(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('+').unwrap_or(text).bytes();
    let count = digits.clone().filter(u8::is_ascii_digit).count();
    if (2..=15).contains(&count) && digits.clone().all(|byte| byte.is_ascii_digit() || byte == b' ') {
        Ok(text.to_owned())
    } else {
        Err(format!("\"{text}\" is not a telephone number. Write for example \"999\"."))
    }
}

/// A language that people speak, as a BCP 47 tag: language and, if it matters, region.
pub(super) fn spoken_language(text: &str) -> Result<String, String> {
    let (language, region) = text.split_once('-').map_or((text, None), |(language, region)| (language, Some(region)));
    let is_language = (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_region = region.is_none_or(|region| region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_uppercase()));
    if is_language && is_region {
        Ok(text.to_owned())
    } else {
        Err(format!("\"{text}\" is not a language. Write its short form, like \"en\", \"pt\" or \"pt-BR\"."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_numbers_with_units() {
        for (text, expected) in [
            ("45 min", 45),
            ("1 h 30 min", 90),
            ("1h30min", 90),
            ("2 hours", 120),
            ("1 day", 1_440),
            ("6 months", 180 * 1_440),
            ("0", 0),
        ] {
            assert_eq!(minutes(text), Ok(expected), "{text}");
        }
        for bad in ["", "45", "min", "45 m", "-5 min", "1.5 h", "99999999 years", "5 min x", "5 min 3"] {
            assert!(minutes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_price_is_kept_in_the_smallest_unit_of_its_currency() {
        for (text, digits, expected) in
            [("65", 2, 6_500), ("65.5", 2, 6_550), ("65.05", 2, 6_505), ("0", 2, 0), ("1200", 0, 1_200), ("1.250", 3, 1_250)]
        {
            assert_eq!(price(text, digits), Ok(expected), "{text}");
        }
        for (bad, digits) in
            [("65,00", 2), ("£65", 2), ("65.001", 2), ("12.5", 0), ("-1", 2), (".5", 2), ("5.", 2), ("100000", 2), ("", 2)]
        {
            assert!(price(bad, digits).is_err(), "{bad}");
        }
    }

    #[test]
    fn hours_lie_within_a_day() {
        assert_eq!(hours("09:00-17:30").map(Hours::minutes), Ok((540, 1_050)));
        assert_eq!(hours("9:00 – 24:00").map(Hours::minutes), Ok((540, 1_440)));
        for bad in ["9-17", "09:00", "17:00-09:00", "09:00-09:00", "09:01-10:00", "25:00-26:00", "09:00-10:60", "+9:00-10:00"] {
            assert!(hours(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days_may_be_a_range_over_the_end_of_the_week() {
        use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
        assert_eq!(days("mon-fri"), Ok(vec![Mon, Tue, Wed, Thu, Fri]));
        assert_eq!(days("sat-mon"), Ok(vec![Sat, Sun, Mon]));
        assert_eq!(days("Tuesday"), Ok(vec![Tue]));
        assert!(days("noday").is_err() && days("mon-").is_err());
    }

    #[test]
    fn a_site_is_an_origin_and_nothing_more() {
        assert_eq!(site("https://WWW.Example.org"), Ok("https://www.example.org".to_owned()));
        assert_eq!(site("https://example.org:443"), Ok("https://example.org".to_owned()));
        assert!(site("https://example.org:8443").is_ok() && site("http://localhost:8080").is_ok());
        assert_eq!(site("https://www.Müller.example:8443"), Ok("https://www.xn--mller-kva.example:8443".to_owned()));
        for bad in [
            "example.org",
            "https://mül ler.example",
            "https://ü@example.org",
            "http://example.org",
            "https://example.org/",
            "https://example.org/a",
            "https://*.example.org",
            "https://a b.org",
            "https://user@example.org",
            "https://example.org; script-src *",
            "https://example.org:0",
            "https://example.org:",
            "ftp://example.org",
            "https://",
        ] {
            assert!(site(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wrong_zone_is_answered_with_the_nearest_one() {
        assert!(zone("Europe/Londn").unwrap_err().ends_with("Did you mean \"Europe/London\"?"));
        assert!(zone("madrid").unwrap_err().ends_with("Did you mean \"Europe/Madrid\"?"));
        assert!(zone("Moon/Base").unwrap_err().ends_with("\"Europe/London\"."));
    }
}
