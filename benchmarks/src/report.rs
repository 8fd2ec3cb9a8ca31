//! Figures, written as one Markdown table per section.

use std::fmt::{Display, Formatter};

/// The target for a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

use Target::{AtLeast, AtMost};

#[derive(Debug)]
struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    target: Option<Target>,
}

/// The figures on one subject.
#[derive(Debug)]
pub(crate) struct Section {
    title: String,
    about: String,
    figures: Vec<Figure>,
}

impl Section {
    pub(crate) fn new(title: impl Into<String>, about: impl Into<String>) -> Self {
        Self { title: title.into(), about: about.into(), figures: Vec::new() }
    }

    /// A figure without a target.
    pub(crate) fn figure(&mut self, what: impl Into<String>, value: f64, unit: &'static str) {
        self.figures.push(Figure { what: what.into(), value, unit, target: None });
    }

    /// A figure with a target.
    pub(crate) fn aim(&mut self, what: impl Into<String>, value: f64, unit: &'static str, target: Target) {
        self.figures.push(Figure { what: what.into(), value, unit, target: Some(target) });
    }

    /// A ratio of two figures of this run, with a target.
    pub(crate) fn ratio(&mut self, what: impl Into<String>, ours: f64, peer: f64, target: Target) {
        self.aim(what, ours / peer, "×", target);
    }
}

impl Target {
    fn met(self, value: f64) -> bool {
        match self {
            AtLeast(bound) => value >= bound,
            AtMost(bound) => value <= bound,
        }
    }
}

impl Display for Section {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "### {}\n\n{}\n", self.title, self.about)?;
        writeln!(f, "| what | measured | target | |\n|---|---:|---:|---|")?;
        for Figure { what, value, unit, target } in &self.figures {
            let measured = number(*value);
            match target {
                None => writeln!(f, "| {what} | {measured} {unit} | | |")?,
                Some(target) => {
                    let (sign, bound) = match target {
                        AtLeast(bound) => ("≥", bound),
                        AtMost(bound) => ("≤", bound),
                    };
                    let verdict = if target.met(*value) { "met" } else { "**missed**" };
                    writeln!(f, "| {what} | {measured} {unit} | {sign} {} {unit} | {verdict} |", number(*bound))?;
                }
            }
        }
        Ok(())
    }
}

/// With the significant digits only, and a thousands separator.
pub(crate) fn number(value: f64) -> String {
    if value < 100.0 {
        let text = format!("{value:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_grouped() {
        for (value, text) in [
            (0.5, "0.5"),
            (0.834, "0.83"),
            (20.0, "20"),
            (123.4, "123"),
            (20_000.0, "20,000"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_target_is_judged() {
        let mut section = Section::new("Reading", "A file.");
        section.figure("raw", 1_000.0, "rows/s");
        section.ratio("ours of raw", 400.0, 1_000.0, AtLeast(0.5));
        section.aim("memory", 20.0, "MB", AtMost(25.0));
        let text = section.to_string();
        assert!(text.contains("| raw | 1,000 rows/s | | |\n"), "{text}");
        assert!(text.contains("| ours of raw | 0.4 × | ≥ 0.5 × | **missed** |\n"), "{text}");
        assert!(text.contains("| memory | 20 MB | ≤ 25 MB | met |\n"), "{text}");
    }
}
