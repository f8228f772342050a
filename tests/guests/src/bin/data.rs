//! Reads the file that the manifest gives it, in two halves, and gives its frames back half by half.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]
#![allow(unsafe_code, reason = "looks at what lies behind the last byte")]

use exo_user::abi::boot_page::BootPage;
use exo_user::abi::layout::FRAME_SIZE;
use exo_user::{frames, println, take_data};

exo_user::entry!(main);

/// FNV-1a: depends on every byte and on the order.
fn checksum(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn main(boot: &'static BootPage) -> u32 {
    let owned: u64 = boot.runs().iter().map(|run| run.count).sum();
    println!("{owned} frames are mine");
    let Some(mut data) = take_data() else {
        println!("no data");
        return u32::from(boot.data_length != 0 || boot.data_physical != 0);
    };
    let (length, half) = (data.len(), data.len() / 2);
    let first = checksum(0xcbf2_9ce4_8422_2325, &data[..half]);
    let before = frames::available();
    data.advance(half);
    let after_half = frames::available() - before;
    let all = checksum(first, &data);
    // What follows the last byte in its frame is nobody's: zeros.
    let clean = (length as u64).next_multiple_of(FRAME_SIZE) - length as u64;
    let end = frames::window(boot.data_physical + length as u64);
    // SAFETY: the bytes are in the frame of the last byte, which is the environment's and mapped in the window.
    let rest = (0..clean).all(|index| unsafe { end.add(usize::try_from(index).unwrap_or(0)).read() } == 0);
    drop(data);
    println!("{length} bytes, checksum {all:#018x}, then zeros: {rest}");
    println!("{after_half} frames came back after a half, {} in all", frames::available() - before);
    println!("a second time: {}", if take_data().is_some() { "data" } else { "none" });
    0
}
