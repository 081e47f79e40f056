//! The stand-in as a program, to try a client by hand:
//! `stand-in [ADDRESS [ROLE…]] [--tls NAME[,NAME…] --ca FILE] [--users NUMBER] [--sessions-last SECONDS]
//! [--roles-last SECONDS] [--logins-last SECONDS] [--login-credentials-last SECONDS]`.
//!
//! Each role, named by its ARN, may be assumed with MFA, for up to four hours.
//!
//! With `--tls` it speaks TLS, as a server with these names and the address. The certificate of the
//! authority that vouches for it is written to the file.
//!
//! `--users` adds so many users to alice, for whoever needs more codes than one device has: `user-1`
//! with the device `user-1`, the key `AKIAFAKEUSER00000001` and the secret
//! `FakeSecretOfUser00000001/NotReal+FakeFak`, and so on.
//!
//! With `--sessions-last` and `--roles-last`, what it issues ends sooner than was asked for, and with
//! the other two, sessions of `aws login` and their credentials do.
//!
//! It prints where it listens and what a client needs; `AWS_ENDPOINT_URL_SIGNIN` is the same address.
//! An empty line on stdin prints a fresh code of alice's device. `login USER` signs somebody in as `aws
//! login` does, with MFA if the line ends with `mfa`, and so does `login ROLE SESSION` with the ARN of a
//! role. It prints the session, the name of its cache file, and that file, as one line of JSON. Any
//! other line is the serial number of a device, or the name of a virtual one, and prints a fresh code
//! of that. The end of stdin ends it.
#![allow(
    clippy::print_stdout,
    reason = "printing is what this program is there for"
)]

use std::error::Error;
use std::net::SocketAddr;
use std::{fs, io};

use serde_json::{Value, json};
use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, Authority, Device, Login,
    Role, StandIn, User,
};

/// What the serial numbers of virtual devices begin with.
const DEVICES: &str = "arn:aws:iam::123456789012:mfa/";

/// What the command line says.
#[derive(Default)]
struct Arguments {
    positional: Vec<String>,
    names: Option<String>,
    file: Option<String>,
    users: u32,
    sessions_last: Option<u32>,
    roles_last: Option<u32>,
    logins_last: Option<u32>,
    login_credentials_last: Option<u32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = read_arguments()?;
    let mut positional = arguments.positional.iter();
    let address = positional.next().map_or("127.0.0.1:0", String::as_str);
    let address: SocketAddr = address.parse()?;
    let account = (1..=arguments.users).fold(Account::example(), |account, number| {
        account.user(numbered_user(number))
    });
    let account = positional.fold(account, |account, arn| {
        let role = Role::new(arn).requires_mfa().max_session_duration(14_400);
        account.role(role.trusts("123456789012"))
    });
    let stand_in = match (&arguments.names, &arguments.file) {
        (None, None) => StandIn::start_on(address, account)?,
        (Some(names), Some(file)) => {
            let authority = Authority::new("stand-in");
            let ip = address.ip().to_string();
            let names: Vec<_> = names.split(',').chain([ip.as_str()]).collect();
            fs::write(file, authority.pem())?;
            StandIn::start_tls_on(address, account, &authority.identity(&names))?
        }
        _ => return Err("--tls and --ca go together".into()),
    };
    if let Some(seconds) = arguments.sessions_last {
        stand_in.granted_at_most(seconds);
    }
    if let Some(seconds) = arguments.roles_last {
        stand_in.roles_granted_at_most(seconds);
    }
    if let Some(seconds) = arguments.logins_last {
        stand_in.logins_last(seconds);
    }
    if let Some(seconds) = arguments.login_credentials_last {
        stand_in.login_credentials_last(seconds);
    }
    println!("AWS_ENDPOINT_URL_STS={}", stand_in.url());
    println!("AWS_ENDPOINT_URL_IAM={}", stand_in.url());
    println!("AWS_ACCESS_KEY_ID={ALICE_ACCESS_KEY_ID}");
    println!("AWS_SECRET_ACCESS_KEY={ALICE_SECRET_ACCESS_KEY}");
    println!("AWS_MFA_SERIAL={ALICE_DEVICE}");
    if let Some(file) = &arguments.file {
        println!("AWS_CA_BUNDLE={file}");
    }
    for line in io::stdin().lines() {
        println!("{}", answer(&stand_in, &line?)?);
    }
    Ok(())
}

/// What a line on stdin is answered.
fn answer(stand_in: &StandIn, line: &str) -> Result<String, Box<dyn Error>> {
    let words: Vec<_> = line.split_whitespace().collect();
    let login = match words[..] {
        ["login", user] => Login::of_user(user),
        ["login", user, "mfa"] => Login::of_user(user).with_mfa(),
        ["login", role, session] => Login::of_role(role, session),
        _ => {
            let serial = find_device(stand_in, line.trim());
            let code = serial.map(|serial| stand_in.fresh_code(&serial));
            return Ok(code.unwrap_or_else(|| "no such device".to_owned()));
        }
    };
    let signed_in = stand_in.sign_in(&login);
    let cache: Value = serde_json::from_str(&signed_in.cache)?;
    let (session, file) = (&signed_in.session, signed_in.file_name());
    Ok(json!({"session": session, "file": file, "cache": cache}).to_string())
}

fn read_arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut read = Arguments::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--tls" => read.names = Some(arguments.next().ok_or("--tls needs names")?),
            "--ca" => read.file = Some(arguments.next().ok_or("--ca needs a file")?),
            "--users" => read.users = number(arguments.next(), "a number")?,
            "--sessions-last" => read.sessions_last = Some(number(arguments.next(), "seconds")?),
            "--roles-last" => read.roles_last = Some(number(arguments.next(), "seconds")?),
            "--logins-last" => read.logins_last = Some(number(arguments.next(), "seconds")?),
            "--login-credentials-last" => {
                read.login_credentials_last = Some(number(arguments.next(), "seconds")?);
            }
            option if option.starts_with('-') => return Err(format!("unknown {option}").into()),
            _ => read.positional.push(argument),
        }
    }
    Ok(read)
}

fn number(argument: Option<String>, what: &str) -> Result<u32, Box<dyn Error>> {
    Ok(argument
        .ok_or_else(|| format!("{what} is missing"))?
        .parse()?)
}

fn numbered_user(number: u32) -> User {
    let key = format!("AKIAFAKEUSER{number:08}");
    let secret = format!("FakeSecretOfUser{number:08}/NotReal+FakeFak");
    let name = format!("user-{number}");
    let device = Device::new(&format!("{DEVICES}{name}"));
    User::new(&name).access_key(&key, &secret).device(device)
}

/// The serial number of the device that a line means, if it shows codes.
fn find_device(stand_in: &StandIn, line: &str) -> Option<String> {
    let line = if line.is_empty() { ALICE_DEVICE } else { line };
    let named = format!("{DEVICES}{line}");
    let mut serials = [line.to_owned(), named].into_iter();
    serials.find(|serial| stand_in.seed(serial).is_some())
}
