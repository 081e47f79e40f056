//! Less power than the role has: session policies, session tags, and source identity, from flags and files. What was requested is
//! part of what stored credentials must match.

use std::fs;

use stand_in::{ALICE_DEVICE, Account, Device, Request, Role, StandIn};

use crate::support::accounts::alice;
use crate::support::home::Home;
#[cfg(unix)]
use crate::support::home::set_mode;
use crate::support::roles::{ADMIN, AUDIT, LONG, account, home, role};
use crate::support::sections::{FAR, long_term, short_term, value};

const POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": { "Effect": "Allow", "Action": "s3:Get Object", "Resource": "*" }
}
"#;
/// As AWS gets it.
const COMPACT: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get Object","Resource":"*"}}"#;
const READ_ONLY_ACCESS: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const POWER_USER_ACCESS: &str = "arn:aws:iam::aws:policy/PowerUserAccess";
const KEY: &str = "mfa_creds_session_scope";

fn assumed(sts: &StandIn) -> Vec<Request> {
    let requests = sts.requests().into_iter();
    requests
        .filter(|request| request.action == "AssumeRole")
        .collect()
}

/// The parameters of a request that limit a session or tell of it, without their names' first parts.
fn scope(request: &Request) -> Vec<String> {
    let names = ["Policy", "Tags.", "TransitiveTagKeys.", "SourceIdentity"];
    let of_scope = request
        .parameters
        .iter()
        .filter(|(name, _)| names.iter().any(|of| name.starts_with(of)));
    of_scope
        .map(|(name, value)| format!("{}={value}", name.replace("member.", "")))
        .collect()
}

/// A home where the session of the keys is stored, so that no code is needed.
fn with_session(sts: &StandIn, config: &str) -> Home {
    let home = home(config);
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(sts, &["-q", "-p", "personal", "--token", &code])
        .ends(0, "");
    home
}

fn id(home: &Home, section: &str) -> String {
    value(&home.credentials(), section, "aws_access_key_id").unwrap()
}

/// The access key ID that `export` prints.
#[track_caller]
fn exported(home: &Home, sts: &StandIn, arguments: &[&str]) -> String {
    let outcome = home
        .run_with(
            sts,
            &[
                &["export", "-q", "--no-input", "--format", "json"],
                arguments,
            ]
            .concat(),
        )
        .outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let json: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    json["AccessKeyId"].as_str().unwrap().to_owned()
}

#[test]
fn the_flags_are_sent_from_a_session_and_with_a_code() {
    let sts = StandIn::start(account());
    let home = with_session(
        &sts,
        &[role("a", ADMIN, ""), role("long", LONG, "")].concat(),
    );
    home.write("policy.json", POLICY);
    let path = home.file("policy.json");
    let flags = [
        "--session-policy",
        path.to_str().unwrap(),
        "--policy-arn",
        READ_ONLY_ACCESS,
        "--policy-arn",
        POWER_USER_ACCESS,
        "--policy-arn",
        READ_ONLY_ACCESS,
        "--tag",
        "Team=red blue",
        "--tag",
        "cost=",
        "--transitive-tag",
        "team",
        "--source-identity",
        "alice@example.com",
    ];
    let expected = [
        &format!("Policy={COMPACT}"),
        &format!("PolicyArns.1.arn={READ_ONLY_ACCESS}"),
        &format!("PolicyArns.2.arn={POWER_USER_ACCESS}"),
        "SourceIdentity=alice@example.com",
        "Tags.1.Key=Team",
        "Tags.1.Value=red blue",
        "Tags.2.Key=cost",
        "Tags.2.Value=",
        "TransitiveTagKeys.1=team",
    ];
    home.run_with(
        &sts,
        &[&["-q", "--no-input", "-p", "a"], &flags[..]].concat(),
    )
    .ends(0, "");
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(
        &sts,
        &[
            &["-q", "-p", "long", "--direct", "--token", &code],
            &flags[..],
        ]
        .concat(),
    )
    .ends(0, "");
    let requests = assumed(&sts);
    assert_eq!(requests.len(), 2);
    for request in &requests {
        assert_eq!(scope(request), expected);
    }
    assert_eq!(requests[1].parameter("TokenCode"), Some(&*code));
    // The session itself has none of them.
    assert_eq!(scope(&sts.requests()[0]), [""; 0]);
}

