//! Memory. Every allocation says how ([`Flags`]) and may fail.

pub mod allocator;
pub mod kbox;
pub mod kvec;

pub use self::{
    allocator::{KVmalloc, Kmalloc, Vmalloc},
    kbox::{Box, KBox, KVBox, VBox},
    kvec::{IntoIter, KVVec, KVec, VVec, Vec},
};

use core::{alloc::Layout, ptr::NonNull};
use flags::Flags;

/// There is no memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AllocError;

/// Allocation flags.
pub mod flags {
    use crate::bindings;
    use core::ops::{BitAnd, BitOr, Not};

    /// How to allocate: one of `GFP_KERNEL`, `GFP_ATOMIC`, `GFP_NOWAIT`, and what else is wanted.
    ///
    /// The value is C's, but for the sense of one bit: in C memory is zeroed unless GFP_UNINIT, here only by `__GFP_ZERO`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Flags(u32);

    impl Flags {
        /// The value for C.
        #[inline]
        pub(crate) fn as_raw(self) -> u32 {
            self.0 ^ bindings::DRV_GFP_UNINIT
        }

        /// Whether all of `flags` are set.
        pub fn contains(self, flags: Flags) -> bool {
            self & flags == flags
        }
    }

    impl BitOr for Flags {
        type Output = Self;
        fn bitor(self, rhs: Self) -> Self {
            Flags(self.0 | rhs.0)
        }
    }
    impl BitAnd for Flags {
        type Output = Self;
        fn bitand(self, rhs: Self) -> Self {
            Flags(self.0 & rhs.0)
        }
    }
    impl Not for Flags {
        type Output = Self;
        fn not(self) -> Self {
            Flags(!self.0)
        }
    }

    /// Ordinary: may sleep and reclaim.
    pub const GFP_KERNEL: Flags = Flags(bindings::DRV_GFP_KERNEL);
    /// As `GFP_KERNEL`, charged to the task's memory cgroup.
    pub const GFP_KERNEL_ACCOUNT: Flags =
        Flags(bindings::DRV_GFP_KERNEL | bindings::DRV_GFP_ACCOUNT);
    /// Does not sleep; may use the reserve.
    pub const GFP_ATOMIC: Flags = Flags(bindings::DRV_GFP_ATOMIC);
    /// Does not sleep.
    pub const GFP_NOWAIT: Flags = Flags(bindings::DRV_GFP_NOWAIT);
    /// Memory comes zeroed.
    pub const __GFP_ZERO: Flags = Flags(bindings::DRV_GFP_UNINIT);
    /// Accepted for Linux's sake: all memory is mapped.
    pub const __GFP_HIGHMEM: Flags = Flags(0);
    /// A failure is not logged.
    pub const __GFP_NOWARN: Flags = Flags(bindings::DRV_GFP_NOWARN);
}

/// A NUMA node, or none in particular. There is one node: the value is accepted and means nothing yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NumaNode(i32);

impl NumaNode {
    /// No preference.
    pub const NO_NODE: NumaNode = NumaNode(-1);

    /// A node by number; `EINVAL` if it is negative.
    pub fn new(node: i32) -> crate::error::Result<Self> {
        if node < 0 {
            return Err(crate::error::code::EINVAL);
        }
        Ok(NumaNode(node))
    }
}

/// A source of memory.
///
/// # Safety
///
/// Memory that was allocated stays valid until it is freed, and belongs to nobody else; it is at least as large and as
/// aligned as the layout says.
pub unsafe trait Allocator {
    /// What all allocations are aligned to at least.
    const MIN_ALIGN: usize;

    /// Allocates. A size of 0 gives a dangling pointer.
    fn alloc(layout: Layout, flags: Flags, nid: NumaNode) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: there is no old allocation.
        unsafe { Self::realloc(None, layout, Layout::new::<()>(), flags, nid) }
    }

    /// Changes an allocation's size: grows, shrinks, allocates (`ptr` is None) or frees (`layout` has size 0).
    /// The first bytes stay as they are. On an error the old allocation stays.
    ///
    /// # Safety
    ///
    /// `ptr`, if any, is a live allocation of this allocator with `old_layout`; `layout` has the same alignment.
    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old_layout: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError>;

    /// Frees.
    ///
    /// # Safety
    ///
    /// `ptr` is a live allocation of this allocator with `layout`, and is not used afterwards.
    unsafe fn free(ptr: NonNull<u8>, layout: Layout);
}

/// The pointer that stands for an allocation of size 0.
pub(crate) fn dangling_from_layout(layout: Layout) -> NonNull<u8> {
    // SAFETY: an alignment is never 0.
    unsafe { NonNull::new_unchecked(core::ptr::without_provenance_mut(layout.align())) }
}
