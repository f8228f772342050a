//! The boot loader's modules: environments, and files for them.

use super::{Refusal, bytes};
use boot::boot_data::{BootData, MAX_MODULES, Range};
use boot::command_line::{self, ModuleOptions};
use exo_abi::capability::Name;
use exo_abi::info::MAX_ENVIRONMENTS;
use exo_kernel::kernel::Kernel;
use exo_kernel::loader::Module;
use hv::cpu::CpuIndex;

/// An environment as the boot loader delivers it.
#[derive(Debug)]
pub struct Delivery {
    image: Range,
    line: ModuleOptions<'static>,
    data: Option<Range>,
}

/// All of them, in the order of their images.
pub type Deliveries = heapless::Vec<Delivery, MAX_ENVIRONMENTS>;

/// Reads the modules' lines.
pub fn modules(data: &BootData<'static>) -> Result<Deliveries, Refusal> {
    let mut deliveries = Deliveries::new();
    let mut files = heapless::Vec::<_, MAX_MODULES>::new();
    for module in data.modules.iter() {
        if let Some(owner) = command_line::data_owner(module.command_line)? {
            // The lists have the same capacity.
            let _ = files.push((owner, module.range));
            continue;
        }
        let line = command_line::parse_module(module.command_line)?;
        let delivery = Delivery { image: module.range, line, data: None };
        deliveries.push(delivery).map_err(|_| Refusal::TooManyEnvironments)?;
    }
    command_line::check_modules(deliveries.iter().map(|delivery| &delivery.line))?;
    command_line::check_data(deliveries.iter().map(|delivery| &delivery.line), files.iter().map(|(owner, _)| *owner))?;
    for (owner, range) in files {
        if let Some(delivery) = deliveries.iter_mut().find(|delivery| delivery.line.name == owner) {
            delivery.data = Some(range);
        }
    }
    Ok(deliveries)
}

/// Loads a module into an environment.
pub fn load(kernel: &'static Kernel, number: usize, delivery: &Delivery) -> Result<(), Refusal> {
    let Delivery { image, line, data } = delivery;
    // SAFETY: `BootData::parse` has found each module's range in available memory, and `memory` keeps it from any other use.
    let file = |range: Range| unsafe { bytes(range) };
    let mut arguments = [0; exo_abi::boot_page::MAX_ARGUMENTS];
    let length = line.arguments.copy_to(&mut arguments).unwrap_or(0);
    let arguments = core::str::from_utf8(&arguments[..length]).unwrap_or("");
    let module = Module {
        image: file(*image),
        data: data.map_or(&[], file),
        name: line.name,
        memory_frames: line.memory_frames,
        cpu: CpuIndex::new(line.cpu).filter(|&cpu| cpu.as_usize() < kernel.cpus()),
        slices: line.slices,
        guarantee_frames: line.guarantee_frames,
        reserve_frames: line.reserve_frames,
        guard: u8::try_from(number + 1).ok().and_then(|byte| Name::new(&[byte])).unwrap_or_default(),
        audit: line.audit,
        capabilities: &line.capabilities,
        count_cr3: line.count_cr3,
        background: line.background,
        input: line.input,
        arguments,
    };
    kernel.load(&module).map_err(|error| Refusal::module(line.name, error))
}
