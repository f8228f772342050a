use super::{CAPACITY, Ring};
use std::vec::Vec;

#[test]
fn bytes_come_out_as_they_went_in_and_none_is_taken_without_room() {
    let mut ring = Ring::EMPTY;
    let mut sent = (0..20_000_u32).map(|number| number.to_le_bytes()[0]);
    let mut read = Vec::new();
    for size in [1, 5000, 3000, 4096, 1, 1000].into_iter().cycle() {
        let came = ring.fill(|| sent.next());
        assert!(ring.length <= CAPACITY);
        let mut to = std::vec![0; size];
        let count = ring.take(&mut to);
        if count == 0 {
            assert!(!came && ring.length == 0, "there is nothing only when nothing has come");
            break;
        }
        read.extend_from_slice(&to[..count]);
    }
    assert!(read.into_iter().eq((0..20_000_u32).map(|number| number.to_le_bytes()[0])));
}

#[test]
fn a_full_ring_leaves_the_rest_where_it_is() {
    let mut ring = Ring::EMPTY;
    let mut asked = 0;
    assert!(ring.fill(|| {
        asked += 1;
        Some(7)
    }));
    assert_eq!(asked, CAPACITY);
    assert!(!ring.fill(|| panic!("there is no room")));
}
