//! What `mfa-creds doctor` says of the environment, of profiles and of other tools.

#[cfg(unix)]
use std::fs;
#[cfg(unix)]
use std::os::unix::fs::symlink;

use stand_in::{ALICE_DEVICE, Account, StandIn};

use crate::support::doctor::{healthy, home, says};
use crate::support::home::Home;
#[cfg(unix)]
use crate::support::home::binary;
use crate::support::home::set_mode;
use crate::support::roles::ADMIN;
use crate::support::sections::{FAR, long_term, short_term};

const DOCTOR: [&str; 4] = ["doctor", "--offline", "-p", "work"];

#[test]
fn variables_that_come_before_the_files() {
    let home = home(&healthy(), "");
    for (variables, level, message, fix) in [
        (
            &[("AWS_ACCESS_KEY_ID", "AKIAFAKEFAKEFAKEALIC")][..],
            "warning",
            "AWS_ACCESS_KEY_ID (AKIA…ALIC) is set: AWS tools prefer it to AWS_PROFILE and [default]",
            "unset AWS_ACCESS_KEY_ID",
        ),
        (
            &[
                ("AWS_ACCESS_KEY_ID", "x"),
                ("AWS_SECRET_ACCESS_KEY", "x"),
                ("AWS_SESSION_TOKEN", "x"),
            ],
            "warning",
            "AWS_ACCESS_KEY_ID (…), AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN are set: AWS tools prefer them to AWS_PROFILE and [default]",
            "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN",
        ),
        (
            &[("AWS_SECURITY_TOKEN", "x"), ("AWS_SESSION_TOKEN", "y")],
            "warning",
            "AWS_SECURITY_TOKEN differs from AWS_SESSION_TOKEN, and the AWS CLI prefers it",
            "unset AWS_SECURITY_TOKEN",
        ),
        (
            &[("AWS_WEB_IDENTITY_TOKEN_FILE", "x")],
            "warning",
            "AWS_WEB_IDENTITY_TOKEN_FILE is set: some AWS tools use it to assume the role in AWS_ROLE_ARN instead of using a profile",
            "unset AWS_WEB_IDENTITY_TOKEN_FILE",
        ),
        (
            &[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "x")],
            "warning",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is set: AWS tools use the container's credentials if a profile has none",
            "unset AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        ),
        (
            &[("AWS_PROFILE", "wrk")],
            "warning",
            "AWS_PROFILE names the profile wrk, which is in neither file",
            "unset AWS_PROFILE, or name another profile",
        ),
        (
            &[("AWS_DEFAULT_PROFILE", "work")],
            "warning",
            "AWS_DEFAULT_PROFILE is set: the AWS CLI uses the profile work, but mfa-creds and other tools do not",
            "unset AWS_DEFAULT_PROFILE, and set AWS_PROFILE",
        ),
        (
            &[("MFA_TOKEN", "123456")],
            "warning",
            "MFA_TOKEN is set: AWS accepts each code only once, and only for a minute or two",
            "unset MFA_TOKEN",
        ),
        (
            &[("MFA_CREDS_PROMPT", "wall")],
            "problem",
            "`wall` (MFA_CREDS_PROMPT) is not a kind of prompt",
            "use auto, terminal, gui, or none",
        ),
        (
            &[("MFA_CREDS_MIN_TTL", "long")],
            "problem",
            "`long` (MFA_CREDS_MIN_TTL) is not a duration",
            "write seconds like `43200`, or a duration like `12h` or `1h30m`",
        ),
    ] {
        let run = variables
            .iter()
            .fold(home.run(&DOCTOR), |run, (name, value)| run.env(name, value));
        says(run, level, "environment", message, Some(fix));
    }
    let run = home
        .run(&DOCTOR)
        .env("MFA_STS_DURATION", "1h")
        .env("MFA_DEVICE", ALICE_DEVICE);
    let ours = "set for mfa-creds: MFA_DEVICE, MFA_STS_DURATION, MFA_CREDS_TRACE";
    says(run, "ok", "environment", ours, None);
    let run = home.run(&DOCTOR).env("MFA_LONG_TERM_SUFFIX", "a]");
    let fix = "use a name without brackets, `#`, `;`, or spaces at its ends";
    let suffix = "`a]` (MFA_LONG_TERM_SUFFIX) cannot be part of a section name";
    says(run, "problem", "settings", suffix, Some(fix));
}

#[test]
fn profiles_of_the_environment_that_can_be_got_are_known() {
    let home = home(
        &long_term("work"),
        &format!("[profile admin]\nrole_arn = {ADMIN}\nsource_profile = work\n"),
    );
    for profile in ["work", "admin", "admin-mfa"] {
        let run = home
            .run(&["doctor", "--offline"])
            .env("AWS_PROFILE", profile);
        says(
            run,
            "ok",
            "environment",
            "no variable takes precedence over the profiles",
            None,
        );
    }
    let run = home
        .run(&["doctor", "--offline"])
        .env("AWS_PROFILE", "admin-mfa");
    says(run, "ok", "profile", "admin (AWS_PROFILE)", None);
}

