//! Locks that own what they guard. C contract: `include/drv/lock.h`.

use super::LockClassKey;
use crate::types::{NotThreadSafe, Opaque};
use core::{
    cell::UnsafeCell,
    marker::PhantomPinned,
    ops::{Deref, DerefMut},
    pin::Pin,
};
use pin_init::{pin_data, pin_init, PinInit};

pub mod mutex;
pub mod spinlock;

/// How a kind of lock works.
///
/// # Safety
///
/// Between `lock` and `unlock` nobody else holds the lock.
pub unsafe trait Backend {
    /// What C keeps.
    type State;
    /// What is kept while the lock is held.
    type GuardState;

    /// Makes the lock.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for writes, and does not move while the lock is used.
    unsafe fn init(
        ptr: *mut Self::State,
        name: &'static core::ffi::CStr,
        key: &'static LockClassKey,
    );

    /// Takes it.
    ///
    /// # Safety
    ///
    /// It was made.
    unsafe fn lock(ptr: *mut Self::State) -> Self::GuardState;

    /// Takes it if it is free.
    ///
    /// # Safety
    ///
    /// It was made.
    unsafe fn try_lock(ptr: *mut Self::State) -> Option<Self::GuardState>;

    /// Gives it back.
    ///
    /// # Safety
    ///
    /// The caller holds it.
    unsafe fn unlock(ptr: *mut Self::State, guard_state: &Self::GuardState);

    /// Takes it again after `unlock`.
    ///
    /// # Safety
    ///
    /// `guard_state` is from an earlier `lock` that was undone by `unlock`.
    unsafe fn relock(ptr: *mut Self::State, guard_state: &mut Self::GuardState) {
        // SAFETY: it was made.
        *guard_state = unsafe { Self::lock(ptr) };
    }

    /// Claims that the caller holds it.
    ///
    /// # Safety
    ///
    /// It was made.
    unsafe fn assert_is_held(ptr: *mut Self::State);
}

/// A lock and what it guards.
#[repr(C)]
#[pin_data]
pub struct Lock<T: ?Sized, B: Backend> {
    #[pin]
    state: Opaque<B::State>,
    #[pin]
    _pin: PhantomPinned,
    #[pin]
    pub(crate) data: UnsafeCell<T>,
}

// SAFETY: the data moves with it.
unsafe impl<T: ?Sized + Send, B: Backend> Send for Lock<T, B> {}
// SAFETY: one at a time has the data.
unsafe impl<T: ?Sized + Send, B: Backend> Sync for Lock<T, B> {}

impl<T, B: Backend> Lock<T, B> {
    /// A new lock. `new_mutex!` and `new_spinlock!` give name and class.
    pub fn new(
        t: impl PinInit<T>,
        name: &'static core::ffi::CStr,
        key: &'static LockClassKey,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            data <- cell_init(t),
            _pin: PhantomPinned,
            // SAFETY: lock.h: the slot is writable and pinned; name and key are static.
            state <- Opaque::ffi_init(|slot| unsafe { B::init(slot, name, key) }),
        })
    }
}

/// Initialises what is in an [`UnsafeCell`].
fn cell_init<T, E>(init: impl PinInit<T, E>) -> impl PinInit<UnsafeCell<T>, E> {
    // SAFETY: UnsafeCell is transparent.
    unsafe {
        pin_init::pin_init_from_closure(move |slot: *mut UnsafeCell<T>| {
            init.__pinned_init(slot.cast::<T>())
        })
    }
}

impl<T: ?Sized, B: Backend> Lock<T, B> {
    /// Takes the lock.
    #[inline]
    pub fn lock(&self) -> Guard<'_, T, B> {
        // SAFETY: new() made it.
        let state = unsafe { B::lock(self.state.get()) };
        // SAFETY: held.
        unsafe { Guard::new(self, state) }
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_, T, B>> {
        // SAFETY: new() made it; held if there is a state.
        unsafe { B::try_lock(self.state.get()).map(|s| Guard::new(self, s)) }
    }
}

/// Holds a lock; gives it back when dropped.
#[must_use = "the lock is given back at once when the guard is not kept"]
pub struct Guard<'a, T: ?Sized, B: Backend> {
    pub(crate) lock: &'a Lock<T, B>,
    pub(crate) state: B::GuardState,
    _not_send: NotThreadSafe,
}

// SAFETY: a shared guard gives out &T only.
unsafe impl<T: ?Sized + Sync, B: Backend> Sync for Guard<'_, T, B> {}

impl<'a, T: ?Sized, B: Backend> Guard<'a, T, B> {
    /// # Safety
    ///
    /// The caller holds the lock and leaves it to the guard.
    #[inline]
    pub unsafe fn new(lock: &'a Lock<T, B>, state: B::GuardState) -> Self {
        // SAFETY: new() made the lock.
        unsafe { B::assert_is_held(lock.state.get()) };
        Guard {
            lock,
            state,
            _not_send: NotThreadSafe,
        }
    }

    /// The lock.
    pub fn lock_ref(&self) -> &'a Lock<T, B> {
        self.lock
    }

    /// The data, pinned as the lock is.
    pub fn as_mut(&mut self) -> Pin<&mut T> {
        // SAFETY: held, so that nobody else looks at it; a Lock pins its data.
        unsafe { Pin::new_unchecked(&mut *self.lock.data.get()) }
    }

    /// Gives the lock back while `f` runs.
    pub(crate) fn do_unlocked<U>(&mut self, f: impl FnOnce() -> U) -> U {
        // SAFETY: held.
        unsafe { B::unlock(self.lock.state.get(), &self.state) };
        // Taken again also if f unwinds, as it may in host tests.
        let _relock = crate::types::ScopeGuard::new(|| {
            // SAFETY: given back above.
            unsafe { B::relock(self.lock.state.get(), &mut self.state) }
        });
        f()
    }
}

impl<T: ?Sized, B: Backend> Deref for Guard<'_, T, B> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: held.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T: ?Sized + Unpin, B: Backend> DerefMut for Guard<'_, T, B> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: held.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T: ?Sized, B: Backend> Drop for Guard<'_, T, B> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: held, and not afterwards.
        unsafe { B::unlock(self.lock.state.get(), &self.state) };
    }
}
