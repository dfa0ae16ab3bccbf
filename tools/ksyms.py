#!/usr/bin/env python3
"""Makes the kernel's own symbol table: reads `nm -n`, writes assembly. kern/symbols.c reads the table.

Only code is listed. Addresses are 32-bit distances from the first symbol; names are 32-bit offsets into one string.
"""
import re
import sys

LINE = re.compile(r"^([0-9a-f]+) ([tTwW]) (\S+)$")
HIGH_HALF = 1 << 63  # start-up code is linked low and gone when a backtrace could name it


def read_symbols(lines):
    """Returns sorted (address, name) with one name per address, compiler-made suffixes kept off."""
    found = {}
    for line in lines:
        m = LINE.match(line.rstrip("\n"))
        if not m:
            continue
        address, kind, name = int(m.group(1), 16), m.group(2), m.group(3)
        if address < HIGH_HALF or name.startswith((".L", "__pfx_")):
            continue
        name = re.sub(r"\.(isra|constprop|part|cold|lto_priv)(\.\d+)?.*$", "", name)
        if address not in found or kind in "TW":
            found.setdefault(address, name)
            if kind in "TW" and not name.startswith("_"):
                found[address] = name
    return sorted(found.items())


def write_table(symbols, out):
    base = symbols[0][0] if symbols else 0
    out.write('\t.section .rodata.ksyms, "a"\n\t.balign 8\n')
    out.write("\t.globl ksyms_base, ksyms_count, ksyms_address, ksyms_name, ksyms_text\n")
    out.write("ksyms_base:\t.quad %#x\n" % base)
    out.write("ksyms_count:\t.quad %d\n" % len(symbols))
    out.write("ksyms_address:\n")
    for address, _ in symbols:
        out.write("\t.long %#x\n" % (address - base))
    out.write("ksyms_name:\n")
    position, positions = 0, {}
    for _, name in symbols:
        if name not in positions:
            positions[name] = position
            position += len(name) + 1
        out.write("\t.long %d\n" % positions[name])
    out.write("ksyms_text:\n")
    for name in positions:
        out.write('\t.asciz "%s"\n' % name)
    out.write('\t.section .note.GNU-stack, "", @progbits\n')


if __name__ == "__main__":
    write_table(read_symbols(sys.stdin), sys.stdout)
