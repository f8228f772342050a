use super::{Read, Reader};
use exo_abi::console::input::InputDecoder;
use exo_abi::error::Error;
use std::vec::Vec;

#[test]
fn bytes_and_what_is_not_bytes_come_in_order() {
    let mut sent = b"ab\x1eW\x50\0\x18\0c\x1e\x1ed\x1eE".iter();
    let mut reader = Reader { decoder: InputDecoder::new(), next: None };
    let mut read = |most: usize| {
        let mut into = [0; 8];
        let read = reader.read(&mut into[..most], || Ok(sent.next().copied())).unwrap();
        let count = if let Read::Data(count) = read { count } else { 0 };
        (read, into[..count].to_vec())
    };
    assert_eq!(read(1), (Read::Data(1), b"a".to_vec()));
    assert_eq!(read(8), (Read::Data(1), b"b".to_vec()));
    assert_eq!(read(8), (Read::Window { columns: 80, rows: 24 }, Vec::new()));
    assert_eq!(read(2), (Read::Data(2), b"c\x1e".to_vec()));
    assert_eq!(read(8), (Read::Data(1), b"d".to_vec()));
    assert_eq!(read(8), (Read::End, Vec::new()));
    assert_eq!(read(8), (Read::Nothing, Vec::new()));
}

#[test]
fn a_failure_after_bytes_comes_with_the_next_read() {
    let mut reader = Reader { decoder: InputDecoder::new(), next: None };
    let mut calls = 0;
    let mut byte = || {
        calls += 1;
        if calls == 1 { Ok(Some(b'a')) } else { Err(Error::BadArgument.into()) }
    };
    let mut into = [0; 8];
    assert_eq!(reader.read(&mut into, &mut byte), Ok(Read::Data(1)));
    assert_eq!(reader.read(&mut into, &mut byte), Err(Error::BadArgument.into()));
}
