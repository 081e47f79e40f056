"""Policies that demand MFA: as a linter and a parser of HCL see them, and as a server with authorization enforces them."""

import json
import os

from support import CODE, MFA_CREDS, RealTest, Server, long_term, unique

ACCOUNT = "123456789012"
POLICIES = {
    "require-mfa": [],
    "self-service": ["--account", ACCOUNT],
    "role-trust": ["--account", ACCOUNT, "--max-mfa-age", "1h"],
    "assume-role": ["--account", ACCOUNT, "--role", "team/admin"],
}
# What parliament finds, and why that is as it should be.
EXPECTED = {
    # It knows policies of users only. The resource of a trust policy is the role that has it.
    "role-trust": ["MALFORMED: Statement contains neither Resource nor NotResource"],
}
LINT = """
import json, parliament, sys
policy = parliament.analyze_policy_string(sys.stdin.read())
print(json.dumps([f"{finding.issue}: {finding.detail}" for finding in policy.findings]))
"""
PARSE = """
import hcl2, json, sys
print(json.dumps(hcl2.loads(sys.stdin.read())))
"""


class Text(RealTest):
    def policy(self, name, *arguments):
        done = self.run_program([MFA_CREDS, "policy", name, *POLICIES[name], *arguments])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def python(self, program, text):
        done = self.run_program([os.environ["POLICIES"], "-W", "ignore", "-c", program], text)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_a_linter_finds_nothing_that_is_not_explained(self):
        for name in POLICIES:
            with self.subTest(name):
                self.assertEqual(self.python(LINT, self.policy(name)), EXPECTED.get(name, []))
        # The control: it does find what is wrong.
        wrong = self.policy("self-service").replace(":user/", ":mfa/")
        self.assertTrue(any(finding.startswith("RESOURCE_MISMATCH") for finding in self.python(LINT, wrong)))

    def test_hcl_is_read_as_the_same_policy(self):
        for name in POLICIES:
            with self.subTest(name):
                text = self.policy(name, "--format", "terraform")
                blocks = json.dumps(self.python(PARSE, text))
                for part in "aws_iam_role" if name == "role-trust" else "aws_iam_group_policy_attachment", "jsonencode":
                    self.assertIn(part, blocks)
                begin = text.index("jsonencode(") + len("jsonencode(")
                body = text[begin : text.index("\n  })\n") + len("\n  }")]
                policy = f"policy = {body}\n"
                parsed = self.python(PARSE, policy)["policy"]
                self.assertEqual(plain(parsed), json.loads(self.policy(name)))


def plain(value):
    """What HCL means: names and texts without their quotes, and `$${` as `${`."""
    if isinstance(value, dict):
        return {plain(key): plain(inner) for key, inner in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str):
        return value.removeprefix('"').removesuffix('"').replace("$${", "${")
    return value


class OnMiniStack(RealTest):
    """It evaluates the policies of users, but does not know of a session that there was a code: to it, all lack MFA."""

    server = Server("MINISTACK")

    def test_nothing_goes_without_mfa_but_what_it_takes_to_enroll(self):
        name = unique("person")
        # Not by `self-service`: it does not fill in `${aws:username}`.
        keys = ["iam:ListAccessKeys", "iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:DeleteAccessKey"]
        user = self.server.user(name, may=["iam:ListMFADevices", *keys])
        iam = self.server.client("iam")
        self.credentials.write_bytes(long_term(user))
        endpoint = {"AWS_ENDPOINT_URL": self.server.url}
        text = self.run_program([MFA_CREDS, "policy", "require-mfa"]).stdout
        iam.put_user_policy(UserName=name, PolicyName="require-mfa", PolicyDocument=text)
        denied = self.mfa_creds("rotate", "-p", "p", "--yes", exit=1, **endpoint)
        self.assertIn("error: AWS denied iam:ListAccessKeys", denied)
        listed = self.run_program([MFA_CREDS, "device", "list", "-p", "p"], **endpoint)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn(user.device, listed.stdout)
        self.mfa_creds("-p", "p", code=CODE, **endpoint)
        self.assert_written(seconds=43200)
        # The control: without the policy, it is allowed.
        iam.delete_user_policy(UserName=name, PolicyName="require-mfa")
        self.mfa_creds("rotate", "-p", "p", "--yes", **endpoint)
        [key] = iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
        self.assertIn(("aws_access_key_id", key["AccessKeyId"]), self.section("p-long-term"))
