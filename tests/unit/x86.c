// x86_64's clocks and local APIC against fake CPUID, MSRs, ports and registers: what QEMU's TCG cannot show (KVM's wall clock and TSC
// leaf, leaves 0x15 and 0x16, TSC-deadline, x2APIC), and the ways that it can show but seldom takes.
//
// The sources are compiled here once more, under other names where arch/host has its own, with the privileged instructions replaced.

#define arch_clock_init x86_clock_init
#define arch_clock_source x86_clock_source
#define arch_cycles_synced x86_cycles_synced
#define cycles_khz x86_cycles_khz
#define arch_fallback_clock_read x86_fallback_clock_read
#define arch_fallback_clock_hz x86_fallback_clock_hz
#define arch_fallback_clock_mask x86_fallback_clock_mask
#define arch_timer_init x86_timer_init
#define arch_timer_set_event x86_timer_set_event
#define arch_timer_stop x86_timer_stop
#define udelay x86_udelay
#define arch_wallclock_read x86_wallclock_read
#define arch_wallclock_write x86_wallclock_write
#define arch_smp_prepare x86_smp_prepare
#define irqchip_msi_compose x86_msi_compose
#define irqchip_pending x86_irqchip_pending
#define early_ioremap x86_early_ioremap
#define acpi_find_table x86_find_table
#define acpi_pm_timer_port x86_pm_timer_port
#define acpi_century_register x86_century_register
#define rdmsr real_rdmsr
#define wrmsr real_wrmsr
#define cpuid real_cpuid
#include "arch/barrier.h"
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/io.h"
#include "arch/irq.h"
#include "arch/pte.h"
#include "arch/time.h"
#include "arch/x86_64/x86.h"
#undef rdmsr
#undef wrmsr
#undef cpuid

#include "lib/errno.h"
#include "lib/ktest.h"
#include "lib/string.h"

struct cpuid {
	u32 eax, ebx, ecx, edx;
};
static struct cpuid cpuid(u32 leaf, u32 sub);
static u64 rdmsr(u32 msr);
static void wrmsr(u32 msr, u64 v);
static u64 fake_cycles(void);
static u8 fake_in8(u16 port);
static void fake_out8(u16 port, u8 v);
static u32 fake_in32(u16 port);
static u32 fake_read32(const volatile void *p);
#define cycles_now fake_cycles
#define cycles_now_ordered fake_cycles
#define port_in8 fake_in8
#define port_out8 fake_out8
#define port_in32 fake_in32
#define mmio_read32 fake_read32
#undef virt_to_phys
#define virt_to_phys(p) ((paddr_t)(unsigned long)(p))

// Also used by arch/host under this name.
#define cpu_has x86_cpu_has
#include "arch/x86_64/apic.c"
#include "arch/x86_64/madt.c"
#include "arch/x86_64/rtc.c"
#include "arch/x86_64/rtc_test.c"
#include "arch/x86_64/time.c"

u64 x86_features;

void tlb_ipi_arrived(void)
{
}

// ---- the machine -------------------------------------------------------------------------------------------------------

static struct {
	struct { u32 leaf; struct cpuid v; } leaves[8];
	u32 nr_leaves;
	struct { u32 msr; u64 v; } writes[32];
	u32 nr_writes;
	u64 cycles, step;	// each reading takes step
	u32 tsc_khz;		// how fast the other counters run beside it
	u64 apic_timer_khz;
	u8 cmos[128], cmos_index;
	struct { u32 version, sec, nsec; } kvm_wall;
	char apic[0x1000], hpet[0x400];
	const void *hpet_table;
	size_t hpet_table_size;
	u16 pm_port;
	const void *madt;
	size_t madt_size;
} fake;

static void fake_reset(u64 features)
{
	memset(&fake, 0, sizeof(fake));
	fake.step = 100;
	fake.tsc_khz = 1000000;
	fake.apic_timer_khz = 62500;
	x86_features = features;
	tsc_khz = apic_timer_khz = 0;
	tsc_source = NULL;
	hpet = NULL;
	hpet_hz = 0;
	apic_page = fake.apic;
	x2apic = features >> X86_X2APIC & 1;
	apic_per_tsc = 0;
	tsc_latest = 0;
	tsc_went_back = false;
}

