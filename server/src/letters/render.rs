//! Turns templates and labels into the words of a letter.
//!
//! A letter is written once per language, as plain text: `letters/<kind>/<language>.txt`, whose
//! first line is the subject. The HTML is made from that text, so the two never differ: a
//! paragraph that ends in an address becomes a button, the one that begins with the day and time
//! the headline. `<language>.sms.txt` is the same letter as a text message.
//!
//! Every template is part of the binary; a missing translation does not compile.

use std::sync::LazyLock;

use app::clinic::model::Clinic;
use app::words::Language;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::letter::{Letter, LetterKind, MessageId, Recipient, Sender};
use super::segments::{plain, segments};
use crate::labels::NBSP;

/// The style inside an HTML letter: only what depends on the reader's program. Many programs throw
/// it away, so everything else stands at the elements themselves.
pub const STYLE: &str = include_str!("../../letters/layout.css");

/// The styles at the elements of an HTML letter.
pub fn element_styles() -> impl Iterator<Item = &'static str> {
    const LAYOUT: &str = include_str!("../../letters/layout.html");
    LAYOUT.split(" style=\"").skip(1).filter_map(|rest| rest.split('"').next())
}

macro_rules! templates {
    ($($kind:literal)*; $($page:literal)*) => {
        &[
            $(
                templates!(@ $kind "/en.txt"), templates!(@ $kind "/en.sms.txt"),
                templates!(@ $kind "/es.txt"), templates!(@ $kind "/es.sms.txt"),
                templates!(@ $kind "/de.txt"), templates!(@ $kind "/de.sms.txt"),
                templates!(@ $kind "/ar.txt"), templates!(@ $kind "/ar.sms.txt"),
            )*
            $(templates!(@ $page ""),)*
        ]
    };
    (@ $start:literal $end:literal) => {
        (concat!($start, $end), include_str!(concat!("../../letters/", $start, $end)))
    };
}

const TEMPLATES: &[(&str, &str)] = templates!("confirmation" "request_received" "overdue" "declined" "change" "cancellation" "moved_by_clinic" "withdrawn" "unfit" "clock" "links" "series" "series_moved" "series_cancelled" "offer" "waiting"; "late/en.txt" "late/es.txt" "late/de.txt" "late/ar.txt" "unanswered/en.txt" "unanswered/es.txt" "unanswered/de.txt" "unanswered/ar.txt" "layout.html" "mailbox/list.html" "mailbox/letter.html");

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    for (name, source) in TEMPLATES {
        // A template that does not parse is missing, and the first test that renders it says so.
        if let Err(error) = environment.add_template(name, source) {
            tracing::error!(template = name, %error, "a template is not readable");
        }
    }
    environment
});

/// A template with its values put in; by its name, values are escaped in HTML and only there.
pub fn render(template: &str, values: impl Serialize) -> Result<String, minijinja::Error> {
    ENVIRONMENT.get_template(template)?.render(values)
}

/// A letter's words.
#[derive(Debug)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Renders a letter for a mail program. `headline` is what the paragraph with the day and time
/// begins with; `clinic` stands at the top.
pub fn mail(
    kind: LetterKind,
    language: Language,
    headline: &str,
    clinic: &str,
    values: impl Serialize,
) -> Result<Rendered, minijinja::Error> {
    let written = render(&format!("{}/{}.txt", kind.name(), language.tag()), values)?;
    let (subject, text) = written.split_once('\n').unwrap_or((&written, ""));
    let subject = breakable(subject);
    let layout = Layout {
        language: language.tag(),
        direction: language.direction(),
        subject: &subject,
        clinic,
        style: STYLE,
        blocks: blocks(text, headline),
    };
    let html = render("layout.html", layout)?;
    Ok(Rendered { text: breakable(text.trim()) + "\n", subject, html })
}

/// A letter before it has its words.
pub struct Envelope<'a> {
    pub id: MessageId,
    pub kind: LetterKind,
    pub language: Language,
    pub clinic: &'a Clinic,
    pub recipient: Recipient,
}

