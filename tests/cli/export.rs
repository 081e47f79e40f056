//! `mfa-creds export`: the credentials on standard output, in each form, and everything for people elsewhere.

use std::fs;
#[cfg(unix)]
use std::process::Command;

#[cfg(unix)]
use expectrl::Expect as _;
#[cfg(unix)]
use stand_in::Account;
use stand_in::{ALICE_DEVICE, StandIn};

use crate::support::home::Home;
#[cfg(unix)]
use crate::support::home::binary;
use crate::support::roles::{ADMIN, account, home, role};
#[cfg(unix)]
use crate::support::sections::value;
use crate::support::sections::{FAR, long_term, short_term};
#[cfg(unix)]
use crate::support::systems::PATH;
#[cfg(unix)]
use crate::support::terminal::{PROMPT, exited, on_terminal};

/// A home where `[work]` is valid, and where its region is known.
fn valid() -> Home {
    let home = Home::with(&format!("{}{}", long_term("work"), short_term("work", FAR)));
    home.write("config", "[profile work]\nregion = eu-west-1\n");
    home
}

#[track_caller]
fn prints(format: &[&str], stdout: &str) {
    let home = valid();
    let before = home.credentials();
    home.run(&[&["export", "-p", "work"], format].concat())
        .prints(stdout, "");
    assert_eq!(home.credentials(), before);
}

#[test]
fn for_posix_shells() {
    let lines = "unset AWS_SECURITY_TOKEN\n\
                 unset AWS_PROFILE\n\
                 unset AWS_DEFAULT_PROFILE\n\
                 unset AWS_ACCOUNT_ID\n\
                 export AWS_ACCESS_KEY_ID=ASIAFAKEFAKEFAKEFAKE\n\
                 export AWS_SECRET_ACCESS_KEY=FakeSecret\n\
                 export AWS_SESSION_TOKEN=FakeToken\n\
                 export AWS_CREDENTIAL_EXPIRATION=2099-01-01T00:00:00Z\n\
                 export AWS_REGION=eu-west-1\n\
                 export AWS_DEFAULT_REGION=eu-west-1\n\
                 export MFA_CREDS_REGION=eu-west-1\n";
    prints(&[], lines);
    prints(&["--format", "env"], lines);
}

#[test]
fn for_files_of_variables() {
    for format in ["env-no-export", "dotenv"] {
        prints(
            &["--format", format],
            "AWS_ACCESS_KEY_ID=ASIAFAKEFAKEFAKEFAKE\n\
             AWS_SECRET_ACCESS_KEY=FakeSecret\n\
             AWS_SESSION_TOKEN=FakeToken\n\
             AWS_CREDENTIAL_EXPIRATION=2099-01-01T00:00:00Z\n\
             AWS_REGION=eu-west-1\n\
             AWS_DEFAULT_REGION=eu-west-1\n",
        );
    }
}

#[test]
fn for_fish() {
    prints(
        &["--format", "fish"],
        "set -eg AWS_SECURITY_TOKEN; or true\n\
         set -eg AWS_PROFILE; or true\n\
         set -eg AWS_DEFAULT_PROFILE; or true\n\
         set -eg AWS_ACCOUNT_ID; or true\n\
         set -gx AWS_ACCESS_KEY_ID ASIAFAKEFAKEFAKEFAKE\n\
         set -gx AWS_SECRET_ACCESS_KEY FakeSecret\n\
         set -gx AWS_SESSION_TOKEN FakeToken\n\
         set -gx AWS_CREDENTIAL_EXPIRATION 2099-01-01T00:00:00Z\n\
         set -gx AWS_REGION eu-west-1\n\
         set -gx AWS_DEFAULT_REGION eu-west-1\n\
         set -gx MFA_CREDS_REGION eu-west-1\n",
    );
}

