#include "arch/time.h"

#include "lib/ktest.h"

KTEST(rtc, dates_to_days_and_back)
{
	CHECK_EQ(days_from_date(1970, 1, 1), 0);
	CHECK_EQ(days_from_date(2000, 2, 29), 11016);
	CHECK_EQ(days_from_date(2000, 3, 1), 11017);
	CHECK_EQ(days_from_date(2026, 11, 20), 20777);
	for (s64 d = 0; d < 60000; d += 59) {
		s64 year;
		u32 month, day;
		date_from_days(d, &year, &month, &day);
		CHECK_EQ(days_from_date(year, month, day), d);
	}
}

KTEST(rtc, bcd)
{
	CHECK_EQ(from_bcd(0x59), 59);
	CHECK_EQ(to_bcd(59), 0x59);
}
