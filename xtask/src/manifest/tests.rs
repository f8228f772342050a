use super::{Environment, Machine, parse};

const GOOD: &str = "[machine]\ncpus = 2\nmemory = 512\n\n[[environment]]\nname = \"a b\"\nimage = \"hello\"\ncpu = 1\n\
    input = true\narguments = 'say \"x\"'\n\n[[environment]]\nname = \"c\"\nimage = \"hello\"\nbackground = true\n";

#[test]
fn a_manifest_becomes_module_lines() {
    let manifest = parse(GOOD).unwrap();
    let machine = Machine { cpus: Some(2), memory: Some(512), ..Machine::default() };
    assert_eq!(manifest.machine, machine);
    let lines: Vec<String> = manifest.environments.iter().map(|environment| environment.line().unwrap()).collect();
    let expected = [
        r#"name="a b" memory=4 cpu=1 slices=1 input arguments="say \"x\"""#,
        "name=c memory=4 cpu=0 slices=1 background",
    ];
    assert_eq!(lines, expected);
    assert_eq!(
        manifest.environments[1],
        Environment { name: "c".into(), background: true, ..Environment::new("hello") }
    );
}

#[test]
fn refusals_name_line_and_reason() {
    let cases = [
        (GOOD.replace("memory = 512", "memroy = 512"), 3, "memroy"),
        (GOOD.replace("memory = 512", "memory = 1"), 1, "memory must be"),
        (GOOD.replace("cpu = 1", "cpu = 2"), 8, "cpu must be 0 to 1"),
        (GOOD.replace("cpu = 1", "cpu = \"1\""), 8, "invalid type"),
        (GOOD.replace("\"c\"", "\"a b\""), 13, "two environments named a b"),
        (GOOD.replace("background = true", "input = true"), 15, "but a b has it"),
        (GOOD.replace("image = \"hello\"\ncpu", "cpu"), 5, "missing field `image`"),
        (GOOD.replace("cpus = 2", "cpus ="), 2, ""),
        ("[machine]\ncpus = 1\n".to_owned(), 1, "no [[environment]]"),
    ];
    for (text, line, reason) in cases {
        let wrong = parse(&text).unwrap_err();
        assert_eq!(wrong.line, line, "{wrong:?}");
        assert!(wrong.reason.contains(reason), "{wrong:?}");
    }
}

#[test]
fn data_become_a_module_of_their_own() {
    let manifest = parse(&GOOD.replace("background = true", "data = \"files/c\"")).unwrap();
    let [first, second] = &manifest.environments[..] else { panic!("two environments") };
    assert_eq!((first.data.as_deref(), second.data.as_deref()), (None, Some(std::path::Path::new("files/c"))));
    let base = tempfile::tempdir().unwrap();
    assert!(first.data_module(base.path()).unwrap().is_none());
    assert!(second.data_module(base.path()).unwrap_err().to_string().contains("cannot be read"));
    std::fs::create_dir(base.path().join("files")).unwrap();
    std::fs::write(base.path().join("files/c"), b"").unwrap();
    assert!(second.data_module(base.path()).unwrap_err().to_string().contains("empty"));
    std::fs::write(base.path().join("files/c"), b"1").unwrap();
    let named = Environment { name: "a b".to_owned(), ..second.clone() };
    assert_eq!(named.data_module(base.path()).unwrap().unwrap().line, "data=\"a b\"");
}

const SHARING: &str = "[machine]\nslice_us = 1000\ngrace_us = 500\n\n\
    [[environment]]\nname = \"owner\"\nimage = \"hello\"\nmemory = 8\nguarantee = 2\nreserve = 200\naudit = true\ncount_cr3 = true\n\n\
    [[environment]]\nname = \"reader\"\nimage = \"hello\"\n\n\
    [[environment.capability]]\nslot = 5\nenvironment = \"owner\"\nsuffix = \"01.0a\"\nrights = [\"read\"]\n\n\
    [[environment.capability]]\nslot = 63\nenvironment = \"reader\"\nrights = [\"notify\", \"audit\", \"write\"]\n";

