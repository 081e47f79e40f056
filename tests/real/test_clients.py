"""Real clients get the credentials in each of the ways that there are: by file, by environment, by process."""

import concurrent.futures
import functools
import json
import os

from support import BEFORE, CLIENTS, CODE, MFA_CREDS, RealTest, Recorder, Server, long_term, unique

# Each takes the credentials that it finds, and prints who it is with them; all but the AWS CLI say with which key, too.
AWS_CLI = [CLIENTS / "python", CLIENTS / "aws", "--output", "json", "sts", "get-caller-identity"]
BOTO3 = [
    CLIENTS / "python",
    "-c",
    "import boto3, json; session = boto3.Session(); "
    "arn = session.client('sts').get_caller_identity()['Arn']; "
    "print(json.dumps({'arn': arn, 'key': session.get_credentials().access_key}))",
]
JAVASCRIPT = [os.environ["NODE"], os.environ["NODE_CLIENT"]]
RUST = [os.environ["RUST_CLIENT"]]


class ClientTest(RealTest):
    # It verifies signatures, and each of its sessions has a key of its own.
    server = Server("MINISTACK")

    def setUp(self):
        super().setUp()
        self.user = self.server.user(unique("worker"), may=["sts:GetCallerIdentity"])
        # Without AFTER: its `region : eu-west-1` makes the SDK for Rust refuse the whole file.
        self.credentials.write_bytes(BEFORE + long_term(self.user))
        self.sts = self.enterContext(Recorder(self.server))
        self.environment = {
            "AWS_ENDPOINT_URL": self.sts.url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def configure_process(self):
        """The way that keeps the credentials out of `[p]`."""
        self.config.write_text(f'[profile p]\ncredential_process = "{MFA_CREDS}" export -p p --format process\n')

    def run_client(self, command, **environment):
        done = self.run_program(command, **self.environment | environment)
        for secret in self.secrets():
            self.assertNotIn(secret, done.stdout + done.stderr, f"a secret in the output of {command}")
        return done

    def assert_is_the_user(self, done, key):
        """Wants that a client was the user, with this access key ID."""
        self.assertEqual(done.returncode, 0, f"{done.args}: {done.stdout}{done.stderr}")
        told = json.loads(done.stdout)
        self.assertEqual(told.get("arn") or told["Arn"], self.user.arn)
        self.assertEqual(told.get("key", key), key)

    def assert_granted_once(self, callers):
        """Wants one session, and that many callers with it; returns its access key ID."""
        self.assertEqual(len(self.sts.granted), 1, "sessions")
        key = self.sts.granted[0]
        self.assertNotEqual(key, self.user.key)
        calls = [("GetSessionToken", self.user.key)] + [("GetCallerIdentity", key)] * callers
        self.assertEqual(self.sts.calls, calls)
        return key


class AClient:
    """What is wanted of mfa-creds whichever client uses what it got."""

    tells_why = True

    def test_by_file(self):
        self.mfa_creds("-p", "p", MFA_TOKEN=CODE, **self.environment)
        written = self.assert_written()
        done = self.run_client(self.client, AWS_PROFILE="p")
        self.assert_is_the_user(done, written["aws_access_key_id"])
        self.assertEqual(self.assert_granted_once(callers=1), written["aws_access_key_id"])

    def test_by_environment(self):
        # A profile with other keys, which some clients would take first.
        other = {"AWS_PROFILE": "other"}
        done = self.run_client([MFA_CREDS, "exec", "-p", "p", "--", *self.client], MFA_TOKEN=CODE, **other)
        self.assert_is_the_user(done, self.assert_granted_once(callers=1))
        done = self.run_client([MFA_CREDS, "exec", "-p", "p", "--", *self.client], **other)
        self.assert_is_the_user(done, self.assert_granted_once(callers=2))

    def test_by_process(self):
        self.configure_process()
        before = self.credentials.read_bytes()
        done = self.run_client(self.client, AWS_PROFILE="p", MFA_TOKEN=CODE)
        self.assert_is_the_user(done, self.assert_granted_once(callers=1))
        # From now on without a code.
        done = self.run_client(self.client, AWS_PROFILE="p")
        self.assert_is_the_user(done, self.assert_granted_once(callers=2))
        self.assertEqual(self.credentials.read_bytes(), before, "the credentials file")
        self.assertEqual(self.sessions.stat().st_mode & 0o777, 0o600)

    def test_by_process_with_nobody_to_ask(self):
        """The control of the test above: without a code, there are no credentials, and no call."""
        self.configure_process()
        done = self.run_client(self.client, AWS_PROFILE="p")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        if self.tells_why:
            self.assertIn("MFA_TOKEN", done.stderr)
        self.assertEqual(self.sts.calls, [])


class AwsCli(AClient, ClientTest):
    client = AWS_CLI


class Boto3(AClient, ClientTest):
    client = BOTO3


class JavaScript(AClient, ClientTest):
    client = JAVASCRIPT
    # Its default chain drops what a process said, and goes on to the next source of credentials.
    tells_why = False


class Rust(AClient, ClientTest):
    client = RUST


class Together(ClientTest):
    def test_by_eval_in_a_shell(self):
        script = 'eval "$("$0" export -p p)" && "$@"'
        done = self.run_client(["/bin/sh", "-c", script, MFA_CREDS, *BOTO3], AWS_PROFILE="other", MFA_TOKEN=CODE)
        self.assert_is_the_user(done, self.assert_granted_once(callers=1))
        # What was exported holds for every command after it, and needs no file.
        script = 'eval "$("$0" export -p p)" && rm -r .aws && "$@"'
        done = self.run_client(["/bin/bash", "-c", script, MFA_CREDS, *BOTO3], AWS_PROFILE="other")
        self.assert_is_the_user(done, self.assert_granted_once(callers=2))

    def test_many_clients_at_once_need_one_session(self):
        self.configure_process()
        self.sts.seconds_to_grant = 3  # so long that all of them ask for it
        crowd = [AWS_CLI, BOTO3, JAVASCRIPT, RUST] * 2
        run = functools.partial(self.run_client, AWS_PROFILE="p", MFA_TOKEN=CODE)
        with concurrent.futures.ThreadPoolExecutor(len(crowd)) as threads:
            runs = list(threads.map(run, crowd))
        key = self.assert_granted_once(callers=len(crowd))
        for done in runs:
            self.assert_is_the_user(done, key)


class Shadowed(ClientTest):
    """What clients prefer to the keys in a section, and what these hide from them, as our warnings say."""

    SSO = "[sso-session s]\nsso_start_url = https://x.invalid\nsso_region = us-east-1\n[profile p]\nsso_session = s\n"
    ACCOUNT = "sso_account_id = 123456789012\nsso_role_name = Dev\n"
    LOGIN = "[profile p]\nlogin_session = arn:aws:iam::123456789012:user/x\n"
    TOKEN = "[profile p]\nweb_identity_token_file = /nowhere\n"
    PROCESS = "[profile p]\ncredential_process = /bin/false\n"
    VARIABLES = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x"}

    def setUp(self):
        super().setUp()
        self.mfa_creds("-p", "p", MFA_TOKEN=CODE, **self.environment)
        self.key = self.assert_written()["aws_access_key_id"]

    def assert_readers(self, readers, config="", **variables):
        """Wants exactly these clients to use the section."""
        self.config.write_text(config)
        for client in AWS_CLI, BOTO3, JAVASCRIPT, RUST:
            with self.subTest(client=client[0] if client is RUST else client[1]):
                done = self.run_client(client, AWS_PROFILE="p", **variables)
                if client in readers:
                    self.assert_is_the_user(done, self.key)
                else:
                    self.assertNotEqual(done.returncode, 0, done.stdout)

    def test_sso_settings_come_before_the_section(self):
        self.assert_readers([JAVASCRIPT], self.SSO + self.ACCOUNT)

    def test_without_an_account_only_some_sdks_stumble_over_them(self):
        self.assert_readers([AWS_CLI, BOTO3, JAVASCRIPT], self.SSO)

    def test_a_web_identity_comes_before_the_section(self):
        self.assert_readers([JAVASCRIPT], self.TOKEN)

    def test_the_section_comes_before_aws_login(self):
        self.assert_readers([AWS_CLI, BOTO3, JAVASCRIPT], self.LOGIN)

    def test_the_section_comes_before_a_process(self):
        self.assert_readers([AWS_CLI, BOTO3, JAVASCRIPT], self.PROCESS)

    def test_a_token_in_the_environment_comes_before_a_profile_that_is_not_named(self):
        self.assert_readers([JAVASCRIPT, RUST], **self.VARIABLES)
        done = self.run_client([*AWS_CLI, "--profile", "p"], **self.VARIABLES)
        self.assert_is_the_user(done, self.key)
