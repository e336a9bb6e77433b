//! A measured value, and the bar it has to clear: all bars of the product stand here.

use std::fmt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What a measurement says, on one line of JSON.
#[derive(Clone, Debug, Deserialize)]
pub struct Measured {
    pub figure: String,
    pub value: f64,
    pub unit: String,
}

impl Measured {
    pub fn new(figure: &str, value: f64, unit: &str) -> Self {
        Self { figure: figure.to_owned(), value, unit: unit.to_owned() }
    }

    /// Reads the lines that a measuring program writes.
    ///
    /// # Errors
    /// A line is something else.
    pub fn read(lines: &str) -> Result<Vec<Self>> {
        let figure = |line: &str| serde_json::from_str(line).with_context(|| format!("{line:?} is no figure"));
        lines.lines().map(figure).collect()
    }
}

/// A figure as it is reported.
#[derive(Clone, Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the line of output has a field of that name")]
pub struct Figure {
    pub name: String,
    pub figure: String,
    pub value: f64,
    pub unit: String,
    /// "≤ 15"; `None` for a figure that only explains another.
    pub bar: Option<String>,
    pub holds: Option<bool>,
}

/// What a value must be.
#[derive(Clone, Copy, Debug)]
enum Bar {
    AtMost(f64),
    AtLeast(f64),
    Exactly(f64),
}

impl Bar {
    fn is_cleared(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
            Self::Exactly(wanted) => (value - wanted).abs() < f64::EPSILON,
        }
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(value) => write!(out, "≤ {value}"),
            Self::AtLeast(value) => write!(out, "≥ {value}"),
            Self::Exactly(value) => write!(out, "= {value}"),
        }
    }
}

/// Name, figure, bar. In the figure's own unit.
const BARS: [(&str, &str, Bar); 32] = [
    ("race", "fewest winners of one time", Bar::Exactly(1.0)),
    ("race", "most winners of one time", Bar::Exactly(1.0)),
    ("race", "overlaps", Bar::Exactly(0.0)),
    ("move", "overlaps", Bar::Exactly(0.0)),
    ("move", "visits lost", Bar::Exactly(0.0)),
    ("bookings", "many in one commit against one commit each", Bar::AtLeast(5.0)),
    ("booking_ack", "p99 with the mail server down beyond p99 with it up", Bar::AtMost(5.0)),
    ("letters", "letters lost", Bar::Exactly(0.0)),
    ("letters", "letters that arrived more than twice", Bar::Exactly(0.0)),
    ("letters", "duplicates beyond the letters in hand at a kill", Bar::Exactly(0.0)),
    ("waitlist", "freed times that were not offered", Bar::Exactly(0.0)),
    ("waitlist", "times on offer to two at once, or two to one", Bar::Exactly(0.0)),
    ("waitlist", "offers made", Bar::Exactly(200.0)),
    ("availability", "search of a month, 10,000 visits, p50", Bar::AtMost(1.0)),
    ("availability", "search with 100,000 visits against 10,000", Bar::AtMost(1.5)),
    ("http", "booking page at 200 requests/s, p99", Bar::AtMost(15.0)),
    ("memory", "resident after start", Bar::AtMost(60.0)),
    ("memory", "growth after 100,000 requests", Bar::AtMost(10.0)),
    ("start", "process start to first page, median of 10", Bar::AtMost(300.0)),
    ("weight", "booking page, HTML and CSS", Bar::AtMost(25.0)),
    ("weight", "main WebAssembly and glue", Bar::AtMost(200.0)),
    ("weight", "largest page chunk", Bar::AtMost(45.0)),
    ("weight", "requests to interactive", Bar::AtMost(8.0)),
    ("embed_loader", "the loader", Bar::AtMost(1.2)),
    ("embed_first_view", "loader and first page of the frame", Bar::AtMost(40.0)),
    ("embed_first_view", "requests to the portal", Bar::AtMost(4.0)),
    ("embed_host", "main thread of the page around it, added", Bar::AtMost(5.0)),
    ("embed_host", "layout shift of the page around it", Bar::AtMost(0.005)),
    ("lighthouse", "performance", Bar::AtLeast(95.0)),
    ("lighthouse", "accessibility", Bar::AtLeast(100.0)),
    ("lighthouse", "best practices", Bar::AtLeast(100.0)),
    ("lighthouse", "SEO", Bar::AtLeast(100.0)),
];

