//! The stand-in as a program, to try a client by hand: `stand-in [ADDRESS [ROLE…]]`.
//!
//! Each role, named by its ARN, may be assumed with MFA, for up to four hours.
//!
//! It prints where it listens and what a client needs. Each line on stdin prints a fresh code;
//! the end of stdin ends it.
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
    println!("AWS_ACCESS_KEY_ID={ALICE_ACCESS_KEY_ID}");
    println!("AWS_SECRET_ACCESS_KEY={ALICE_SECRET_ACCESS_KEY}");
    println!("AWS_MFA_SERIAL={ALICE_DEVICE}");
    for line in io::stdin().lines() {
        line?;
        println!("{}", stand_in.fresh_code(ALICE_DEVICE));
    }
    Ok(())
}
