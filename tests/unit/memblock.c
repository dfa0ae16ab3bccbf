// x86_64's table of memory before mm is portable, and so are its tests.
#include "arch/x86_64/memblock.c"
#include "arch/x86_64/memblock_test.c"
