//! The device where nobody names one: AWS is asked, before any code is.

use std::net::TcpListener;

#[cfg(unix)]
use expectrl::Expect as _;
use stand_in::{ALICE_DEVICE, Account, Device, StandIn};

use crate::support::accounts::{FIDO, alice, stand_in};
use crate::support::home::Home;
use crate::support::sections::keys_only;
#[cfg(unix)]
use crate::support::sections::value;
#[cfg(unix)]
use crate::support::terminal::{PROMPT, exited, on_terminal, type_code};

#[cfg(unix)]
const SECOND: &str = "arn:aws:iam::123456789012:mfa/alice-tablet";

/// The actions that were called.
fn actions(sts: &StandIn) -> Vec<String> {
    let requests = sts.requests().into_iter();
    requests.map(|request| request.action).collect()
}

#[test]
fn the_only_device_is_found_and_used() {
    let sts = StandIn::start(Account::example());
    let home = Home::with(&keys_only());
    home.run_with(
        &sts,
        &["-p", "work", "--token", &sts.fresh_code(ALICE_DEVICE)],
    )
    .ends(
        0,
        "renewing [work]: there are no credentials yet\n[work] is valid until …\n",
    );
    assert_eq!(
        actions(&sts),
        ["GetCallerIdentity", "ListMFADevices", "GetSessionToken"]
    );
    let requests = sts.requests();
    assert_eq!(requests[1].parameter("UserName"), Some("alice"));
    assert_eq!(requests[2].parameter("SerialNumber"), Some(ALICE_DEVICE));
    // The file contains no device that nobody has asked to be written.
    assert!(home.credentials().starts_with(&keys_only()));
    // Nothing is asked while the session is there, not even for a role or another profile.
    home.run_with(&sts, &["-p", "work"]).succeeds();
    home.write(
        "credentials",
        &format!(
            "{}\n{}",
            home.credentials(),
            keys_only().replace("[work-", "[play-")
        ),
    );
    let outcome = home.run_with(&sts, &["-v", "-p", "play"]).succeeds();
    assert!(
        outcome.stderr.contains(&format!(
            "device: {ALICE_DEVICE} (from the stored session)\n"
        )),
        "{outcome:?}"
    );
    assert_eq!(sts.calls(), 3);
}

#[test]
fn the_device_of_a_stored_session_is_the_same_everywhere() {
    let sts = StandIn::start(Account::example());
    let home = Home::with(&keys_only());
    for (plan, doctor, status) in [
        (
            "not set: mfa-creds asks AWS for the user's devices",
            "not set: mfa-creds asks AWS for the user's devices",
            "-",
        ),
        (
            &format!("{ALICE_DEVICE} (from the stored session)"),
            &format!("{ALICE_DEVICE} (from the stored session)"),
            "alice (123456789012)",
        ),
    ] {
        let planned = home.run(&["plan", "-p", "work"]).outcome().stdout;
        assert!(
            planned.contains(&format!("\ndevice   {plan}\n")),
            "{planned}"
        );
        let checked = home.run(&["doctor", "-p", "work", "--offline"]).outcome();
        assert!(
            checked
                .stdout
                .contains(&format!("\nok       device            {doctor}\n")),
            "{checked:?}"
        );
        let listed = home.run(&["status", "-p", "work"]).outcome().stdout;
        assert!(listed.ends_with(&format!("  {status}\n")), "{listed}");
        let code = sts.fresh_code(ALICE_DEVICE);
        home.run_with(&sts, &["-q", "-p", "work", "--token", &code])
            .ends(0, "");
    }
}

#[test]
fn verbose_and_plan_say_that_aws_is_asked() {
    let sts = StandIn::start(Account::example());
    let home = Home::with(&keys_only());
    let plan = home.run_with(&sts, &["plan", "-p", "work"]).outcome();
    assert!(
        plan.stdout
            .contains("device   not set: mfa-creds asks AWS for the user's devices\n"),
        "{plan:?}"
    );
    assert_eq!(sts.calls(), 0);
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &["-v", "-p", "work", "--token", &code])
        .succeeds();
    assert!(
        outcome.stderr.contains(&format!(
            "device: {ALICE_DEVICE} (the user's only device)\n"
        )),
        "{outcome:?}"
    );
}

