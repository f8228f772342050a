//! Changing what may be done with a run of mapped pages.

use super::super::format::{Entry, Format};
use super::super::quarantine::Quarantined;
use super::super::table_list::TableList;
use super::super::{MapError, TableMemory};
use super::slots::{reserve, split_cost};
use super::{Node, Tree, pages, parts};
use core::ops::Range;

impl<F: Format> Tree<F> {
    /// Gives `count` pages from `first_page` on these attributes; all of them must be mapped. In a format that keeps
    /// tables this never needs a frame.
    ///
    /// The quarantine is empty, but stands for the rights that CPUs may still have cached; it is not
    /// [needed](Quarantined::is_needed) where the change only grants more.
    ///
    /// # Errors
    /// [`MapError`]; nothing has changed then.
    pub fn protect(
        &mut self,
        memory: &mut impl TableMemory,
        first_page: u64,
        count: u64,
        attributes: F::Attributes,
    ) -> Result<Quarantined<()>, MapError> {
        let range = pages(first_page, count)?;
        let mut taken_away = false;
        if !range.is_empty() {
            let needed = self.check_protect(memory, &self.root, range.clone(), attributes)?;
            let mut reserved = reserve(memory, needed)?;
            self.frames += needed;
            taken_away = self.do_protect(memory, &mut reserved, &self.root, range, attributes);
            debug_assert_eq!(reserved.length(), 0, "a table was reserved and not used");
        }
        Ok(Quarantined::begin((), taken_away))
    }

    fn check_protect(
        &self,
        memory: &impl TableMemory,
        node: &Node,
        range: Range<u64>,
        attributes: F::Attributes,
    ) -> Result<u64, MapError> {
        let mut needed = 0;
        for part in parts(node.level, node.base, range) {
            match self.entry(memory, node, part.index) {
                Entry::Absent => return Err(MapError::NotMapped { page: part.start }),
                Entry::Leaf { attributes: old, .. } if old == attributes || part.is_whole(node.level) => {}
                Entry::Leaf { .. } => needed += split_cost::<F>(node.level, part.base, part.range()),
                Entry::Table(table) => {
                    if let Some(child) = self.child(memory, node, &part, table) {
                        needed += self.check_protect(memory, &child, part.range(), attributes)?;
                    }
                }
            }
        }
        Ok(needed)
    }

    /// Returns whether anything was taken away.
    fn do_protect(
        &self,
        memory: &mut impl TableMemory,
        reserved: &mut TableList,
        node: &Node,
        range: Range<u64>,
        attributes: F::Attributes,
    ) -> bool {
        let mut taken_away = false;
        for part in parts(node.level, node.base, range) {
            let raw = memory.read(node.table, part.index);
            let child = match F::classify(node.level, raw) {
                Entry::Absent => None,
                Entry::Leaf { attributes: old, .. } if old == attributes => None,
                Entry::Leaf { frame, attributes: old } if part.is_whole(node.level) => {
                    let leaf = F::leaf(node.level, frame, attributes);
                    memory.write(node.table, part.index, leaf | raw & F::SET_BY_CPU);
                    taken_away |= F::takes_away(old, attributes);
                    None
                }
                Entry::Leaf { .. } => self.split(memory, reserved, node, &part),
                Entry::Table(table) => self.child(memory, node, &part, table),
            };
            if let Some(child) = child {
                taken_away |= self.do_protect(memory, reserved, &child, part.range(), attributes);
                self.merge(memory, node, &part, &child);
            }
        }
        taken_away
    }
}
