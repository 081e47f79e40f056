"""Whole processes, timed with hyperfine in turns, and their peak memory."""

import dataclasses
import json
import pathlib
import shlex
import statistics
import subprocess

from installing import Failure

SECONDS = 120


@dataclasses.dataclass
class Measured:
    """What became of all turns of a command. All times are in seconds."""

    times: list[float] = dataclasses.field(default_factory=list)
    cpu: list[float] = dataclasses.field(default_factory=list)
    kilobytes: list[int] = dataclasses.field(default_factory=list)

    @property
    def median(self):
        return statistics.median(self.times)

    @property
    def median_cpu(self):
        return statistics.median(self.cpu)

    @property
    def peak(self):
        """The most memory that a run took, in bytes."""
        return 1024 * max(self.kilobytes)


@dataclasses.dataclass(frozen=True)
class Run:
    """A command with the network and the home that it is to be in, what it is told there, and what it reads."""

    enter: list[str]
    command: list[str]
    home: pathlib.Path
    environment: dict[str, str]
    reads: str = ""

    def once(self):
        """Runs it without a clock, and returns all that it says."""
        done = subprocess.run(
            self.alone(self.command),
            cwd=self.home,
            input=self.reads.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            # Away from the terminal, where some would ask for a code.
            start_new_session=True,
        )
        said = done.stdout.decode(errors="replace")
        if done.returncode:
            raise Failure(f"{shlex.join(self.command)} ended with {done.returncode}: {said}")
        return said

    def timed(self, hyperfine, measured, runs):
        """Lets hyperfine run it so often, and returns what the last run had to say on standard output."""
        report, reads, said = (self.home / name for name in ("hyperfine.json", "hyperfine.reads", "hyperfine.said"))
        reads.write_text(self.reads)
        command = [hyperfine, "--shell=none", "--style=none", f"--runs={runs}", f"--input={reads}", f"--output={said}",
                   f"--export-json={report}", shlex.join(self.command)]  # fmt: skip
        self.quietly(command)
        (result,) = json.loads(report.read_text())["results"]
        measured.times += result["times"]
        measured.cpu.append(result["user"] + result["system"])
        return said.read_text(errors="replace")

    def weighed(self, measured):
        """Runs it for its peak memory. It takes a parent as small as time: a child's peak begins at what that one had."""
        report = self.home / "time.report"
        self.quietly(["/usr/bin/time", "--format=%M", f"--output={report}", *self.command])
        measured.kilobytes.append(int(report.read_text()))

    def quietly(self, command):
        done = subprocess.run(
            self.alone(command),
            cwd=self.home,
            input=self.reads.encode(),
            capture_output=True,
            timeout=SECONDS,
            start_new_session=True,
        )
        if done.returncode:
            raise Failure(f"{shlex.join(map(str, command))} ended with {done.returncode}: {done.stderr.decode()}")

    def alone(self, command):
        """The command with nothing of the environment that this script was started in."""
        environment = {
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "PATH": "/usr/bin:/bin",
            "USER": "bench",
            "LC_ALL": "C.UTF-8",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        } | self.environment
        variables = [f"{name}={value}" for name, value in environment.items()]
        return [*self.enter, "/usr/bin/env", "-i", *variables, *map(str, command)]


def in_turns(hyperfine, runs, rounds, seconds_a_turn):
    """Times runs in turns, so that what else the machine does meets all of them; returns what became of each, by name."""
    measured = {name: Measured() for name in runs}
    often = {}
    for name, run in runs.items():
        first = Measured()
        run.timed(hyperfine, first, 3)
        often[name] = max(1, min(20, round(seconds_a_turn / first.median)))
    for turn in range(rounds):
        names = list(runs)
        # Nobody always comes after the same one.
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            runs[name].timed(hyperfine, measured[name], often[name])
            if turn < 5:
                runs[name].weighed(measured[name])
    return measured
