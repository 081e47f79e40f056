//! Several profiles in one run: one code for each pair of key and device, one line for each profile, and nothing lost when
//! some of them fail.

#[cfg(unix)]
use expectrl::Expect as _;
#[cfg(unix)]
use stand_in::{ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY, Role};
use stand_in::{ALICE_DEVICE, Account, Device, Fault, StandIn, User};

use crate::support::home::Home;
#[cfg(unix)]
use crate::support::next_code::passed_side_by_side;
use crate::support::roles::{ADMIN, AUDIT, LONG, account, home, role};
use crate::support::sections::{FAR, long_term, short_term, value};
#[cfg(unix)]
use crate::support::terminal::{exited, on_terminal};

const BOB_DEVICE: &str = "GAHT12345678";
const BOB: &str = "[bob-long-term]\n\
                   aws_access_key_id = AKIAFAKEFAKEFAKEFBOB\n\
                   aws_secret_access_key = FakeSecretOfBob\n\
                   aws_mfa_device = GAHT12345678\n";

fn bob() -> User {
    User::new("bob")
        .access_key("AKIAFAKEFAKEFAKEFBOB", "FakeSecretOfBob")
        .device(Device::new(BOB_DEVICE))
}

#[test]
fn one_code_for_all_that_share_the_key_and_the_device() {
    let sts = StandIn::start(account());
    let home = home(&[role("dev", ADMIN, ""), role("prod", ADMIN, "")].concat());
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(
        &sts,
        &[
            "-p",
            "prod",
            "-p",
            "dev",
            "--profile",
            "personal",
            "--token",
            &code,
        ],
    )
    .ends(
        0,
        "renewing [prod-mfa], [dev-mfa], [personal]\n\
             [prod-mfa] is valid until …\n\
             [dev-mfa] is valid until …\n\
             [personal] is valid until …\n\
             use the roles with --profile prod-mfa\n",
    );
    assert_eq!(sts.calls(), 3);
    // What is still valid is not touched.
    let text = home.credentials();
    let sections = text
        .split("\n[")
        .filter(|section| !section.starts_with("dev-mfa]"));
    home.write("credentials", &sections.collect::<Vec<_>>().join("\n["));
    home.run_with(&sts, &["-p", "prod", "-p", "dev", "--no-input"])
        .ends(
            0,
            "renewing [dev-mfa]: there are no credentials yet\n\
             [prod-mfa] is still valid until …\n\
             [dev-mfa] is valid until …\n\
             use the roles with --profile dev-mfa\n",
        );
    assert_eq!(sts.calls(), 4);
}

#[test]
fn all_means_every_long_term_section_and_every_role_that_hangs_on_one() {
    let sts = StandIn::start(account().user(bob()));
    let home = Home::with(&format!(
        "{}\n{BOB}\n{}\n[static]\naws_access_key_id = AKIAFAKEFAKEFAKESTAT\naws_secret_access_key = x\n",
        long_term("personal"),
        short_term("other", FAR)
    ));
    home.write(
        "config",
        &format!(
            "[profile plain]\nregion = eu-west-1\n{}{}\
             [profile nobody]\nrole_arn = {ADMIN}\nsource_profile = gone\n\
             [profile machine]\nrole_arn = {ADMIN}\ncredential_source = Ec2InstanceMetadata\n\
             [profile no-mfa]\nrole_arn = {ADMIN}\nsource_profile = static\n",
            role("admin", ADMIN, ""),
            role("audit", AUDIT, "external_id = outside\n"),
        ),
    );
    let codes = format!(
        "{}\n{}\n",
        sts.fresh_code(ALICE_DEVICE),
        sts.fresh_code(BOB_DEVICE)
    );
    home.run_with(&sts, &["--all"]).stdin(&codes).ends(
        1,
        "error: nobody: there is no profile gone (source_profile of [profile nobody] in ~/.aws/config)\n\
         hint: run `mfa-creds setup --profile gone` to write [gone-long-term]\n\
         renewing [personal], [admin-mfa], [audit-mfa]\n\
         renewing [bob]: there are no credentials yet\n\
         [personal] is valid until …\n\
         [bob] is valid until …\n\
         [admin-mfa] is valid until …\n\
         [audit-mfa] is valid until …\n\
         use the roles with --profile admin-mfa\n\
         error: 1 of 5 profiles have no valid credentials: nobody\n",
    );
    let config = std::fs::read_to_string(home.file("config")).unwrap();
    home.write("config", &config.replace("source_profile = gone", ""));
    home.run(&["--all", "--no-input", "-q"]).ends(0, "");
    assert_eq!(sts.calls(), 4);
    let empty = Home::with("[work]\n");
    empty.run(&["--all"]).ends(
        1,
        "error: --all found no long-term section in ~/.aws/credentials\n\
         hint: run `mfa-creds setup --profile default` to write one\n",
    );
}

