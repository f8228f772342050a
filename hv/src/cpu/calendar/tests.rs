use super::{Registers, days, seconds};

fn read(values: [u8; 6], status_b: u8) -> Option<u64> {
    seconds(&Registers { values, status_b })
}

#[test]
fn every_day_follows_the_one_before() {
    let mut next = 0;
    for year in 1970..2070 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (month, length) in (1..).zip([31, 28 + u64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
            for day in 1..=length {
                assert_eq!(days(year, month, day), next, "{year}-{month}-{day}");
                next += 1;
            }
        }
    }
}

#[test]
fn all_four_ways_of_writing_the_time_are_read() {
    // 2001-09-09 01:46:40, and twelve hours later.
    assert_eq!(read([0x40, 0x46, 0x01, 0x09, 0x09, 0x01], 2), Some(1_000_000_000));
    assert_eq!(read([40, 46, 1, 9, 9, 1], 6), Some(1_000_000_000));
    assert_eq!(read([0x40, 0x46, 0x81, 0x09, 0x09, 0x01], 0), Some(1_000_043_200));
    assert_eq!(read([40, 46, 0x81, 9, 9, 1], 4), Some(1_000_043_200));
    // Midnight and noon are 12.
    assert_eq!(read([0, 0, 0x12, 1, 1, 0x70], 0), Some(0));
    assert_eq!(read([0, 0, 0x92, 1, 1, 0x70], 0), Some(43_200));
}

#[test]
fn what_is_no_date_is_none() {
    let good = [0x40, 0x46, 0x01, 0x09, 0x09, 0x01];
    for (place, value) in [(0, 0x60), (0, 0x0a), (1, 0x99), (2, 0x24), (3, 0), (3, 0x32), (4, 0), (4, 0x13), (5, 0xff)]
    {
        let mut values = good;
        values[place] = value;
        assert_eq!(read(values, 2), None, "{place} {value:#x}");
    }
    assert_eq!(read([0xff; 6], 0xff), None, "there is no clock");
    assert_eq!(read([0, 0, 0, 1, 1, 0x70], 0), None, "no hour is 0 of 12");
}
