//! The plots.

use super::svg::{Anchor, Drawing, Scale, figure};
use crate::bench::data::Mark;
use crate::bench::measured::Histogram;
use crate::bench::row::Row;
use crate::bench::terminal::times;

/// How many times as many ticks Linux takes: two bars for each row, longer is slower Linux.
#[must_use]
pub fn ratios(rows: &[&Row]) -> String {
    const ROW: f64 = 34.0;
    const TOP: f64 = 8.0;
    let bottom = TOP + rows.len() as f64 * ROW;
    let off = |row: &Row| row.linux.as_ref()?.mitigations_off.as_ref()?.ratio;
    let all = || rows.iter().flat_map(|row| [row.ratio, off(row)]).flatten();
    let (least, most) = (all().fold(1.0, f64::min), all().fold(10.0, f64::max));
    let mut drawing = Drawing::new(1000.0, bottom + 24.0, "Ticks on Linux by ticks here, for each operation");
    let scale = Scale::new(least * 0.8, most * 1.6, [150.0, 980.0]);
    scale.draw(&mut drawing, [TOP, bottom]);
    let one = scale.place(1.0);
    for (index, row) in rows.iter().enumerate() {
        let y = TOP + index as f64 * ROW;
        drawing.text("", [140.0, y + 20.0], Anchor::End, &row.id);
        let bars = [("linux", row.ratio, "Linux"), ("off", off(row), "Linux with mitigations=off")];
        for (line, (class, ratio, what)) in bars.into_iter().enumerate() {
            let Some(ratio) = ratio else { continue };
            let (at, top) = (scale.place(ratio), y + 4.0 + line as f64 * 13.0);
            let more = format!("{}: {what} takes {} times as many ticks", row.id, times(Some(ratio)));
            drawing.bar(class, [one.min(at), top, (at - one).abs(), 11.0], &more);
            drawing.text("quiet", [one.max(at) + 5.0, top + 10.0], Anchor::Start, &format!("{}×", times(Some(ratio))));
        }
    }
    drawing.finish()
}

/// Which share of the runs took how long, here and on Linux; both axes are logarithmic.
#[must_use]
pub fn distribution(row: &Row) -> Option<String> {
    const BOTTOM: f64 = 130.0;
    const TOP: f64 = 10.0;
    let own = row.histogram.as_ref()?;
    let linux = row.linux.as_ref().map(|linux| &linux.default.histogram);
    let both = || [Some(own), linux].into_iter().flatten();
    let bounds = || both().flat_map(|histogram| histogram.bars.iter().map(|bar| bar.0 as f64 / histogram.each as f64));
    let (least, most) = (bounds().fold(f64::MAX, f64::min), bounds().fold(1.0, f64::max));
    let scale = Scale::new(least.max(1.0) * 0.7, most * 1.4, [8.0, 392.0]);
    let mut drawing = Drawing::new(400.0, BOTTOM + 24.0, &format!("{}: distribution of ticks", row.id));
    scale.draw(&mut drawing, [TOP, BOTTOM]);
    drawing.line([8.0, BOTTOM], [392.0, BOTTOM]);
    let mut draw = |class: &str, what: &str, histogram: &Histogram| {
        let runs: u64 = histogram.bars.iter().map(|bar| bar.1).sum();
        for &(bound, count) in &histogram.bars {
            let (ticks, share) = (bound as f64 / histogram.each as f64, count as f64 / runs as f64);
            // A ten-thousandth is the least that shows.
            let height = (1.0 + share.log10() / 4.0).max(0.02) * (BOTTOM - TOP);
            let more = format!("{what}: {count} of {runs} runs took {} ticks or a little more", figure(ticks));
            drawing.bar(class, [scale.place(ticks), BOTTOM - height, 3.0, height], &more);
        }
    };
    if let Some(linux) = linux {
        draw("linux", "Linux", linux);
    }
    draw("own", "here", own);
    Some(drawing.finish())
}

/// Modelled cycles here and on Linux beside what other systems reported in cycles.
#[must_use]
pub fn published(row: &Row, marks: &[&Mark]) -> Option<String> {
    const ROW: f64 = 34.0;
    const TOP: f64 = 4.0;
    let mut lines: Vec<(&str, String, [f64; 2])> = Vec::new();
    if let Some(range) = row.modelled_cycles {
        lines.push(("own", "here, modelled".to_owned(), range));
    }
    if let Some(linux) = &row.linux {
        lines.push(("linux", "Linux in the emulator, modelled".to_owned(), linux.default.modelled_cycles));
    }
    let cycles = marks.iter().filter(|mark| mark.unit == "cycles");
    lines.extend(cycles.map(|mark| ("other", mark.system.clone(), [mark.value; 2])));
    if lines.iter().all(|line| line.0 != "other") {
        return None;
    }
    let most = lines.iter().map(|line| line.2[1]).fold(1.0, f64::max);
    let least = lines.iter().map(|line| line.2[0]).fold(most, f64::min);
    let bottom = TOP + lines.len() as f64 * ROW;
    let mut drawing = Drawing::new(400.0, bottom + 24.0, &format!("{}: cycles", row.id));
    let scale = Scale::new(least * 0.7, most * 1.3, [8.0, 392.0]);
    scale.draw(&mut drawing, [TOP, bottom]);
    for (index, (class, what, [low, high])) in lines.iter().enumerate() {
        let y = TOP + index as f64 * ROW;
        let (from, to) = (scale.place(*low) - 2.0, scale.place(*high) + 2.0);
        let range = if low == high { vec![*low] } else { vec![*low, *high] };
        let text = range.iter().map(|cycles| figure(cycles.round())).collect::<Vec<_>>().join("–");
        drawing.text("", [8.0, y + 13.0], Anchor::Start, what);
        drawing.bar(class, [from, y + 18.0, to - from, 11.0], &format!("{what}: {text} cycles"));
        // On whichever side there is room.
        let (place, anchor) = if to > 280.0 { (from - 5.0, Anchor::End) } else { (to + 5.0, Anchor::Start) };
        drawing.text("quiet", [place, y + 28.0], anchor, &text);
    }
    Some(drawing.finish())
}
