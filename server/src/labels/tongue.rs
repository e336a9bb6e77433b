//! The name of a language that a practitioner speaks. Many more than the pages speak.

use app::words::Language;

/// The name in the reader's language; a tag that is not in the table stays as it is.
pub fn language_name(tag: &str, language: Language) -> String {
    let primary = tag.split(['-', '_']).next().unwrap_or(tag);
    let known = NAMES.iter().find(|(name, _)| primary.eq_ignore_ascii_case(name));
    known.map_or(tag, |(_, names)| names[language as usize]).to_owned()
}

/// By primary BCP 47 subtag, in the order of [`Language`].
const NAMES: [(&str, [&str; 4]); 30] = [
    ("ar", ["Arabic", "árabe", "Arabisch", "العربية"]),
    ("bfi", ["British Sign Language", "lengua de signos británica", "Britische Gebärdensprache", "لغة الإشارة البريطانية"]),
    ("bn", ["Bengali", "bengalí", "Bengalisch", "البنغالية"]),
    ("cs", ["Czech", "checo", "Tschechisch", "التشيكية"]),
    ("cy", ["Welsh", "galés", "Walisisch", "الويلزية"]),
    ("de", ["German", "alemán", "Deutsch", "الألمانية"]),
    ("el", ["Greek", "griego", "Griechisch", "اليونانية"]),
    ("en", ["English", "inglés", "Englisch", "الإنجليزية"]),
    ("es", ["Spanish", "español", "Spanisch", "الإسبانية"]),
    ("fa", ["Persian", "persa", "Persisch", "الفارسية"]),
    ("fr", ["French", "francés", "Französisch", "الفرنسية"]),
    ("ga", ["Irish", "irlandés", "Irisch", "الأيرلندية"]),
    ("gu", ["Gujarati", "guyaratí", "Gujarati", "الغوجاراتية"]),
    ("he", ["Hebrew", "hebreo", "Hebräisch", "العبرية"]),
    ("hi", ["Hindi", "hindi", "Hindi", "الهندية"]),
    ("it", ["Italian", "italiano", "Italienisch", "الإيطالية"]),
    ("ja", ["Japanese", "japonés", "Japanisch", "اليابانية"]),
    ("nl", ["Dutch", "neerlandés", "Niederländisch", "الهولندية"]),
    ("pa", ["Punjabi", "panyabí", "Panjabi", "البنجابية"]),
    ("pl", ["Polish", "polaco", "Polnisch", "البولندية"]),
    ("pt", ["Portuguese", "portugués", "Portugiesisch", "البرتغالية"]),
    ("ro", ["Romanian", "rumano", "Rumänisch", "الرومانية"]),
    ("ru", ["Russian", "ruso", "Russisch", "الروسية"]),
    ("so", ["Somali", "somalí", "Somali", "الصومالية"]),
    ("sv", ["Swedish", "sueco", "Schwedisch", "السويدية"]),
    ("tr", ["Turkish", "turco", "Türkisch", "التركية"]),
    ("uk", ["Ukrainian", "ucraniano", "Ukrainisch", "الأوكرانية"]),
    ("ur", ["Urdu", "urdu", "Urdu", "الأردية"]),
    ("vi", ["Vietnamese", "vietnamita", "Vietnamesisch", "الفيتنامية"]),
    ("zh", ["Chinese", "chino", "Chinesisch", "الصينية"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_named_in_the_readers_own() {
        let names = Language::ALL.map(|language| language_name("de-AT", language));
        assert_eq!(names, ["German", "alemán", "Deutsch", "الألمانية"]);
        assert_eq!(language_name("tlh", Language::En), "tlh");
    }
}
