//! What the crate's source says of its structures and constants: order, types and documentation.

use super::fields::Struct;
use super::tables::Constants;
use crate::lint::source::Source;
use anyhow::{Context, Result, bail};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeMap;

const CRATE: &str = "exo/abi/src/";
/// Types of the constants that the document lists.
const INTEGERS: [&str; 5] = ["u8", "u16", "u32", "u64", "usize"];

/// One field or constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Its documentation in one line.
    pub about: String,
}

/// Documentation and content.
type Described = (String, Vec<Word>);

/// Structures and modules by path, with the words on each and on what is in it.
#[derive(Clone, Debug, Default)]
pub struct Words {
    structs: BTreeMap<String, Described>,
    constants: BTreeMap<String, Described>,
}

impl Words {
    /// A structure's documentation and its fields.
    pub fn of_struct(&self, path: &str) -> Result<&Described> {
        self.structs.get(path).with_context(|| format!("exo/abi has no structure {path}"))
    }

    /// A module's documentation and its integer constants.
    pub fn of_constants(&self, path: &str) -> Result<&Described> {
        self.constants.get(path).with_context(|| format!("exo/abi has no constants in {path}"))
    }

    /// Says what the tables lack or have in another order.
    pub fn check_complete(&self, structs: &[Struct], constants: &[Constants]) -> Result<()> {
        let names = |words: &[Word]| words.iter().map(|word| word.name.clone()).collect::<Vec<_>>();
        let mut source: BTreeMap<String, Vec<String>> = BTreeMap::new();
        source.extend(self.structs.iter().map(|(path, (_, fields))| (path.clone(), names(fields))));
        source.extend(self.constants.iter().map(|(path, (_, values))| (path.clone(), names(values))));
        let mut table = BTreeMap::new();
        for one in structs {
            table.insert(one.path.to_owned(), one.fields.iter().map(|field| field.name.to_owned()).collect());
        }
        for one in constants {
            table.insert(one.path.clone(), one.values.iter().map(|&(name, _)| name.to_owned()).collect());
        }
        for (path, names) in &source {
            if table.get(path) != Some(names) {
                bail!("the tables below xtask/src/lint/abi do not have {path} as exo/abi has it: {}", names.join(" "));
            }
        }
        match table.keys().find(|path| !source.contains_key(*path)) {
            Some(path) => bail!("the tables below xtask/src/lint/abi have {path}, and exo/abi has not"),
            None => Ok(()),
        }
    }

    fn add(&mut self, path: &str, about: String, tokens: TokenStream) {
        let mut constants = Vec::new();
        for item in items(tokens, ';') {
            let text: Vec<String> = item.tokens.iter().take(4).map(ToString::to_string).collect();
            let text: Vec<&str> = text.iter().map(String::as_str).collect();
            match (text.as_slice(), item.body()) {
                (["pub", "mod", name, ..], Some(body)) => self.add(&joined(path, name), item.about, body),
                (["pub", "struct", name, ..], Some(body)) if item.has_layout => {
                    let fields = items(body, ',').iter().filter_map(Item::word).collect();
                    self.structs.insert(joined(path, name), (item.about, fields));
                }
                (["pub", "const", _, ":"], None) => constants.extend(item.word()),
                _ => {}
            }
        }
        constants.retain(|word: &Word| INTEGERS.contains(&word.kind.as_str()));
        // The crate's own is the version, which the digest is for.
        if !constants.is_empty() && !path.is_empty() {
            self.constants.insert(path.to_owned(), (about, constants));
        }
    }
}

/// Reads the crate.
pub fn words(sources: &[Source]) -> Result<Words> {
    let mut words = Words::default();
    for source in sources {
        let name = source.path.strip_prefix(CRATE).and_then(|name| name.strip_suffix(".rs"));
        match name {
            Some("lib") => words.add("", String::new(), source.tokens()?),
            Some(name) if name != "tests" => words.add(&name.replace('/', "::"), String::new(), source.tokens()?),
            _ => {}
        }
    }
    Ok(words)
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}::{name}") }
}

/// An item of a module, or a field of a structure.
#[derive(Clone, Debug, Default)]
struct Item {
    about: String,
    /// Its layout is pinned: it is `repr(C)`.
    has_layout: bool,
    tokens: Vec<TokenTree>,
}

impl Item {
    /// What is between its braces, where it ends with some.
    fn body(&self) -> Option<TokenStream> {
        match self.tokens.last()? {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
            _ => None,
        }
    }

    /// Takes `pub NAME: TYPE` and `pub const NAME: TYPE = …` apart.
    fn word(&self) -> Option<Word> {
        let mut text = self.tokens.iter().map(ToString::to_string).filter(|token| token != "const");
        let (first, name, colon) = (text.next()?, text.next()?, text.next()?);
        let kind: Vec<String> = text.take_while(|token| token != "=").collect();
        let kind = kind.concat().replace(" ;", ";");
        (first == "pub" && colon == ":").then(|| Word { name, kind, about: self.about.clone() })
    }
}

/// Cuts tokens into items: each ends at the separator or, where that is a semicolon, with braces.
fn items(tokens: TokenStream, separator: char) -> Vec<Item> {
    let (mut items, mut item) = (Vec::new(), Item::default());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let mut ends = false;
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                let inner = tokens.next_if(|next| next.to_string() == "!").is_some();
                if let Some(TokenTree::Group(attribute)) = tokens.next().filter(|_| !inner) {
                    item.take_attribute(attribute.stream());
                }
                continue;
            }
            TokenTree::Punct(punct) if punct.as_char() == separator => ends = true,
            TokenTree::Group(group) if separator == ';' && group.delimiter() == Delimiter::Brace => {
                ends = true;
                item.tokens.push(token);
            }
            _ => item.tokens.push(token),
        }
        if ends {
            items.push(std::mem::take(&mut item));
        }
    }
    items.push(item);
    items
}

impl Item {
    fn take_attribute(&mut self, attribute: TokenStream) {
        let tokens: Vec<TokenTree> = attribute.into_iter().collect();
        match tokens.as_slice() {
            [TokenTree::Ident(name), _, TokenTree::Literal(line)] if name == "doc" => {
                // A doc comment's literal has only escapes that JSON has as well.
                let line: String = serde_json::from_str(&line.to_string()).unwrap_or_default();
                let gap = if self.about.is_empty() { "" } else { " " };
                self.about = format!("{}{gap}{}", self.about, plain(line.trim()));
            }
            [TokenTree::Ident(name), TokenTree::Group(group)] if name == "repr" => {
                self.has_layout = group.stream().to_string() == "C";
            }
            _ => {}
        }
    }
}

/// A line of documentation without links: `[`X`](crate::y::X)` becomes `X` in backquotes.
pub fn plain(line: &str) -> String {
    let (mut text, mut rest) = (String::new(), line);
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((name, after)) = after.split_once("`]") else { break };
        text.push_str(before);
        text.push_str(&format!("`{}`", name.trim_start_matches("crate::")));
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    text + rest
}
