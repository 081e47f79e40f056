//! The stand-in as a program, to try a client by hand: `stand-in [ADDRESS]`.
//!
//! It prints where it listens and what a client needs. Each line on stdin prints a fresh code;
//! the end of stdin ends it.
#![allow(
    clippy::print_stdout,
    reason = "printing is what this program is there for"
)]

use std::error::Error;
use std::io;

use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn};

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:0").parse()?;
    let stand_in = StandIn::start_on(address, Account::example())?;
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
