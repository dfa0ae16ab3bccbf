// ACPI tables: RSDP, XSDT or RSDT, and of the FADT what power control and the clock need.
#include "dev/acpi.h"

#include "arch/boot.h"
#include "arch/reset.h"
#include "kern/log.h"
#include "lib/string.h"

#define MAX_TABLES 128
#define MAX_ROOT_ENTRIES 1024	// of a root table, usable or not: each costs a mapping and a checksum
#define RSDP_V1_SIZE 20
#define MAX_TABLE_SIZE (16u << 20)
#define FLAG_RESET_SUPPORTED BIT(10)
#define FLAG_REDUCED_HARDWARE BIT(20)
#define SPACE_MEMORY 0
#define SPACE_IO 1

struct rsdp {
	char signature[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;	// from revision 2 on
	u64 xsdt;
	u8 checksum2, reserved[3];
} PACKED;

struct address {
	u8 space, bits, offset, access;
	u64 address;
} PACKED;

struct fadt {
	struct acpi_header h;
	u32 facs, dsdt;
	u8 reserved0, profile;
	u16 sci_interrupt;
	u32 smi_command;
	u8 acpi_enable, acpi_disable, s4bios, pstate;
	u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0, gpe1;
	u8 lengths[4];	// pm1 event, pm1 control, pm2 control, pm timer
	u8 gpe[3], cst;
	u16 c2_latency, c3_latency, flush_size, flush_stride;
	u8 duty_offset, duty_width, day_alarm, month_alarm, century;
	u16 boot_flags;
	u8 reserved1;
	u32 flags;
	struct address reset;
	u8 reset_value;
	u16 arm_flags;
	u8 minor;
	u64 x_facs, x_dsdt;
	struct address x_events[8];
	struct address sleep_control, sleep_status;
} PACKED;
BUILD_ASSERT(offsetof(struct fadt, flags) == 112 && offsetof(struct fadt, x_dsdt) == 140 && offsetof(struct fadt, sleep_control) == 244);

static const struct acpi_header *tables[MAX_TABLES];	// checked
static u32 nr_tables;
// The FADT as far as the firmware's version of it goes, zeroes after that.
static struct fadt fadt;

static bool checksum_ok(const void *p, size_t n)
{
	const u8 *b = p;
	u8 sum = 0;

	while (n--)
		sum = (u8)(sum + *b++);
	return sum == 0;
}

static INIT const struct acpi_header *map_table(paddr_t pa)
{
	const struct acpi_header *h = pa ? early_memremap_ro(pa, sizeof(*h)) : NULL;

	if (!h || h->length < sizeof(*h) || h->length > MAX_TABLE_SIZE)
		return NULL;
	h = early_memremap_ro(pa, h->length);
	if (h && !checksum_ok(h, h->length)) {
		pr_warn("acpi: bad checksum in table %.4s, ignored\n", h->signature);
		return NULL;
	}
	return h;
}


// The root table's entries: 8 bytes each in the XSDT, 4 in the RSDT.
static INIT void add_root(const struct acpi_header *root, u32 width)
{
	const u8 *p = (const u8 *)(root + 1), *end = (const u8 *)root + root->length;

	for (u32 i = 0; (size_t)(end - p) >= width; p += width, i++) {
		u64 pa = 0;
		memcpy(&pa, p, width);
		if (nr_tables == MAX_TABLES || i == MAX_ROOT_ENTRIES) {
			pr_warn("acpi: too many tables, the last are ignored\n");
			return;
		}
		const struct acpi_header *h = map_table(pa);
		if (h)
			tables[nr_tables++] = h;
	}
}

// Version 1 has 20 bytes, later ones more, with a checksum over all.
static INIT const struct rsdp *map_rsdp(paddr_t pa)
{
	const struct rsdp *r = early_memremap_ro(pa, RSDP_V1_SIZE);

	if (!r || memcmp(r->signature, "RSD PTR ", 8) || !checksum_ok(r, RSDP_V1_SIZE))
		return NULL;
	if (r->revision < 2)
		return r;
	r = early_memremap_ro(pa, sizeof(*r));
	return r && checksum_ok(r, sizeof(*r)) ? r : NULL;
}

// The loader tells; else on a 16-byte boundary in the BIOS area.
static INIT const struct rsdp *find_rsdp(void)
{
	const struct rsdp *r = boot_info.rsdp ? map_rsdp(boot_info.rsdp) : NULL;

	for (paddr_t pa = 0xe0000; !r && pa + RSDP_V1_SIZE <= 0x100000; pa += 16)
		r = map_rsdp(pa);
	return r;
}

const void *acpi_find_table(const char *signature, u32 nth, size_t *size)
{
	for (u32 i = 0; i < nr_tables; i++) {
		if (memcmp(tables[i]->signature, signature, 4) || nth--)
			continue;
		*size = tables[i]->length;
		return tables[i];
	}
	return NULL;
}

bool acpi_reduced_hardware(void)
{
	return fadt.flags & FLAG_REDUCED_HARDWARE;
}

u16 acpi_pm_timer_port(bool *wide)
{
	*wide = fadt.flags & BIT(8);
	return acpi_reduced_hardware() ? 0 : (u16)fadt.pm_timer;
}

u8 acpi_century_register(void)
{
	return fadt.century;
}

// One element of a package: a constant that fits in a byte. Returns the bytes used, 0 if it is something else.
static size_t aml_byte(const u8 *p, size_t n, u8 *v)
{
	static const u8 widths[] = { [0x0a] = 1, [0x0b] = 2, [0x0c] = 4, [0x0e] = 8 };

	if (!n)
		return 0;
	if (p[0] == 0x00 || p[0] == 0x01) {	// ZeroOp, OneOp
		*v = p[0];
		return 1;
	}
	if (p[0] >= sizeof(widths) || !widths[p[0]] || n < 1u + widths[p[0]])
		return 0;
	*v = p[1];
	return 1u + widths[p[0]];
}

// ACPI 6.5, 20.2: NameOp "_S5_" PackageOp PkgLength NumElements element...
bool acpi_find_s5(const u8 *aml, size_t n, u8 *a, u8 *b)
{
	for (size_t i = 1; n >= 8 && i < n - 7; i++) {
		if (memcmp(aml + i, "_S5_", 4) || aml[i + 4] != 0x12)
			continue;
		if (aml[i - 1] != 0x08 && !(aml[i - 1] == '\\' && i >= 2 && aml[i - 2] == 0x08))
			continue;
		size_t p = i + 5 + 1 + (aml[i + 5] >> 6);	// PkgLength has up to three more bytes
		if (p >= n || aml[p] < 1)
			return false;
		u32 elements = aml[p++];
		size_t used = aml_byte(aml + p, n - p, a);
		*b = 0;
		if (!used || (elements > 1 && !aml_byte(aml + p + used, n - p - used, b)))
			return false;
		return true;
	}
	return false;
}

static INIT void find_s5(struct power_regs *r)
{
	const struct acpi_header *dsdt = map_table(fadt.x_dsdt ?: fadt.dsdt);
	size_t size;
	u8 a, b;

	if (dsdt && acpi_find_s5((const u8 *)(dsdt + 1), dsdt->length - sizeof(*dsdt), &a, &b))
		goto found;
	for (u32 i = 0;; i++) {
		const struct acpi_header *ssdt = acpi_find_table("SSDT", i, &size);
		if (!ssdt)
			return;
		if (acpi_find_s5((const u8 *)(ssdt + 1), size - sizeof(*ssdt), &a, &b))
			goto found;
	}
found:
	r->have_s5 = true;
	r->slp_typa = a & 7;
	r->slp_typb = b & 7;
}

static INIT void set_power(void)
{
	struct power_regs r = { 0 };

	find_s5(&r);
	if (acpi_reduced_hardware()) {
		if (fadt.sleep_control.space == SPACE_MEMORY)
			r.sleep_ctl = fadt.sleep_control.address;
		else if (fadt.sleep_control.space == SPACE_IO)
			r.sleep_ctl_port = (u16)fadt.sleep_control.address;
	} else {
		r.pm1a_cnt = (u16)fadt.pm1a_control;
		r.pm1b_cnt = (u16)fadt.pm1b_control;
	}
	if (fadt.flags & FLAG_RESET_SUPPORTED) {
		r.reset_value = fadt.reset_value;
		if (fadt.reset.space == SPACE_MEMORY)
			r.reset_reg = fadt.reset.address;
		else if (fadt.reset.space == SPACE_IO)
			r.reset_port = (u16)fadt.reset.address;
	}
	arch_power_set(&r);
}

void INIT acpi_init(void)
{
	const struct rsdp *r = find_rsdp();
	size_t size;

	if (!r) {
		pr_info("acpi: no tables\n");
		return;
	}
	const struct acpi_header *root = r->revision >= 2 ? map_table(r->xsdt) : NULL;
	u32 width = root ? 8 : 4;
	if (!root)
		root = map_table(r->rsdt);
	if (!root) {
		pr_warn("acpi: no usable root table\n");
		return;
	}
	add_root(root, width);
	const void *f = acpi_find_table("FACP", 0, &size);
	if (f) {
		memcpy(&fadt, f, MIN(size, sizeof(fadt)));
		set_power();
	}
}