#[test]
fn read_only_is_the_policy_of_aws_in_the_partition_of_the_role() {
    for (arn, region, policy) in [
        (ADMIN, "us-east-1", READ_ONLY_ACCESS),
        (
            "arn:aws-us-gov:iam::123456789012:role/admin",
            "us-gov-west-1",
            "arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess",
        ),
    ] {
        let home = home(&role(
            "a",
            arn,
            &format!("region = {region}\nread_only = True\n"),
        ));
        let outcome = home
            .run(&[
                "plan",
                "-p",
                "a",
                "--region",
                region,
                "--device",
                "GAHT12345678",
            ])
            .outcome();
        assert!(
            outcome.stdout.contains(&format!(
                "at most  what both the role and {policy} (read_only of [profile a] in ~/.aws/config) allow\n"
            )),
            "{outcome:?}"
        );
    }
}

#[test]
fn keys_of_the_files_are_sent_and_flags_replace_them_by_kind() {
    let sts = StandIn::start(account());
    let settings = format!(
        "session_policy = policies/s3.json\nsession_policy_arns = {POWER_USER_ACCESS} , {READ_ONLY_ACCESS},\n\
         session_tags = team = red, cost=1\ntransitive_session_tags = COST,cost\nsource_identity = alice\n"
    );
    let home = with_session(&sts, &role("a", ADMIN, &settings));
    fs::create_dir(home.file("policies")).unwrap();
    home.write("policies/s3.json", &format!("\u{feff}{POLICY}"));
    let tags = [
        "Tags.1.Key=team",
        "Tags.1.Value=red",
        "Tags.2.Key=cost",
        "Tags.2.Value=1",
        "TransitiveTagKeys.1=COST",
    ];
    let policies_sent = [
        format!("Policy={COMPACT}"),
        format!("PolicyArns.1.arn={POWER_USER_ACCESS}"),
        format!("PolicyArns.2.arn={READ_ONLY_ACCESS}"),
    ];
    let policies = policies_sent.each_ref().map(String::as_str);
    let read_only = [&*format!("PolicyArns.1.arn={READ_ONLY_ACCESS}")];
    for (flags, expected) in [
        (
            &[][..],
            [&policies[..], &["SourceIdentity=alice"], &tags].concat(),
        ),
        (
            &["--read-only"],
            [&read_only[..], &["SourceIdentity=alice"], &tags].concat(),
        ),
        (
            &["--tag", "x=y"],
            [
                &policies[..],
                &["SourceIdentity=alice", "Tags.1.Key=x", "Tags.1.Value=y"],
            ]
            .concat(),
        ),
        (
            &["--transitive-tag", "team", "--source-identity", "bob"],
            [
                &policies[..],
                &["SourceIdentity=bob"],
                &tags[..4],
                &["TransitiveTagKeys.1=team"],
            ]
            .concat(),
        ),
    ] {
        let arguments = [&["-q", "--no-input", "-p", "a"], flags].concat();
        home.run_with(&sts, &arguments).ends(0, "");
        assert_eq!(scope(assumed(&sts).last().unwrap()), expected, "{flags:?}");
    }
    // With the long-term section, all policies are from there.
    home.write(
        "credentials",
        &format!(
            "{}assume_role = {ADMIN}\nread_only = true\n",
            long_term("a")
        ),
    );
    let outcome = home.run(&["plan", "-p", "a"]).outcome();
    assert!(
        outcome.stdout.contains(&format!(
            "at most  what both the role and {READ_ONLY_ACCESS} (read_only of [a-long-term] in ~/.aws/credentials) allow\n\
             tags     team=red, cost=1 (session_tags of [profile a] in ~/.aws/config); passed on to later roles: COST (transitive_session_tags of [profile a] in ~/.aws/config)\n\
             identity alice (source_identity of [profile a] in ~/.aws/config)\n"
        )),
        "{outcome:?}"
    );
}

