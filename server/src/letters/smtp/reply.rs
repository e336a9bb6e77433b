//! What a mail server's "no" means, in words that may be kept and shown.

use std::error::Error as _;

use lettre::transport::smtp::Error;

/// Of an answer about ourselves, in characters.
const SHOWN_CHARS_MAX: usize = 200;

/// About a letter: the code and what it stands for (RFC 3463), never the server's own words,
/// which may quote the address or the letter.
pub fn in_our_words(error: &Error) -> String {
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    let code = error.status().map(|code| code.to_string()).unwrap_or_default();
    match enhanced(&text) {
        Some((class, subject, detail)) => format!("{code} {class}.{subject}.{detail}, {}", meaning(subject, detail)),
        None => format!("{code}, {}", plain_meaning(&code)),
    }
}

/// About us, before any letter: what the server or the network said, in one line.
pub fn of_the_server(error: &Error) -> String {
    let mut said = error.status().map(|code| code.to_string()).into_iter().collect::<Vec<_>>();
    let mut source = error.source();
    while let Some(cause) = source {
        said.push(cause.to_string());
        source = cause.source();
    }
    if said.is_empty() {
        said.push(error.to_string());
    }
    said.dedup();
    said.join(" ").split(char::is_control).collect::<Vec<_>>().join(" ").chars().take(SHOWN_CHARS_MAX).collect()
}

/// The enhanced status code that an answer begins with.
fn enhanced(text: &str) -> Option<(u16, u16, u16)> {
    let mut parts = text.split_whitespace().next()?.split('.').map(|part| part.parse().ok());
    let code = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(code)
}

const fn meaning(subject: u16, detail: u16) -> &'static str {
    match (subject, detail) {
        (1, 1 | 3 | 6 | 10) => "the address does not exist",
        (1, 2) => "the address's domain does not exist",
        (1, _) => "the address is not accepted",
        (2, 1) => "the mailbox is closed",
        (2, 2) => "the mailbox is full",
        (2, 3) | (3, 4) => "the letter is too large for it",
        (2, _) => "the mailbox is not available",
        (3, _) => "the other mail system cannot take it",
        (4, _) => "the way to the other mail system is broken",
        (5, _) => "the mail servers do not understand each other",
        (6, _) => "the letter's form is not accepted",
        (7, _) => "the other side's policy forbids it",
        _ => "without a reason",
    }
}

/// RFC 5321, 4.2.2.
fn plain_meaning(code: &str) -> &'static str {
    match code {
        "421" => "the mail server is closing",
        "450" => "the mailbox is not available now",
        "451" => "the mail server has a problem of its own",
        "452" => "the mail server lacks space",
        "550" => "the mailbox is not available",
        "551" => "the address is somewhere else",
        "552" => "the mailbox is full",
        "553" => "the address is not accepted",
        _ => "without a reason",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enhanced_code_is_the_first_word_or_none() {
        assert_eq!(enhanced("5.1.1 <maya@example.org>: unknown"), Some((5, 1, 1)));
        for none in ["", "unknown", "5.1 x", "5.1.1.1 x", "127.0.0.1 x", "x 5.1.1"] {
            assert_eq!(enhanced(none), None, "{none}");
        }
    }
}
