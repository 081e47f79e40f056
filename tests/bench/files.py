"""The files that programs are measured with: a credentials file as a user of aws-mfa has it, with as many profiles as are wanted."""

import dataclasses

PROFILE = "work"
# So many profiles come to one that has temporary credentials too.
PROFILES_TO_A_SESSION = 100
# About as long as a session token of AWS is.
TOKEN = "FakeToken/" + "NotReal+" * 42


@dataclasses.dataclass(frozen=True)
class User:
    """A numbered user of the stand-in."""

    number: int

    @property
    def name(self):
        return f"user-{self.number}"

    @property
    def key(self):
        return f"AKIAFAKEUSER{self.number:08}"

    @property
    def secret(self):
        return f"FakeSecretOfUser{self.number:08}/NotReal+FakeFak"

    @property
    def device(self):
        return f"arn:aws:iam::123456789012:mfa/{self.name}"


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where a program looks for the long-term keys of a profile, and for the MFA device beside them."""

    suffix: str
    device_key: str

    def long_term(self, profile, user):
        return (
            f"[{profile}{self.suffix}]\naws_access_key_id = {user.key}\n"
            f"aws_secret_access_key = {user.secret}\n{self.device_key} = {user.device}\n\n"
        )

    def session(self, profile, user):
        """Temporary credentials as aws-mfa writes them, in a section that has no long-term keys."""
        section = profile if self.suffix else f"{profile}-short-term"
        return (
            f"[{section}]\nassumed_role = False\naws_access_key_id = ASIA{user.key[4:]}\n"
            f"aws_secret_access_key = {user.secret}\naws_session_token = {TOKEN}\n"
            f"aws_security_token = {TOKEN}\nexpiration = 2099-01-01 00:00:00\n\n"
        )

    def credentials(self, user, profiles=1):
        """A file with so many profiles. The last is `work`, of this user: who reads on until it is found reads everything."""
        others = "".join(
            self.long_term(f"profile-{number:05}", User(number))
            + (self.session(f"profile-{number:05}", User(number)) if number % PROFILES_TO_A_SESSION == 0 else "")
            for number in range(1, profiles)
        )
        return others + self.long_term(PROFILE, user)


AWS_MFA = Layout("-long-term", "aws_mfa_device")


def write(home, text, name="credentials"):
    """Writes an AWS file into a home, private as it should be."""
    directory = home / ".aws"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = directory / name
    file.write_text(text)
    file.chmod(0o600)
    return file
