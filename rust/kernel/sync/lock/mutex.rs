//! [`Mutex`].

use super::{Backend, Guard, Lock};
use crate::{bindings, str::CStrExt, sync::LockClassKey};

/// A lock whose holder may sleep.
///
/// ```
/// use kernel::{prelude::*, sync::{new_mutex, Mutex}};
/// #[pin_data]
/// struct Counter {
///     #[pin]
///     n: Mutex<u32>,
/// }
/// let c = KBox::pin_init(pin_init!(Counter { n <- new_mutex!(5) }), GFP_KERNEL)?;
/// *c.n.lock() += 1;
/// assert_eq!(*c.n.lock(), 6);
/// # Ok::<(), Error>(())
/// ```
pub type Mutex<T> = Lock<T, MutexBackend>;

/// Holds a [`Mutex`].
pub type MutexGuard<'a, T> = Guard<'a, T, MutexBackend>;

/// An initialiser of a [`Mutex`], in a lock class of this place in the source: `new_mutex!(data)`, `new_mutex!(data, "name")`.
#[macro_export]
macro_rules! new_mutex {
    ($inner:expr $(, $name:literal)? $(,)?) => {
        $crate::sync::Mutex::new($inner, $crate::optional_name!($($name)?), $crate::static_lock_class!())
    };
}
pub use new_mutex;

/// How [`Mutex`] works.
pub struct MutexBackend;

// SAFETY: lock.h: exclusive between lock and unlock.
unsafe impl Backend for MutexBackend {
    type State = bindings::drv_mutex;
    type GuardState = ();

    #[inline]
    unsafe fn init(
        ptr: *mut Self::State,
        name: &'static core::ffi::CStr,
        key: &'static LockClassKey,
    ) {
        // SAFETY: lock.h: the room is writable and stays where it is; name and class are static.
        unsafe { bindings::drv_mutex_init(ptr, name.as_char_ptr(), key.as_ptr()) }
    }
    #[inline]
    unsafe fn lock(ptr: *mut Self::State) {
        // SAFETY: lock.h: it was made, by the caller's promise.
        unsafe { bindings::drv_mutex_lock(ptr) }
    }
    #[inline]
    unsafe fn try_lock(ptr: *mut Self::State) -> Option<()> {
        // SAFETY: lock.h: it was made, by the caller's promise.
        unsafe { bindings::drv_mutex_trylock(ptr) }.then_some(())
    }
    #[inline]
    unsafe fn unlock(ptr: *mut Self::State, (): &()) {
        // SAFETY: lock.h: the caller holds it.
        unsafe { bindings::drv_mutex_unlock(ptr) }
    }
    #[inline]
    unsafe fn assert_is_held(ptr: *mut Self::State) {
        if cfg!(CONFIG_LOCKCHECK) {
            // SAFETY: lock.h: it was made, by the caller's promise.
            unsafe { bindings::drv_mutex_assert_held(ptr) }
        }
    }
}
