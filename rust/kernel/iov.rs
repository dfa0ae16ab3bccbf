//! Where the data of a read goes and that of a write comes from. C contract: `include/drv/file.h`.

use crate::{
    alloc::{flags::Flags, Allocator, Vec},
    bindings,
    error::{code::*, Result},
    types::Opaque,
};
use core::{marker::PhantomData, mem::MaybeUninit};

macro_rules! iov_iter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// # Invariants
        ///
        /// A valid `iov_iter` of that direction for `'data`, and this the only reference to it.
        #[repr(transparent)]
        pub struct $name<'data> {
            iov: Opaque<bindings::iov_iter>,
            _data: PhantomData<&'data mut [u8]>,
        }

        impl<'data> $name<'data> {
            /// From C's.
            ///
            /// # Safety
            ///
            /// Valid, of this direction, and used by nobody else during `'i`.
            pub unsafe fn from_raw<'i>(ptr: *mut bindings::iov_iter) -> &'i mut Self {
                // SAFETY: the caller's promise; the type is transparent.
                unsafe { &mut *ptr.cast() }
            }

            /// For C.
            pub fn as_raw(&mut self) -> *mut bindings::iov_iter {
                self.iov.get()
            }

            /// How many bytes are left.
            pub fn len(&self) -> usize {
                // SAFETY: file.h: valid.
                unsafe { bindings::drv_iov_count(self.iov.get()) }
            }

            /// Whether none is.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Leaves out `bytes`.
            pub fn advance(&mut self, bytes: usize) {
                // SAFETY: file.h: valid; it stops at the end by itself.
                unsafe { bindings::drv_iov_advance(self.as_raw(), bytes) }
            }

            /// Goes back.
            ///
            /// # Safety
            ///
            /// By no more than was moved in this call.
            pub unsafe fn revert(&mut self, bytes: usize) {
                // SAFETY: file.h: the caller's promise.
                unsafe { bindings::drv_iov_revert(self.as_raw(), bytes) }
            }
        }
    };
}
iov_iter! {
    /// The data that a write brings.
    IovIterSource
}
iov_iter! {
    /// The room that a read offers.
    IovIterDest
}

impl IovIterSource<'_> {
    /// Reads into `out`; returns how much came: less only at a fault or at the end.
    pub fn copy_from_iter(&mut self, out: &mut [u8]) -> usize {
        // SAFETY: file.h: `out` is writable.
        unsafe { bindings::drv_copy_from_iter(out.as_mut_ptr().cast(), out.len(), self.as_raw()) }
    }

    /// [`Self::copy_from_iter`] into memory without values; returns the part that has some now.
    pub fn copy_from_iter_raw<'o>(&mut self, out: &'o mut [MaybeUninit<u8>]) -> &'o mut [u8] {
        // SAFETY: file.h: `out` is writable.
        let n = unsafe {
            bindings::drv_copy_from_iter(out.as_mut_ptr().cast(), out.len(), self.as_raw())
        };
        // SAFETY: the first n bytes were just written.
        unsafe { core::slice::from_raw_parts_mut(out.as_mut_ptr().cast(), n) }
    }

    /// Reads all that is left to the end of `out`; returns how much came.
    pub fn copy_from_iter_vec<A: Allocator>(
        &mut self,
        out: &mut Vec<u8, A>,
        flags: Flags,
    ) -> Result<usize> {
        let wanted = self.len();
        out.reserve(wanted, flags)?;
        let n = self
            .copy_from_iter_raw(&mut out.spare_capacity_mut()[..wanted])
            .len();
        // SAFETY: they were just read.
        unsafe { out.inc_len(n) };
        if n == 0 && wanted != 0 {
            return Err(EFAULT);
        }
        Ok(n)
    }
}

impl IovIterDest<'_> {
    /// Writes `input`; returns how much went: less only at a fault or at the end.
    pub fn copy_to_iter(&mut self, input: &[u8]) -> usize {
        // SAFETY: file.h: `input` is borrowed for the call.
        unsafe { bindings::drv_copy_to_iter(input.as_ptr().cast(), input.len(), self.as_raw()) }
    }

    /// A whole read of a device whose contents are `contents`: from the position on, which moves.
    pub fn simple_read_from_buffer(&mut self, ppos: &mut i64, contents: &[u8]) -> Result<usize> {
        let pos = usize::try_from(*ppos)?;
        let rest = contents.get(pos..).unwrap_or(&[]);
        let rest = &rest[..rest.len().min(self.len())];
        let n = self.copy_to_iter(rest);
        if n == 0 && !rest.is_empty() {
            return Err(EFAULT);
        }
        *ppos += n as i64;
        Ok(n)
    }
}
