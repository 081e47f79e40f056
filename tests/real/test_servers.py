"""The same life of a profile on each server: sessions, roles, and the clients that use them."""

from support import AFTER, BEFORE, CODE, RealTest, Server, long_term, unique


class OnAServer:
    """What is wanted of mfa-creds whichever server answers."""

    def setUp(self):
        super().setUp()
        self.user = self.server.user(unique("worker"), may=["iam:ListUsers", "sts:AssumeRole"])
        self.credentials.write_bytes(BEFORE + long_term(self.user) + AFTER)

    def obtain(self, *arguments, variable="AWS_ENDPOINT_URL_STS"):
        self.mfa_creds("--profile", "p", "--token", CODE, *arguments, **{variable: self.server.url})

    def caller(self, profile="p"):
        """Who the profile is: the AWS CLI and boto3 must agree, so both of them read the file."""
        cli = self.aws(self.server.url, "sts", "get-caller-identity", "--profile", profile)["Arn"]
        sts = self.boto3(self.server.url, profile, "session.client('sts').get_caller_identity()['Arn']")
        self.assertEqual(cli, sts)
        return cli

    def test_session_is_appended_and_every_other_byte_kept(self):
        before = self.credentials.read_bytes()
        self.obtain()
        after = self.credentials.read_bytes()
        self.assert_written(seconds=43200)
        self.assertTrue(after.startswith(before), "what stood before the new section")
        self.assertRegex(after[len(before) :], rb"\A\n?\[p\]\n(?:[a-z_]+ = \S[^\n]*\n){6}\n?\Z")

    def test_session_is_written_into_its_placeholder(self):
        before, after = BEFORE + long_term(self.user), AFTER
        self.credentials.write_bytes(before + b"[p]\nregion = eu-west-1\n# mine\n\n" + after)
        self.obtain()
        written = self.credentials.read_bytes()
        self.assertTrue(written.startswith(before + b"[p]\nregion = eu-west-1\n"))
        self.assertTrue(written.endswith(after))
        self.assertEqual(written.count(b"# mine\n"), 1)

    def test_second_run_makes_no_request_and_leaves_the_file(self):
        self.obtain()
        self.mfa_creds_without_network("--profile", "p")
        # With another code at hand too: valid is valid.
        self.mfa_creds_without_network("--profile", "p", "--token", "654321")

    def test_expired_and_forced_runs_renew(self):
        self.obtain()
        self.expire()
        self.obtain()
        self.assert_written(seconds=43200)
        self.obtain("--force", "--duration", "7200")
        self.assert_written(seconds=7200)

    def test_clients_use_the_session(self):
        self.obtain(variable="AWS_ENDPOINT_URL")
        self.assertRegex(self.caller(), self.session_arn or rf"\A{self.user.arn}\Z")

    def test_clients_use_the_role(self):
        name = unique("role")
        role = self.server.role(name, self.user.arn)
        self.obtain("--assume-role", role, "--role-session-name", "me", variable="AWS_ENDPOINT_URL")
        self.assert_written(role=role, seconds=3600)
        self.mfa_creds_without_network("--profile", "p", "--assume-role", role)
        self.assertRegex(self.caller(), rf"\Aarn:aws:sts::\d{{12}}:assumed-role/{name}/me\Z")

    def test_role_gives_way_to_the_session_again(self):
        role = self.server.role(unique("role"), self.user.arn)
        self.obtain("--assume-role", role)
        self.obtain()
        # A section that held a role keeps its lines' places, so aws-mfa's order holds here too.
        self.assert_written(seconds=43200)


    def test_one_code_serves_every_role_of_the_config_file(self):
        first, second = unique("first"), unique("second")
        first_arn = self.server.role(first, self.user.arn, may=["sts:AssumeRole"])
        second_arn = self.server.role(second, first_arn)
        self.config.write_text(
            f"[profile {first}]\nrole_arn = {first_arn}\nsource_profile = p\nrole_session_name = me\n\n"
            f"[profile {second}]\nrole_arn = {second_arn}\nsource_profile = {first}\nrole_session_name = me\n"
        )
        arn = r"\Aarn:aws:sts::\d{12}:assumed-role/%s/me\Z"
        self.mfa_creds("--profile", first, "--token", CODE, AWS_ENDPOINT_URL=self.server.url)
        self.assert_written(seconds=43200)
        self.assert_written(f"{first}-mfa", role=first_arn, seconds=3600)
        # The rest needs no code.
        variables = {"AWS_ENDPOINT_URL": self.server.url}
        self.mfa_creds("--profile", second, "--no-input", **variables)
        self.assert_written(f"{second}-mfa", role=second_arn, seconds=3600)
        self.assertRegex(self.caller(f"{second}-mfa"), arn % second)
        self.mfa_creds_without_network("--all", "--no-input")
        # The clients assume both roles by themselves, as their source is the session.
        self.assertRegex(self.caller(first), arn % first)
        self.assertRegex(self.caller(second), arn % second)

    def test_a_longer_role_takes_the_code_itself(self):
        role = self.server.role(unique("long"), self.user.arn)
        self.config.write_text(
            f"[profile long]\nrole_arn = {role}\nsource_profile = p\nduration_seconds = 7200\n"
            f"mfa_serial = {self.user.device}\n"
        )
        self.mfa_creds("--profile", "long", "--token", CODE, AWS_ENDPOINT_URL=self.server.url)
        self.assert_written("long-mfa", role=role, seconds=7200)
        self.assertNotIn("[p]", self.credentials.read_text())


