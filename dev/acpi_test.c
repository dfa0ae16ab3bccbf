#include "dev/acpi.h"

#include "lib/ktest.h"

static bool s5(const char *aml, size_t n, u8 *a, u8 *b)
{
	return acpi_find_s5((const u8 *)aml, n, a, b);
}

KTEST(acpi, finds_s5_package)
{
	static const char aml[] = "\x00\x08_S5_\x12\x08\x04\x0a\x05\x01\x00\x00";
	u8 a, b;
	CHECK(s5(aml, sizeof(aml) - 1, &a, &b));
	CHECK_EQ(a, 5);
	CHECK_EQ(b, 1);
}

KTEST(acpi, refuses_truncated_s5)
{
	static const char aml[] = "\x00\x08_S5_\x12\x08\x04\x0a\x05\x01\x00\x00";
	u8 a, b;
	for (size_t n = 0; n < 11; n++)
		CHECK(!s5(aml, n, &a, &b));
}

KTEST(acpi, ignores_s5_that_is_no_name)
{
	static const char aml[] = "\x00\x10_S5_\x12\x08\x04\x0a\x05\x01\x00\x00\x00";
	u8 a, b;
	CHECK(!s5(aml, sizeof(aml) - 1, &a, &b));
}
