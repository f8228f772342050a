//! Plays the Unix library OS for `run --exec`: the command `copy STATUS` copies its input to its output, tells on its errors what came, and
//! exits with STATUS.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]

use exo_user::abi::boot_page::BootPage;
use exo_user::abi::console::Stream;
use exo_user::console::{self, Read};
use exo_user::{eprintln, events, take_data};

exo_user::entry!(main);

fn main(boot: &'static BootPage) -> u32 {
    let mut words = boot.arguments().split(' ');
    let (Some("exec"), Some("copy"), Some(status)) = (words.next(), words.next(), words.next()) else {
        eprintln!("not a command: {:?}", boot.arguments());
        return 2;
    };
    let (mut buffer, mut total) = ([0; 512], 0);
    loop {
        match console::read_input(&mut buffer) {
            Ok(Read::Nothing) => {
                events::block(0);
                events::poll();
            }
            Ok(Read::Data(count)) => {
                console::write(Stream::Output, &buffer[..count]);
                total += count;
            }
            Ok(Read::Window { .. }) => {}
            Ok(Read::End) => break,
            Err(error) => {
                eprintln!("reading the console: {error}");
                return 2;
            }
        }
    }
    // An archive's first bytes, if there is one.
    let data = take_data().map_or(0, |data| data.len());
    eprintln!("{total} bytes, data: {}", data != 0);
    status.parse().unwrap_or(2)
}
