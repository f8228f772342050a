use crate::command_line::{CommandLineError, check_data, data_owner, parse_module};
use proptest::prelude::{any, proptest};
use std::string::{String, ToString};

#[test]
fn a_line_with_data_names_an_environment() {
    assert_eq!(data_owner("data=a"), Ok(Some("a")));
    assert_eq!(data_owner("  \"data=a b\" "), Ok(Some("a b")));
    assert_eq!(data_owner("data=\"a b\""), Ok(Some("a b")));
    assert_eq!(data_owner("name=a arguments=\"data=b\""), Ok(None));
    assert_eq!(data_owner(""), Ok(None));
}

#[test]
fn every_refusal_names_the_key_and_the_value() {
    let refused = |line| data_owner(line).unwrap_err().to_string();
    assert_eq!(refused("data"), "key 'data' needs a value");
    assert_eq!(refused("data="), "key 'data' has the value '', not the name of an environment");
    assert_eq!(refused("data=a\\b"), "key 'data' has the value 'a\\\\b', not the name of an environment");
    assert_eq!(refused("data=a data=b"), "key 'data' stands twice on the line");
    assert_eq!(refused("data=a memory=4"), "key 'memory' stands on a line with 'data'");
    assert_eq!(refused("name=a data=b"), "key 'name' stands on a line with 'data'");
}

#[test]
fn each_environment_has_data_once() {
    let [a, b] = ["name=a", "name=b"].map(|line| parse_module(line).unwrap());
    let check = |owners: &[&'static str]| check_data([&a, &b].into_iter(), owners.iter().copied());
    assert_eq!(check(&[]), Ok(()));
    assert_eq!(check(&["b", "a"]), Ok(()));
    assert_eq!(check(&["a", "c"]), Err(CommandLineError::DataForNobody { name: "c" }));
    assert_eq!(check(&["a", "b", "a"]), Err(CommandLineError::SecondData { name: "a" }));
    assert_eq!(check(&["c"]).unwrap_err().to_string(), "data is for 'c', and no module is named so");
    assert_eq!(check(&["a", "a"]).unwrap_err().to_string(), "two modules are data for 'a'");
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused(line in any::<String>()) {
        let _ = data_owner(&line).map_err(|error| error.to_string());
        let _ = data_owner(&std::format!("data={line}")).map_err(|error| error.to_string());
    }
}
