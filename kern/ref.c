// Reference counts that went wrong.
#include "kern/ref.h"
#include "kern/panic.h"

void ref_report(struct ref *r, const char *what)
{
	// Far from both ends: later gets and puts of the leaked object stay negative.
	atomic_set(&r->n, REF_SATURATED);
	warn_report(__FILE__, __LINE__, "reference count %p: %s (in %pS)", (void *)r, what, __builtin_return_address(0));
}
