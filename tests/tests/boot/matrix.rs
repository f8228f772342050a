//! Every CPU model with one, two and four CPUs: on each CPU a witness, and on the first one somebody to share it with.

use ravelin_tests::{boot, passed, wrote};
use std::time::Duration;
use xtask::machine::Spec;
use xtask::manifest::Environment;

fn works_on(cpu_model: &str) {
    for cpus in [1, 2, 4] {
        let witness = |cpu| Environment {
            name: format!("witness{cpu}"),
            cpu,
            arguments: "3".to_owned(),
            ..Environment::new("witness")
        };
        let mut environments: Vec<Environment> = (0..cpus).map(witness).collect();
        environments.push(Environment::new("hello"));
        let spec = Spec {
            cpus,
            cpu_model: cpu_model.to_owned(),
            environments,
            kernel_arguments: "slice_us=1000".to_owned(),
            timeout: Duration::from_secs(60),
            ..Spec::default()
        };
        let outcome = boot(&spec);
        passed(&outcome);
        for cpu in 0..cpus {
            wrote(&outcome, &format!("witness{cpu}"), &["witness intact rounds=3"]);
        }
        wrote(&outcome, "hello", &["caught 1 breakpoint"]);
    }
}

macro_rules! models {
    ($($test:ident: $model:literal;)*) => {
        $(#[test]
        fn $test() {
            works_on($model);
        })*
    };
}

models! {
    sandy_bridge: "corei7_sandy_bridge_2600k";
    ivy_bridge: "corei7_ivy_bridge_3770k";
    haswell: "corei7_haswell_4770";
    broadwell: "broadwell_ult";
    skylake: "corei7_skylake_x";
    ice_lake: "corei7_icelake_u";
    tiger_lake: "tigerlake";
}
