//! One read or write of a file.

use crate::{bindings, types::ForeignOwnable};
use core::{marker::PhantomData, ptr::NonNull};

/// A read or write under way, of a file whose private data is a `T`.
///
/// # Invariants
///
/// `inner` is valid for `'a`, this the only user; `private` is a live `T` of [`ForeignOwnable::into_foreign`].
pub struct Kiocb<'a, T> {
    inner: NonNull<bindings::kiocb>,
    private: *mut crate::ffi::c_void,
    _p: PhantomData<&'a T>,
}

impl<'a, T: ForeignOwnable> Kiocb<'a, T> {
    /// From C's.
    ///
    /// # Safety
    ///
    /// As the type's invariants say.
    pub(crate) unsafe fn from_raw(
        kiocb: *mut bindings::kiocb,
        private: *mut crate::ffi::c_void,
    ) -> Self {
        Kiocb {
            // SAFETY: valid, so not null.
            inner: unsafe { NonNull::new_unchecked(kiocb) },
            private,
            _p: PhantomData,
        }
    }

    /// For C.
    pub fn as_raw(&self) -> *mut bindings::kiocb {
        self.inner.as_ptr()
    }

    /// The file's private data.
    pub fn file(&self) -> <T as ForeignOwnable>::Borrowed<'a> {
        // SAFETY: live for 'a and only borrowed, by the invariant.
        unsafe { T::borrow(self.private) }
    }

    /// The position.
    pub fn ki_pos(&self) -> i64 {
        // SAFETY: file.h: valid; ours alone.
        unsafe { *bindings::drv_kiocb_pos(self.as_raw()) }
    }

    /// The position, to be changed.
    pub fn ki_pos_mut(&mut self) -> &mut i64 {
        // SAFETY: file.h: valid; ours alone.
        unsafe { &mut *bindings::drv_kiocb_pos(self.as_raw()) }
    }
}
