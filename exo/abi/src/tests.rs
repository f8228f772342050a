use crate::boot_page::BootPage;
use crate::call::Call;
use crate::capability::{Name, rights};
use crate::console::input::{Input, InputDecoder};
use crate::console::{Decoder, Piece, Stream, header};
use crate::counters::{CountersPage, EXIT_REASONS, caused};
use crate::error::Error;
use std::string::ToString;
use std::vec::Vec;
use zerocopy::FromZeros;

#[test]
fn shared_pages_fit_a_frame() {
    assert!(size_of::<BootPage>() <= 4096);
    assert!(size_of::<CountersPage>() <= 4096);
}

#[test]
fn numbers_and_names_are_a_bijection() {
    for (index, &call) in Call::ALL.iter().enumerate() {
        assert_eq!(call as u16, u16::try_from(index).expect("few calls"));
        assert_eq!(Call::from_number(call as u16), Some(call));
    }
    assert_eq!(Call::from_number(u16::try_from(Call::ALL.len()).expect("few calls")), None);
    for &error in Error::ALL {
        assert_eq!(Error::from_number(error.number()), Some(error));
    }
    assert_eq!(Error::from_number(0), None, "zero is success");
}

#[test]
fn hostile_lengths_in_a_boot_page_are_clamped() {
    let mut page = BootPage::new_zeroed();
    page.run_count = u32::MAX;
    page.arguments_length = u32::MAX;
    assert_eq!(page.runs().len(), 64);
    assert_eq!(page.arguments().len(), 2048);
}

#[test]
fn records_and_log_are_told_apart() {
    let mut wire = b"log ".to_vec();
    wire.extend(header(3, Stream::Output, 2));
    wire.extend([0x1e, b'x']);
    wire.extend(b"more");
    let mut decoder = Decoder::default();
    let (mut log, mut console) = (Vec::new(), Vec::new());
    for piece in wire.iter().filter_map(|&byte| decoder.push(byte)) {
        match piece {
            Piece::Log(byte) => log.push(byte),
            Piece::Console { channel, stream, byte } => console.push((channel, stream, byte)),
        }
    }
    assert_eq!(log, b"log more");
    assert_eq!(console, [(3, Stream::Output, 0x1e), (3, Stream::Output, b'x')]);
}

#[test]
fn input_is_read_as_it_is_sent() {
    let mut sent: Vec<Input> = (0..=255).map(Input::Byte).collect();
    // A size may hold every byte, that of the escape and those after it included.
    sent.extend([(0x1e1e, 0x451e), (80, 24), (0, u16::MAX)].map(|(columns, rows)| Input::Window { columns, rows }));
    sent.extend([Input::Byte(0x1e), Input::Byte(b'E'), Input::End, Input::Byte(b'W')]);
    let wire: Vec<u8> = sent
        .iter()
        .flat_map(|input| {
            let (bytes, length) = input.encoded();
            bytes.into_iter().take(length)
        })
        .collect();
    let mut decoder = InputDecoder::new();
    let read: Vec<Input> = wire.iter().filter_map(|&byte| decoder.push(byte)).collect();
    assert_eq!(read, sent);
    let unknown: Vec<Input> = b"a\x1e?b".iter().filter_map(|&byte| decoder.push(byte)).collect();
    assert_eq!(unknown, [Input::Byte(b'a'), Input::Byte(b'b')]);
}

#[test]
fn what_the_machine_causes_is_not_the_guests() {
    let mut exits = [0; EXIT_REASONS];
    (exits[1], exits[10], exits[18], exits[52]) = (5, 1, 2, 7);
    assert_eq!(caused(&exits), 3);
}

#[test]
fn names_are_read_as_they_are_written() {
    let longest = Name::new(&[0xfe; 15]).unwrap();
    for name in [Name::ROOT, Name::new(&[2]).unwrap(), Name::new(&[2, 0, 0xa]).unwrap(), longest] {
        assert_eq!(Name::parse(&name.to_string()), Some(name));
    }
    let too_long = std::format!("{longest}.01");
    for text in ["", "2", "002", "+2", "02.", ".02", "02..03", "02 03", "0g", "Root", &too_long] {
        assert_eq!(Name::parse(text), None, "{text:?}");
    }
}

#[test]
fn every_right_has_a_spelling_of_its_own() {
    let all = rights::SPELLINGS.iter().fold(0, |all, &(bit, ..)| all | bit);
    assert_eq!(all, rights::ALL);
    for (index, one) in rights::SPELLINGS.iter().enumerate() {
        for other in &rights::SPELLINGS[..index] {
            assert!(one.0 != other.0 && one.1 != other.1 && one.2 != other.2, "{one:?} {other:?}");
        }
    }
}
