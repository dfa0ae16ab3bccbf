#!/usr/bin/env python3
"""Makes the fuzzer's table of calls from sys/syscalls.tbl:   gen.py sys/syscalls.tbl >calls.h

A line per call: number, name, and the kind of each argument, guessed from its type and name.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../tools"))
from syscalls import table  # noqa: E402

# Calls that would end the run itself, hide its reports, or never return.
LEFT_OUT = set("""reboot exit exit_group vfork rt_sigreturn syslog pivot_root kexec_load init_module delete_module
swapon swapoff umount2 mount chroot vhangup setns unshare personality""".split())
TIMES = {"ts", "req", "timeout", "tv", "times", "value", "rem"}
STRUCTS = {"vec": "K_IOVEC", "set": "K_SIGSET", "mask": "K_SIGSET", "act": "K_SIGACTION", "argv": "K_STRINGS", "envp": "K_STRINGS",
           "fds": "K_POLLFDS", "info": "K_PTR", "uaddr": "K_FUTEX", "uaddr2": "K_FUTEX"}
NAMES = {"sig": "K_SIGNAL", "pid": "K_PID", "tid": "K_PID", "tgid": "K_PID", "pgid": "K_PID", "uid": "K_ID", "gid": "K_ID",
         "mode": "K_MODE", "flags": "K_FLAGS", "prot": "K_FLAGS", "addr": "K_ADDR", "new_addr": "K_ADDR", "brk": "K_ADDR",
         "whence": "K_SMALL", "which": "K_SMALL", "who": "K_SMALL", "how": "K_SMALL", "op": "K_SMALL", "option": "K_SMALL",
         "advice": "K_SMALL", "policy": "K_SMALL", "resource": "K_SMALL", "vlen": "K_SMALL", "nfds": "K_SMALL", "n": "K_SMALL",
         "cmd": "K_COMMAND", "arg": "K_ADDR", "dev": "K_INT"}
SIZES = {"len", "count", "size", "old_len", "new_len", "maxlen"}


def kind(typ, name, note):
    if note == "path" or (typ == "uptr" and name in ("path", "name", "old", "new")):
        return "K_PATH"
    if typ == "uptr":
        if note == "out":
            return "K_OUT"
        return "K_TIME" if name in TIMES else STRUCTS.get(name, "K_PTR")
    if name.endswith("dfd"):
        return "K_DIRFD"
    if name.endswith("fd"):
        return "K_FD"
    if name.endswith("uid") or name.endswith("gid") and name not in NAMES:
        return "K_ID"
    if name in SIZES:
        return "K_SIZE"
    if typ == "clockid_t":
        return "K_SMALL"
    if typ == "loff_t" or "pos" in name or "off" in name:
        return "K_OFFSET"
    return NAMES.get(name, "K_INT")


def main():
    print("// Made by tests/fuzz/syscalls/gen.py from sys/syscalls.tbl.")
    for c in table(sys.argv[1]):
        if c.status == "absent" or c.name in LEFT_OUT:
            continue
        kinds = [kind(*a) for a in c.args]
        print('{ %d, "%s", %d, { %s } },' % (c.nr, c.name, len(kinds), ", ".join(kinds) or "0"))


if __name__ == "__main__":
    main()