#[test]
fn each_role_of_a_chain_has_its_own() {
    let next = "arn:aws:iam::123456789012:role/next";
    let account = account().role(Role::new(next).trusts(ADMIN));
    let sts = StandIn::start(account);
    let middle = role(
        "middle",
        ADMIN,
        "session_tags = team=red\ntransitive_session_tags = team\nsource_identity = alice\n",
    );
    let last = |more: &str| {
        format!("{middle}[profile last]\nrole_arn = {next}\nsource_profile = middle\n{more}")
    };
    let home = with_session(&sts, &last("session_tags = cost=1\n"));
    home.run_with(&sts, &["-q", "--no-input", "-p", "last", "--read-only"])
        .ends(0, "");
    let requests = assumed(&sts);
    assert_eq!(
        scope(&requests[0]),
        [
            "SourceIdentity=alice",
            "Tags.1.Key=team",
            "Tags.1.Value=red",
            "TransitiveTagKeys.1=team"
        ]
    );
    assert_eq!(
        scope(&requests[1]),
        [
            &*format!("PolicyArns.1.arn={READ_ONLY_ACCESS}"),
            "Tags.1.Key=cost",
            "Tags.1.Value=1"
        ]
    );
    // What is inherited counts as requested, too.
    let run = || {
        home.run_with(&sts, &["-q", "--no-input", "-p", "last"])
            .ends(0, "");
        id(&home, "last-mfa")
    };
    let first = run();
    assert_eq!(run(), first);
    let config = last("session_tags = cost=1\n");
    home.write("config", &config.replace("team=red", "team=blue"));
    let second = run();
    assert_ne!(second, first);
    home.write(
        "config",
        &config
            .replace("source_identity = alice", "")
            .replace("team=red", "team=blue"),
    );
    assert_ne!(run(), second);
    let calls = sts.calls();
    // AWS refuses to change what is inherited.
    home.write("config", &last("session_tags = TEAM=blue\n"));
    home.run(&["-p", "last"]).ends(
        1,
        "error: the session tag `TEAM` (session_tags of [profile last] in ~/.aws/config) is inherited from a role before it in the chain \
         (transitive_session_tags of [profile middle] in ~/.aws/config)\n\
         hint: remove one of them; AWS does not let a role change a tag that it inherits\n",
    );
    home.run(&["-p", "last", "--tag", "a=b", "--source-identity", "bob"])
        .ends(
            1,
            "error: the source identity bob (--source-identity) differs from that of a role before it in the chain, alice \
             (source_identity of [profile middle] in ~/.aws/config)\n\
             hint: remove one of them; AWS does not let a role change a source identity that it inherits\n",
        );
    assert_eq!(sts.calls(), calls);
}

#[test]
fn stored_credentials_serve_only_the_request_that_they_were_made_for() {
    let sts = StandIn::start(account());
    let home = with_session(&sts, &role("a", ADMIN, ""));
    let run = |flags: &[&str], because: Option<&str>| {
        let outcome = home
            .run_with(&sts, &[&["--no-input", "-p", "a"], flags].concat())
            .outcome();
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        match because {
            Some(because) => assert!(
                outcome
                    .stderr
                    .starts_with(&format!("renewing [a-mfa]: {because}\n")),
                "{outcome:?}"
            ),
            None => assert_eq!(outcome.stderr, "[a-mfa] is still valid until …\n"),
        }
    };
    run(&[], Some("there are no credentials yet"));
    let full = home.credentials();
    assert!(!full.contains(KEY));
    run(
        &["--read-only"],
        Some("its credentials have more power than requested"),
    );
    let written = value(&home.credentials(), "a-mfa", KEY).unwrap();
    assert!(
        written.starts_with(&format!("{}:", id(&home, "a-mfa"))),
        "{written}"
    );
    run(&["--read-only"], None);
    // The same in other words.
    run(&["--policy-arn", READ_ONLY_ACCESS], None);
    run(
        &["--policy-arn", POWER_USER_ACCESS],
        Some("its credentials have other session policies or tags than requested"),
    );
    run(
        &["--tag", "a=b", "--tag", "c=d"],
        Some("its credentials have other session policies or tags than requested"),
    );
    run(&["--tag", "c=d", "--tag", "a=b"], None);
    run(
        &["--tag", "c=d", "--tag", "a=b", "--transitive-tag", "a"],
        Some("its credentials have other session policies or tags than requested"),
    );
    run(
        &[],
        Some("its credentials have session policies or tags that were not requested"),
    );
    assert!(!home.credentials().contains(KEY));
    run(
        &["--source-identity", "alice"],
        Some("its credentials do not have the requested session tags or source identity"),
    );
    assert_eq!(sts.requests().len(), 1 + assumed(&sts).len());
}

#[test]
fn the_content_of_the_policy_counts_and_not_its_form_or_place() {
    let sts = StandIn::start(account());
    let home = with_session(
        &sts,
        &role("a", ADMIN, "session_policy = ~/.aws/policy.json\n"),
    );
    home.write("policy.json", POLICY);
    let run = || {
        home.run_with(&sts, &["-q", "--no-input", "-p", "a"])
            .ends(0, "");
        id(&home, "a-mfa")
    };
    let first = run();
    home.write("policy.json", COMPACT);
    assert_eq!(run(), first);
    fs::rename(home.file("policy.json"), home.file("other.json")).unwrap();
    home.write("config", &role("a", ADMIN, "session_policy = other.json\n"));
    assert_eq!(run(), first);
    home.write("other.json", &POLICY.replace("Get Object", "GetObject"));
    let second = run();
    assert_ne!(second, first);
    // Without it, nothing is known about the stored credentials.
    fs::remove_file(home.file("other.json")).unwrap();
    home.run(&["-p", "a"]).ends(
        1,
        "error: ~/.aws/other.json (session_policy of [profile a] in ~/.aws/config) cannot be read: no such file or directory\n\
         hint: write an IAM policy to that file, or fix its path\n",
    );
}