/// Holds what was measured against the bars.
///
/// # Errors
/// A figure that has a bar is not among them.
pub fn judge(name: &str, measured: Vec<Measured>) -> Result<Vec<Figure>> {
    for (_, figure, _) in BARS.iter().filter(|bar| bar.0 == name) {
        measured.iter().find(|it| it.figure == *figure).with_context(|| format!("nobody measured \"{figure}\""))?;
    }
    let figure = |it: Measured| {
        let bar = BARS.iter().find(|bar| bar.0 == name && bar.1 == it.figure).map(|bar| bar.2);
        Figure {
            name: name.to_owned(),
            // What is shown is rounded; what is judged is not.
            value: (it.value * 1000.0).round() / 1000.0,
            holds: bar.map(|bar| bar.is_cleared(it.value)),
            bar: bar.map(|bar| bar.to_string()),
            figure: it.figure,
            unit: it.unit,
        }
    };
    Ok(measured.into_iter().map(figure).collect())
}

/// All figures below each other, and a line with the sum.
pub fn table(figures: &[Figure]) -> String {
    let holds = |figure: &Figure| match figure.holds {
        Some(true) => "holds",
        Some(false) => "MISSES",
        None => "",
    };
    let row = |figure: &Figure| {
        let bar = figure.bar.clone().unwrap_or_default();
        [figure.name.clone(), figure.figure.clone(), figure.value.to_string(), figure.unit.clone(), bar, holds(figure).to_owned()]
    };
    let mut rows = vec![["name", "figure", "value", "unit", "bar", "holds"].map(str::to_owned)];
    rows.extend(figures.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4, 5].map(width);
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
            2 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let (held, barred) =
        (figures.iter().filter(|it| it.holds == Some(true)).count(), figures.iter().filter(|it| it.bar.is_some()).count());
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.push(format!("{held} of {barred} bars hold"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn race(most: f64, overlaps: f64) -> Vec<Measured> {
        let figure = |figure, value| Measured::new(figure, value, "");
        vec![figure("fewest winners of one time", 1.0), figure("most winners of one time", most), figure("overlaps", overlaps)]
    }

    #[test]
    fn a_figure_that_misses_its_bar_is_reported_as_it_is() {
        let figures = judge("race", race(2.0, 0.0)).unwrap();
        let holds: Vec<_> = figures.iter().map(|figure| figure.holds).collect();
        assert_eq!(holds, [Some(true), Some(false), Some(true)]);
        let line = serde_json::to_string(&figures[1]).unwrap();
        assert_eq!(
            line,
            r#"{"name":"race","figure":"most winners of one time","value":2.0,"unit":"","bar":"= 1","holds":false}"#
        );
        assert!(table(&figures).ends_with("2 of 3 bars hold"));
    }

    #[test]
    fn a_bar_without_its_figure_is_an_error_and_a_figure_without_a_bar_is_not() {
        assert!(judge("race", race(1.0, 0.0).split_off(1)).is_err());
        let mut more = race(1.0, 0.0);
        more.push(Measured::new("one race, p50", 12.0, "ms"));
        assert_eq!(judge("race", more).unwrap()[3].holds, None);
    }

    #[test]
    fn a_value_is_judged_as_it_was_measured_and_not_as_it_is_shown() {
        let figures = judge("http", vec![Measured::new("booking page at 200 requests/s, p99", 15.000_01, "ms")]).unwrap();
        assert_eq!((figures[0].value.to_string().as_str(), figures[0].holds), ("15", Some(false)));
    }
}
