// The files in /proc itself: the machine and the kernel as a whole. man 5 proc; formats are Linux's.
#include "fs/proc/internal.h"
#include "arch/boot.h"
#include "arch/cpu.h"
#include "arch/irq.h"
#include "dev/kmsg.h"
#include "fs/chrdev.h"
#include "kern/cpumask.h"
#include "kern/irq.h"
#include "kern/percpu_alloc.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab_internal.h"
#include "sched/sched.h"
#include "task/nsproxy.h"
#include "task/process.h"
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#define NS_TICK (NSEC_PER_SEC / USER_HZ)
#define PAGES_KB(pages) ((pages) << (PAGE_SHIFT - 10))

// ---- memory -----------------------------------------------------------------------------------------------------------

static void put_kb(struct seq_file *m, const char *name, u64 pages)
{
	char label[24];

	(void)scnprintf(label, sizeof(label), "%s:", name);
	seq_printf(m, "%-15s %8llu kB\n", label, PAGES_KB(pages));
}

static int show_meminfo(struct seq_file *m, void *v)
{
	struct mem_info i;
	size_t used;

	mem_info(&i);
	u64 percpu = percpu_total(&used) >> PAGE_SHIFT, slab = i.slab_reclaimable + i.slab_unreclaimable;
	const struct { const char *name; u64 pages; } rows[] = {
		{ "MemTotal", i.total }, { "MemFree", i.free }, { "MemAvailable", i.available }, { "Buffers", 0 }, { "Cached", i.cached },
		{ "SwapCached", 0 }, { "Active", i.active_anon + i.active_file }, { "Inactive", i.inactive_anon + i.inactive_file },
		{ "Active(anon)", i.active_anon }, { "Inactive(anon)", i.inactive_anon }, { "Active(file)", i.active_file },
		{ "Inactive(file)", i.inactive_file }, { "Unevictable", i.unevictable }, { "Mlocked", i.mlocked }, { "SwapTotal", 0 }, { "SwapFree", 0 },
		{ "Dirty", i.dirty }, { "Writeback", i.writeback }, { "AnonPages", i.anon }, { "Mapped", i.mapped }, { "Shmem", i.shmem },
		{ "KReclaimable", i.slab_reclaimable }, { "Slab", slab }, { "SReclaimable", i.slab_reclaimable }, { "SUnreclaim", i.slab_unreclaimable },
		{ "KernelStack", i.kernel_stack }, { "PageTables", i.page_tables }, { "SecPageTables", 0 }, { "NFS_Unstable", 0 }, { "Bounce", 0 },
		{ "WritebackTmp", 0 }, { "CommitLimit", i.commit_limit }, { "Committed_AS", i.committed }, { "VmallocTotal", 1ull << 33 },
		{ "VmallocUsed", i.vmalloc_used }, { "VmallocChunk", 0 }, { "Percpu", percpu },
	};

	for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
		put_kb(m, rows[k].name, rows[k].pages);
	return 0;
}

static int show_vmstat(struct seq_file *m, void *v)
{
	struct mem_info i;

	mem_info(&i);
	const struct { const char *name; u64 n; } rows[] = {
		{ "nr_free_pages ", i.free }, { "nr_inactive_anon ", i.inactive_anon }, { "nr_active_anon ", i.active_anon },
		{ "nr_inactive_file ", i.inactive_file }, { "nr_active_file ", i.active_file }, { "nr_unevictable ", i.unevictable },
		{ "nr_mlock ", i.mlocked }, { "nr_slab_reclaimable ", i.slab_reclaimable }, { "nr_slab_unreclaimable ", i.slab_unreclaimable },
		{ "nr_anon_pages ", i.anon }, { "nr_mapped ", i.mapped }, { "nr_file_pages ", i.cached }, { "nr_dirty ", i.dirty },
		{ "nr_writeback ", i.writeback }, { "nr_shmem ", i.shmem }, { "nr_kernel_stack ", PAGES_KB(i.kernel_stack) },
		{ "nr_page_table_pages ", i.page_tables },
	};

	for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
		seq_put_u64(m, rows[k].name, rows[k].n);
		seq_putc(m, '\n');
	}
	return 0;
}

static void put_slab(const struct slab_info *s, void *arg)
{
	seq_printf(arg, "%-17s %6llu %6llu %6u %4u %4u : tunables %4u %4u %4u : slabdata %6llu %6llu %6u\n", s->name, s->in_use, s->objects, s->size,
		   s->per_slab, s->pages_per_slab, 0, 0, 0, s->slabs, s->slabs, 0);
}

