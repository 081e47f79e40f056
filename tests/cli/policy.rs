//! Policies that demand MFA: what is printed, and what it does, acted out with the stand-in, which decides as IAM does.

#[cfg(unix)]
use expectrl::Expect as _;
use serde_json::Value;
#[cfg(unix)]
use stand_in::{
    ALICE_ACCESS_KEY_ID, ALICE_DEVICE, ALICE_SECRET_ACCESS_KEY, Account, StandIn, User,
};

#[cfg(unix)]
use crate::support::enrollment::{FIRST, begin, type_codes};
use crate::support::home::{Home, Outcome};
#[cfg(unix)]
use crate::support::next_code::passed_side_by_side;
#[cfg(unix)]
use crate::support::sections::{keys_only, value};
#[cfg(unix)]
use crate::support::terminal::exited;

const ACCOUNT: &str = "123456789012";
/// The most that a managed policy may have, without white space, and a trust policy.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const MOST_OF_POLICY: usize = 6144;
const MOST_OF_TRUST: usize = 2048;

fn print(arguments: &[&str]) -> Outcome {
    Home::new()
        .run(&[&["policy"], arguments].concat())
        .outcome()
}

fn text(arguments: &[&str]) -> String {
    let outcome = print(arguments);
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    outcome.stdout
}

#[test]
fn there_is_a_line_for_each() {
    assert_eq!(
        text(&["list"]),
        "require-mfa   denies everything without MFA, except enrolling a device and getting a session\n\
         self-service  lets users manage their own password, access keys, and MFA devices\n\
         role-trust    lets users of an account assume a role with MFA; this is the trust policy of the role\n\
         assume-role   lets users assume a role; this is the policy of the users\n"
    );
}

#[test]
fn without_a_name_the_names_are_listed() {
    let list = text(&["list"]);
    for arguments in [&[][..], &["--format", "terraform"]] {
        let outcome = print(arguments);
        assert_eq!(
            (outcome.status, &*outcome.stdout),
            (Some(2), ""),
            "{outcome:?}"
        );
        assert_eq!(
            outcome.stderr,
            format!(
                "error: `mfa-creds policy` needs the name of a policy:\n{list}\
                 hint: add one of these names, for example `mfa-creds policy require-mfa`\n"
            )
        );
    }
}

#[test]
fn only_what_it_takes_is_open_without_mfa() {
    assert_eq!(
        text(&["require-mfa"]),
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "DenyAllButEnrollmentWithoutMFA",
      "Effect": "Deny",
      "NotAction": [
        "iam:CreateVirtualMFADevice",
        "iam:DeleteVirtualMFADevice",
        "iam:EnableMFADevice",
        "iam:GetMFADevice",
        "iam:GetUser",
        "iam:ListMFADevices",
        "iam:ListVirtualMFADevices",
        "iam:ResyncMFADevice",
        "sts:GetSessionToken"
      ],
      "Resource": "*",
      "Condition": {
        "BoolIfExists": {
          "aws:MultiFactorAuthPresent": "false"
        }
      }
    }
  ]
}
"#
    );
}

#[test]
fn a_role_and_whoever_assumes_it() {
    assert_eq!(
        text(&[
            "role-trust",
            "--account",
            ACCOUNT,
            "--max-mfa-age",
            "1h",
            "--partition",
            "aws-cn"
        ]),
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AssumeWithMFA",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws-cn:iam::123456789012:root"
      },
      "Action": "sts:AssumeRole",
      "Condition": {
        "Bool": {
          "aws:MultiFactorAuthPresent": "true"
        },
        "NumericLessThan": {
          "aws:MultiFactorAuthAge": "3600"
        }
      }
    }
  ]
}
"#
    );
    assert_eq!(
        text(&["assume-role", "--account", ACCOUNT, "--role", "/team/admin"]),
        r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AssumeRole",
      "Effect": "Allow",
      "Action": "sts:AssumeRole",
      "Resource": "arn:aws:iam::123456789012:role/team/admin"
    }
  ]
}
"#
    );
}