#[test]
fn a_fido_key_is_named_and_passed_over() {
    let sts = stand_in(
        alice()
            .path("/team/")
            .device(Device::fido(FIDO))
            .device(Device::new(ALICE_DEVICE)),
    );
    let home = Home::with(&keys_only());
    home.run_with(
        &sts,
        &["-p", "work", "--token", &sts.fresh_code(ALICE_DEVICE)],
    )
    .ends(
        0,
        &format!(
            "ignoring {FIDO}: a FIDO key, which STS cannot use\n\
             renewing [work]: there are no credentials yet\n[work] is valid until …\n"
        ),
    );
    assert_eq!(sts.requests()[1].parameter("UserName"), Some("alice"));
}

#[test]
fn a_user_without_a_device_is_told_how_to_get_one() {
    let sts = stand_in(alice());
    let home = Home::with(&keys_only());
    home.run_with(&sts, &["-p", "work"]).ends(
        1,
        "error: alice has no MFA device\n\
         hint: run `mfa-creds device enroll -p work` to enroll an authenticator app\n",
    );
    let sts = stand_in(alice().device(Device::fido(FIDO)));
    home.run_with(&sts, &["-q", "-p", "work"]).ends(
        1,
        &format!(
            "error: alice has no MFA device that STS can use: {FIDO} is a FIDO key\n\
             hint: sign in with `aws login`, which accepts it; or add an authenticator app in the IAM console\n"
        ),
    );
    assert_eq!(home.credentials(), keys_only());
}

#[cfg(unix)]
#[test]
fn several_devices_are_a_list_to_pick_from_and_the_choice_can_be_saved() {
    let sts = stand_in(
        alice()
            .device(Device::new(ALICE_DEVICE))
            .device(Device::new(SECOND)),
    );
    for save in [true, false] {
        let home = Home::with(&keys_only());
        let mut run = on_terminal(&home, &sts, "exec \"$0\" -p work");
        run.expect("Which MFA device?").unwrap();
        run.expect(SECOND).unwrap();
        run.send("\u{1b}[B\r").unwrap();
        run.expect("Write it to [work-long-term], so that you are not asked again?")
            .unwrap();
        run.send_line(if save { "y" } else { "n" }).unwrap();
        run.expect(PROMPT.replace(ALICE_DEVICE, SECOND)).unwrap();
        run.send_line(sts.fresh_code(SECOND)).unwrap();
        run.expect("[work] is valid until").unwrap();
        assert_eq!(exited(run), 0);
        let file = home.credentials();
        let saved = format!("{}aws_mfa_device = {SECOND}\n", keys_only());
        assert_eq!(file.starts_with(&saved), save, "{file}");
        assert!(file.starts_with(&keys_only()), "{file}");
        assert!(value(&file, "work", "aws_session_token").is_some());
    }
}

#[cfg(unix)]
#[test]
fn several_devices_and_nobody_to_pick_one() {
    let sts = stand_in(
        alice()
            .device(Device::new(ALICE_DEVICE))
            .device(Device::fido(FIDO))
            .device(Device::new("GAHT12345678")),
    );
    let home = Home::with(&keys_only());
    let message = format!(
        "error: alice has 2 MFA devices, and none is selected\n\
         hint: set one as aws_mfa_device in [work-long-term] in ~/.aws/credentials, or use --device; the devices are: {ALICE_DEVICE}, GAHT12345678\n"
    );
    for arguments in [&["--no-input"][..], &["--token", "123456"], &[]] {
        home.run_with(&sts, &[&["-q", "-p", "work"], arguments].concat())
            .ends(3, &message);
    }
    let mut run = on_terminal(&home, &sts, "exec \"$0\" -q -p work");
    run.expect("Which MFA device?").unwrap();
    run.send("\u{1b}").unwrap();
    run.expect("error: no MFA device was picked").unwrap();
    assert_eq!(exited(run), 3);
    assert!(!actions(&sts).contains(&"GetSessionToken".to_owned()));
}

#[cfg(unix)]
#[test]
fn one_picks_for_all_that_run_at_once() {
    let sts = stand_in(
        alice()
            .device(Device::new(ALICE_DEVICE))
            .device(Device::new(SECOND)),
    );
    let home = Home::with(&keys_only());
    let mut first = on_terminal(&home, &sts, "echo $$ >pid; exec \"$0\" -p work");
    first.expect("Which MFA device?").unwrap();
    let mut other = on_terminal(&home, &sts, "exec \"$0\" -p work");
    other
        .expect("which is asking for the MFA device for the same keys")
        .unwrap();
    first.send("\r").unwrap();
    first.expect("Write it to").unwrap();
    first.send_line("n").unwrap();
    type_code(&mut first, sts.fresh_code(ALICE_DEVICE));
    first.expect("[work] is valid until").unwrap();
    other.expect("[work] is still valid until").unwrap();
    assert_eq!((exited(first), exited(other)), (0, 0));
    let calls = actions(&sts);
    let sessions = calls.iter().filter(|action| *action == "GetSessionToken");
    assert_eq!(sessions.count(), 1, "{calls:?}");
}

