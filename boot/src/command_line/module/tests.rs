use crate::command_line::{CommandLineError, check_modules, parse_module};
use exo_abi::boot_page::ListedCapability;
use exo_abi::capability::{Name, rights};
use std::string::{String, ToString};
use std::vec::Vec;

#[test]
fn the_documented_module_line_is_understood() {
    let options = parse_module("name=hello memory=4 cpu=0 arguments=\"three times\"").unwrap();
    assert_eq!((options.name, options.memory_frames, options.cpu, options.slices), ("hello", 1024, 0, 1));
    assert_eq!((options.background, options.input), (false, false));
    assert_eq!(options.arguments.to_string(), "three times");
}

#[test]
fn what_is_not_said_follows_from_the_memory() {
    let of = |line| {
        let options = parse_module(line).unwrap();
        (options.memory_frames, options.guarantee_frames, options.reserve_frames)
    };
    assert_eq!(of("name=a"), (1024, 1024, 104));
    assert_eq!(of("name=a memory=64"), (16384, 16384, 224));
    assert_eq!(of("name=a guarantee=0 reserve=32 memory=1"), (256, 0, 32));
    assert_eq!(of("name=a guarantee=256 reserve=65536 memory=1"), (256, 256, 65536));
    let options = parse_module("name=a").unwrap();
    assert!(!options.audit && !options.count_cr3 && options.capabilities.is_empty());
}

#[test]
fn capabilities_are_listed_in_order() {
    let options = parse_module("name=a audit count_cr3 capability=5:02.01:rw capability=63:01:rwxmgvcnal").unwrap();
    let listed = |slot, name: &[u8], rights| ListedCapability { slot, rights, name: Name::new(name).unwrap() };
    assert!(options.audit && options.count_cr3);
    let expected = [listed(5, &[2, 1], rights::READ | rights::WRITE), listed(63, &[1], rights::ALL)];
    assert_eq!(options.capabilities[..], expected);
    assert_eq!(
        parse_module("name=a audit count_cr3 \"capability=5:02.01:rw\" capability=63:01:lancvgmxwr").unwrap(),
        options
    );
}

#[test]
fn every_refusal_names_the_key_and_the_value() {
    let module = |line| parse_module(line).unwrap_err().to_string();
    assert_eq!(module("memory=1"), "key 'name' is missing");
    assert_eq!(
        module("name=\"\""),
        "key 'name' has the value '\\\"\\\"', not 1 to 32 bytes without quotes, backslashes and control characters"
    );
    assert_eq!(module("name=a memory=0"), "key 'memory' has the value '0', not 1 to 16777216 (MiB)");
    assert_eq!(module("name=a slices=17"), "key 'slices' has the value '17', not 1 to 16");
    assert_eq!(module("name=a reserve=31"), "key 'reserve' has the value '31', not 32 to 65536 (frames)");
    assert_eq!(module("name=a reserve=65537"), "key 'reserve' has the value '65537', not 32 to 65536 (frames)");
    assert_eq!(module("name=a guarantee=1k"), "key 'guarantee' has the value '1k', not a number of frames");
    assert_eq!(module("name=a guarantee=257 memory=1"), "key 'guarantee' says 257 frames, more than the memory of 256");
    assert_eq!(module("name=a audit=on"), "key 'audit' takes no value but has 'on'");
    assert_eq!(module("name=a audit audit"), "key 'audit' stands twice on the line");
    assert_eq!(
        module("name=a capability=5:02:r capability=5:03:r"),
        "key 'capability' has '5:03:r' for a slot that is taken"
    );
    assert_eq!(module("name=a capability"), "key 'capability' needs a value");
}

#[test]
fn a_capability_is_slot_name_and_rights() {
    let longest = ["02"; 15].join(".");
    assert!(parse_module(&std::format!("name=a capability=1:{longest}:r")).is_ok());
    let too_long = std::format!("1:{longest}.02:r");
    let wrong = [
        "", "5", "5:02", "5:02:", "5::r", ":02:r", "5:02:r:", "0:02:r", "64:02:r", "+5:02:r", "5:2:r", "5:02.:r",
        "5:root:r", "5:02:R", "5:02:rr", "5:02:rz", "5:02:r,w", &too_long,
    ];
    for value in wrong {
        let line = std::format!("name=a capability={value}");
        let refused = parse_module(&line).unwrap_err();
        assert!(
            matches!(refused, CommandLineError::BadValue { key: "capability", value: told, .. } if told == value),
            "{value}: {refused}"
        );
    }
}

#[test]
fn fifteen_capabilities_fit_beside_the_own() {
    let words = |count: u32| (1..=count).map(|slot| std::format!(" capability={slot}:02:r")).collect::<String>();
    let line = |count| std::format!("name=a{}", words(count));
    assert_eq!(
        parse_module(&line(15)).unwrap().capabilities.iter().map(|each| each.slot).collect::<Vec<_>>(),
        (1..16).collect::<Vec<u64>>()
    );
    assert_eq!(
        parse_module(&line(16)).unwrap_err().to_string(),
        "key 'capability' stands more than 15 times on the line"
    );
}

#[test]
fn limits_are_exact() {
    let line = std::format!("name={} arguments=\"{}\"", "n".repeat(32), " ".repeat(2048));
    assert_eq!(parse_module(&line).unwrap().arguments.length(), 2048);
    assert!(parse_module(&line.replacen("arguments=\"", "arguments=\" ", 1)).is_err());
    assert!(parse_module(&line.replacen("name=", "name=n", 1)).is_err());
}

#[test]
fn modules_collide_by_name_and_by_input() {
    let [a, b, c] = ["name=a input", "name=b", "name=c input"].map(|line| parse_module(line).unwrap());
    assert_eq!(check_modules([&a, &b].into_iter()), Ok(()));
    assert_eq!(check_modules([&a, &b, &a].into_iter()), Err(CommandLineError::NameTaken { name: "a" }));
    assert_eq!(check_modules([&a, &b, &c].into_iter()), Err(CommandLineError::SecondInput { first: "a", second: "c" }));
}