#[test]
fn for_powershell_and_cmd() {
    prints(
        &["--format", "powershell"],
        "$Env:AWS_SECURITY_TOKEN = $null\n\
         $Env:AWS_PROFILE = $null\n\
         $Env:AWS_DEFAULT_PROFILE = $null\n\
         $Env:AWS_ACCOUNT_ID = $null\n\
         $Env:AWS_ACCESS_KEY_ID = 'ASIAFAKEFAKEFAKEFAKE'\n\
         $Env:AWS_SECRET_ACCESS_KEY = 'FakeSecret'\n\
         $Env:AWS_SESSION_TOKEN = 'FakeToken'\n\
         $Env:AWS_CREDENTIAL_EXPIRATION = '2099-01-01T00:00:00Z'\n\
         $Env:AWS_REGION = 'eu-west-1'\n\
         $Env:AWS_DEFAULT_REGION = 'eu-west-1'\n\
         $Env:MFA_CREDS_REGION = 'eu-west-1'\n",
    );
    prints(
        &["--format", "windows-cmd"],
        "set AWS_SECURITY_TOKEN=\n\
         set AWS_PROFILE=\n\
         set AWS_DEFAULT_PROFILE=\n\
         set AWS_ACCOUNT_ID=\n\
         set AWS_ACCESS_KEY_ID=ASIAFAKEFAKEFAKEFAKE\n\
         set AWS_SECRET_ACCESS_KEY=FakeSecret\n\
         set AWS_SESSION_TOKEN=FakeToken\n\
         set AWS_CREDENTIAL_EXPIRATION=2099-01-01T00:00:00Z\n\
         set AWS_REGION=eu-west-1\n\
         set AWS_DEFAULT_REGION=eu-west-1\n\
         set MFA_CREDS_REGION=eu-west-1\n",
    );
}

#[test]
fn for_programs() {
    prints(
        &["--format", "process"],
        "{\n  \"Version\": 1,\n  \"AccessKeyId\": \"ASIAFAKEFAKEFAKEFAKE\",\n  \"SecretAccessKey\": \"FakeSecret\",\n  \
         \"SessionToken\": \"FakeToken\",\n  \"Expiration\": \"2099-01-01T00:00:00Z\"\n}\n",
    );
    prints(
        &["--format", "json"],
        "{\n  \"AccessKeyId\": \"ASIAFAKEFAKEFAKEFAKE\",\n  \"SecretAccessKey\": \"FakeSecret\",\n  \
         \"SessionToken\": \"FakeToken\",\n  \"Expiration\": \"2099-01-01T00:00:00Z\",\n  \"AccountId\": null,\n  \
         \"Region\": \"eu-west-1\",\n  \"RoleArn\": null\n}\n",
    );
}

/// Values that mean something to one shell or another. AWS grants no such, but a file may hold them.
pub const NASTY: &str =
    r#"a'b"c$(touch pwned)`touch pwned`$HOME;&|<>*?~!%PATH%\^ [x]{1,2} =b:=c ‘d’"#;

fn nasty() -> Home {
    Home::with(&format!(
        "{}{}",
        long_term("work"),
        short_term("work", FAR).replace("FakeSecret", NASTY)
    ))
}

/// Runs a script in a shell, with the binary as `$0`, and returns what it prints.
#[cfg(unix)]
fn in_shell(home: &Home, shell: &str, script: &str) -> String {
    let output = Command::new(shell)
        .args(["-c", script, binary()])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", PATH)
        .env("AWS_PROFILE", "another")
        .env("AWS_SECURITY_TOKEN", "stale")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The real-server script does the same in bash, dash, zsh and fish.
#[cfg(unix)]
#[test]
fn a_shell_takes_every_value_as_it_is() {
    let home = nasty();
    let script = r#"set -eu
        eval "$("$0" export -p work)"
        env | grep -E '^AWS_(SECRET|PROFILE|SECURITY)'"#;
    assert_eq!(
        in_shell(&home, "/bin/sh", script),
        format!("AWS_SECRET_ACCESS_KEY={NASTY}\n")
    );
    let script = r#"set -eu
        "$0" export -p work --format env-no-export >file
        set -a; . ./file; env | grep ^AWS_SECRET"#;
    assert_eq!(
        in_shell(&home, "/bin/sh", script),
        format!("AWS_SECRET_ACCESS_KEY={NASTY}\n")
    );
    assert!(!home.path().join("pwned").exists());
}

/// The output for each format that can take back what `export` set, in a shell that has our region.
#[test]
fn what_was_exported_can_be_taken_back() {
    let home = Home::new();
    let unset = |format: &str, own: &str| {
        home.run(&["export", "--unset", "--format", format])
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_DEFAULT_REGION", own)
            .env("MFA_CREDS_REGION", "eu-west-1")
            .env("AWS_PROFILE", "nosuch")
            .outcome()
            .stdout
    };
    let all = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_ACCOUNT_ID",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "MFA_CREDS_REGION",
    ];
    for (format, before, behind) in [
        ("env", "unset ", "\n"),
        ("env-no-export", "unset ", "\n"),
        ("fish", "set -eg ", "; or true\n"),
        ("powershell", "$Env:", " = $null\n"),
        ("windows-cmd", "set ", "=\n"),
    ] {
        let lines = |names: &[&str]| -> String {
            let lines = names.iter().map(|name| format!("{before}{name}{behind}"));
            lines.collect()
        };
        assert_eq!(unset(format, "eu-west-1"), lines(&all));
        // A region that the user has set since then stays.
        let without = all.map(|name| (name != "AWS_DEFAULT_REGION").then_some(name));
        let without: Vec<&str> = without.into_iter().flatten().collect();
        assert_eq!(unset(format, "sa-east-1"), lines(&without));
    }
    // So does every region if `export` passed on the user's own, or none.
    home.run(&["export", "--unset"])
        .env("AWS_REGION", "eu-west-1")
        .prints(
            "unset AWS_ACCESS_KEY_ID\nunset AWS_SECRET_ACCESS_KEY\n\
             unset AWS_SESSION_TOKEN\nunset AWS_CREDENTIAL_EXPIRATION\n\
             unset AWS_ACCOUNT_ID\n",
            "",
        );
}

