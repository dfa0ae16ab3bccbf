#!/usr/bin/env python3
"""Prints lib/crc32_tables.h: for each polynomial, how each byte value changes a CRC when it is 0 to 7 bytes from the end."""


def tables(poly):
    first = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (poly if crc & 1 else 0)
        first.append(crc)
    rows = [first]
    for _ in range(7):
        rows.append([crc >> 8 ^ first[crc & 255] for crc in rows[-1]])
    return rows


def main():
    print("// lib/crc32_tables.h - made by tools/gen-crc32.py; do not edit.")
    print("#pragma once")
    print('#include "lib/types.h"')
    for name, poly in (("crc32_table", 0xEDB88320), ("crc32c_table", 0x82F63B78)):
        print(f"\nstatic const u32 {name}[8][256] = {{")
        for row in tables(poly):
            print("\t{")
            for i in range(0, 256, 8):
                print("\t\t" + " ".join(f"0x{v:08x}," for v in row[i:i + 8]))
            print("\t},")
        print("};")


main()