static void set_leaf(u32 leaf, u32 a, u32 b, u32 c, u32 d)
{
	fake.leaves[fake.nr_leaves].leaf = leaf;
	fake.leaves[fake.nr_leaves++].v = (struct cpuid){ a, b, c, d };
}

static struct cpuid cpuid(u32 leaf, u32 sub)
{
	(void)sub;
	for (u32 i = 0; i < fake.nr_leaves; i++)
		if (fake.leaves[i].leaf == leaf)
			return fake.leaves[i].v;
	return (struct cpuid){ 0 };
}

static u64 rdmsr(u32 msr)
{
	for (u32 i = fake.nr_writes; i--;)
		if (fake.writes[i].msr == msr)
			return fake.writes[i].v;
	return msr == MSR_APIC_BASE ? 0xfee00900 : 0;
}

static void wrmsr(u32 msr, u64 v)
{
	if (fake.nr_writes < ARRAY_SIZE(fake.writes)) {
		fake.writes[fake.nr_writes].msr = msr;
		fake.writes[fake.nr_writes++].v = v;
	}
	if (msr == MSR_KVM_WALL_CLOCK)
		memcpy((void *)(unsigned long)v, &fake.kvm_wall, sizeof(fake.kvm_wall));
}

static bool wrote(u32 i, u32 msr, u64 v)
{
	return i < fake.nr_writes && fake.writes[i].msr == msr && fake.writes[i].v == v;
}

static u64 fake_cycles(void)
{
	return fake.cycles += fake.step;
}

// What a counter of hz shows now.
static u64 counter(u64 hz)
{
	return fake.cycles * hz / ((u64)fake.tsc_khz * 1000);
}

static u8 fake_in8(u16 port)
{
	return port == 0x71 ? fake.cmos[fake.cmos_index & 127] : 0;
}

static void fake_out8(u16 port, u8 v)
{
	if (port == 0x70)
		fake.cmos_index = v;
	if (port == 0x71)
		fake.cmos[fake.cmos_index & 127] = v;
}

static u32 fake_in32(u16 port)
{
	fake.cycles += fake.step;	// a read takes time
	return port == fake.pm_port ? (u32)counter(PM_TIMER_HZ) : 0;
}

static u32 fake_read32(const volatile void *p)
{
	fake.cycles += fake.step;
	if (p == fake.hpet + HPET_COUNTER)
		return (u32)counter(100000000);
	if (p == fake.apic + APIC_TIMER_NOW)
		return U32_MAX - (u32)counter(fake.apic_timer_khz * 1000);
	return *(const volatile u32 *)p;
}

static u32 apic_reg(u32 reg)
{
	u32 v;
	memcpy(&v, fake.apic + reg, 4);
	return v;
}

void *x86_early_ioremap(paddr_t pa, size_t size)
{
	(void)size;
	return pa == 0xfed00000 ? fake.hpet : pa == 0xfee00000 ? fake.apic : NULL;
}

const void *x86_find_table(const char *signature, u32 nth, size_t *size)
{
	bool is_hpet = memcmp(signature, "HPET", 4) == 0;

	*size = is_hpet ? fake.hpet_table_size : fake.madt_size;
	return nth ? NULL : is_hpet ? fake.hpet_table : fake.madt;
}

u16 x86_pm_timer_port(bool *wide)
{
	*wide = false;
	return fake.pm_port;
}

u8 x86_century_register(void)
{
	return 0x32;
}

// ---- the TSC's rate ----------------------------------------------------------------------------------------------------

KTEST(x86_clock, parameter_wins_over_cpuid)
{
	fake_reset(BIT(X86_TSC_DEADLINE));
	set_leaf(0, 0x16, 0, 0, 0);
	set_leaf(0x15, 2, 200, 24000000, 0);
	x86_clock_init(1234567);
	CHECK_EQ(x86_cycles_khz(), 1234567);
	CHECK_STR(x86_clock_source(), "TSC (parameter)");
}

