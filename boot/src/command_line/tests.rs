use super::{Finish, KernelOptions, Output, Timer, parse_kernel, parse_module};
use proptest::prelude::{any, prop, prop_assert_eq, proptest};
use std::string::{String, ToString};
use std::vec::Vec;

#[test]
fn an_empty_line_gives_the_documented_defaults() {
    let options = parse_kernel("   ").unwrap();
    let expected = KernelOptions {
        output: Output::Com1,
        finish: Finish::Halt,
        slice_us: 10_000,
        grace_us: None,
        timer: Timer::Auto,
        cpus: None,
        trace: false,
        dump_capabilities: false,
    };
    assert_eq!(options, expected);
}

#[test]
fn every_kernel_key_is_understood() {
    let line =
        "output=e9 finish=qemu slice_us=100 grace_us=100 timer=\"preemption\" cpus=64 trace=on dump-capabilities";
    let options = parse_kernel(line).unwrap();
    let expected = KernelOptions {
        output: Output::E9,
        finish: Finish::Qemu,
        slice_us: 100,
        grace_us: Some(100),
        timer: Timer::Preemption,
        cpus: Some(64),
        trace: true,
        dump_capabilities: true,
    };
    assert_eq!(options, expected);
}

#[test]
fn quotes_as_grub_rewrites_them_mean_the_same() {
    let written = parse_module("name=\"a b\" input arguments=\"say \\\"x\\\" c:\\\\d\" background").unwrap();
    let rewritten = parse_module("\"name=a b\" input \"arguments=say \\\"x\\\" c:\\\\d\" background").unwrap();
    assert_eq!(written, rewritten);
    let mut buffer = [0; 32];
    let length = written.arguments.copy_to(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"say \"x\" c:\\d");
    assert_eq!(written.arguments.copy_to(&mut buffer[..length - 1]), None);
}

#[test]
fn every_refusal_names_the_key_and_the_value() {
    let kernel = |line| parse_kernel(line).unwrap_err().to_string();
    assert_eq!(kernel("verbose=1"), "no key is called 'verbose'");
    assert_eq!(kernel("cpus=0"), "key 'cpus' has the value '0', not 1 to 64");
    assert_eq!(kernel("cpus=+1"), "key 'cpus' has the value '+1', not 1 to 64");
    assert_eq!(kernel("cpus="), "key 'cpus' has the value '', not 1 to 64");
    assert_eq!(
        kernel("slice_us=99999999999999999999"),
        "key 'slice_us' has the value '99999999999999999999', not 100 to 1000000"
    );
    assert_eq!(kernel("timer"), "key 'timer' needs a value");
    assert_eq!(kernel("dump-capabilities=on"), "key 'dump-capabilities' takes no value but has 'on'");
    assert_eq!(kernel("trace=on trace=on"), "key 'trace' stands twice on the line");
    assert_eq!(kernel("output=\"com1"), "a quote in 'output=\\\"com1' is not closed");
    assert_eq!(kernel("output=com1\\"), "the line ends in a backslash");
    assert_eq!(kernel("output=\u{1e}"), "key 'output' has the value '\\u{1e}', not com1 or e9");
    assert_eq!(kernel("grace_us=9"), "key 'grace_us' has the value '9', not 10 to 1000000");
    assert_eq!(kernel("grace_us=10001"), "key 'grace_us' says 10001, more than the slice of 10000");
    assert_eq!(kernel("grace_us=201 slice_us=200"), "key 'grace_us' says 201, more than the slice of 200");
}

/// How GRUB writes one word of its own command line into the line that the kernel gets.
fn grub_word(word: &str) -> String {
    let quote = if word.contains(' ') { "\"" } else { "" };
    let escaped: String =
        word.chars().flat_map(|c| matches!(c, '\\' | '\'' | '"').then_some('\\').into_iter().chain([c])).collect();
    std::format!("{quote}{escaped}{quote}")
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused(line in any::<String>()) {
        let _ = parse_kernel(&line).map_err(|error| error.to_string());
        let _ = parse_module(&line).map_err(|error| error.to_string());
    }

    #[test]
    fn nearly_right_text_is_taken_or_refused(words in prop::collection::vec(
        "name|memory|cpus|arguments|capability|reserve|=|:|02\\.01|rw|=|\"|\\\\| |[0-9]{1,20}|on|é", 0..30)) {
        let line: String = words.concat();
        let _ = parse_kernel(&line).map_err(|error| error.to_string());
        let _ = parse_module(&line).map_err(|error| error.to_string());
    }

    #[test]
    fn arguments_survive_grub(arguments in "[ -~é]{0,40}") {
        let line = [std::string::String::from("name=x"), std::format!("arguments={arguments}")];
        let line = line.iter().map(|word| grub_word(word)).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(parse_module(&line).unwrap().arguments.to_string(), arguments);
    }
}