class Moto(OnAServer, RealTest):
    server = Server("MOTO")
    # Every session of moto's has one constant key, which belongs to nobody.
    session_arn = r"\Aarn:aws:sts::123456789012:user/moto\Z"


class LocalStack(OnAServer, RealTest):
    server = Server("LOCALSTACK")
    # The same constant key; LocalStack lets any key in, and takes an unknown one for the root user.
    session_arn = r"\Aarn:aws:iam::000000000000:root\Z"

    def test_smoke_of_a_ci_job(self):
        """As a CI job does it: the keys in the file, everything else in the environment."""
        user = self.user
        self.credentials.write_bytes(long_term(user, device=False))
        job = {
            "AWS_ENDPOINT_URL": self.server.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "MFA_DEVICE": user.device,
            "MFA_TOKEN": CODE,
        }
        self.mfa_creds("--profile", "p", **job)
        self.assert_written(seconds=43200)
        self.aws(self.server.url, "sts", "get-caller-identity", "--profile", "p", **job)
        del job["AWS_ENDPOINT_URL"]
        self.mfa_creds_without_network("--profile", "p", **job)


class MiniStack(OnAServer, RealTest):
    """The one that verifies signatures and evaluates policies, so what it grants was really granted."""

    server = Server("MINISTACK")
    session_arn = None

    def test_session_may_do_what_the_user_may(self):
        self.obtain()
        listed = self.aws(self.server.url, "iam", "list-users", "--profile", "p")["Users"]
        self.assertIn(self.user.arn, [user["Arn"] for user in listed])
        users = self.boto3(self.server.url, "p", "session.client('iam').list_users()['Users']")
        self.assertIn(self.user.arn, users)

    def test_session_may_not_do_what_the_user_may_not(self):
        """Without this, the test above could pass on a server that lets everybody in."""
        user = self.server.user(unique("nobody"), may=["sts:GetCallerIdentity"])
        self.credentials.write_bytes(long_term(user))
        self.obtain()
        self.assertIn("AccessDenied", self.aws(self.server.url, "iam", "list-users", "--profile", "p", exit=255))

    def refused(self, found, replacement):
        secret = self.user.secret
        text = self.credentials.read_text()
        self.assertEqual(text.count(found), 1)
        self.credentials.write_text(text.replace(found, replacement))
        before = self.credentials.read_bytes()
        for more in [], ["-v"], ["--log-level", "DEBUG"], ["-q"]:
            arguments = ["--profile", "p", "--token", CODE, *more]
            messages = self.mfa_creds(*arguments, exit=1, AWS_ENDPOINT_URL_STS=self.server.url)
            self.assertNotIn(secret, messages)
            self.assertNotEqual(messages, "")
            self.assertEqual(self.credentials.read_bytes(), before)

    def test_wrong_secret_is_refused(self):
        self.refused(self.user.secret, "fake/wrong/secret/0000000000000000000000")

    def test_unknown_key_is_refused(self):
        self.refused(self.user.key, "AKIAFAKEUNKNOWN00000")
