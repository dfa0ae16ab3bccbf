//! The kernel's allocators. C contract: `include/drv/alloc.h`.

use super::{dangling_from_layout, flags::Flags, AllocError, Allocator, NumaNode};
use crate::bindings;
use core::{alloc::Layout, ptr::NonNull};

/// Physically contiguous memory.
pub struct Kmalloc;

/// Virtually contiguous memory, whole pages.
pub struct Vmalloc;

/// [`Kmalloc`] for what is small, else [`Vmalloc`].
pub struct KVmalloc;

fn slice(p: *mut core::ffi::c_void, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
    let p = NonNull::new(p.cast::<u8>()).ok_or(AllocError)?;
    Ok(NonNull::slice_from_raw_parts(p, layout.size()))
}

/// Allocates, copies and frees: the resizing of allocators that cannot do it in place.
///
/// # Safety
///
/// As for [`Allocator::realloc`]; `alloc` gives memory of the layout, `A` frees the old one.
unsafe fn realloc_by_copy<A: Allocator>(
    ptr: Option<NonNull<u8>>,
    layout: Layout,
    old: Layout,
    alloc: impl FnOnce() -> *mut core::ffi::c_void,
) -> Result<NonNull<[u8]>, AllocError> {
    let new = if layout.size() == 0 {
        NonNull::slice_from_raw_parts(dangling_from_layout(layout), 0)
    } else {
        slice(alloc(), layout)?
    };
    if let Some(p) = ptr {
        let n = layout.size().min(old.size());
        // SAFETY: both are live, do not overlap, and are at least n bytes long.
        unsafe { core::ptr::copy_nonoverlapping(p.as_ptr(), new.as_ptr().cast::<u8>(), n) };
        // SAFETY: the caller's promise: live, of A, with this layout.
        unsafe { A::free(p, old) };
    }
    Ok(new)
}

// SAFETY: alloc.h: memory of the size and alignment asked for, the caller's until drv_kfree().
unsafe impl Allocator for Kmalloc {
    const MIN_ALIGN: usize = 8;

    #[inline]
    fn alloc(layout: Layout, flags: Flags, _nid: NumaNode) -> Result<NonNull<[u8]>, AllocError> {
        if layout.size() == 0 {
            return Ok(NonNull::slice_from_raw_parts(
                dangling_from_layout(layout),
                0,
            ));
        }
        // SAFETY: alloc.h: the size is not 0, the alignment is a power of two.
        let p = unsafe { bindings::drv_kmalloc(layout.size(), layout.align(), flags.as_raw()) };
        slice(p, layout)
    }

    unsafe fn realloc(
        ptr: Option<NonNull<u8>>,
        layout: Layout,
        old: Layout,
        flags: Flags,
        nid: NumaNode,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let old_ptr = match ptr {
            Some(p) if old.size() != 0 => p,
            _ => return Self::alloc(layout, flags, nid),
        };
        if layout.size() == 0 {
            // SAFETY: the caller's promise: live, of this allocator, with this layout.
            unsafe { Self::free(old_ptr, old) };
            return Ok(NonNull::slice_from_raw_parts(
                dangling_from_layout(layout),
                0,
            ));
        }
        // SAFETY: alloc.h: old_ptr is from drv_kmalloc with old's size and this alignment; the new size is not 0.
        let p = unsafe {
            bindings::drv_krealloc(
                old_ptr.as_ptr().cast(),
                old.size(),
                layout.size(),
                layout.align(),
                flags.as_raw(),
            )
        };
        slice(p, layout)
    }

    #[inline]
    unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
        if layout.size() != 0 {
            // SAFETY: alloc.h: a live allocation of drv_kmalloc, by the caller's promise.
            unsafe { bindings::drv_kfree(ptr.as_ptr().cast()) }
        }
    }
}

macro_rules! by_copy {
    ($ty:ident, $alloc:ident, $free:ident, $min:literal) => {
        // SAFETY: alloc.h: memory of the size and alignment asked for, the caller's until it is freed.
        unsafe impl Allocator for $ty {
            const MIN_ALIGN: usize = $min;

            unsafe fn realloc(
                ptr: Option<NonNull<u8>>,
                layout: Layout,
                old: Layout,
                flags: Flags,
                _nid: NumaNode,
            ) -> Result<NonNull<[u8]>, AllocError> {
                // SAFETY: the caller's promise; alloc.h: the closure runs for sizes other than 0 only.
                unsafe {
                    realloc_by_copy::<Self>(ptr, layout, old, || {
                        bindings::$alloc(layout.size(), layout.align(), flags.as_raw())
                    })
                }
            }

            unsafe fn free(ptr: NonNull<u8>, layout: Layout) {
                if layout.size() != 0 {
                    // SAFETY: alloc.h: a live allocation of the same allocator, by the caller's promise.
                    unsafe { bindings::$free(ptr.as_ptr().cast()) }
                }
            }
        }
    };
}
by_copy!(Vmalloc, drv_vmalloc, drv_vfree, 4096);
by_copy!(KVmalloc, drv_kvmalloc, drv_kvfree, 8);