#[test]
fn what_another_tool_writes_over_ours_has_all_power() {
    let sts = StandIn::start(account());
    let home = with_session(&sts, &role("a", ADMIN, ""));
    home.run_with(&sts, &["-q", "--no-input", "-p", "a", "--read-only"])
        .ends(0, "");
    // aws-mfa leaves keys that it does not know.
    let text = home.credentials();
    let ours = id(&home, "a-mfa");
    home.write(
        "credentials",
        &text.replace(&ours, "ASIAFAKEFAKEFAKEFAK2").replacen(
            "mfa_creds_session_scope = ASIAFAKEFAKEFAKEFAK2",
            &format!("mfa_creds_session_scope = {ours}"),
            1,
        ),
    );
    home.run(&["-p", "a"])
        .ends(0, "[a-mfa] is still valid until …\n");
    let outcome = home
        .run_with(&sts, &["--no-input", "-p", "a", "--read-only"])
        .outcome();
    assert!(
        outcome
            .stderr
            .starts_with("renewing [a-mfa]: its credentials have more power than requested\n"),
        "{outcome:?}"
    );
}

#[test]
fn an_agent_and_its_person_do_not_replace_each_others_credentials() {
    let sts = StandIn::start(account());
    let home = with_session(&sts, &role("a", ADMIN, ""));
    home.run_with(&sts, &["-q", "--no-input", "-p", "a"])
        .ends(0, "");
    let before = home.credentials();
    let read_only = exported(&home, &sts, &["-p", "a", "--read-only"]);
    let tagged = exported(&home, &sts, &["-p", "a", "--tag", "agent=1"]);
    let unlimited = exported(&home, &sts, &["-p", "a"]);
    let private = exported(&home, &sts, &["-p", "a", "--no-store"]);
    let all = [&read_only, &tagged, &unlimited, &private];
    for (number, one) in all.iter().enumerate() {
        assert!(all[number + 1..].iter().all(|other| other != one));
    }
    assert_eq!(unlimited, id(&home, "a-mfa"));
    assert_eq!(home.credentials(), before);
    let calls = sts.calls();
    // Each has its own.
    for no_store in [&[][..], &["--no-store"]] {
        let flags = [&["-p", "a", "--read-only"], no_store].concat();
        assert_eq!(exported(&home, &sts, &flags), read_only);
    }
    assert_eq!(
        exported(&home, &sts, &["-p", "a", "--tag", "agent=1"]),
        tagged
    );
    assert_eq!(exported(&home, &sts, &["-p", "a", "--no-store"]), private);
    assert_eq!(exported(&home, &sts, &["-p", "a"]), unlimited);
    assert_eq!(sts.calls(), calls);
    let sessions = || {
        let file = home.file(".mfa-creds/credentials.sessions");
        fs::read_to_string(file).unwrap_or_default()
    };
    let scoped = |text: &str| text.matches("[scoped ").count();
    assert_eq!(scoped(&sessions()), 2, "{}", sessions());
    // What has expired makes room for the next.
    let expired = sessions()
        .lines()
        .map(|line| match line.strip_prefix("expiration = ") {
            Some(_) => "expiration = 2020-01-01 00:00:00\n".to_owned(),
            None => format!("{line}\n"),
        })
        .collect::<String>();
    fs::write(home.file(".mfa-creds/credentials.sessions"), expired).unwrap();
    exported(&home, &sts, &["-p", "a", "--tag", "agent=2"]);
    assert_eq!(scoped(&sessions()), 1, "{}", sessions());
    let outcome = home.run(&["clear", "-p", "a"]).outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(scoped(&sessions()), 0);
}

#[test]
fn a_profile_of_an_agent_is_stored_like_any_other() {
    let sts = StandIn::start(account());
    let agent = role("agent", ADMIN, "read_only = true\n");
    let home = with_session(&sts, &agent);
    let first = exported(&home, &sts, &["-p", "agent"]);
    assert_eq!(first, id(&home, "agent-mfa"));
    home.run(&["status", "--check", "-p", "agent"]).ends(0, "");
    home.run(&["-p", "agent"])
        .ends(0, "[agent-mfa] is still valid until …\n");
    let state = |expected: &str| {
        let outcome = home.run(&["status", "--json", "-p", "agent"]).outcome();
        let json: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(json["profiles"][0]["state"], expected, "{outcome:?}");
        home.run(&["status", "-p", "agent"]).outcome().stdout
    };
    state("valid");
    home.write("config", &role("agent", ADMIN, ""));
    let table = state("other_session");
    assert!(
        table.ends_with(
            "\nagent: its credentials have session policies or tags that were not requested\n"
        ) && table.contains("other session"),
        "{table}"
    );
    home.run(&["status", "--check", "-p", "agent"]).ends(1, "");
    // Named by nobody, the section is as it says.
    home.write("config", "");
    let outcome = home.run(&["status", "--json"]).outcome();
    assert!(outcome.stdout.contains("\"valid\""), "{outcome:?}");
    home.write("config", &agent);
    let outcome = home.run(&["clear", "-p", "agent"]).outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(!home.credentials().contains(KEY));
}

