//! Defines what each policy allows and denies.
//!
//! Which actions there are, and which type of resource each is for, is from
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>.

use super::policy_document::{Attachment, Filling, Node, PolicyDocument};
use crate::core::arn::Arn;

/// The name of a role if none is given.
const UNNAMED_ROLE: &str = "with-mfa";

/// What a user may do without MFA: list their own devices, create one, resynchronize it, and get a session
/// with its code, on the command line and in the console. `sts:GetCallerIdentity` needs no permission. Not `DeactivateMFADevice`:
/// someone who has found a user's keys could replace the device with another one.
const OPEN_WITHOUT_MFA: [&str; 9] = [
    "iam:CreateVirtualMFADevice",
    "iam:DeleteVirtualMFADevice",
    "iam:EnableMFADevice",
    "iam:GetMFADevice",
    "iam:GetUser",
    "iam:ListMFADevices",
    "iam:ListVirtualMFADevices",
    "iam:ResyncMFADevice",
    "sts:GetSessionToken",
];

/// What users may do with their own user.
const ON_OWN_USER: [&str; 12] = [
    "iam:ChangePassword",
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:EnableMFADevice",
    "iam:GetAccessKeyLastUsed",
    "iam:GetLoginProfile",
    "iam:GetMFADevice",
    "iam:GetUser",
    "iam:ListAccessKeys",
    "iam:ListMFADevices",
    "iam:ResyncMFADevice",
    "iam:UpdateAccessKey",
];

/// And with virtual devices, which are resources of their own, with any name.
const ON_DEVICES: [&str; 2] = ["iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"];

/// And actions on the whole account, for which AWS has no resource type.
const ON_ACCOUNT: [&str; 3] = [
    "iam:GetAccountPasswordPolicy",
    "iam:GetAccountSummary",
    "iam:ListVirtualMFADevices",
];

const MFA_PRESENT: &str = "aws:MultiFactorAuthPresent";
const MFA_AGE: &str = "aws:MultiFactorAuthAge";

/// Denies everything without MFA.
pub fn require_mfa() -> PolicyDocument {
    PolicyDocument {
        name: "require-mfa",
        description: "denies everything without MFA, except enrolling a device and getting a session",
        kind: Attachment::Identity,
        policy: policy(vec![vec![
            ("Sid", text("DenyAllButEnrollmentWithoutMFA")),
            ("Effect", text("Deny")),
            ("NotAction", texts(&OPEN_WITHOUT_MFA)),
            ("Resource", text("*")),
            // A request with long-term keys does not have the key at all, and only `IfExists` denies it.
            ("Condition", condition("BoolIfExists", MFA_PRESENT, "false")),
        ]]),
    }
}

/// Lets users manage themselves.
pub fn self_service(filling: &Filling<'_>) -> PolicyDocument {
    // With and without a path. A name has no `/`, so no other user's ARN can end like this.
    let own_user = || {
        Node::List(vec![
            filling.arn("user/${aws:username}"),
            filling.arn("user/*/${aws:username}"),
        ])
    };
    PolicyDocument {
        name: "self-service",
        description: "lets users manage their own password, access keys, and MFA devices",
        kind: Attachment::Identity,
        policy: policy(vec![
            vec![
                ("Sid", text("ManageOwnUser")),
                ("Effect", text("Allow")),
                ("Action", texts(&ON_OWN_USER)),
                ("Resource", own_user()),
            ],
            vec![
                ("Sid", text("DeactivateOwnDevicesWithMFA")),
                ("Effect", text("Allow")),
                ("Action", text("iam:DeactivateMFADevice")),
                ("Resource", own_user()),
                ("Condition", condition("Bool", MFA_PRESENT, "true")),
            ],
            vec![
                ("Sid", text("ManageVirtualDevices")),
                ("Effect", text("Allow")),
                ("Action", texts(&ON_DEVICES)),
                ("Resource", filling.arn("mfa/*")),
            ],
            vec![
                ("Sid", text("SeeTheAccount")),
                ("Effect", text("Allow")),
                ("Action", texts(&ON_ACCOUNT)),
                ("Resource", text("*")),
            ],
        ]),
    }
}

/// Lets users of an account assume a role with MFA.
pub fn role_trust(filling: &Filling<'_>) -> PolicyDocument {
    let present = Node::Map(vec![(MFA_PRESENT, text("true"))]);
    let mut conditions = vec![("Bool", present)];
    if let Some(seconds) = filling.max_mfa_age {
        let age = Node::Map(vec![(MFA_AGE, text(seconds.to_string()))]);
        conditions.push(("NumericLessThan", age));
    }
    PolicyDocument {
        name: "role-trust",
        description: "lets users of an account assume a role with MFA; this is the trust policy of the role",
        kind: Attachment::Trust {
            role: filling.role().to_owned(),
        },
        policy: policy(vec![vec![
            ("Sid", text("AssumeWithMFA")),
            ("Effect", text("Allow")),
            ("Principal", Node::Map(vec![("AWS", filling.arn("root"))])),
            ("Action", text("sts:AssumeRole")),
            ("Condition", Node::Map(conditions)),
        ]]),
    }
}

/// Lets users assume a role.
pub fn assume_role(filling: &Filling<'_>) -> PolicyDocument {
    PolicyDocument {
        name: "assume-role",
        description: "lets users assume a role; this is the policy of the users",
        kind: Attachment::Identity,
        policy: policy(vec![vec![
            ("Sid", text("AssumeRole")),
            ("Effect", text("Allow")),
            ("Action", text("sts:AssumeRole")),
            ("Resource", filling.arn(&format!("role/{}", filling.role()))),
        ]]),
    }
}

impl Filling<'_> {
    fn arn(&self, resource: &str) -> Node {
        let account = self.account.unwrap_or("*");
        text(Arn::of_iam(self.partition, account, resource).to_string())
    }

    fn role(&self) -> &str {
        self.role.unwrap_or(UNNAMED_ROLE)
    }
}

fn policy(statements: Vec<Vec<(&'static str, Node)>>) -> Node {
    let statements = statements.into_iter().map(Node::Map).collect();
    Node::Map(vec![
        ("Version", text("2012-10-17")),
        ("Statement", Node::List(statements)),
    ])
}

fn condition(operator: &'static str, key: &'static str, value: &str) -> Node {
    Node::Map(vec![(operator, Node::Map(vec![(key, text(value))]))])
}

fn text(text: impl Into<String>) -> Node {
    Node::Text(text.into())
}

fn texts(all: &[&str]) -> Node {
    Node::List(all.iter().copied().map(text).collect())
}

/// A line for each policy: its name, and what it does.
pub(super) fn lines() -> Vec<String> {
    let filling = Filling {
        partition: "aws",
        account: None,
        role: None,
        max_mfa_age: None,
    };
    let all = [
        require_mfa(),
        self_service(&filling),
        role_trust(&filling),
        assume_role(&filling),
    ];
    let width = all.iter().map(|document| document.name.len()).max();
    let width = width.unwrap_or_default();
    let line =
        |document: &PolicyDocument| format!("{:width$}  {}", document.name, document.description);
    all.iter().map(line).collect()
}
