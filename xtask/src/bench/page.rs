//! The report as one page that needs nothing else: no script, no font, no file beside it.

mod plots;
mod svg;

use super::context::Origin;
use super::data::{Cost, Mark};
use super::row::Row;
use super::terminal::{short, times};
use std::fmt::Write as _;
use svg::{escape, figure};

const STYLE: &str = include_str!("page/style.css");
const HEAD: [&str; 16] = [
    "id",
    "operation",
    "ticks",
    "p99",
    "min",
    "exits",
    "CR3",
    "VMF*",
    "ring*",
    "exc*",
    "model",
    "Linux",
    "ratio",
    "off",
    "target",
    "",
];

/// The whole page; it is well-formed XML.
#[must_use]
pub fn render(rows: &[Row], origin: &Origin, costs: &[Cost], marks: &[Mark]) -> String {
    let measured: Vec<&Row> = rows.iter().filter(|row| row.median.is_some()).collect();
    let compared: Vec<&Row> = measured.iter().copied().filter(|row| row.ratio.is_some()).collect();
    let unit = rows.first().map_or("ticks", |row| row.unit);
    let mut body = intro(origin, unit);
    if !compared.is_empty() {
        let _infallible = write!(
            body,
            "<h2>Beside Linux</h2><p>How many times as many ticks the nearest thing takes on Linux. The axis is logarithmic; bars \
             to the right of 1 mean that Linux takes more.<span class=\"key linux\"></span>as Debian ships it<span class=\"key off\">\
             </span>mitigations=off</p><figure>{}</figure>",
            plots::ratios(&compared)
        );
    }
    body.push_str(&table(rows));
    body.push_str("<h2>Distributions</h2><p>Which share of the runs took how long; both axes are logarithmic, the lowest bar is a \
        ten-thousandth.<span class=\"key own\"></span>here<span class=\"key linux\"></span>Linux</p><div class=\"grid\">");
    for row in &measured {
        let plot = plots::distribution(row).unwrap_or_default();
        let linux = row.linux.as_ref().map(|linux| format!(" Linux: {}.", linux.what)).unwrap_or_default();
        let _infallible = write!(
            body,
            "<figure><h3><code>{}</code></h3>{plot}<figcaption>{}; {} runs.{}</figcaption></figure>",
            escape(&row.id),
            escape(row.what()),
            figure(row.runs.map_or(0.0, |runs| runs as f64)),
            escape(&linux)
        );
    }
    body.push_str("</div>");
    body.push_str(&published(rows, marks));
    body.push_str(&cost_table(costs));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width\"/>\
         <title>Ravelin: bench</title><style>{STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )
}

fn intro(origin: &Origin, unit: &str) -> String {
    let linux = origin.linux_kernel.as_deref().map(|kernel| format!(", Linux: {kernel}")).unwrap_or_default();
    let what = if unit == "ticks" {
        "A tick is one instruction executed in the emulator, by guest and kernel together: it measures the length of a path. A \
         transition is one tick there and costs hardware far more, so transitions are counted beside it, and modelled cycles add \
         what they cost by the table at the end. No figure is a time."
    } else {
        "Cycles of the host's CPU under nested KVM, where each exit is many exits of the outer hypervisor. They compare with nothing \
         measured in an emulator."
    };
    format!(
        "<h1>What operations cost</h1><p class=\"quiet\">{} ({}), {}{}</p><p>{what}</p>",
        escape(&origin.emulator),
        escape(&origin.cpu_model),
        escape(&origin.compiler),
        escape(&linux)
    )
}

