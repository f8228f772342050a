//! The page is read back by an XML parser, which is stricter than a browser.

use super::render;
use super::svg::{Scale, escape, figure};
use crate::bench::context::Origin;
use crate::bench::row::{Material, Row};
use crate::bench::{data, measured};

fn rows(lines: &str) -> Vec<Row> {
    let here = measured::read(lines).unwrap().rows;
    let linux = measured::read(&LINES.replace("median=44", "median=400")).unwrap().rows;
    let costs = data::costs().unwrap();
    Material { here: &here, linux: [&linux, &linux], costs: &costs, emulator: "bochs", cpu_model: "<&>" }
        .rows()
        .unwrap()
}

const LINES: &str = "bench id=null-call unit=ticks median=44 p99=46 min=0 iterations=200 runs=200 exits=1 ring=0\n\
    histogram id=null-call each=1 0:1,44:199\n";

fn page(rows: &[Row]) -> String {
    let origin = Origin {
        compiler: "rustc \"x\" <y> & z".to_owned(),
        emulator: "bochs 2.7".to_owned(),
        cpu_model: "<&>".to_owned(),
        linux_kernel: Some("linux".to_owned()),
    };
    render(rows, &origin, &data::costs().unwrap(), &data::published().unwrap())
}

#[test]
fn it_is_well_formed_and_needs_nothing_else() {
    let text = page(&rows(LINES));
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(&text, options).unwrap();
    let count = |tag: &str| document.descendants().filter(|node| node.has_tag_name(tag)).count();
    assert!(count("svg") >= 3, "ratios, a distribution, published figures");
    assert_eq!((count("script"), count("link"), count("img")), (0, 0, 0));
    assert!(!text.contains("http"), "nothing is fetched");
    for rect in document.descendants().filter(|node| node.has_tag_name("rect")) {
        for key in ["x", "y", "width", "height"] {
            let value: f64 = rect.attribute(key).unwrap().parse().unwrap();
            assert!(value.is_finite() && value >= 0.0, "{key}={value}");
        }
    }
}

#[test]
fn it_bears_a_report_with_nothing_measured() {
    let text = page(&rows(""));
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    roxmltree::Document::parse_with_options(&text, options).unwrap();
    assert!(text.contains("not built") && !text.contains("NaN"));
}

#[test]
fn values_have_their_places() {
    let scale = Scale::new(1.0, 1000.0, [0.0, 300.0]);
    assert!((scale.place(10.0) - 100.0).abs() < 1e-9 && (scale.place(1e9) - 300.0).abs() < 1e-9);
    assert_eq!(scale.marks(), [1.0, 10.0, 100.0, 1000.0]);
    assert_eq!((figure(1_234_567.0).as_str(), figure(0.5).as_str()), ("1\u{202f}234\u{202f}567", "0.5"));
    assert_eq!(escape("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
}
