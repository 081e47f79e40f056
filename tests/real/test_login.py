"""Sessions of `aws login`, which the AWS CLI, boto3, the SDK for JavaScript, and mfa-creds share: each reads the cache
file that another one has written, refreshes it at the stand-in, and leaves it for the next."""

import concurrent.futures
import datetime
import json
import os
import pathlib
import stat

from support import CLIENTS, MFA_CREDS, RealTest, StandIn

# The AWS CLI and boto3 with what signs a refresh.
LOGINS = pathlib.Path(os.environ["LOGINS"])
ROLE = "arn:aws:iam::123456789012:role/deploy"
ASSUMED = "arn:aws:sts::123456789012:assumed-role/deploy/"
USER = "arn:aws:iam::123456789012:user/alice"
# Refreshed if less is left.
MARGIN = 300
IDENTITY = "session.client('sts').get_caller_identity()['Arn']"
BOTO3 = f"""
import boto3, json
session = boto3.Session()
arn = {IDENTITY}
print(json.dumps({{"arn": arn, "key": session.get_credentials().get_frozen_credentials().access_key}}))
"""


class LoginTest(RealTest):
    def setUp(self):
        super().setUp()
        self.stand_in = self.enterContext(StandIn("127.0.0.1:0", ROLE))
        self.clean |= {
            # The one for sign-in alone, too: it is what a person would set.
            "AWS_ENDPOINT_URL": self.stand_in.url,
            "AWS_ENDPOINT_URL_SIGNIN": self.stand_in.url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def sign_in(self, *who, profile="dev"):
        """Leaves what `aws login --profile NAME` leaves."""
        login = self.stand_in.login(*(who or ["alice", "mfa"]))
        self.cache = self.home / ".aws" / "login" / "cache" / login["file"]
        self.cache.parent.mkdir(parents=True)
        self.cache.write_text(json.dumps(login["cache"]))
        self.config.write_text(
            f"[profile {profile}]\nlogin_session = {login['session']}\n"
            f"[profile deploy]\nrole_arn = {ROLE}\nsource_profile = {profile}\n"
        )

    def stored(self):
        return json.loads(self.cache.read_text())

    def key(self):
        return self.stored()["accessToken"]["accessKeyId"]

    def end_in(self, seconds):
        """Lets the credentials in the cache end then."""
        end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
        stored = self.stored()
        stored["accessToken"]["expiresAt"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.cache.write_text(json.dumps(stored))

    def secrets(self):
        stored = self.stored() if hasattr(self, "cache") and self.cache.exists() else {}
        token = stored.get("accessToken", {})
        own = {stored.get("refreshToken"), token.get("secretAccessKey"), token.get("sessionToken")} - {None}
        return super().secrets() | own | set(stored.get("dpopKey", "").splitlines()[1:-1])

    # Who asks AWS who they are, and with which key they did.

    def by_aws_cli(self, profile):
        done = self.run_program(
            [LOGINS / "python", LOGINS / "aws", "sts", "get-caller-identity", "--output", "json"],
            AWS_PROFILE=profile,
        )
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}")
        return json.loads(done.stdout)["Arn"], self.key()

    def by_boto3(self, profile):
        return self.told([LOGINS / "python", "-c", BOTO3], AWS_PROFILE=profile)

    def by_javascript(self, profile):
        return self.told([os.environ["NODE"], os.environ["NODE_CLIENT"]], AWS_PROFILE=profile)

    def by_mfa_creds(self, profile):
        """With what `exec` gives a program that knows nothing of `aws login`."""
        return self.told([MFA_CREDS, "exec", "-p", profile, "--", CLIENTS / "python", "-c", BOTO3])

    def told(self, command, **environment):
        done = self.run_program(command, **environment)
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}")
        for secret in self.secrets():
            self.assertNotIn(secret, done.stdout + done.stderr)
        told = json.loads(done.stdout)
        return told["arn"], told["key"]


