//! A drawing: the few shapes that the plots are made of. Colours are the page's, by class, so that they follow its scheme.

use std::fmt::Write as _;

/// Text as XML takes it.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Where a text ends or begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins at the place.
    Start,
    /// It is around the place.
    Middle,
    /// It ends at the place.
    End,
}

/// A drawing that grows.
#[derive(Clone, Debug)]
pub struct Drawing {
    width: f64,
    height: f64,
    title: String,
    body: String,
}

impl Drawing {
    /// An empty drawing with a title for those who do not see it.
    #[must_use]
    pub fn new(width: f64, height: f64, title: &str) -> Drawing {
        Drawing { width, height, title: escape(title), body: String::new() }
    }

    /// A filled rectangle that tells more when it is pointed at.
    pub fn bar(&mut self, class: &str, [x, y, width, height]: [f64; 4], more: &str) {
        let _infallible = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"1.5\"><title>{}</title></rect>",
            width.max(2.0),
            height.max(1.0),
            escape(more)
        );
    }

    /// A line of an axis or grid.
    pub fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        let _infallible =
            write!(self.body, "<line class=\"axis\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
    }

    /// A text; its baseline is at the place.
    pub fn text(&mut self, class: &str, [x, y]: [f64; 2], anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _infallible = write!(
            self.body,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            escape(text)
        );
    }

    /// The drawing as part of a page.
    #[must_use]
    pub fn finish(self) -> String {
        let Drawing { width, height, title, body } = self;
        format!("<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\"><title>{title}</title>{body}</svg>")
    }
}

/// A logarithmic axis from left to right.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    left: f64,
    right: f64,
}

impl Scale {
    /// An axis with room for both values, which are positive, between two places.
    #[must_use]
    pub fn new(low: f64, high: f64, [left, right]: [f64; 2]) -> Scale {
        let low = low.max(1e-3);
        Scale { low: low.ln(), high: high.max(low * 1.5).ln(), left, right }
    }

    /// Where a value is.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        let part = (value.max(1e-3).ln() - self.low) / (self.high - self.low);
        self.left + part.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Values for marks: 1, 2 and 5 of each power of ten, or only the powers where those would be too many.
    #[must_use]
    pub fn marks(&self) -> Vec<f64> {
        let span = (self.high - self.low) / 10_f64.ln();
        let steps: &[f64] = if span > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let mut marks = Vec::new();
        for power in -3..=9 {
            let values = steps.iter().map(|step| step * 10_f64.powi(power));
            marks.extend(values.filter(|value| (self.low..=self.high).contains(&value.ln())));
        }
        marks
    }

    /// Draws marks with their values below, from `top` to `bottom`.
    pub fn draw(&self, drawing: &mut Drawing, [top, bottom]: [f64; 2]) {
        let mut last = f64::NEG_INFINITY;
        for mark in self.marks() {
            let x = self.place(mark);
            drawing.line([x, top], [x, bottom]);
            // A text needs so much room.
            if x < last + 48.0 {
                continue;
            }
            last = x;
            // At the edges a text would be cut off.
            let anchor = if x < self.left + 20.0 {
                Anchor::Start
            } else if x > self.right - 20.0 {
                Anchor::End
            } else {
                Anchor::Middle
            };
            drawing.text("quiet", [x, bottom + 14.0], anchor, &figure(mark));
        }
    }
}

/// A figure with groups of three digits, and decimals where it is small.
#[must_use]
pub fn figure(value: f64) -> String {
    if value < 100.0 && value.fract() > 0.0 {
        let text = format!("{value:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
