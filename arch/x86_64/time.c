// The time-stamp counter's rate, the event timer of each CPU, and slower clocks to measure against.
// SDM 3B 18.17 (TSC), 3A 11.5.4 (APIC timer); ACPI 6.5, 4.8.3.3 (PM timer); IA-PC HPET 1.0a.
#include "arch/time.h"

#include "apic.h"
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/io.h"
#include "arch/irq.h"
#include "features.h"
#include "kern/log.h"
#include "lib/atomic.h"
#include "x86.h"

#define PM_TIMER_HZ 3579545ull
#define PIT_HZ 1193182ull
#define HPET_PERIOD 4	// upper half of the capabilities: femtoseconds per tick
#define HPET_CONFIG 0x10
#define HPET_COUNTER 0xf0

static u32 tsc_khz RO_AFTER_INIT;
static const char *tsc_source RO_AFTER_INIT;
static u32 apic_timer_khz RO_AFTER_INIT;	// with divisor 1
static bool use_deadline RO_AFTER_INIT;
static u64 apic_per_tsc RO_AFTER_INIT;	// APIC ticks per TSC tick, 32.32
static char *hpet RO_AFTER_INIT;
static u64 hpet_hz RO_AFTER_INIT;
static u16 pm_port RO_AFTER_INIT;
static bool pm_wide RO_AFTER_INIT;
// The largest reading of any CPU during start-up, and whether one was ever behind it.
static u64 tsc_latest;	// ATOMIC
static bool tsc_went_back;	// only ever set

u32 cycles_khz(void)
{
	return tsc_khz;
}

const char *arch_clock_source(void)
{
	return tsc_source;
}

void tsc_compare(void)
{
	u64 latest = __atomic_load_n(&tsc_latest, __ATOMIC_ACQUIRE);
	u64 now = cycles_now_ordered();

	if (now < latest)
		WRITE_ONCE(tsc_went_back, true);
	else
		(void)try_cmpxchg(&tsc_latest, &latest, now);
}

// An emulated counter runs at a constant rate whatever CPUID says.
bool arch_cycles_synced(void)
{
	return !READ_ONCE(tsc_went_back) && (cpu_has(X86_INVARIANT_TSC) || cpu_has(X86_HYPERVISOR));
}

// ---- reference clocks ----

static INIT void find_hpet(void)
{
	struct { u8 header[36]; u32 id; u8 space, bits, offset, access; u64 address; } PACKED const *t;
	size_t size;

	t = acpi_find_table("HPET", 0, &size);
	if (!t || size < sizeof(*t) || t->space != 0 || !(hpet = early_ioremap(t->address, 0x400)))
		return;
	u32 period = mmio_read32(hpet + HPET_PERIOD);
	if (period == 0 || period > 100000000) {	// the specification's limit
		hpet = NULL;
		return;
	}
	hpet_hz = 1000000000000000ull / period;
	mmio_write32(hpet + HPET_CONFIG, mmio_read32(hpet + HPET_CONFIG) | 1);
}

u64 arch_fallback_clock_read(void)
{
	if (hpet)
		return mmio_read32(hpet + HPET_COUNTER);
	return pm_port ? port_in32(pm_port) & arch_fallback_clock_mask() : 0;
}

u64 arch_fallback_clock_hz(void)
{
	return hpet ? hpet_hz : pm_port ? PM_TIMER_HZ : 0;
}

u64 arch_fallback_clock_mask(void)
{
	return hpet || pm_wide ? 0xffffffff : 0xffffff;
}

// The PIT's channel 2, counting down from 65535, its gate by port 0x61. 8254 data sheet.
static INIT void pit_start(void)
{
	port_out8(0x61, (u8)((port_in8(0x61) & ~2) | 1));
	port_out8(0x43, 0xb0);	// channel 2, both bytes, mode 0
	port_out8(0x42, 0xff);
	port_out8(0x42, 0xff);
}

static INIT u64 pit_read(void)
{
	port_out8(0x43, 0x80);	// latch channel 2
	u32 lo = port_in8(0x42);
	return (~(port_in8(0x42) << 8 | lo)) & 0xffff;
}

static INIT u64 reference_read(void)
{
	return arch_fallback_clock_hz() ? arch_fallback_clock_read() : pit_read();
}

// ---- calibration ----

struct reading {
	u64 tsc, ref;
	u32 apic;
};

// One reading of all counters; of several, that which was least disturbed.
static INIT struct reading read_counters(void)
{
	struct reading best = { 0 };
	u64 shortest = U64_MAX;

	for (u32 i = 0; i < 5; i++) {
		u64 before = cycles_now_ordered();
		u64 ref = reference_read();
		u64 after = cycles_now_ordered();
		if (after - before >= shortest)
			continue;
		shortest = after - before;
		best = (struct reading){ .tsc = before + shortest / 2, .ref = ref, .apic = apic_read(APIC_TIMER_NOW) };
	}
	return best;
}

