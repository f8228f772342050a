//! A naive tree of names: every file by number, directories as maps.

use crate::errno::Errno;
use crate::file::Kind;
use std::collections::{BTreeMap, VecDeque};
use std::string::{String, ToString};
use std::vec::Vec;

/// A file.
#[derive(Clone, Debug)]
pub enum Node {
    Directory(BTreeMap<String, usize>),
    File,
    Link(String),
}

/// All files; number 0 is the root. Files without a name stay, and nobody finds them.
#[derive(Debug)]
pub struct Model {
    nodes: Vec<Node>,
    above: BTreeMap<usize, usize>,
}

impl Default for Model {
    fn default() -> Self {
        Self { nodes: std::vec![Node::Directory(BTreeMap::new())], above: BTreeMap::from([(0, 0)]) }
    }
}

/// Where a path leads: the directory, the last name unless that is none, what is there, and whether a slash follows.
type Led = (usize, Option<String>, Option<usize>, bool);

impl Model {
    fn names(&self, directory: usize) -> Option<&BTreeMap<String, usize>> {
        match &self.nodes[directory] {
            Node::Directory(names) => Some(names),
            _ => None,
        }
    }

    fn names_mut(&mut self, directory: usize) -> &mut BTreeMap<String, usize> {
        match &mut self.nodes[directory] {
            Node::Directory(names) => names,
            other => panic!("{other:?} is no directory"),
        }
    }

    /// `Some(true)` follows a link at the end, `Some(false)` only before a slash, `None` never.
    fn lead(&self, path: &str, follow: Option<bool>) -> Result<Led, Errno> {
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        let mut at = 0;
        let mut left: VecDeque<String> = path.split('/').map(str::to_string).collect();
        let mut links = 0;
        loop {
            let Some(name) = left.pop_front() else { return Ok((at, None, Some(at), true)) };
            if name.is_empty() {
                continue;
            }
            let names = self.names(at).ok_or(Errno::ENOTDIR)?;
            if name == "." || name == ".." {
                at = if name == ".." { self.above[&at] } else { at };
                continue;
            }
            let slash = !left.is_empty();
            let last = left.iter().all(String::is_empty);
            let Some(&child) = names.get(&name) else {
                return if last { Ok((at, Some(name), None, slash)) } else { Err(Errno::ENOENT) };
            };
            if let Node::Link(target) = &self.nodes[child]
                && (!last || follow == Some(true) || (slash && follow == Some(false)))
            {
                links += 1;
                if links > 40 {
                    return Err(Errno::ELOOP);
                }
                at = if target.starts_with('/') { 0 } else { at };
                target.rsplit('/').for_each(|name| left.push_front(name.to_string()));
                continue;
            }
            if last {
                if slash && follow.is_some() && self.names(child).is_none() {
                    return Err(Errno::ENOTDIR);
                }
                return Ok((at, Some(name), Some(child), slash));
            }
            at = child;
        }
    }

    fn kind(&self, node: usize) -> Kind {
        match self.nodes[node] {
            Node::Directory(_) => Kind::Directory,
            Node::File => Kind::Regular,
            Node::Link(_) => Kind::Link,
        }
    }

    pub fn find(&self, path: &str, follow: bool) -> Result<Kind, Errno> {
        let (_, _, found, _) = self.lead(path, Some(follow))?;
        found.map(|node| self.kind(node)).ok_or(Errno::ENOENT)
    }

    /// A name that is free, and its directory.
    fn free(&self, path: &str, for_directory: bool) -> Result<(usize, String), Errno> {
        let (directory, name, found, slash) = self.lead(path, None)?;
        match (name, found) {
            (_, Some(_)) | (None, _) => Err(Errno::EEXIST),
            (Some(_), None) if slash && !for_directory => Err(Errno::ENOENT),
            (Some(name), None) => Ok((directory, name)),
        }
    }

    pub fn make(&mut self, path: &str, node: Node, for_directory: bool) -> Result<(), Errno> {
        let (directory, name) = self.free(path, for_directory)?;
        let number = self.nodes.len();
        if matches!(node, Node::Directory(_)) {
            self.above.insert(number, directory);
        }
        self.nodes.push(node);
        self.names_mut(directory).insert(name, number);
        Ok(())
    }

    pub fn name(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        let (_, _, found, _) = self.lead(from, Some(false))?;
        let file = found.ok_or(Errno::ENOENT)?;
        if self.names(file).is_some() {
            return Err(Errno::EPERM);
        }
        let (directory, name) = self.free(to, false)?;
        self.names_mut(directory).insert(name, file);
        Ok(())
    }