#[test]
fn terraform_gets_a_role_or_a_group_with_its_policy() {
    assert_eq!(
        text(&[
            "role-trust",
            "--account",
            ACCOUNT,
            "--role",
            "team/admin",
            "--format",
            "terraform"
        ]),
        r#"resource "aws_iam_role" "role_trust" {
  name        = "admin"
  path        = "/team/"
  description = "Assumed with MFA only"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AssumeWithMFA"
        Effect = "Allow"
        Principal = {
          AWS = "arn:aws:iam::123456789012:root"
        }
        Action = "sts:AssumeRole"
        Condition = {
          Bool = {
            "aws:MultiFactorAuthPresent" = "true"
          }
        }
      },
    ]
  })
}
"#
    );
    let service = text(&[
        "self-service",
        "--account",
        ACCOUNT,
        "--format",
        "terraform",
    ]);
    assert!(
        service.contains("\"arn:aws:iam::123456789012:user/*/$${aws:username}\",\n"),
        "{service}"
    );
    assert_eq!(
        service.matches("${").count(),
        service.matches("$${").count()
    );
    let attached = "resource \"aws_iam_group\" \"self_service\" {\n  name = \"self-service\"\n}\n\n\
        resource \"aws_iam_group_policy_attachment\" \"self_service\" {\n  \
        group      = aws_iam_group.self_service.name\n  \
        policy_arn = aws_iam_policy.self_service.arn\n}\n";
    assert!(service.ends_with(attached), "{service}");
}

#[test]
fn none_is_larger_than_aws_lets_it_be() {
    let role = ["--account", ACCOUNT, "--role", "admin"];
    for (arguments, most) in [
        (vec!["require-mfa"], MOST_OF_POLICY),
        (vec!["self-service", "--account", ACCOUNT], MOST_OF_POLICY),
        ([&["assume-role"], &role[..]].concat(), MOST_OF_POLICY),
        (
            vec!["role-trust", "--account", ACCOUNT, "--max-mfa-age", "12h"],
            MOST_OF_TRUST,
        ),
    ] {
        let policy: Value = serde_json::from_str(&text(&arguments)).unwrap();
        assert!(policy.to_string().len() < most, "{arguments:?}");
    }
}

#[test]
fn what_means_nothing_is_refused() {
    let said = |arguments: &[&str], stderr: &str| {
        let outcome = print(arguments);
        assert_eq!(
            (outcome.status, &*outcome.stdout),
            (Some(2), ""),
            "{outcome:?}"
        );
        assert!(outcome.stderr.contains(stderr), "{outcome:?}");
    };
    said(
        &["nosuch"],
        "error: invalid value 'nosuch' for '[NAME]'\n  \
         [possible values: list, require-mfa, self-service, role-trust, assume-role]\n",
    );
    said(&["role-trust"], "  --account <ID>\n");
    said(&["assume-role", "--account", ACCOUNT], "  --role <NAME>\n");
    said(
        &["self-service", "--account", "1234"],
        ": an account ID has 12 digits\n",
    );
    said(
        &["assume-role", "--account", ACCOUNT, "--role", "a*"],
        ": a role name has ",
    );
    said(
        &["self-service", "--partition", "AWS"],
        ": a partition is `aws`, `aws-cn`, ",
    );
    let nothing = |flag: &str| {
        format!(
            "error: {flag} does not apply to this policy\n\
             hint: remove it; `mfa-creds policy --help` shows what each flag is for\n"
        )
    };
    said(
        &["require-mfa", "--account", ACCOUNT],
        &nothing("--account"),
    );
    said(&["self-service", "--role", "admin"], &nothing("--role"));
    said(
        &["require-mfa", "--max-mfa-age", "1h"],
        &nothing("--max-mfa-age"),
    );
    said(&["list", "--format", "terraform"], &nothing("--format"));
    said(
        &["role-trust", "--account", ACCOUNT, "--role", "admin"],
        "error: a trust policy does not contain the name of its role, so --role requires --format terraform\n",
    );
}

/// A user of a team, with long-term keys and no device, who may do what these policies allow.
#[cfg(unix)]
fn account(require_mfa: &str, self_service: &str) -> StandIn {
    let alice = User::new("alice")
        .path("/team/")
        .access_key(ALICE_ACCESS_KEY_ID, ALICE_SECRET_ACCESS_KEY)
        .policy("require-mfa", require_mfa)
        .policy("self-service", self_service);
    StandIn::start(Account::new().user(alice))
}

#[cfg(unix)]
fn rotate(home: &Home, sts: &StandIn) -> Outcome {
    home.run_with(sts, &["rotate", "-p", "work", "--yes"])
        .outcome()
}

