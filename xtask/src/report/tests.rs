use super::{Ending, EnvironmentId, Event, Line, event, line};

#[test]
fn lines_are_told_from_noise() {
    let expected = Line { ticks: 52_148_855, cpu: 3, message: "start name=a" };
    assert_eq!(line("      52148855 cpu3 start name=a"), Some(expected));
    let noise = ["Next at t=0", "(0) [0x0000fffffff0] f000:fff0", "", "  12 cpu start", "12a cpu0 x", "-1 cpu0 x"];
    for text in noise {
        assert_eq!(line(text), None, "{text}");
    }
}

#[test]
fn every_documented_line_is_understood() {
    let id = EnvironmentId { index: 2, generation: 7 };
    let (name, reason) = ("a b".to_owned(), "page fault, again".to_owned());
    let cases = [
        (r#"start name="a b" id=2.7 cpu=1 memory=1024"#, Event::Start { name: name.clone(), id, cpu: 1, memory: 1024 }),
        (
            r#"end name="a b" id=2.7 outcome=exited status=4294967295 exits=12"#,
            Event::End { name: name.clone(), id, ending: Ending::Exited { status: u32::MAX }, exits: 12 },
        ),
        (
            r#"end name="a b" id=2.7 outcome=destroyed exits=3"#,
            Event::End { name: name.clone(), id, ending: Ending::Destroyed, exits: 3 },
        ),
        (
            r#"end name="a b" id=2.7 outcome=killed reason="page fault, again" rip=0xffffffff80000010 exits=12"#,
            Event::End {
                name,
                id,
                ending: Ending::Killed { reason: reason.clone(), rip: 0xffff_ffff_8000_0010 },
                exits: 12,
            },
        ),
        (r#"refused reason="page fault, again""#, Event::Refused { reason: reason.clone() }),
        ("panic at hv/src/x.rs:1: a \"b", Event::Panic("at hv/src/x.rs:1: a \"b".to_owned())),
        ("finish outcome=passed", Event::Finish { passed: true, reason: None }),
        (r#"finish outcome=failed reason="page fault, again""#, Event::Finish { passed: false, reason: Some(reason) }),
    ];
    for (text, expected) in cases {
        assert_eq!(event(text).unwrap(), Some(expected));
    }
    let exits = Event::Exits { name: "x".to_owned(), reason: "VM call".to_owned(), count: 12 };
    assert_eq!(event("exits name=x reason=\"VM call\" count=12").unwrap(), Some(exits));
    let Some(Event::LastExit { name, words }) = event("last-exit name=x reason=cpuid rip=0x10").unwrap() else {
        panic!("not a last exit");
    };
    assert_eq!((name.as_str(), words.len()), ("x", 2));
    assert_eq!(event("Ravelin 0.1").unwrap(), None);
}

#[test]
fn a_broken_contract_is_an_error() {
    let broken = [
        "start name=a id=1 cpu=0 memory=1",
        "start id=1.1 cpu=0 memory=1",
        "end name=a id=1.1 outcome=vanished exits=1",
        "end name=a id=1.1 outcome=exited status=4294967296 exits=1",
        "finish outcome=perhaps",
        "refused reason=\"open",
    ];
    for text in broken {
        let error = event(text).unwrap_err();
        assert!(format!("{error:#}").contains(text));
    }
}
