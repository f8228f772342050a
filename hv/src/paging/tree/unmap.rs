//! Taking a run of mapped pages away.

use super::super::format::{Entry, Format};
use super::super::quarantine::Quarantined;
use super::super::table_list::{RetiredTables, TableList};
use super::super::{FlushNeeded, MapError, TableMemory};
use super::slots::{reserve, split_cost};
use super::{Node, Tree, keep, kept, pages, parts};
use core::ops::Range;

impl<F: Format> Tree<F> {
    /// Takes `count` pages from `first_page` on away; all of them must be mapped. In a format that keeps tables this
    /// never needs a frame, so taking by force cannot fail for want of memory.
    ///
    /// CPUs may use the old translations, and walk the tables that fell out of use, until they have flushed.
    ///
    /// # Errors
    /// [`MapError`]; nothing has changed then.
    pub fn unmap(
        &mut self,
        memory: &mut impl TableMemory,
        first_page: u64,
        count: u64,
    ) -> Result<FlushNeeded, MapError> {
        let range = pages(first_page, count)?;
        let mut retired = TableList::new();
        // A table that would be empty afterwards goes, and perhaps those above it: the long way.
        if let Some(small) = self.small(memory, &range).filter(|small| self.keeps_others(memory, small)) {
            let is_absent = |&index: &usize| F::is_absent(memory.read(small.node.table, index));
            // Where all say something in common, none is.
            if F::is_absent(memory.common(small.node.table, small.entries.clone()))
                && let Some(index) = small.entries.clone().find(is_absent)
            {
                return Err(MapError::NotMapped { page: small.node.base + index as u64 });
            }
            memory.fill(small.node.table, small.entries, 0, 0);
        } else if !range.is_empty() {
            let needed = self.check_unmap(memory, &self.root, range.clone())?;
            let mut reserved = reserve(memory, needed)?;
            self.frames += needed;
            let root = self.root;
            self.do_unmap(memory, &mut reserved, &mut retired, &root, range);
            debug_assert_eq!(reserved.length(), 0, "a table was reserved and not used");
            self.frames -= retired.length();
        }
        Ok(Quarantined::begin(RetiredTables::new(retired), count != 0))
    }

    fn check_unmap(&self, memory: &impl TableMemory, node: &Node, range: Range<u64>) -> Result<u64, MapError> {
        let mut needed = 0;
        for part in parts(node.level, node.base, range) {
            match self.entry(memory, node, part.index) {
                Entry::Absent => return Err(MapError::NotMapped { page: part.start }),
                Entry::Leaf { .. } if part.is_whole(node.level) => {}
                Entry::Leaf { .. } => needed += split_cost::<F>(node.level, part.base, part.range()),
                Entry::Table(table) => {
                    if let Some(child) = self.child(memory, node, &part, table) {
                        needed += self.check_unmap(memory, &child, part.range())?;
                    }
                }
            }
        }
        Ok(needed)
    }

    fn do_unmap(
        &mut self,
        memory: &mut impl TableMemory,
        reserved: &mut TableList,
        retired: &mut TableList,
        node: &Node,
        range: Range<u64>,
    ) {
        for part in parts(node.level, node.base, range) {
            let child = match self.entry(memory, node, part.index) {
                Entry::Absent => None,
                Entry::Leaf { .. } if part.is_whole(node.level) => {
                    memory.write(node.table, part.index, 0);
                    // The table in reserve may have been in use before a merge, so a CPU may walk it.
                    if let Some(table) = kept(memory, node, part.index) {
                        keep(memory, node, part.index, None);
                        retired.push(memory, table);
                    }
                    None
                }
                Entry::Leaf { .. } => self.split(memory, reserved, node, &part),
                Entry::Table(table) => self.child(memory, node, &part, table),
            };
            if let Some(child) = child {
                self.do_unmap(memory, reserved, retired, &child, part.range());
                self.prune(memory, retired, node, &part, &child);
            }
        }
    }
}
