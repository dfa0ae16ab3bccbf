"""What a log of the kernel must not hold: panics, warnings, reports of the checkers and of the watchdogs."""
import re

# The prefix of a line of the log: level, time.
PREFIX = re.compile(r"^(?:<\d+>)?(?:\[ *\d+\.\d+\] )?")
REPORT = re.compile(
    r"Kernel panic|^panic inside the panic|^WARNING: |^BUG\b|^(?:KASAN|UBSAN|KCSAN): |lock checker: |may sleep here"
    r"|^watchdog: |^RCU: grace period|^spinlock .* has waited|^slab .*(?:freed twice|overwritten|written after)|^leak(?!: none)\b"
    r"|^irq \d+: nobody cared|interrupt with unknown vector|an NMI that nobody asked for|^local APIC error"
    r"|^CPU \d+ .*did not start|^power-off failed|the counters of the CPUs differ")


def is_report(line):
    return bool(REPORT.search(PREFIX.sub("", line)))


def reports(text):
    """The lines of a log that are reports."""
    return [line for line in text.splitlines() if is_report(line)]
