//! The basic exit reasons by number (SDM Appendix C, "VMX Basic Exit Reasons").

macro_rules! reasons {
    ($($constant:ident = $number:literal, $name:literal;)*) => {
        $(#[doc = concat!("Basic exit reason ", $number, ": ", $name, ".")] pub const $constant: u16 = $number;)*

        /// The reason in words, for logs and counters; numbers that the manual leaves out say so.
        #[must_use]
        pub const fn reason_name(reason: u16) -> &'static str {
            match reason {
                $($number => $name,)*
                _ => "a reason that the manual does not list",
            }
        }
    };
}

reasons! {
    EXCEPTION_OR_NMI = 0, "exception or NMI";
    EXTERNAL_INTERRUPT = 1, "external interrupt";
    TRIPLE_FAULT = 2, "triple fault";
    INIT = 3, "INIT signal";
    STARTUP_IPI = 4, "start-up IPI";
    IO_SMI = 5, "I/O system-management interrupt";
    OTHER_SMI = 6, "other system-management interrupt";
    INTERRUPT_WINDOW = 7, "interrupt window";
    NMI_WINDOW = 8, "NMI window";
    TASK_SWITCH = 9, "task switch";
    CPUID = 10, "CPUID";
    GETSEC = 11, "GETSEC";
    HLT = 12, "HLT";
    INVD = 13, "INVD";
    INVLPG = 14, "INVLPG";
    RDPMC = 15, "RDPMC";
    RDTSC = 16, "RDTSC";
    RSM = 17, "RSM";
    VMCALL = 18, "VMCALL";
    VMCLEAR = 19, "VMCLEAR";
    VMLAUNCH = 20, "VMLAUNCH";
    VMPTRLD = 21, "VMPTRLD";
    VMPTRST = 22, "VMPTRST";
    VMREAD = 23, "VMREAD";
    VMRESUME = 24, "VMRESUME";
    VMWRITE = 25, "VMWRITE";
    VMXOFF = 26, "VMXOFF";
    VMXON = 27, "VMXON";
    CONTROL_REGISTER = 28, "control-register access";
    DEBUG_REGISTER = 29, "debug-register access";
    IO_INSTRUCTION = 30, "I/O instruction";
    RDMSR = 31, "RDMSR";
    WRMSR = 32, "WRMSR";
    ENTRY_FAILURE_GUEST_STATE = 33, "entry failure: invalid guest state";
    ENTRY_FAILURE_MSR_LOADING = 34, "entry failure: MSR loading";
    MWAIT = 36, "MWAIT";
    MONITOR_TRAP_FLAG = 37, "monitor trap flag";
    MONITOR = 39, "MONITOR";
    PAUSE = 40, "PAUSE";
    ENTRY_FAILURE_MACHINE_CHECK = 41, "entry failure: machine check";
    TPR_BELOW_THRESHOLD = 43, "TPR below threshold";
    APIC_ACCESS = 44, "APIC access";
    VIRTUALIZED_EOI = 45, "virtualized EOI";
    GDTR_OR_IDTR_ACCESS = 46, "GDTR or IDTR access";
    LDTR_OR_TR_ACCESS = 47, "LDTR or TR access";
    EPT_VIOLATION = 48, "EPT violation";
    EPT_MISCONFIGURATION = 49, "EPT misconfiguration";
    INVEPT = 50, "INVEPT";
    RDTSCP = 51, "RDTSCP";
    PREEMPTION_TIMER = 52, "preemption timer";
    INVVPID = 53, "INVVPID";
    WBINVD = 54, "WBINVD or WBNOINVD";
    XSETBV = 55, "XSETBV";
    APIC_WRITE = 56, "APIC write";
    RDRAND = 57, "RDRAND";
    INVPCID = 58, "INVPCID";
    VMFUNC = 59, "VMFUNC";
    ENCLS = 60, "ENCLS";
    RDSEED = 61, "RDSEED";
    PML_FULL = 62, "page-modification log full";
    XSAVES = 63, "XSAVES";
    XRSTORS = 64, "XRSTORS";
    PCONFIG = 65, "PCONFIG";
    SUB_PAGE_PERMISSION = 66, "sub-page-permission event";
    UMWAIT = 67, "UMWAIT";
    TPAUSE = 68, "TPAUSE";
    LOADIWKEY = 69, "LOADIWKEY";
    ENCLV = 70, "ENCLV";
    ENQCMD_TRANSLATION = 72, "ENQCMD PASID translation failure";
    ENQCMDS_TRANSLATION = 73, "ENQCMDS PASID translation failure";
    BUS_LOCK = 74, "bus lock";
    INSTRUCTION_TIMEOUT = 75, "instruction timeout";
    SEAMCALL = 76, "SEAMCALL";
    TDCALL = 77, "TDCALL";
    RDMSRLIST = 78, "RDMSRLIST";
    WRMSRLIST = 79, "WRMSRLIST";
}