#[test]
fn sections_that_are_called_wrongly() {
    let says = |credentials: &str, config, message, fix| {
        says(
            home(credentials, config).run(&DOCTOR),
            "warning",
            "sections",
            message,
            Some(fix),
        );
    };
    says(
        "[profile work]\nx = y\n",
        "",
        "~/.aws/credentials:1 starts [profile work], which AWS tools do not read as the profile work in this file",
        "rename it to [work], or move it to ~/.aws/config",
    );
    says(
        "",
        "[plugins]\ncli = x\n[sso-session a]\nsso_start_url = x\n[work]\nregion = eu-west-1\n",
        "~/.aws/config:5 starts [work], which AWS tools do not read as the profile work in this file",
        "rename it to [profile work]",
    );
}

#[test]
fn keys_that_are_not_what_they_should_be() {
    let (id, secret) = (
        "aws_access_key_id = AKIAFAKEFAKEFAKEALIC\n",
        "aws_secret_access_key = FakeSecret\n",
    );
    let temporary = id.replace("AKIA", "ASIA");
    let token = "aws_session_token = FakeToken\n";
    let write = "add it: look up the access key in the IAM console, or create a new one there";
    for (text, message, fix) in [
        (
            id.to_owned(),
            "aws_secret_access_key of [a] in ~/.aws/credentials is missing or empty",
            write,
        ),
        (
            secret.to_owned(),
            "aws_access_key_id of [a] in ~/.aws/credentials is missing or empty",
            write,
        ),
        (
            format!("{id}aws_secret_access_key = \"FakeSecret\"\n"),
            "aws_secret_access_key of [a] in ~/.aws/credentials is in quotation marks, which AWS tools treat as part of the value",
            "remove the quotation marks",
        ),
        (
            format!("{temporary}{secret}"),
            "[a] in ~/.aws/credentials has temporary credentials (ASIA…ALIC) without aws_session_token, which AWS rejects",
            "remove them in an editor, and get new ones",
        ),
        (
            format!("{id}{secret}{token}"),
            "[a] in ~/.aws/credentials has long-term keys (AKIA…ALIC) with a session token, which AWS rejects",
            "remove the token in an editor",
        ),
        (
            format!("{temporary}{secret}{token}aws_security_token = FakeOldToken\n"),
            "aws_security_token of [a] in ~/.aws/credentials differs from its aws_session_token, and the AWS CLI prefers it",
            "remove the line with aws_security_token",
        ),
    ] {
        let home = home(&format!("{}[a]\n{text}", healthy()), "");
        says(home.run(&DOCTOR), "warning", "keys", message, Some(fix));
    }
    let stale = healthy().replace(
        "aws_security_token = FakeToken",
        "aws_security_token = FakeOldToken",
    );
    says(
        home(&stale, "").run(&DOCTOR),
        "problem",
        "keys",
        "aws_security_token of [work] in ~/.aws/credentials differs from its aws_session_token, and the AWS CLI prefers it",
        Some("run `mfa-creds -p work` to replace both"),
    );
}

