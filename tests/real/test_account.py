"""What is done with an account's users on each server: an access key is rotated, and the report says who lacks MFA."""

import json

from support import AFTER, BEFORE, CODE, MFA_CREDS, RealTest, Server, long_term, unique

KEYS = ["iam:ListAccessKeys", "iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:DeleteAccessKey"]
REPORT = ["iam:GenerateCredentialReport", "iam:GetCredentialReport"]


class OnAServer:
    """What is wanted of mfa-creds whichever server answers."""

    def setUp(self):
        super().setUp()
        self.name = unique("administrator")
        self.user = self.server.user(self.name, may=[*KEYS, *REPORT])
        self.credentials.write_bytes(BEFORE + long_term(self.user) + AFTER)
        self.endpoint = {"AWS_ENDPOINT_URL": self.server.url}

    def test_an_access_key_is_rotated(self):
        self.mfa_creds("rotate", "-p", "p", "--yes", **self.endpoint)
        keys = self.server.client("iam").list_access_keys(UserName=self.name)["AccessKeyMetadata"]
        self.assertEqual([key["Status"] for key in keys], ["Active"])
        lines = dict(self.section("p-long-term"))
        self.assertEqual(lines["aws_access_key_id"], keys[0]["AccessKeyId"])
        self.assertNotEqual(lines["aws_access_key_id"], self.user.key)
        # Every other byte is as it was.
        text = self.credentials.read_text()
        text = text.replace(lines["aws_access_key_id"], self.user.key)
        text = text.replace(lines["aws_secret_access_key"], self.user.secret)
        self.assertEqual(text.encode(), BEFORE + long_term(self.user) + AFTER)

    def test_the_report_of_the_account(self):
        self.server.client("iam").create_user(UserName=(other := unique("person")))
        self.server.client("iam").create_login_profile(UserName=other, Password="Fake-password-1")
        self.mfa_creds("-p", "p", code=CODE, **self.endpoint)
        done = self.run_program([MFA_CREDS, "audit", "-p", "p", "--json"], **self.endpoint)
        self.assertEqual(done.returncode, 1, done.stderr)
        users = {user["user"]: user for user in json.loads(done.stdout)["users"]}
        self.assertEqual(users[other]["lacks_mfa"], True)
        self.assertEqual(users[self.name]["kind"], "robot")
        # Who works with keys alone counts, too.
        self.assertEqual(users[self.name]["lacks_mfa"], not users[self.name]["mfa"])
        # And the same as the AWS CLI brings it.
        environment = self.endpoint | {"AWS_DEFAULT_REGION": "us-east-1"}
        printed = self.aws(self.server.url, "iam", "get-credential-report", "--profile", "p-long-term", **environment)
        piped = self.run_program([MFA_CREDS, "audit", "--report", "-", "--json"], json.dumps(printed))
        again = {user["user"]: user for user in json.loads(piped.stdout)["users"]}
        self.assertEqual(again[other]["lacks_mfa"], True)


class Moto(OnAServer, RealTest):
    server = Server("MOTO")


class LocalStack(OnAServer, RealTest):
    server = Server("LOCALSTACK")


class MiniStack(OnAServer, RealTest):
    server = Server("MINISTACK")
