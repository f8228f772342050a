//! Privileged instructions stay where they belong: in `hv`, in the few files that run before it, and in guests.

use super::source::Source;
use anyhow::{Result, bail};
use proc_macro2::{TokenStream, TokenTree};

/// Beginnings of the paths that may hold privileged instructions.
const ALLOWED: [&str; 7] = [
    "hv/",
    "boot/src/entry",
    "boot/src/ap",
    "exo/user/",
    "tests/guests/",
    // Ring 0 of its own virtual machine: the ways to its programs and back.
    "libos-unix/src/machine/hardware/",
    // The emulator's ports, for the only process of a machine that runs Linux.
    "tests/linux/",
];

const MNEMONICS: [&str; 44] = [
    "cli", "clts", "hlt", "in", "inb", "inl", "ins", "insb", "insl", "invd", "invept", "invlpg", "invpcid", "invvpid",
    "inw", "iret", "iretq", "lgdt", "lidt", "lldt", "lmsw", "ltr", "out", "outb", "outl", "outs", "outsb", "outsl",
    "outw", "rdmsr", "rdpmc", "rsm", "sti", "swapgs", "sysexit", "sysret", "sysretq", "vmcall", "wbinvd", "wbnoinvd",
    "wrmsr", "xrstors", "xsaves", "xsetbv",
];

/// Looks through all assembly.
pub fn check(sources: &[Source]) -> Result<()> {
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| !ALLOWED.iter().any(|start| source.path.starts_with(start))) {
        let mut texts = Vec::new();
        if source.path.ends_with(".S") {
            texts.push((1, source.text.clone()));
        }
        collect(source.tokens()?, &mut texts);
        for (line, text) in texts {
            wrong.extend(privileged(&text).map(|what| format!("{}:{line}: {what}", source.path)));
        }
    }
    if !wrong.is_empty() {
        bail!("privileged instructions outside hv:\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// String literals inside `asm!`, `naked_asm!` and `global_asm!`, with their lines.
fn collect(tokens: TokenStream, texts: &mut Vec<(usize, String)>) {
    let mut before: [Option<TokenTree>; 2] = [None, None];
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            let is_assembly = matches!(&before, [Some(TokenTree::Ident(name)), Some(TokenTree::Punct(bang))]
                if bang.as_char() == '!' && matches!(name.to_string().as_str(), "asm" | "naked_asm" | "global_asm"));
            if is_assembly {
                literals(group.stream(), texts);
            } else {
                collect(group.stream(), texts);
            }
        }
        let [_, last] = before;
        before = [last, Some(token)];
    }
}

fn literals(tokens: TokenStream, texts: &mut Vec<(usize, String)>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => literals(group.stream(), texts),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if let (Some(first), Some(last)) = (text.find('"'), text.rfind('"')) {
                    let inside = text.get(first + 1..last).unwrap_or_default();
                    texts.push((literal.span().start().line, inside.replace("\\n", "\n")));
                }
            }
            _ => {}
        }
    }
}

/// The privileged instructions in a piece of assembly.
fn privileged(text: &str) -> impl Iterator<Item = String> {
    text.split(['\n', ';']).filter(|line| is_privileged(line)).map(|line| line.trim().to_owned())
}

fn is_privileged(line: &str) -> bool {
    let code = line.split('#').next().and_then(|code| code.split("//").next()).unwrap_or_default().to_ascii_lowercase();
    let mut words = code.split([' ', '\t', ',', '%']).filter(|word| !word.is_empty());
    let prefix = |word: &&str| !word.ends_with(':') && !matches!(*word, "rep" | "lock" | "repne" | "data16");
    let Some(mnemonic) = words.find(prefix) else { return false };
    let special = |word: &str| {
        let rest = word.strip_prefix("cr").or_else(|| word.strip_prefix("dr"));
        rest.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    MNEMONICS.contains(&mnemonic)
        || (mnemonic.starts_with("vm") && !mnemonic.starts_with("vmov"))
        || (mnemonic.starts_with("mov") && words.any(special))
}

#[cfg(test)]
mod tests {
    use super::{collect, is_privileged};
    use std::str::FromStr;

    #[test]
    fn privileged_instructions_are_recognised() {
        for line in
            ["hlt", "2: cli", "  out dx, al", "mov cr3, rax", "movq %rax, %cr0", "rep outsb", "VMLAUNCH", "iretq"]
        {
            assert!(is_privileged(line), "{line}");
        }
        for line in ["mov rax, rbx", "inc rax", "vmovaps xmm0, xmm1", "syscall", "// hlt", "hlt_loop:", "pause", ""] {
            assert!(!is_privileged(line), "{line}");
        }
    }

    #[test]
    fn only_assembly_macros_are_read() {
        let code = "fn f() { println!(\"hlt\"); unsafe { core::arch::asm!(\"rdmsr\", r\"hlt\", options(nostack)) } }";
        let mut texts = Vec::new();
        collect(proc_macro2::TokenStream::from_str(code).unwrap(), &mut texts);
        assert_eq!(texts, [(1, "rdmsr".to_owned()), (1, "hlt".to_owned())]);
    }
}
