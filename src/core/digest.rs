//! Computes digests by which a text is recognized.

use std::fmt::Write as _;

use ring::digest;

/// The SHA-256 digest of a text, in hexadecimal.
pub fn sha256(text: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, text);
    let mut hexadecimal = String::with_capacity(2 * digest.as_ref().len());
    for byte in digest.as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(hexadecimal, "{byte:02x}");
    }
    hexadecimal
}
