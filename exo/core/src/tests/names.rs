//! Names and dominance.

use exo_abi::capability::Name;
use std::vec::Vec;

#[test]
fn a_name_dominates_exactly_what_begins_with_it() {
    let mut names: Vec<Vec<u8>> = std::vec![Vec::new()];
    for length in 0..=15 {
        for bytes in [[0; 15], [255; 15], *b"abcdefghijklmno", *b"abcdefgxijklmno"] {
            names.push(bytes[..length].to_vec());
        }
    }
    for above in &names {
        for below in &names {
            let [one, other] = [above, below].map(|bytes| Name::new(bytes).unwrap());
            assert_eq!(one.dominates(&other), below.starts_with(above), "{one} over {other}");
            assert_eq!(one == other, above == below);
        }
    }
}

#[test]
fn a_name_ends_at_fifteen_bytes() {
    assert_eq!(Name::new(&[7; 16]), None);
    let full = Name::new(&[7; 15]).unwrap();
    assert_eq!((full.as_bytes().len(), full.extended(&[1]), full.extended(&[])), (15, None, Some(full)));
    // A zero byte is a byte: names of different lengths are different.
    assert_ne!(Name::new(&[0]), Name::new(&[]));
}