#[test]
fn plan_and_v_say_what_is_set_and_that_other_tools_ignore_it() {
    let home = home(&role(
        "a",
        ADMIN,
        "read_only = true\nsession_tags = team=red\n",
    ));
    let outcome = home.run(&["plan", "-p", "a"]).outcome();
    assert!(
        outcome.stdout.ends_with(
            "use      --profile a-mfa\n\
             natively with --profile a, AWS tools ignore read_only: they may assume the role with all its power\n"
        ),
        "{outcome:?}"
    );
    let outcome = home
        .run(&[
            "plan",
            "-p",
            "a",
            "--policy-arn",
            POWER_USER_ACCESS,
            "--policy-arn",
            READ_ONLY_ACCESS,
        ])
        .outcome();
    assert!(
        outcome.stdout.contains(&format!(
            "\nat most  what the role and at least one of these policies allow: {POWER_USER_ACCESS} (--policy-arn), {READ_ONLY_ACCESS} (--policy-arn)\n\
             tags     team=red (session_tags of [profile a] in ~/.aws/config)\n"
        )),
        "{outcome:?}"
    );
    let outcome = home
        .run(&[
            "export",
            "-v",
            "--no-input",
            "-p",
            "a",
            "--source-identity",
            "alice",
        ])
        .outcome();
    assert!(
        outcome
            .stderr
            .contains("credentials are stored in the session file (--source-identity)\n")
            && outcome.stderr.contains(&format!(
                "session policy: {READ_ONLY_ACCESS} (read_only of [profile a] in ~/.aws/config)\n\
                 session tag: team=red (session_tags of [profile a] in ~/.aws/config)\n\
                 source identity: alice (--source-identity)\n"
            )),
        "{outcome:?}"
    );
}

#[test]
fn a_session_of_the_user_has_none_and_they_are_refused() {
    let stored = format!("{}{}", long_term("work"), short_term("work", FAR));
    let home = Home::with(&stored);
    home.write("policy.json", POLICY);
    let path = home.file("policy.json");
    let refused = |origin: &str| {
        format!(
            "error: {origin} needs a role: AWS supports session policies, session tags, and a source identity only for roles\n\
             hint: use --assume-role ARN, or the profile of a role\n"
        )
    };
    for (flag, more) in [
        ("--read-only", &[][..]),
        ("--session-policy", &[path.to_str().unwrap()]),
        ("--policy-arn", &[READ_ONLY_ACCESS]),
        ("--tag", &["a=b"]),
        ("--transitive-tag", &["a"]),
        ("--source-identity", &["alice"]),
    ] {
        home.run(&[&["-p", "work", flag], more].concat())
            .ends(1, &refused(flag));
        home.run(&[&["export", "-p", "work", flag], more].concat())
            .ends(1, &refused(flag));
    }
    for line in [
        "read_only = true",
        "session_policy = policy.json",
        &format!("session_policy_arns = {READ_ONLY_ACCESS}"),
        "session_tags = a=b",
        "transitive_session_tags = a",
        "source_identity = alice",
    ] {
        home.write("config", &format!("[profile work]\n{line}\n"));
        let key = line.split(' ').next().unwrap();
        let origin = format!("{key} of [profile work] in ~/.aws/config");
        home.run(&["-p", "work"]).ends(1, &refused(&origin));
        home.run(&["status", "--check", "-p", "work"]).ends(1, "");
        let outcome = home.run(&["status", "-p", "work"]).outcome();
        assert!(
            outcome
                .stdout
                .contains(&format!("work: {origin} needs a role")),
            "{outcome:?}"
        );
        let outcome = home.run(&["doctor", "--offline", "-p", "work"]).outcome();
        assert!(
            outcome.stdout.contains(&format!("{origin} needs a role")),
            "{outcome:?}"
        );
    }
    // With a role, they apply to it.
    let outcome = home
        .run(&["plan", "-p", "work", "--assume-role", ADMIN])
        .outcome();
    assert!(
        outcome
            .stdout
            .contains("\nidentity alice (source_identity of"),
        "{outcome:?}"
    );
    // A mistyped profile is the more likely mistake.
    home.run(&["-p", "wrok", "--read-only"]).ends(
        1,
        "error: there is no section [wrok-long-term] in ~/.aws/credentials\n\
         hint: did you mean --profile work?\n",
    );
    assert_eq!(home.credentials(), stored);
}

