//! The smallest run: one guest says hello.

use ravelin_tests::{boot, boot_environments, exited, passed, wrote};
use xtask::machine::{Input, Spec};
use xtask::manifest::Environment;

#[test]
fn hello_on_one_cpu() {
    let arguments = r#"three "quoted" words \x41"#.to_owned();
    let outcome = boot_environments(&[Environment { arguments, ..Environment::new("hello") }]);
    passed(&outcome);
    exited(&outcome, "hello", 0);
    let lines = [
        "hello from hello on cpu 0",
        r#"arguments: "three \"quoted\" words \\x41""#,
        "caught 1 breakpoint",
        "the first 1000 squares add up to 333833500",
    ];
    wrote(&outcome, "hello", &lines);
}

#[test]
fn hello_on_two_cpus_at_once() {
    let environment = |cpu: u32| Environment { name: format!("hello{cpu}"), cpu, ..Environment::new("hello") };
    let outcome = boot(&Spec { cpus: 2, environments: vec![environment(0), environment(1)], ..Spec::default() });
    passed(&outcome);
    wrote(&outcome, "hello0", &["hello from hello0 on cpu 0"]);
    wrote(&outcome, "hello1", &["hello from hello1 on cpu 1"]);
}

#[test]
fn what_is_typed_arrives() {
    let environments = vec![Environment { input: true, ..Environment::new("echo") }];
    let input = Input::Text(b"one two\nexit\n".to_vec());
    let outcome = boot(&Spec { environments, input, ..Spec::default() });
    passed(&outcome);
    wrote(&outcome, "echo", &["you typed: one two", "you typed: exit"]);
}

/// Alone, so that its CPU halts with it, and beside a witness, which keeps its share.
#[test]
fn halting_is_sleeping_until_the_next_slice() {
    let alone = boot_environments(&[Environment::new("sleeper")]);
    passed(&alone);
    wrote(&alone, "sleeper", &["halted 100 times"]);
    let witness = Environment { arguments: "5".to_owned(), ..Environment::new("witness") };
    passed(&boot_environments(&[Environment::new("sleeper"), witness]));
}
