//! Says back each line that is typed, until the line `exit`.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use exo_user::abi::boot_page::BootPage;
use exo_user::{console, eprintln, events, println};

exo_user::entry!(main);

fn main(_boot: &'static BootPage) -> u32 {
    println!("type lines; exit ends");
    console::flush();
    let mut line = Vec::new();
    loop {
        let mut typed = [0; 64];
        let count = match console::read(&mut typed) {
            Ok(count) => count,
            Err(error) => {
                eprintln!("reading the console: {error}");
                return 1;
            }
        };
        for &byte in &typed[..count] {
            if !matches!(byte, b'\r' | b'\n') {
                line.push(byte);
                continue;
            }
            let text = alloc::string::String::from_utf8_lossy(&line).into_owned();
            println!("you typed: {text}");
            console::flush();
            if text == "exit" {
                return 0;
            }
            line.clear();
        }
        // Nothing is left: there will be an event when more comes.
        if count == 0 {
            events::block(0);
            events::poll();
        }
    }
}