// Measures TSC and APIC timer for half a millisecond, a whole one with the coarse PIT: under instruction counting a millisecond is a
// million instructions of start-up. False if the reference stands still.
static INIT bool measure(u64 *tsc_hz, u64 *apic_hz)
{
	u64 hz = arch_fallback_clock_hz() ?: PIT_HZ, mask = arch_fallback_clock_hz() ? arch_fallback_clock_mask() : 0xffff;
	u64 wanted = hz / (hz == PIT_HZ ? 1000 : 2000), loops = 0;

	if (hz == PIT_HZ)
		pit_start();
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_TIMER_INIT, U32_MAX);
	struct reading a = read_counters(), b;
	do {
		cpu_relax();
		if (++loops > 1000000)
			return false;
	} while (((reference_read() - a.ref) & mask) < wanted);
	b = read_counters();
	apic_write(APIC_TIMER_INIT, 0);
	u64 ticks = (b.ref - a.ref) & mask;
	*tsc_hz = (b.tsc - a.tsc) * hz / ticks;
	*apic_hz = (u64)(u32)(a.apic - b.apic) * hz / ticks;
	return *tsc_hz != 0;
}

// Leaf 0x15: the crystal's rate and the TSC's ratio to it. Without the crystal's rate, leaf 0x16: the TSC then runs at the base frequency.
static INIT u32 khz_from_crystal(u32 *apic_khz)
{
	u32 last = cpuid(0, 0).eax;
	struct cpuid c = { 0 };

	if (last >= 0x15)
		c = cpuid(0x15, 0);
	if (!c.eax || !c.ebx)
		return 0;
	if (c.ecx) {
		*apic_khz = c.ecx / 1000;	// the APIC timer counts the crystal
		return (u32)((u64)c.ecx * c.ebx / c.eax / 1000);
	}
	u32 base_khz = last >= 0x16 ? (cpuid(0x16, 0).eax & 0xffff) * 1000 : 0;
	*apic_khz = (u32)((u64)base_khz * c.eax / c.ebx);
	return base_khz;
}

// What CPUID tells: a hypervisor's leaf 0x40000010 (kHz of TSC and APIC timer), or the processor's.
static INIT u32 khz_from_cpuid(u32 *apic_khz)
{
	if (cpu_has(X86_HYPERVISOR) && cpuid(0x40000000, 0).eax >= 0x40000010) {
		struct cpuid c = cpuid(0x40000010, 0);
		*apic_khz = c.ebx;
		if (c.eax)
			return c.eax;
	}
	return khz_from_crystal(apic_khz);
}

void INIT arch_clock_init(u32 khz)
{
	u64 tsc_hz = 0, apic_hz = 0;

	find_hpet();
	pm_port = acpi_pm_timer_port(&pm_wide);
	use_deadline = cpu_has(X86_TSC_DEADLINE);
	tsc_source = "TSC (parameter)";
	tsc_khz = khz;
	if (!tsc_khz) {
		tsc_source = "TSC (CPUID)";
		tsc_khz = khz_from_cpuid(&apic_timer_khz);
	}
	if (!tsc_khz || (!use_deadline && !apic_timer_khz)) {
		bool ok = measure(&tsc_hz, &apic_hz);
		if (!ok)
			pr_err("no clock to measure the TSC against: it is taken for 1 GHz\n");
		if (!tsc_khz) {
			tsc_source = hpet ? "TSC (HPET)" : pm_port ? "TSC (PM timer)" : "TSC (PIT)";
			tsc_khz = ok ? (u32)(tsc_hz / 1000) : 1000000;
		}
		apic_timer_khz = apic_timer_khz ?: (u32)(apic_hz / 1000) ?: 1000000;
	}
	if (apic_timer_khz)
		apic_per_tsc = ((u64)apic_timer_khz << 32) / tsc_khz;
}

// ---- event timer ----

void arch_timer_init(void)
{
	if (use_deadline) {
		apic_write(APIC_LVT_TIMER, LVT_TSC_DEADLINE | VECTOR_TIMER);
		__asm__ volatile("mfence" ::: "memory");	// SDM 3A 11.5.4.1: before the first deadline
		return;
	}
	apic_write(APIC_TIMER_DIVIDE, 0xb);	// by 1
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER);	// one-shot
}

void arch_timer_set_event(u64 deadline)
{
	if (use_deadline) {
		wrmsr(MSR_TSC_DEADLINE, deadline ?: 1);
		return;
	}
	s64 wait = (s64)(deadline - cycles_now());
	unsigned __int128 ticks = wait > 0 ? (unsigned __int128)(u64)wait * apic_per_tsc >> 32 : 0;
	apic_write(APIC_TIMER_INIT, ticks >= U32_MAX ? U32_MAX : (u32)ticks + 1);
}

void arch_timer_stop(void)
{
	if (use_deadline)
		wrmsr(MSR_TSC_DEADLINE, 0);
	else
		apic_write(APIC_TIMER_INIT, 0);
}

void udelay(u32 us)
{
	u64 end = cycles_now() + (u64)us * tsc_khz / 1000;

	while ((s64)(cycles_now() - end) < 0)
		cpu_relax();
}
