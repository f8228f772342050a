//! The verb `check-cpu`: what this host offers to Ravelin, in words.

use crate::host::Host;
use raw_cpuid::CpuId;

/// What Linux calls a VMX feature in `/proc/cpuinfo`, its name, and what Ravelin does without it.
const FEATURES: [(&str, &str, &str); 9] = [
    ("ept", "EPT", "required"),
    ("vpid", "VPID", "required"),
    ("vtpr", "TPR shadow", "required"),
    ("ept_violation_ve", "#VE", "optional: the kernel injects vector 20 after an exit"),
    ("vmfunc", "VMFUNC", "optional: control transfers use a call"),
    ("ept_ad", "EPT accessed and dirty bits", "optional: dirty pages are found by write protection"),
    ("pml", "page-modification log", "optional"),
    ("ept_1gb", "1 GiB EPT pages", "optional: 2 MiB pages"),
    ("preemption_timer", "preemption timer", "optional: the TSC-deadline timer ends slices"),
];

/// Prints the report.
pub fn verb() {
    let cpuid = CpuId::new();
    let vendor = cpuid.get_vendor_info().map(|vendor| vendor.as_str().to_owned()).unwrap_or_default();
    let brand = cpuid.get_processor_brand_string().map(|brand| brand.as_str().trim().to_owned()).unwrap_or_default();
    println!("CPU:            {vendor} {brand}");
    let features = cpuid.get_feature_info();
    let has = |test: fn(&raw_cpuid::FeatureInfo) -> bool| features.as_ref().is_some_and(test);
    println!("in a VM:        {}", yes(has(raw_cpuid::FeatureInfo::has_hypervisor)));
    println!("VMX in CPUID:   {}", yes(has(raw_cpuid::FeatureInfo::has_vmx)));
    println!("x2APIC:         {}", yes(has(raw_cpuid::FeatureInfo::has_x2apic)));
    println!("TSC deadline:   {}", yes(has(raw_cpuid::FeatureInfo::has_tsc_deadline)));
    let host = Host::probe();
    println!("VMX in Linux:   {}", yes(host.vmx));
    match &host.kvm {
        Ok(()) => println!("/dev/kvm:       opens (which says nothing about VMX)"),
        Err(error) => println!("/dev/kvm:       {error}"),
    }
    println!("nested KVM:     {}", host.nested.as_deref().unwrap_or("kvm_intel is not loaded"));
    vmx_features();
    let (emulator, reason) = host.choose();
    println!("`--emu auto` takes {emulator:?}, because {reason}.");
}

fn vmx_features() {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let Some(line) = cpuinfo.lines().find(|line| line.starts_with("vmx flags")) else {
        println!("Linux lists no VMX features.");
        return;
    };
    let flags: Vec<&str> = line.split_whitespace().collect();
    for (flag, name, without) in FEATURES {
        println!("  {name}: {} ({without})", yes(flags.contains(&flag)));
    }
}

fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}