fn table(rows: &[Row]) -> String {
    let head: String = HEAD.iter().enumerate().map(|(index, name)| cell("th", index, "", name)).collect();
    let mut text = format!("<h2>All operations</h2><div class=\"scroll\"><table><thead><tr>{head}</tr></thead><tbody>");
    for row in rows {
        let (class, verdict) = match row.met() {
            Some(true) => ("met", "met"),
            Some(false) => ("missed", "missed"),
            None => ("open", "not built"),
        };
        let transitions = row.transitions.unwrap_or_default();
        let off = row.linux.as_ref().and_then(|linux| linux.mitigations_off.as_ref()).and_then(|off| off.ratio);
        let limit =
            [row.target.ticks.map(figure), row.target.exits.map(|exits| format!("{} exits", short(Some(exits))))];
        let cells = [
            row.id.clone(),
            row.what().to_owned(),
            row.median.map(figure).unwrap_or_default(),
            row.p99.map(figure).unwrap_or_default(),
            row.min.map(figure).unwrap_or_default(),
            short(transitions.exits),
            short(transitions.cr3),
            short(transitions.vmfunc),
            short(transitions.ring),
            short(transitions.exception),
            row.modelled_cycles.map(|range| range.map(|cycles| figure(cycles.round())).join("–")).unwrap_or_default(),
            row.linux.as_ref().map(|linux| figure(linux.default.median)).unwrap_or_default(),
            row.ratio.map(|ratio| format!("{}×", times(Some(ratio)))).unwrap_or_default(),
            off.map(|ratio| format!("{}×", times(Some(ratio)))).unwrap_or_default(),
            limit.into_iter().flatten().collect::<Vec<_>>().join(", "),
            verdict.to_owned(),
        ];
        let last = cells.len() - 1;
        let class = |index| if index == last { class } else { "" };
        let line: String =
            cells.iter().enumerate().map(|(index, text)| cell("td", index, class(index), text)).collect();
        let _infallible = write!(text, "<tr>{line}</tr>");
    }
    text + "</tbody></table></div><p class=\"quiet\">* VMFUNCs, ring switches and exceptions are declared beside the source, not counted. Exits are counted by the kernel, CR3 loads \
        in a run of their own. Model: cycles by the table at the end. Ratio: ticks on Linux by ticks here; off: with \
        mitigations=off.</p>"
}

/// The first two columns hold text.
fn cell(tag: &str, index: usize, class: &str, text: &str) -> String {
    let kind = if index < 2 { "text" } else { class };
    format!("<{tag} class=\"{kind}\">{}</{tag}>", escape(text))
}

fn published(rows: &[Row], marks: &[Mark]) -> String {
    let mut text = "<h2>What other systems reported</h2><p>Marks beside the road, no comparison: other machines, other decades, and for \
        the figures here a model. Sources are in <code>tests/bench/published.toml</code>; a figure with a dagger was quoted from \
        memory and not yet compared with its source.</p><div class=\"grid\">"
        .to_owned();
    for row in rows {
        let marks: Vec<&Mark> = marks.iter().filter(|mark| mark.id == row.id).collect();
        if marks.is_empty() {
            continue;
        }
        let lines: String = marks.iter().map(|mark| format!("<li>{}</li>", escape(&said(mark)))).collect();
        let plot = plots::published(row, &marks).unwrap_or_default();
        let id = escape(&row.id);
        let _infallible =
            write!(text, "<figure><h3><code>{id}</code></h3>{plot}<figcaption><ul>{lines}</ul></figcaption></figure>");
    }
    text + "</div>"
}

fn said(mark: &Mark) -> String {
    let unit = if mark.unit == "microseconds" { "µs" } else { "cycles" };
    let dagger = if mark.checked { "" } else { " †" };
    format!("{}: {} {unit}{dagger}. {}", mark.system, figure(mark.value), mark.source)
}

fn cost_table(costs: &[Cost]) -> String {
    let mut text =
        "<h2>What transitions cost</h2><p>For the modelled cycles.</p><div class=\"scroll\"><table><thead><tr>\
        <th class=\"text\">transition</th><th class=\"text\">sources</th><th>low</th><th>high</th></tr></thead><tbody>"
            .to_owned();
    for cost in costs {
        let dagger = |checked| if checked { "" } else { " †" };
        let sources =
            cost.source.iter().map(|source| format!("{} ({}){}", source.says, source.from, dagger(source.checked)));
        let sources = sources.collect::<Vec<_>>().join("; ");
        let name = format!("{:?}", cost.transition).to_lowercase();
        let (low, high) = (figure(cost.low), figure(cost.high));
        let _infallible = write!(
            text,
            "<tr><td class=\"text\">{name}</td><td class=\"text\">{}</td><td>{low}</td><td>{high}</td></tr>",
            escape(&sources)
        );
    }
    text + "</tbody></table></div>"
}

#[cfg(test)]
#[path = "page/tests.rs"]
mod tests;
