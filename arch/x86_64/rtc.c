// The wall clock: the battery-backed CMOS clock (MC146818), or what KVM tells.
#include "arch/time.h"

#include "arch/boot.h"
#include "arch/barrier.h"
#include "arch/cpu.h"
#include "arch/io.h"
#include "arch/pte.h"
#include "features.h"
#include "kern/spinlock.h"
#include "lib/errno.h"
#include "x86.h"

#define MSR_KVM_WALL_CLOCK 0x4b564d00
#define KVM_FEATURE_CLOCKSOURCE2 BIT(3)
#define STATUS_A 10
#define STATUS_B 11
#define A_UPDATING 0x80
#define B_SET 0x80
#define B_BINARY 0x04
#define B_24HOURS 0x02

enum { SEC = 0, MIN_ = 2, HOUR = 4, DAY = 7, MONTH = 8, YEAR = 9 };

struct rtc_time {
	u8 sec, min, hour, day, month, year, century;
};

STATIC_SPINLOCK(cmos_lock, LOCK_HARDIRQ);	// index and data ports

static u8 cmos_read(u8 reg)
{
	port_out8(0x70, reg);
	return port_in8(0x71);
}

static void cmos_write(u8 reg, u8 v)
{
	port_out8(0x70, reg);
	port_out8(0x71, v);
}

static struct rtc_time read_once(void)
{
	u8 century = acpi_century_register();

	return (struct rtc_time){ cmos_read(SEC), cmos_read(MIN_), cmos_read(HOUR), cmos_read(DAY), cmos_read(MONTH),
				  cmos_read(YEAR), century ? cmos_read(century) : 0 };
}

// Until two readings agree: one may fall into an update.
static struct rtc_time read_stable(void)
{
	struct rtc_time a, b = read_once();

	for (u32 i = 0; i < 100; i++) {
		a = b;
		b = read_once();
		if (!__builtin_memcmp(&a, &b, sizeof(a)) && !(cmos_read(STATUS_A) & A_UPDATING))
			break;
	}
	return b;
}

static u8 from_bcd(u8 v)
{
	return (u8)((v >> 4) * 10 + (v & 15));
}

static u8 to_bcd(u8 v)
{
	return (u8)(v / 10 << 4 | v % 10);
}

// Days since 1970-01-01 of a date in the Gregorian calendar: years are counted from March, so that the leap day is the last.
static s64 days_from_date(s64 year, u32 month, u32 day)
{
	year -= month <= 2;
	s64 era = year / 400, in_era = year - era * 400;
	s64 in_year = (153 * ((s64)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static void date_from_days(s64 days, s64 *year, u32 *month, u32 *day)
{
	days += 719468;
	s64 era = days / 146097, in_era = days % 146097;
	s64 y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	s64 in_year = in_era - (365 * y + y / 4 - y / 100), m = (5 * in_year + 2) / 153;
	*day = (u32)(in_year - (153 * m + 2) / 5 + 1);
	*month = (u32)(m < 10 ? m + 3 : m - 9);
	*year = y + era * 400 + (*month <= 2);
}

static int rtc_read(s64 *sec)
{
	unsigned long flags = spin_lock_irqsave(&cmos_lock);
	u8 b = cmos_read(STATUS_B);
	struct rtc_time t = read_stable();
	spin_unlock_irqrestore(&cmos_lock, flags);
	bool pm = !(b & B_24HOURS) && (t.hour & 0x80);

	t.hour &= 0x7f;
	if (!(b & B_BINARY))
		t = (struct rtc_time){ from_bcd(t.sec), from_bcd(t.min), from_bcd(t.hour), from_bcd(t.day), from_bcd(t.month),
				       from_bcd(t.year), from_bcd(t.century) };
	if (!(b & B_24HOURS))
		t.hour = (u8)(t.hour % 12 + (pm ? 12 : 0));
	if (t.sec > 59 || t.min > 59 || t.hour > 23 || t.day < 1 || t.day > 31 || t.month < 1 || t.month > 12 || t.year > 99)
		return -ENODEV;	// no clock, or one that was never set
	s64 year = t.year + (t.century >= 19 && t.century < 100 ? t.century * 100 : t.year < 70 ? 2000 : 1900);
	*sec = days_from_date(year, t.month, t.day) * 86400 + t.hour * 3600 + t.min * 60 + t.sec;
	return 0;
}

// KVM's wall clock is when the guest started; the TSC-based system time is to be added, which is about nothing at start-up.
static int kvm_wallclock(s64 *sec, u32 *nsec)
{
	static struct { u32 version, sec, nsec; } wall ALIGNED(16);

	if (!cpu_has(X86_KVM) || !(cpuid(0x40000001, 0).eax & KVM_FEATURE_CLOCKSOURCE2))
		return -ENODEV;
	wrmsr(MSR_KVM_WALL_CLOCK, virt_to_phys(&wall));
	for (u32 i = 0; i < 1000; i++) {
		u32 version = READ_ONCE(wall.version);
		smp_rmb();
		*sec = READ_ONCE(wall.sec);
		*nsec = READ_ONCE(wall.nsec);
		smp_rmb();
		if (!(version & 1) && version == READ_ONCE(wall.version) && *sec)
			return 0;
	}
	return -ENODEV;
}

int arch_wallclock_read(s64 *sec, u32 *nsec)
{
	*nsec = 0;
	if (rtc_read(sec) == 0)
		return 0;
	return kvm_wallclock(sec, nsec);
}

int arch_wallclock_write(s64 sec)
{
	s64 year, of_day = sec % 86400;
	u32 month, day;
	s64 now;

	if (sec < 0 || rtc_read(&now))
		return -ENODEV;
	date_from_days(sec / 86400, &year, &month, &day);
	unsigned long flags = spin_lock_irqsave(&cmos_lock);
	u8 b = cmos_read(STATUS_B), century = acpi_century_register();
	u8 v[][2] = { { SEC, (u8)(of_day % 60) }, { MIN_, (u8)(of_day / 60 % 60) }, { HOUR, (u8)(of_day / 3600) }, { DAY, (u8)day },
		      { MONTH, (u8)month }, { YEAR, (u8)(year % 100) }, { century, (u8)(year / 100) } };
	b |= B_24HOURS;
	cmos_write(STATUS_B, b | B_SET);	// no updates meanwhile
	for (u32 i = 0; i < ARRAY_SIZE(v) - !century; i++)
		cmos_write(v[i][0], b & B_BINARY ? v[i][1] : to_bcd(v[i][1]));
	cmos_write(STATUS_B, b);
	spin_unlock_irqrestore(&cmos_lock, flags);
	return 0;
}
