#!/usr/bin/env python3
"""Makes prototypes, dispatch, trace decoder and docs/abi.md from sys/syscalls.tbl.

  syscalls.py header TBL            prototypes of the handlers
  syscalls.py dispatch TBL [C...]   the port's table; handlers are looked for in the C files given
  syscalls.py abi TBL               docs/abi.md
  syscalls.py check TBL C...        every full or partial call has a handler, every handler a row
"""
import re
import sys

ROW = re.compile(r"(\d+)\s+(-|\d+)\s+(full|partial|absent)\s+(\w+)\(([^)]*)\)\s*(?:;\s*(.*))?$")
CASTS = {"uptr": "UPTR(%s)", "u64": "%s", "int": "(int)%s", "pid_t": "(int)%s", "clockid_t": "(int)%s"}
KINDS = {"out": "ARG_OUT", "path": "ARG_STRING", "hex": "ARG_HEX", "oflags": "ARG_OFLAGS"}


class Call:
    def __init__(self, m):
        self.nr, self.generic, self.status, self.name, args, self.note = m.groups()
        self.nr = int(self.nr)
        self.args = []          # (type, name, kind)
        for a in filter(None, (x.strip() for x in re.sub(r"/\*.*?\*/", lambda c: c.group(0).replace(",", " "), args).split(","))):
            kind = re.search(r"/\*(\w+).*?\*/", a)
            typ, name = re.sub(r"/\*.*?\*/", "", a).split()
            self.args.append((typ, name, kind.group(1) if kind else ""))

    def prototype(self):
        return "long sys_%s(%s)" % (self.name, ", ".join("%s %s" % (t, n) for t, n, _ in self.args) or "void")


def table(path):
    calls = []
    for i, line in enumerate(open(path), 1):
        line = line.rstrip("\n")
        if not line or line.startswith("#"):
            continue
        m = ROW.match(line)
        if not m:
            sys.exit("%s:%d: not a row: %s" % (path, i, line))
        calls.append(Call(m))
    return sorted(calls, key=lambda c: c.nr)


def handlers(files):
    found = set()
    for f in files:
        found.update(re.findall(r"^long sys_(\w+)\(", open(f).read(), re.M))
    return found


def header(calls):
    print("// Made by tools/syscalls.py from sys/syscalls.tbl: the system call handlers.\n#pragma once\n#include \"lib/types.h\"\n")
    for c in calls:
        if c.status != "absent":
            print(c.prototype() + ";")


def dispatch(calls, files):
    have = handlers(files)
    live = [c for c in calls if c.status != "absent" and c.name in have]
    print("// Made by tools/syscalls.py from sys/syscalls.tbl.")
    for c in live:
        args = ", ".join(CASTS.get(t, "(" + t + ")%s") % ("frame_syscall_arg(f, %d)" % i) for i, (t, _, _) in enumerate(c.args))
        print("static long call_%s(const struct frame *f)\n{\n\t%sreturn sys_%s(%s);\n}\n" % (c.name, "" if c.args else "(void)f;\n\t", c.name, args))
    print("static const syscall_fn syscall_table[NR_SYSCALLS] = {")
    for c in live:
        print("\t[%d] = call_%s," % (c.nr, c.name))
    print("};\n\nstatic const struct syscall_desc syscall_descs[NR_SYSCALLS] = {")
    for c in calls:
        kinds = ", ".join(KINDS.get(k, "ARG_ADDR" if t == "uptr" else "ARG_SIGNED" if t in ("int", "long", "pid_t", "loff_t", "clockid_t") else "ARG_UNSIGNED")
                          for t, _, k in c.args)
        print("\t[%d] = { \"%s\", %d, { %s } }," % (c.nr, c.name, len(c.args), kinds or "0"))
    print("};")


def abi(calls):
    n = {s: sum(c.status == s for c in calls) for s in ("full", "partial", "absent")}
    print("# System calls\n\nMade by tools/syscalls.py from sys/syscalls.tbl; the target is Linux 7.2.\n")
    print("%(full)d full (an ABI test that passes on Linux covers it), %(partial)d partial, %(absent)d absent (ENOSYS).\n" % n)
    print("| x86-64 | call | status | what is missing |\n|--:|---|---|---|")
    for c in calls:
        print("| %d | %s | %s | %s |" % (c.nr, c.name, c.status, c.note or ""))


def check(calls, files):
    have, bad = handlers(files), 0
    for c in calls:
        if (c.status != "absent") != (c.name in have):
            print("%s: %s in the table, but %s" % (c.name, c.status, "has a handler" if c.name in have else "no handler"))
            bad = 1
    for n in have - {c.name for c in calls}:
        print("sys_%s: not in the table" % n)
        bad = 1
    return bad


def main():
    verb, calls, rest = sys.argv[1], table(sys.argv[2]), sys.argv[3:]
    if verb == "header":
        header(calls)
    elif verb == "dispatch":
        dispatch(calls, rest)
    elif verb == "abi":
        abi(calls)
    elif verb == "check":
        sys.exit(check(calls, rest))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
