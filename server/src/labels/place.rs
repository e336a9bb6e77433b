//! A zone as a place: "London time (GMT)". People know where they are, not their offset.

use app::words::Language;
use chrono::{DateTime, Offset, Utc};
use chrono_tz::{OffsetName, Tz};

/// "London time (GMT)", with the abbreviation that holds at that instant, or the offset where
/// the zone has none. A zone that is no place is its abbreviation alone: "UTC".
pub fn zone_label(instant: DateTime<Utc>, zone: Tz, language: Language) -> String {
    let abbreviation = abbreviation(instant, zone, language);
    let Some(place) = place(zone, language) else { return abbreviation };
    match language {
        Language::En => format!("{place} time ({abbreviation})"),
        Language::Es => format!("hora de {place} ({abbreviation})"),
        Language::De => format!("Ortszeit {place} ({abbreviation})"),
        Language::Ar => format!("توقيت {place} ({abbreviation})"),
    }
}

/// The city that gives the zone its name; `None` for zones that are no place, like `Etc/UTC`.
pub(super) fn place(zone: Tz, language: Language) -> Option<String> {
    let (region, city) = zone.name().rsplit_once('/')?;
    if region == "Etc" {
        return None;
    }
    let known = CITIES.iter().find(|(name, _)| *name == city);
    Some(known.map_or_else(|| city.replace('_', " "), |(_, names)| names[language as usize].to_owned()))
}

fn abbreviation(instant: DateTime<Utc>, zone: Tz, language: Language) -> String {
    let local = instant.with_timezone(&zone);
    let offset = local.offset();
    match offset.abbreviation() {
        Some(name) if name.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            let german = GERMAN.iter().find(|(english, _)| language == Language::De && *english == name);
            german.map_or(name, |(_, german)| german).to_owned()
        }
        // The zone database has no name there and writes digits; those we word ourselves.
        _ => offset_text(offset.fix().local_minus_utc() / 60),
    }
}

