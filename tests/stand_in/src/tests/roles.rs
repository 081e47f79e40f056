//! `AssumeRole`: trust policies, chains and durations.

use super::client::{Answer, Client, alice_at_a_quiet_time};
use crate::{ALICE_DEVICE, Account, Role, StandIn};

const ADMIN: &str = "arn:aws:iam::123456789012:role/team/admin";
const DEPLOY: &str = "arn:aws:iam::210987654321:role/deploy";

fn assume(client: &Client, role: &str, more: &[(&str, &str)]) -> Answer {
    let parameters = [("RoleArn", role), ("RoleSessionName", "work")];
    client.call("AssumeRole", &[&parameters, more].concat())
}

fn mfa_session(stand_in: &StandIn, client: &Client) -> Client {
    let code = stand_in.fresh_code(ALICE_DEVICE);
    let mfa = [("SerialNumber", ALICE_DEVICE), ("TokenCode", code.as_str())];
    client.with(&client.call("GetSessionToken", &mfa))
}

fn is_denied(answer: &Answer, caller: &str, role: &str) -> bool {
    let message =
        format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}");
    answer.error() == (403, "AccessDenied", &message)
}

const ALICE: &str = "arn:aws:iam::123456789012:user/alice";

#[test]
fn one_code_opens_many_roles() {
    let account = Account::example()
        .role(Role::new(ADMIN).requires_mfa())
        .role(Role::new(DEPLOY).requires_mfa().trusts("123456789012"));
    let stand_in = StandIn::start(account);
    let alice = alice_at_a_quiet_time(&stand_in);
    assert!(is_denied(&assume(&alice, ADMIN, &[]), ALICE, ADMIN));
    let without_mfa = alice.with(&alice.call("GetSessionToken", &[]));
    assert!(is_denied(&assume(&without_mfa, ADMIN, &[]), ALICE, ADMIN));

    let session = mfa_session(&stand_in, &alice);
    assert_eq!(assume(&session, DEPLOY, &[]).status, 200);
    let answer = assume(&session, ADMIN, &[]);
    assert_eq!(
        answer.text("Arn"),
        "arn:aws:sts::123456789012:assumed-role/admin/work"
    );
    assert!(answer.text("AssumedRoleId").starts_with("AROAFAKE"));
    assert!(answer.text("AssumedRoleId").ends_with(":work"));
    let identity = session.with(&answer).call("GetCallerIdentity", &[]);
    assert_eq!(identity.text("Arn"), answer.text("Arn"));
    assert_eq!(identity.text("UserId"), answer.text("AssumedRoleId"));
}

#[test]
fn a_role_session_no_longer_tells_of_mfa() {
    let account = Account::example()
        .role(Role::new(ADMIN).requires_mfa())
        .role(Role::new(DEPLOY).requires_mfa().trusts(ADMIN));
    let stand_in = StandIn::start(account);
    let alice = alice_at_a_quiet_time(&stand_in);
    let session = mfa_session(&stand_in, &alice);
    let admin = session.with(&assume(&session, ADMIN, &[]));
    let caller = "arn:aws:sts::123456789012:assumed-role/admin/work";
    assert!(is_denied(&assume(&admin, DEPLOY, &[]), caller, DEPLOY));
}

#[test]
fn a_trust_policy_names_its_principals() {
    let account = |principal| {
        let deploy = Role::new(DEPLOY).trusts(principal);
        Account::example().role(Role::new(ADMIN)).role(deploy)
    };
    for (principal, by_alice, by_admin) in [
        ("123456789012", true, true),
        ("arn:aws:iam::123456789012:root", true, true),
        (ALICE, true, false),
        (ADMIN, false, true),
        ("210987654321", false, false),
    ] {
        let stand_in = StandIn::start(account(principal));
        let alice = Client::alice(&stand_in);
        let admin = alice.with(&assume(&alice, ADMIN, &[]));
        let works = |client| assume(client, DEPLOY, &[]).status == 200;
        assert_eq!(
            (works(&alice), works(&admin)),
            (by_alice, by_admin),
            "{principal}"
        );
    }
}

#[test]
fn an_external_id_must_be_the_right_one() {
    let stand_in = StandIn::start(Account::example().role(Role::new(ADMIN).external_id("right")));
    let alice = Client::alice(&stand_in);
    assert!(is_denied(&assume(&alice, ADMIN, &[]), ALICE, ADMIN));
    let wrong = assume(&alice, ADMIN, &[("ExternalId", "wrong")]);
    assert!(is_denied(&wrong, ALICE, ADMIN));
    let right = assume(&alice, ADMIN, &[("ExternalId", "right")]);
    assert_eq!(right.status, 200);
    assert!(is_denied(&assume(&alice, DEPLOY, &[]), ALICE, DEPLOY));
}

