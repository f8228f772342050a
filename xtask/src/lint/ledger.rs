//! The unsafe ledger: how much unsafe code each file holds, as a table under review.

use super::blessed;
use super::source::Source;
use anyhow::Result;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::fmt::Write as _;

const FILE: &str = "docs/unsafe-ledger.md";
const HEAD: &str = "# The unsafe ledger\n\nWritten by `cargo xtask lint --bless`, checked by `cargo xtask lint`: a change \
    of these numbers is part of the change\nunder review. *Blocks* are `unsafe { … }`, each with its SAFETY comment; \
    *items* are unsafe functions, traits, impls,\nextern blocks and attributes.\n\n\
    | File | Blocks | Items |\n|---|---:|---:|\n";

/// Unsafe code in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    blocks: usize,
    items: usize,
}

/// Compares the ledger with the source, or writes it.
pub fn check(sources: &[Source], bless: bool) -> Result<()> {
    blessed::check(FILE, &ledger(sources)?, bless)
}

fn ledger(sources: &[Source]) -> Result<String> {
    let mut text = HEAD.to_owned();
    let mut sum = Count::default();
    for source in sources {
        let mut count = Count::default();
        add(source.tokens()?, &mut count);
        if count != Count::default() {
            writeln!(text, "| `{}` | {} | {} |", source.path, count.blocks, count.items)?;
            sum.blocks += count.blocks;
            sum.items += count.items;
        }
    }
    writeln!(text, "| all | {} | {} |", sum.blocks, sum.items)?;
    Ok(text)
}

fn add(tokens: TokenStream, count: &mut Count) {
    let mut after_unsafe = false;
    for token in tokens {
        if after_unsafe {
            match &token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => count.blocks += 1,
                _ => count.items += 1,
            }
        }
        after_unsafe = matches!(&token, TokenTree::Ident(ident) if ident == "unsafe");
        if let TokenTree::Group(group) = token {
            add(group.stream(), count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, add};
    use std::str::FromStr;

    #[test]
    fn blocks_and_items_are_counted() {
        let code = "// unsafe { }\n#[unsafe(no_mangle)] unsafe fn f() { unsafe { \"unsafe {}\" } }\n\
            unsafe impl Send for X {} macro_rules! m { () => { unsafe { 1 } } }";
        let mut count = Count::default();
        add(proc_macro2::TokenStream::from_str(code).unwrap(), &mut count);
        assert_eq!(count, Count { blocks: 2, items: 3 });
    }
}