/// What a renewal would be refused for, in its words.
#[test]
fn what_keeps_a_profile_from_being_renewed() {
    let device = |device: &str| long_term("work").replace(ALICE_DEVICE, device);
    let keys = long_term("work").replace("-long-term", "");
    let arn = "write an ARN like arn:aws:iam::123456789012:mfa/NAME, or a hardware token's serial number like GAHT12345678";
    for (credentials, config, subject, message, fix) in [
        (
            String::new(),
            "",
            "profile",
            "mfa-creds is not set up: there is no section [work-long-term] in ~/.aws/credentials",
            "run `mfa-creds setup --profile work` to store your long-term keys",
        ),
        (
            long_term("work").replace("AKIA", "ASIA"),
            "",
            "keys",
            "[work-long-term] in ~/.aws/credentials contains temporary credentials (ASIA…), which cannot get a session",
            "put the IAM user's own keys (AKIA…) there",
        ),
        (
            long_term("work").replace("aws_secret_access_key", "secret"),
            "",
            "keys",
            "aws_secret_access_key of [work-long-term] in ~/.aws/credentials is missing or empty",
            "add it: look up the access key in the IAM console, or create a new one there",
        ),
        (
            format!("{}{keys}", long_term("work")),
            "",
            "settings",
            "[work] in ~/.aws/credentials contains long-term keys, which mfa-creds never overwrites",
            "[work-long-term] has the same keys: run `mfa-creds setup --profile work` to remove them from [work]",
        ),
        (
            device("arn:aws:iam::123456789012:user/alice"),
            "",
            "device",
            "the device arn:aws:iam::123456789012:user/alice (aws_mfa_device of [work-long-term] in ~/.aws/credentials) \
             is a user, not an MFA device",
            "write the ARN of a device, often arn:aws:iam::123456789012:mfa/alice; the IAM console shows it",
        ),
        (
            device("arn:aws:iam::123456789012:u2f/user/alice/key"),
            "",
            "device",
            "the device arn:aws:iam::123456789012:u2f/user/alice/key (aws_mfa_device of [work-long-term] in \
             ~/.aws/credentials) is a FIDO security key or passkey, which STS cannot use",
            "sign in with `aws login`, or add an authenticator app to the user and write its ARN, which contains `:mfa/`",
        ),
        (
            device("phone"),
            "",
            "device",
            "the device phone (aws_mfa_device of [work-long-term] in ~/.aws/credentials) is neither an ARN nor a serial number",
            arn,
        ),
        (
            long_term("work"),
            "[profile work]\nregion = EU West\n",
            "settings",
            "`EU West` (region of [profile work] in ~/.aws/config) is not a region",
            "write it like eu-west-1",
        ),
        (
            format!("{}aws_mfa_duration = 1s\n", long_term("work")),
            "",
            "settings",
            "a duration of 1 s (aws_mfa_duration of [work-long-term] in ~/.aws/credentials) is outside AWS's limits for a session",
            "use 900 to 129600 seconds, 15m to 36h",
        ),
    ] {
        says(
            home(&credentials, config).run(&DOCTOR),
            "problem",
            subject,
            message,
            Some(fix),
        );
    }
    let process = "[work-long-term]\ncredential_process = pass show aws\n";
    let home = home(process, "");
    let printed =
        "a command prints them: credential_process of [work-long-term] in ~/.aws/credentials";
    says(home.run(&DOCTOR), "ok", "keys", printed, None);
    says(
        home.run(&DOCTOR),
        "ok",
        "device",
        "not set: mfa-creds asks AWS for the user's devices",
        None,
    );
    let run = home.run(&[&DOCTOR[..], &["--region", "EU"]].concat());
    let region = "`EU` (--region) is not a region";
    says(
        run,
        "problem",
        "settings",
        region,
        Some("write it like eu-west-1"),
    );
}

#[test]
fn what_one_file_hides_of_the_other() {
    let keys = "aws_access_key_id = AKIAFAKEFAKEFAKEALIC\naws_secret_access_key = FakeSecret\n";
    let process = "credential_process = mfa-creds export -p work --format process\n";
    let role = format!("role_arn = {ADMIN}\nsource_profile = other\n");
    let in_the_way = "the AWS CLI and SDKs do not run the credential_process of [profile work] in ~/.aws/config, because \
         [work] in ~/.aws/credentials has keys";
    let by_role = "AWS tools do not read [work]: [profile work] in ~/.aws/config has role_arn, and they assume the role instead";
    for (credentials, config, message, fix) in [
        (
            healthy(),
            process,
            in_the_way,
            "remove them with `mfa-creds clear -p work`",
        ),
        (
            format!("[work]\n{keys}"),
            process,
            in_the_way,
            "move them with `mfa-creds setup --profile work`",
        ),
        (
            healthy(),
            &role,
            by_role,
            "remove them with `mfa-creds clear -p work --short-term-suffix none`",
        ),
        (
            format!("[work]\n{keys}"),
            &role,
            by_role,
            "remove the keys or role_arn in an editor",
        ),
        (
            healthy(),
            keys,
            "the keys of [profile work] in ~/.aws/config are never used, because [work] in ~/.aws/credentials has keys",
            "remove one of the two in an editor",
        ),
    ] {
        let config = format!("[profile work]\n{config}");
        // Whichever profile is looked at.
        let home = home(&credentials, &config);
        for profile in ["work", "other"] {
            let run = home.run(&["doctor", "--offline", "-p", profile]);
            says(run, "warning", "precedence", message, Some(fix));
        }
    }
    let own = format!("[profile work]\nrole_arn = {ADMIN}\nsource_profile = work\n");
    let home = home(&format!("[work]\n{keys}"), &own);
    let fine = "no setting takes precedence over the stored keys";
    says(home.run(&DOCTOR), "ok", "precedence", fine, None);
}

#[test]
fn keys_that_have_to_move_are_told_once() {
    let keys = long_term("work").replace("-long-term", "");
    let outcome = home(&keys, "").run(&DOCTOR).outcome();
    assert!(
        outcome
            .stdout
            .contains("fix: [work] contains long-term keys; move them with `mfa-creds setup"),
        "{outcome:?}"
    );
    assert!(!outcome.stdout.contains("\nwarning"), "{outcome:?}");
}