#[cfg(unix)]
#[test]
fn a_user_without_a_device_can_do_nothing_but_enroll_and_then_all_that_is_allowed() {
    if passed_side_by_side() {
        return;
    }
    let sts = account(&text(&["require-mfa"]), &text(&["self-service"]));
    let home = Home::with(&keys_only());
    let denied = rotate(&home, &sts);
    assert_eq!(
        denied.stderr,
        format!(
            "error: AWS denied iam:ListAccessKeys to access key {}…{}: User: arn:aws:iam::123456789012:user/team/alice is not \
             authorized to perform: iam:ListAccessKeys on resource: user alice with an explicit deny in an identity-based policy: \
             arn:aws:iam::123456789012:policy/require-mfa\n\
             hint: a policy may require MFA: run `mfa-creds -p work`, then run this command again; otherwise, ask an administrator\n",
            &ALICE_ACCESS_KEY_ID[..4],
            &ALICE_ACCESS_KEY_ID[16..]
        )
    );
    assert_eq!(denied.status, Some(1));

    let mut run = begin(&home, &sts, "exec \"$0\" device enroll -p work");
    run.expect(FIRST).unwrap();
    type_codes(&mut run, &sts, ALICE_DEVICE);
    run.expect("Write it to [work-long-term]?").unwrap();
    run.send_line("y").unwrap();
    run.expect("next: mfa-creds -p work").unwrap();
    assert_eq!(exited(run), 0);

    // With the device, and without a session, it is no better.
    assert_eq!(rotate(&home, &sts).status, Some(1));
    let code = sts.fresh_code(ALICE_DEVICE);
    home.run_with(&sts, &["-p", "work", "--token", &code])
        .succeeds();
    let allowed = rotate(&home, &sts);
    assert_eq!(allowed.status, Some(0), "{allowed:?}");
    let new = value(&home.credentials(), "work-long-term", "aws_access_key_id");
    assert_ne!(new.as_deref(), Some(ALICE_ACCESS_KEY_ID));
}

#[cfg(unix)]
#[test]
fn the_mistakes_that_go_around() {
    if passed_side_by_side() {
        return;
    }
    let (require_mfa, self_service) = (text(&["require-mfa"]), text(&["self-service"]));
    let changed = |policy: &str, from: &str, to: &str| {
        assert!(policy.contains(from), "{from} is not in {policy}");
        policy.replace(from, to)
    };

    // `Bool` in place of `BoolIfExists`: long-term keys have no such key in their requests, and may do everything.
    let bool = changed(&require_mfa, "BoolIfExists", "Bool");
    let (sts, home) = (account(&bool, &self_service), Home::with(&keys_only()));
    assert_eq!(rotate(&home, &sts).status, Some(0));

    // An action on a user that is scoped to a device: nobody can enable one.
    let scoped = changed(
        &self_service,
        ":user/${aws:username}",
        ":mfa/${aws:username}",
    );
    let scoped = changed(&scoped, ":user/*/${aws:username}", ":mfa/*/${aws:username}");
    let (sts, home) = (account(&require_mfa, &scoped), Home::with(&keys_only()));
    let mut run = begin(&home, &sts, "exec \"$0\" device enroll -p work");
    run.expect(FIRST).unwrap();
    type_codes(&mut run, &sts, ALICE_DEVICE);
    run.expect("AWS denied iam:EnableMFADevice").unwrap();
    assert_eq!(exited(run), 1);
    assert_eq!(sts.devices("alice"), [""; 0]);

    // No `sts:GetSessionToken` left open: whoever has a device gets no session with it.
    let closed = changed(
        &require_mfa,
        "\"iam:ResyncMFADevice\",",
        "\"iam:ResyncMFADevice\"",
    );
    let closed = changed(&closed, "\"sts:GetSessionToken\"", "");
    let (sts, home) = (account(&closed, &self_service), Home::with(&keys_only()));
    let mut run = begin(&home, &sts, "exec \"$0\" device enroll -p work");
    run.expect(FIRST).unwrap();
    type_codes(&mut run, &sts, ALICE_DEVICE);
    run.expect("Write it to [work-long-term]?").unwrap();
    run.send_line("y").unwrap();
    assert_eq!(exited(run), 0);
    let code = sts.fresh_code(ALICE_DEVICE);
    let outcome = home
        .run_with(&sts, &["-p", "work", "--token", &code])
        .outcome();
    assert_eq!(outcome.status, Some(1));
    assert!(
        outcome
            .stderr
            .contains("error: AWS denied the session to access key ")
            && outcome.stderr.contains("sts:GetSessionToken"),
        "{outcome:?}"
    );

    // A path that is not considered: who has one may do nothing.
    let flat = changed(
        &self_service,
        "\"arn:aws:iam::*:user/*/${aws:username}\"",
        "\"arn:aws:iam::*:user/nobody\"",
    );
    let (sts, home) = (account(&require_mfa, &flat), Home::with(&keys_only()));
    let mut run = begin(&home, &sts, "exec \"$0\" device enroll -p work");
    run.expect(FIRST).unwrap();
    type_codes(&mut run, &sts, ALICE_DEVICE);
    run.expect("AWS denied iam:EnableMFADevice").unwrap();
    assert_eq!(exited(run), 1);
}
