//! A clock that is off: corrected by AWS's own, in one more request with the same code.

use chrono::TimeDelta;
use stand_in::{ALICE_DEVICE, Account, Fault, Proxy, Role, Route, StandIn};

use crate::support::corporate_network::{CorporateNetwork, HOST, RENEWING};
use crate::support::home::Home;
use crate::support::sections::{long_term, short_term};

#[test]
fn a_clock_that_is_off_is_corrected_with_the_same_code() {
    for (offset, told) in [
        (TimeDelta::minutes(90), "1 h 30 min behind"),
        (TimeDelta::minutes(-20), "20 min ahead of"),
    ] {
        let sts = StandIn::start(Account::example());
        sts.set_clock_offset(offset);
        let home = Home::of_alice();
        let code = sts.fresh_code(ALICE_DEVICE);
        let outcome = home
            .run_with(&sts, &["-p", "work", "--token", &code])
            .succeeds();
        let warning = format!(
            "warning: this machine's clock is {told} AWS's: set it, for example with `sudo timedatectl set-ntp true`, or `sudo hwclock -s` on WSL\n"
        );
        let told = outcome.stderr.strip_prefix(RENEWING).unwrap();
        assert_eq!(told, format!("{warning}[work] is valid until …\n"));
        let requests = sts.requests();
        let statuses: Vec<_> = requests.iter().map(|request| request.status).collect();
        assert_eq!(statuses, [Some(403), Some(200)]);
        // The refusal came before the code was looked at: the same one was taken then.
        assert_eq!(
            requests[0].error_code.as_deref(),
            Some("SignatureDoesNotMatch")
        );
        assert_eq!(
            requests[0].parameter("TokenCode"),
            requests[1].parameter("TokenCode")
        );
    }
}

#[test]
fn freshness_is_by_the_corrected_clock() {
    let sts = StandIn::start(
        Account::example().role(Role::new("arn:aws:iam::123456789012:role/admin").requires_mfa()),
    );
    sts.set_clock_offset(TimeDelta::hours(-2));
    let home = Home::of_alice();
    home.write(
        "config",
        "[profile admin]\nrole_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = work\n",
    );
    // By this machine's clock, everything that AWS grants for an hour has ended before it began.
    let code = sts.fresh_code(ALICE_DEVICE);
    let arguments = [
        "-p",
        "work",
        "-p",
        "admin",
        "--duration",
        "1h",
        "--token",
        &code,
    ];
    let outcome = home.run_with(&sts, &arguments).outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(
        outcome
            .stderr
            .matches("this machine's clock is 2 h ahead")
            .count(),
        1,
        "{outcome:?}"
    );
    assert!(
        outcome.stderr.contains("[admin-mfa] is valid until"),
        "{outcome:?}"
    );
    // One refusal for the clock, and none after it.
    let statuses: Vec<_> = sts
        .requests()
        .iter()
        .map(|request| request.status)
        .collect();
    assert_eq!(statuses, [Some(403), Some(200), Some(200)]);
}

#[test]
fn the_clock_is_not_taken_from_whoever_is_on_the_way() {
    // A plain endpoint elsewhere, by way of a proxy: whoever answers could want a signature for another day.
    // Or one on this machine, which the proxy answers for.
    for endpoint in ["http://sts.internal.example", "http://localhost:4566"] {
        let sts = StandIn::start(Account::example());
        sts.set_clock_offset(TimeDelta::days(1));
        let proxy = Proxy::start(Route::to(sts.address()));
        let home = Home::of_alice();
        let outcome = home
            .run(&["-p", "work", "--token", &sts.fresh_code(ALICE_DEVICE)])
            .env("AWS_ENDPOINT_URL_STS", endpoint)
            .env("HTTP_PROXY", &proxy.url())
            .outcome();
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        assert!(
            outcome
                .stderr
                .contains("error: this machine's clock is off: "),
            "{outcome:?}"
        );
        assert!(
            outcome.stderr.ends_with("; the code was not used\n"),
            "{outcome:?}"
        );
        assert_eq!(sts.calls(), 1);
    }
}

