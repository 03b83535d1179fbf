"""The report of a campaign: failures with the commands that repeat them, and a table at the end."""

import os
import resource
import shutil
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from .lag import LAG

MOST_REPEATED = 40
"""The maximum number of failed scenarios that are repeated alone."""

MOST_SHOWN = 25
"""The maximum number of failed scenarios reported in full."""

MOST_VIOLATIONS = 12
"""The maximum number of reported violations of a scenario."""

LOG_LINES = 40


@dataclass
class Outcome:
    """A scenario that failed."""

    number: int
    scenario: object
    violations: list
    deaths: list
    requests: list
    logs: str
    alone: list | None = None
    """The violations of the repetition alone; None if there was no repetition."""
    neighbours: list = field(default_factory=list)

    @property
    def is_disturbed(self):
        """True if a shared worker has ended, perhaps because of another scenario."""
        return bool(self.deaths) and self.scenario.stack.startswith("shared")


class Report:
    def __init__(self, plan):
        self.plan = plan
        self.start = time.monotonic()
        self.count = 0
        self.skipped = 0
        self.kinds = Counter()
        self.failed_kinds = Counter()
        self.injected = Counter()
        self.statuses = defaultdict(Counter)
        self.ends = Counter()
        self.heads = []
        self.heals = []
        self.tried_heals = 0
        self.failed = []
        self.stacks = []
        self.violations = []

    # --- Collecting

    def add(self, run):
        scenario = run.scenario
        self.count += 1
        self.kinds[scenario.kind] += 1
        self.injected.update(run.injected)
        self.statuses[scenario.kind].update(run.statuses)
        self.ends.update(result.end for result in run.results)
        self.heads += [result.head_after for result in run.results if result.head_after is not None]
        self.heals.append((run.heal_seconds, scenario.number))
        self.tried_heals += run.tried_heals
        if run.violations:
            self.failed_kinds[scenario.kind] += 1
            outcome = Outcome(
                scenario.number,
                scenario,
                run.violations,
                run.deaths,
                run.requests,
                self.keep_logs(run),
                neighbours=sorted(other.number for other in run.stack.runs if other is not run),
            )
            self.failed.append(outcome)
            print(f"scenario {scenario.number} ({scenario.kind}) failed: {run.violations[0][:300]}", flush=True)

    def to_repeat(self):
        """Returns the numbers of the first failed scenarios."""
        return list({outcome.number: outcome for outcome in self.failed[:MOST_REPEATED]})

    def add_repeated(self, run):
        for outcome in self.failed:
            if outcome.number == run.number:
                outcome.alone = list(run.violations)

    def add_stack(self, stack, wrong):
        deaths = [entry for entry in wrong if entry.startswith("workers live")]
        culprits = any(outcome.alone for outcome in self.failed if outcome.deaths)
        # A death is reported with the scenario that causes it, if one does so alone.
        self.violations += [f"stack {stack.name}: {entry}" for entry in wrong if entry not in deaths or not culprits]
        self.stacks.append((stack.name, stack.ended_count, stack.sizes))
        if wrong:
            self.keep_stack_logs(stack)

    def keep_logs(self, run):
        """Copies the log lines of a scenario to a directory that remains."""
        directory = os.path.join(self.plan.directory, "failed", str(run.number))
        os.makedirs(directory, exist_ok=True)
        mark = f"s{run.number}/"
        with open(os.path.join(directory, "worker.log"), "w") as kept:
            for name in ("worker.log", "worker.err"):
                kept.writelines(lines_with(run.stack.path(name), mark if name == "worker.log" else ""))
        for name in ("error.log", "access.log"):
            with open(os.path.join(directory, f"nginx-{name}"), "w") as kept:
                kept.writelines(lines_with(run.stack.path("nginx", name), mark))
        with open(os.path.join(directory, "script.txt"), "w") as kept:
            kept.write(run.scenario.words() + "\n\n" + "\n".join(run.requests) + "\n")
        return directory

    def keep_stack_logs(self, stack):
        directory = os.path.join(self.plan.directory, "failed", stack.name)
        os.makedirs(directory, exist_ok=True)
        for name in ("worker.log", "worker.err", "worker.yaml", "nginx/error.log"):
            if os.path.exists(stack.path(name)):
                shutil.copy(stack.path(name), os.path.join(directory, os.path.basename(name)))

    # --- Output

    @property
    def real_failures(self):
        """The failed scenarios without those that only shared a worker with a culprit."""
        return [
            outcome
            for outcome in self.failed
            if not (outcome.is_disturbed and outcome.alone == [] and self.has_culprit)
        ]

    @property
    def has_culprit(self):
        return any(
            outcome.alone and any(entry.startswith("workers live") for entry in outcome.alone)
            for outcome in self.failed
        )

    @property
    def has_failed(self):
        return bool(self.real_failures or self.violations or self.skipped)

    def progress(self):
        seconds = time.monotonic() - self.start
        return f"{self.count} of {len(self.plan.numbers)} scenarios, {len(self.failed)} failed, {seconds:.0f} s"

    def tell(self):
        failures = self.real_failures
        for outcome in failures[:MOST_SHOWN]:
            self.tell_failure(outcome)
        if len(failures) > MOST_SHOWN:
            numbers = ", ".join(str(outcome.number) for outcome in failures[MOST_SHOWN:])
            print(f"\n{len(failures) - MOST_SHOWN} more failed: {numbers}")
        for violation in self.violations:
            print(f"\nFAILED at the end: {violation}")
        self.tell_table()
        print(f"\n{self.count - len(failures)} passed, {len(failures) + len(self.violations)} failed", flush=True)

    def tell_failure(self, outcome):
        options = "".join(
            f" {name}"
            for name in (
                "LONG=1" if self.plan.long else "",
                f"KINDS='{' '.join(self.plan.kinds)}'" if self.plan.kinds else "",
            )
            if name
        )
        print(f"\n{'=' * 100}\nFAILED {outcome.scenario.words()}\n\nseen:")
        for violation in outcome.violations[:MOST_VIOLATIONS]:
            print(f"  {violation}")
        if len(outcome.violations) > MOST_VIOLATIONS:
            print(f"  and {len(outcome.violations) - MOST_VIOLATIONS} more")
        print("\nwhat happened:")
        for line in outcome.requests[-150:]:
            print(f"  {line}")
        print("\nworker log:")
        for line in tail(os.path.join(outcome.logs, "worker.log"), without='"message":"request"'):
            print(f"  {line}")
        for line in tail(os.path.join(outcome.logs, "nginx-error.log")):
            print(f"  nginx: {line}")
        if outcome.alone is not None:
            print(
                "\nalone the scenario "
                + (
                    "fails again: " + "; ".join(outcome.alone)[:500]
                    if outcome.alone
                    else f"passes; others on its stack at the same time: {outcome.neighbours}"
                )
            )
        print(f"\nlogs: {outcome.logs}\nrepeat: make soak SEED={self.plan.seed} ONLY={outcome.number}{options}")

    def tell_table(self):
        print(f"\n{'kind':14} {'scenarios':>9} {'failed':>6}  responses by status")
        for kind, count in sorted(self.kinds.items()):
            statuses = ", ".join(
                f"{status or 'none'}: {number}" for status, number in sorted(self.statuses[kind].items())
            )
            print(f"{kind:14} {count:9} {self.failed_kinds[kind]:6}  {statuses}")
        faults = ", ".join(f"{name} {count}" for name, count in self.injected.most_common())
        print(f"\nfaults: {sum(self.injected.values())}: {faults}")
        print("responses: " + ", ".join(f"{end} {count}" for end, count in self.ends.most_common()))
        if self.heads:
            self.heads.sort()
            print(
                f"heads: half within {self.heads[len(self.heads) // 2] * 1000:.0f} ms, "
                f"99 % within {self.heads[int(len(self.heads) * 0.99)]:.1f} s, all within {self.heads[-1]:.1f} s"
            )
        if self.heals:
            seconds, number = max(self.heals)
            print(
                f"healing: at most {seconds:.1f} s (scenario {number}), {self.tried_heals} responses were not right yet"
            )
        for name, ended, sizes in self.stacks:
            print(
                f"stack {name}: {ended} workers ended, "
                + ", ".join(f"{descriptors} descriptors {kilobytes // 1000} MB" for descriptors, kilobytes in sizes)
            )
        print(f"the machine was behind by {LAG.total:.0f} s")
        used = resource.getrusage(resource.RUSAGE_SELF)
        processor = used.ru_utime + used.ru_stime
        print(f"time: {time.monotonic() - self.start:.0f} s, of the campaign {processor:.0f} s of a processor")


def lines_with(path, mark):
    try:
        with open(path, errors="replace") as file:
            return [line for line in file if mark in line]
    except OSError:
        return []


def tail(path, without=None):
    """Returns the last lines of a log, without those of requests."""
    try:
        with open(path, errors="replace") as file:
            lines = [line.rstrip()[:500] for line in file if without is None or without not in line]
    except OSError:
        return []
    return lines[-LOG_LINES:]
