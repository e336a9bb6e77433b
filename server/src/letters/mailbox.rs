//! The mailbox folder: where letters go as long as no mail server is configured.
//!
//! A letter is one `.eml` file named after its message id, so a letter that is sent again takes
//! the place of itself. A file is there as a whole or not at all.
//!
//! It is *not* an archive: what was sent, and why, is in the table `letter`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use uuid::Uuid;

use super::letter::MessageId;
use crate::private;

/// How many letters the folder lists.
const LISTED_MAX: usize = 200;
const ENDING: &str = ".eml";

/// A folder of letters. Clones share it.
#[derive(Clone, Debug)]
pub struct Mailbox {
    folder: PathBuf,
}

/// Names one letter in the folder; in an address too, so nothing in it leads out of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterName(String);

/// The text names no letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotALetterName;

impl FromStr for LetterName {
    type Err = NotALetterName;

    fn from_str(text: &str) -> Result<Self, NotALetterName> {
        let is_name = !text.is_empty()
            && text.len() <= 120
            && !text.starts_with('.')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        if is_name { Ok(Self(text.to_owned())) } else { Err(NotALetterName) }
    }
}

impl LetterName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Mailbox {
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Puts a message into the folder, which is made if it is missing. When this returns, the
    /// file survives a power cut. `draft` makes the name of the file while it is being written.
    pub async fn deliver(&self, id: &MessageId, message: Vec<u8>, draft: Uuid) -> io::Result<()> {
        let folder = self.folder.clone();
        let name = format!("{}{ENDING}", id.local());
        blocking(move || {
            private::create_folder(&folder)?;
            let written = folder.join(format!(".{draft}"));
            write_whole(&written, &message)
                .and_then(|()| fs::rename(&written, folder.join(name)))
                .inspect_err(|_| drop(fs::remove_file(&written)))?;
            // The rename itself must survive as well.
            File::open(&folder)?.sync_all()
        })
        .await
    }

    /// The newest letters, newest first. A folder that is not there yet is empty.
    pub async fn list(&self) -> io::Result<Vec<LetterName>> {
        let folder = self.folder.clone();
        blocking(move || {
            let mut letters: Vec<(SystemTime, LetterName)> = Vec::new();
            let entries = match fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name();
                let name = name.to_str().and_then(|name| name.strip_suffix(ENDING)).and_then(|name| name.parse().ok());
                if let Some(name) = name {
                    letters.push((entry.metadata()?.modified()?, name));
                }
            }
            letters.sort_by(|(left_time, left), (right_time, right)| {
                right_time.cmp(left_time).then_with(|| right.as_str().cmp(left.as_str()))
            });
            letters.truncate(LISTED_MAX);
            Ok(letters.into_iter().map(|(_, name)| name).collect())
        })
        .await
    }

    /// The message as it was written; `None` if there is none of that name.
    pub async fn open(&self, name: &LetterName) -> io::Result<Option<Vec<u8>>> {
        let path = self.folder.join(format!("{}{ENDING}", name.as_str()));
        blocking(move || match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        })
        .await
    }
}

fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = private::file().create(true).truncate(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::super::letter::LetterKind;
    use super::*;
    use crate::store::testing::Folder;

    fn id(about: &str) -> MessageId {
        MessageId::new(LetterKind::Confirmation, &about, 0, "portal.example")
    }

    #[tokio::test]
    async fn a_letter_sent_twice_is_one_letter() {
        let folder = Folder::new();
        let mailbox = Mailbox::new(folder.path().join("mailbox"));
        assert!(mailbox.list().await.unwrap().is_empty());
        for text in ["first", "again"] {
            mailbox.deliver(&id("a"), text.into(), Uuid::from_u128(1)).await.unwrap();
        }
        let names = mailbox.list().await.unwrap();
        assert_eq!(names, ["confirmation.a.0".parse().unwrap()]);
        assert_eq!(mailbox.open(&names[0]).await.unwrap().unwrap(), b"again");
        assert_eq!(fs::read_dir(folder.path().join("mailbox")).unwrap().count(), 1, "no draft stays behind");
    }

    #[tokio::test]
    async fn the_newest_letter_is_first_and_other_files_are_no_letters() {
        let folder = Folder::new();
        let mailbox = Mailbox::new(folder.path().join("mailbox"));
        for (about, second) in [("a", 10), ("b", 30), ("c", 20)] {
            mailbox.deliver(&id(about), about.into(), Uuid::from_u128(1)).await.unwrap();
            let file = File::open(folder.path().join("mailbox").join(format!("confirmation.{about}.0.eml"))).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second)).unwrap();
        }
        fs::write(folder.path().join("mailbox").join("notes.txt"), "x").unwrap();
        fs::write(folder.path().join("mailbox").join(".hidden.eml"), "x").unwrap();
        let names: Vec<String> = mailbox.list().await.unwrap().into_iter().map(|name| name.0).collect();
        assert_eq!(names, ["confirmation.b.0", "confirmation.c.0", "confirmation.a.0"]);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for bad in ["", ".", "..", "../secret", "a/b", "a\\b", "a\0b", ".hidden", "a b", &"x".repeat(121)] {
            assert_eq!(bad.parse::<LetterName>(), Err(NotALetterName), "{bad}");
        }
        assert!("confirmation.0198c0de-0000-7000-8000-000000000001.0".parse::<LetterName>().is_ok());
    }
}