#[test]
fn what_fails_is_named_and_the_rest_is_written() {
    let sts = StandIn::start(account());
    let home = home(
        &[
            role("dev", ADMIN, ""),
            role("audit", AUDIT, ""),
            role("lost", ADMIN, "").replace("personal", "persnal"),
        ]
        .concat(),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    let args = [
        "-p", "dev", "-p", "audit", "-p", "lost", "-p", "personal", "--token", &code,
    ];
    home.run_with(&sts, &args).ends(
        1,
        &format!(
            "error: lost: there is no profile persnal (source_profile of [profile lost] in ~/.aws/config)\n\
             hint: did you mean source_profile = personal?\n\
             renewing [dev-mfa], [audit-mfa], [personal]\n\
             error: audit: AWS denied the role {AUDIT} (role_arn of [profile audit] in ~/.aws/config) to the MFA session of access key AKIA…ALIC: \
             User: arn:aws:iam::123456789012:user/alice is not authorized to perform: sts:AssumeRole on resource: {AUDIT}\n\
             hint: check that the role's trust policy allows this user; if it requires an external ID, set external_id; \
             use --direct to assume it with its own code\n\
             [dev-mfa] is valid until …\n\
             [personal] is valid until …\n\
             use the roles with --profile dev-mfa\n\
             error: 2 of 4 profiles have no valid credentials: lost, audit\n"
        ),
    );
    let written = home.credentials();
    assert!(value(&written, "dev-mfa", "expiration").is_some());
    assert!(!written.contains("[audit-mfa]"));
}

#[test]
fn a_profile_whose_section_is_there_twice_is_named_once() {
    let keys = long_term("work");
    let home = Home::with(&format!("{keys}{keys}{}", keys.replace("-long-term", "")));
    home.write(
        "config",
        &role("work", ADMIN, "").replace("personal", "work"),
    );
    let twice = "error: ~/.aws/credentials:5 starts [work-long-term] again, after line 1";
    let outcome = home.run(&["--all"]).outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(outcome.stderr.matches(twice).count(), 1, "{outcome:?}");
    assert!(!outcome.stderr.contains("work, work"), "{outcome:?}");
    let table = home.run(&["status"]).outcome().stdout;
    assert_eq!(
        table
            .lines()
            .filter(|line| line.starts_with("work "))
            .count(),
        1,
        "{table}"
    );
    let outcome = home.run(&["-p", "elephants"]).outcome();
    assert!(
        outcome.stderr.ends_with("there are keys for: work\n"),
        "{outcome:?}"
    );
}

#[test]
fn where_all_fail_alike_the_exit_code_says_why() {
    let sts = StandIn::start(account());
    let home = home(&role("dev", ADMIN, ""));
    home.run_with(&sts, &["-q", "-p", "dev", "-p", "personal", "--no-input"])
        .ends(
            3,
            "error: dev, personal: an MFA code is needed, and --no-input forbids asking\n\
             hint: pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN\n\
             error: 2 of 2 profiles have no valid credentials: dev, personal\n",
        );
    sts.fault(Fault::ResetAfterSpending);
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(
            &sts,
            &["-q", "-p", "dev", "-p", "personal", "--token", &code],
        )
        .outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(sts.calls(), 1, "a code is sent once");
}

#[test]
fn a_code_on_the_command_line_is_of_one_device() {
    let sts = StandIn::start(Account::example().user(bob()));
    let home = Home::with(&format!("{}{BOB}", long_term("work")));
    home.run_with(&sts, &["-q", "--all", "--token", "123456"]).ends(
        1,
        &format!(
            "error: --token has one code, but codes from several devices are needed: {ALICE_DEVICE}, {BOB_DEVICE}\n\
             hint: pipe them in, one per line, in this order, or type them\n"
        ),
    );
    assert_eq!(sts.calls(), 0);
    // Where one of them is still valid, it is clear whose code it is.
    home.write(
        "credentials",
        &format!("{}{BOB}\n{}", long_term("work"), short_term("bob", FAR)),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "--all", "--token", &code])
        .ends(0, "");
}

