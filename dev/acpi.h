// dev/acpi.h - firmware tables: finding them, and power control from the FADT and \_S5. Code: acpi.c. ACPI 6.5, chapter 5.
//
// Tables are mapped read-only and for good. What is malformed is skipped with one line in the log; nothing here trusts a length.
#pragma once
#include "arch/boot.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct acpi_header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem_id[6], oem_table_id[8];
	u32 oem_revision, creator_id, creator_revision;
} PACKED;

// Finds the tables that boot_info.rsdp leads to, and tells the port how to power off and reset. Before mm takes memblock. Context: boot CPU.
void acpi_init(void);
// Hardware-reduced ACPI: there is no PM timer, no SCI (FADT flags bit 20).
bool acpi_reduced_hardware(void);
// Finds `Name (\_S5, Package () { a, b, ... })` in AML. True if it is there; its first two elements are in a and b.
bool acpi_find_s5(const u8 *aml, size_t n, u8 *a, u8 *b);