/// "UTC+5:30". Digits and sign stay the same in every language, as in a telephone number.
fn offset_text(offset_min: i32) -> String {
    let sign = if offset_min < 0 { '\u{2212}' } else { '+' };
    match (offset_min.abs() / 60, offset_min.abs() % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

/// European zones that German readers know by other letters.
const GERMAN: [(&str, &str); 6] =
    [("CET", "MEZ"), ("CEST", "MESZ"), ("EET", "OEZ"), ("EEST", "OESZ"), ("WET", "WEZ"), ("WEST", "WESZ")];

/// Cities whose name is not simply the zone's, by the last part of the zone's name; in the order
/// of [`Language`]. Browsers still report a few former names.
const CITIES: [(&str, [&str; 4]); 47] = [
    ("Algiers", ["Algiers", "Argel", "Algier", "الجزائر"]),
    ("Amman", ["Amman", "Amán", "Amman", "عمّان"]),
    ("Amsterdam", ["Amsterdam", "Ámsterdam", "Amsterdam", "أمستردام"]),
    ("Athens", ["Athens", "Atenas", "Athen", "أثينا"]),
    ("Baghdad", ["Baghdad", "Bagdad", "Bagdad", "بغداد"]),
    ("Beirut", ["Beirut", "Beirut", "Beirut", "بيروت"]),
    ("Berlin", ["Berlin", "Berlín", "Berlin", "برلين"]),
    ("Brussels", ["Brussels", "Bruselas", "Brüssel", "بروكسل"]),
    ("Bucharest", ["Bucharest", "Bucarest", "Bukarest", "بوخارست"]),
    ("Cairo", ["Cairo", "El Cairo", "Kairo", "القاهرة"]),
    ("Calcutta", ["Kolkata", "Calcuta", "Kolkata", "كلكتا"]),
    ("Canary", ["Canary Islands", "Canarias", "Kanaren", "جزر الكناري"]),
    ("Casablanca", ["Casablanca", "Casablanca", "Casablanca", "الدار البيضاء"]),
    ("Chicago", ["Chicago", "Chicago", "Chicago", "شيكاغو"]),
    ("Copenhagen", ["Copenhagen", "Copenhague", "Kopenhagen", "كوبنهاغن"]),
    ("Damascus", ["Damascus", "Damasco", "Damaskus", "دمشق"]),
    ("Dubai", ["Dubai", "Dubái", "Dubai", "دبي"]),
    ("Dublin", ["Dublin", "Dublín", "Dublin", "دبلن"]),
    ("Gibraltar", ["Gibraltar", "Gibraltar", "Gibraltar", "جبل طارق"]),
    ("Hong_Kong", ["Hong Kong", "Hong Kong", "Hongkong", "هونغ كونغ"]),
    ("Istanbul", ["Istanbul", "Estambul", "Istanbul", "إسطنبول"]),
    ("Katmandu", ["Kathmandu", "Katmandú", "Kathmandu", "كاتماندو"]),
    ("Kiev", ["Kyiv", "Kiev", "Kyjiw", "كييف"]),
    ("Kolkata", ["Kolkata", "Calcuta", "Kolkata", "كلكتا"]),
    ("Kuwait", ["Kuwait", "Kuwait", "Kuwait", "الكويت"]),
    ("Kyiv", ["Kyiv", "Kiev", "Kyjiw", "كييف"]),
    ("Lisbon", ["Lisbon", "Lisboa", "Lissabon", "لشبونة"]),
    ("London", ["London", "Londres", "London", "لندن"]),
    ("Los_Angeles", ["Los Angeles", "Los Ángeles", "Los Angeles", "لوس أنجلوس"]),
    ("Madrid", ["Madrid", "Madrid", "Madrid", "مدريد"]),
    ("Mexico_City", ["Mexico City", "Ciudad de México", "Mexiko-Stadt", "مكسيكو سيتي"]),
    ("Moscow", ["Moscow", "Moscú", "Moskau", "موسكو"]),
    ("New_York", ["New York", "Nueva York", "New York", "نيويورك"]),
    ("Paris", ["Paris", "París", "Paris", "باريس"]),
    ("Prague", ["Prague", "Praga", "Prag", "براغ"]),
    ("Qatar", ["Qatar", "Catar", "Katar", "قطر"]),
    ("Rangoon", ["Yangon", "Rangún", "Rangun", "يانغون"]),
    ("Riyadh", ["Riyadh", "Riad", "Riad", "الرياض"]),
    ("Rome", ["Rome", "Roma", "Rom", "روما"]),
    ("Saigon", ["Ho Chi Minh City", "Ciudad Ho Chi Minh", "Ho-Chi-Minh-Stadt", "مدينة هو تشي منه"]),
    ("Sao_Paulo", ["São Paulo", "São Paulo", "São Paulo", "ساو باولو"]),
    ("Singapore", ["Singapore", "Singapur", "Singapur", "سنغافورة"]),
    ("Tokyo", ["Tokyo", "Tokio", "Tokio", "طوكيو"]),
    ("Tunis", ["Tunis", "Túnez", "Tunis", "تونس"]),
    ("Vienna", ["Vienna", "Viena", "Wien", "فيينا"]),
    ("Warsaw", ["Warsaw", "Varsovia", "Warschau", "وارسو"]),
    ("Zurich", ["Zurich", "Zúrich", "Zürich", "زيورخ"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_named_as_a_place_with_what_its_clock_is_called_then() {
        let (winter, summer) = ("2026-01-12T09:20:00Z".parse().unwrap(), "2026-07-12T09:20:00Z".parse().unwrap());
        for (zone, instant, language, expected) in [
            ("Europe/London", winter, Language::En, "London time (GMT)"),
            ("Europe/London", summer, Language::En, "London time (BST)"),
            ("Europe/Berlin", summer, Language::En, "Berlin time (CEST)"),
            ("Europe/Berlin", summer, Language::De, "Ortszeit Berlin (MESZ)"),
            ("Europe/Berlin", winter, Language::Es, "hora de Berlín (CET)"),
            ("America/New_York", winter, Language::En, "New York time (EST)"),
            ("America/Sao_Paulo", winter, Language::En, "São Paulo time (UTC\u{2212}3)"),
            ("America/Argentina/Buenos_Aires", winter, Language::En, "Buenos Aires time (UTC\u{2212}3)"),
            ("Asia/Calcutta", winter, Language::En, "Kolkata time (IST)"),
            ("Asia/Kathmandu", winter, Language::En, "Kathmandu time (UTC+5:45)"),
            ("Asia/Dubai", winter, Language::Ar, "توقيت دبي (UTC+4)"),
            ("Etc/UTC", winter, Language::En, "UTC"),
            ("UTC", winter, Language::De, "UTC"),
            ("Etc/GMT+5", winter, Language::En, "UTC\u{2212}5"),
        ] {
            assert_eq!(zone_label(instant, zone.parse().unwrap(), language), expected);
        }
    }

    #[test]
    fn every_city_in_the_table_is_a_zone() {
        for (city, _) in CITIES {
            let ending = format!("/{city}");
            assert!(chrono_tz::TZ_VARIANTS.iter().any(|zone| zone.name().ends_with(&ending)), "{city}");
        }
    }

    #[test]
    fn every_zone_has_a_label_without_raw_underscores() {
        let instant = "2026-07-12T09:20:00Z".parse().unwrap();
        for zone in chrono_tz::TZ_VARIANTS {
            let label = zone_label(instant, zone, Language::En);
            assert!(!label.is_empty() && !label.contains(['_', '/']), "{label}");
        }
    }
}
