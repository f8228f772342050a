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
