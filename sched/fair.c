// The fair class: EEVDF. Each task has a virtual time that advances by run time over weight; V is the weighted average of the queued ones.
// A task is eligible while its virtual time is not ahead of V (its lag, what it is owed, is not negative); of the eligible ones the one
// with the earliest virtual deadline runs. I. Stoica, H. Abdel-Wahab, "Earliest Eligible Virtual Deadline First", 1995.
//
// The tree is ordered by deadline; each node knows the smallest virtual time below it, so that subtrees without an eligible task are skipped.
#include "rq.h"

// ns, for one CPU; grows with the number of CPUs (fair_init).
u32 sched_base_slice = 700000;
#define SLICE_MIN 100000u
#define SLICE_MAX 100000000u
#define WEIGHT_IDLE 3
#define WEIGHT_NICE_0 1024
#define POLICY_NORMAL 0
#define POLICY_BATCH 3
#define POLICY_IDLE 5

// Each step of nice is worth about 1.25: ten per cent of a CPU between two tasks.
const u32 sched_nice_weight[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
	1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
	110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
};

// ---- arithmetic -------------------------------------------------------------------------------------------------------

static ALWAYS_INLINE struct task *se_task(const struct sched_entity *se)
{
	return CONTAINER_OF(se, struct task, se);
}

static ALWAYS_INLINE struct sched_entity *se_of(struct rb_node *n)
{
	return rb_entry(n, struct sched_entity, node);
}

static ALWAYS_INLINE bool before(u64 a, u64 b)	// wraps
{
	return (s64)(a - b) < 0;
}

static ALWAYS_INLINE u64 to_virtual(u64 ns, u32 weight)
{
	return likely(weight == WEIGHT_NICE_0) ? ns : ns * WEIGHT_NICE_0 / weight;
}

static ALWAYS_INLINE s64 key(const struct fair_rq *f, u64 vruntime)
{
	return (s64)(vruntime - f->base);
}

// The sums over everything that is queued, the running entity included.
static ALWAYS_INLINE u64 sums(const struct fair_rq *f, s64 *sum)
{
	u64 load = f->load;
	*sum = f->sum;
	if (f->curr) {
		*sum += key(f, f->curr->vruntime) * f->curr->weight;
		load += f->curr->weight;
	}
	return load;
}

// V. Moves the base there, so that the products in the sums stay small.
static u64 average(struct fair_rq *f)
{
	s64 sum;
	u64 load = sums(f, &sum);

	if (load) {
		// Rounds down: an entity at V must be eligible.
		s64 d = sum / (s64)load;
		if (sum < 0 && d * (s64)load != sum)
			d--;
		f->base += d;
		f->sum -= d * (s64)f->load;
	}
	return f->base;
}

// lag >= 0, without a division: sum / load >= key.
static ALWAYS_INLINE bool eligible_at(const struct fair_rq *f, u64 vruntime)
{
	s64 sum;
	u64 load = sums(f, &sum);
	return sum >= key(f, vruntime) * (s64)load;
}

// What an entity is owed; bounded, so that long sleeps and odd weights cannot make it large.
static void update_lag(struct fair_rq *f, struct sched_entity *se)
{
	s64 lag = (s64)(average(f) - se->vruntime);
	s64 limit = to_virtual(MAX(2 * se->slice, (u64)TICK_NSEC), se->weight);

	se->vlag = lag > limit ? limit : lag < -limit ? -limit : lag;
}

// ---- tree -------------------------------------------------------------------------------------------------------------

// Brings a node's two subtree values up to date; true: nothing changed and `exit`.
static ALWAYS_INLINE bool augment(struct sched_entity *se, bool exit)
{
	u64 v = se->vruntime, slice = se->slice;

	for (int i = 0; i < 2; i++) {
		struct rb_node *n = i ? se->node.rb_right : se->node.rb_left;
		if (!n)
			continue;
		if (before(se_of(n)->min_vruntime, v))
			v = se_of(n)->min_vruntime;
		if (se_of(n)->min_slice < slice)
			slice = se_of(n)->min_slice;
	}
	if (exit && se->min_vruntime == v && se->min_slice == slice)
		return true;
	se->min_vruntime = v;
	se->min_slice = slice;
	return false;
}

static void augment_propagate(struct rb_node *n, struct rb_node *stop)
{
	while (n != stop && !augment(se_of(n), true))
		n = rb_parent(n);
}

static void augment_copy(struct rb_node *old, struct rb_node *n)
{
	se_of(n)->min_vruntime = se_of(old)->min_vruntime;
	se_of(n)->min_slice = se_of(old)->min_slice;
}

