// arch/host/host.h - between the kernel's side of this port, which sees no libc, and os.c, which sees nothing else. Plain C types only.
#pragma once

#define HOST_MAX_CPUS 16
#define HOST_LOW_MEM (128ull << 20)		// physical memory: [1 MiB, this), and
#define HOST_HIGH_START (4ull << 30)
#define HOST_HIGH_MEM (512ull << 20)		// this much from 4 GiB on
#define HOST_IPI_RESCHED 1u
#define HOST_IPI_CALL 2u
#define HOST_IPI_STOP 4u
#define HOST_IPI_FLUSH 8u

// A processor: a thread of the program.
struct host_cpu {
	unsigned int id;
	unsigned int irqs_off;		// the interrupt flag
	unsigned int pending;		// HOST_IPI_*; atomic
	unsigned long percpu;		// distance of its per-CPU variables
	unsigned long long event;	// when the timer interrupts; 0: never
	unsigned long long root;	// current top-level page table
	void *boot_fiber;		// its first stack
	void *running;			// fiber
};
extern struct host_cpu host_cpus[HOST_MAX_CPUS];
extern unsigned int host_nr_cpus;	// of this run
// The calling thread's CPU.
struct host_cpu *host_this(void);

unsigned long long host_real_ns(void);
unsigned long long host_wall_sec(void);
void host_write(const char *s, unsigned long n);
void host_exit(int status) __attribute__((noreturn));
void host_abort(const char *why) __attribute__((noreturn));
void host_yield(void);

// Sleeps until host_wake(cpu) was called or host_real_ns() reaches until (0: no limit).
void host_wait(struct host_cpu *cpu, unsigned long long until);
void host_wake(struct host_cpu *cpu);
// Starts a thread that calls host_cpu_start(cpu).
void host_start_cpu(unsigned int cpu);

// Stacks and switching between them.
void *host_fiber_create(void (*fn)(void *arg), void *arg);	// null: no memory
void host_fiber_free(void *fiber);
void host_fiber_switch(void *from, void *to);

// Physical memory is a file. All of it is mapped at base; host_map() maps parts of it elsewhere, host_unmap() makes a reserved range empty again.
void host_memory_init(unsigned long base, unsigned long long size, const unsigned long (*reserve)[2], int nr_reserve);
void host_map(unsigned long va, unsigned long long pa, unsigned long len, int writable);
void host_unmap(unsigned long va, unsigned long len);
// One lock around changes of what is mapped where.
void host_map_lock(void);
void host_map_unlock(void);

// Upcalls of os.c: the kernel's side.
void host_main(int argc, char **argv);
void host_cpu_start(unsigned int cpu);
int host_kernel_fault(unsigned long addr, int write);	// whether the access may be tried again
