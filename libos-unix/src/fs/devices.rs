//! Devices that need nothing but themselves: /dev/null and its like (mem(4), random(4)).

use crate::errno::{Errno, Result};
use crate::file::{File, Kind, Ready, Status};
use crate::io::{Destination, Source};
use crate::random;
use alloc::rc::Rc;
use core::any::Any;

/// The number of a device.
#[must_use]
pub const fn number(major: u32, minor: u32) -> u64 {
    let (major, minor) = (major as u64, minor as u64);
    (minor & 0xff) | (major & 0xfff) << 8 | (minor & !0xff) << 12 | (major & !0xfff) << 32
}

/// Major and minor number.
#[must_use]
pub const fn device(number: u64) -> (u32, u32) {
    let major = (number >> 8 & 0xfff) | (number >> 32 & !0xfff);
    let minor = (number & 0xff) | (number >> 12 & !0xff);
    (major as u32, minor as u32)
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Null,
    Zero,
    Full,
    Random,
}

/// An open device.
#[derive(Debug)]
struct Device {
    which: Which,
    status: Status,
}

/// Opens one of these; `status` is the node's.
///
/// # Errors
/// ENXIO where it is none of these.
pub fn open_device(represents: u64, status: Status) -> Result<Rc<dyn File>> {
    let which = match device(represents) {
        (1, 3) => Which::Null,
        (1, 5) => Which::Zero,
        (1, 7) => Which::Full,
        (1, 8 | 9) => Which::Random,
        _ => return Err(Errno::ENXIO),
    };
    Ok(Rc::new(Device { which, status: Status { kind: Kind::CharacterDevice, ..status } }))
}

impl File for Device {
    fn read(&self, _offset: u64, to: &mut dyn Destination) -> Result<usize> {
        const ZEROS: [u8; 512] = [0; 512];
        match self.which {
            Which::Null => Ok(0),
            Which::Random => random::fill(to),
            Which::Zero | Which::Full => {
                let mut done = 0;
                while to.remaining() != 0 {
                    match to.put(&ZEROS) {
                        Ok(count) => done += count,
                        Err(error) if done == 0 => return Err(error),
                        Err(_) => break,
                    }
                }
                Ok(done)
            }
        }
    }

    fn write(&self, _offset: u64, from: &mut dyn Source) -> Result<usize> {
        if self.which == Which::Full {
            return Err(Errno::ENOSPC);
        }
        // Nobody looks at it.
        Ok(from.remaining())
    }

    fn is_seekable(&self) -> bool {
        // Every place is the same.
        true
    }

    fn ready(&self) -> Ready {
        Ready::ALWAYS
    }

    fn status(&self) -> Status {
        self.status
    }

    fn page(&self, _index: u64) -> Result<Option<crate::memory::Frame>> {
        // Mapping zeros is asking for memory; whoever maps knows.
        Err(if self.which == Which::Zero { Errno::ENXIO } else { Errno::ENODEV })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