#[test]
fn credentials_that_cannot_be_used() {
    let renew = Some("run `mfa-creds -p work`");
    for (section, message) in [
        (String::new(), "[work]: there are no credentials yet"),
        (
            short_term("work", "never"),
            "[work]: its expiration `never` is not a valid date",
        ),
        (
            short_term("work", FAR).replace("aws_session_token", "token"),
            "[work]: aws_session_token is missing",
        ),
        (
            short_term("work", FAR)
                .replace("= False", &format!("= True\nassumed_role_arn = {ADMIN}")),
            "[work]: its credentials are for arn:aws:iam::123456789012:role/admin",
        ),
    ] {
        let home = home(&format!("{}{section}", long_term("work")), "");
        says(home.run(&DOCTOR), "warning", "credentials", message, renew);
    }
    let run = [
        "doctor",
        "--offline",
        "-p",
        "work",
        "--short-term-suffix",
        "x",
    ];
    says(
        home(&long_term("work"), "").run(&run),
        "warning",
        "credentials",
        "[work-x]: there are no credentials yet",
        Some("run `mfa-creds -p work --short-term-suffix x`"),
    );
}

#[test]
fn the_session_that_is_kept() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    set_mode(&home.file(""), 0o700);
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(
        &sts,
        &[
            "exec",
            "-q",
            "-p",
            "work",
            "--no-store",
            "--token",
            &code,
            "true",
        ],
    )
    .ends(0, "");
    let of_alice = "for AKIA…ALIC and arn:aws:iam::123456789012:mfa/alice, valid until …";
    says(home.run(&DOCTOR), "ok", "MFA session", of_alice, None);
}

#[test]
fn other_tools() {
    let too = |tool: &str| {
        format!(
            "{tool} also writes [work] in ~/.aws/credentials: the tools overwrite each other's credentials"
        )
    };
    let elsewhere = "use another section for one of them, for example with: mfa-creds -p work --short-term-suffix mfa";
    for (mark, tool) in [
        ("x_principal_arn = x", "saml2aws"),
        ("x_security_token_expires = x", "saml2aws or okta-aws-cli"),
        ("manager = awsume", "awsume"),
        ("autoawsume = true", "awsume"),
        ("awsumepy_command = x", "awsume"),
        ("aws_expiration = x", "aws-azure-login"),
    ] {
        let here = home(&format!("{}{mark}\n", healthy()), "");
        says(
            here.run(&DOCTOR),
            "warning",
            "other tools",
            &too(tool),
            Some(elsewhere),
        );
        let there = home(&format!("{}[saml]\n{mark}\n", healthy()), "");
        let message = format!("{tool} writes [saml]");
        says(there.run(&DOCTOR), "ok", "other tools", &message, None);
    }
    for (command, tool) in [
        ("aws-vault exec work --json", "aws-vault"),
        (
            "/usr/local/bin/granted credential-process --profile work",
            "Granted",
        ),
        ("\"C:\\bin\\leapp.exe\" session generate 1", "Leapp"),
        (
            "vegas-credentials assume --profile=work",
            "vegas-credentials",
        ),
    ] {
        let config = format!("[profile work]\ncredential_process = {command}\n");
        says(
            home(&long_term("work"), &config).run(&DOCTOR),
            "warning",
            "other tools",
            &format!(
                "AWS tools get the credentials of [profile work] in ~/.aws/config from {tool}, not from mfa-creds"
            ),
            Some("change it to: credential_process = mfa-creds export -p work --format process"),
        );
    }
}

#[test]
fn a_rotation_that_has_not_come_to_its_end() {
    let section = format!(
        "{}mfa_creds_rotation_begun = 2026-11-26T12:00:00Z\n",
        long_term("work")
    );
    says(
        home(&section, "").run(&DOCTOR),
        "warning",
        "keys",
        "the access key rotation for [work-long-term], started at 2026-11-26T12:00:00Z, is not finished",
        Some("run `mfa-creds rotate -p work` to finish it"),
    );
}

#[cfg(unix)]
#[test]
fn another_program_of_the_name_aws_mfa() {
    let home = home(&healthy(), "");
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let run = || home.run(&DOCTOR).env("PATH", bin.to_str().unwrap());
    symlink(binary(), bin.join("aws-mfa")).unwrap();
    says(run(), "ok", "other tools", "no traces in the files", None);
    fs::remove_file(bin.join("aws-mfa")).unwrap();
    fs::write(bin.join("aws-mfa"), "").unwrap();
    says(
        run(),
        "warning",
        "other tools",
        "~/bin/aws-mfa is another program; aws-mfa from PyPI truncates and rewrites the file, and drops its comments",
        Some("pip uninstall aws-mfa, or ln -sf \"$(command -v mfa-creds)\" ~/bin/aws-mfa"),
    );
}
