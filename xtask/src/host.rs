//! What this host offers: VMX, KVM, nesting.

use crate::machine::Emulator;
use std::fs::OpenOptions;

/// What decides whether Ravelin can run under KVM here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// CPUID shows VMX, and Linux uses it.
    pub vmx: bool,
    /// `/dev/kvm` opens for reading and writing.
    pub kvm: Result<(), String>,
    /// The parameter `nested` of `kvm_intel`; `None` where the module is not there.
    pub nested: Option<String>,
}

impl Host {
    /// Looks.
    #[must_use]
    pub fn probe() -> Host {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let flags = cpuinfo.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
        let kvm = OpenOptions::new().read(true).write(true).open("/dev/kvm");
        let nested = std::fs::read_to_string("/sys/module/kvm_intel/parameters/nested");
        Host {
            vmx: flags.split_whitespace().any(|flag| flag == "vmx"),
            kvm: kvm.map(drop).map_err(|error| error.to_string()),
            nested: nested.ok().map(|text| text.trim().to_owned()),
        }
    }

    /// Why nested KVM is out of the question, or nothing.
    #[must_use]
    pub fn against_kvm(&self) -> Option<String> {
        if !self.vmx {
            return Some("this host's CPU shows no VMX".to_owned());
        }
        if let Err(error) = &self.kvm {
            return Some(format!("/dev/kvm does not open: {error}"));
        }
        match self.nested.as_deref() {
            Some("Y" | "1") => None,
            Some(value) => Some(format!("kvm_intel has nested={value}")),
            None => Some("the host does not use kvm_intel".to_owned()),
        }
    }

    /// What `--emu auto` means here, and why.
    #[must_use]
    pub fn choose(&self) -> (Emulator, String) {
        match self.against_kvm() {
            None => (Emulator::Kvm, "VMX, /dev/kvm and nested=Y are all there".to_owned()),
            Some(reason) => (Emulator::Bochs, reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Host;
    use crate::machine::Emulator;

    #[test]
    fn kvm_needs_all_three() {
        let good = Host { vmx: true, kvm: Ok(()), nested: Some("Y".into()) };
        assert_eq!(good.choose().0, Emulator::Kvm);
        let bad = [
            Host { vmx: false, ..good.clone() },
            Host { kvm: Err("permission denied".into()), ..good.clone() },
            Host { nested: Some("N".into()), ..good.clone() },
            Host { nested: None, ..good.clone() },
        ];
        for host in bad {
            let (emulator, reason) = host.choose();
            assert_eq!(emulator, Emulator::Bochs);
            assert!(!reason.is_empty());
        }
    }
}
