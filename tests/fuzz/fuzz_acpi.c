// Feeds the ACPI table parser, the MADT walk and the search for \_S5: whatever firmware says, nothing outside what was mapped is read,
// what is accepted is a whole table with a good checksum, and the parser ends.
//
// The first byte of an input says where the rest of it lies in physical memory and whether its checksums are put right.
#include "fuzz.h"

#include "dev/acpi.c"

#include "arch/x86_64/madt.c"

#define HIGH_BASE 0x40000000ull
#define LOW_BASE 0xf0000ull	// where the parser searches when the loader gives no pointer
#define MODE_LOW 1
#define MODE_NO_REPAIR 2
#define MODE_TRUNCATED_MAP 4	// as when the early mappings are used up

struct boot_info boot_info;

static u8 *memory;
static size_t memory_size;
static paddr_t base;
static bool repair, maps_limited;
// Each mapping is a block of its own, so that ASan sees a byte too many.
#define MAX_MAPS 4096
static u8 *maps[MAX_MAPS];
static u32 nr_maps, nr_reads;
static struct power_regs power;
static bool power_set;
static volatile u8 sink;

int log_printf(int level, const char *fmt, ...)
{
	(void)level;
	return fmt[0];
}

const struct cpu_info *cpu_info(u32 cpu)
{
	static const struct cpu_info info = { .hw_id = 3 };

	return cpu == 0 ? &info : NULL;
}

void arch_power_set(const struct power_regs *r)
{
	power = *r;
	power_set = true;
}

static void make_sum_zero(u8 *p, size_t n, size_t at)
{
	u8 sum = 0;

	p[at] = 0;
	for (size_t i = 0; i < n; i++)
		sum = (u8)(sum + p[i]);
	p[at] = (u8)-sum;
}

// A table's header is mapped before the whole of it.
static void repair_checksum(u8 *p, size_t size, size_t left)
{
	const struct acpi_header *h = (const void *)p;

	if (size >= RSDP_V1_SIZE && memcmp(p, "RSD PTR ", 8) == 0) {
		make_sum_zero(p, RSDP_V1_SIZE, offsetof(struct rsdp, checksum));
		if (left >= sizeof(struct rsdp))
			make_sum_zero(p, sizeof(struct rsdp), offsetof(struct rsdp, checksum2));
	} else if (size == sizeof(*h) && h->length >= sizeof(*h) && h->length <= left) {
		make_sum_zero(p, h->length, offsetof(struct acpi_header, checksum));
	}
}

const void *early_memremap_ro(paddr_t pa, size_t size)
{
	FUZZ_CHECK(size && size <= MAX_TABLE_SIZE);
	FUZZ_CHECK(++nr_reads < 100000);
	if (pa < base || pa - base > memory_size || size > memory_size - (pa - base))
		return NULL;
	if (maps_limited && nr_maps > 9)
		return NULL;
	FUZZ_CHECK(nr_maps < MAX_MAPS);
	if (repair)
		repair_checksum(memory + (pa - base), size, memory_size - (pa - base));
	u8 *p = malloc(size);
	memcpy(p, memory + (pa - base), size);
	maps[nr_maps++] = p;
	return p;
}

static void read_all(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sink = ((const u8 *)p)[i];
}

static void one_entry(const struct madt_entry *e, void *arg)
{
	u32 *n = arg;

	FUZZ_CHECK(e->length >= sizeof(*e) && ++*n < MAX_TABLE_SIZE / 2);
	read_all(e, e->length);
}

