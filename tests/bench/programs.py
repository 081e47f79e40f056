"""The programs that are measured: how each is asked for the same, and how one sees that it did it."""

import dataclasses
import pathlib

import installing
from files import AWS_MFA, PROFILE, Layout

ROLE = "arn:aws:iam::123456789012:role/bench"
PLAIN = Layout("", "mfa_serial")
SESSION_KEY = "ASIA"


@dataclasses.dataclass(frozen=True)
class Program:
    """A program that exchanges an MFA code for temporary credentials, and hands out those that are still valid."""

    name: str
    path: pathlib.Path
    layout: Layout
    # What is asked for where nothing is due, and what it says then.
    cached: list[str]
    still_valid: str
    # What comes before a code that is an argument; without it, the code is a line of standard input.
    refresh: list[str]
    code_after: str | None
    # Whether new credentials are in the credentials file, rather than on standard output.
    writes: bool = True
    # Whether it can be told which endpoint to call. One that cannot needs the names of AWS to lead to the stand-in.
    takes_endpoint: bool = True
    config: str = ""
    # Of our own: static or dynamic.
    kind: str = ""
    # What to ask to have something cached, where that is not the refresh.
    fill: list[str] | None = None

    def cached_command(self):
        return [str(self.path), *self.cached]

    def refresh_command(self, user, code):
        """The command, and what it reads."""
        told = [part.format(device=user.device) for part in self.refresh]
        if self.code_after is None:
            return [str(self.path), *told], f"{code}\n"
        return [str(self.path), *told, self.code_after, code], ""

    def fill_command(self, user, code):
        if self.fill is None:
            return self.refresh_command(user, code)
        return [str(self.path), *self.fill], f"{code}\n"


def ours(paths):
    """Builds of mfa-creds, named by what they are, and by where they are too if there are several of a kind."""
    kinds = ["static" if installing.is_static(path) else "dynamic" for path in paths]
    libraries = [f", {installing.library(path)}" if kind == "static" else "" for path, kind in zip(paths, kinds, strict=True)]
    return [
        Program(
            name=f"mfa-creds ({kind}{library})" if kinds.count(kind) == 1 else f"mfa-creds ({kind}, {path})",
            path=path,
            layout=AWS_MFA,
            cached=["-p", PROFILE],
            still_valid="is still valid until",
            refresh=["-p", PROFILE],
            code_after="--token",
            kind=kind,
        )
        for path, kind, library in zip(paths, kinds, libraries, strict=True)
    ]


def peers(venv, crates):
    return [
        Program(
            name="aws-mfa 0.0.12",
            path=venv / "bin/aws-mfa",
            layout=AWS_MFA,
            cached=["--profile", PROFILE],
            still_valid="Your credentials are still valid",
            refresh=["--profile", PROFILE],
            code_after=None,
        ),
        Program(
            name="awsume 4.5.4",
            path=venv / "bin/awsumepy",
            layout=PLAIN,
            cached=[PROFILE],
            still_valid=f"Awsume {SESSION_KEY}",
            refresh=[PROFILE],
            code_after="--mfa-token",
            writes=False,
        ),
        Program(
            name="aws-mfa-session 0.6.0",
            path=crates / "bin/aws-mfa-session",
            layout=PLAIN,
            cached=["-p", PROFILE, "-u", "session"],
            still_valid="Reusing profile 'session'",
            refresh=["-p", PROFILE, "-u", "session"],
            code_after="-c",
        ),
        Program(
            name="mfaws 0.4.1",
            path=crates / "bin/mfaws",
            layout=Layout("", "aws_mfa_device"),
            cached=["session-token", "--profile", PROFILE],
            still_valid="Found existing short-term profile",
            refresh=["session-token", "--profile", PROFILE],
            code_after="--otp",
            takes_endpoint=False,
        ),
        # It keeps the sessions of roles only. The export-credentials of version 2 is not in the one that PyPI has; of what
        # is, this comes nearest: it finds the cached session, and prints the end of its keys.
        Program(
            name="AWS CLI 1.45.64",
            path=venv / "bin/aws",
            layout=PLAIN,
            cached=["configure", "list", "--profile", "role"],
            still_valid="assume-role",
            refresh=["sts", "get-session-token", "--profile", PROFILE, "--output", "json", "--serial-number", "{device}"],
            code_after="--token-code",
            writes=False,
            config=f"[profile role]\nrole_arn = {ROLE}\nsource_profile = {PROFILE}\n"
            "mfa_serial = {device}\nduration_seconds = 14400\n",
            fill=["configure", "list", "--profile", "role"],
        ),
    ]
