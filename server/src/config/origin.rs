//! Where people reach the server: the beginning of every link in a letter.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Scheme, host and port by which people reach the server: `https://portal.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    secure: bool,
}

impl Origin {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reached by HTTPS, so browsers may be told to insist on it.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Host and port, as in a `Host` header.
    pub fn authority(&self) -> &str {
        self.text.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// The host alone: how we introduce ourselves to mail servers.
    pub fn host(&self) -> &str {
        let authority = self.authority();
        authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(authority, |(host, _)| host)
    }

    /// It names this very machine: somebody is developing, or trying it out.
    pub fn is_local(&self) -> bool {
        is_local(self.authority())
    }
}

/// Whether a host, with or without a port, is this machine as seen from itself.
pub fn is_local(authority: &str) -> bool {
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, port)| if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority });
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl FromStr for Origin {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let uri: axum::http::Uri = text.to_ascii_lowercase().parse().map_err(drop)?;
        let (scheme, port, secure) = match uri.scheme_str() {
            Some("https") => ("https", 443, true),
            Some("http") => ("http", 80, false),
            _ => return Err(()),
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or(())?;
        if uri.path() != "/" || uri.query().is_some() || authority.host().is_empty() {
            return Err(());
        }
        // Browsers leave the usual port away, in `Host` as in `Origin`.
        let authority = if authority.port_u16() == Some(port) { authority.host() } else { authority.as_str() };
        Ok(Self { text: format!("{scheme}://{authority}"), secure })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        let table = [
            ("https://Portal.example/", Some("https://portal.example")),
            ("https://portal.example:443", Some("https://portal.example")),
            ("http://portal.example:443", Some("http://portal.example:443")),
            ("http://[::1]:80", Some("http://[::1]")),
            ("https://portal.example/path", None),
            ("https://me:hush@portal.example", None),
            ("ftp://portal.example", None),
            ("portal.example", None),
        ];
        for (text, origin) in table {
            assert_eq!(text.parse::<Origin>().ok().as_ref().map(Origin::as_str), origin, "{text}");
        }
    }

    #[test]
    fn a_local_host_is_this_machine_with_any_port() {
        for local in ["localhost", "localhost:3000", "127.0.0.1:9", "[::1]:3000", "[::1]"] {
            assert!(is_local(local), "{local}");
        }
        for other in ["localhost.example", "10.0.0.1:3000", "[2001:db8::1]", "portal.example:443", ""] {
            assert!(!is_local(other), "{other}");
        }
    }
}