KTEST(x86_clock, leaf_15_has_crystal_and_ratio)
{
	fake_reset(0);
	set_leaf(0, 0x15, 0, 0, 0);
	set_leaf(0x15, 2, 200, 24000000, 0);
	x86_clock_init(0);
	CHECK_EQ(x86_cycles_khz(), 2400000);
	CHECK_EQ(apic_timer_khz, 24000);
	CHECK_STR(x86_clock_source(), "TSC (CPUID)");
}

KTEST(x86_clock, leaf_15_does_not_overflow)
{
	fake_reset(BIT(X86_TSC_DEADLINE));
	set_leaf(0, 0x15, 0, 0, 0);
	set_leaf(0x15, 3, 500, 38400000, 0);	// the product needs 35 bits
	x86_clock_init(0);
	CHECK_EQ(x86_cycles_khz(), 6400000);
}

KTEST(x86_clock, leaf_16_stands_in_for_the_crystal)
{
	fake_reset(0);
	set_leaf(0, 0x16, 0, 0, 0);
	set_leaf(0x15, 2, 216, 0, 0);
	set_leaf(0x16, 0xabcd0000 | 2592, 0, 0, 0);	// the upper half is reserved
	x86_clock_init(0);
	CHECK_EQ(x86_cycles_khz(), 2592000);
	CHECK_EQ(apic_timer_khz, 24000);
}

KTEST(x86_clock, leaf_15_without_crystal_needs_leaf_16)
{
	fake_reset(0);
	set_leaf(0, 0x15, 0, 0, 0);
	set_leaf(0x15, 2, 216, 0, 0);
	set_leaf(0x16, 2592, 0, 0, 0);	// beyond the last leaf: what is read there means nothing
	u32 apic = 0;
	CHECK_EQ(khz_from_cpuid(&apic), 0);
	CHECK_EQ(apic, 0);
}

KTEST(x86_clock, hypervisor_leaf_is_taken_on_hypervisors_only)
{
	u32 apic = 0;

	fake_reset(BIT(X86_HYPERVISOR));
	set_leaf(0x40000000, 0x40000010, 0, 0, 0);
	set_leaf(0x40000010, 2999998, 1000000, 0, 0);
	x86_clock_init(0);
	CHECK_EQ(x86_cycles_khz(), 2999998);
	CHECK_EQ(apic_timer_khz, 1000000);
	x86_features = 0;
	CHECK_EQ(khz_from_cpuid(&apic), 0);
	x86_features = BIT(X86_HYPERVISOR);
	fake.leaves[0].v.eax = 0x40000001;	// KVM without the leaf
	CHECK_EQ(khz_from_cpuid(&apic), 0);
}

KTEST(x86_clock, measures_against_hpet)
{
	static const struct { u8 header[36]; u32 id; u8 space, bits, offset, access; u64 address; } PACKED t = { .address = 0xfed00000 };

	fake_reset(0);
	fake.tsc_khz = 2000000;
	fake.hpet_table = &t;
	fake.hpet_table_size = sizeof(t);
	memcpy(fake.hpet + HPET_PERIOD, &(u32){ 10000000 }, 4);
	x86_clock_init(0);
	CHECK_GE(x86_cycles_khz(), 1998000);
	CHECK_LE(x86_cycles_khz(), 2002000);
	CHECK_GE(apic_timer_khz, 62300);
	CHECK_LE(apic_timer_khz, 62700);
	CHECK_STR(x86_clock_source(), "TSC (HPET)");
	CHECK_EQ(x86_fallback_clock_hz(), 100000000);
	CHECK_EQ(fake.hpet[HPET_CONFIG], 1);
}

KTEST(x86_clock, refuses_odd_hpet_tables)
{
	struct { u8 header[36]; u32 id; u8 space, bits, offset, access; u64 address; } PACKED t = { .address = 0xfed00000 };

	fake_reset(0);
	fake.pm_port = 0x608;
	fake.hpet_table = &t;
	memcpy(fake.hpet + HPET_PERIOD, &(u32){ 10000000 }, 4);
	fake.hpet_table_size = sizeof(t) - 1;
	find_hpet();
	CHECK(!hpet);
	fake.hpet_table_size = sizeof(t);
	t.space = 1;
	find_hpet();
	CHECK(!hpet);
	t.space = 0;
	memcpy(fake.hpet + HPET_PERIOD, &(u32){ 100000001 }, 4);
	find_hpet();
	CHECK(!hpet);
	memcpy(fake.hpet + HPET_PERIOD, &(u32){ 0 }, 4);
	x86_clock_init(0);
	CHECK(!hpet);
	CHECK_STR(x86_clock_source(), "TSC (PM timer)");
	CHECK_GE(x86_cycles_khz(), 998000);
	CHECK_LE(x86_cycles_khz(), 1002000);
	CHECK_EQ(x86_fallback_clock_mask(), 0xffffff);
}