#[test]
fn keys_of_a_profile_do_not_apply_to_another_role() {
    let home = home(&role("a", ADMIN, "read_only = true\n"));
    let outcome = home
        .run(&["plan", "-p", "a", "--assume-role", AUDIT])
        .outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(!outcome.stdout.contains("at most"), "{outcome:?}");
}

/// It fails before a code is asked for, and before anything is sent.
#[track_caller]
fn fails(home: &Home, arguments: &[&str], stderr: &str) {
    let arguments = [&["--token", "123456", "-p", "a"], arguments].concat();
    home.run(&arguments)
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1/no-request")
        .ends(1, stderr);
}

#[test]
fn tags_have_a_form() {
    let home = home(&role("a", ADMIN, ""));
    let long_key = format!("{}=x", "k".repeat(129));
    let long_value = format!("x={}", "v".repeat(257));
    for (tag, stderr) in [
        (
            "team",
            "error: `team` (--tag) is not a session tag\nhint: write it as KEY=VALUE\n".to_owned(),
        ),
        (
            "=red",
            "error: `` (--tag) is not a valid key of a session tag\n\
             hint: use 1 to 128 letters, digits, spaces, and any of _.:/=+-@\n"
                .to_owned(),
        ),
        (
            "AWS:team=red",
            "error: the session tag `AWS:team` (--tag) starts with aws:\n\
             hint: use another key; AWS reserves these keys\n"
                .to_owned(),
        ),
        (
            &long_key,
            format!(
                "error: `{}` (--tag) is not a valid key of a session tag\n\
                 hint: use 1 to 128 letters, digits, spaces, and any of _.:/=+-@\n",
                "k".repeat(129)
            ),
        ),
        (
            &long_value,
            format!(
                "error: `{}` (--tag) is not a valid value of the session tag `x`\n\
                 hint: use up to 256 letters, digits, spaces, and any of _.:/=+-@\n",
                "v".repeat(257)
            ),
        ),
        (
            "team=a,b",
            "error: `a,b` (--tag) is not a valid value of the session tag `team`\n\
             hint: use up to 256 letters, digits, spaces, and any of _.:/=+-@\n"
                .to_owned(),
        ),
    ] {
        fails(&home, &["--tag", tag], &stderr);
    }
    fails(
        &home,
        &["--tag", "Team=red", "--tag", "team=blue"],
        "error: the session tag `team` (--tag) is set twice: AWS ignores case in the keys of tags\n\
         hint: remove one of them\n",
    );
    let many: Vec<String> = (0..51).map(|number| format!("k{number}=v")).collect();
    let many: Vec<&str> = many.iter().flat_map(|tag| ["--tag", tag]).collect();
    fails(
        &home,
        &many,
        "error: 51 session tags (--tag) are more than AWS accepts\nhint: use at most 50\n",
    );
    for flags in [
        &["--transitive-tag", "team"][..],
        &["--tag", "a=b", "--transitive-tag", "team"],
    ] {
        fails(
            &home,
            flags,
            "error: `team` (--transitive-tag) is not the key of a session tag\n\
             hint: set the tag, too, with --tag or session_tags\n",
        );
    }
    home.write("config", &role("a", ADMIN, "session_tags = a=b,c\n"));
    fails(
        &home,
        &[],
        "error: `c` (session_tags of [profile a] in ~/.aws/config) is not a session tag\n\
         hint: write the tags as KEY1=VALUE1,KEY2=VALUE2\n",
    );
    for name in ["a", "aws:alice", "alice bob"] {
        fails(
            &home,
            &["--tag", "a=b", "--source-identity", name],
            &format!(
                "error: `{name}` (--source-identity) is not a valid source identity\n\
                 hint: use 2 to 64 letters, digits, and any of _+=,.@-\n"
            ),
        );
    }
}

