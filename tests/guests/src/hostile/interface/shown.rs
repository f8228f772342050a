//! What the kernel shows everybody: to be read, and by nobody to be written or run.

use super::{Case, VIOLATION, Verdict};
use exo_user::abi::boot_page::BootPage;
use exo_user::{frames, info};

pub const CASES: &[Case] = &[
    Case::new("write-system-page", VIOLATION, |boot| write(boot.system_page_physical), "writes the system page"),
    Case::new("write-frame-table", VIOLATION, |_| write(table(|it| it.frame_table)), "writes the frame table"),
    Case::new(
        "write-environments",
        VIOLATION,
        |_| write(table(|it| it.environment_table)),
        "writes the table of environments",
    ),
    Case::new("write-slice-vector", VIOLATION, |_| write(table(|it| it.slice_vectors)), "writes a slice vector"),
    Case::new(
        "write-environment-page",
        VIOLATION,
        |boot| write(boot.environment_page_physical),
        "writes its environment page",
    ),
    Case::new("read-foreign-page", VIOLATION, read_foreign, "reads a page that the kernel shows to somebody else"),
];

fn table(place: impl Fn(&exo_user::abi::info::SystemPage) -> u64) -> u64 {
    info::system().map_or(0, |system| place(&system))
}

/// The window maps what is shown read-only, so a page of its own leads there.
fn write(physical: u64) -> Verdict {
    use exo_user::page_table::{self, Flags};
    const AT: u64 = 0x1000_3000_0000;
    // SAFETY: nothing else is mapped here.
    unsafe { page_table::map(AT, physical, Flags::PRESENT | Flags::WRITABLE) }
        .map_err(|error| alloc::format!("cannot map: {error}"))?;
    let word = frames::pointer::<u64>(AT);
    // SAFETY: reading what is shown is allowed; the kernel must stop the write.
    unsafe { word.write_volatile(word.read_volatile()) };
    Ok(())
}

/// The event page of the environment before or after this one lies in its reserve, beside pages that are shown to it.
fn read_foreign(boot: &'static BootPage) -> Verdict {
    use exo_user::abi::info::frame_state;
    let foreign = |number: &u64| {
        info::frame(*number).is_some_and(|it| {
            it.state == frame_state::KERNEL
                && it.owner_generation != 0
                && u32::from(it.owner_index) != boot.environment_index
        })
    };
    let frame = (0..info::frame_count()).find(foreign).ok_or("nobody else has metadata")?;
    write(frame << 12)
}
