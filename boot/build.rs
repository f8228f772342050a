//! Links the kernel at its own addresses; on the host the same crate links as an ordinary program.

fn main() {
    println!("cargo:rerun-if-changed=link.ld");
    let bare = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "none");
    if bare {
        let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        for argument in ["--no-pie", "-znostart-stop-gc", "--no-rosegment", &format!("-T{directory}/link.ld")] {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
}