#[test]
fn durations_are_limited_by_the_role_and_by_the_chain() {
    let role = Role::new(ADMIN).max_session_duration(7200);
    let stand_in = StandIn::start(Account::example().role(role));
    let alice = Client::alice(&stand_in);
    let try_for =
        |client: &Client, seconds: &str| assume(client, ADMIN, &[("DurationSeconds", seconds)]);
    let answer = try_for(&alice, "7200");
    assert!((answer.expiration() - stand_in.now()).num_seconds() > 7190);
    assert_eq!(
        try_for(&alice, "7201").error(),
        (
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    );
    let session = alice.with(&alice.call("GetSessionToken", &[]));
    let role_session = alice.with(&answer);
    for client in [session, role_session] {
        assert_eq!(try_for(&client, "3600").status, 200);
        assert_eq!(
            try_for(&client, "3601").error(),
            (
                400,
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles \
                 assumed by role chaining."
            )
        );
    }
    assert!(
        try_for(&alice, "43201")
            .text("Message")
            .ends_with("less than or equal to 43200")
    );
}

#[test]
fn names_have_a_form() {
    let stand_in = StandIn::start(Account::example());
    let alice = Client::alice(&stand_in);
    let message = |parameters: &[(&str, &str)]| {
        let answer = alice.call("AssumeRole", parameters);
        assert_eq!(
            (answer.status, answer.text("Code")),
            (400, "ValidationError")
        );
        answer.text("Message").to_owned()
    };
    let short = message(&[("RoleArn", ADMIN), ("RoleSessionName", "a")]);
    assert!(short.ends_with("Member must have length greater than or equal to 2"));
    let space = message(&[("RoleArn", ADMIN), ("RoleSessionName", "a b")]);
    assert!(space.ends_with("pattern: [\\w+=,.@-]*"));
    let missing = message(&[("RoleSessionName", "work")]);
    assert!(missing.ends_with(
        "Value null at 'roleArn' failed to satisfy constraint: Member must \
                               not be null"
    ));
    let user = message(&[("RoleArn", ALICE), ("RoleSessionName", "work")]);
    assert_eq!(user, "Request ARN is invalid");
}

#[test]
fn session_policies_and_tags_have_limits() {
    let next = "arn:aws:iam::123456789012:role/next";
    let account = Account::example()
        .role(Role::new(ADMIN))
        .role(Role::new(next).trusts(ADMIN));
    let stand_in = StandIn::start(account);
    let alice = Client::alice(&stand_in);
    let error = |parameters: &[(&str, &str)]| {
        let answer = assume(&alice, ADMIN, parameters);
        assert_eq!(answer.status, 400);
        (
            answer.text("Code").to_owned(),
            answer.text("Message").to_owned(),
        )
    };
    let team = [
        ("Tags.member.1.Key", "Team"),
        ("Tags.member.1.Value", "red"),
    ];
    let again = [
        ("Tags.member.2.Key", "team"),
        ("Tags.member.2.Value", "blue"),
    ];
    let invalid = |message: &str| ("InvalidParameterValue".to_owned(), message.to_owned());
    assert_eq!(
        error(&[team, again].concat()),
        invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    );
    let transitive = [("TransitiveTagKeys.member.1", "team")];
    assert_eq!(
        error(&transitive),
        invalid("The specified transitive tag key must be included in the requested tags.")
    );
    let long = "a".repeat(250);
    let tags: Vec<_> = (1..=9)
        .map(|number| (format!("Tags.member.{number}."), format!("T{number}")))
        .flat_map(|(name, key)| {
            [
                (format!("{name}Key"), key),
                (format!("{name}Value"), long.clone()),
            ]
        })
        .collect();
    let tags: Vec<_> = tags
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(
        error(&tags),
        (
            "PackedPolicyTooLarge".to_owned(),
            "Packed size of session tags consumes 498% of allotted space.".to_owned()
        )
    );
    assert_eq!(
        error(&[("Policy", "{}")]),
        (
            "MalformedPolicyDocument".to_owned(),
            "Syntax errors in policy.".to_owned()
        )
    );
    let long = format!("{{\"Statement\":[]}}{}", " ".repeat(2048));
    assert!(
        error(&[("Policy", &long)])
            .1
            .ends_with("length less than or equal to 2048")
    );

    let identity = [("SourceIdentity", "alice")];
    let answer = assume(&alice, ADMIN, &[&team[..], &transitive, &identity].concat());
    assert_eq!(answer.text("SourceIdentity"), "alice");
    assert_eq!(answer.text("PackedPolicySize"), "1");
    let admin = alice.with(&answer);
    assert_eq!(
        assume(&admin, next, &team).text("Code"),
        "InvalidParameterValue"
    );
    assert_eq!(
        assume(&admin, next, &[("SourceIdentity", "bob")]).status,
        403
    );
    assert_eq!(
        assume(&admin, next, &identity).text("SourceIdentity"),
        "alice"
    );
}
