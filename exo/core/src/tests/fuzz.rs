//! What the fuzz targets do, with pseudo-random bytes.

use super::choices::Choices;
use super::{run_bytes, run_raw_calls};
use std::vec::Vec;

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut choices = Choices::Seed(seed);
    (0..length).map(|_| choices.word().to_le_bytes()[0]).collect()
}

#[test]
fn sequences_from_bytes() {
    run_bytes(&[]);
    for seed in 0..40 {
        run_bytes(&noise(seed, 4000));
    }
}

#[test]
fn raw_registers() {
    for seed in 0..20 {
        let mut bytes = noise(seed, 56 * 200);
        // Mostly a call that exists and arguments that are small: all else is refused at the first look.
        for registers in bytes.chunks_exact_mut(56) {
            let small = registers[7] % 8;
            registers[1..8].fill(0);
            registers[0] %= 46;
            registers
                .chunks_exact_mut(8)
                .skip(1)
                .filter(|word| word[7] % 8 != small)
                .for_each(|word| word[1..].fill(0));
        }
        run_raw_calls(&bytes);
        run_raw_calls(&noise(seed, 56 * 20));
    }
}
