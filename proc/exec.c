// execve(2): opens and checks the file, copies the strings to the new stack; then, past the point of no return, ends the other
// threads, changes the address space and the credentials, maps the program and enters it. Errors after that point kill.
#include "proc/exec.h"
#include "arch/frame.h"
#include "arch/thread.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "kern/trace.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "proc/fork.h"
#include "sched/sched.h"
#include "task/cred.h"
#include "task/process.h"
#include "task/signal.h"
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/personality.h>
#include <linux/stat.h>

// ---- opening ----------------------------------------------------------------------------------------------------------

// open(2)'s checks for a program: a regular file that may be executed, on a mount that allows it. It need not be readable.
static int open_program(const struct path *p, struct file **out)
{
	struct inode *inode = p->dentry->inode;
	int err;

	if ((inode->mode & S_IFMT) == S_IFLNK)
		return -ELOOP;
	if ((inode->mode & S_IFMT) != S_IFREG || (READ_ONCE(p->mnt->flags) & MNT_NOEXEC) || (READ_ONCE(inode->sb->flags) & SB_NOEXEC))
		return -EACCES;
	err = inode_permission(inode, MAY_EXEC | MAY_OPEN);
	if (!err)
		err = dentry_open(p, O_RDONLY | O_LARGEFILE, current_cred(), out);
	if (err)
		return err;
	err = deny_write_access(*out);
	if (err)
		file_put(*out);
	return err;
}

static int open_filename(int dfd, struct filename *name, int flags, struct file **out)
{
	struct path p;
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_lookup(dfd, name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), &p);
	if (err)
		return err;
	err = open_program(&p, out);
	path_put(&p);
	return err;
}

int exec_open(const char *path, struct file **out)
{
	struct filename *name;
	int err = getname_kernel(path, &name);

	if (err)
		return err;
	err = open_filename(AT_FDCWD, name, 0, out);
	putname(name);
	return err;
}

static int read_head(struct exec *x)
{
	loff_t pos = 0;

	memset(x->head, 0, sizeof(x->head));
	ssize_t n = kernel_read(x->prog.file, x->head, sizeof(x->head), &pos);
	return n < 0 ? n : 0;
}

// ---- #! ---------------------------------------------------------------------------------------------------------------

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *skip_blanks(char *p, char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p < end ? p : NULL;
}

static char *find_end(char *p, char *end)
{
	while (p < end && *p && !is_blank(*p))
		p++;
	return p < end ? p : NULL;
}

// Cuts the line into a name and one optional argument, as Linux does: a name that may be cut short is refused.
static int parse_script(char *buf, char **name, char **arg)
{
	char *last = buf + EXEC_HEAD - 1, *end = memchr(buf, '\n', EXEC_HEAD), *sep;

	if (!end) {
		end = skip_blanks(buf + 2, last);
		if (!end || !find_end(end, last))
			return -ENOEXEC;
		end = last;
	}
	while (end > buf + 2 && is_blank(end[-1]))
		end--;
	*end = 0;
	*name = skip_blanks(buf + 2, end);
	if (!*name || !**name)
		return -ENOEXEC;
	*arg = NULL;
	sep = find_end(*name, end);
	if (sep && *sep) {
		*arg = skip_blanks(sep, end);
		*sep = 0;
		if (*arg && !**arg)
			*arg = NULL;
	}
	return 0;
}

// The file is a script: its interpreter takes its place.
static int enter_script(struct exec *x, const char **path)
{
	char *buf = kmemdup(x->head, EXEC_HEAD, GFP_KERNEL), *name, *arg;

	if (!buf)
		return -ENOMEM;
	x->scripts[x->nr_scripts++] = buf;
	int err = parse_script(buf, &name, &arg);
	if (err)
		return err;
	if (x->path_is_cloexec)
		return -ENOENT;
	err = exec_args_script(x, name, arg, *path);
	if (err)
		return err;
	exec_image_free(&x->prog);
	*path = name;
	return exec_open(name, &x->prog.file);
}

// Ends with an ELF file in x->prog, checked.
static int find_program(struct exec *x)
{
	const char *path = x->path;

	for (int depth = 0;; depth++) {
		int err = read_head(x);
		if (err)
			return err;
		if (x->head[0] != '#' || x->head[1] != '!')
			return exec_elf_check(x);
		if (depth >= EXEC_SCRIPTS_MAX)
			return -ELOOP;
		err = enter_script(x, &path);
		if (err)
			return err;
	}
}

// ---- the change -------------------------------------------------------------------------------------------------------

static void set_comm(struct exec *x)
{
	const char *s = x->path, *slash = strrchr(s, '/');

	rcu_read_lock();	// a name that rename(2) replaces is freed by RCU
	if (x->comm_from_file)
		s = READ_ONCE(x->prog.file->path.dentry->name.name);
	else if (slash)
		s = slash + 1;
	strscpy_pad(current->comm, s, sizeof(current->comm));
	rcu_read_unlock();
}

