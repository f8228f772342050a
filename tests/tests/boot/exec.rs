//! `run --exec`, as it is typed: a guest plays the Unix library OS.

use std::io::{Seek, Write};
use std::path::Path;
use std::process::Output;

/// Runs a command with this input; what came of it.
fn exec(manifest: &Path, command: &str, input: &[u8]) -> std::io::Result<Output> {
    let mut file = tempfile::tempfile()?;
    file.write_all(input)?;
    file.rewind()?;
    let mut cargo = xtask::cargo::host();
    cargo.args(["run", "--quiet", "--package", "xtask", "--", "run", "--manifest"]).arg(manifest);
    let output = cargo.args(["--exec", command]).stdin(file).output()?;
    println!("{:?}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(output)
}

#[test]
fn streams_and_status_are_the_commands() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("manifest.toml");
    let other = "[[environment]]\nname = \"other\"\nimage = \"hello\"\ncpu = 1\n";
    let text = format!("{other}[[environment]]\nname = \"libos-unix\"\nimage = \"command\"\nroot = true\n");
    std::fs::write(&manifest, text).unwrap();
    let bytes: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let output = exec(&manifest, "copy 37", &bytes).unwrap();
    assert_eq!(output.status.code(), Some(37));
    assert!(output.stdout == bytes, "{} bytes came back", output.stdout.len());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "5000 bytes, data: true\n");
    let output = exec(&manifest, "copy 1001", b"").unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(125), 0));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains("xtask: libos-unix gave up with 1001"), "{errors}");
}
