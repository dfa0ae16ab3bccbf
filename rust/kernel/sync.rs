//! Synchronisation.

pub mod arc;
pub mod aref;
pub mod completion;
pub mod condvar;
pub mod lock;
pub mod refcount;

pub use self::{
    arc::{Arc, ArcBorrow, UniqueArc},
    completion::Completion,
    condvar::{new_condvar, CondVar, CondVarTimeoutResult},
    lock::{
        mutex::{new_mutex, Mutex, MutexGuard},
        spinlock::{new_spinlock, SpinLock, SpinLockGuard},
    },
    refcount::Refcount,
};

use crate::{bindings, types::Opaque};

/// What makes all locks of one place in the source one class, for the lock checker.
#[repr(transparent)]
pub struct LockClassKey(Opaque<bindings::drv_lock_class>);

// SAFETY: lock.h: the checker alone writes it, and synchronises itself.
unsafe impl Sync for LockClassKey {}

impl LockClassKey {
    /// For [`static_lock_class!`] alone: a class lives for ever.
    #[doc(hidden)]
    pub const fn __new() -> Self {
        LockClassKey(Opaque::zeroed())
    }

    pub(crate) fn as_ptr(&'static self) -> *mut bindings::drv_lock_class {
        self.0.get()
    }
}

/// A static [`LockClassKey`] of this place in the source.
#[macro_export]
macro_rules! static_lock_class {
    () => {{
        static CLASS: $crate::sync::LockClassKey = $crate::sync::LockClassKey::__new();
        &CLASS
    }};
}

/// The name given, or that of the place in the source.
#[doc(hidden)]
#[macro_export]
macro_rules! optional_name {
    () => {
        $crate::c_str!(::core::concat!(::core::file!(), ":", ::core::line!()))
    };
    ($name:literal) => {
        $crate::c_str!($name)
    };
}
