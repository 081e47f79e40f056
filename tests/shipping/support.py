"""What the checks share: where things are, and how programs are run."""

import json
import os
import pathlib
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HOST = os.environ["HOST"]
BUILT = pathlib.Path(os.environ["BUILT"])
TARGET_DIRECTORY = pathlib.Path(os.environ["TARGET_DIRECTORY"])
PACKAGES = TARGET_DIRECTORY / "packages"
VENV = TARGET_DIRECTORY / "shipping" / "venv" / "bin"
MANIFEST = tomllib.loads((ROOT / "Cargo.toml").read_text())
VERSION = MANIFEST["package"]["version"]
ARCHIVE = PACKAGES / f"mfa-creds-{VERSION}-{HOST}.tar.gz"
MANIFESTS = f"mfa-creds-{VERSION}-manifests.tar.gz"
SECONDS = 900  # the longest that one program may take


def run(*command, cwd=ROOT, **environment):
    """What a program prints. It has to succeed."""
    done = attempt(*command, cwd=cwd, **environment)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def attempt(*command, cwd=ROOT, **environment):
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
    )


def package(*arguments, **environment):
    """Runs the script that packs releases."""
    return run(ROOT / ".github" / "package", *arguments, **environment)


def resolved():
    """All packages that Cargo.lock names."""
    return json.loads(run("cargo", "metadata", "--locked", "--format-version", "1"))["packages"]


def says_its_version(test, program):
    commit, date = run("git", "log", "-1", "--format=%H %cs").split()
    test.assertEqual(run(program, "--version"), f"mfa-creds {VERSION} ({commit[:9]} {date})\n")


def download(asset):
    """Where an asset of the release is."""
    return f"{MANIFEST['package']['repository']}/releases/download/v{VERSION}/{asset}"