#[test]
fn piped_codes_are_taken_in_order_and_none_is_sent_twice() {
    let sts = StandIn::start(account());
    let home = home(&role("long", LONG, "duration_seconds = 14400\n"));
    let first = sts.code_at_step(ALICE_DEVICE, 0);
    let second = sts.code_at_step(ALICE_DEVICE, 1);
    home.run_with(&sts, &["-q", "-p", "personal", "-p", "long"])
        .stdin(&format!("{first}\n{second}\n"))
        .ends(0, "");
    let codes: Vec<_> = sts
        .requests()
        .iter()
        .map(|request| request.parameter("TokenCode").unwrap().to_owned())
        .collect();
    assert_eq!(codes, [&*first, &*second]);

    let home = crate::support::roles::home(&role("long", LONG, "duration_seconds = 14400\n"));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "personal", "-p", "long"])
        .stdin(&format!("{code}\n{code}\n"))
        .ends(
            1,
            "error: long: an MFA code is needed, and there is no terminal to ask for it\n\
             hint: pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN\n\
             error: 1 of 2 profiles have no valid credentials: long\n",
        );
    assert_eq!(sts.calls(), 3);
}

#[cfg(unix)]
#[test]
fn two_keys_of_one_device_wait_for_the_next_code() {
    if passed_side_by_side() {
        return;
    }
    let user = User::new("alice")
        .access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
        .access_key("AKIAFAKEFAKEFAKEROTA", "FakeSecretOfAliceRotated")
        .device(Device::new(ALICE_DEVICE));
    let sts = StandIn::start(Account::new().user(user));
    let home = Home::with(&format!(
        "{}\n[new-long-term]\naws_access_key_id = AKIAFAKEFAKEFAKEROTA\n\
         aws_secret_access_key = FakeSecretOfAliceRotated\naws_mfa_device = {ALICE_DEVICE}\n",
        long_term("old")
    ));
    let mut run = on_terminal(&home, &sts, "exec \"$0\" --all");
    run.set_expect_timeout(Some(std::time::Duration::from_mins(1)));
    let prompt = "Enter AWS MFA code for device";
    run.expect(prompt).unwrap();
    let code = sts.fresh_code(ALICE_DEVICE);
    run.send_line(&code).unwrap();
    run.expect("the next code comes in ").unwrap();
    run.expect(prompt).unwrap();
    // Whoever types the old one is told so, and it is not sent.
    run.send_line(&code).unwrap();
    run.expect("error: this code was already used, and AWS accepts each code only once")
        .unwrap();
    run.expect(prompt).unwrap();
    run.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    run.expect("[old] is valid until").unwrap();
    run.expect("[new] is valid until").unwrap();
    assert_eq!(exited(run), 0);
    assert_eq!(sts.calls(), 2);
}

#[cfg(unix)]
#[test]
fn many_roles_are_assumed_at_once_with_a_count_on_the_terminal() {
    let many = 20;
    let config: String = (0..many)
        .map(|number| role(&format!("r{number}"), ADMIN, ""))
        .collect();
    let sts = StandIn::start(Account::example().role(Role::new(ADMIN).requires_mfa()));
    let home = home(&config);
    let mut run = on_terminal(&home, &sts, "exec \"$0\" --all");
    run.expect("Enter AWS MFA code").unwrap();
    run.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    run.expect("roles: 0 of 20").unwrap();
    run.expect("roles: 20 of 20").unwrap();
    run.expect("[personal] is valid until").unwrap();
    for number in 0..many {
        run.expect(format!("[r{number}-mfa] is valid until"))
            .unwrap();
    }
    assert_eq!(exited(run), 0);
    assert_eq!(sts.calls(), 1 + many);
}

