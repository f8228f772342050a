//! How often a timer has expired by a time.

use super::Interval;
use proptest::prelude::*;

proptest! {
    #[test]
    fn expiries_are_counted_once_each_whenever_somebody_looks(first in 0..500_u64, period in 0..100_u64, looks in proptest::collection::vec(0..200_u64, 1..20)) {
        let mut interval = Interval { next: Some(first), period };
        let (mut now, mut counted) = (0, 0);
        for look in looks {
            now += look;
            let (after, times) = interval.forward(now);
            (interval, counted) = (after, counted + times);
            let expected = if now < first { 0 } else if period == 0 { 1 } else { (now - first) / period + 1 };
            prop_assert_eq!(counted, expected);
            prop_assert!(interval.next.is_none_or(|next| next > now && (period == 0 || next <= now.max(first) + period)));
            prop_assert_eq!(interval.next.is_none(), period == 0 && now >= first);
            prop_assert_eq!(interval.left(now), interval.next.map_or(0, |next| next - now));
        }
    }
}

#[test]
fn times_that_do_not_fit_are_never_reached() {
    let far = Interval { next: Some(5), period: u64::MAX };
    assert_eq!(far.forward(u64::MAX - 1), (Interval { next: Some(u64::MAX), period: u64::MAX }, 1));
    assert_eq!(Interval::default().forward(u64::MAX), (Interval::default(), 0));
}
