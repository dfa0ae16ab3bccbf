//! Saturating reference counts, native. C contract: `include/drv/ref.h`.

use crate::bindings;
use core::sync::atomic::{fence, AtomicI32, Ordering};

/// A count of references. One that overflows, or is taken from zero, saturates and is reported: its object leaks.
#[repr(transparent)]
pub struct Refcount(AtomicI32);

const _: () = assert!(
    core::mem::size_of::<Refcount>() == core::mem::size_of::<bindings::drv_ref>()
        && core::mem::align_of::<Refcount>() == core::mem::align_of::<bindings::drv_ref>()
);

impl Refcount {
    /// A count of `n`.
    #[inline]
    pub const fn new(n: i32) -> Self {
        Refcount(AtomicI32::new(n))
    }

    /// The count, of use for reports only.
    pub fn read(&self) -> i32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets it.
    #[inline]
    pub fn set(&self, n: i32) {
        self.0.store(n, Ordering::Relaxed);
    }

    /// Takes one more reference; the caller owns one already.
    #[inline]
    pub fn inc(&self) {
        // Relaxed: who has a reference to copy has seen the object.
        if self.0.fetch_add(1, Ordering::Relaxed) <= 0 {
            self.report();
        }
    }

    /// Gives a reference back.
    pub fn dec(&self) {
        if self.0.fetch_sub(1, Ordering::Release) <= 1 {
            self.report();
        }
    }

    /// Gives a reference back; true if it was the last, and then all earlier uses happen before.
    #[inline]
    #[must_use = "if it was the last, the object must be destroyed"]
    pub fn dec_and_test(&self) -> bool {
        let old = self.0.fetch_sub(1, Ordering::Release);
        if old == 1 {
            // Pairs with the Release of all others' fetch_sub.
            fence(Ordering::Acquire);
            return true;
        }
        if old <= 0 {
            self.report();
        }
        false
    }

    #[cold]
    fn report(&self) {
        self.0.store(bindings::DRV_REF_SATURATED, Ordering::Relaxed);
        // SAFETY: ref.h: any count of this layout.
        unsafe { bindings::drv_ref_report(core::ptr::from_ref(self).cast_mut().cast()) }
    }
}
