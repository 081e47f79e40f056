//! Sections of the credentials file: the ones that tests begin with, and what is in one in the end.

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY};

/// Long after these tests.
pub const FAR: &str = "2099-01-01 00:00:00";

/// The long-term section of the stand-in's user.
pub fn long_term(profile: &str) -> String {
    format!(
        "[{profile}-long-term]\n\
         aws_access_key_id = {ALICE_ACCESS_KEY_ID}\n\
         aws_secret_access_key = {ALICE_SECRET_ACCESS_KEY}\n\
         aws_mfa_device = {ALICE_DEVICE}\n"
    )
}

/// A section with whole credentials that end then.
pub fn short_term(section: &str, expiration: &str) -> String {
    format!(
        "[{section}]\n\
         assumed_role = False\n\
         aws_access_key_id = ASIAFAKEFAKEFAKEFAKE\n\
         aws_secret_access_key = FakeSecret\n\
         aws_session_token = FakeToken\n\
         aws_security_token = FakeToken\n\
         expiration = {expiration}\n"
    )
}

/// The value of a key in a section, read without the product's help.
pub fn value(text: &str, section: &str, key: &str) -> Option<String> {
    let header = format!("[{section}]");
    text.lines()
        .skip_while(|line| *line != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix(&format!("{key} = ")))
        .map(str::to_owned)
}

/// The long-term section of alice, without a device.
pub fn keys_only() -> String {
    let section = long_term("work");
    let (keys, _device) = section.split_once("aws_mfa_device").unwrap();
    keys.to_owned()
}
