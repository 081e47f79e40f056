//! PURE. Base32 and Base64 (RFC 4648), in which new devices are handed out, proxies are told
//! passwords, and proofs of possession are written.
//! <https://www.rfc-editor.org/rfc/rfc4648>

pub(crate) const BASE64: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub(crate) const BASE64_URL: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(crate) fn base32(bytes: &[u8]) -> String {
    encode(bytes, BASE32, 5, 8)
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    encode(bytes, BASE64, 6, 4)
}

/// The Base64 of addresses, without the filling at the end.
pub(crate) fn base64_url(bytes: &[u8]) -> String {
    let text = encode(bytes, BASE64_URL, 6, 4);
    text.trim_end_matches('=').to_owned()
}

/// What was encoded; None if there is another character in it.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    decode(text.trim_end_matches('='), BASE64)
}

/// The same for the Base64 of addresses, where filling is another character.
pub(crate) fn from_base64_url(text: &str) -> Option<Vec<u8>> {
    decode(text, BASE64_URL)
}

fn decode(text: &str, alphabet: &[u8]) -> Option<Vec<u8>> {
    let letters = text.bytes();
    let values = letters.map(|letter| alphabet.iter().position(|it| *it == letter));
    let values: Vec<_> = values.collect::<Option<_>>()?;
    let bit = |index: usize| u8::from(values[index / 6] >> (5 - index % 6) & 1 == 1);
    let starts = (0..values.len() * 6 / 8).map(|byte| byte * 8);
    let bytes = starts.map(|start| (start..start + 8).fold(0, |sum, at| sum * 2 + bit(at)));
    Some(bytes.collect())
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
        for (text, in_base64, in_base32) in [
            ("", "", ""),
            ("f", "Zg==", "MY======"),
            ("fo", "Zm8=", "MZXQ===="),
            ("foo", "Zm9v", "MZXW6==="),
            ("foob", "Zm9vYg==", "MZXW6YQ="),
            ("fooba", "Zm9vYmE=", "MZXW6YTB"),
            ("foobar", "Zm9vYmFy", "MZXW6YTBOI======"),
        ] {
            assert_eq!(base64(text.as_bytes()), in_base64);
            assert_eq!(from_base64(in_base64).unwrap(), text.as_bytes());
            assert_eq!(base32(text.as_bytes()), in_base32);
        }
        assert_eq!(from_base64("Zm9-"), None);
        assert_eq!(base64_url(&[0xfb, 0xff, 0xfe, 0x66]), "-__-Zg");
        assert_eq!(from_base64_url("-__-Zg").unwrap(), [0xfb, 0xff, 0xfe, 0x66]);
        assert_eq!(from_base64_url("Zg=="), None);
    }
}