KTEST(x86_clock, counters_of_cpus_are_compared)
{
	fake_reset(BIT(X86_INVARIANT_TSC));
	fake.cycles = 1000;
	tsc_compare();
	tsc_compare();
	CHECK(x86_cycles_synced());
	fake.cycles = 500;
	tsc_compare();
	CHECK(!x86_cycles_synced());
	fake_reset(0);
	CHECK(!x86_cycles_synced());
}

// ---- events ------------------------------------------------------------------------------------------------------------

KTEST(x86_timer, deadline_goes_into_the_msr)
{
	fake_reset(BIT(X86_TSC_DEADLINE));
	x86_clock_init(1000000);
	fake.nr_writes = 0;
	x86_timer_init();
	CHECK_EQ(apic_reg(APIC_LVT_TIMER), 0x40000 | VECTOR_TIMER);
	x86_timer_set_event(0x123456789abcdef0);
	CHECK(wrote(0, 0x6e0, 0x123456789abcdef0));
	x86_timer_set_event(0);	// 0 would disarm
	CHECK(wrote(1, 0x6e0, 1));
	x86_timer_stop();
	CHECK(wrote(2, 0x6e0, 0));
	CHECK_EQ(fake.nr_writes, 3);
}

KTEST(x86_timer, one_shot_counts_apic_ticks)
{
	fake_reset(BIT(X86_HYPERVISOR));
	set_leaf(0x40000000, 0x40000010, 0, 0, 0);
	set_leaf(0x40000010, 2000000, 500000, 0, 0);
	x86_clock_init(0);
	x86_timer_init();
	CHECK_EQ(apic_reg(APIC_LVT_TIMER), VECTOR_TIMER);
	CHECK_EQ(apic_reg(APIC_TIMER_DIVIDE), 0xb);
	fake.cycles = 5000;
	fake.step = 0;
	x86_timer_set_event(5000 + 4000);
	CHECK_EQ(apic_reg(APIC_TIMER_INIT), 1001);
	x86_timer_set_event(5000);
	CHECK_EQ(apic_reg(APIC_TIMER_INIT), 1);	// 0 would disarm
	x86_timer_set_event(10);	// long past
	CHECK_EQ(apic_reg(APIC_TIMER_INIT), 1);
	x86_timer_set_event(5000 + (1ull << 62));
	CHECK_EQ(apic_reg(APIC_TIMER_INIT), U32_MAX);
	x86_timer_set_event(5000 + 4ull * U32_MAX);
	CHECK_EQ(apic_reg(APIC_TIMER_INIT), U32_MAX);
	x86_timer_stop();
	CHECK_EQ(apic_reg(APIC_TIMER_INIT), 0);
}

// ---- the local APIC ----------------------------------------------------------------------------------------------------

KTEST(x86_apic, x2apic_command_is_one_msr_write)
{
	fake_reset(BIT(X86_X2APIC));
	apic_send(0x12345, ICR_FIXED | VECTOR_RESCHED);
	CHECK(wrote(0, 0x830, 0x00012345000000f1));
	apic_send(0xfffffffe, ICR_NMI);
	CHECK(wrote(1, 0x830, 0xfffffffe00000400));
	apic_eoi();
	CHECK(wrote(2, 0x80b, 0));
	CHECK_EQ(fake.nr_writes, 3);
}

KTEST(x86_apic, xapic_command_names_the_target_first)
{
	fake_reset(0);
	apic_send(7, ICR_STARTUP | ICR_ASSERT | 0x9a);
	CHECK_EQ(apic_reg(APIC_ICR2), 7u << 24);
	CHECK_EQ(apic_reg(APIC_ICR), 0x469a);
	CHECK_EQ(fake.nr_writes, 0);
}