#[test]
fn policies_have_a_form() {
    let home = home(&role("a", ADMIN, ""));
    home.write("policy.json", POLICY);
    let path = home.file("policy.json");
    let path = path.to_str().unwrap();
    let is_policy = "hint: the file must contain one IAM policy in JSON, with a Statement\n";
    for (text, problem) in [
        (
            "",
            "is not valid JSON: EOF while parsing a value at line 1 column 0",
        ),
        (
            "{ \"Statement\": }",
            "is not valid JSON: expected value at line 1 column 16",
        ),
        ("[]", "is not an IAM policy: it is not a JSON object"),
        ("{}", "is not an IAM policy: it has no Statement"),
    ] {
        home.write("policy.json", text);
        fails(
            &home,
            &["--session-policy", path],
            &format!("error: ~/.aws/policy.json (--session-policy) {problem}\n{is_policy}"),
        );
    }
    fs::write(home.file("policy.json"), [b'{', 0xff, b'}']).unwrap();
    fails(
        &home,
        &["--session-policy", path],
        &format!("error: ~/.aws/policy.json (--session-policy) is not UTF-8 text\n{is_policy}"),
    );
    home.write("policy.json", &POLICY.replace("Object", "Objéct€"));
    fails(
        &home,
        &["--session-policy", path],
        "error: ~/.aws/policy.json (--session-policy) contains the character U+20AC, which AWS does not accept in a session policy\n\
         hint: write it as \\u20ac in a string, or leave it out\n",
    );
    // White space does not count.
    let fitting = |more: usize| {
        let resource = "x".repeat(2048 - COMPACT.len() + 1 + more);
        POLICY.replace('*', &resource) + &" ".repeat(4096)
    };
    home.write("policy.json", &fitting(0));
    let outcome = home
        .run(&["plan", "-p", "a", "--session-policy", path])
        .outcome();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    home.write("policy.json", &fitting(1));
    fails(
        &home,
        &["--session-policy", path],
        "error: the session policies have 2049 characters without white space, more than AWS accepts: ~/.aws/policy.json (--session-policy)\n\
         hint: use at most 2048, or a managed policy with --policy-arn or session_policy_arns\n",
    );
    home.write("policy.json", &fitting(0));
    fails(
        &home,
        &["--session-policy", path, "--policy-arn", READ_ONLY_ACCESS],
        &format!(
            "error: the session policies have 2086 characters without white space, more than AWS accepts: \
             ~/.aws/policy.json (--session-policy), {READ_ONLY_ACCESS} (--policy-arn)\n\
             hint: use at most 2048, or a managed policy with --policy-arn or session_policy_arns\n"
        ),
    );
    for arn in ["ReadOnlyAccess", ADMIN, "arn:aws:iam::aws:policy/"] {
        fails(
            &home,
            &["--policy-arn", arn],
            &format!(
                "error: `{arn}` (--policy-arn) is not the ARN of a managed policy\n\
                 hint: write it like arn:aws:iam::123456789012:policy/NAME, or arn:aws:iam::aws:policy/NAME for a policy of AWS\n"
            ),
        );
    }
    for arn in [
        "arn:aws:iam::210987654321:policy/x",
        "arn:aws-cn:iam::aws:policy/ReadOnlyAccess",
    ] {
        fails(
            &home,
            &["--policy-arn", arn],
            &format!(
                "error: the policy {arn} (--policy-arn) is not in the account of the role {ADMIN} (role_arn of [profile a] in ~/.aws/config)\n\
                 hint: use a policy of that account, or one of AWS in the same partition\n"
            ),
        );
    }
    let many: Vec<String> = (0..11)
        .map(|number| format!("arn:aws:iam::123456789012:policy/p{number}"))
        .collect();
    let many: Vec<&str> = many.iter().flat_map(|arn| ["--policy-arn", arn]).collect();
    fails(
        &home,
        &many,
        "error: 11 managed policies are more than AWS accepts as session policies\nhint: use at most 10\n",
    );
}

#[test]
fn the_policy_must_be_a_file_that_can_be_read() {
    let home = home(&role("a", ADMIN, ""));
    let regular = "hint: use a regular file with an IAM policy in JSON\n";
    let path = home.file("policy.json");
    let path = path.to_str().unwrap();
    fails(
        &home,
        &["--session-policy", path],
        "error: ~/.aws/policy.json (--session-policy) cannot be read: no such file or directory\n\
         hint: write an IAM policy to that file, or fix its path\n",
    );
    fs::create_dir(path).unwrap();
    fails(
        &home,
        &["--session-policy", path],
        &format!(
            "error: ~/.aws/policy.json (--session-policy) cannot be read: it is a directory\n{regular}"
        ),
    );
    fs::remove_dir(path).unwrap();
    let huge = fs::File::create(path).unwrap();
    huge.set_len(17 * 1024 * 1024).unwrap();
    fails(
        &home,
        &["--session-policy", path],
        &format!(
            "error: ~/.aws/policy.json (--session-policy) cannot be read: it is larger than 16777216 bytes\n{regular}"
        ),
    );
    fs::remove_file(path).unwrap();
    #[cfg(unix)]
    {
        let status = std::process::Command::new("mkfifo").arg(path).status();
        assert!(status.unwrap().success());
        fails(
            &home,
            &["--session-policy", path],
            &format!(
                "error: ~/.aws/policy.json (--session-policy) cannot be read: it is a named pipe, not a regular file\n{regular}"
            ),
        );
        fs::remove_file(path).unwrap();
        home.write("policy.json", POLICY);
        set_mode(&home.file("policy.json"), 0o000);
        // Root reads everything.
        if fs::read(path).is_err() {
            fails(
                &home,
                &["--session-policy", path],
                &format!(
                    "error: ~/.aws/policy.json (--session-policy) cannot be read: permission denied\n\
                     hint: make it readable: chmod u+rw {path}, or chown it if it belongs to another user\n"
                )
                .replace(home.path().to_str().unwrap(), "~"),
            );
        }
    }
}

