#!/usr/bin/env python3
"""Checks that every ABI test is as it was when it passed on Linux: tools/abi_validated.py [TESTS-DIR]."""
import hashlib, os, re, sys

def main():
    here = sys.argv[1] if len(sys.argv) > 1 else "tests/abi"
    hashes, cases, current, bad = {}, {}, None, []
    with open(os.path.join(here, "validated.txt")) as f:
        for line in f:
            if line.startswith("\t"):
                cases[current].add(line.strip())
            elif not line.startswith("#"):
                digest, current = line.split()
                hashes[current], cases[current] = digest, set()
    for name in sorted(os.listdir(here)):
        if not name.endswith((".c", ".h")):
            continue
        with open(os.path.join(here, name), "rb") as f:
            data = f.read()
        if hashes.get(name) != hashlib.sha256(data).hexdigest():
            bad.append("%s has changed since it was validated" % name)
            continue
        for case in re.findall(r"^ABI_TEST\((\w+)\)", data.decode(), re.M):
            if case not in cases[name]:
                bad.append("%s:%s has not passed on Linux" % (name, case))
    for line in bad:
        print("abi_validated: " + line)
    if bad:
        print("abi_validated: run 'make abi-validate' and commit tests/abi/validated.txt")
    sys.exit(1 if bad else 0)

main()
