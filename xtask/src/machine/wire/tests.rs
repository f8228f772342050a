use super::{Console, Wire};
use crate::machine::Watcher;
use exo_abi::console::{Stream, header};

#[derive(Default)]
struct Heard(Vec<(String, Vec<u8>)>);

impl Watcher for Heard {
    fn console(&mut self, name: &str, _: Stream, bytes: &[u8]) {
        self.0.push((name.to_owned(), bytes.to_vec()));
    }
}

fn record(channel: u8, stream: Stream, bytes: &[u8]) -> Vec<u8> {
    [&header(channel, stream, u8::try_from(bytes.len()).unwrap()), bytes].concat()
}

#[test]
fn noise_log_and_consoles_part_ways() {
    let mut bytes = b"Bochs x86 Emulator\nNext at t=0\n\x1b[2Jstarting".to_vec();
    bytes.extend(b"            12 cpu0 start name=hello id=1.1 cpu=0 memory=1024\r\n            13 cpu0 half");
    bytes.extend(record(1, Stream::Output, b"hi\nthere\n"));
    bytes.extend(record(0, Stream::Errors, b"?"));
    bytes.extend(b" a line\n");
    bytes.extend(record(1, Stream::ExitStatus, &[7, 0, 0, 0]));
    bytes.extend(b"  backtrace without a prefix\n            14 cpu0 finish outcome=passed\nNext at t=1\n");
    for size in [1, 7, bytes.len()] {
        let (mut wire, mut heard) = (Wire::new(true), Heard::default());
        bytes.chunks(size).for_each(|chunk| wire.push(chunk, &mut heard));
        wire.close();
        let log = "            12 cpu0 start name=hello id=1.1 cpu=0 memory=1024\n            13 cpu0 half a line\n  \
            backtrace without a prefix\n            14 cpu0 finish outcome=passed\n";
        assert_eq!(wire.log, log);
        assert_eq!(wire.report.finish(), Some((true, String::new())));
        let consoles = wire.take_consoles();
        let expected =
            Console { name: "hello".into(), output: b"hi\nthere\n".to_vec(), status: Some(7), ..consoles[1].clone() };
        assert_eq!(consoles[1], expected);
        assert_eq!(consoles[0].errors, b"?");
        let said: Vec<u8> =
            heard.0.iter().filter(|(name, _)| name == "hello").flat_map(|(_, bytes)| bytes.clone()).collect();
        assert_eq!(said, b"hi\nthere\n");
        assert!(heard.0.iter().any(|(name, _)| name == "environment 0"));
    }
}

#[test]
fn a_broken_line_is_kept_as_such() {
    let mut wire = Wire::new(true);
    wire.push(b" 1 cpu0 finish outcome=maybe", &mut Heard::default());
    wire.close();
    assert_eq!(wire.report.broken.len(), 1);
    assert_eq!(wire.report.finish(), None);
}