static void augment_rotate(struct rb_node *old, struct rb_node *n)
{
	augment_copy(old, n);
	augment(se_of(old), false);
}

static const struct rb_augment_callbacks augment_ops = { augment_propagate, augment_copy, augment_rotate };

static void tree_insert(struct fair_rq *f, struct sched_entity *se)
{
	struct rb_node **link = &f->tree.rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	f->sum += key(f, se->vruntime) * se->weight;
	f->load += se->weight;
	se->min_vruntime = se->vruntime;
	se->min_slice = se->slice;
	if (!*link) {	// one waits and one runs: nothing to balance
		se->node = (struct rb_node){ .rb_parent_color = RB_BLACK };
		*link = f->tree.rb_leftmost = &se->node;
		return;
	}
	while (*link) {
		parent = *link;
		struct sched_entity *p = se_of(parent);
		if (before(se->vruntime, p->min_vruntime))
			p->min_vruntime = se->vruntime;
		if (se->slice < p->min_slice)
			p->min_slice = se->slice;
		if (before(se->deadline, p->deadline)) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(&se->node, parent, link);
	rb_insert_augmented_cached(&se->node, &f->tree, leftmost, &augment_ops);
}

static void tree_erase(struct fair_rq *f, struct sched_entity *se)
{
	f->sum -= key(f, se->vruntime) * se->weight;
	f->load -= se->weight;
	if (!f->load) {	// it was the only one
		f->tree = RB_ROOT_CACHED;
		return;
	}
	rb_erase_augmented_cached(&se->node, &f->tree, &augment_ops);
}

// ---- choice -----------------------------------------------------------------------------------------------------------

// The eligible entity with the earliest deadline in the tree. O(log n).
static struct sched_entity *tree_best(struct fair_rq *f)
{
	struct rb_node *n = f->tree.rb_leftmost;

	if (!n || eligible_at(f, se_of(n)->vruntime))
		return n ? se_of(n) : NULL;
	for (n = f->tree.rb_root.rb_node; n;) {
		struct rb_node *left = n->rb_left;
		if (left && eligible_at(f, se_of(left)->min_vruntime))
			n = left;
		else if (eligible_at(f, se_of(n)->vruntime))
			return se_of(n);
		else
			n = n->rb_right;
	}
	return NULL;
}

// Run to parity: the running entity keeps the CPU until its virtual time reaches this point.
static void protect(struct fair_rq *f, struct sched_entity *se)
{
	u64 slice = se->slice;
	struct rb_node *root = f->tree.rb_root.rb_node;

	if (root && se_of(root)->min_slice < slice)
		slice = se_of(root)->min_slice;
	u64 vprot = se->vruntime + to_virtual(slice, se->weight);
	se->vprot = slice == se->slice || before(se->deadline, vprot) ? se->deadline : vprot;
}

static ALWAYS_INLINE bool is_protected(const struct sched_entity *se)
{
	return before(se->vruntime, se->vprot);
}

static struct sched_entity *pick_entity(struct fair_rq *f, bool parity)
{
	struct sched_entity *curr = f->curr;

	if (!f->tree.rb_leftmost)
		return curr;
	if (curr && !eligible_at(f, curr->vruntime))
		curr = NULL;
	if (curr && parity && is_protected(curr) && !curr->delayed)
		return curr;
	struct sched_entity *best = tree_best(f);
	if (!best || (curr && before(curr->deadline, best->deadline)))
		best = curr;
	// Rounding can leave nobody eligible for a moment.
	return best ?: f->curr ?: se_of(f->tree.rb_leftmost);
}

// ---- time passes ------------------------------------------------------------------------------------------------------

// A used up slice gets the next deadline. True: it was used up.
static ALWAYS_INLINE bool update_deadline(struct sched_entity *se)
{
	if (likely(before(se->vruntime, se->deadline)))
		return false;
	if (!se->custom_slice)
		se->slice = READ_ONCE(sched_base_slice);
	se->deadline = se->vruntime + to_virtual(se->slice, se->weight);
	return true;
}

void fair_update_curr(struct rq *rq)
{
	struct sched_entity *se = &rq->curr->se;
	u64 delta = rq->clock - se->exec_start;

	if (unlikely((s64)delta <= 0))
		return;
	se->exec_start = rq->clock;
	se->sum_exec += delta;
	se->vruntime += to_virtual(delta, se->weight);
	update_deadline(se);
}

void fair_tick(struct rq *rq)
{
	struct fair_rq *f = &rq->fair;
	struct sched_entity *se = f->curr;

	average(f);	// keeps the base near, also when nothing sleeps or wakes
	if (se && f->nr_queued > 1 && !is_protected(se))
		resched_curr(rq, sched_lazy_bit);
}

// ---- queue ------------------------------------------------------------------------------------------------------------

static void place(struct fair_rq *f, struct sched_entity *se, u32 flags)
{
	s64 lag = 0;
	u64 v = average(f);

	if (!se->custom_slice)
		se->slice = READ_ONCE(sched_base_slice);
	if (f->nr_queued && se->vlag) {
		// V moves as the entity joins: inflate the lag so that it is right afterwards.
		s64 load = (s64)f->load + (f->curr ? f->curr->weight : 0);
		lag = se->vlag * (load + se->weight) / (load ?: 1);
	}
	se->vruntime = v - lag;
	if (se->rel_deadline) {
		se->deadline += se->vruntime;
		se->rel_deadline = 0;
		return;
	}
	u64 vslice = to_virtual(se->slice, se->weight);
	// A new task starts in the middle of a slice: fork must not buy time.
	se->deadline = se->vruntime + (flags & ENQ_INITIAL ? vslice / 2 : vslice);
}

static void count_running(struct rq *rq, int n) REQUIRES(&rq->lock)
{
	WRITE_ONCE(rq->fair.nr_running, rq->fair.nr_running + n);
	WRITE_ONCE(rq->nr_running, rq->nr_running + n);
	if (n > 0 && rq->nr_running > 1 && !READ_ONCE(sched_overload))
		WRITE_ONCE(sched_overload, 1);
}

// V depends on the running entity's progress.
static ALWAYS_INLINE void refresh_curr(struct rq *rq) REQUIRES(&rq->lock)
{
	if (rq->fair.curr)
		fair_update_curr(rq);
}

void fair_enqueue(struct rq *rq, struct task *t, u32 flags)
{
	struct fair_rq *f = &rq->fair;
	struct sched_entity *se = &t->se;

	refresh_curr(rq);
	place(f, se, flags);
	f->nr_queued++;
	count_running(rq, 1);
	se->on_rq = 1;
	if (rq->curr == t)	// a change of policy or nice: it goes on running
		f->curr = se;
	else
		tree_insert(f, se);
}

// Takes an entity out for good. It may be in the tree, or the running one.
static void remove_entity(struct fair_rq *f, struct sched_entity *se)
{
	if (f->curr == se)
		f->curr = NULL;
	else
		tree_erase(f, se);
	f->nr_queued--;
	se->on_rq = 0;
}

bool fair_dequeue(struct rq *rq, struct task *t, u32 flags)
{
	struct fair_rq *f = &rq->fair;
	struct sched_entity *se = &t->se;

	refresh_curr(rq);
	if (!se->delayed)
		count_running(rq, -1);
	if ((flags & (DEQ_SLEEP | DEQ_NODELAY)) == DEQ_SLEEP && f->nr_queued > 1 && !eligible_at(f, se->vruntime)) {
		se->delayed = 1;	// it has had more than its share: competes on until it is even
		return false;
	}
	update_lag(f, se);
	if (se->delayed) {
		se->delayed = 0;
		if (se->vlag > 0)
			se->vlag = 0;	// nothing is earned by sleeping
	}
	if (!(flags & DEQ_SLEEP)) {	// moves: what is left of its request goes with it
		se->deadline -= se->vruntime;
		se->rel_deadline = 1;
	}
	remove_entity(f, se);
	return true;
}

void fair_undelay(struct rq *rq, struct task *t)
{
	struct fair_rq *f = &rq->fair;
	struct sched_entity *se = &t->se;

	refresh_curr(rq);
	update_lag(f, se);
	if (se->vlag > 0 && f->curr != se) {	// it would be ahead by having waited asleep
		se->vlag = 0;
		tree_erase(f, se);
		f->nr_queued--;
		place(f, se, 0);
		f->nr_queued++;
		tree_insert(f, se);
	}
	se->delayed = 0;
	count_running(rq, 1);
}

struct task *fair_pick(struct rq *rq)
{
	struct fair_rq *f = &rq->fair;

	while (f->nr_queued) {
		struct sched_entity *se = pick_entity(f, true);
		if (likely(!se->delayed)) {
			if (se == f->curr && !is_protected(se))
				protect(f, se);		// goes on with a new request
			return se_task(se);
		}
		struct task *t = se_task(se);
		fair_dequeue(rq, t, DEQ_SLEEP | DEQ_NODELAY);
		store_release(&t->on_rq, 0);	// the last touch: a waker may now own it (docs/sched.md, B)
	}
	return NULL;
}

void fair_put_prev(struct rq *rq, struct task *t)
{
	struct fair_rq *f = &rq->fair;

	if (f->curr != &t->se)
		return;		// asleep
	tree_insert(f, &t->se);
	f->curr = NULL;
}

void fair_set_next(struct rq *rq, struct task *t)
{
	struct fair_rq *f = &rq->fair;

	tree_erase(f, &t->se);
	f->curr = &t->se;
	t->se.exec_start = rq->clock;
	protect(f, &t->se);
}

void fair_wakeup_preempt(struct rq *rq, struct task *t)
{
	struct fair_rq *f = &rq->fair;
	struct task *curr = rq->curr;
	struct sched_entity *se = &t->se, *c = f->curr;

	if (!c || READ_ONCE(curr->work) & (WORK_RESCHED | WORK_RESCHED_LAZY))
		return;
	if (curr->policy == POLICY_IDLE && t->policy != POLICY_IDLE) {
		c->vprot = c->vruntime;
		resched_curr(rq, sched_lazy_bit);
		return;
	}
	if (t->policy != POLICY_NORMAL)		// batch and idle tasks wait for the tick
		return;
	// A short request is served at once: that is what a short slice is for.
	if (se->slice < c->slice && before(se->deadline, c->deadline) && eligible_at(f, se->vruntime))
		c->vprot = c->vruntime;
	if (pick_entity(f, true) == se)
		resched_curr(rq, sched_lazy_bit);
}

void fair_yield(struct rq *rq)
{
	struct sched_entity *se = rq->fair.curr;

	// Gives up the rest of its request, if it was its turn at all.
	if (rq->fair.nr_queued > 1 && eligible_at(&rq->fair, se->vruntime)) {
		se->vruntime = se->deadline;
		update_deadline(se);
	}
	se->vprot = se->vruntime;
}

// ---- parameters -------------------------------------------------------------------------------------------------------

static u32 weight_of(const struct task *t)
{
	if (t->policy == POLICY_IDLE)
		return WEIGHT_IDLE;
	return sched_nice_weight[t->static_prio - MAX_RT_PRIO];
}

// The lag in real time stays: virtual time per real time changes with the weight.
void fair_set_weight(struct rq *rq, struct task *t)
{
	struct sched_entity *se = &t->se;
	u32 w = weight_of(t);

	if (w == se->weight)
		return;
	if (se->on_rq) {
		u8 delayed = se->delayed;
		struct fair_rq *f = &rq->fair;
		refresh_curr(rq);
		update_lag(f, se);
		se->deadline -= se->vruntime;
		bool running = f->curr == se;
		remove_entity(f, se);
		se->deadline = (u64)((s64)se->deadline * se->weight / w);
		se->vlag = se->vlag * se->weight / w;
		se->weight = w;
		se->rel_deadline = 1;
		place(f, se, 0);
		f->nr_queued++;
		se->on_rq = 1;
		se->delayed = delayed;
		if (running) {
			f->curr = se;
			protect(f, se);
		} else {
			tree_insert(f, se);
		}
		return;
	}
	se->vlag = se->vlag * se->weight / w;
	if (se->rel_deadline)
		se->deadline = (u64)((s64)se->deadline * se->weight / w);
	se->weight = w;
}

void fair_set_slice(struct task *t, u64 ns)
{
	t->se.custom_slice = ns != 0;
	t->se.slice = ns ? CLAMP(ns, SLICE_MIN, SLICE_MAX) : READ_ONCE(sched_base_slice);
}

void fair_new_task(struct task *t)
{
	struct sched_entity *se = &t->se;
	u64 slice = se->custom_slice ? se->slice : READ_ONCE(sched_base_slice);
	u8 custom = se->custom_slice;

	*se = (struct sched_entity){ .weight = weight_of(t), .slice = slice, .custom_slice = custom };
	RB_CLEAR_NODE(&se->node);
}

void fair_rq_init(struct fair_rq *f)
{
	*f = (struct fair_rq){ .tree = RB_ROOT_CACHED, .base = (u64)-(1 << 20) };	// wraps early: finds comparisons that do not
}

// The slice grows with 1 + log2(CPUs), up to 8 CPUs.
void fair_init(void)
{
	int cpus = CLAMP(num_online_cpus(), 1, 8), factor = 1;

	while (cpus >>= 1)
		factor++;
	WRITE_ONCE(sched_base_slice, 700000 * factor);
}
