//! The stand-in as a program, to try a client by hand: `stand-in [ADDRESS [ROLE…]]`.
//!
//! Each role, named by its ARN, may be assumed with MFA, for up to four hours.
//!
//! It prints where it listens and what a client needs. An empty line on stdin prints a fresh code
//! of alice's device; any other is the serial number of a device, or the name of a virtual one, and
//! prints a fresh code of that. The end of stdin ends it.
#![allow(
    clippy::print_stdout,
    reason = "printing is what this program is there for"
)]

use std::error::Error;
use std::io;

use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Role, StandIn,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next();
    let address = address.as_deref().unwrap_or("127.0.0.1:0").parse()?;
    let account = arguments.fold(Account::example(), |account, arn| {
        let role = Role::new(&arn).requires_mfa().max_session_duration(14_400);
        account.role(role.trusts("123456789012"))
    });
    let stand_in = StandIn::start_on(address, account)?;
    println!("AWS_ENDPOINT_URL_STS={}", stand_in.url());
    println!("AWS_ENDPOINT_URL_IAM={}", stand_in.url());
    println!("AWS_ACCESS_KEY_ID={ALICE_ACCESS_KEY_ID}");
    println!("AWS_SECRET_ACCESS_KEY={ALICE_SECRET_ACCESS_KEY}");
    println!("AWS_MFA_SERIAL={ALICE_DEVICE}");
    for line in io::stdin().lines() {
        match find_device(&stand_in, line?.trim()) {
            Some(serial) => println!("{}", stand_in.fresh_code(&serial)),
            None => println!("no such device"),
        }
    }
    Ok(())
}

/// The serial number of the device that a line means, if it shows codes.
fn find_device(stand_in: &StandIn, line: &str) -> Option<String> {
    let line = if line.is_empty() { ALICE_DEVICE } else { line };
    let named = format!("arn:aws:iam::123456789012:mfa/{line}");
    let mut serials = [line.to_owned(), named].into_iter();
    serials.find(|serial| stand_in.seed(serial).is_some())
}
