//! An Intel Core with six cores (Coffee Lake, family 6 model 158 stepping 10).

use super::CapabilitySet;

/// Everything optional that Ravelin can use: VMFUNC, #VE, accessed and dirty bits, PML, 1 GiB EPT leaves.
pub const COFFEE_LAKE: CapabilitySet = CapabilitySet {
    name: "Intel Core, family 6 model 158 stepping 10",
    source: "host part of a VirtualBox 6.1 log posted in an Ubuntu forum on 2021-01-15, in a public GitHub repository, \
             found by its text; github.com/myspaghetti/macos-virtualbox/issues/135 shows the same TRUE, MISC and EPT registers. The log ends \
             before the extended CPUID leaves: here they say only what its other lines say, that is EFER = d01H \
             (SYSCALL, NX, 64-bit mode) and a physical width of 39 bits",
    msrs: &[
        (0x03a, 0x2_0005),
        (0x480, 0x00da_0400_0000_0004),
        (0x481, 0x0000_007f_0000_0016),
        (0x482, 0xfff9_fffe_0401_e172),
        (0x483, 0x01ff_ffff_0003_6dff),
        (0x484, 0x0003_ffff_0000_11ff),
        (0x485, 0x7004_c1e7),
        (0x486, 0x8000_0021),
        (0x487, 0xffff_ffff),
        (0x488, 0x2000),
        (0x489, 0x0037_27ff),
        (0x48a, 0x2e),
        (0x48b, 0x005f_bcff_0000_0000),
        (0x48c, 0x0000_0f01_0673_4141),
        (0x48d, 0x0000_007f_0000_0016),
        (0x48e, 0xfff9_fffe_0400_6172),
        (0x48f, 0x01ff_ffff_0003_6dfb),
        (0x490, 0x0003_ffff_0000_11fb),
        (0x491, 0x1),
    ],
    cpuid: &[
        (0x0, 0, [0x16, 0x756e_6547, 0x6c65_746e, 0x4965_6e69]),
        (0x1, 0, [0x0009_06ea, 0x0310_0800, 0x7ffa_fbbf, 0xbfeb_fbff]),
        (0x2, 0, [0x7603_6301, 0x00f0_b5ff, 0, 0x00c3_0000]),
        (0x4, 0, [0x1c00_4121, 0x01c0_003f, 0x3f, 0]),
        (0x4, 1, [0x1c00_4122, 0x01c0_003f, 0x3f, 0]),
        (0x4, 2, [0x1c00_4143, 0x00c0_003f, 0x3ff, 0]),
        (0x4, 3, [0x1c03_c163, 0x03c0_003f, 0x2fff, 6]),
        (0x5, 0, [0x40, 0x40, 3, 0x1114_2120]),
        (0x6, 0, [0x27f7, 2, 9, 0]),
        (0x7, 0, [0, 0x029c_67af, 0x4000_0000, 0x9c00_2400]),
        (0xa, 0, [0x0730_0404, 0, 0, 0x603]),
        (0xb, 0, [1, 2, 0x100, 3]),
        (0xb, 1, [4, 0xc, 0x201, 3]),
        (0xb, 2, [0, 0, 2, 3]),
        (0xd, 0, [0x1f, 0x440, 0x440, 0]),
        (0xd, 1, [0xf, 0x440, 0x100, 0]),
        (0xd, 2, [0x100, 0x240, 0, 0]),
        (0xd, 3, [0x40, 0x3c0, 0, 0]),
        (0xd, 4, [0x40, 0x400, 0, 0]),
        (0xd, 8, [0x80, 0, 1, 0]),
        (0x14, 0, [1, 0xf, 7, 0]),
        (0x15, 0, [2, 0xd8, 0, 0]),
        (0x16, 0, [0xa28, 0x1194, 0x64, 0]),
        (0x8000_0000, 0, [0x8000_0008, 0, 0, 0]),
        (0x8000_0001, 0, [0, 0, 0, 0x2010_0800]),
        (0x8000_0008, 0, [0x27, 0, 0, 0]),
    ],
};
