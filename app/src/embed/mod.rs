//! Booking inside a clinic's own website: the same pages in a frame, without a portal around them.
//!
//! The pages are those of [`crate::booking::page`]; here is what differs: another document around
//! them ([`shell`]), no WebAssembly, no cookie, and addresses that stay below `/{clinic}/embed`
//! ([`crate::routes`] writes them, by the [`Frame`] of the request). What leads out of the frame
//! opens a window of its own ([`outward`]). The server alone knows this: a browser never wakes
//! these pages up, so nothing of it weighs on the portal.
//!
//! - `page`: the document, what stands around a page, and the page for a site that is not listed
//!
//! Two small scripts are written into the pages, which work without them: `frame.js` tells the
//! website the height, the step and the end, `keep.js` keeps what is typed.

#[cfg(feature = "ssr")]
mod page;

#[cfg(feature = "ssr")]
pub use self::page::{NewWindow, Widget, shell};
#[cfg(feature = "ssr")]
pub use self::settings::{Frame, Theme, current};

use leptos::server_fn::ServerFn;

use crate::words::Language;

/// `target` of a link that leads out of the frame; none outside of it.
pub fn outward() -> Option<&'static str> {
    is_framed().then_some("_blank")
}

/// The page being rendered is inside a clinic's website.
#[cfg(feature = "ssr")]
pub fn is_framed() -> bool {
    settings::with(|_| ()).is_some()
}

#[cfg(not(feature = "ssr"))]
pub const fn is_framed() -> bool {
    false
}

#[cfg(feature = "ssr")]
mod settings {
    use std::sync::Arc;

    use axum::http::request::Parts;
    use leptos::prelude::with_context;

    use crate::ids::{LocationSlug, PractitionerSlug};
    use crate::words::Language;

    /// What the tag on the website asks for, as far as it makes sense, and whose page it is. Every
    /// address in the frame carries it, for there is no cookie that could. The server reads it.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Frame {
        /// The website's origin, if it is on the clinic's list: whom the frame may talk to.
        pub site: Option<String>,
        /// The website is none of the clinic's.
        pub is_stranger: bool,
        pub language: Option<Language>,
        /// Degrees, instead of the clinic's own.
        pub hue: Option<u16>,
        pub theme: Option<Theme>,
        /// What is chosen already when a treatment is.
        pub practitioner: Option<PractitionerSlug>,
        pub location: Option<LocationSlug>,
        /// Tells this visitor's holds from others': what a cookie does in the portal. Whoever has
        /// it can do nothing with it but that.
        pub visitor: String,
        /// This page: path and query, without what is carried and what became of a form.
        pub here: String,
    }

    /// Light or dark, where the website is only one of them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Theme {
        Light,
        Dark,
    }

    impl Theme {
        pub const fn text(self) -> &'static str {
            match self {
                Self::Light => "light",
                Self::Dark => "dark",
            }
        }

        /// From the `color-scheme` of the website: one that does not name dark is light, one that
        /// names both is as its reader likes.
        pub fn parse(text: &str) -> Option<Self> {
            let names = |name| text.split_ascii_whitespace().any(|part| part == name);
            match (names("light") || names("normal"), names("dark")) {
                (true, false) => Some(Self::Light),
                (false, true) => Some(Self::Dark),
                _ => None,
            }
        }
    }

    impl Frame {
        /// What every address in the frame says; the values are as safe in a query as they are.
        pub fn carried(&self) -> Vec<(&'static str, String)> {
            let pairs = [
                ("site", self.site.clone()),
                ("lang", self.language.map(|language| language.tag().to_owned())),
                ("accent", self.hue.map(|hue| hue.to_string())),
                ("theme", self.theme.map(|theme| theme.text().to_owned())),
                ("v", (!self.visitor.is_empty()).then(|| self.visitor.clone())),
            ];
            pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
        }

        /// The address of this page, as a form comes back to it.
        pub fn page(&self) -> String {
            super::with_pairs(self.here.clone(), &self.carried())
        }
    }

    /// Something about the frame of this request, if it is in one.
    pub fn with<T>(read: impl FnOnce(&Frame) -> T) -> Option<T> {
        with_context::<Parts, _>(|parts| parts.extensions.get::<Arc<Frame>>().map(|frame| read(frame))).flatten()
    }

    /// The frame of this request, if it is in one.
    pub fn current() -> Option<Frame> {
        with(Clone::clone)
    }
}

