// mm/gfp.h - allocation flags; names and meanings are Rust-for-Linux's. Any allocation may fail, order 0 included.
#pragma once
#include "lib/types.h"

typedef u32 gfp_t;

#define GFP_RECLAIM_DIRECT 0x1u		// may sleep and reclaim
#define GFP_RECLAIM_KSWAPD 0x2u		// wakes background reclaim
#define GFP_HIGH 0x4u			// may dip into the atomic reserve
#define GFP_IO_OK 0x8u
#define GFP_FS_OK 0x10u
#define GFP_UNINIT 0x20u		// contents undefined; without it memory is zeroed
#define GFP_NOWARN 0x40u
#define GFP_ACCOUNT_ 0x80u		// charge the memory cgroup
#define GFP_NORETRY 0x100u
#define GFP_NOFAIL_RESERVE 0x200u	// PF_MEMALLOC-like: use the reserves
#define GFP_MOVABLE 0x400u
#define GFP_DMA32 0x800u		// below 4 GiB
#define GFP_COMP 0x1000u

#define GFP_KERNEL (GFP_RECLAIM_DIRECT | GFP_RECLAIM_KSWAPD | GFP_IO_OK | GFP_FS_OK)
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | GFP_ACCOUNT_)
#define GFP_NOIO (GFP_RECLAIM_DIRECT | GFP_RECLAIM_KSWAPD)
#define GFP_NOFS (GFP_NOIO | GFP_IO_OK)
#define GFP_ATOMIC (GFP_HIGH | GFP_RECLAIM_KSWAPD)
#define GFP_NOWAIT (GFP_RECLAIM_KSWAPD | GFP_NOWARN)
#define GFP_USER (GFP_KERNEL | GFP_ACCOUNT_ | GFP_MOVABLE)

// Scopes on the task: allocations inside behave as GFP_NOIO / GFP_NOFS. Return what the matching _restore wants.
u32 memalloc_noio_save(void);
void memalloc_noio_restore(u32 flags);
u32 memalloc_nofs_save(void);
void memalloc_nofs_restore(u32 flags);
