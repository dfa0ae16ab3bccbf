//! Types that are their bytes.

use core::mem::{align_of, size_of, size_of_val, MaybeUninit};
pub use macros::{AsBytes, FromBytes};

/// Any bytes are a value.
///
/// # Safety
///
/// They are, and there is no interior mutability.
pub unsafe trait FromBytes {
    /// A reference to bytes of the right size and alignment.
    fn from_bytes(bytes: &[u8]) -> Option<&Self>
    where
        Self: Sized,
    {
        let p = bytes.as_ptr().cast::<Self>();
        if bytes.len() != size_of::<Self>() || p.align_offset(align_of::<Self>()) != 0 {
            return None;
        }
        // SAFETY: size and alignment fit, and any bytes are a value.
        Some(unsafe { &*p })
    }

    /// A copy of bytes of the right size.
    fn from_bytes_copy(bytes: &[u8]) -> Option<Self>
    where
        Self: Sized,
    {
        if bytes.len() != size_of::<Self>() {
            return None;
        }
        let mut v = MaybeUninit::<Self>::uninit();
        // SAFETY: the sizes are equal, and any bytes are a value.
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), v.as_mut_ptr().cast(), bytes.len());
            Some(v.assume_init())
        }
    }
}

/// All bytes are initialised: there is no padding.
///
/// # Safety
///
/// There is none, and no interior mutability.
pub unsafe trait AsBytes {
    /// The bytes.
    fn as_bytes(&self) -> &[u8] {
        // SAFETY: all are initialised.
        unsafe { core::slice::from_raw_parts(core::ptr::from_ref(self).cast(), size_of_val(self)) }
    }

    /// The bytes, to be changed.
    fn as_bytes_mut(&mut self) -> &mut [u8]
    where
        Self: FromBytes,
    {
        let n = size_of_val(self);
        // SAFETY: all are initialised, and any bytes are a value.
        unsafe { core::slice::from_raw_parts_mut(core::ptr::from_mut(self).cast(), n) }
    }
}

macro_rules! plain {
    ($($t:ty)*) => { $(
        // SAFETY: an integer.
        unsafe impl FromBytes for $t {}
        // SAFETY: an integer.
        unsafe impl AsBytes for $t {}
    )* };
}
plain! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }
// SAFETY: without bytes.
unsafe impl FromBytes for () {}
// SAFETY: without bytes.
unsafe impl AsBytes for () {}
// SAFETY: one of two bytes.
unsafe impl AsBytes for bool {}
// SAFETY: an initialised char.
unsafe impl AsBytes for char {}
// SAFETY: initialised.
unsafe impl AsBytes for str {}
// SAFETY: elements follow each other without padding.
unsafe impl<T: FromBytes, const N: usize> FromBytes for [T; N] {}
// SAFETY: elements follow each other without padding.
unsafe impl<T: AsBytes, const N: usize> AsBytes for [T; N] {}
// SAFETY: elements follow each other without padding.
unsafe impl<T: AsBytes> AsBytes for [T] {}