    pub fn unlink(&mut self, path: &str) -> Result<(), Errno> {
        let (directory, name, found, slash) = self.lead(path, None)?;
        let file = found.ok_or(Errno::ENOENT)?;
        let Some(name) = name.filter(|_| self.names(file).is_none()) else { return Err(Errno::EISDIR) };
        if slash {
            return Err(Errno::ENOTDIR);
        }
        self.names_mut(directory).remove(&name);
        Ok(())
    }

    pub fn remove(&mut self, path: &str) -> Result<(), Errno> {
        let (directory, name, found, _) = self.lead(path, None)?;
        let file = found.ok_or(Errno::ENOENT)?;
        let Some(name) = name else {
            return Err(match path.trim_end_matches('/').rsplit('/').next() {
                Some("..") => Errno::ENOTEMPTY,
                Some(".") => Errno::EINVAL,
                _ => Errno::EBUSY,
            });
        };
        match self.names(file) {
            None => Err(Errno::ENOTDIR),
            Some(names) if !names.is_empty() => Err(Errno::ENOTEMPTY),
            Some(_) => {
                self.names_mut(directory).remove(&name);
                Ok(())
            }
        }
    }

    fn is_inside(&self, mut directory: usize, of: usize) -> bool {
        while directory != 0 && directory != of {
            directory = self.above[&directory];
        }
        directory == of
    }

    pub fn rename(&mut self, from: &str, to: &str, keeps: bool, exchanges: bool) -> Result<(), Errno> {
        let (old, old_name, file, old_slash) = self.lead(from, None)?;
        let (new, new_name, other, new_slash) = self.lead(to, None)?;
        let (Some(old_name), Some(new_name)) = (old_name, new_name) else { return Err(Errno::EBUSY) };
        let file = file.ok_or(Errno::ENOENT)?;
        if keeps && other.is_some() {
            return Err(Errno::EEXIST);
        }
        if exchanges && other.is_none() {
            return Err(Errno::ENOENT);
        }
        let is_directory = self.names(file).is_some();
        if exchanges && new_slash && other.is_some_and(|other| self.names(other).is_none()) {
            return Err(Errno::ENOTDIR);
        }
        if !is_directory && (old_slash || (new_slash && !exchanges)) {
            return Err(Errno::ENOTDIR);
        }
        if is_directory && self.is_inside(new, file) {
            return Err(Errno::EINVAL);
        }
        if let Some(other) = other {
            let other_is_directory = self.names(other).is_some();
            if other_is_directory && self.is_inside(old, other) {
                return Err(if exchanges { Errno::EINVAL } else { Errno::ENOTEMPTY });
            }
            if other == file {
                return Ok(());
            }
            match (exchanges, is_directory, self.names(other)) {
                (true, ..) | (false, false, None) => {}
                (false, true, None) => return Err(Errno::ENOTDIR),
                (false, false, Some(_)) => return Err(Errno::EISDIR),
                (false, true, Some(names)) if !names.is_empty() => return Err(Errno::ENOTEMPTY),
                (false, true, Some(_)) => {}
            }
        }
        self.names_mut(old).remove(&old_name);
        self.put(new, new_name, file);
        if let Some(other) = other.filter(|_| exchanges) {
            self.put(old, old_name, other);
        }
        Ok(())
    }

    fn put(&mut self, directory: usize, name: String, file: usize) {
        if self.names(file).is_some() {
            self.above.insert(file, directory);
        }
        self.names_mut(directory).insert(name, file);
    }

    /// Every path with its kind and links, as `shown` lists them.
    pub fn listing(&self) -> Vec<(String, Kind, u64)> {
        let mut links: BTreeMap<usize, u64> = BTreeMap::new();
        let mut paths = Vec::new();
        self.list("/", 0, &mut paths, &mut links);
        let links_of = |node: usize| {
            let below =
                self.names(node).map(|names| names.values().filter(|&&each| self.names(each).is_some()).count());
            below.map_or_else(|| links[&node], |directories| 2 + directories as u64)
        };
        paths.into_iter().map(|(path, node)| (path, self.kind(node), links_of(node))).collect()
    }

    fn list(&self, path: &str, node: usize, into: &mut Vec<(String, usize)>, links: &mut BTreeMap<usize, u64>) {
        into.push((path.to_string(), node));
        *links.entry(node).or_default() += 1;
        for (name, &below) in self.names(node).into_iter().flatten() {
            self.list(&std::format!("{}/{name}", path.trim_end_matches('/')), below, into, links);
        }
    }
}
