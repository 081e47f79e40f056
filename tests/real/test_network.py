"""The names of AWS themselves, looked up and called: in a network of its own, where they lead to the stand-in, by TLS on port 443.

Needs Linux, and either root or the right to make user namespaces.
"""

import os
import pathlib
import subprocess
import sys

from support import MFA_CREDS, SECONDS, RealTest, StandIn, long_term

ROOT = os.geteuid() == 0
NAMESPACE = ["unshare", *([] if ROOT else ["--user", "--map-root-user"]), "--net", "--mount"]
HOSTS = [
    "sts.us-east-1.amazonaws.com",
    "sts.eu-west-1.amazonaws.com",
    "sts-fips.us-east-2.amazonaws.com",
    "sts.eu-west-1.api.aws",
    "sts.amazonaws.com",
    "iam.amazonaws.com",
]
# Settings, and the host that is called then. A device shows five codes that are good.
ROWS = [
    ({}, "sts.us-east-1.amazonaws.com"),
    ({"AWS_REGION": "us-east-2", "AWS_USE_FIPS_ENDPOINT": "true"}, "sts-fips.us-east-2.amazonaws.com"),
    ({"AWS_REGION": "eu-west-1", "AWS_USE_DUALSTACK_ENDPOINT": "true"}, "sts.eu-west-1.api.aws"),
    ({"AWS_REGION": "eu-west-1", "AWS_STS_REGIONAL_ENDPOINTS": "legacy"}, "sts.amazonaws.com"),
]


class Network(RealTest):
    def test_the_names_of_aws(self):
        hosts = self.home / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {' '.join(HOSTS)}\n")
        inside = f"import test_network; test_network.inside({str(self.home)!r})"
        script = 'ip link set lo up; mount --bind "$1" /etc/hosts; shift; exec "$@"'
        command = [*NAMESPACE, "sh", "-euc", script, "sh", hosts, sys.executable, "-c", inside]
        environment = {"STAND_IN": os.environ["STAND_IN"], "MFA_CREDS": MFA_CREDS, "PYTHONPATH": os.path.dirname(__file__)}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        environment |= {name: os.environ[name] for name in ("MOTO", "LOCALSTACK", "MINISTACK")}
        done = subprocess.run(
            command,
            env=environment | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=4 * SECONDS,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "".join(f"{host}\n" for _, host in ROWS) + "all\n")


def inside(home):
    """Runs in the network, and says which hosts were called."""
    home = pathlib.Path(home)
    bundle = home / "ca.pem"
    with StandIn("127.0.0.1:443", "--tls", ",".join(HOSTS), "--ca", str(bundle)) as stand_in:
        (home / ".aws/credentials").write_bytes(long_term(stand_in.user))

        def run(*arguments, **environment):
            trusted = {"HOME": str(home), "AWS_CA_BUNDLE": str(bundle)}
            return subprocess.run(
                [MFA_CREDS, *arguments],
                env={name: value for name, value in (trusted | environment).items() if value},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )

        for settings, host in ROWS:
            done = run("-p", "p", "--force", "-vv", "--token", stand_in.code(), **settings)
            assert done.returncode == 0, done.stderr
            assert f"> GetSessionToken to https://{host}\n" in done.stderr, done.stderr
            print(host)
        done = run("device", "list", "-p", "p", AWS_REGION="eu-west-1")
        assert done.returncode == 0 and stand_in.user.device in done.stdout, done.stderr
        done = run("doctor", "-p", "p", AWS_REGION="eu-west-1")
        assert done.returncode == 0, done.stdout + done.stderr
        # The certificates of the system do not vouch for the stand-in.
        done = run("-p", "p", "--force", "--token", "123456", AWS_CA_BUNDLE=None)
        wanted = "AWS STS at sts.us-east-1.amazonaws.com is not trusted: its certificate (sts.us-east-1.amazonaws.com) has an unknown issuer ("
        assert done.returncode == 1 and wanted in done.stderr, done.stderr
        # A name that is not in the file: there is no DNS here.
        done = run("-p", "p", "--force", "--token", "123456", AWS_REGION="ap-south-1")
        wanted = "AWS STS at sts.ap-south-1.amazonaws.com cannot be reached: its name could not be looked up in DNS\n"
        assert done.returncode == 1 and wanted in done.stderr, done.stderr
        assert "hint: check the network, and its DNS servers\n" in done.stderr, done.stderr
        print("all")