// A file that its user may not read must not be readable through the process either.
static void note_unreadable(struct exec *x)
{
	if (inode_permission(x->prog.file->inode, MAY_READ))
		x->unreadable = true;
}

static void reset_task(struct exec *x)
{
	struct task *t = current;

	t->flags &= ~(PF_FORKNOEXEC | PF_KTHREAD);
	t->personality &= ~(x->per_clear | READ_IMPLIES_EXEC);
	t->sas_sp = t->sas_size = 0;
	t->sas_flags = 2;	// SS_DISABLE
	t->robust_list = UPTR_NULL;
	t->restart_fn = NULL;
	if (trace_on(TRACE_SYSCALLS))
		t->entry_work |= ENTRY_WORK_TRACE;
	spin_lock_irq(&t->sighand->siglock);
	flush_signal_handlers(t, false);
	spin_unlock_irq(&t->sighand->siglock);
}

static int begin_new_program(struct exec *x)
{
	struct mm *mm = x->mm;
	int err = exec_de_thread();

	if (!err)
		err = unshare_files();
	if (!err)
		err = arch_thread_exec();
	if (err)
		return err;
	mm_release(current, false);
	mm->exe_file = x->prog.file;
	exe_file_get(mm->exe_file);
	x->mm = NULL;
	exec_protect_mm(x, mm);	// before anybody can reach it through us: we still have the old ids
	mm_exec_install(mm);
	current->process->flags &= ~PROCESS_EXEC;
	reset_task(x);
	set_comm(x);
	exec_creds_commit(x);
	files_close_on_exec();
	return 0;
}

static int start_program(struct exec *x)
{
	struct frame *f = arch_thread_frame(current);
	u64 entry = 0, sp = 0;
	int err = begin_new_program(x);

	if (!err)
		err = exec_elf_map(x, &entry);
	if (!err)
		err = exec_stack_finish(x, &sp);
	if (err) {
		if (!fatal_signal_pending(current))
			force_fatal_sig(SIGSEGV);
		return err;
	}
	frame_exec_init(f, entry, sp);
	sched_exec();
	return 0;
}

// ---- entry ------------------------------------------------------------------------------------------------------------

static int run(struct exec *x, const struct arg_source *argv, const struct arg_source *envp)
{
	int err = exec_args_measure(x, argv, envp);

	if (!err)
		err = find_program(x);
	if (!err)
		err = exec_creds_compute(x);
	if (!err)
		err = mm_create(&x->mm);
	if (!err)
		err = exec_args_copy(x);
	if (err)
		return err;
	note_unreadable(x);
	return start_program(x);
}

static void clean(struct exec *x)
{
	exec_args_free(x);
	exec_creds_done(x);
	exec_image_free(&x->prog);
	exec_image_free(&x->interp);
	if (x->cred)
		cred_put(x->cred);
	if (x->mm)
		mm_users_put(x->mm);
	for (int i = 0; i < x->nr_scripts; i++)
		kfree(x->scripts[i]);
	kfree(x->fd_path);
}

static int set_path(struct exec *x, int dfd, struct filename *name)
{
	x->path = name->name;
	if (dfd == AT_FDCWD || name->name[0] == '/')
		return 0;
	x->fd_path = name->name[0] ? kasprintf(GFP_KERNEL, "/dev/fd/%d/%s", dfd, name->name) : kasprintf(GFP_KERNEL, "/dev/fd/%d", dfd);
	if (!x->fd_path)
		return -ENOMEM;
	x->path = x->fd_path;
	x->comm_from_file = !name->name[0];
	x->path_is_cloexec = fd_is_cloexec(dfd);
	return 0;
}

int do_execve(int dfd, struct filename *name, const struct arg_source *argv, const struct arg_source *envp, int flags)
{
	// Large, and exec's own calls are deep: not on the stack.
	struct exec *x = kalloc(sizeof(*x), GFP_KERNEL);
	int err;

	if (!x)
		return -ENOMEM;
	current->in_execve = 1;
	err = open_filename(dfd, name, flags, &x->prog.file);
	if (err)
		x->prog.file = NULL;
	if (!err)
		err = set_path(x, dfd, name);
	if (!err)
		err = run(x, argv, envp);
	clean(x);
	kfree(x);
	current->in_execve = 0;
	return err;
}

int kernel_execve(const char *path, const char *const *argv, const char *const *envp)
{
	struct arg_source a = { .kernel = argv }, e = { .kernel = envp };
	struct filename *name;
	int err = getname_kernel(path, &name);

	if (err)
		return err;
	err = do_execve(AT_FDCWD, name, &a, &e, 0);
	putname(name);
	return err;
}

// An address space keeps its program from being written to.
void exe_file_get(struct file *f)
{
	file_get(f);
	(void)!deny_write_access(f);	// it is denied already: cannot fail
}

void exe_file_put(struct file *f)
{
	allow_write_access(f);
	file_put(f);
}
