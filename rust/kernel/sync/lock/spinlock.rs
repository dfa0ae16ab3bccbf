//! [`SpinLock`].

use super::{Backend, Guard, Lock};
use crate::{bindings, str::CStrExt, sync::LockClassKey};

/// A lock held for a few instructions; its holder does not sleep.
///
/// ```
/// use kernel::{prelude::*, sync::{new_spinlock, SpinLock}};
/// #[pin_data]
/// struct Counter {
///     #[pin]
///     n: SpinLock<u32>,
/// }
/// let c = KBox::pin_init(pin_init!(Counter { n <- new_spinlock!(5) }), GFP_KERNEL)?;
/// *c.n.lock() += 1;
/// assert_eq!(*c.n.lock(), 6);
/// # Ok::<(), Error>(())
/// ```
pub type SpinLock<T> = Lock<T, SpinLockBackend>;

/// Holds a [`SpinLock`].
pub type SpinLockGuard<'a, T> = Guard<'a, T, SpinLockBackend>;

/// An initialiser of a [`SpinLock`], in a lock class of this place in the source: `new_spinlock!(data)`, `new_spinlock!(data, "name")`.
#[macro_export]
macro_rules! new_spinlock {
    ($inner:expr $(, $name:literal)? $(,)?) => {
        $crate::sync::SpinLock::new($inner, $crate::optional_name!($($name)?), $crate::static_lock_class!())
    };
}
pub use new_spinlock;

/// How [`SpinLock`] works.
pub struct SpinLockBackend;

// SAFETY: lock.h: exclusive between lock and unlock.
unsafe impl Backend for SpinLockBackend {
    type State = bindings::drv_spinlock;
    type GuardState = ();

    #[inline]
    unsafe fn init(
        ptr: *mut Self::State,
        name: &'static core::ffi::CStr,
        key: &'static LockClassKey,
    ) {
        // SAFETY: lock.h: the room is writable and stays where it is; name and class are static.
        unsafe { bindings::drv_spin_init(ptr, name.as_char_ptr(), key.as_ptr()) }
    }
    #[inline]
    unsafe fn lock(ptr: *mut Self::State) {
        // SAFETY: lock.h: it was made, by the caller's promise.
        unsafe { bindings::drv_spin_lock(ptr) }
    }
    #[inline]
    unsafe fn try_lock(ptr: *mut Self::State) -> Option<()> {
        // SAFETY: lock.h: it was made, by the caller's promise.
        unsafe { bindings::drv_spin_trylock(ptr) }.then_some(())
    }
    #[inline]
    unsafe fn unlock(ptr: *mut Self::State, (): &()) {
        // SAFETY: lock.h: the caller holds it.
        unsafe { bindings::drv_spin_unlock(ptr) }
    }
    #[inline]
    unsafe fn assert_is_held(ptr: *mut Self::State) {
        if cfg!(CONFIG_LOCKCHECK) {
            // SAFETY: lock.h: it was made, by the caller's promise.
            unsafe { bindings::drv_spin_assert_held(ptr) }
        }
    }
}