#[test]
fn only_shells_can_take_it_back() {
    let home = Home::new();
    for (format, reason) in [
        ("dotenv", "a .env file cannot unset variables"),
        (
            "process",
            "--unset is for shells, and JSON output sets no variables",
        ),
        (
            "json",
            "--unset is for shells, and JSON output sets no variables",
        ),
    ] {
        home.run(&["export", "--unset", "--format", format]).ends(
            2,
            &format!(
                "error: {reason}\n\
                 hint: leave out --unset, or choose the --format of a shell: env, fish, powershell, or windows-cmd\n"
            ),
        );
    }
}

/// No flag is read and ignored.
#[test]
fn taking_back_asks_for_no_profile_and_no_credentials() {
    let home = Home::new();
    let help = home.run(&["export", "--help"]).outcome().stdout;
    let mut tried = 0;
    for line in help.lines() {
        let words = line.trim_start().trim_start_matches("-p, ");
        let Some(flag) = words
            .split([' ', '<'])
            .next()
            .filter(|word| word.starts_with("--"))
        else {
            continue;
        };
        if ["--unset", "--format", "--log-level"].contains(&flag) {
            continue;
        }
        let mut arguments = vec!["export", "--unset", flag];
        if words.contains('<') {
            arguments.push(match words.split(['<', '>']).nth(1) {
                Some("DURATION") => "2h",
                Some("WHERE") => "none",
                _ => "x",
            });
        }
        let outcome = home.run(&arguments).outcome();
        assert_eq!(outcome.status, Some(2), "{arguments:?}: {outcome:?}");
        let told = "error: the argument '--unset' cannot be used with";
        assert!(outcome.stderr.starts_with(told), "{outcome:?}");
        tried += 1;
    }
    assert!(tried > 20, "{help}");
}

#[cfg(unix)]
#[test]
fn a_shell_takes_back_what_it_has_taken() {
    let home = valid();
    let script = r#"set -eu
        AWS_DEFAULT_REGION=eu-west-1
        eval "$("$0" export -p work)"
        AWS_DEFAULT_REGION=sa-east-1
        eval "$("$0" export --unset)"
        env | grep -E '^(AWS|MFA)_'"#;
    assert_eq!(
        in_shell(&home, "/bin/sh", script),
        "AWS_DEFAULT_REGION=sa-east-1\n"
    );
    // Without anything to take back, too.
    let script = r#"set -eu
        eval "$("$0" export --unset)"
        "$0" export -p work --format env-no-export >file
        . ./file
        eval "$("$0" export --unset --format env-no-export)"
        echo "${AWS_SECRET_ACCESS_KEY-none} $AWS_REGION""#;
    assert_eq!(in_shell(&home, "/bin/sh", script), "none eu-west-1\n");
}

