//! PURE. One-time codes after RFC 6238, as the AWS virtual MFA devices make them: HMAC-SHA1,
//! 30 seconds, six digits. <https://www.rfc-editor.org/rfc/rfc6238>

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// The length of a time step, in seconds.
pub(crate) const STEP: i64 = 30;

/// The time step that a moment lies in.
pub(crate) fn step_at(now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(STEP)
}

/// The six-digit code of a time step.
pub(crate) fn code(seed: &[u8], step: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(seed).expect("HMAC takes a key of any length");
    mac.update(&step.to_be_bytes());
    let digest: [u8; 20] = mac.finalize().into_bytes().into();
    let offset = usize::from(digest[19] & 0x0f);
    let number = u32::from_be_bytes([
        digest[offset] & 0x7f,
        digest[offset + 1],
        digest[offset + 2],
        digest[offset + 3],
    ]);
    format!("{:06}", number % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appendix B of the RFC, SHA1. It prints eight digits; six are the last six of those.
    #[test]
    fn agrees_with_the_vectors_of_rfc_6238() {
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = step_at(DateTime::from_timestamp(seconds, 0).unwrap());
            assert_eq!(
                code(b"12345678901234567890", step),
                expected,
                "at {seconds}"
            );
        }
    }

    #[test]
    fn a_step_begins_every_thirty_seconds() {
        let step = |seconds| step_at(DateTime::from_timestamp(seconds, 0).unwrap());
        assert_eq!((step(29), step(30), step(59), step(60)), (0, 1, 1, 2));
    }
}
