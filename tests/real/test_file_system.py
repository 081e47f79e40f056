"""File systems as they are in containers and on bad days: mounted files, read-only and full ones, other users.

Needs Linux, and either root or the right to make user namespaces.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

from support import CODE, MFA_CREDS, SECONDS, RealTest, Server, long_term, unique

NOBODY = 65534
NAMESPACE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]


class FileSystem(RealTest):
    server = Server("MOTO")

    def setUp(self):
        super().setUp()
        self.keys = long_term(self.server.user(unique("worker"), may=["sts:AssumeRole"]))
        self.credentials.write_bytes(self.keys)
        self.command = [MFA_CREDS, "--profile", "p", "--token", CODE, "-v"]

    def in_namespace(self, script, url=None):
        """Runs a shell script where it may mount; "$@" is the binary with its arguments, in .aws as working directory."""
        command = [*NAMESPACE, "sh", "-euc", script, "sh", *self.command]
        environment = {"HOME": str(self.home), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        return subprocess.run(
            command,
            env=environment | {"AWS_ENDPOINT_URL": url or self.server.url},
            cwd=self.credentials.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def assert_clean(self):
        """Nothing is left behind, in the directory or in ours."""
        left = [name for _, _, names in os.walk(self.credentials.parent) for name in names]
        self.assertEqual([name for name in left if "-new" in name or "-old" in name], [])

    def test_a_file_mounted_by_itself_is_written_in_place(self):
        done = self.in_namespace('mount --bind credentials credentials; "$@"')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("in place, with a temporary backup: it is mounted as a single file\n", done.stderr)
        self.assert_written()
        self.assert_clean()

    def test_a_writable_file_in_a_read_only_home(self):
        script = """
            mount --bind "$HOME" "$HOME"
            mount --bind credentials "$HOME/.aws/credentials"
            mount -o remount,bind,ro "$HOME"
            cd "$HOME/.aws"
            "$@"
        """
        done = self.in_namespace(script)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("in place, with a temporary backup: ", done.stderr)
        self.assert_written()
        self.assert_clean()
        self.assertFalse((self.credentials.parent / ".mfa-creds").exists())

    def test_a_read_only_file_system_is_said_before_the_code_is_used(self):
        script = 'mount --bind . .; mount -o remount,bind,ro "$PWD"; cd "$PWD"; "$@"'
        done = self.in_namespace(script, self.nobody_url)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("cannot be written: read-only file system\nhint: ", done.stderr)
        self.assertRaises(BlockingIOError, self.nobody.accept)
        self.assertEqual(self.credentials.read_bytes(), self.keys)

    def test_a_full_disk_is_said_before_the_code_is_used(self):
        script = """
            cp credentials "$HOME/copy"
            mount -t tmpfs -o size=64k tmpfs .
            cd "$PWD"
            cp "$HOME/copy" credentials
            head -c 100k /dev/zero >filler 2>/dev/null || true
            status=0; "$@" || status=$?
            cmp credentials "$HOME/copy"
            ls -A >"$HOME/left"
            exit $status
        """
        done = self.in_namespace(script, self.nobody_url)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("cannot be written: no space left on device\nhint: ", done.stderr)
        self.assertRaises(BlockingIOError, self.nobody.accept)
        left = (self.home / "left").read_text().split()
        self.assertEqual([name for name in left if "-new" in name], [])


class OtherUsers(RealTest):
    """The same file for somebody who is not root. A copy of the binary, because its own place may not be open to all."""

    server = Server("MOTO")

    def setUp(self):
        super().setUp()
        # The usual place for the homes of these tests is closed to others.
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(dir="/tmp")))
        self.credentials = self.home / ".aws" / "credentials"
        self.credentials.parent.mkdir(mode=0o700)
        self.credentials.write_bytes(long_term(self.server.user(unique("worker"), may=["sts:AssumeRole"])))
        self.binary = self.home / "mfa-creds"
        shutil.copy(MFA_CREDS, self.binary)
        self.binary.chmod(0o755)
        # Root hands the home to nobody; anybody else is not root already.
        self.as_user = []
        if os.geteuid() == 0:
            self.as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            for path in [self.home, self.credentials.parent, self.credentials]:
                os.chown(path, NOBODY, NOBODY)

    def refresh(self):
        command = [*self.as_user, self.binary, "--profile", "p", "--token", CODE, "-v"]
        return self.run_program(command, AWS_ENDPOINT_URL=self.server.url)

    def test_a_directory_that_is_not_writable(self):
        self.credentials.parent.chmod(0o500)
        done = self.refresh()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("in place, with a temporary backup: its directory or owner does not allow replacing it", done.stderr)
        self.assert_written()

    def test_a_file_that_is_not_ours_to_write(self):
        if os.geteuid() != 0:
            self.credentials.chmod(0o400)
        else:
            os.chown(self.credentials, 0, 0)
            self.credentials.chmod(0o644)
        done = self.refresh()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, "cannot be written: permission denied\nhint: |is read-only\nhint: ")

    def test_nobody_else_can_hold_or_read_the_locks(self):
        done = self.refresh()
        self.assertEqual(done.returncode, 0, done.stderr)
        private = self.credentials.parent / ".mfa-creds"
        self.assertEqual(private.stat().st_mode & 0o777, 0o700)
        for path in private.iterdir():
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        if os.geteuid() == 0:
            self.home.chmod(0o755)
            self.credentials.parent.chmod(0o755)
            other = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "ls", private]
            self.assertEqual(self.run_program(other).returncode, 2, "another user could look in")
