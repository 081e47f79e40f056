//! How long AWS is waited for, and what is sent again.

use std::time::Duration;
#[cfg(unix)]
use std::time::Instant;
#[cfg(unix)]
use std::{fs, thread};

use stand_in::{ALICE_DEVICE, Account, Fault, StandIn};

use crate::support::corporate_network::RENEWING;
#[cfg(unix)]
use crate::support::corporate_network::nobody;
use crate::support::home::Home;
use crate::support::roles::{account, admin};
use crate::support::systems::here;

#[test]
fn an_answer_that_takes_too_long() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    for (arguments, environment, seconds, origin) in [
        (&["--timeout", "1"][..], None, 1, "--timeout"),
        (&[], Some("2s"), 2, "MFA_CREDS_TIMEOUT"),
    ] {
        sts.fault(Fault::Hang(Duration::from_mins(1)));
        let code = sts.fresh_code(ALICE_DEVICE);
        let arguments = [&["-p", "work", "--token", &code], arguments].concat();
        let run = home.run_with(&sts, &arguments);
        let run = match environment {
            Some(value) => run.env("MFA_CREDS_TIMEOUT", value),
            None => run,
        };
        run.ends(
            1,
            &format!(
                "{RENEWING}error: AWS STS at {} did not respond within {seconds} s ({origin})\n\
                 hint: run the command again with the next code; this one may be used up\n",
                sts.address()
            ),
        );
    }
}

#[test]
fn each_call_that_takes_long_says_what_is_waited_for() {
    let (slow, line) = (Fault::Hang(Duration::from_secs(3)), "waiting for AWS STS\n");
    // On Windows, the outcome is without it, as it may be there by chance.
    let waiting = here(line, "");
    let sts = StandIn::start(account());
    let home = Home::of_alice();
    home.write("config", &admin("work"));
    // The session, with the code.
    sts.fault(slow.clone());
    let code = sts.fresh_code(ALICE_DEVICE);
    let session = home
        .run_with(&sts, &["-p", "work", "--token", &code])
        .ends(0, &format!("{RENEWING}{waiting}[work] is valid until …\n"));
    assert!(session.printed.contains(line), "{session:?}");
    // A role, from the session.
    sts.fault(slow.clone());
    let role = home.run_with(&sts, &["-p", "admin"]).ends(
        0,
        &format!(
            "renewing [admin-mfa]: there are no credentials yet\n{waiting}[admin-mfa] is valid until …\n\
             use it with --profile admin-mfa\n\
             --profile admin also works: AWS tools assume its role from [work], which `mfa-creds --profile work` renews\n"
        ),
    );
    assert!(role.printed.contains(line), "{role:?}");
    sts.fault(slow);
    home.run_with(&sts, &["-q", "-p", "admin", "--force"])
        .ends(0, "");
}

// On Windows, nobody else gets a port that is held.
#[cfg(unix)]
#[test]
fn what_has_met_nobody_is_sent_again() {
    // Nobody listens at first. The port is taken again only when the first try has failed.
    let nobody = nobody();
    let address = nobody.address;
    let home = Home::of_alice();
    let trace = home.trace().to_owned();
    let code_of = StandIn::start(Account::example());
    let code = code_of.fresh_code(ALICE_DEVICE);
    let server = thread::spawn(move || {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            let text = fs::read_to_string(&trace).unwrap();
            if text.contains("trying again") {
                return StandIn::start_on(address, Account::example()).ok();
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    });
    let outcome = home
        .run(&["-p", "work", "--token", &code])
        .env("AWS_ENDPOINT_URL_STS", &format!("http://{address}"))
        .outcome();
    let sts = server.join().unwrap().expect("nobody has tried");
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(sts.calls(), 1);
}
