// arch/x86_64/madt.h - ACPI's table of CPUs and interrupt controllers. Code: madt.c. ACPI 6.5, 5.2.12.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_X2APIC = 9 };

struct madt_entry {
	u8 type, length;
} PACKED;

struct madt_lapic {
	struct madt_entry e;
	u8 uid, id;
	u32 flags;
} PACKED;

struct madt_ioapic {
	struct madt_entry e;
	u8 id, reserved;
	u32 address, gsi_base;
} PACKED;

struct madt_override {
	struct madt_entry e;
	u8 bus, source;
	u32 gsi;
	u16 flags;
} PACKED;

struct madt_x2apic {
	struct madt_entry e;
	u16 reserved;
	u32 id, flags, uid;
} PACKED;

#define MADT_ENABLED 1u

// Calls fn for each entry. False if there is no table.
bool madt_for_each(void (*fn)(const struct madt_entry *e, void *arg), void *arg);
