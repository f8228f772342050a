//! The bench report as a page that needs nothing else.

use super::row::Row;
use super::show;
use std::fmt::Write as _;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\
    table{border-collapse:collapse;width:100%}th,td{padding:.3rem .6rem;border-bottom:1px solid #ddd;text-align:right}\
    td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}.met{color:#176f2c}.missed{color:#b3261e}.open{color:#888}";

/// The whole page.
#[must_use]
pub fn render(rows: &[Row]) -> String {
    let mut body = String::new();
    for row in rows {
        let (class, verdict) = match row.met() {
            Some(true) => ("met", "met"),
            Some(false) => ("missed", "missed"),
            None => ("open", "not built"),
        };
        let exits = row.transitions.and_then(|transitions| transitions.exits);
        let cycles = row.modelled_cycles.map(|[low, high]| format!("{low:.0}–{high:.0}")).unwrap_or_default();
        let linux = row.linux.map(|linux| linux.median.to_string()).unwrap_or_default();
        let cells = [
            show(row.median),
            show(row.p99),
            show(exits),
            cycles,
            linux,
            show(row.target.ticks),
            show(row.target.exits),
        ];
        let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        let _infallible = writeln!(
            body,
            "<tr><td><code>{}</code></td><td>{}</td>{cells}<td class=\"{class}\">{verdict}</td></tr>",
            row.id,
            row.what()
        );
    }
    let machine = rows.first().map(|row| format!("{} ({})", row.emulator, row.cpu_model)).unwrap_or_default();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Ravelin: bench</title><style>{STYLE}</style>\
         <h1>What operations cost</h1><p>Ticks are instructions executed in {machine}; exits are VM exits, both for one \
         operation. Modelled cycles add published hardware costs of each transition. Linux is a stock kernel in the same \
         emulator.</p><table><tr><th>id<th>operation<th>ticks<th>p99<th>exits<th>cycles<th>Linux ticks<th>target ticks\
         <th>target exits<th></tr>\n{body}</table></html>\n"
    )
}