/// Writes a letter for the channel of its recipient, without attachments; `headline` as for [`mail`].
pub fn write(envelope: Envelope<'_>, headline: &str, values: impl Serialize) -> Result<Letter, minijinja::Error> {
    let Envelope { id, kind, language, clinic, recipient } = envelope;
    let (subject, text, html) = if let Recipient::Text { .. } = recipient {
        let text = text_message(kind, language, &clinic.name, values)?;
        (text.clone(), text, None)
    } else {
        let Rendered { subject, text, html } = mail(kind, language, headline, &clinic.name, values)?;
        (subject, text, Some(html))
    };
    let sender = Sender { name: clinic.name.clone(), email: clinic.email.clone() };
    Ok(Letter { id, kind, language, sender, recipient, subject, text, html, attachments: Vec::new() })
}

/// What a clinic writes in: the reader's language if it has it, else its first.
pub fn language(clinic: &Clinic, wanted: Option<Language>) -> Language {
    let writes = &clinic.languages;
    wanted.filter(|wanted| writes.contains(wanted)).or_else(|| writes.first().copied()).or(wanted).unwrap_or_default()
}

/// Of a text message, in parts.
const PARTS_MAX: usize = 2;

/// Renders a letter as one text message of at most two parts: without accents if those make it
/// longer, then with no more than the letter's subject and the link, then with what happened alone.
pub fn text_message(
    kind: LetterKind,
    language: Language,
    clinic: &str,
    values: impl Serialize,
) -> Result<String, minijinja::Error> {
    let template = |ending: &str| format!("{}/{}.{ending}", kind.name(), language.tag());
    let whole = short(&render(&template("sms.txt"), &values)?);
    let letter = render(&template("txt"), &values)?;
    let subject = short(letter.lines().next().unwrap_or_default());
    let link = whole.split_whitespace().next_back().unwrap_or_default();
    let what = subject.split(':').next().unwrap_or_default();
    let last = format!("{what}: {link}");
    let shorter = [
        whole.clone(),
        format!("{clinic}: {subject} {link}"),
        format!("{subject} {link}"),
        format!("{clinic}: {what}: {link}"),
        last.clone(),
    ];
    let tried = shorter.into_iter().flat_map(|text| [text.clone(), plain(&text)]);
    Ok(tried.into_iter().find(|text| segments(text) <= PARTS_MAX).unwrap_or(last))
}

/// Marks that hold a name's direction cost a sign each, and telephones do without.
fn short(text: &str) -> String {
    breakable(text.trim()).replace(['\u{2068}', '\u{2069}'], "")
}

/// Plain text travels with plain spaces: others would make a subject and a text message longer.
fn breakable(text: &str) -> String {
    text.replace(NBSP, " ")
}

#[derive(Serialize)]
struct Layout<'a> {
    language: &'static str,
    direction: &'static str,
    subject: &'a str,
    clinic: &'a str,
    style: &'static str,
    blocks: Vec<Block<'a>>,
}

/// A paragraph of the text, and what the layout makes of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Block<'a> {
    lines: Vec<&'a str>,
    link: Option<&'a str>,
    is_headline: bool,
}

fn blocks<'a>(text: &'a str, headline: &str) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    for paragraph in text.trim().split("\n\n") {
        let mut lines: Vec<&str> = paragraph.lines().filter(|line| !line.trim().is_empty()).collect();
        let link = lines.pop_if(|line| line.starts_with("https://") || line.starts_with("http://"));
        if let (Some(_), Some(label)) = (link, lines.last_mut()) {
            *label = label.trim_end_matches(':');
        }
        let is_headline = lines.first().is_some_and(|line| *line == headline);
        if !lines.is_empty() {
            blocks.push(Block { lines, link, is_headline });
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses() {
        for (name, _) in TEMPLATES {
            assert!(ENVIRONMENT.get_template(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn paragraphs_become_a_headline_a_button_and_text() {
        let text = "\nHello,\n\nToday, 9 am\nLondon time\n\nSee your visit:\nhttps://portal.example/v\n";
        let block = |lines: &[&'static str], link, is_headline| Block { lines: lines.to_vec(), link, is_headline };
        assert_eq!(
            blocks(text, "Today, 9 am"),
            [
                block(&["Hello,"], None, false),
                block(&["Today, 9 am", "London time"], None, true),
                block(&["See your visit"], Some("https://portal.example/v"), false),
            ]
        );
    }
}
