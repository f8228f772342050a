//! Says back each line that is typed, until the line `exit`, and the size of the terminal whenever it is told.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;
use exo_user::abi::boot_page::BootPage;
use exo_user::console::{self, Read};
use exo_user::{eprintln, events, println};

exo_user::entry!(main);

fn main(boot: &'static BootPage) -> u32 {
    println!("type lines; {}", if boot.arguments().is_empty() { "exit ends" } else { boot.arguments() });
    let (mut line, mut typed) = (Vec::new(), [0; 64]);
    loop {
        let count = match console::read_input(&mut typed) {
            Ok(Read::Data(count)) => count,
            Ok(Read::Nothing) => {
                // There will be an event when more comes.
                events::block(0);
                events::poll();
                continue;
            }
            Ok(Read::Window { columns, rows }) => {
                println!("window {columns} {rows}");
                continue;
            }
            Ok(Read::End) => return 0,
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
            let text = String::from_utf8_lossy(&line).into_owned();
            println!("you typed: {text}");
            if text == "exit" {
                return 0;
            }
            line.clear();
        }
    }
}