class Tools(LoginTest):
    def test_each_reads_what_another_has_written_and_refreshes_it(self):
        """Each comes after mfa-creds, and mfa-creds after each."""
        self.sign_in()
        tools = [self.by_mfa_creds, self.by_aws_cli, self.by_mfa_creds, self.by_boto3]
        tools += [self.by_mfa_creds, self.by_javascript, self.by_mfa_creds]
        for tool in tools:
            with self.subTest(tool.__name__):
                before = self.stored()
                self.assertEqual(tool("dev"), (USER, before["accessToken"]["accessKeyId"]))
                self.assertEqual(self.stored(), before)
                self.end_in(MARGIN - 10)
                arn, key = tool("dev")
                after = self.stored()
                self.assertEqual((arn, key), (USER, after["accessToken"]["accessKeyId"]))
                for changed in ("accessToken", "refreshToken"):
                    self.assertNotEqual(after.pop(changed), before.pop(changed))
                self.assertEqual(after, before)
                self.assertEqual(stat.S_IMODE(self.cache.stat().st_mode), 0o600)
        self.assertEqual(list(self.cache.parent.iterdir()), [self.cache])
        self.assertFalse(self.credentials.exists())

    def test_a_login_by_a_role(self):
        self.sign_in(ROLE, "alice@example.com")
        for tool in (self.by_boto3, self.by_aws_cli, self.by_javascript, self.by_mfa_creds):
            with self.subTest(tool.__name__):
                self.end_in(0)
                self.assertEqual(tool("dev"), (f"{ASSUMED}alice@example.com", self.key()))

    def test_what_a_tool_does_not_know_stays(self):
        self.sign_in()
        stored = self.stored() | {"signInRegion": "us-east-1", "later": {"a": [1, None]}}
        self.cache.write_text(json.dumps(stored))
        self.end_in(0)
        self.by_mfa_creds("dev")
        self.assertEqual(self.stored()["later"], {"a": [1, None]})
        self.assertEqual(self.stored()["signInRegion"], "us-east-1")
        self.by_boto3("dev")

    def test_eight_of_ours_at_once_do_not_disturb_the_aws_cli(self):
        self.sign_in()
        self.end_in(0)
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            told = list(threads.map(lambda _: self.by_mfa_creds("dev"), range(8)))
        self.assertEqual(set(told), {(USER, self.key())})
        self.end_in(0)
        self.assertEqual(self.by_aws_cli("dev"), (USER, self.key()))


class Roles(LoginTest):
    def test_a_tool_that_knows_nothing_of_aws_login_has_the_role(self):
        """boto3 without what signs a refresh cannot use the session itself."""
        self.sign_in()
        refused = self.run_program([CLIENTS / "python", "-c", BOTO3], AWS_PROFILE="deploy")
        self.assertIn("botocore[crt]", refused.stderr)
        self.end_in(0)
        self.mfa_creds("-q", "-p", "deploy")
        values = self.assert_written("deploy-mfa", role=ROLE, seconds=3600)
        arn, key = self.told([CLIENTS / "python", "-c", BOTO3], AWS_PROFILE="deploy-mfa")
        self.assertTrue(arn.startswith(ASSUMED), arn)
        self.assertEqual(key, values["aws_access_key_id"])
        # And the tools that do know can go on with the session.
        self.end_in(0)
        self.assertEqual(self.by_boto3("dev"), (USER, self.key()))

    def test_the_server_and_exec_give_the_role(self):
        self.sign_in()
        self.end_in(0)
        for server in ([], ["--server"]):
            with self.subTest(server):
                command = [MFA_CREDS, "exec", *server, "-p", "deploy", "--", CLIENTS / "python", "-c", BOTO3]
                arn, _ = self.told(command)
                self.assertTrue(arn.startswith(ASSUMED), arn)
        # The session itself from a server.
        command = [MFA_CREDS, "exec", "--server", "-p", "dev", "--", CLIENTS / "python", "-c", BOTO3]
        self.assertEqual(self.told(command), (USER, self.key()))

    def test_a_process_of_the_aws_cli(self):
        """The role where `[P]` of the credentials file is not written at all."""
        self.sign_in()
        process = f'[profile p]\ncredential_process = "{MFA_CREDS}" export -p deploy --format process\n'
        self.config.write_text(self.config.read_text() + process)
        arn, _ = self.told([CLIENTS / "python", "-c", BOTO3], AWS_PROFILE="p")
        self.assertTrue(arn.startswith(ASSUMED), arn)


class Ended(LoginTest):
    def test_everyone_asks_for_another_login(self):
        """A token that was used before is that of an ended session."""
        self.sign_in()
        self.end_in(0)
        before = self.cache.read_text()
        self.by_boto3("dev")
        self.cache.write_text(before)
        for command, said in (
            ([LOGINS / "python", "-c", BOTO3], "Please reauthenticate using 'aws login'"),
            ([os.environ["NODE"], os.environ["NODE_CLIENT"]], "Please reauthenticate"),
            ([MFA_CREDS, "exec", "-p", "dev", "--", "true"], "sign in with `aws login --profile dev`"),
        ):
            done = self.run_program(command, AWS_PROFILE="dev")
            self.assertNotEqual(done.returncode, 0, done.stdout)
            self.assertIn(said, done.stderr)
            self.assertEqual(self.cache.read_text(), before)
