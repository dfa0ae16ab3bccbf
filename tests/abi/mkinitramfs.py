#!/usr/bin/env python3
"""Writes a newc cpio archive: mkinitramfs.py OUT [DEST=SOURCE | DEST/ | DEST@TARGET]...

DEST=SOURCE is a file with SOURCE's permissions, DEST/ a directory, DEST@TARGET a symbolic link. Parents are made.
/dev/console and /dev/null are always there. The same input gives the same bytes.
"""
import os, stat, sys

def main():
    out, seen, blob = sys.argv[1], set(), bytearray()

    def add(name, mode, data=b"", rdev=(0, 0)):
        if name in seen:
            return
        parent = os.path.dirname(name)
        if parent:
            add(parent, stat.S_IFDIR | 0o755)
        seen.add(name)
        raw = name.encode() + b"\0"
        fields = (len(seen), mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(raw), 0)
        blob.extend(b"070701" + b"".join(b"%08X" % f for f in fields) + raw)
        blob.extend(b"\0" * (-len(blob) % 4) + data)
        blob.extend(b"\0" * (-len(blob) % 4))

    add("dev/console", stat.S_IFCHR | 0o600, rdev=(5, 1))
    add("dev/null", stat.S_IFCHR | 0o666, rdev=(1, 3))
    for arg in sys.argv[2:]:
        if "=" in arg:
            dest, source = arg.split("=", 1)
            with open(source, "rb") as f:
                add(dest.strip("/"), stat.S_IFREG | stat.S_IMODE(os.stat(source).st_mode) | 0o444, f.read())
        elif "@" in arg:
            dest, target = arg.split("@", 1)
            add(dest.strip("/"), stat.S_IFLNK | 0o777, target.encode())
        else:
            add(arg.strip("/"), stat.S_IFDIR | 0o755)
    add("TRAILER!!!", 0)
    blob.extend(b"\0" * (-len(blob) % 512))
    with open(out, "wb") as f:
        f.write(blob)

main()