#[test]
fn what_a_format_cannot_hold_is_refused_and_nothing_is_printed() {
    for format in ["windows-cmd", "dotenv"] {
        nasty()
            .run(&["export", "-p", "work", "--format", format])
            .ends(
                1,
                "error: this format cannot represent the value of AWS_SECRET_ACCESS_KEY\n\
             hint: choose another --format, or fix the value where it is set\n",
            );
    }
}

/// The run that is named renews what this command reads: the section, or the session file.
#[test]
fn credentials_that_cannot_be_shown_are_renewed_by_the_hint() {
    let sts = StandIn::start(account());
    let broken = |section| short_term(section, FAR).replace("FakeToken", "Fake\u{1b}Token");
    let process =
        "[profile work]\ncredential_process = mfa-creds export -p work --format process\n";
    for (section, kept, config, flags, hint) in [
        (
            broken("work"),
            String::new(),
            "",
            &[][..],
            "mfa-creds -p work --force",
        ),
        (
            String::new(),
            broken("profile work-long-term"),
            "",
            &["--no-store"],
            "mfa-creds exec -p work --no-store --force -- true",
        ),
        (
            String::new(),
            broken("profile work-long-term"),
            process,
            &["--format", "process"],
            "mfa-creds exec -p work --force -- true",
        ),
    ] {
        let home = Home::with(&format!("{}{section}", long_term("work")));
        home.write("config", config);
        fs::create_dir(home.file(".mfa-creds")).unwrap();
        home.write(".mfa-creds/credentials.sessions", &kept);
        let export = [&["export", "-q", "-p", "work"], flags].concat();
        home.run(&export).ends(
            1,
            &format!(
                "error: the value for AWS_SESSION_TOKEN contains unprintable characters, which AWS never uses\n\
                 hint: run `{hint}` to get new credentials\n"
            ),
        );
        let words: Vec<&str> = hint.split(' ').skip(1).collect();
        let code = sts.fresh_code(ALICE_DEVICE);
        let renewal = home.run_with(&sts, &words).env("MFA_TOKEN", &code);
        assert_eq!(renewal.outcome().status, Some(0), "{hint}");
        let calls = sts.calls();
        let again = home.run_with(&sts, &export).outcome();
        assert_eq!(
            (again.status, again.stderr.as_str()),
            (Some(0), ""),
            "{hint}"
        );
        assert_eq!(sts.calls(), calls);
    }
}