KTEST(x86_apic, turns_x2apic_on)
{
	fake_reset(BIT(X86_X2APIC));
	apic_init_boot();
	CHECK(wrote(0, 0x1b, 0xfee00900 | 0xc00));
	CHECK_EQ(rdmsr(0x80f), 0x1ff);	// spurious vector and enable
	CHECK_EQ(rdmsr(0x832), 0x10000 | VECTOR_TIMER);
	fake_reset(0);
	apic_init_boot();
	CHECK(wrote(0, 0x1b, 0xfee00900));
	CHECK_EQ(fake.nr_writes, 1);
	CHECK_EQ(apic_reg(APIC_SVR), 0x1ff);
}

KTEST(x86_apic, pending_vector_is_looked_up_in_its_word)
{
	fake_reset(0);
	memcpy(fake.apic + APIC_IRR + 0x70, &(u32){ 1u << 16 }, 4);
	CHECK(x86_irqchip_pending(0xf0));
	CHECK(!x86_irqchip_pending(0xf1));
	CHECK(!x86_irqchip_pending(0xd0));
}

KTEST(x86_apic, madt_numbers_cpus)
{
	static const struct {
		u8 header[44];
		struct madt_lapic a, b, off, dup;
		struct madt_x2apic x, same;
	} PACKED t = {
		.a = { { MADT_LAPIC, sizeof(t.a) }, 0, 0, 1 }, .b = { { MADT_LAPIC, sizeof(t.b) }, 1, 5, 1 },
		.off = { { MADT_LAPIC, sizeof(t.off) }, 2, 6, 0 }, .dup = { { MADT_LAPIC, sizeof(t.dup) }, 3, 255, 1 },
		.x = { { MADT_X2APIC, sizeof(t.x) }, 0, 0x1000, 1, 4 }, .same = { { MADT_X2APIC, sizeof(t.same) }, 0, 5, 1, 5 },
	};

	fake_reset(0);
	fake.madt = &t;
	fake.madt_size = sizeof(t);
	CHECK_EQ(x86_smp_prepare(64), 3);	// the boot CPU is host's cpu_info(0): id 0
	CHECK_EQ(cpu_apic_id[1], 5);
	CHECK_EQ(cpu_apic_id[2], 0x1000);
	CHECK_EQ(x86_smp_prepare(2), 2);
	CHECK_EQ(x86_smp_prepare(0), 1);
	fake.madt_size = sizeof(t) - sizeof(t.x) - 1;	// its end cuts the first x2APIC entry
	CHECK_EQ(x86_smp_prepare(64), 2);
}

// ---- the wall clock ----------------------------------------------------------------------------------------------------

static void set_cmos(const u8 t[7], u8 status_b)
{
	static const u8 regs[7] = { SEC, MIN_, HOUR, DAY, MONTH, YEAR, 0x32 };

	for (u32 i = 0; i < 7; i++)
		fake.cmos[regs[i]] = t[i];
	fake.cmos[STATUS_B] = status_b;
}

KTEST(x86_wallclock, reads_cmos_in_all_its_ways)
{
	s64 sec;
	u32 nsec = 1;
	const s64 want = 20777 * 86400ll + 15 * 3600 + 4 * 60 + 59;	// 2026-11-20 15:04:59

	fake_reset(0);
	set_cmos((const u8[]){ 0x59, 0x04, 0x15, 0x20, 0x11, 0x26, 0x20 }, B_24HOURS);
	CHECK_EQ(x86_wallclock_read(&sec, &nsec), 0);
	CHECK_EQ(sec, want);
	CHECK_EQ(nsec, 0);
	set_cmos((const u8[]){ 59, 4, 15, 20, 11, 26, 20 }, B_24HOURS | B_BINARY);
	CHECK_EQ(x86_wallclock_read(&sec, &nsec), 0);
	CHECK_EQ(sec, want);
	set_cmos((const u8[]){ 0x59, 0x04, 0x83, 0x20, 0x11, 0x26, 0 }, 0);	// 3 pm; no century
	CHECK_EQ(x86_wallclock_read(&sec, &nsec), 0);
	CHECK_EQ(sec, want);
	set_cmos((const u8[]){ 0x59, 0x04, 0x92, 0x20, 0x11, 0x26, 0x20 }, 0);	// 12 pm
	CHECK_EQ(x86_wallclock_read(&sec, &nsec), 0);
	CHECK_EQ(sec, want - 3 * 3600);
	set_cmos((const u8[]){ 0, 0, 0x12, 0x01, 0x01, 0x70, 0x19 }, 0);	// 12 am
	CHECK_EQ(x86_wallclock_read(&sec, &nsec), 0);
	CHECK_EQ(sec, 0);
}

