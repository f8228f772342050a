//! Checks on the control fields (SDM 27.2.1).

use super::{PAGE_OFFSET, View, in_width, page_address, rules};
use crate::vmx::controls::{EntryControls, ExitControls, PinControls, PrimaryControls, SecondaryControls};
use crate::vmx::exit::{Event, EventKind};
use crate::vmx::fields;

impl View<'_> {
    pub(super) fn pin(&self, control: PinControls) -> bool {
        PinControls::from_bits_retain(self.get(fields::PIN_BASED_CONTROLS)).contains(control)
    }

    pub(super) fn primary(&self, control: PrimaryControls) -> bool {
        PrimaryControls::from_bits_retain(self.get(fields::PRIMARY_PROCESSOR_BASED_CONTROLS)).contains(control)
    }

    /// The secondary controls count only where they are activated.
    pub(super) fn secondary(&self, control: SecondaryControls) -> bool {
        self.primary(PrimaryControls::ACTIVATE_SECONDARY_CONTROLS)
            && SecondaryControls::from_bits_retain(self.get(fields::SECONDARY_PROCESSOR_BASED_CONTROLS))
                .contains(control)
    }

    pub(super) fn exit(&self, control: ExitControls) -> bool {
        ExitControls::from_bits_retain(self.get(fields::VM_EXIT_CONTROLS)).contains(control)
    }

    pub(super) fn entry(&self, control: EntryControls) -> bool {
        EntryControls::from_bits_retain(self.get(fields::VM_ENTRY_CONTROLS)).contains(control)
    }

    /// The event to inject; `None` where there is none or its kind is reserved.
    pub(super) fn event(&self) -> Option<Event> {
        let information = self.get(fields::VM_ENTRY_INTERRUPTION_INFORMATION);
        Event::from_interruption_info(information, self.get(fields::VM_ENTRY_EXCEPTION_ERROR_CODE))
    }

    /// Whether the event to inject, if there is one, satisfies a condition.
    pub(super) fn each_event(&self, holds: impl Fn(Event) -> bool) -> bool {
        self.event().is_none_or(holds)
    }
}

const VALID: u32 = 1 << 31;

/// Whether a list of MSRs is empty, or begins at an address that it may have.
fn msr_list(view: &View<'_>, count: u32, address: u64) -> bool {
    count == 0 || address & 0xf == 0 && in_width(view, address)
}

/// Vectors of exceptions that push an error code: #DF, #TS, #NP, #SS, #GP, #PF, #AC and #CP.
const fn pushes_error_code(vector: u8) -> bool {
    matches!(vector, 8 | 10..=14 | 17 | 21)
}

/// Bit 56 of IA32_VMX_BASIC: exceptions may be injected with or without an error code.
const ERROR_CODE_OPTIONAL: u64 = 1 << 56;

fn ept_memory_type(view: &View<'_>) -> bool {
    match view.get(fields::EPT_POINTER) & 7 {
        0 => view.msrs.ept_vpid & 1 << 8 != 0,
        6 => view.msrs.ept_vpid & 1 << 14 != 0,
        _ => false,
    }
}

fn instruction_length(view: &View<'_>) -> bool {
    const ZERO_ALLOWED: u64 = 1 << 30;
    let least = u32::from(view.msrs.misc & ZERO_ALLOWED == 0);
    let length = view.get(fields::VM_ENTRY_INSTRUCTION_LENGTH);
    view.each_event(|event| !event.kind.is_software() || (least..=15).contains(&length))
}