#[test]
fn capabilities_guarantee_and_reserve_reach_the_line() {
    let manifest = parse(SHARING).unwrap();
    assert_eq!((manifest.machine.slice_us, manifest.machine.grace_us), (Some(1000), Some(500)));
    let lines: Vec<String> = manifest.environments.iter().map(|environment| environment.line().unwrap()).collect();
    let expected = [
        "name=owner memory=8 cpu=0 slices=1 guarantee=512 reserve=200 audit count_cr3",
        "name=reader memory=4 cpu=0 slices=1 capability=5:01.01.0a:r capability=63:02:wna",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_capability_may_be_over_an_environment_that_comes_later() {
    let manifest = parse(&SHARING.replace("environment = \"owner\"", "environment = \"later\""));
    assert!(manifest.unwrap_err().reason.contains("there is no environment later"));
    let text = format!("{SHARING}\n[[environment]]\nname = \"later\"\nimage = \"hello\"\n");
    let manifest = parse(&text.replace("environment = \"owner\"", "environment = \"later\"")).unwrap();
    assert_eq!(manifest.environments[1].capabilities[0].to_string(), "5:03.01.0a:r");
}

#[test]
fn refusals_of_resources_name_line_and_reason() {
    let longest = ["01"; 14].join(".");
    assert!(parse(&SHARING.replace("01.0a", &longest)).is_ok());
    let cases = [
        ("grace_us = 500", "grace_us = 1001", 1, "grace_us must be 10 to 1000"),
        ("slice_us = 1000\ngrace_us = 500", "grace_us = 10001", 1, "grace_us must be 10 to 10000"),
        ("grace_us = 500", "grace_us = 9", 1, "grace_us must be 10 to 1000"),
        ("guarantee = 2", "guarantee = 9", 9, "guarantee (of the memory, in MiB) must be 0 to 8"),
        ("reserve = 200", "reserve = 31", 10, "reserve (in frames) must be 32 to 65536"),
        ("reserve = 200", "reserve = 65537", 10, "reserve (in frames) must be 32 to 65536"),
        ("audit = true", "audit = 1", 11, "invalid type"),
        ("slot = 5", "slot = 0", 19, "slot must be 1 to 63"),
        ("slot = 5", "slot = 64", 19, "slot must be 1 to 63"),
        ("slot = 63", "slot = 5", 25, "slot 5 has a capability already"),
        ("slot = 5\n", "", 18, "missing field `slot`"),
        ("environment = \"owner\"\n", "", 18, "missing field `environment`"),
        ("environment = \"reader\"", "environment = \"nobody\"", 26, "there is no environment nobody"),
        ("\"01.0a\"", "\"\"", 21, "suffix must be 1 to 14 bytes"),
        ("\"01.0a\"", "\"root\"", 21, "suffix must be 1 to 14 bytes"),
        ("\"01.0a\"", "\"1.0a\"", 21, "suffix must be 1 to 14 bytes"),
        ("01.0a", &format!("{longest}.01"), 21, "suffix must be 1 to 14 bytes"),
        ("[\"read\"]", "[]", 22, "rights must have at least one"),
        ("[\"read\"]", "[\"read\", \"raed\"]", 22, "there is no right raed, only read, write"),
        ("[\"read\"]", "[\"read\", \"read\"]", 22, "the right read is there twice"),
        ("[\"read\"]", "\"read\"", 22, "invalid type"),
        ("rights = [\"read\"]", "right = [\"read\"]", 22, "unknown field `right`"),
    ];
    for (from, to, line, reason) in cases {
        assert!(SHARING.contains(from), "{from}");
        let wrong = parse(&SHARING.replacen(from, to, 1)).unwrap_err();
        assert!(wrong.reason.contains(reason), "{to}: {wrong:?}");
        assert_eq!(wrong.line, line, "{to}: {wrong:?}");
    }
}

#[test]
fn fifteen_capabilities_fit_beside_the_own() {
    let capability =
        |slot: u32| format!("[[environment.capability]]\nslot = {slot}\nenvironment = \"a\"\nrights = [\"read\"]\n");
    let text = |count: u32| {
        let capabilities: String = (1..=count).map(capability).collect();
        format!("[[environment]]\nname = \"a\"\nimage = \"hello\"\n{capabilities}")
    };
    assert_eq!(parse(&text(15)).unwrap().environments[0].capabilities.len(), 15);
    let wrong = parse(&text(16)).unwrap_err();
    assert_eq!((wrong.line, wrong.reason.contains("at most 15 capabilities")), (64, true), "{wrong:?}");
}

#[test]
fn the_documented_manifest_is_understood() {
    let text = std::fs::read_to_string(crate::paths::workspace().join("docs/capabilities.md")).unwrap();
    let (_, rest) = text.split_once("```toml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let lines: Vec<String> =
        parse(text).unwrap().environments.iter().map(|environment| environment.line().unwrap()).collect();
    let expected = [
        "name=writer memory=8 cpu=0 slices=1 guarantee=1024",
        "name=reader memory=4 cpu=0 slices=1 capability=5:01.07:r",
    ];
    assert_eq!(lines, expected);
}