KTEST(x86_wallclock, a_clock_that_was_never_set_is_none)
{
	s64 sec;
	u32 nsec;

	fake_reset(0);
	set_cmos((const u8[]){ 0, 0, 0, 0, 0, 0, 0 }, B_24HOURS);
	CHECK_EQ(x86_wallclock_read(&sec, &nsec), -ENODEV);
	memset(fake.cmos, 0xff, sizeof(fake.cmos));
	CHECK_EQ(x86_wallclock_read(&sec, &nsec), -ENODEV);
}

KTEST(x86_wallclock, writes_what_it_reads)
{
	s64 sec;
	u32 nsec;

	fake_reset(0);
	for (u8 mode = 0; mode <= 6; mode += 2) {
		set_cmos((const u8[]){ 1, 1, 1, 1, 1, 1, 0x20 }, mode);
		CHECK_EQ(x86_wallclock_write(1709210096), 0);	// 2024-02-29
		CHECK_EQ(x86_wallclock_read(&sec, &nsec), 0);
		CHECK_EQ(sec, 1709210096);
		CHECK_EQ(fake.cmos[STATUS_B] & B_SET, 0);
	}
	CHECK_EQ(x86_wallclock_write(-1), -ENODEV);
}

// microvm without a battery clock, under KVM.
static void kvm_machine(u32 features)
{
	fake_reset(BIT(X86_KVM) | BIT(X86_HYPERVISOR));
	memset(fake.cmos, 0xff, sizeof(fake.cmos));
	set_leaf(0x40000001, features, 0, 0, 0);
	fake.kvm_wall.version = 2;
	fake.kvm_wall.sec = 1700000000;
	fake.kvm_wall.nsec = 123456789;
}

KTEST(x86_wallclock, kvm_tells_when_there_is_no_battery_clock)
{
	s64 sec = 0;
	u32 nsec = 0;

	kvm_machine(BIT(3));
	CHECK_EQ(x86_wallclock_read(&sec, &nsec), 0);
	CHECK_EQ(sec, 1700000000);
	CHECK_EQ(nsec, 123456789);
	CHECK_EQ(fake.writes[0].msr, 0x4b564d00);
	CHECK_EQ(fake.writes[0].v & 3, 0);	// KVM wants 4-byte alignment
	CHECK_EQ(fake.nr_writes, 1);
}

KTEST(x86_wallclock, kvm_is_not_asked_without_the_feature)
{
	s64 sec;
	u32 nsec;

	kvm_machine(BIT(0) | BIT(1) | BIT(2));
	CHECK_EQ(x86_wallclock_read(&sec, &nsec), -ENODEV);
	CHECK_EQ(fake.nr_writes, 0);
	kvm_machine(BIT(3));
	x86_features &= ~BIT(X86_KVM);
	CHECK_EQ(x86_wallclock_read(&sec, &nsec), -ENODEV);
	CHECK_EQ(fake.nr_writes, 0);
}

KTEST(x86_wallclock, kvm_half_written_is_not_taken)
{
	s64 sec;
	u32 nsec;

	kvm_machine(BIT(3));
	fake.kvm_wall.version = 3;
	CHECK_EQ(x86_wallclock_read(&sec, &nsec), -ENODEV);
	fake.nr_writes = 0;
	fake.kvm_wall.version = 4;
	fake.kvm_wall.sec = 0;	// a host that ignores the MSR
	CHECK_EQ(x86_wallclock_read(&sec, &nsec), -ENODEV);
}