rules! {
    "27.2.1.1" {
        "pin-based controls are ones that the CPU allows" => |v| {
            v.msrs.allowed_pin().accepts(v.get(fields::PIN_BASED_CONTROLS))
        };
        "primary controls are ones that the CPU allows" => |v| {
            v.msrs.allowed_primary().accepts(v.get(fields::PRIMARY_PROCESSOR_BASED_CONTROLS))
        };
        "secondary controls are ones that the CPU allows" => |v| {
            !v.primary(PrimaryControls::ACTIVATE_SECONDARY_CONTROLS)
                || v.msrs.allowed_secondary().accepts(v.get(fields::SECONDARY_PROCESSOR_BASED_CONTROLS))
        };
        "CR3-target count is at most what the CPU has" => |v| {
            u64::from(v.get(fields::CR3_TARGET_COUNT)) <= v.msrs.misc >> 16 & 0x1ff
        };
        "I/O bitmaps are at page addresses" => |v| {
            !v.primary(PrimaryControls::USE_IO_BITMAPS)
                || page_address(v, v.get(fields::IO_BITMAP_A_ADDRESS))
                    && page_address(v, v.get(fields::IO_BITMAP_B_ADDRESS))
        };
        "MSR bitmap is at a page address" => |v| {
            !v.primary(PrimaryControls::USE_MSR_BITMAPS) || page_address(v, v.get(fields::MSR_BITMAP_ADDRESS))
        };
        "virtual-APIC page is at a page address" => |v| {
            !v.primary(PrimaryControls::USE_TPR_SHADOW) || page_address(v, v.get(fields::VIRTUAL_APIC_ADDRESS))
        };
        "TPR threshold is at most 15" => |v| {
            !v.primary(PrimaryControls::USE_TPR_SHADOW)
                || v.secondary(SecondaryControls::VIRTUAL_INTERRUPT_DELIVERY)
                || v.get(fields::TPR_THRESHOLD) <= 15
        };
        "APIC virtualization needs the TPR shadow" => |v| {
            v.primary(PrimaryControls::USE_TPR_SHADOW)
                || !v.secondary(SecondaryControls::VIRTUALIZE_X2APIC_MODE)
                    && !v.secondary(SecondaryControls::APIC_REGISTER_VIRTUALIZATION)
                    && !v.secondary(SecondaryControls::VIRTUAL_INTERRUPT_DELIVERY)
        };
        "virtual NMIs need NMI exiting" => |v| {
            v.pin(PinControls::NMI_EXITING) || !v.pin(PinControls::VIRTUAL_NMIS)
        };
        "NMI-window exiting needs virtual NMIs" => |v| {
            v.pin(PinControls::VIRTUAL_NMIS) || !v.primary(PrimaryControls::NMI_WINDOW_EXITING)
        };
        "VPID is not 0" => |v| {
            !v.secondary(SecondaryControls::ENABLE_VPID) || v.get(fields::VIRTUAL_PROCESSOR_IDENTIFIER) != 0
        };
        "EPT pointer's memory type is one that the CPU allows" => |v| {
            !v.secondary(SecondaryControls::ENABLE_EPT) || ept_memory_type(v)
        };
        "EPT pointer says a walk of 4 levels" => |v| {
            !v.secondary(SecondaryControls::ENABLE_EPT)
                || v.get(fields::EPT_POINTER) >> 3 & 7 == 3 && v.msrs.ept_vpid & 1 << 6 != 0
        };
        "EPT pointer's accessed and dirty flags are there" => |v| {
            !v.secondary(SecondaryControls::ENABLE_EPT)
                || v.get(fields::EPT_POINTER) & 1 << 6 == 0
                || v.msrs.ept_vpid & 1 << 21 != 0
        };
        "EPT pointer's reserved bits are 0" => |v| {
            let pointer = v.get(fields::EPT_POINTER);
            !v.secondary(SecondaryControls::ENABLE_EPT) || pointer & 0xf80 == 0 && in_width(v, pointer)
        };
        "unrestricted guest, PML and mode-based execute control need EPT" => |v| {
            v.secondary(SecondaryControls::ENABLE_EPT)
                || !v.secondary(SecondaryControls::UNRESTRICTED_GUEST)
                    && !v.secondary(SecondaryControls::ENABLE_PML)
                    && !v.secondary(SecondaryControls::MODE_BASED_EXECUTE_CONTROL)
        };
        "page-modification log is at a page address" => |v| {
            !v.secondary(SecondaryControls::ENABLE_PML) || page_address(v, v.get(fields::PML_ADDRESS))
        };
        "VM functions are ones that the CPU allows" => |v| {
            !v.secondary(SecondaryControls::ENABLE_VM_FUNCTIONS)
                || v.get(fields::VM_FUNCTION_CONTROLS) & !v.msrs.vm_functions == 0
        };
        "EPTP list is at a page address and needs EPT" => |v| {
            !v.secondary(SecondaryControls::ENABLE_VM_FUNCTIONS)
                || v.get(fields::VM_FUNCTION_CONTROLS) & 1 == 0
                || v.secondary(SecondaryControls::ENABLE_EPT) && page_address(v, v.get(fields::EPTP_LIST_ADDRESS))
        };
        "virtualization-exception area is at a page address" => |v| {
            !v.secondary(SecondaryControls::EPT_VIOLATION_VE)
                || page_address(v, v.get(fields::VIRTUALIZATION_EXCEPTION_INFORMATION_ADDRESS))
        };
    }
    "27.2.1.2" {
        "VM-exit controls are ones that the CPU allows" => |v| {
            v.msrs.allowed_exit().accepts(v.get(fields::VM_EXIT_CONTROLS))
        };
        "saving the preemption timer needs the timer" => |v| {
            v.pin(PinControls::ACTIVATE_PREEMPTION_TIMER) || !v.exit(ExitControls::SAVE_PREEMPTION_TIMER)
        };
        "VM-exit MSR-store list is at an address of 16" => |v| {
            msr_list(v, v.get(fields::VM_EXIT_MSR_STORE_COUNT), v.get(fields::VM_EXIT_MSR_STORE_ADDRESS))
        };
        "VM-exit MSR-load list is at an address of 16" => |v| {
            msr_list(v, v.get(fields::VM_EXIT_MSR_LOAD_COUNT), v.get(fields::VM_EXIT_MSR_LOAD_ADDRESS))
        };
    }
    "27.2.1.3" {
        "VM-entry controls are ones that the CPU allows" => |v| {
            v.msrs.allowed_entry().accepts(v.get(fields::VM_ENTRY_CONTROLS))
        };
        "entry is not to system-management mode" => |v| {
            !v.entry(EntryControls::ENTRY_TO_SMM) && !v.entry(EntryControls::DEACTIVATE_DUAL_MONITOR)
        };
        "VM-entry MSR-load list is at an address of 16" => |v| {
            msr_list(v, v.get(fields::VM_ENTRY_MSR_LOAD_COUNT), v.get(fields::VM_ENTRY_MSR_LOAD_ADDRESS))
        };
        "injected event is of a kind that exists" => |v| {
            v.get(fields::VM_ENTRY_INTERRUPTION_INFORMATION) & VALID == 0 || v.event().is_some()
        };
        "injected event's reserved bits are 0" => |v| {
            let information = v.get(fields::VM_ENTRY_INTERRUPTION_INFORMATION);
            information & VALID == 0 || information & 0x7fff_f000 == 0
        };
        "injected event's vector fits its kind" => |v| v.each_event(|event| match event.kind {
            EventKind::Nmi => event.vector == 2,
            EventKind::HardwareException => event.vector <= 31,
            EventKind::Other => event.vector == 0,
            _ => true,
        });
        "injected event has an error code exactly where its vector pushes one" => |v| v.each_event(|event| {
            let exception = event.kind == EventKind::HardwareException;
            let pushes = exception && pushes_error_code(event.vector);
            event.error_code.is_some() == pushes || exception && v.msrs.basic & ERROR_CODE_OPTIONAL != 0
        });
        "injected error code has 16 bits" => |v| {
            v.each_event(|event| event.error_code.is_none_or(|code| code >> 16 == 0))
        };
        "injected software event has an instruction length" => instruction_length;
    }
}

// The offset mask is the page's; the lists above have their own alignment.
const _: () = assert!(PAGE_OFFSET == crate::addr::FRAME_SIZE - 1);
