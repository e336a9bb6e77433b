//! Sentences with a stressed or linked part: `"Call *{phone}*, {hours}."`.
//!
//! Where the part stands differs between languages, so the sentence marks it with stars and the
//! page says only what becomes of it.

use leptos::prelude::*;

/// The sentence with each part between stars passed through `wrap`.
pub fn marked(sentence: &str, wrap: impl Fn(String) -> AnyView) -> AnyView {
    sentence
        .split('*')
        .enumerate()
        .map(|(n, part)| if n % 2 == 1 { wrap(part.to_owned()) } else { part.to_owned().into_any() })
        .collect::<Vec<_>>()
        .into_any()
}

/// The sentence with its marked parts in bold.
pub fn stressed(sentence: &str) -> AnyView {
    marked(sentence, |part| view! { <strong>{part}</strong> }.into_any())
}

/// The sentence with its marked part as a telephone link; numbers run left to right everywhere.
pub fn with_phone(sentence: &str, number: &str) -> AnyView {
    let address = format!("tel:{number}");
    marked(sentence, move |part| view! { <a href=address.clone() dir="ltr">{part}</a> }.into_any())
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_between_stars_is_wrapped() {
        // Without the marks by which the browser finds its place.
        let html = |view: AnyView| view.to_html().replace("<!>", "");
        assert_eq!(html(stressed("until *10:42 am*.")), "until <strong>10:42 am</strong>.");
        assert_eq!(html(with_phone("Call *020*, now", "+4420")), r#"Call <a href="tel:+4420" dir="ltr">020</a>, now"#);
    }
}