#[test]
fn a_piped_code_is_sent_for_its_own_device_only() {
    let sts = StandIn::start(Account::example().user(bob()));
    let codes = || {
        let (alice, bob) = (sts.fresh_code(ALICE_DEVICE), sts.fresh_code(BOB_DEVICE));
        format!("{alice}\n{bob}\n")
    };
    // The first one fails before its code is used.
    let home = Home::with(&format!(
        "{}ca_bundle = /nonexistent\n{BOB}",
        long_term("work")
    ));
    let outcome = home
        .run_with(&sts, &["-q", "--all"])
        .stdin(&codes())
        .outcome();
    assert_eq!(outcome.status, Some(1));
    assert!(
        outcome
            .stderr
            .ends_with("error: 1 of 2 profiles have no valid credentials: work\n"),
        "{outcome:?}"
    );
    // The first one needs no code: whose the first line is would be a guess.
    let home = Home::with(&format!(
        "{}{BOB}\n{}",
        long_term("work"),
        short_term("work", FAR)
    ));
    let calls = sts.calls();
    home.run_with(&sts, &["-q", "--all"]).stdin(&codes()).ends(
        1,
        &format!(
            "error: bob: standard input has more codes than needed; they are needed for: {BOB_DEVICE}\n\
             hint: pipe in one line for each device, in this order; valid credentials need no code\n\
             error: 1 of 2 profiles have no valid credentials: bob\n"
        ),
    );
    assert_eq!(sts.calls(), calls);
}

#[test]
fn whose_codes_are_whose_is_known_before_any_is_sent() {
    let carol = User::new("carol")
        .access_key("AKIAFAKEFAKEFAKECARO", "FakeSecretOfCarol")
        .device(Device::new("GAHT87654321"));
    let sts = StandIn::start(Account::example().user(bob()).user(carol));
    let carols = BOB
        .replace("[bob", "[carol")
        .replace("FBOB", "CARO")
        .replace("OfBob", "OfCarol")
        .replace(BOB_DEVICE, "GAHT87654321");
    let home = Home::with(&format!(
        "{}{BOB}{carols}\n{}",
        long_term("work"),
        short_term("work", FAR)
    ));
    let codes = [ALICE_DEVICE, BOB_DEVICE, "GAHT87654321"].map(|device| sts.fresh_code(device));
    let outcome = home
        .run_with(&sts, &["-q", "--all"])
        .stdin(&codes.join("\n"))
        .outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(sts.calls(), 0);
}

#[test]
fn a_code_that_is_repeated_for_ever_is_sent_once() {
    let sts = StandIn::start(account());
    let home = home(&[role("a", ADMIN, ""), role("b", ADMIN, "")].concat());
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "a", "-p", "b", "--direct"])
        .stdin(&format!("{code}\n").repeat(10_000))
        .ends(
            1,
            "error: b: an MFA code is needed, and there is no terminal to ask for it\n\
             hint: pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN\n\
             error: 1 of 2 profiles have no valid credentials: b\n",
        );
    assert_eq!(sts.calls(), 1);
}

#[test]
fn a_session_that_fails_leaves_the_roles_with_codes_of_their_own() {
    let sts = StandIn::start(account());
    let home = home(&role("long", LONG, "duration_seconds = 14400\n"));
    let (wrong, right) = (
        sts.code_at_step(ALICE_DEVICE, 500),
        sts.code_at_step(ALICE_DEVICE, 0),
    );
    let outcome = home
        .run_with(&sts, &["-q", "-p", "personal", "-p", "long"])
        .stdin(&format!("{wrong}\n{right}\n"))
        .outcome();
    assert_eq!(outcome.status, Some(1));
    assert!(
        outcome
            .stderr
            .ends_with("error: 1 of 2 profiles have no valid credentials: personal\n"),
        "{outcome:?}"
    );
    assert!(value(&home.credentials(), "long-mfa", "expiration").is_some());
}

#[test]
fn a_role_that_hangs_keeps_no_other_from_being_written() {
    let sts = StandIn::start(account());
    let home = home(&[role("a", ADMIN, ""), role("b", ADMIN, "")].concat());
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "personal", "--token", &code])
        .ends(0, "");
    sts.fault(Fault::Hang(std::time::Duration::from_secs(3)));
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            home.run_with(&sts, &["-q", "-p", "a", "-p", "b"])
                .ends(0, "")
        });
        let written = || {
            let text = home.credentials();
            ["a-mfa", "b-mfa"].map(|section| value(&text, section, "expiration").is_some())
        };
        while written() == [false, false] && !run.is_finished() {
            std::thread::yield_now();
        }
        assert_ne!(written(), [true, true], "the other one has not come yet");
        run.join().unwrap();
        assert_eq!(written(), [true, true]);
    });
}

