//! Fork: a second address space with the same content, of which pages are copied when one side writes them.

use super::table::Bits;
use super::{AddressSpace, Area, Inherited};
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
        let areas = self.areas.values().filter(|area| area.inherited == Inherited::Same);
        let areas = areas.into_iter().try_for_each(|area| self.share_pages(area, &mut child));
        // Pages that could be written a moment ago.
        machine::flush_all();
        areas?;
        child.areas.clone_from(&self.areas);
        child.areas.retain(|_, area| area.inherited != Inherited::Nothing);
        Ok(child)
    }

    fn share_pages(&self, area: &Area, child: &mut Self) -> Result<()> {
        let mut outcome = Ok(());
        let mut last = None;
        self.table.each(area.start..area.end, |address, place| {
            if outcome.is_err() {
                return;
            }
            let leaf = place.get();
            let mut bits = leaf.bits();
            if !area.shared && bits.contains(Bits::WRITE) {
                bits -= Bits::WRITE;
                place.set_bits(bits);
            }
            match child.table.make_near(address, &mut last) {
                Ok(there) => drop(there.replace(leaf.share(), bits)),
                Err(error) => outcome = Err(error),
            }
        });
        outcome
    }
}
