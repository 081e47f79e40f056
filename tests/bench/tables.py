"""The results as Markdown, and what the project wants of them."""

import datetime
import os
import pathlib
import platform
import re
import time

import installing

TRUE = "/bin/true"
# Of the processors' time, others may have so much before the machine is called busy.
QUIET = 0.1
MIB = 1_048_576
# For each kind of build.
BINARY_BYTES = {"static": 6_200_000, "dynamic": 7_000_000}
MEMORY_BYTES = 8_000_000
# Of `/bin/true`, for each kind of build.
OF_TRUE = {"static": 1.0, "dynamic": 2.0}
MANY_OF_TRUE = {"static": 5, "dynamic": 8}
OF_FASTEST_PEER = 0.5


def machine():
    """One paragraph that says when and on what it was measured."""
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    busy = others_share()
    quiet = "" if busy <= QUIET else ": the machine was not quiet, so the times are not worth much, and the CPU a little more"
    return (
        f"{datetime.date.today()}; {model[1] if model else platform.machine()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}, {' '.join(platform.libc_ver())}, Python {platform.python_version()}, "
        f"{' '.join(installing.output('rustc', '--version').split()[:2])}; {busy:.0%} busy with other things before it began{quiet}."
    )


def others_share():
    """The part of the processors' time that other programs take, in a second in which we do nothing."""

    def times():
        user, nice, system, idle, waiting, *rest = map(int, pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
        return idle + waiting, user + nice + system + idle + waiting + sum(rest)

    idle, total = times()
    time.sleep(1)
    idle_then, total_then = times()
    return 1 - (idle_then - idle) / (total_then - total)


def table(title, measured, peers=()):
    """A row for each command, with what it is of `/bin/true` and, where there are peers, of the fastest of them."""
    true = measured[TRUE].median if TRUE in measured else None
    fastest = min((measured[name].median for name in peers if name in measured), default=None)
    heads = ["", "median", "fastest run", "CPU", "peak memory"]
    heads += ["of `/bin/true`"] if true else []
    heads += ["of the fastest peer"] if fastest else []
    rows = []
    for name, result in measured.items():
        row = [name, *map(milliseconds, (result.median, min(result.times), result.median_cpu)), f"{result.peak / MIB:.1f} MiB"]
        row += [f"{result.median / true:.2f} ×"] if true else []
        row += [f"{result.median / fastest:.3f} ×"] if fastest else []
        rows.append(row)
    lines = [f"**{title}**", "", line(heads), line(["---", *["---:"] * (len(heads) - 1)]), *map(line, rows), ""]
    return "\n".join(lines)


def targets(results, binaries, ours, peers):
    """What is wanted, what was measured, and whether that is enough. `results` are the measurements by part."""
    rows = []

    def target(wanted, value, limit, shown):
        rows.append([wanted, shown(value), "met" if value <= limit else "**not met**"])

    times = lambda value: f"{value:.2f} ×"  # noqa: E731
    parts = ("cached", "1 profile"), ("cached", "10,000 profiles"), ("refresh", "over https: 1 profile in the file")
    cached, many, https = (results.get(part, {}) for part in parts)
    for program in ours:
        kind = program.name.removeprefix("mfa-creds (").removesuffix(")")
        if program.name in cached:
            own = cached[program.name].median
            limit = OF_TRUE[program.kind]
            target(f"cached run, {kind}: at most {limit} × `/bin/true`", own / cached[TRUE].median, limit, times)
            if fastest := fastest_peer(cached, peers, "median"):
                wanted = f"cached run, {kind}: at most half of the fastest peer"
                target(wanted, own / fastest, OF_FASTEST_PEER, times)
        if program.name in https and (fastest := fastest_peer(https, peers, "median_cpu")):
            wanted = f"refresh over https, {kind}: at most half of the fastest peer's CPU"
            target(wanted, https[program.name].median_cpu / fastest, OF_FASTEST_PEER, times)
        if program.name in https and (fastest := fastest_peer(https, peers, "median")):
            wanted = f"refresh over https, {kind}: ahead of the fastest peer"
            target(wanted, https[program.name].median / fastest, 1, times)
        if program.name in many:
            limit = MANY_OF_TRUE[program.kind]
            wanted = f"cached run with 10,000 profiles, {kind}: at most {limit} × `/bin/true`"
            target(wanted, many[program.name].median / many[TRUE].median, limit, times)
        peaks = [part[program.name].peak for part in results.values() if program.name in part]
        if peaks:
            wanted = f"peak memory of everything measured, {kind}: under 8 MB"
            target(wanted, max(peaks), MEMORY_BYTES, lambda value: f"{value / 1e6:.1f} MB")
        size, limit = binaries[program.name], BINARY_BYTES[program.kind]
        target(f"binary, {kind}: under {limit:,} bytes", size, limit, lambda value: f"{value:,}")
    return "\n".join(["**Targets**", "", line(["", "measured", ""]), line(["---", "---:", "---"]), *map(line, rows), ""])


def fastest_peer(measured, peers, what):
    return min((getattr(measured[name], what) for name in peers if name in measured), default=None)


def milliseconds(seconds):
    digits = 2 if seconds < 0.01 else 1 if seconds < 0.1 else 0
    return f"{1000 * seconds:,.{digits}f} ms"


def line(cells):
    return f"| {' | '.join(cells)} |"
