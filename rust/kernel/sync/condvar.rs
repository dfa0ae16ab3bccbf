//! [`CondVar`]. C contract: `include/drv/wait.h`.

use super::{
    lock::{Backend, Guard},
    LockClassKey,
};
use crate::{bindings, str::CStrExt, types::Opaque};
use core::marker::PhantomPinned;
use pin_init::{pin_data, pin_init, PinInit};

/// Waits for a condition that a lock guards.
#[pin_data]
pub struct CondVar {
    #[pin]
    pub(crate) wait_queue: Opaque<bindings::drv_waitq>,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: wait.h: a queue has its own lock.
unsafe impl Send for CondVar {}
// SAFETY: wait.h: a queue has its own lock.
unsafe impl Sync for CondVar {}

/// How a wait with a timeout ended. Times are in nanoseconds.
pub enum CondVarTimeoutResult {
    /// The time ran out.
    Timeout,
    /// Woken.
    Woken {
        /// What was left of it.
        remaining_ns: i64,
    },
    /// A signal came.
    Signal {
        /// What was left of it.
        remaining_ns: i64,
    },
}

/// An initialiser of a [`CondVar`]: `new_condvar!()`, `new_condvar!("name")`.
#[macro_export]
macro_rules! new_condvar {
    ($($name:literal)?) => {
        $crate::sync::CondVar::new($crate::optional_name!($($name)?), $crate::static_lock_class!())
    };
}
pub use new_condvar;

impl CondVar {
    /// A new one; `new_condvar!` gives name and class.
    pub fn new(name: &'static core::ffi::CStr, key: &'static LockClassKey) -> impl PinInit<Self> {
        pin_init!(Self {
            _pin: PhantomPinned,
            wait_queue <- Opaque::ffi_init(|slot| {
                // SAFETY: wait.h: the slot is writable and pinned; name and class are static.
                unsafe { bindings::drv_waitq_init(slot, name.as_char_ptr(), key.as_ptr()) }
            }),
        })
    }

    fn wait_internal<T: ?Sized, B: Backend>(
        &self,
        state: u32,
        guard: &mut Guard<'_, T, B>,
        ns: i64,
    ) -> i64 {
        let entry = Opaque::<bindings::drv_wait_entry>::uninit();
        // SAFETY: wait.h: made by new(); entry stays here until drv_wait_finish() below.
        unsafe { bindings::drv_wait_prepare(self.wait_queue.get(), entry.get(), state, true) };
        // SAFETY: wait.h: between prepare and finish.
        let left = guard.do_unlocked(|| unsafe { bindings::drv_wait_sleep(ns) });
        // SAFETY: wait.h: prepared above, on this queue.
        unsafe { bindings::drv_wait_finish(self.wait_queue.get(), entry.get()) };
        left
    }

    /// Gives the lock back and sleeps until woken; then takes it again. May return without a reason: test the condition.
    pub fn wait<T: ?Sized, B: Backend>(&self, guard: &mut Guard<'_, T, B>) {
        self.wait_internal(
            bindings::DRV_TASK_UNINTERRUPTIBLE,
            guard,
            bindings::DRV_WAIT_FOREVER as i64,
        );
    }

    /// [`CondVar::wait`] that a signal ends too; true if one is pending.
    #[must_use = "a pending signal must end the system call"]
    pub fn wait_interruptible<T: ?Sized, B: Backend>(&self, guard: &mut Guard<'_, T, B>) -> bool {
        self.wait_internal(
            bindings::DRV_TASK_INTERRUPTIBLE,
            guard,
            bindings::DRV_WAIT_FOREVER as i64,
        );
        crate::current!().signal_pending()
    }

    /// [`CondVar::wait_interruptible`] for at most `ns`.
    #[must_use = "a pending signal must end the system call"]
    pub fn wait_interruptible_timeout<T: ?Sized, B: Backend>(
        &self,
        guard: &mut Guard<'_, T, B>,
        ns: i64,
    ) -> CondVarTimeoutResult {
        let remaining_ns = self.wait_internal(bindings::DRV_TASK_INTERRUPTIBLE, guard, ns);
        match (remaining_ns, crate::current!().signal_pending()) {
            (_, true) => CondVarTimeoutResult::Signal { remaining_ns },
            (0, false) => CondVarTimeoutResult::Timeout,
            (_, false) => CondVarTimeoutResult::Woken { remaining_ns },
        }
    }

    fn wake(&self, n: u32) {
        // SAFETY: wait.h: made by new().
        unsafe { bindings::drv_wake(self.wait_queue.get(), n) }
    }

    /// Wakes one sleeper.
    pub fn notify_one(&self) {
        self.wake(1);
    }

    /// Wakes all sleepers.
    pub fn notify_all(&self) {
        self.wake(bindings::DRV_WAKE_ALL);
    }

    /// Wakes one sleeper; the caller is about to sleep itself.
    pub fn notify_sync(&self) {
        self.wake(1);
    }
}
