// SPDX-License-Identifier: GPL-2.0-only

//! Text for user space that is put together in memory: lines of columns that single spaces separate.

use core::fmt::Write;
use kernel::{
    fmt,
    prelude::*, //
};

/// A growing text.
pub(crate) struct Text(KVVec<u8>);

impl Text {
    /// No text.
    pub(crate) fn new() -> Self {
        Self(KVVec::new())
    }

    /// Appends what is formatted. ENOMEM.
    pub(crate) fn put(&mut self, args: fmt::Arguments<'_>) -> Result {
        self.write_fmt(args).map_err(|_| ENOMEM)
    }

    /// Appends `bytes` as they are. ENOMEM.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result {
        Ok(self.0.extend_from_slice(bytes, GFP_KERNEL)?)
    }

    /// Appends `bytes` as one column: spaces, control bytes and backslashes as `\` and three octal
    /// digits. ENOMEM.
    pub(crate) fn column(&mut self, bytes: &[u8]) -> Result {
        for byte in bytes {
            match byte {
                0..=b' ' | b'\\' | 0x7f => self.put(fmt!("\\{byte:03o}"))?,
                _ => self.0.push(*byte, GFP_KERNEL)?,
            }
        }
        Ok(())
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes.
    pub(crate) fn into_bytes(self) -> KVVec<u8> {
        self.0
    }
}

impl Write for Text {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.bytes(s.as_bytes()).map_err(|_| fmt::Error)
    }
}
