// The clocks. All are one counter: CLOCK_MONOTONIC = base + (cycles since base) * mult >> 32, the others are offsets to it. The product has
// 128 bits, so nothing has to be brought up to date while the machine sleeps.
//
// The data stands in one page, twice: a writer makes the count odd, which sends readers to the second copy, changes the first, makes the count even, and
// changes the second. So a reader in NMI never waits for the writer that it interrupted; the vDSO can map the page as it is.
#include "time/clock.h"
#include "arch/barrier.h"
#include "arch/time.h"
#include "kern/log.h"
#include "kern/spinlock.h"
#include "kern/upcalls.h"
#include "lib/math.h"
#include "time/hrtimer.h"

struct clock_copy {
	u64 cycle_base;
	u64 mask;		// of the counter's bits
	u64 mult;		// ns per cycle, 32 bits of fraction
	ktime_t mono_base;	// CLOCK_MONOTONIC at cycle_base
	ktime_t real_offset;	// CLOCK_REALTIME - CLOCK_MONOTONIC
	ktime_t boot_offset;	// CLOCK_BOOTTIME - CLOCK_MONOTONIC
	u64 fallback;		// the counter is not the TSC: user mode cannot read it
};

struct clock_page {
	u32 seq ATOMIC;
	u32 reserved;
	struct clock_copy copy[2];
};

static union {
	struct clock_page p;
	char page[4096];
} clock_data ALIGNED(4096);

STATIC_SPINLOCK(clock_lock, LOCK_HARDIRQ);	// writers of clock_data
static struct clock_copy clock_now GUARDED_BY(&clock_lock);	// what both copies become
static u32 clock_set_count;		// ATOMIC
// sched_clock: set once, the same arithmetic without the count.
static u64 sched_base, sched_mult;
static u64 ns_to_cycles_mult;

static ALWAYS_INLINE u64 scale(u64 v, u64 mult)
{
	return (u64)((unsigned __int128)v * mult >> 32);
}

static void publish(void) REQUIRES(&clock_lock)
{
	struct clock_page *p = &clock_data.p;
	WRITE_ONCE(p->seq, p->seq + 1);
	smp_wmb();	// pairs with the smp_rmb()s of read_begin/read_again
	p->copy[0] = clock_now;
	smp_wmb();
	WRITE_ONCE(p->seq, p->seq + 1);
	smp_wmb();
	p->copy[1] = clock_now;
}

static ALWAYS_INLINE const struct clock_copy *read_begin(u32 *seq)
{
	*seq = READ_ONCE(clock_data.p.seq);
	smp_rmb();
	return &clock_data.p.copy[*seq & 1];
}

static ALWAYS_INLINE bool read_again(u32 seq)
{
	smp_rmb();
	return unlikely(READ_ONCE(clock_data.p.seq) != seq);
}

static NO_SANITIZE ALWAYS_INLINE ktime_t copy_mono(const struct clock_copy *c)
{
	u64 delta;
	if (likely(!c->fallback)) {
		delta = cycles_now_ordered() - c->cycle_base;
		if (unlikely((s64)delta < 0))	// another CPU's base, a few cycles ahead of ours
			delta = 0;
	} else {
		delta = (arch_fallback_clock_read() - c->cycle_base) & c->mask;
	}
	return c->mono_base + (ktime_t)scale(delta, c->mult);
}

ktime_t ktime_get(void)
{
	u32 seq;
	ktime_t t;
	do {
		t = copy_mono(read_begin(&seq));
	} while (read_again(seq));
	return t;
}

ktime_t ktime_get_raw(void)
{
	return ktime_get();	// nothing slews the monotonic clock yet
}

ktime_t ktime_get_real(void)
{
	u32 seq;
	ktime_t t;
	do {
		const struct clock_copy *c = read_begin(&seq);
		t = copy_mono(c) + c->real_offset;
	} while (read_again(seq));
	return t;
}

ktime_t ktime_get_boottime(void)
{
	u32 seq;
	ktime_t t;
	do {
		const struct clock_copy *c = read_begin(&seq);
		t = copy_mono(c) + c->boot_offset;
	} while (read_again(seq));
	return t;
}

ktime_t ktime_real_offset(void)
{
	u32 seq;
	ktime_t t;
	do {
		t = read_begin(&seq)->real_offset;
	} while (read_again(seq));
	return t;
}