#[test]
fn where_iam_does_not_say_the_usual_name_is_suggested() {
    let sts = stand_in(
        alice()
            .device(Device::new(ALICE_DEVICE))
            .denies("iam:ListMFADevices"),
    );
    let home = Home::with(&keys_only());
    let hint = format!(
        "hint: it is often {ALICE_DEVICE}: add `aws_mfa_device = {ALICE_DEVICE}` to [work-long-term] in ~/.aws/credentials, or use --device; the IAM console shows the ARN\n"
    );
    home.run_with(&sts, &["-p", "work"]).ends(
        1,
        &format!(
            "error: the MFA device of [work-long-term] is not set, and mfa-creds could not look it up: \
             AWS denied iam:ListMFADevices to access key AKIA…ALIC: User: arn:aws:iam::123456789012:user/alice is not \
             authorized to perform: iam:ListMFADevices on resource: user alice with an explicit deny in an identity-based \
             policy: arn:aws:iam::123456789012:policy/fake-deny\n{hint}"
        ),
    );
    // IAM may be out of reach where STS is not. That is tried more than once, and said when it takes long.
    let outcome = home
        .run_with(&sts, &["-p", "work"])
        .env("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:9")
        .outcome();
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let stderr = outcome.stderr.trim_start_matches("waiting for AWS IAM\n");
    assert_eq!(
        stderr,
        format!(
            "error: AWS IAM at 127.0.0.1:9 cannot be reached: connection refused\n\
             hint: check the endpoint (AWS_ENDPOINT_URL_IAM); if only AWS IAM cannot be reached, \
             add `aws_mfa_device = {ALICE_DEVICE}` to [work-long-term] in ~/.aws/credentials, or use --device\n"
        )
    );
    // Or it takes connections, and does not respond.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    home.run_with(&sts, &["-p", "work", "--timeout", "1"])
        .env("AWS_ENDPOINT_URL_IAM", &format!("http://{address}"))
        .ends(
            1,
            &format!(
                "error: AWS IAM at {address} did not respond within 1 s (--timeout)\n\
                 hint: run the command again; no code was used; if only AWS IAM cannot be reached, \
                 add `aws_mfa_device = {ALICE_DEVICE}` to [work-long-term] in ~/.aws/credentials, or use --device\n"
            ),
        );
}

#[test]
fn keys_that_aws_does_not_know_are_said_to_be_so() {
    let sts = StandIn::start(Account::new());
    let home = Home::with(&keys_only());
    home.run_with(&sts, &["-p", "work"]).ends(
        1,
        "error: AWS does not recognize access key AKIA…ALIC of [work-long-term] in ~/.aws/credentials, or the key is inactive\n\
         hint: look up the user's access keys in the IAM console; in China and GovCloud, also set the region\n",
    );
    assert_eq!(sts.calls(), 1);
}

#[test]
fn iam_is_called_in_the_region_of_the_partition() {
    for (partition, region, of_iam) in [
        ("aws", "eu-west-1", "us-east-1"),
        ("aws-cn", "cn-northwest-1", "cn-north-1"),
        ("aws-us-gov", "us-gov-east-1", "us-gov-west-1"),
    ] {
        let device = format!("arn:{partition}:iam::123456789012:mfa/alice");
        let user = alice().device(Device::new(&device));
        let sts = StandIn::start(Account::new().partition(partition).user(user));
        let home = Home::with(&keys_only());
        let code = sts.fresh_code(&device);
        home.run_with(
            &sts,
            &["-q", "-p", "work", "--region", region, "--token", &code],
        )
        .ends(0, "");
        let requests = sts.requests();
        let regions: Vec<_> = requests
            .iter()
            .map(|request| request.region.as_deref().unwrap())
            .collect();
        assert_eq!(regions, [region, of_iam, region]);
    }
}

#[test]
fn the_endpoint_of_iam_comes_from_where_that_of_sts_does() {
    let sts = StandIn::start(Account::example());
    let home = Home::with(&keys_only());
    let url = sts.url();
    home.write(
        "config",
        &format!(
            "[profile work]\nservices = local\n\n[services local]\nsts =\n  endpoint_url = {url}\niam =\n  endpoint_url = {url}\n"
        ),
    );
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run(&["-q", "-p", "work", "--token", &code])
        .without_env("AWS_ENDPOINT_URL_IAM")
        .ends(0, "");
    assert_eq!(sts.calls(), 3);
}
