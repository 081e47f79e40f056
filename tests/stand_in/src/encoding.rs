//! PURE. Base32 (RFC 4648), in which seeds are written.
//! <https://www.rfc-editor.org/rfc/rfc4648>

const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(crate) fn base32(bytes: &[u8]) -> String {
    encode(bytes, BASE32, 5, 8)
}

/// A letter for each so many bits, filled up with `=` to whole groups of letters.
fn encode(bytes: &[u8], alphabet: &[u8], bits: usize, group: usize) -> String {
    let bit = |index: usize| {
        let byte = bytes.get(index / 8).copied().unwrap_or_default();
        usize::from(byte >> (7 - index % 8) & 1)
    };
    let starts = (0..bytes.len() * 8).step_by(bits);
    let letters = starts.map(|start| (start..start + bits).fold(0, |sum, at| sum * 2 + bit(at)));
    let mut text: String = letters.map(|letter| char::from(alphabet[letter])).collect();
    while !text.len().is_multiple_of(group) {
        text.push('=');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_vectors_of_rfc_4648() {
        for (text, in_base32) in [
            ("", ""),
            ("f", "MY======"),
            ("fo", "MZXQ===="),
            ("foo", "MZXW6==="),
            ("foob", "MZXW6YQ="),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI======"),
        ] {
            assert_eq!(base32(text.as_bytes()), in_base32);
        }
    }
}
