//! Numbers, lengths of time and money. Units are whole words: a screen reader reads "m" as metres.

use app::words::Language;

use super::NBSP;

/// A whole number with the language's marks between thousands.
pub fn number(n: u32, language: Language) -> String {
    let digits = n.to_string();
    let separator = match language {
        Language::En | Language::Ar => ',',
        // Spanish leaves four digits together.
        Language::Es if digits.len() <= 4 => return digits,
        Language::Es | Language::De => '.',
    };
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// "45 minutes", "1 hour", "1 hour 30 minutes".
pub fn duration(minutes: u32, language: Language) -> String {
    let count = |n: u32, [one, two, few, many]: [&str; 4]| match (language, n, n % 100) {
        (Language::Ar, 1, _) => one.to_owned(),
        (Language::Ar, 2, _) => two.to_owned(),
        (Language::Ar, _, 3..=10) => format!("{}{NBSP}{few}", number(n, language)),
        (Language::En | Language::Es | Language::De, 1, _) => format!("1{NBSP}{one}"),
        _ => format!("{}{NBSP}{many}", number(n, language)),
    };
    // Arabic has a form for one, for two, for three to ten and for more; the others need two.
    let (hour, minute, and) = match language {
        Language::En => (["hour", "", "", "hours"], ["minute", "", "", "minutes"], " "),
        Language::Es => (["hora", "", "", "horas"], ["minuto", "", "", "minutos"], " y "),
        Language::De => (["Stunde", "", "", "Stunden"], ["Minute", "", "", "Minuten"], " "),
        Language::Ar => (["ساعة", "ساعتان", "ساعات", "ساعة"], ["دقيقة", "دقيقتان", "دقائق", "دقيقة"], " و"),
    };
    match (minutes / 60, minutes % 60) {
        (0, minutes) => count(minutes, minute),
        (hours, 0) => count(hours, hour),
        (hours, minutes) => format!("{}{and}{}", count(hours, hour), count(minutes, minute)),
    }
}

/// "£65", "£65.50" or "No charge". The amount is in the currency's smallest unit; `currency` is
/// an ISO 4217 code, and stays one where we know no sign for it.
pub fn money(amount_smallest_unit: u32, currency: &str, language: Language) -> String {
    if amount_smallest_unit == 0 {
        return match language {
            Language::En => "No charge",
            Language::Es => "Sin coste",
            Language::De => "Kostenlos",
            Language::Ar => "بدون رسوم",
        }
        .to_owned();
    }
    let digits = minor_digits(currency);
    let unit = 10_u32.pow(digits);
    let (whole, rest) = (amount_smallest_unit / unit, amount_smallest_unit % unit);
    let mut amount = number(whole, language);
    if rest > 0 {
        let point = if matches!(language, Language::Es | Language::De) { ',' } else { '.' };
        amount = format!("{amount}{point}{rest:0width$}", width = digits as usize);
    }
    let sign = SIGNS.iter().find(|(code, _)| *code == currency).map(|(_, sign)| *sign);
    match (language, sign) {
        (Language::En, Some(sign)) => format!("{sign}{amount}"),
        (Language::En, None) => format!("{currency}{NBSP}{amount}"),
        (_, sign) => format!("{amount}{NBSP}{}", sign.unwrap_or(currency)),
    }
}

/// Currencies that people know by a sign rather than by a code.
const SIGNS: [(&str, &str); 6] = [("EUR", "€"), ("GBP", "£"), ("INR", "₹"), ("JPY", "¥"), ("USD", "$"), ("UAH", "₴")];

/// How many digits stand after the point (ISO 4217, column "minor unit").
fn minor_digits(currency: &str) -> u32 {
    match currency {
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLP" | "ISK" | "JPY" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "XAF" | "XOF" => 0,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> String {
        text.replace(NBSP, "_")
    }

    #[test]
    fn thousands_are_marked_the_way_each_language_does() {
        assert_eq!(Language::ALL.map(|language| number(1_234, language)), ["1,234", "1234", "1.234", "1,234"]);
        assert_eq!(Language::ALL.map(|language| number(12_345, language)), ["12,345", "12.345", "12.345", "12,345"]);
        assert_eq!(number(1_000_000, Language::En), "1,000,000");
        assert_eq!(number(0, Language::En), "0");
    }

    #[test]
    fn a_length_of_time_is_written_in_whole_words() {
        for (language, minutes, expected) in [
            (Language::En, 1, "1_minute"),
            (Language::En, 45, "45_minutes"),
            (Language::En, 60, "1_hour"),
            (Language::En, 90, "1_hour 30_minutes"),
            (Language::En, 1_440, "24_hours"),
            (Language::Es, 61, "1_hora y 1_minuto"),
            (Language::De, 150, "2_Stunden 30_Minuten"),
            (Language::Ar, 1, "دقيقة"),
            (Language::Ar, 2, "دقيقتان"),
            (Language::Ar, 5, "5_دقائق"),
            (Language::Ar, 10, "10_دقائق"),
            (Language::Ar, 11, "11_دقيقة"),
            (Language::Ar, 45, "45_دقيقة"),
            (Language::Ar, 60, "ساعة"),
            (Language::Ar, 90, "ساعة و30_دقيقة"),
            (Language::Ar, 125, "ساعتان و5_دقائق"),
            (Language::Ar, 6_180, "103_ساعات"),
            (Language::Ar, 6_000, "100_ساعة"),
        ] {
            assert_eq!(seen(&duration(minutes, language)), expected);
        }
    }

    #[test]
    fn a_price_has_its_sign_where_the_language_puts_it() {
        let prices = |amount, currency| Language::ALL.map(|language| seen(&money(amount, currency, language)));
        assert_eq!(prices(6_500, "GBP"), ["£65", "65_£", "65_£", "65_£"]);
        assert_eq!(prices(6_550, "EUR"), ["€65.50", "65,50_€", "65,50_€", "65.50_€"]);
        assert_eq!(prices(6_505, "CHF"), ["CHF_65.05", "65,05_CHF", "65,05_CHF", "65.05_CHF"]);
        assert_eq!(prices(0, "GBP"), ["No charge", "Sin coste", "Kostenlos", "بدون رسوم"]);
        assert_eq!(money(6_500, "JPY", Language::En), "¥6,500");
        assert_eq!(seen(&money(6_500, "KWD", Language::En)), "KWD_6.500");
        assert_eq!(money(123_456_700, "USD", Language::En), "$1,234,567");
        assert_eq!(money(5, "USD", Language::En), "$0.05");
    }
}
