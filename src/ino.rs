// SPDX-License-Identifier: GPL-2.0-only

//! Inode numbers: a pure function of branch, the branch's device, and the branch's number.
//!
//! `st_ino` and `d_ino` pass through the same function, so they agree wherever the branch's do.

/// Bits that a number may have to be folded with its branch; branches have 6.
const BITS: u32 = 57;

/// The number that user space sees for `ino` of the branch `branch`.
///
/// `foreign` is the device the object is on when that is not the branch's root's (a subvolume).
/// Numbers of the first branch stay as they are; others get the branch's number above them where
/// they leave room, and else are hashed to 64 bits.
pub(crate) fn map(branch: u8, foreign: Option<u32>, ino: u64) -> u64 {
    match foreign {
        None if branch == 0 => ino,
        None if ino >> BITS == 0 => ino | (u64::from(branch) << BITS),
        _ => {
            let place = (u64::from(branch) << 32) | u64::from(foreign.unwrap_or(0));
            mix(mix(place).wrapping_add(ino))
        }
    }
}

/// Spreads the bits of `x` over all 64 (the finalizer of splitmix64).
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