static void look_at_tables(void)
{
	static const char *const names[] = { "APIC", "FACP", "HPET", "MCFG", "SSDT" };
	u32 entries = 0, found = 0;

	FUZZ_CHECK(nr_tables <= MAX_TABLES);
	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		size_t size = 0;
		const struct acpi_header *h;
		for (u32 nth = 0; (h = acpi_find_table(names[i], nth, &size)); nth++) {
			FUZZ_CHECK(size >= sizeof(*h) && size == h->length && checksum_ok(h, size));
			FUZZ_CHECK(++found <= nr_tables);
			read_all(h, size);
		}
	}
	size_t size;
	const void *madt = acpi_find_table("APIC", 0, &size);
	FUZZ_CHECK(madt_for_each(one_entry, &entries) == (madt != NULL));
	u32 cpus = arch_smp_prepare(5);
	FUZZ_CHECK(cpus >= 1 && cpus <= 5 && cpu_apic_id[0] == 3);
	for (u32 i = 0; i < cpus; i++)
		for (u32 j = 0; j < i; j++)
			FUZZ_CHECK(cpu_apic_id[i] != cpu_apic_id[j]);
}

static void forget(void)
{
	for (u32 i = 0; i < nr_maps; i++)
		free(maps[i]);
	nr_maps = nr_reads = nr_tables = 0;
	memset(&fadt, 0, sizeof(fadt));
	memset(&power, 0, sizeof(power));
	power_set = false;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
	bool wide;
	u8 a, b;

	if (!n)
		return 0;
	base = data[0] & MODE_LOW ? LOW_BASE : HIGH_BASE;
	repair = !(data[0] & MODE_NO_REPAIR);
	maps_limited = data[0] & MODE_TRUNCATED_MAP;
	memory_size = n - 1;
	memory = malloc(memory_size + !memory_size);
	memcpy(memory, data + 1, memory_size);
	boot_info.rsdp = data[0] & MODE_LOW ? 0 : HIGH_BASE;
	acpi_init();
	look_at_tables();
	FUZZ_CHECK(power_set || !power.have_s5);
	FUZZ_CHECK(power.slp_typa < 8 && power.slp_typb < 8);
	(void)acpi_pm_timer_port(&wide);
	free(memory);
	forget();
	// The AML by itself, ending exactly where the block ends.
	(void)acpi_find_s5(data + 1, n - 1, &a, &b);
	return 0;
}

// ---- valid input ----

struct image {
	u8 *buf;	// after the mode byte
	size_t used;
	paddr_t base;
};

// Appends a table of size bytes, 16-byte aligned; returns its offset.
static size_t put_table(struct image *m, const char *sig, const void *body, size_t n)
{
	size_t at = m->used;
	struct acpi_header h = { .length = (u32)(sizeof(h) + n), .revision = 5 };

	memcpy(h.signature, sig, 4);
	memcpy(m->buf + at, &h, sizeof(h));
	memcpy(m->buf + at + sizeof(h), body, n);
	make_sum_zero(m->buf + at, h.length, offsetof(struct acpi_header, checksum));
	m->used = ALIGN_UP(at + h.length, 16);
	return at;
}

static size_t put_madt(struct image *m, unsigned int which)
{
	u8 body[256] = { 0, 0, 0xe0, 0xfe, 1 };
	size_t n = 8;

	for (u32 i = 0; i < 1 + which % 6; i++) {
		struct madt_lapic l = { { MADT_LAPIC, sizeof(l) }, (u8)i, (u8)i, MADT_ENABLED };
		struct madt_x2apic x = { { MADT_X2APIC, sizeof(x) }, 0, i + 250, MADT_ENABLED, i };
		if (i % 3 == 2)
			memcpy(body + n, &x, sizeof(x)), n += sizeof(x);
		else
			memcpy(body + n, &l, sizeof(l)), n += sizeof(l);
	}
	struct madt_ioapic io = { { MADT_IOAPIC, sizeof(io) }, 0, 0, 0xfec00000, 0 };
	memcpy(body + n, &io, sizeof(io));
	n += sizeof(io);
	struct madt_override o = { { MADT_OVERRIDE, sizeof(o) }, 0, 0, 2, 0 };
	memcpy(body + n, &o, sizeof(o));
	return put_table(m, "APIC", body, n + sizeof(o));
}

