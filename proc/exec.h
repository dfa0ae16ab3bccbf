// proc/exec.h - running programs. man 2 execve. Code: exec.c (the program's start), exec_args.c (strings), exec_elf.c (ELF), exec_cred.c, exec_thread.c.
#pragma once
#include "lib/compiler.h"
#include "lib/elf.h"
#include "lib/types.h"

struct cred;
struct file;
struct filename;
struct mm;

// Strings of the new program: pointers to user memory, or kernel strings (init's, and what #! lines put before).
struct arg_source {
	uptr user;
	const char *const *kernel;	// null-terminated; used when not null
};
int do_execve(int dfd, struct filename *name, const struct arg_source *argv, const struct arg_source *envp, int flags);
// Context: a kernel thread made by kernel_thread(), which then returns 0 to enter the program. 0 or -errno.
int kernel_execve(const char *path, const char *const *argv, const char *const *envp);

// ---- between exec's files ----
#define EXEC_HEAD 256		// of the file, as Linux's BINPRM_BUF_SIZE
#define EXEC_SCRIPTS_MAX 5

struct exec_arg {
	u64 src;		// user address or kernel pointer
	u32 len;		// with NUL
	bool kernel;
};
struct exec_image {		// an ELF file, checked
	struct file *file;
	struct elf_header h;
	struct elf_phdr *ph;
	struct elf_layout layout;
	u64 bias;		// of its addresses in memory
};
struct exec {
	struct image_places { u64 start_code, end_code, start_data, end_data, brk; } at;
	const char *path;	// AT_EXECFN; borrowed or fd_path
	char *fd_path;		// "/dev/fd/..." of execveat, owned
	bool comm_from_file;	// path is a descriptor: the name comes from the file
	bool path_is_cloexec;	// ... that a script's interpreter could not open
	char head[EXEC_HEAD];
	struct exec_image prog, interp;		// interp.file null: static
	char *scripts[EXEC_SCRIPTS_MAX + 1];	// what #! lines said, for the arguments to point into; owned
	int nr_scripts;
	struct exec_arg *args;	// argc, then envc of them
	size_t argc, envc, room;	// room: slots of args before the first one in use
	u64 bytes;		// of all strings, path included
	u64 limit;
	struct fs_context *fs;		// whose in_exec we have raised
	struct cred *cred;
	bool secure;		// AT_SECURE
	bool unreadable;	// the file may not be read by who runs it
	u32 per_clear;
	struct mm *mm;		// the new one; null once installed
	u64 stack_top, strings;	// strings: lowest address of them
};
// exec_args.c
MUST_CHECK int exec_args_measure(struct exec *x, const struct arg_source *argv, const struct arg_source *envp);
// Replaces argv[0] by what a #! line says. interp, arg (may be null), path: kernel strings that live as long as x.
MUST_CHECK int exec_args_script(struct exec *x, const char *interp, const char *arg, const char *path);
MUST_CHECK int exec_args_copy(struct exec *x);		// to x->mm's stack
MUST_CHECK int exec_stack_finish(struct exec *x, u64 *sp);	// pointers, auxiliary vector: x->mm is installed
void exec_args_free(struct exec *x);
// exec_elf.c
MUST_CHECK int exec_elf_check(struct exec *x);		// x->prog.file; opens the interpreter
MUST_CHECK int exec_elf_map(struct exec *x, u64 *entry);	// into current->mm
void exec_image_free(struct exec_image *i);
MUST_CHECK int exec_open(const char *path, struct file **out);
// exec_cred.c
MUST_CHECK int exec_creds_compute(struct exec *x);
// Who may look into the new program's memory. Before it is installed.
void exec_protect_mm(struct exec *x, struct mm *mm);
void exec_creds_commit(struct exec *x);
// Lets others share our root and current directory again. On success and failure.
void exec_creds_done(struct exec *x);
// exec_thread.c
MUST_CHECK int exec_de_thread(void);
