"""The real aws-mfa 0.0.12 and mfa-creds take turns on one file: each must accept what the other wrote."""

from support import CLIENTS, CODE, RealTest, Server, long_term, unique

VALID = "INFO - Your credentials are still valid for "
EXPIRED = "INFO - Your credentials have expired, renewing."


class TakingTurns:
    """The same for a session and for a role; `self.role` is the role's ARN, or None."""

    server = Server("MOTO")

    def setUp(self):
        super().setUp()
        self.user = self.server.user(unique("worker"), may=["sts:AssumeRole"])
        # No comment here: aws-mfa drops them, and that is not what is compared.
        self.credentials.write_bytes(long_term(self.user))
        self.role = self.server.role(unique("role"), self.user.arn) if self.with_role else None
        self.arguments = ["--profile", "p"] + (["--assume-role", self.role] if self.role else [])

    def aws_mfa(self, code=None):
        done = self.run_program(
            [CLIENTS / "python", CLIENTS / "aws-mfa", *self.arguments],
            code,
            AWS_ENDPOINT_URL=self.server.url,
            AWS_DEFAULT_REGION="us-east-1",
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def renew(self):
        return self.mfa_creds(*self.arguments, "--token", CODE, AWS_ENDPOINT_URL=self.server.url)

    def assert_fresh(self):
        self.assert_written(role=self.role, seconds=3600 if self.role else 43200)

    def assert_still_valid_for_aws_mfa(self):
        before = self.credentials.read_bytes()
        self.assertIn(VALID, self.aws_mfa())
        self.assertEqual(self.credentials.read_bytes(), before)

    def test_aws_mfa_accepts_what_mfa_creds_wrote(self):
        self.renew()
        self.assert_still_valid_for_aws_mfa()

    def test_mfa_creds_accepts_what_aws_mfa_wrote(self):
        self.assertIn("INFO - Success!", self.aws_mfa(CODE))
        self.assert_fresh()
        self.mfa_creds_without_network(*self.arguments)

    def test_aws_mfa_renews_what_mfa_creds_wrote(self):
        self.renew()
        self.expire()
        said = self.aws_mfa(CODE)
        self.assertIn(EXPIRED, said)
        self.assertIn("INFO - Success!", said)
        self.assert_fresh()
        self.mfa_creds_without_network(*self.arguments)

    def test_mfa_creds_renews_what_aws_mfa_wrote(self):
        self.aws_mfa(CODE)
        self.expire()
        before = self.credentials.read_bytes()
        self.renew()
        self.assert_fresh()
        # moto's keys of a session never change, but the time does.
        self.assertNotEqual(self.credentials.read_bytes(), before)
        self.assert_still_valid_for_aws_mfa()


class Session(TakingTurns, RealTest):
    with_role = False


class Role(TakingTurns, RealTest):
    with_role = True