static int show_slabinfo(struct seq_file *m, void *v)
{
	seq_puts(m, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> "
		    "<batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	slab_for_each(put_slab, m);
	return 0;
}

// ---- processors and time ----------------------------------------------------------------------------------------------

static int show_cpuinfo(struct seq_file *m, void *v)
{
	char *buf = kalloc(PAGE_SIZE, GFP_KERNEL | GFP_UNINIT);

	if (!buf)
		return -ENOMEM;
	for_each_online_cpu(cpu)
		seq_write(m, buf, arch_cpuinfo_text((u32)cpu, buf, PAGE_SIZE));
	kfree(buf);
	return 0;
}

static int show_uptime(struct seq_file *m, void *v)
{
	u64 up = (u64)ktime_get_boottime(), idle = 0, t[10];

	for_each_online_cpu(cpu) {
		sched_cpu_times(cpu, t);
		idle += t[3] + t[4];
	}
	seq_printf(m, "%llu.%02llu %llu.%02llu\n", up / NSEC_PER_SEC, up / 10000000 % 100, idle / NSEC_PER_SEC, idle / 10000000 % 100);
	return 0;
}

static int show_loadavg(struct seq_file *m, void *v)
{
	unsigned long avg[3];

	sched_loadavg(avg);
	for (int i = 0; i < 3; i++) {
		unsigned long a = avg[i] + 2048 / 200;	// rounded to hundredths
		seq_printf(m, "%lu.%02lu ", a >> 11, ((a & 2047) * 100) >> 11);
	}
	seq_printf(m, "%llu/%d %d\n", sched_nr_running(), atomic_read(&nr_threads), (int)READ_ONCE(proc_pid_ns(m->file->inode)->next) - 1);
	return 0;
}

static void put_times(struct seq_file *m, const u64 t[10])
{
	for (int i = 0; i < 10; i++)
		seq_put_u64(m, " ", t[i] / NS_TICK);
	seq_putc(m, '\n');
}

struct irq_counts {
	u64 total;
	u32 n;
	u64 *by_number;
};

static u64 line_count(const struct irq_line *l)
{
	u64 sum = 0;

	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(l->count, cpu);
	return sum;
}

static void add_line(const struct irq_line *l, void *arg)
{
	struct irq_counts *c = arg;
	u64 n = line_count(l);

	c->total += n;
	if (l->number < c->n)
		c->by_number[l->number] = n;
}

static int put_interrupt_counts(struct seq_file *m)
{
	struct irq_counts c = { .n = MIN(irqchip_nr_gsis(), 256u) };

	c.by_number = kalloc_array(c.n + 1, sizeof(u64), GFP_KERNEL);
	if (!c.by_number)
		return -ENOMEM;
	irq_for_each(add_line, &c);
	seq_put_u64(m, "intr ", c.total);
	for (u32 i = 0; i < c.n; i++)
		seq_put_u64(m, " ", c.by_number[i]);
	kfree(c.by_number);
	return 0;
}

static int show_stat_file(struct seq_file *m, void *v)
{
	u64 sum[10] = { 0 }, t[10], blocked = 0;

	for_each_possible_cpu(cpu) {
		sched_cpu_times(cpu, t);
		for (int i = 0; i < 10; i++)
			sum[i] += t[i];
		blocked += sched_nr_iowait(cpu);
	}
	seq_puts(m, "cpu ");
	put_times(m, sum);
	for_each_online_cpu(cpu) {
		sched_cpu_times(cpu, t);
		seq_printf(m, "cpu%d", cpu);
		put_times(m, t);
	}
	int err = put_interrupt_counts(m);
	seq_printf(m, "\nctxt %llu\nbtime %lld\nprocesses %llu\nprocs_running %llu\nprocs_blocked %llu\n", sched_nr_switches(),
		   (ktime_get_real() - ktime_get_boottime()) / NSEC_PER_SEC, total_forks(), sched_nr_running(), blocked);
	// ABI: softirqs are not counted.
	seq_puts(m, "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
	return err;
}

static void put_line(const struct irq_line *l, void *arg)
{
	struct seq_file *m = arg;
	bool message = l->gsi == U32_MAX, level = l->trigger == IRQ_LEVEL_HIGH || l->trigger == IRQ_LEVEL_LOW;

	seq_printf(m, "%3u:", l->number);
	for_each_online_cpu(cpu)
		seq_printf(m, " %10u", *per_cpu_ptr(l->count, cpu));
	seq_printf(m, " %8s %4u-%-8s", message ? "PCI-MSI" : "IO-APIC", message ? l->vector : l->gsi, level && !message ? "fasteoi" : "edge");
	for (const struct irq *i = l->first; i; i = i->next)
		seq_printf(m, "%s%s", i == l->first ? " " : ", ", i->name);
	seq_putc(m, '\n');
}

static int show_interrupts(struct seq_file *m, void *v)
{
	seq_puts(m, "           ");
	for_each_online_cpu(cpu)
		seq_printf(m, "CPU%-8d", cpu);
	seq_putc(m, '\n');
	irq_for_each(put_line, m);
	return 0;
}

// ---- the kernel -------------------------------------------------------------------------------------------------------

static int show_version(struct seq_file *m, void *v)
{
	struct uts_namespace *u = current->nsproxy->uts;

	down_read(&u->lock);
	seq_printf(m, "%s version %s (ochre@ochre) (" __VERSION__ ") %s\n", u->sysname, u->release, u->version);
	up_read(&u->lock);
	return 0;
}

static int show_cmdline(struct seq_file *m, void *v)
{
	seq_puts(m, boot_info.cmdline);
	seq_putc(m, '\n');
	return 0;
}

static int show_filesystems(struct seq_file *m, void *v)
{
	return fs_list(m);
}

static int show_devices(struct seq_file *m, void *v)
{
	seq_puts(m, "Character devices:\n");
	int err = chrdev_list(m);
	seq_puts(m, "\nBlock devices:\n");
	return err;
}

// ---- /proc/kmsg -------------------------------------------------------------------------------------------------------

static int kmsg_file_open(struct inode *inode, struct file *f)
{
	return (int)kmsg_syslog(1, UPTR_NULL, 0, true);
}

static ssize_t kmsg_file_read(struct kiocb *k, struct iov_iter *to)
{
	if (to->type != ITER_UBUF)
		return -EINVAL;
	if ((k->file->flags & O_NONBLOCK) && !kmsg_syslog_pending())
		return -EAGAIN;
	long n = kmsg_syslog(2, uptr_add(to->ubuf, to->offset), (int)MIN(iov_iter_count(to), (size_t)INT_MAX), true);
	if (n > 0)
		iov_iter_advance(to, (size_t)n);
	return n;
}

static u32 kmsg_file_poll(struct file *f, struct poll_table *t)
{
	kmsg_listen();
	poll_wait(t, f, &kmsg_wait);
	return kmsg_syslog_pending() ? EPOLLIN | EPOLLRDNORM : 0;
}

static loff_t kmsg_file_llseek(struct file *f, loff_t off, int whence)
{
	return f->pos;
}

static const struct file_ops kmsg_file_fops = {
	.open = kmsg_file_open, .read = kmsg_file_read, .poll = kmsg_file_poll, .llseek = kmsg_file_llseek,
};

// ---- the table --------------------------------------------------------------------------------------------------------

static const struct proc_entry root_entries[] = {
	{ .name = "self", .mode = S_IFLNK | 0777, .iops = &proc_self_iops },
	{ .name = "thread-self", .mode = S_IFLNK | 0777, .iops = &proc_thread_self_iops },
	P_LINK("mounts", "self/mounts"),
	P_DIR("sys", 0555, proc_sys_iops, proc_sys_fops),
	P_SHOW("cmdline", 0444, show_cmdline),
	P_SHOW("cpuinfo", 0444, show_cpuinfo),
	P_SHOW("devices", 0444, show_devices),
	P_SHOW("filesystems", 0444, show_filesystems),
	P_SHOW("interrupts", 0444, show_interrupts),
	P_FILE("kmsg", 0400, kmsg_file_fops),
	P_SHOW("loadavg", 0444, show_loadavg),
	P_SHOW("meminfo", 0444, show_meminfo),
	P_SHOW("slabinfo", 0400, show_slabinfo),
	P_SHOW("stat", 0444, show_stat_file),
	P_SHOW("uptime", 0444, show_uptime),
	P_SHOW("version", 0444, show_version),
	P_SHOW("vmstat", 0444, show_vmstat),
};
PROC_TABLE(proc_root_table, root_entries);
