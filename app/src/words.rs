//! Every sentence people read, in four languages, checked while it compiles.
//!
//! The text lies in `locales/*.toml`; `build.rs` makes one method per sentence, so a missing
//! translation or argument stops the build. The server has all four languages inside itself.
//! The browser has none: before it hydrates it loads the lines of the page's own language
//! ([`load`]), so a fifth language weighs nothing for those who do not read it.
//!
//! What it is *not*: it does not format times, money or numbers. The server makes those labels
//! ([`crate::moment`]) and the pages show them as they come.

use serde::{Deserialize, Serialize};

/// A language the pages speak. The language of a page never changes while it is open: choosing
/// another one is a link that loads the page anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    En,
    Es,
    De,
    Ar,
}

impl Language {
    pub const ALL: [Self; 4] = [Self::En, Self::Es, Self::De, Self::Ar];

    /// The BCP 47 tag, as in `<html lang>`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
            Self::De => "de",
            Self::Ar => "ar",
        }
    }

    /// The language's name in itself, as a language switch shows it.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Es => "Español",
            Self::De => "Deutsch",
            Self::Ar => "العربية",
        }
    }

    /// The value of `<html dir>`.
    pub const fn direction(self) -> &'static str {
        match self {
            Self::Ar => "rtl",
            Self::En | Self::Es | Self::De => "ltr",
        }
    }

    /// From a tag with or without a region (`de-AT`); `None` for a language we do not speak.
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The index of the plural form in the order zero, one, two, few, many, other (CLDR 46).
    fn plural(self, count: u32) -> usize {
        match (self, count, count % 100) {
            (Self::Ar, 0, _) => 0,
            (Self::Ar | Self::En | Self::De | Self::Es, 1, _) => 1,
            (Self::Ar, 2, _) => 2,
            (Self::Ar, _, 3..=10) => 3,
            (Self::Ar, _, 11..=99) => 4,
            _ => 5,
        }
    }
}

/// The sentences of one language; copy it freely.
#[derive(Clone, Copy)]
pub struct Words {
    language: Language,
    lines: &'static [&'static str],
}

impl Words {
    pub const fn language(self) -> Language {
        self.language
    }

    fn line(self, line: usize) -> &'static str {
        self.lines.get(line).copied().unwrap_or_default()
    }

    fn count(self, line: usize, count: u32, arguments: &[(&str, &str)]) -> String {
        let sentence = self.line(line + self.language.plural(count));
        fill(&fill(sentence, arguments), &[("count", &count.to_string())])
    }
}

/// Puts the arguments in their places; a value is never searched for places itself.
fn fill(sentence: &str, arguments: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(sentence.len() + 16);
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else { break };
        match arguments.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => filled.push_str(value),
            None => filled.extend(["{", name, "}"]),
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

include!(concat!(env!("OUT_DIR"), "/words.rs"));

/// The sentences of a language (server).
#[cfg(feature = "ssr")]
impl Words {
    pub fn of(language: Language) -> Self {
        use std::sync::LazyLock;
        static LINES_BY_LANGUAGE: LazyLock<[Vec<&'static str>; 4]> =
            LazyLock::new(|| [text::EN, text::ES, text::DE, text::AR].map(|text| text.lines().collect()));
        Self { language, lines: &LINES_BY_LANGUAGE[language as usize] }
    }
}

#[cfg(not(feature = "ssr"))]
static LOADED: std::sync::OnceLock<Words> = std::sync::OnceLock::new();

/// Takes the lines of the page's language (browser, once, before hydration). Text with a
/// wrong number of lines belongs to another build and is refused.
#[cfg(not(feature = "ssr"))]
pub fn load(language: Language, text: String) -> bool {
    let lines: Vec<&'static str> = String::leak(text).lines().collect();
    lines.len() == LINES && LOADED.set(Words { language, lines: Vec::leak(lines) }).is_ok()
}

/// The sentences of the page being rendered.
pub fn words() -> Words {
    #[cfg(feature = "ssr")]
    return Words::of(crate::request::language());
    #[cfg(not(feature = "ssr"))]
    LOADED.get().copied().unwrap_or(Words { language: Language::En, lines: &[] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_put_in_their_places_and_never_searched_themselves() {
        assert_eq!(fill("{a} and {b}", &[("a", "{b}"), ("b", "2")]), "{b} and 2");
        assert_eq!(fill("no places", &[]), "no places");
        assert_eq!(fill("{unknown} stays", &[]), "{unknown} stays");
    }

    #[test]
    fn arabic_counts_in_six_forms_and_the_others_in_two() {
        let forms = |language: Language| [0, 1, 2, 3, 10, 11, 99, 100, 102, 103].map(|n| language.plural(n));
        assert_eq!(forms(Language::Ar), [0, 1, 2, 3, 3, 4, 4, 5, 5, 3]);
        assert_eq!(forms(Language::De), [5, 1, 5, 5, 5, 5, 5, 5, 5, 5]);
    }

    #[test]
    fn a_language_is_known_with_any_region() {
        assert_eq!(Language::parse("de-AT"), Some(Language::De));
        assert_eq!(Language::parse("AR_eg"), Some(Language::Ar));
        assert_eq!(Language::parse("fr"), None);
    }
}
