//! Collects mistakes while reading goes on, and knows the line of every place in the text.

use std::cell::RefCell;
use std::ops::Range;

use super::Mistake;

/// The mistake is in the [`Report`] already; whoever gets this has nothing to add.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported;

/// All mistakes of one file.
pub(super) struct Report {
    /// Where each line starts, in bytes.
    line_starts: Vec<usize>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl Report {
    pub(super) fn new(text: &str) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { line_starts: std::iter::once(0).chain(after_breaks).collect(), mistakes: RefCell::default() }
    }

    /// The line in which this place begins, counted from 1.
    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.line_starts.partition_point(|start| *start <= span.start)
    }

    pub(super) fn add(&self, line: usize, reason: impl Into<String>) -> Reported {
        self.mistakes.borrow_mut().push(Mistake { line, reason: reason.into() });
        Reported
    }

    pub(super) fn is_empty(&self) -> bool {
        self.mistakes.borrow().is_empty()
    }

    /// In the order of the file, each once.
    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort();
        mistakes.dedup();
        mistakes
    }
}

/// " Did you mean …?" with the candidate that is most like the word; empty if none is like it.
pub(super) fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    /// Below this share of equal letters a guess confuses more than it helps.
    const LIKENESS_MIN: f64 = 0.6;
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map_or_else(String::new, |(_, candidate)| format!(" Did you mean \"{candidate}\"?"))
}
