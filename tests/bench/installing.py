"""What a measurement needs: programs of the system, the peers from their registries, and our own builds."""

import os
import pathlib
import platform
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
BENCH = TARGET / "bench"
CRATES = BENCH / "crates"
VENV = BENCH / "venv"

HYPERFINE = ("hyperfine", "1.20.0")
PEERS_OF_RUST = [("aws-mfa-session", "0.6.0"), ("mfaws", "0.4.1")]
HELLO = 'fn main() {\n    println!("Hello, world!");\n}\n'


class Failure(Exception):
    """Something that a measurement needs cannot be had, or a program did not do what it is measured for."""


def logged(name, command, environment=None):
    """Runs a command, with everything that it says in a log of this name."""
    BENCH.mkdir(parents=True, exist_ok=True)
    log = BENCH / f"{name}.log"
    with log.open("wb") as output:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise Failure(f"{end}\n{name} failed; {log} has everything")


def programs(**packages):
    """Installs, with apt-get, the programs that are missing: each is given with the package that has it."""
    missing = [package for program, package in packages.items() if not shutil.which(program)]
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise Failure(f"these are missing: {' '.join(missing)}")
    tell(f"installing {' '.join(missing)}")
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    apt_get = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", "--no-install-recommends"]
    try:
        logged("packages", [*apt_get, "install", *missing])
    except Failure:
        # Its lists may be old, or not be there.
        logged("packages", [*apt_get, "update"])
        logged("packages", [*apt_get, "install", *missing])


def venv():
    """The peers from PyPI. Unlike in tests/real they are compiled, as they are for who installs them."""
    files = [HERE / "requirements.txt", HERE.parent / "real" / "requirements-clients.txt"]
    stamp = f"{VENV} {sys.version}\n" + "".join(file.read_text() for file in files)
    complete = VENV / "complete"
    if complete.exists() and complete.read_text() == stamp:
        return
    tell("installing aws-mfa, awsume and the AWS CLI from PyPI")
    shutil.rmtree(VENV, ignore_errors=True)
    logged("venv", [sys.executable, "-m", "venv", VENV])
    logged("venv", [VENV / "bin/python", "-m", "pip", "install", "--requirement", files[0]])
    # Last, so that an interrupted installation is never taken for a complete one.
    complete.write_text(stamp)


def crate(name, version):
    """A program from crates.io, with the dependencies that it was released with. cargo knows what is there already."""
    if not (CRATES / "bin" / name).exists():
        tell(f"building {name} {version} from crates.io")
    install = ["cargo", "install", "--locked", "--root", CRATES, f"{name}@{version}"]
    logged(name, install, {"CARGO_TARGET_DIR": str(BENCH / "build")})
    return CRATES / "bin" / name


def release():
    """Our own release build, as `cargo install` creates it."""
    tell("building mfa-creds")
    logged("release", ["cargo", "build", "--release", "--locked", "-p", "mfa-creds"])
    return TARGET / "release" / "mfa-creds"


def static_release():
    """The build that needs nothing of the system: with musl that of a release, made as the release makes it."""
    target, libc, flags = static_target()
    tell(f"building mfa-creds, static with {libc}")
    command = ["cargo", "build", "--release", "--locked", "-p", "mfa-creds", "--target", target]
    environment = {"RUSTFLAGS": flags}
    if libc == "musl":
        programs(**{"musl-gcc": "musl-tools"})
        command, environment = [ROOT / ".github/package", "build", target], {}
    logged("static-release", command, environment | {"CARGO_TARGET_DIR": str(BENCH / "static")})
    return BENCH / "static" / target / "release" / "mfa-creds"


def static_target():
    """musl where its libraries are installed; otherwise the system's own glibc, which is all that can be had offline."""
    musl = f"{platform.machine()}-unknown-linux-musl"
    if (sysroot() / "lib" / "rustlib" / musl).exists():
        return musl, "musl", "-Ctarget-feature=+crt-static"
    return f"{platform.machine()}-unknown-linux-gnu", "glibc", "-Ctarget-feature=+crt-static"


def hello_worlds():
    """The least that a Rust program can be, dynamic and static, built as we build."""
    source = BENCH / "hello.rs"
    source.write_text(HELLO)
    dynamic, static = BENCH / "hello-dynamic", BENCH / "hello-static"
    profile = ["-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1", "-Cpanic=abort", "-Cstrip=symbols", "--edition=2024"]
    logged("hello", ["rustc", *profile, "-o", dynamic, source])
    target, _, flags = static_target()
    logged("hello", ["rustc", *profile, f"--target={target}", flags, "-o", static, source])
    return dynamic, static


def stand_in():
    """The stand-in for STS, optimised like what it is to serve."""
    tell("building the stand-in for STS")
    logged("stand-in", ["cargo", "build", "--release", "--locked", "-p", "stand-in"])
    return TARGET / "release" / "stand-in"


def library(program):
    """The C library in a static program."""
    return "glibc" if b"GNU C Library" in pathlib.Path(program).read_bytes() else "musl"


def is_static(program):
    """Whether an ELF file names no dynamic loader."""
    content = pathlib.Path(program).read_bytes()
    if content[:5] != b"\x7fELF\x02":
        raise Failure(f"{program} is no program for 64-bit Linux")
    start = int.from_bytes(content[32:40], sys.byteorder)
    size, number = (int.from_bytes(content[at : at + 2], sys.byteorder) for at in (54, 56))
    interpreter = 3
    headers = range(start, start + size * number, size)
    return all(int.from_bytes(content[at : at + 4], sys.byteorder) != interpreter for at in headers)


def sysroot():
    return pathlib.Path(output("rustc", "--print", "sysroot"))


def output(*command):
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def tell(what):
    """Says what is going on, apart from the results."""
    print(f"{pathlib.Path(sys.argv[0]).name}: {what}", file=sys.stderr, flush=True)
