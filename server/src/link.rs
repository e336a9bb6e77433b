//! The secret part of private links: an id and its signature.
//!
//! A token is `base64url(id ‖ first 16 bytes of HMAC-SHA256(key, purpose ‖ id))`. Nothing is kept
//! about it, and the same id gives the same token, so a letter can make the link again. Whether
//! the thing behind it may still be seen is for whoever opens it to decide.

use app::ids::LinkToken;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use crate::store::{Database, StoreError};

const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
/// The name of the key's row in `secret`.
const KEY_NAME: &str = "link";

/// What a link is for. One made for one thing does not open another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Hold,
    Visit,
    /// A place on the waiting list.
    Entry,
    Offer,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Hold => b"hold:",
            Self::Visit => b"visit:",
            Self::Entry => b"entry:",
            Self::Offer => b"offer:",
        }
    }
}

/// Makes and opens tokens with the server's key.
#[derive(Clone)]
pub struct Links(Hmac<Sha256>);

impl Links {
    /// With the key that the database keeps; it is made on first use.
    pub async fn load(database: &Database) -> Result<Self, StoreError> {
        let fresh = STANDARD.encode(rand::random::<[u8; KEY_BYTES]>());
        let kept: String = database
            .write(async move |tx| {
                tx.query("INSERT INTO secret (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                    .bind(KEY_NAME)
                    .bind(&fresh)
                    .execute()
                    .await?;
                tx.query("SELECT value FROM secret WHERE name = $1").bind(KEY_NAME).fetch_one().await?.get("value")
            })
            .await?;
        let key = STANDARD.decode(kept).ok().filter(|key| key.len() == KEY_BYTES);
        key.as_deref()
            .and_then(|key| Hmac::new_from_slice(key).ok())
            .map(Self)
            .ok_or_else(|| StoreError::Corrupt("the key of the private links is not readable".to_owned()))
    }

    /// Always the same token for the same purpose and id.
    pub fn make(&self, purpose: Purpose, id: Uuid) -> LinkToken {
        let tag = self.tag(purpose, id).finalize().into_bytes();
        let mut token = id.as_bytes().to_vec();
        token.extend(tag.iter().take(TAG_BYTES));
        LinkToken(URL_SAFE_NO_PAD.encode(token))
    }

    /// The id, if this server made the token for this purpose. Takes the same time wherever a
    /// forged one differs.
    pub fn open(&self, purpose: Purpose, token: &LinkToken) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode(&token.0).ok()?;
        let (id, tag) = bytes.split_at_checked(ID_BYTES).filter(|(_, tag)| tag.len() == TAG_BYTES)?;
        let id = Uuid::from_slice(id).ok()?;
        self.tag(purpose, id).verify_truncated_left(tag).ok()?;
        Some(id)
    }

    /// What stands for a text without saying it: the same for the same text, and nothing to anyone
    /// without the key.
    pub fn fingerprint(&self, text: &str) -> String {
        let tag = self.0.clone().chain_update(b"fingerprint:").chain_update(text.as_bytes()).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode(&tag[..TAG_BYTES])
    }

    fn tag(&self, purpose: Purpose, id: Uuid) -> Hmac<Sha256> {
        self.0.clone().chain_update(purpose.label()).chain_update(id.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{new_id, on_both};

    fn links(byte: u8) -> Links {
        Links(Hmac::new_from_slice(&[byte; KEY_BYTES]).unwrap())
    }

    #[test]
    fn a_token_opens_what_it_was_made_for_and_nothing_else() {
        let (links, id) = (links(1), new_id());
        let token = links.make(Purpose::Visit, id);
        assert_eq!(links.open(Purpose::Visit, &token), Some(id));
        assert_eq!(links.open(Purpose::Hold, &token), None);
        assert_eq!(self::links(2).open(Purpose::Visit, &token), None);
        assert_eq!(token, links.make(Purpose::Visit, id), "a letter can make the link again");
    }

    #[test]
    fn a_fingerprint_is_the_same_for_the_same_text_and_key_only() {
        let print = links(1).fingerprint("maya@example.org");
        assert_eq!(print, links(1).fingerprint("maya@example.org"));
        assert_ne!(print, links(2).fingerprint("maya@example.org"));
        assert_ne!(print, links(1).fingerprint("maya@example.com"));
    }

    #[test]
    fn a_token_with_any_bit_changed_opens_nothing() {
        let links = links(1);
        let token = links.make(Purpose::Visit, new_id());
        let bytes = URL_SAFE_NO_PAD.decode(&token.0).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(links.open(Purpose::Visit, &LinkToken(URL_SAFE_NO_PAD.encode(forged))), None, "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert_eq!(links.open(Purpose::Visit, &LinkToken(URL_SAFE_NO_PAD.encode(&bytes[..length]))), None, "{length} bytes");
        }
        for strange in ["", "%00", "ä", &token.0.repeat(2), &format!("{token}=")] {
            assert_eq!(links.open(Purpose::Visit, &LinkToken(strange.to_owned())), None, "{strange}");
        }
    }

    on_both! {
        async fn the_key_is_made_once_and_stays(scratch: Scratch) {
            let first = Links::load(&scratch.database).await.unwrap();
            let second = Links::load(&scratch.again().await).await.unwrap();
            let id = new_id();
            assert_eq!(first.make(Purpose::Hold, id), second.make(Purpose::Hold, id));
        }

        async fn a_key_that_is_not_readable_is_said_and_not_replaced(scratch: Scratch) {
            scratch.database.write(async |tx| {
                tx.query("INSERT INTO secret (name, value) VALUES ('link', 'c2hvcnQ=')").execute().await.map(drop)
            }).await.unwrap();
            assert!(matches!(Links::load(&scratch.database).await.err(), Some(StoreError::Corrupt(_))));
        }
    }
}
