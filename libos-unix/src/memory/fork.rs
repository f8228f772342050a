//! Fork: a second address space with the same content, of which pages are copied when one side writes them.

use super::{AddressSpace, Inherited};
use crate::errno::Result;
use crate::machine;

impl AddressSpace {
    /// The child's.
    ///
    /// # Errors
    /// ENOMEM; this space is as it was, but that pages may have to be faulted in for writing again.
    pub fn fork(&mut self) -> Result<Self> {
        let mut child = Self::new()?;
        child.layout = self.layout;
        (child.stack_limit, child.limit, child.data_limit) = (self.stack_limit, self.limit, self.data_limit);
        // First, because who drops a space looks for pages in its areas.
        child.areas.clone_from(&self.areas);
        child.areas.retain(|_, area| area.inherited != Inherited::Nothing);
        let mut same = child.areas.values().filter(|area| area.inherited == Inherited::Same);
        let outcome =
            same.try_for_each(|area| self.table.share(&(area.start..area.end), &mut child.table, !area.shared));
        // Pages that could be written a moment ago.
        machine::flush_all();
        outcome.map(|()| child)
    }
}