static size_t put_fadt(struct image *m, unsigned int which, paddr_t dsdt)
{
	struct fadt f = { .pm1a_control = 0x604, .pm_timer = 0x608, .flags = BIT(8) | FLAG_RESET_SUPPORTED, .reset_value = 0x0f };

	f.dsdt = which & 1 ? (u32)dsdt : 0;
	f.x_dsdt = which & 1 ? 0 : dsdt;
	f.reset = (struct address){ SPACE_IO, 8, 0, 1, 0xcf9 };
	if (which & 2) {
		f.flags |= FLAG_REDUCED_HARDWARE;
		f.sleep_control = (struct address){ which & 4 ? SPACE_MEMORY : SPACE_IO, 8, 0, 1, 0xfea00000 };
	}
	// The firmware's version decides its length: 116 bytes in ACPI 1.0.
	size_t n = which & 8 ? 116 : sizeof(f);
	return put_table(m, "FACP", (const u8 *)&f + sizeof(f.h), n - sizeof(f.h));
}

size_t fuzz_seed(unsigned int which, u8 *buf)
{
	static const u8 aml[] = "\x10\x20\x5c\x08_S4_\x0a\x06\x08_S5_\x12\x0a\x04\x0a\x05\x0b\x07\x00\x00\x00\x08" "FOO_";
	static const u8 aml_long[] = "\x08\\_S5_\x12\x46\x00\x02\x0c\x03\x00\x00\x00\x01";
	struct image m = { buf + 1, 48, which & 16 ? LOW_BASE : HIGH_BASE };
	static u64 roots[1300];
	static u32 small[ARRAY_SIZE(roots)];
	u32 n = 0;

	memset(buf, 0, 4096);
	buf[0] = (u8)((which & 16 ? MODE_LOW : 0) | (which % 7 == 0 ? MODE_NO_REPAIR : 0) | (which % 11 == 0 ? MODE_TRUNCATED_MAP : 0));
	size_t dsdt = which & 32 ? put_table(&m, "DSDT", aml_long, sizeof(aml_long) - 1) : put_table(&m, "DSDT", aml, sizeof(aml) - 1);
	roots[n++] = m.base + put_madt(&m, which / 64);
	roots[n++] = m.base + put_fadt(&m, which, m.base + (which % 5 ? dsdt : 0));
	roots[n++] = m.base + put_table(&m, "SSDT", aml, sizeof(aml) - 1);
	roots[n++] = m.base + put_table(&m, "HPET", "\x01\xa2\x86\x80\x00\x40\x00\x00\x00\x00\xd0\xfe\x00\x00\x00\x00\x00\x00\x00\x00", 20);
	roots[n++] = m.base + put_table(&m, "MCFG", "\0\0\0\0\0\0\0\0\0\0\0\xb0\0\0\0\0\0\0\0\xff\0\0\0\0", 24);
	roots[n++] = m.base + m.used;	// a root that lists itself
	bool v1 = which % 3 == 0;
	for (u32 i = n, all = which % 125 ? n : which & 1 ? 200 : ARRAY_SIZE(roots); i < all; i++)
		roots[n++] = which % 2 ? roots[0] : m.base;	// the same table again and again, or none
	for (u32 i = 0; i < n; i++)
		small[i] = (u32)roots[i];
	size_t root = put_table(&m, v1 ? "RSDT" : "XSDT", v1 ? (void *)small : (void *)roots, v1 ? n * 4 : n * 8);
	struct rsdp r = { .revision = v1 ? 0 : 2, .rsdt = (u32)(m.base + root), .length = sizeof(r), .xsdt = m.base + root };
	memcpy(r.signature, "RSD PTR ", 8);
	memcpy(m.buf, &r, sizeof(r));
	make_sum_zero(m.buf, RSDP_V1_SIZE, offsetof(struct rsdp, checksum));
	make_sum_zero(m.buf, sizeof(r), offsetof(struct rsdp, checksum2));
	return 1 + m.used;
}
