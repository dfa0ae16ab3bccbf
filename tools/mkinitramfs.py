#!/usr/bin/env python3
"""Makes an initramfs (cpio, newc format): the same bytes for the same input, whoever runs it and when.

    mkinitramfs.py OUT ENTRY...

    path=FILE           a regular file; executable if FILE is
    path:=TEXT          a regular file, executable, that holds TEXT
    path@TARGET         a symbolic link
    path/               a directory
    path%c:MAJOR:MINOR  a character device
    --applets=BUSYBOX   links for each applet of this busybox, to /bin/busybox
Missing parent directories are added. Owner is root everywhere.
"""
import os
import re
import subprocess
import sys

S_IFDIR, S_IFREG, S_IFLNK, S_IFCHR = 0o040000, 0o100000, 0o120000, 0o020000


class Archive:
    def __init__(self):
        self.entries = {}  # path -> (mode, data, major, minor)

    def add(self, path, mode, data=b"", rdev=(0, 0)):
        path = path.strip("/")
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self.add(parent, S_IFDIR | 0o755)
        self.entries[path] = (mode, data, rdev)

    def add_spec(self, spec):
        if spec.startswith("--applets="):
            self.add_applets(spec.split("=", 1)[1])
            return
        m = re.match(r"^([^=@%:]+?)(?:(/)|:=(.*)|=(.*)|@(.*)|%c:(\d+):(\d+))$", spec, re.S)
        if not m:
            sys.exit("mkinitramfs.py: cannot understand '%s'" % spec)
        path, directory, text, source, target, major, minor = m.groups()
        if directory:
            self.add(path, S_IFDIR | (0o1777 if path == "tmp" else 0o755))
        elif text is not None:
            self.add(path, S_IFREG | 0o755, text.encode())
        elif source is not None:
            with open(source, "rb") as f:
                self.add(path, S_IFREG | (0o755 if os.access(source, os.X_OK) else 0o644), f.read())
        elif target is not None:
            self.add(path, S_IFLNK | 0o777, target.encode())
        else:
            self.add(path, S_IFCHR | 0o600, b"", (int(major), int(minor)))

    def add_applets(self, busybox):
        names = subprocess.run([busybox, "--list-full"], check=True, capture_output=True, text=True).stdout.split()
        for name in names:
            if name not in self.entries and os.path.basename(name) != "busybox":
                self.add(name, S_IFLNK | 0o777, b"/bin/busybox")

    def write(self, out):
        inode = 0
        for path in sorted(self.entries):
            inode += 1
            mode, data, rdev = self.entries[path]
            links = 2 if mode & S_IFDIR == S_IFDIR else 1
            self.write_record(out, path, inode, mode, links, data, rdev)
        self.write_record(out, "TRAILER!!!", 0, 0, 1, b"", (0, 0))

    @staticmethod
    def write_record(out, path, inode, mode, links, data, rdev):
        name = path.encode() + b"\0"
        fields = (inode, mode, 0, 0, links, 0, len(data), 0, 0, rdev[0], rdev[1], len(name), 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + name
        out.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    archive = Archive()
    for spec in sys.argv[2:]:
        archive.add_spec(spec)
    with open(sys.argv[1] + ".part", "wb") as out:
        archive.write(out)
    os.replace(sys.argv[1] + ".part", sys.argv[1])


if __name__ == "__main__":
    main()
