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