#[test]
fn read_only_is_alone() {
    let home = home(&role("a", ADMIN, ""));
    for flag in ["--session-policy", "--policy-arn"] {
        let outcome = home.run(&["-p", "a", "--read-only", flag, "x"]).outcome();
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(
            outcome.stderr.contains("cannot be used with"),
            "{outcome:?}"
        );
    }
    // What an unset variable leaves of a flag.
    for flag in [
        "--session-policy",
        "--policy-arn",
        "--tag",
        "--transitive-tag",
        "--source-identity",
    ] {
        let outcome = home.run(&["-p", "a", flag, ""]).outcome();
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(
            outcome
                .stderr
                .contains("name a value, or leave out the flag"),
            "{outcome:?}"
        );
    }
    home.write(
        "config",
        &role(
            "a",
            ADMIN,
            &format!("read_only = true\nsession_policy_arns = {POWER_USER_ACCESS}\n"),
        ),
    );
    fails(
        &home,
        &[],
        "error: read_only of [profile a] in ~/.aws/config and session_policy_arns of [profile a] in ~/.aws/config contradict each other: \
         AWS allows what any of several session policies allows\n\
         hint: remove one of them\n",
    );
    home.write("config", &role("a", ADMIN, "read_only = yes\n"));
    fails(
        &home,
        &[],
        "error: `yes` (read_only of [profile a] in ~/.aws/config) is neither true nor false\n\
         hint: set it to `true` or `false`\n",
    );
    home.write("config", &role("a", ADMIN, "read_only = false\n"));
    let outcome = home.run(&["plan", "-p", "a"]).outcome();
    assert!(!outcome.stdout.contains("at most"), "{outcome:?}");
}

#[test]
fn what_aws_refuses_is_explained() {
    let sts = StandIn::start(account());
    let home = with_session(&sts, &role("a", ADMIN, ""));
    let tags: Vec<String> = (0..9)
        .map(|number| format!("T{number}={}", "a".repeat(250)))
        .collect();
    let tags: Vec<&str> = tags.iter().flat_map(|tag| ["--tag", tag]).collect();
    home.run_with(&sts, &[&["-q", "--no-input", "-p", "a"], &tags[..]].concat())
        .ends(
            1,
            &format!(
                "error: the session policies and session tags for the role {ADMIN} are too large together: \
                 Packed size of session tags consumes 498% of allotted space.\n\
                 hint: shorten them, or use a managed policy with --policy-arn or session_policy_arns; AWS compresses them, and limits the result\n"
            ),
        );
    let outcome = home
        .run_with(&sts, &["-v", "--no-input", "-p", "a", "--tag", "team=red"])
        .outcome();
    let size = format!(
        "session token of {ADMIN}: 1% of the size that AWS allows, which policies and tags count towards\n"
    );
    assert!(outcome.stderr.contains(&size), "{outcome:?}");
    home.write("policy.json", r#"{"Statement": {"Effect": "Perhaps"}}"#);
    let path = home.file("policy.json");
    home.run_with(
        &sts,
        &[
            "-q",
            "--no-input",
            "-p",
            "a",
            "--session-policy",
            path.to_str().unwrap(),
        ],
    )
    .ends(
        1,
        &format!(
            "error: AWS rejects a session policy for the role {ADMIN}: Syntax errors in policy.\n\
             hint: fix the policy; the policy editor in the IAM console shows the mistake\n"
        ),
    );
}

#[test]
fn tags_and_a_source_identity_need_permissions() {
    for (action, flags) in [
        ("sts:TagSession", ["--tag", "a=b"]),
        ("sts:SetSourceIdentity", ["--source-identity", "alice"]),
    ] {
        let alice = alice().device(Device::new(ALICE_DEVICE)).denies(action);
        let account = Account::new().user(alice).role(Role::new(ADMIN));
        let sts = StandIn::start(account);
        let home = with_session(&sts, &role("a", ADMIN, ""));
        let outcome = home
            .run_with(
                &sts,
                &[&["-q", "--no-input", "-p", "a"], &flags[..]].concat(),
            )
            .outcome();
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        assert!(
            outcome.stderr.starts_with(&format!("error: AWS denied the role {ADMIN} "))
                && outcome.stderr.ends_with(&format!(
                    "hint: allow {action} in the role's trust policy; if the role is in another account, also in a policy of the user\n"
                )),
            "{outcome:?}"
        );
    }
}