/// The address with what every address of the frame says.
pub fn carry(address: String) -> String {
    #[cfg(feature = "ssr")]
    if let Some(pairs) = settings::with(Frame::carried) {
        return with_pairs(address, &pairs);
    }
    address
}

/// The same, and who and where were chosen before there was a treatment.
pub fn carry_chosen(address: String) -> String {
    #[cfg(feature = "ssr")]
    if let Some(mut pairs) = settings::with(|frame| {
        let practitioner = frame.practitioner.as_ref().map(|slug| ("practitioner", slug.to_string()));
        let location = frame.location.as_ref().map(|slug| ("location", slug.to_string()));
        practitioner.into_iter().chain(location).collect::<Vec<_>>()
    }) {
        pairs.extend(carried());
        return with_pairs(address, &pairs);
    }
    address
}

/// For a form that is sent by its address: its browser drops what its own address says.
pub fn carried() -> Vec<(&'static str, String)> {
    #[cfg(feature = "ssr")]
    return settings::with(Frame::carried).unwrap_or_default();
    #[cfg(not(feature = "ssr"))]
    Vec::new()
}

#[cfg(feature = "ssr")]
fn with_pairs(mut address: String, pairs: &[(&str, String)]) -> String {
    for (name, value) in pairs {
        let joint = if address.contains('?') { '&' } else { '?' };
        address.push(joint);
        address.extend([name, "=", &crate::ui::map::encoded(value)]);
    }
    address
}

/// This page in another language, if it is in a frame.
pub fn in_language(language: Language) -> Option<String> {
    #[cfg(feature = "ssr")]
    return current().map(|frame| Frame { language: Some(language), ..frame }.page());
    #[cfg(not(feature = "ssr"))]
    {
        let _ = language;
        None
    }
}

/// Where the frame's script keeps what is typed; none outside of it, where WebAssembly does that.
pub fn kept<To: ServerFn>() -> Option<String> {
    is_framed().then(|| action(To::PATH))
}

/// Where a form is sent: in the frame below the frame's own address, where no cookie is read, with
/// the page to come back to.
pub fn action(function: &'static str) -> String {
    #[cfg(feature = "ssr")]
    if let Some(page) = settings::with(Frame::page) {
        let clinic = page.trim_start_matches('/').split('/').next().unwrap_or_default();
        return format!("/{clinic}/embed{function}?from={}", crate::ui::map::encoded(&page));
    }
    function.to_owned()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_the_frame_says_what_the_tag_asked_for_and_nothing_else() {
        let frame = Frame {
            site: Some("a&b:c".to_owned()),
            language: Some(Language::De),
            hue: Some(250),
            theme: Some(Theme::Dark),
            visitor: "abc".to_owned(),
            here: "/rowan/embed/booking".to_owned(),
            ..Frame::default()
        };
        let address = with_pairs("/rowan/embed/booking/physio?from=2026-03-16".to_owned(), &frame.carried());
        assert_eq!(address, "/rowan/embed/booking/physio?from=2026-03-16&site=a%26b%3Ac&lang=de&accent=250&theme=dark&v=abc");
        assert_eq!(with_pairs("/x".to_owned(), &[]), "/x");
        assert_eq!(frame.page(), "/rowan/embed/booking?site=a%26b%3Ac&lang=de&accent=250&theme=dark&v=abc");
    }

    #[test]
    fn a_website_that_is_not_dark_gets_no_dark_frame() {
        for (scheme, expected) in [
            ("normal", Some(Theme::Light)),
            ("light", Some(Theme::Light)),
            ("only light", Some(Theme::Light)),
            ("dark", Some(Theme::Dark)),
            ("light dark", None),
            ("", None),
            ("dark;}", None),
        ] {
            assert_eq!(Theme::parse(scheme), expected, "{scheme}");
        }
    }

    #[test]
    fn outside_of_a_frame_nothing_is_carried() {
        assert_eq!((carry("/x".to_owned()), action("/api/y"), outward()), ("/x".to_owned(), "/api/y".to_owned(), None));
    }
}
