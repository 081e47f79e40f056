"""How people call it: under aws-mfa's name with aws-mfa's flags, with the code piped, with files elsewhere."""

import pathlib

from support import BEFORE, CODE, MFA_CREDS, RealTest, Server, long_term, unique


class CommandLine(RealTest):
    server = Server("MOTO")

    def setUp(self):
        super().setUp()
        self.user = self.server.user(unique("worker"), may=["sts:AssumeRole"])
        self.aws_mfa = self.home / "bin" / "aws-mfa"
        self.aws_mfa.parent.mkdir()
        self.aws_mfa.symlink_to(MFA_CREDS)
        self.endpoint = {"AWS_ENDPOINT_URL": self.server.url}

    def test_code_on_standard_input(self):
        self.credentials.write_bytes(long_term(self.user))
        self.mfa_creds("--profile", "p", code=CODE, **self.endpoint)
        self.assert_written(seconds=43200)

    def test_nobody_to_ask_for_a_code(self):
        """The control of the test above: without the code, a human is needed, and there is none."""
        self.credentials.write_bytes(long_term(self.user))
        before = self.credentials.read_bytes()
        self.mfa_creds("--profile", "p", exit=3, **self.endpoint)
        self.assertEqual(self.credentials.read_bytes(), before)

    def test_linked_as_aws_mfa_with_device_and_duration(self):
        self.credentials.write_bytes(BEFORE + long_term(self.user, device=False))
        flags = ["--profile", "p", "--device", self.user.device, "--duration", "1800"]
        self.mfa_creds(*flags, program=self.aws_mfa, code=CODE, **self.endpoint)
        self.assert_written(seconds=1800)
        self.assertTrue(self.credentials.read_bytes().startswith(BEFORE))

    def test_linked_as_aws_mfa_with_suffixes(self):
        keys = long_term(self.user, section="p")
        self.credentials.write_bytes(keys)
        flags = ["--profile", "p", "--long-term-suffix", "none", "--short-term-suffix", "mfa"]
        self.mfa_creds(*flags, program=self.aws_mfa, code=CODE, **self.endpoint)
        self.assert_written("p-mfa", seconds=43200)
        self.assertTrue(self.credentials.read_bytes().startswith(keys))
        self.mfa_creds_without_network(*flags, program=self.aws_mfa)

    def test_linked_as_aws_mfa_is_silent_when_still_valid(self):
        """`alias aws='aws-mfa --log-level ERROR && aws'` runs it before every single command."""
        self.credentials.write_bytes(long_term(self.user))
        flags = ["--profile", "p", "--log-level", "ERROR"]
        self.mfa_creds(*flags, program=self.aws_mfa, code=CODE, **self.endpoint)
        self.assertEqual(self.mfa_creds_without_network(*flags, program=self.aws_mfa), "")

    def test_quiet_is_silent_on_success(self):
        self.credentials.write_bytes(long_term(self.user))
        self.assertEqual(self.mfa_creds("--profile", "p", "--token", CODE, "-q", **self.endpoint), "")
        self.assert_written(seconds=43200)

    def test_credentials_file_elsewhere(self):
        elsewhere = pathlib.Path(self.home, "elsewhere")
        self.credentials.parent.rmdir()
        self.credentials = elsewhere
        elsewhere.write_bytes(long_term(self.user))
        file = {"AWS_SHARED_CREDENTIALS_FILE": str(elsewhere)}
        self.mfa_creds("--profile", "p", "--token", CODE, **file, **self.endpoint)
        self.assert_written(seconds=43200)
        self.assertFalse((self.home / ".aws").exists(), "a file in the usual place")
        self.aws(self.server.url, "sts", "get-caller-identity", "--profile", "p", **file)

    def test_unknown_flag_is_a_usage_error(self):
        self.credentials.write_bytes(long_term(self.user))
        self.mfa_creds("--profile", "p", "--no-such-flag", exit=2)
