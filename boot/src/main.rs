//! The kernel image: the order in which everything starts, on one screen.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![allow(unsafe_code, reason = "the boot loader's promises become slices and page tables here")]

#[cfg(target_os = "none")]
mod entry;
#[cfg(target_os = "none")]
mod start;

#[cfg(target_os = "none")]
use {exo_kernel::kernel::Kernel, hv::output, start::Refusal};

/// The boot CPU in 64-bit mode, on the boot code's page tables and the kernel's first stack.
#[cfg(target_os = "none")]
#[unsafe(no_mangle)]
extern "sysv64" fn kernel_main(magic: u64, information: u64) -> ! {
    output::initialise(output::Sink::Com1);
    output::install_logger();
    match boot(magic, information) {
        Ok(never) => match never {},
        Err(refusal) => start::refuse(&refusal),
    }
}

#[cfg(target_os = "none")]
fn boot(magic: u64, information: u64) -> Result<core::convert::Infallible, Refusal> {
    let information = start::information(magic, information)?;
    let options = start::options(information)?;
    let data = start::boot_data(information)?;
    let deliveries = start::modules(&data)?;
    let memory = start::memory(&data)?;
    let kernel_memory = start::take_memory(&data, &memory)?;
    let segments = start::first_cpu()?;
    let firmware = start::firmware(&data, &memory)?;
    let machine = start::machine(&options)?;
    let operation = start::operation(machine, segments)?;
    let input = start::input(&firmware);
    let kernel = start::kernel(&options, machine, kernel_memory, &firmware, &memory, input)?;
    for (number, delivery) in deliveries.iter().enumerate() {
        start::load(kernel, number, delivery)?;
    }
    start::other_cpus(kernel, &firmware, &memory);
    kernel.run(&operation)
}

/// Another CPU in 64-bit mode, on the kernel's page tables and a stack of its own.
#[cfg(target_os = "none")]
extern "sysv64" fn other_cpu_main() -> ! {
    let result = start::other_cpu().and_then(|operation| match Kernel::get() {
        Some(kernel) => kernel.run(&operation),
        None => Err(Refusal::Order),
    });
    match result {
        Ok(never) => match never {},
        Err(refusal) => start::refuse_cpu(&refusal),
    }
}

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(information: &core::panic::PanicInfo<'_>) -> ! {
    hv::backtrace::report_panic(information);
    start::finish_failed("the kernel panicked")
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is Ravelin's kernel: `cargo xtask run` boots it");
}
