//! A row of ticks, one bit each.

use super::Tick;

/// Ticks from the first up to, not including, the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    pub from: Tick,
    pub until: Tick,
}

impl Span {
    pub const fn contains(self, tick: Tick) -> bool {
        self.from <= tick && tick < self.until
    }

    pub const fn overlaps(self, other: Self) -> bool {
        self.from < other.until && other.from < self.until
    }
}

/// Which ticks of a span have a property. Two rows are combined only over the same span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    span: Span,
    words: Vec<u64>,
}

const WORD: usize = u64::BITS as usize;

impl Bits {
    pub fn empty(span: Span) -> Self {
        let length = usize::try_from(span.until - span.from).unwrap_or(0);
        Self { span, words: vec![0; length.div_ceil(WORD)] }
    }

    pub fn full(span: Span) -> Self {
        let mut bits = Self::empty(span);
        bits.set(span);
        bits
    }

    /// Position of a tick that is cut to the row's span.
    fn position(&self, tick: Tick) -> usize {
        usize::try_from(tick.clamp(self.span.from, self.span.until) - self.span.from).unwrap_or(0)
    }

    /// Calls `change` with each word that the span touches and the mask of its ticks.
    fn masked(&mut self, span: Span, change: impl Fn(&mut u64, u64)) {
        let (mut from, until) = (self.position(span.from), self.position(span.until));
        while from < until {
            let (word, bit) = (from / WORD, from % WORD);
            let count = (WORD - bit).min(until - from);
            let mask = (u64::MAX >> (WORD - count)) << bit;
            change(&mut self.words[word], mask);
            from += count;
        }
    }

    pub fn set(&mut self, span: Span) {
        self.masked(span, |word, mask| *word |= mask);
    }

    pub fn clear(&mut self, span: Span) {
        self.masked(span, |word, mask| *word &= !mask);
    }

    pub fn has(&self, tick: Tick) -> bool {
        let position = self.position(tick);
        self.span.contains(tick) && self.words[position / WORD] >> (position % WORD) & 1 == 1
    }

    pub fn add(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub fn subtract(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    pub fn keep_only(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// The same row with every tick moved towards the start; what falls off is gone.
    fn earlier(&self, by: usize) -> Self {
        let (words, bits) = (by / WORD, by % WORD);
        let at = |index: usize| self.words.get(index).copied().unwrap_or(0);
        let moved = (0..self.words.len()).map(|index| {
            let low = at(index + words) >> bits;
            if bits == 0 { low } else { low | at(index + words + 1) << (WORD - bits) }
        });
        Self { span: self.span, words: moved.collect() }
    }

    /// The same row with every tick moved towards the end; what falls off is gone.
    #[must_use]
    pub fn later(&self, by: i64) -> Self {
        let by = usize::try_from(by).unwrap_or(0);
        let (words, bits) = (by / WORD, by % WORD);
        let at = |index: Option<usize>| index.and_then(|index| self.words.get(index)).copied().unwrap_or(0);
        let moved = (0..self.words.len()).map(|index| {
            let high = at(index.checked_sub(words)) << bits;
            if bits == 0 { high } else { high | at(index.checked_sub(words + 1)) >> (WORD - bits) }
        });
        let mut moved = Self { span: self.span, words: moved.collect() };
        // The last word may reach past the span: nothing out there may ever look set.
        let end = self.span.from + i64::try_from(moved.words.len() * WORD).unwrap_or(0);
        let beyond = Span { from: self.span.until, until: end };
        moved.span.until = end;
        moved.clear(beyond);
        moved.span.until = self.span.until;
        moved
    }

    /// The ticks at which a run of at least `length` set ticks begins.
    #[must_use]
    pub fn runs(&self, length: i64) -> Self {
        let length = usize::try_from(length).unwrap_or(0).max(1);
        let mut runs = self.clone();
        // Doubling: after each step a set bit stands for a run of `covered` ticks.
        let mut covered = 1;
        while covered < length {
            let step = covered.min(length - covered);
            let ahead = runs.earlier(step);
            runs.keep_only(&ahead);
            covered += step;
        }
        runs
    }

    /// The set ticks inside a span, in order.
    pub fn iter_within(&self, within: Span) -> impl Iterator<Item = Tick> + '_ {
        let from = self.span.from;
        self.words.iter().enumerate().flat_map(move |(index, word)| {
            let base = from + i64::try_from(index * WORD).unwrap_or(0);
            let mut rest = *word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                Some(base + i64::from(bit))
            })
            .filter(move |tick| within.contains(*tick))
        })
    }
}
