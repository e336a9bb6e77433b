//! A letter as an RFC 5322 message: what a mail server carries and the mailbox folder keeps.

use std::time::SystemTime;

use anyhow::Context as _;
use app::fields::Email;
use chrono::{DateTime, Utc};
use lettre::Address;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};

use super::letter::{self, Letter, Recipient, Sender};

/// Text messages are kept like mail, to an address that can't exist (RFC 2606, 2).
pub const TEXT_HOST: &str = "text.invalid";

/// The message, addressed and encoded, as it comes from `from`; answers go to the letter's own
/// sender. Fails only for an address that is none.
pub fn message(letter: &Letter, from: &Sender, sent_at: DateTime<Utc>) -> anyhow::Result<Vec<u8>> {
    let mut builder = lettre::Message::builder();
    if from.email != letter.sender.email {
        builder = builder.reply_to(mailbox(&letter.sender.name, &letter.sender.email)?);
    }
    let builder = builder
        .message_id(Some(format!("<{}>", letter.id)))
        .date(SystemTime::from(sent_at))
        .from(mailbox(&from.name, &from.email)?)
        .to(addressee(&letter.recipient)?)
        .subject(one_line(&letter.subject))
        .header(AutoSubmitted)
        .header(ContentLanguage(letter.language.tag().to_owned()));
    let text = SinglePart::plain(letter.text.clone());
    let message = match &letter.html {
        None => builder.singlepart(text),
        Some(html) => {
            let mut body = MultiPart::alternative().singlepart(text).singlepart(SinglePart::html(html.clone()));
            // Programs that know calendars look for it here, the others have it as a file.
            for calendar in letter.attachments.iter().filter(|attachment| attachment.media_type.starts_with("text/calendar")) {
                body = body.singlepart(SinglePart::builder().header(media_type(calendar)?).body(calendar.content.clone()));
            }
            builder.multipart(with_attachments(letter, body)?)
        }
    };
    Ok(message.context("the message is not complete")?.formatted())
}

fn with_attachments(letter: &Letter, body: MultiPart) -> anyhow::Result<MultiPart> {
    let mut whole = MultiPart::mixed().multipart(body);
    for attachment in &letter.attachments {
        let file = Attachment::new(attachment.name.to_owned()).body(attachment.content.clone(), media_type(attachment)?);
        whole = whole.singlepart(file);
    }
    Ok(whole)
}

fn media_type(attachment: &letter::Attachment) -> anyhow::Result<ContentType> {
    ContentType::parse(attachment.media_type).context("a media type that is none")
}

fn addressee(recipient: &Recipient) -> anyhow::Result<Mailbox> {
    match recipient {
        Recipient::Mail { name, email } => mailbox(name, email),
        Recipient::Text { phone } => {
            let digits = phone.as_str().trim_start_matches('+');
            Ok(Mailbox::new(Some(phone.as_str().to_owned()), Address::new(digits, TEXT_HOST)?))
        }
    }
}

fn mailbox(name: &str, email: &Email) -> anyhow::Result<Mailbox> {
    let address: Address = email.as_str().parse().context("an address that mail does not take")?;
    Ok(Mailbox::new(Some(one_line(name)), address))
}

/// A header is one line: control characters in a name or subject end here.
fn one_line(text: &str) -> String {
    text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// RFC 3834: no out-of-office note comes back to the clinic.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// RFC 3282: a screen reader chooses its voice by this.
#[derive(Clone)]
struct ContentLanguage(String);

impl Header for ContentLanguage {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Content-Language")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use app::fields::Phone;
    use app::words::Language;
    use mail_parser::MessageParser;

    use super::super::letter::{LetterKind, MessageId};
    use super::*;

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap().unwrap()
    }

    fn clinic() -> Sender {
        Sender { name: "Rowan Street Clinic".to_owned(), email: email("hello@rowanstreet.example") }
    }

    fn letter(name: &str, subject: &str) -> Letter {
        Letter {
            id: MessageId::new(LetterKind::Confirmation, &"0198c0de", 0, "portal.example"),
            kind: LetterKind::Confirmation,
            language: Language::Ar,
            sender: clinic(),
            recipient: Recipient::Mail { name: name.to_owned(), email: email("maya@example.org") },
            subject: subject.to_owned(),
            text: "مرحبًا مايا\n".to_owned(),
            html: Some("<p>مرحبًا مايا</p>".to_owned()),
            attachments: vec![letter::Attachment {
                name: "visit.ics",
                media_type: "text/calendar; charset=utf-8",
                content: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_owned(),
            }],
        }
    }

    fn sent_at() -> DateTime<Utc> {
        "2026-03-11T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_message_can_be_read_as_it_was_written() {
        let bytes = message(&letter("مايا حداد", "تم حجز موعدك"), &clinic(), sent_at()).unwrap();
        let read = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(read.subject(), Some("تم حجز موعدك"));
        assert_eq!(read.message_id(), Some("confirmation.0198c0de.0@portal.example"));
        assert_eq!(read.to().unwrap().first().unwrap().name(), Some("مايا حداد"));
        assert_eq!(read.date().unwrap().to_timestamp(), sent_at().timestamp());
        assert_eq!(read.body_text(0).unwrap().trim(), "مرحبًا مايا");
        assert_eq!(read.body_html(0).unwrap().trim(), "<p>مرحبًا مايا</p>");
        assert_eq!(read.attachment(0).unwrap().contents(), b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n");
        assert!(String::from_utf8(bytes).unwrap().contains("Auto-Submitted: auto-generated\r\n"));
    }

    #[test]
    fn answers_go_to_the_clinic_whoever_sends_its_letters() {
        let portal = Sender { email: email("portal@post.example"), ..clinic() };
        for (from, reply_to) in [(clinic(), None), (portal, Some("hello@rowanstreet.example"))] {
            let bytes = message(&letter("Maya", "x"), &from, sent_at()).unwrap();
            let read = MessageParser::default().parse(&bytes).unwrap();
            assert_eq!(read.from().unwrap().first().unwrap().address(), Some(from.email.as_str()));
            assert_eq!(read.reply_to().and_then(|found| found.first()).and_then(|found| found.address()), reply_to);
        }
    }

    #[test]
    fn line_breaks_in_a_name_or_subject_make_no_second_header() {
        let attack = "Maya\r\nBcc: eve@example.org\r\n\r\nAnother letter\u{85}\n";
        let bytes = message(&letter(attack, attack), &clinic(), sent_at()).unwrap();
        let read = MessageParser::default().parse(&bytes).unwrap();
        assert!(read.bcc().is_none());
        assert_eq!(read.all_to().count(), 1);
        assert_eq!(read.to().unwrap().first().unwrap().address(), Some("maya@example.org"));
        assert_eq!(read.subject(), Some("Maya Bcc: eve@example.org Another letter"));
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.lines().any(|line| line.starts_with("Bcc:") || line == "Another letter"), "{text}");
    }

    #[test]
    fn a_text_message_is_kept_with_the_number_it_is_for() {
        let phone = Phone::parse("+44 7700 900461").unwrap().unwrap();
        let text = Letter { recipient: Recipient::Text { phone }, html: None, attachments: Vec::new(), ..letter("", "x") };
        let bytes = message(&text, &clinic(), sent_at()).unwrap();
        let read = MessageParser::default().parse(&bytes).unwrap();
        let to = read.to().unwrap().first().unwrap();
        assert_eq!((to.name(), to.address()), (Some("+447700900461"), Some("447700900461@text.invalid")));
    }
}
