//! The report on the terminal.

use super::row::Row;

/// Columns: head, and width with the space before it.
const COLUMNS: [(&str, usize); 12] = [
    ("ticks", 9),
    ("p99", 9),
    ("min", 9),
    ("exits", 7),
    ("cr3", 5),
    ("vmf*", 5),
    ("ring*", 6),
    ("exc*", 5),
    ("cycles", 13),
    ("Linux", 10),
    ("ratio", 8),
    ("off", 8),
];

/// Prints the rows as a table.
pub fn print(rows: &[&Row]) {
    let head: String = COLUMNS.iter().map(|(name, width)| format!("{name:>width$}")).collect();
    println!("{:<15}{head}{:>8}{:>7}", "id", "target", "exits");
    for row in rows {
        println!("{:<15}{}", row.id, line(row));
    }
    println!(
        "* declared beside the source, not counted. ratio: ticks on Linux by ticks here; off: with mitigations=off."
    );
}

fn line(row: &Row) -> String {
    let transitions = row.transitions.unwrap_or_default();
    let off = row.linux.as_ref().and_then(|linux| linux.mitigations_off.as_ref()).and_then(|off| off.ratio);
    let cells = [
        short(row.median),
        short(row.p99),
        short(row.min),
        short(transitions.exits),
        short(transitions.cr3),
        short(transitions.vmfunc),
        short(transitions.ring),
        short(transitions.exception),
        row.modelled_cycles.map(|[low, high]| format!("{low:.0}–{high:.0}")).unwrap_or_default(),
        short(row.linux.as_ref().map(|linux| linux.default.median)),
        times(row.ratio),
        times(off),
    ];
    let mut line = String::new();
    for (cell, (_, width)) in cells.iter().zip(COLUMNS) {
        line.push_str(&format!("{cell:>width$}"));
    }
    let verdict = match row.met() {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "not built",
    };
    format!("{line}{:>8}{:>7}  {verdict}", short(row.target.ticks), short(row.target.exits))
}

/// A figure without needless decimals; nothing for none.
#[must_use]
pub fn short(value: Option<f64>) -> String {
    value.map(|value| ((value * 1000.0).round() / 1000.0).to_string()).unwrap_or_default()
}

/// A ratio; nothing for none.
#[must_use]
pub fn times(ratio: Option<f64>) -> String {
    match ratio {
        Some(ratio) if ratio < 10.0 => format!("{ratio:.2}"),
        Some(ratio) => format!("{ratio:.0}"),
        None => String::new(),
    }
}
