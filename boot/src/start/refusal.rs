//! Why the kernel does not start, and how it says so.

use boot::boot_data::BootDataError;
use boot::command_line::CommandLineError;
use boot::memory_map::MemoryMapError;
use core::fmt::{self, Display};
use exo_kernel::kernel::KernelError;
use exo_kernel::loader::LoadError;
use hv::output::{self, Finish};
use hv::paging::MapError;
use hv::stack::StackError;
use hv::vmx::operation::Unusable;
use spin::Mutex;

/// Why the kernel does not start. Each is one sentence.
#[derive(Debug)]
pub enum Refusal {
    /// EAX does not hold multiboot2's magic number.
    NotMultiboot2(u64),
    /// The boot data is wrong.
    BootData(BootDataError),
    /// A command line is wrong.
    CommandLine(CommandLineError<'static>),
    /// The memory cannot be used.
    Memory(MemoryMapError),
    /// The kernel's own memory would lie above 4 GiB.
    PoolTooHigh,
    /// The kernel's own memory does not suffice for its page tables.
    Tables(MapError),
    /// The kernel's own memory does not suffice for a stack.
    Stack(StackError),
    /// The CPU cannot run guests.
    Cpu(Unusable),
    /// The exokernel's own memory does not suffice.
    Kernel(KernelError),
    /// A module cannot be an environment.
    Module(&'static str, LoadError),
    /// More environments than the kernel's table has places.
    TooManyEnvironments,
    /// The local APICs are where the kernel does not look for them.
    LocalApic(u64),
    /// A further CPU came before its time.
    Order,
}

impl Refusal {
    /// The module of this name cannot be an environment.
    pub fn module(name: &'static str, error: LoadError) -> Self {
        Self::Module(name, error)
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMultiboot2(magic) => {
                write!(f, "the boot loader does not speak multiboot2 (EAX holds {magic:#x})")
            }
            Self::BootData(error) => error.fmt(f),
            Self::CommandLine(error) => error.fmt(f),
            Self::Memory(error) => error.fmt(f),
            Self::PoolTooHigh => f.write_str("no memory below 4 GiB is free for the kernel"),
            Self::Tables(error) => write!(f, "the kernel's own memory does not suffice for its tables: {error:?}"),
            Self::Stack(error) => write!(f, "the kernel's own memory does not suffice for its stacks: {error:?}"),
            Self::Cpu(error) => error.fmt(f),
            Self::Kernel(error) => error.fmt(f),
            Self::Module(name, error) => write!(f, "environment {name}: {error}"),
            Self::TooManyEnvironments => {
                write!(f, "there are images for more than {} environments", exo_abi::info::MAX_ENVIRONMENTS)
            }
            Self::LocalApic(address) => {
                write!(f, "the local APICs are at {address:#x}; Ravelin knows them at 0xfee00000 or in x2APIC mode")
            }
            Self::Order => f.write_str("a CPU started before the kernel was ready"),
        }
    }
}

macro_rules! from {
    ($($error:ty => $variant:ident),*) => {
        $(impl From<$error> for Refusal { fn from(error: $error) -> Self { Self::$variant(error) } })*
    };
}

from! {
    BootDataError => BootData, CommandLineError<'static> => CommandLine, MemoryMapError => Memory, MapError => Tables,
    StackError => Stack, Unusable => Cpu, KernelError => Kernel
}

static FINISH: Mutex<Finish> = Mutex::new(Finish::Halt);

/// Chooses how the machine ends.
pub fn set_finish(finish: Finish) {
    *FINISH.lock() = finish;
}

/// How the machine ends.
pub fn finish_choice() -> Finish {
    *FINISH.lock()
}

/// Quotes inside a sentence would end the value that tools read.
struct Unquoted<T>(T);

impl<T: Display> Display for Unquoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Filter<'a, 'b>(&'a mut fmt::Formatter<'b>);
        impl fmt::Write for Filter<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                text.chars().try_for_each(|c| fmt::Write::write_char(self.0, if c == '"' { '\'' } else { c }))
            }
        }
        fmt::Write::write_fmt(&mut Filter(f), format_args!("{}", self.0))
    }
}

/// Says why, and ends the machine.
pub fn refuse(refusal: &Refusal) -> ! {
    log::error!("refused reason=\"{}\"", Unquoted(refusal));
    finish_failed("refused")
}

/// Says why a further CPU cannot take part, and stops it.
pub fn refuse_cpu(refusal: &Refusal) -> ! {
    let cpu = hv::cpu::local::index();
    log::error!("CPU {} takes no part: {refusal}", cpu.as_u32());
    // One that has not got its number yet is not the boot CPU, whose number it shows: the boot CPU waits for it in vain.
    if cpu != hv::cpu::CpuIndex::BOOT
        && let Some(kernel) = exo_kernel::kernel::Kernel::get()
    {
        kernel.without_cpu(cpu);
    }
    hv::cpu::halt_for_ever()
}

/// Ends the machine as failed.
pub fn finish_failed(reason: &str) -> ! {
    output::line_in_panic(format_args!("finish outcome=failed reason=\"{reason}\""));
    output::finish(FINISH.try_lock().map_or(Finish::Halt, |finish| *finish), false)
}