#[test]
fn a_lost_code_is_known_whatever_the_clock_was_corrected_to() {
    // A run that has to find the device corrects its clock before the code is sent; one that knows it, after that.
    let (finds, knows) = (None, Some(ALICE_DEVICE));
    for (first, second, before) in [(finds, knows, 3), (knows, finds, 1)] {
        let company = CorporateNetwork::new(Account::example(), &[HOST, "iam.amazonaws.com"]);
        let sts = &company.sts;
        sts.set_clock_offset(TimeDelta::minutes(90));
        let keys = long_term("work");
        let (keys, _device) = keys.split_once("aws_mfa_device").unwrap();
        let home = Home::with(keys);
        let code = sts.fresh_code(ALICE_DEVICE);
        let run = |device: Option<&str>| {
            let run = company.run(&home, &["-p", "work", "--token", &code]);
            match device {
                Some(device) => run.env("MFA_DEVICE", device),
                None => run,
            }
        };
        // What comes before the code is answered as usual, and the answer to the code is lost.
        for _ in 0..before {
            sts.fault(Fault::Fractional);
        }
        sts.fault(Fault::ResetAfterSpending);
        let outcome = run(first).outcome();
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        let taken = || {
            let requests = sts.requests().into_iter();
            let with_code = requests.filter(|request| request.parameter("TokenCode").is_some());
            with_code
                .filter(|request| request.error_code.as_deref() != Some("SignatureDoesNotMatch"))
                .count()
        };
        assert_eq!(taken(), 1, "{outcome:?}");
        let outcome = run(second).outcome();
        assert_eq!(outcome.status, Some(4), "{outcome:?}");
        assert!(
            outcome
                .stderr
                .contains("was already sent, and may be used up"),
            "{outcome:?}"
        );
        assert_eq!(taken(), 1, "{outcome:?}");
    }
}

#[test]
fn a_clock_that_is_right_is_not_corrected_nor_by_a_date_that_cannot_be() {
    // That nothing is sent again is in the table of `faults`.
    let sts = StandIn::start(Account::example());
    sts.set_clock_offset(TimeDelta::days(365 * 100));
    let home = Home::of_alice();
    let outcome = home
        .run_with(&sts, &["-p", "work", "--token", "123456"])
        .outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(
        outcome
            .stderr
            .contains("error: this machine's clock is off: "),
        "{outcome:?}"
    );
    assert!(!outcome.stderr.contains("warning"), "{outcome:?}");
    assert_eq!(sts.calls(), 1);
}

#[test]
fn an_expiration_at_the_ends_of_the_calendar_ends_no_run() {
    for (expiration, is_valid) in [
        ("+262142-12-31 23:59:59", false),
        ("+10000-01-01 00:00:00", false),
        ("9999-12-31T23:59:59-23:59", false),
        ("9999-12-31 23:59:59", true),
        ("0001-01-01 00:00:00", false),
        ("0001-01-01T00:00:00+23:59", false),
        ("-262143-01-01 00:00:00", false),
    ] {
        let home = Home::with(&format!(
            "{}{}",
            long_term("work"),
            short_term("work", expiration)
        ));
        for zone in ["UTC", "UTC-14", "UTC+12", "EST5EDT"] {
            for arguments in [
                &["-p", "work", "--no-input"][..],
                &["status"],
                &["status", "--json"],
                &["status", "-p", "work", "--check"],
                &["plan", "-p", "work"],
                &["export", "-p", "work", "--no-input", "--format", "process"],
                &["doctor", "-p", "work", "--offline"],
            ] {
                let outcome = home.run(arguments).env("TZ", zone).outcome();
                let status = outcome.status.expect("it was ended by a signal");
                assert!(status < 4, "{expiration}: {outcome:?}");
                if arguments.contains(&"--check") {
                    assert_eq!(status == 0, is_valid, "{expiration}");
                }
            }
        }
    }
}

#[test]
fn a_time_that_is_given_in_full_ends_no_run() {
    let sts = StandIn::start(Account::example());
    for flag in [
        "--timeout",
        "--min-ttl",
        "--lock-timeout",
        "--prompt-timeout",
        "--duration",
    ] {
        for value in ["0", "18446744073709551615", "9999999999999h"] {
            let home = Home::of_alice();
            let run = ["-p", "work", "--token", "123456", flag, value];
            let outcome = home.run_with(&sts, &run).outcome();
            assert!(
                outcome.status.is_some_and(|status| status < 5),
                "{outcome:?}"
            );
        }
    }
}
