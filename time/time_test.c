// Clocks and timers. Nothing here asserts how late a timer may be: only that it is not early, and that it fires.
#include "arch/cpu.h"
#include "arch/irq.h"
#include "lib/ktest.h"
#include "time/clock.h"
#include "time/hrtimer.h"
#include "time/timer.h"

#define PATIENCE (20 * NSEC_PER_SEC)

// Waits until *n is at least want. False when patience ends.
static bool wait_count(const u32 *n, u32 want)
{
	ktime_t end = ktime_get() + PATIENCE;
	while (__atomic_load_n(n, __ATOMIC_ACQUIRE) < want) {
		if (ktime_get() > end)
			return false;
		cpu_relax();
	}
	return true;
}

KTEST(clock, never_goes_back)
{
	ktime_t last = ktime_get();
	for (int i = 0; i < 10000; i++) {
		ktime_t now = ktime_get();
		CHECK_LE(last, now);
		last = now;
	}
	CHECK_EQ(ktime_add_safe(KTIME_MAX - 1, 5), KTIME_MAX);
}

KTEST(clock, setting_realtime_leaves_monotonic_alone)
{
	ktime_t offset = ktime_real_offset(), mono = ktime_get();
	u32 sets = clock_was_set_count();
	CHECK_EQ(clock_set_real(ktime_get_real() + 1000 * NSEC_PER_SEC), 0);
	CHECK_GE(ktime_real_offset(), offset + 999 * NSEC_PER_SEC);
	CHECK_LE(mono, ktime_get());
	CHECK_LT(ktime_get() - mono, 999 * NSEC_PER_SEC);
	CHECK_NE(clock_was_set_count(), sets);
	CHECK_EQ(clock_set_real(ktime_get() + offset), 0);
}

struct hr_probe {
	struct hrtimer t;
	ktime_t due;
	u32 fired, early, repeat;
};

static enum hrtimer_restart hr_fired(struct hrtimer *t)
{
	struct hr_probe *p = CONTAINER_OF(t, struct hr_probe, t);
	if (hrtimer_clock_now(t->clock) < p->due)
		p->early++;
	u32 n = p->fired + 1;
	enum hrtimer_restart r = HRTIMER_NORESTART;
	if (n < p->repeat) {
		CHECK_GE(hrtimer_forward(t, hrtimer_clock_now(t->clock), NSEC_PER_MSEC), 1);
		p->due = t->soft;
		r = HRTIMER_RESTART;
	}
	__atomic_store_n(&p->fired, n, __ATOMIC_RELEASE);
	return r;
}

static void hr_arm(struct hr_probe *p, enum hrtimer_clock clock, ktime_t in, u32 repeat)
{
	*p = (struct hr_probe){ .repeat = repeat };
	hrtimer_setup(&p->t, clock, hr_fired);
	p->due = hrtimer_clock_now(clock) + in;
	hrtimer_start(&p->t, p->due, 0);
}

KTEST(hrtimer, fires_on_every_clock_and_repeats)
{
	static struct hr_probe p[NR_HRTIMER_CLOCKS * 3];
	for (u32 i = 0; i < ARRAY_SIZE(p); i++)
		hr_arm(&p[i], i % NR_HRTIMER_CLOCKS, (ktime_t)(ARRAY_SIZE(p) - i) * NSEC_PER_MSEC, 1 + i % 2 * 2);
	for (u32 i = 0; i < ARRAY_SIZE(p); i++) {
		CHECK(wait_count(&p[i].fired, p[i].repeat));
		CHECK_EQ(hrtimer_cancel(&p[i].t), 0);
		CHECK_EQ(p[i].fired, p[i].repeat);
		CHECK_EQ(p[i].early, 0);
	}
}

KTEST(hrtimer, a_cancelled_timer_does_not_fire)
{
	static struct hr_probe p, later;
	hr_arm(&p, HRTIMER_MONOTONIC, 2 * NSEC_PER_MSEC, 1);
	hr_arm(&later, HRTIMER_MONOTONIC, 4 * NSEC_PER_MSEC, 1);
	bool was = hrtimer_cancel(&p.t);
	CHECK(wait_count(&later.fired, 1));
	CHECK_EQ(p.fired, !was);
	CHECK(!hrtimer_active(&p.t));
	hrtimer_cancel(&later.t);
}

KTEST(hrtimer, setting_the_clock_expires_realtime_timers)
{
	static struct hr_probe p;
	ktime_t offset = ktime_real_offset();
	hr_arm(&p, HRTIMER_REALTIME, 5000 * NSEC_PER_SEC, 1);
	CHECK_EQ(clock_set_real(ktime_get_real() + 6000 * NSEC_PER_SEC), 0);
	CHECK(wait_count(&p.fired, 1));
	CHECK_EQ(clock_set_real(ktime_get() + offset), 0);
	hrtimer_cancel(&p.t);
}

struct timeout_probe {
	struct timer t;
	ktime_t due;
	u32 fired, early;
};

static void timeout_fired(struct timer *t)
{
	struct timeout_probe *p = CONTAINER_OF(t, struct timeout_probe, t);
	if (ktime_get() < p->due)
		p->early++;
	__atomic_store_n(&p->fired, p->fired + 1, __ATOMIC_RELEASE);
}

static void timeout_arm(struct timeout_probe *p, ktime_t in)
{
	*p = (struct timeout_probe){ 0 };
	timer_setup(&p->t, timeout_fired);
	p->due = ktime_get() + in;
	timer_mod(&p->t, (u64)in);
}

KTEST(timer, timeouts_of_all_lengths_fire_once_and_not_early)
{
	static struct timeout_probe p[40];
	for (u32 i = 0; i < ARRAY_SIZE(p); i++)
		timeout_arm(&p[i], (ktime_t)i * i * NSEC_PER_MSEC / 16);
	for (u32 i = 0; i < ARRAY_SIZE(p); i++) {
		CHECK(wait_count(&p[i].fired, 1));
		CHECK(!timer_del_sync(&p[i].t));
		CHECK_EQ(p[i].fired, 1);
		CHECK_EQ(p[i].early, 0);
	}
}

KTEST(timer, mod_moves_and_del_stops)
{
	static struct timeout_probe p, q;
	timeout_arm(&p, 36000 * NSEC_PER_SEC);
	CHECK(timer_pending(&p.t));
	p.due = ktime_get() + 3 * NSEC_PER_MSEC;
	CHECK(timer_mod(&p.t, 3 * NSEC_PER_MSEC));
	CHECK(wait_count(&p.fired, 1));
	CHECK_EQ(p.early, 0);
	timeout_arm(&q, 100 * 3600 * NSEC_PER_SEC);	// beyond the wheel's reach
	CHECK(timer_del(&q.t));
	CHECK(!timer_pending(&q.t));
	CHECK(!timer_del_sync(&q.t));
	CHECK_EQ(q.fired, 0);
	timer_del_sync(&p.t);
}
