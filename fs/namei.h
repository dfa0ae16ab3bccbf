// fs/namei.h - a path walk in progress. For fs/namei*.c only. docs/fs.md, "The walk".
#pragma once
#include "fs/fs_internal.h"

#define MAX_SYMLINKS 40
#define NAME_MAX_LEN 255

enum last_type { LAST_NORM, LAST_ROOT, LAST_DOT, LAST_DOTDOT };

struct link_body {
	const char *rest;		// of the name that had the link in it
	void (*done)(void *arg);	// gives the link's text back; null: stays under RCU
	void *arg;
};

struct nameidata {
	struct path path;		// where we are: counted, or (LOOKUP_RCU) watched by seq
	struct inode *inode;
	u32 seq;			// of path.dentry
	u32 m_seq;			// of mount_lock
	u32 flags;			// LOOKUP_*
	int last_type;
	struct qstr last;		// last component; last.name[last.len] is '/' or NUL
	struct path root;		// mnt null: not looked up yet
	bool root_given;		// by LOOKUP_IN_ROOT or LOOKUP_BENEATH
	u32 root_seq, move_seq;
	int depth, total_links;
	const char *link;		// the text to walk next
	struct filename *name;
	int dfd;
	struct link_body stack[MAX_SYMLINKS];
};

void nd_start(struct nameidata *nd, int dfd, struct filename *name, u32 flags);
void nd_end(struct nameidata *nd);	// gives everything back
// Walks to the last component's parent. 0: nd->last and nd->last_type are set. -ECHILD: again with references.
MUST_CHECK int nd_walk_parent(struct nameidata *nd);
// Continues with nd->link, the text of a trailing link.
MUST_CHECK int nd_walk_link(struct nameidata *nd);
#define WALK_TRAILING 1		// last component of all
#define WALK_MORE 2		// more components follow in the same text
// Steps into nd->last. 1: it is a link to follow, text in nd->link.
MUST_CHECK int nd_step_last(struct nameidata *nd, int how);
// The step after the entry is found. RCU: seq is d's. Else consumes a reference of d.
MUST_CHECK int nd_step_into(struct nameidata *nd, struct dentry *d, u32 seq, int how);
MUST_CHECK int nd_leave_rcu(struct nameidata *nd);	// takes references. -ECHILD
MUST_CHECK int nd_complete(struct nameidata *nd);	// the walk has ended: references, scope
// Lookup of a name in a directory whose rwsem is held. *out counted, perhaps negative.
MUST_CHECK int lookup_locked(struct dentry *parent, const struct qstr *name, u32 flags, struct dentry **out);
// The parent of a name, counted; nd is ended. *last points into name.
MUST_CHECK int parent_lookup(int dfd, struct filename *name, u32 flags, struct path *parent, struct qstr *last, int *type);
