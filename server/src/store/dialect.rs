//! All that differs between the two databases.

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Starts the writer's transaction. SQLite takes the write lock at once, so that it never has
    /// to be upgraded in the middle; PostgreSQL answers as if changes came one after another.
    pub(super) const fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        }
    }

    /// Starts a reader's transaction: everything read in it is of one moment.
    pub(super) const fn begin_read(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN DEFERRED",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// The text for this database, where one text for both won't do.
    pub const fn pick(self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
        }
    }

    const fn name(self) -> &'static str {
        self.pick("sqlite", "postgres")
    }

    /// A migration's text without the sections that are only for the other database: from a line
    /// `-- only sqlite` or `-- only postgres` to the line `-- end`.
    pub(super) fn script(self, text: &str) -> String {
        let mut mine = true;
        let mut script = String::with_capacity(text.len());
        for line in text.lines() {
            match line.strip_prefix("-- only ") {
                Some(name) => mine = name.trim() == self.name(),
                None if line == "-- end" => mine = true,
                None if mine => {
                    script.push_str(line);
                    script.push('\n');
                }
                None => {}
            }
        }
        script
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_keeps_what_is_for_both_and_what_is_its_own() {
        let text = "a;\n-- only sqlite\nb;\n-- end\n-- only postgres\nc;\n-- end\nd;\n";
        assert_eq!(Dialect::Sqlite.script(text), "a;\nb;\nd;\n");
        assert_eq!(Dialect::Postgres.script(text), "a;\nc;\nd;\n");
    }
}
