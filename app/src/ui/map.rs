//! The way to an address.

/// Opens the phone's own map application, or a map on the web where there is none. Only a tap
/// sends the address there.
pub fn map_address(address: &str) -> String {
    format!("https://www.openstreetmap.org/search?query={}", encoded(address))
}

/// Percent-encoded for a query.
pub fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len() * 2), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            all.push(char::from(byte));
        } else {
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_encoded_whole() {
        assert_eq!(encoded("14 Röw St, N1"), "14%20R%C3%B6w%20St%2C%20N1");
    }
}