#[test]
fn quoting_is_each_shells_own() {
    let home = Home::with(&format!(
        "{}{}",
        long_term("work"),
        short_term("work", FAR).replace("FakeSecret", "it's a \\ ‘d’")
    ));
    for (format, line) in [
        ("env", r"export AWS_SECRET_ACCESS_KEY='it'\''s a \ ‘d’'"),
        ("fish", r"set -gx AWS_SECRET_ACCESS_KEY 'it\'s a \\ ‘d’'"),
        (
            "powershell",
            r"$Env:AWS_SECRET_ACCESS_KEY = 'it''s a \ ‘‘d’’'",
        ),
    ] {
        let outcome = home
            .run(&["export", "-p", "work", "--format", format])
            .outcome();
        assert!(
            outcome.stdout.lines().any(|printed| printed == line),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_region_goes_with_its_profile_and_not_with_the_next_one() {
    let home = valid();
    home.write(
        "credentials",
        &format!("{}{}", home.credentials(), short_term("other", FAR)),
    );
    let regions = |home: &Home, profile, variables: &[(&str, &str)]| -> Vec<String> {
        let run = home.run(&["export", "-p", profile]);
        let run = variables
            .iter()
            .fold(run, |run, (name, value)| run.env(name, value));
        let lines = run.outcome().stdout;
        let lines = lines.lines().filter(|line| line.contains("REGION"));
        lines.map(str::to_owned).collect()
    };
    let of_work = [
        "export AWS_REGION=eu-west-1",
        "export AWS_DEFAULT_REGION=eu-west-1",
        "export MFA_CREDS_REGION=eu-west-1",
    ];
    assert_eq!(regions(&home, "work", &[]), of_work);
    // What was exported before for another profile is not what the person wants.
    let other = [
        ("AWS_REGION", "us-east-2"),
        ("AWS_DEFAULT_REGION", "us-east-2"),
        ("MFA_CREDS_REGION", "us-east-2"),
    ];
    assert_eq!(regions(&home, "work", &other), of_work);
    let none = [
        "unset AWS_REGION",
        "unset AWS_DEFAULT_REGION",
        "unset MFA_CREDS_REGION",
    ];
    assert_eq!(regions(&home, "other", &other), none);
    assert_eq!(regions(&home, "other", &[]), none);
    // What the person has set is.
    let own = [
        "unset MFA_CREDS_REGION",
        "export AWS_REGION=sa-east-1",
        "export AWS_DEFAULT_REGION=sa-east-1",
    ];
    assert_eq!(regions(&home, "work", &[("AWS_REGION", "sa-east-1")]), own);
    let changed = [
        ("AWS_REGION", "sa-east-1"),
        ("MFA_CREDS_REGION", "eu-west-1"),
    ];
    assert_eq!(regions(&home, "work", &changed), own);
}

#[test]
fn a_role_has_the_region_of_its_own_profile() {
    let sts = StandIn::start(account());
    let home = home(&role("admin", ADMIN, "region = eu-north-1"));
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &["export", "-p", "admin", "--format", "json"])
        .stdin(&format!("{code}\n"))
        .outcome();
    assert_eq!(
        outcome.stderr,
        "renewing [admin-mfa]: there are no credentials yet\n\
         [personal] is valid until …\n\
         [admin-mfa] is valid until …\n"
    );
    assert!(
        outcome.stdout.contains("\"Region\": \"eu-north-1\""),
        "{outcome:?}"
    );
    assert!(
        outcome
            .stdout
            .contains(&format!("\"RoleArn\": \"{ADMIN}\"")),
        "{outcome:?}"
    );
}

#[cfg(unix)]
#[test]
fn asks_on_the_terminal_while_standard_output_is_captured() {
    let sts = StandIn::start(Account::example());
    let home = Home::of_alice();
    let mut session = on_terminal(
        &home,
        &sts,
        "eval \"$(\"$0\" export -p work)\"; echo \"$AWS_ACCESS_KEY_ID.\" >got; exit $?",
    );
    session.expect(PROMPT).unwrap();
    session.send_line(sts.fresh_code(ALICE_DEVICE)).unwrap();
    session.expect("[work] is valid until ").unwrap();
    assert_eq!(exited(session), 0);
    let id = value(&home.credentials(), "work", "aws_access_key_id").unwrap();
    assert_eq!(
        fs::read_to_string(home.path().join("got")).unwrap(),
        format!("{id}.\n")
    );
}

#[cfg(unix)]
#[test]
fn on_a_terminal_it_warns_that_secrets_are_on_the_screen() {
    let sts = StandIn::start(Account::example());
    let home = valid();
    let mut session = on_terminal(&home, &sts, "exec \"$0\" export -p work 2>err");
    session.expect("AWS_SECRET_ACCESS_KEY=FakeSecret").unwrap();
    assert_eq!(exited(session), 0);
    let warning = "warning: these secrets are now visible on the screen; see `mfa-creds export --help` for how to use them\n";
    assert_eq!(
        fs::read_to_string(home.path().join("err")).unwrap(),
        warning
    );
    let session = on_terminal(&home, &sts, "exec \"$0\" export -p work 2>err >out");
    assert_eq!(exited(session), 0);
    assert_eq!(fs::read_to_string(home.path().join("err")).unwrap(), "");
}

#[cfg(unix)]
#[test]
fn a_reader_who_goes_away_is_no_error() {
    let home = valid();
    let script = r#"mkfifo go; { read go <go; "$0" export -p work 2>err; echo $? >status; } | { exec <&-; echo >go; }; cat status err"#;
    assert_eq!(in_shell(&home, "/bin/sh", script), "0\n");
}

#[test]
fn nothing_is_printed_when_there_is_nothing_to_print() {
    let home = Home::of_alice();
    home.run(&["export", "-p", "work"]).ends(
        3,
        "renewing [work]: there are no credentials yet\n\
         error: an MFA code is needed, and there is no terminal to ask for it\n\
         hint: pipe it in, set --mfa-process or MFA_PROCESS to a command that prints it, or set MFA_TOKEN\n",
    );
    home.run(&["export", "-p", "nosuch"]).ends(
        1,
        "error: there is no section [nosuch-long-term] in ~/.aws/credentials\n\
         hint: run `mfa-creds setup --profile nosuch` to write it; there are keys for: work\n",
    );
}