ktime_t ktime_boot_offset(void)
{
	u32 seq;
	ktime_t t;
	do {
		t = read_begin(&seq)->boot_offset;
	} while (read_again(seq));
	return t;
}

ktime_t ktime_mono_to_real(ktime_t mono)
{
	return mono + ktime_real_offset();
}

u32 clock_was_set_count(void)
{
	return __atomic_load_n(&clock_set_count, __ATOMIC_ACQUIRE);
}

int clock_set_real(ktime_t real)
{
	unsigned long flags = spin_lock_irqsave(&clock_lock);
	clock_now.real_offset = real - ktime_get();
	publish();
	spin_unlock_irqrestore(&clock_lock, flags);
	(void)__atomic_fetch_add(&clock_set_count, 1, __ATOMIC_SEQ_CST);
	hrtimer_clock_was_set();
	return 0;
}

u64 sched_clock(void)
{
	return scale(cycles_now() - sched_base, sched_mult);	// 0 before clock_init(): sched_mult is 0
}

u64 kern_clock(void)
{
	return sched_clock();
}

u64 clock_ns_to_cycles(u64 ns)
{
	return scale(ns, ns_to_cycles_mult);
}

// The counter that both time and its reader's base come from, from now on: hz, mask, and whether user mode may read it.
static void set_counter(u64 hz, u64 mask, u64 now, bool fallback) REQUIRES(&clock_lock)
{
	clock_now.mono_base = clock_data.p.seq ? ktime_get() : 0;
	clock_now.cycle_base = now;
	clock_now.mask = mask;
	clock_now.mult = ((u64)NSEC_PER_SEC << 32) / hz;	// fits: 1e9 < 2^32
	clock_now.fallback = fallback;
	publish();
}

// A short fallback counter comes round: take its count over well before.
static enum hrtimer_restart fallback_fold(struct hrtimer *t)
{
	unsigned long flags = spin_lock_irqsave(&clock_lock);
	ktime_t now = ktime_get();
	u64 delta = (arch_fallback_clock_read() - clock_now.cycle_base) & clock_now.mask;
	clock_now.mono_base += (ktime_t)scale(delta, clock_now.mult);
	clock_now.cycle_base = (clock_now.cycle_base + delta) & clock_now.mask;
	u64 interval = scale(clock_now.mask / 4, clock_now.mult);
	publish();
	spin_unlock_irqrestore(&clock_lock, flags);
	hrtimer_forward(t, now, (ktime_t)MIN(interval, (u64)NSEC_PER_SEC * 3600));
	return HRTIMER_RESTART;
}

static struct hrtimer fold_timer;

void clock_validate(void)
{
	u64 hz = arch_fallback_clock_hz();
	if (arch_cycles_synced())
		return;
	if (!hz) {
		pr_warn("clock: the counters of the CPUs differ, and there is no other clock\n");
		return;
	}
	pr_notice("clock: the counters of the CPUs differ: using the timer at %llu Hz\n", hz);
	unsigned long flags = spin_lock_irqsave(&clock_lock);
	set_counter(hz, arch_fallback_clock_mask(), arch_fallback_clock_read(), true);
	spin_unlock_irqrestore(&clock_lock, flags);
	hrtimer_setup(&fold_timer, HRTIMER_MONOTONIC, fallback_fold);
	hrtimer_start(&fold_timer, ktime_get() + NSEC_PER_SEC, 0);
}

void clock_init(void)
{
	u64 hz = (u64)cycles_khz() * 1000;
	s64 sec = 0;
	u32 nsec = 0;
	if (arch_wallclock_read(&sec, &nsec))
		sec = 0;

	unsigned long flags = spin_lock_irqsave(&clock_lock);
	u64 now = cycles_now();
	set_counter(hz, U64_MAX, now, false);
	clock_now.real_offset = sec * NSEC_PER_SEC + nsec;
	publish();
	spin_unlock_irqrestore(&clock_lock, flags);

	ns_to_cycles_mult = ((u64)cycles_khz() << 32) / 1000000;
	sched_base = now;
	WRITE_ONCE(sched_mult, READ_ONCE(clock_now.mult));
	pr_info("clock: %s, %u.%03u MHz\n", arch_clock_source(), cycles_khz() / 1000, cycles_khz() % 1000);
}