#[test]
fn one_role_that_does_not_take_the_session_costs_no_code() {
    let sts = StandIn::start(account());
    // As in a region that has to be activated, where the session is not known.
    let elsewhere = StandIn::start(account());
    let endpoint = |sts: &StandIn| format!("endpoint_url = {}\n", sts.url());
    let home = home(
        &[
            format!("[profile personal]\n{}", endpoint(&sts)),
            role("a", ADMIN, &endpoint(&sts)),
            role("b", ADMIN, &endpoint(&elsewhere)),
        ]
        .concat(),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run(&["-q", "-p", "personal", "--token", &code])
        .ends(0, "");
    let id = value(&home.credentials(), "personal", "aws_access_key_id");
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run(&["-q", "-p", "b", "-p", "a", "--token", &code])
        .outcome();
    assert_eq!(outcome.status, Some(1));
    assert!(
        outcome.stderr.starts_with(
            "error: b: AWS rejected the MFA session of access key AKIA…ALIC for the role "
        ),
        "{outcome:?}"
    );
    let written = home.credentials();
    assert_eq!(value(&written, "personal", "aws_access_key_id"), id);
    assert!(value(&written, "a-mfa", "expiration").is_some());
}

#[test]
fn a_section_is_of_one_profile() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    home.write(
        "credentials",
        &[long_term("personal"), long_term("a-mfa")].concat(),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "--all", "--token", &code]).ends(
        1,
        "error: a: [a-mfa] would be written for two profiles: for a, and for a-mfa, which has [a-mfa-long-term]\n\
         hint: use --short-term-suffix, or rename one of them\n\
         error: 1 of 3 profiles have no valid credentials: a\n",
    );
}

#[test]
fn a_malformed_line_elsewhere_is_told_once() {
    let home = Home::with(&format!(
        "{}{}\n{}{}\n[other]\nno value\n",
        long_term("a"),
        long_term("b"),
        short_term("a", FAR),
        short_term("b", FAR),
    ));
    home.run(&["--log-level", "WARNING", "--all"]).ends(
        0,
        "warning: ~/.aws/credentials:26 has no `=`: AWS tools reject the file because of it\n",
    );
}

#[test]
fn a_session_that_aws_ended_is_shared_with_nobody() {
    let sts = StandIn::start(account());
    let home = home(&role("admin", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "personal", "--token", &code])
        .ends(0, "");
    let ended = value(&home.credentials(), "personal", "aws_access_key_id").unwrap();
    let text = format!("{}\n{}", long_term("play"), home.credentials());
    home.write("credentials", &text);
    // Another stand-in knows nothing of that session.
    let sts = StandIn::start(account());
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-q", "-p", "play", "-p", "admin", "--token", &code])
        .ends(0, "");
    let id = value(&home.credentials(), "play", "aws_access_key_id").unwrap();
    assert_ne!(id, ended);
    assert!(value(&home.credentials(), "admin-mfa", "expiration").is_some());
}

#[test]
fn a_role_and_its_section_are_one_profile() {
    let sts = StandIn::start(account());
    let home = home(&role("a", ADMIN, ""));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(
        &sts,
        &["-q", "-p", "a", "-p", "a-mfa", "-p", "a", "--token", &code],
    )
    .ends(0, "");
    assert_eq!(sts.calls(), 2);
}

#[test]
fn a_role_with_a_broken_ca_bundle_leaves_the_others() {
    let sts = StandIn::start(account());
    let home = home(
        &[
            role("a", ADMIN, ""),
            role("b", ADMIN, "ca_bundle = /nonexistent\n"),
        ]
        .concat(),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &["-q", "-p", "a", "-p", "b", "--token", &code])
        .outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(value(&home.credentials(), "a-mfa", "expiration").is_some());
}

#[cfg(unix)]
#[test]
fn codes_may_come_one_by_one_from_a_pipe_that_stays_open() {
    let sts = StandIn::start(account());
    let home = home(&role("long", LONG, "duration_seconds = 14400\n"));
    // The second one comes when the first one was taken.
    let script = "mkfifo pipe; \"$0\" -q -p personal -p long <pipe & exec 3>pipe; cat first >&3; \
                  while ! grep -q session_token .aws/credentials; do :; done; cat second >&3; wait $!; echo status $?";
    for (name, step) in [("first", 0), ("second", 1)] {
        let code = sts.code_at_step(ALICE_DEVICE, step);
        std::fs::write(home.path().join(name), format!("{code}\n")).unwrap();
    }
    let mut run = on_terminal(&home, &sts, script);
    run.expect("status 0").unwrap();
    assert!(value(&home.credentials(), "long-mfa", "expiration").is_some());
}
