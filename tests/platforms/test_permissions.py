"""Who may use new files on Windows: which commands are given to icacls.exe, whose stand-in records them here.

What they do, only Windows itself shows: Wine has no access control lists that icacls changes.
"""

import getpass
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

WINE = os.environ['WINE']
PROGRAM = os.environ['MFA_CREDS']
DRIVE = Path(os.environ['WINEPREFIX']) / 'drive_c'
SYSTEM = DRIVE / 'windows/system32'
HERE = Path(__file__).parent
KEYS = '\nAKIAFAKEFAKEFAKEALIC\nFakeSecretOfAlice/NotReal+FakeSecretFake\narn:aws:iam::123456789012:mfa/alice\n'
ALWAYS = ['*S-1-5-18:{0}', '*S-1-5-32-544:{0}']


class Permissions(unittest.TestCase):
    def setUp(self):
        self.own = SYSTEM / 'icacls.exe'
        self.kept = self.own.with_suffix('.kept')
        shutil.copy(self.own, self.kept)
        subprocess.run(
            ['x86_64-w64-mingw32-gcc', '-municode', '-o', self.own, HERE / 'icacls.c'], check=True
        )
        # Wine sets USERPROFILE itself.
        self.profile = Path(tempfile.mkdtemp(prefix='my aws ', dir=DRIVE / 'users' / getpass.getuser()))
        self.outside = Path(tempfile.mkdtemp(prefix='shared ', dir=DRIVE))
        self.record = self.outside / 'record'

    def tearDown(self):
        os.replace(self.kept, self.own)
        shutil.rmtree(self.outside)
        shutil.rmtree(self.profile)

    def run_program(self, *words, file, typed='', **variables):
        return subprocess.run(
            [WINE, PROGRAM, *words],
            env={
                **os.environ,
                'WINEDLLOVERRIDES': 'icacls.exe=n;mscoree,mshtml=',
                'ICACLS_RECORD': self.named(self.record),
                'AWS_SHARED_CREDENTIALS_FILE': self.named(file),
                'AWS_CONFIG_FILE': self.named(file.with_name('config')),
                'AWS_ENDPOINT_URL': 'http://127.0.0.1:9',
                **variables,
            },
            input=typed,
            capture_output=True,
            encoding='utf-8',
            timeout=60,
            check=False,
        )

    def named(self, path):
        return 'C:\\' + str(path.relative_to(DRIVE)).replace('/', '\\')

    def recorded(self):
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [line.split('\t') for line in lines]

    def test_what_is_created_outside_the_profile_is_for_the_user_alone(self):
        directory = self.outside / 'my team'
        done = self.run_program(
            'setup', '--profile', 'work', file=directory / 'credentials', typed=KEYS,
            MFA_CREDS_TRACE=self.named(self.outside / 'trace'),
        )
        self.assertTrue((directory / 'credentials').exists(), done.stderr)
        # A directory gets its name when it is private already.
        recorded = [[re.sub(r'\.\d+$', '', name), *rest] for name, *rest in self.recorded()]
        user = recorded[0][3].removesuffix(':F')
        self.assertTrue(user.startswith('*S-1-5-21-'), user)
        for path, rights in [
            (self.outside / 'trace', 'F'),
            (directory, '(OI)(CI)F'),
            (directory / '.mfa-creds', '(OI)(CI)F'),
            (directory / '.credentials.mfa-creds-new', 'F'),
        ]:
            grants = [f'{user}:{rights}', *(grant.format(rights) for grant in ALWAYS)]
            self.assertIn([self.named(path), '/inheritance:r', '/grant:r', *grants], recorded)

    def test_in_the_profile_nothing_is_changed(self):
        file = self.profile / 'new/credentials'
        done = self.run_program(
            'setup', '--profile', 'work', file=file, typed=KEYS, MFA_CREDS_TRACE=self.named(self.profile / 'trace')
        )
        self.assertTrue(file.exists(), done.stderr)
        self.assertEqual(self.recorded(), [])

    def test_doctor_tells_who_else_can_change_or_read_files(self):
        path = self.profile / 'credentials'
        path.write_text('[work-long-term]\n')
        done = self.run_program('doctor', '--offline', file=path)
        file = self.named(path)
        self.assertRegex(done.stdout, r'problem  permissions +~\\my aws .*\\credentials can be changed by .*Authenticated Users\n')
        # For PowerShell. It does not name the user.
        shown = file.replace(f'C:\\users\\{getpass.getuser()}', '$Env:USERPROFILE')
        fix = next(line for line in done.stdout.splitlines() if f'icacls "{shown}"' in line)
        self.assertTrue(fix.endswith('/remove:g "*S-1-5-11"'), fix)
        # In a file, because Wine puts backslashes before quotation marks of a command line.
        line = self.profile / 'line.bat'
        line.write_text(fix.split('fix: ')[1].replace(shown, file) + '\r\n')
        before = len(self.recorded())
        typed = subprocess.run(
            [WINE, 'cmd', '/c', self.named(line)],
            env={**os.environ, 'WINEDLLOVERRIDES': 'icacls.exe=n', 'ICACLS_RECORD': self.named(self.record)},
            capture_output=True, encoding='utf-8', timeout=60, check=False,
        )
        self.assertEqual(typed.returncode, 0, typed)
        words = self.recorded()[before]
        self.assertEqual(words[:3], [file, '/inheritance:r', '/grant:r'])
        self.assertEqual(words[4:], ['*S-1-5-18:F', '*S-1-5-32-544:F', '/remove:g', '*S-1-5-11'])
