//! Memory of the calling program. C contract: `include/drv/uaccess.h`.

use crate::{
    alloc::{flags::Flags, Allocator, Vec},
    bindings,
    error::{code::*, Result},
    str::CStr,
    transmute::{AsBytes, FromBytes},
};
use core::mem::{size_of, MaybeUninit};

/// An address in the calling program. It is not a pointer: nothing in Rust can follow it.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct UserPtr(u64);

impl UserPtr {
    /// From a number that the program gave.
    pub fn from_addr(addr: usize) -> Self {
        UserPtr(addr as u64)
    }

    /// The null pointer.
    pub fn null() -> Self {
        UserPtr(0)
    }

    /// Further by `add` bytes; what overflows faults when it is used.
    pub fn wrapping_byte_add(self, add: usize) -> Self {
        UserPtr(self.0.wrapping_add(add as u64))
    }

    fn as_raw(self) -> bindings::uptr {
        bindings::uptr { a: self.0 }
    }
}

/// A range of the calling program's memory, used at most once: what was checked cannot be read again with another value.
#[derive(Clone)]
pub struct UserSlice {
    ptr: UserPtr,
    length: usize,
}

impl UserSlice {
    /// Any address and any length: uses that are not allowed fail with `EFAULT`.
    pub fn new(ptr: UserPtr, length: usize) -> Self {
        UserSlice { ptr, length }
    }

    /// Reads all of it to the end of `buf`.
    pub fn read_all<A: Allocator>(self, buf: &mut Vec<u8, A>, flags: Flags) -> Result {
        self.reader().read_all(buf, flags)
    }

    /// To read it.
    pub fn reader(self) -> UserSliceReader {
        UserSliceReader {
            ptr: self.ptr,
            length: self.length,
        }
    }

    /// To write it.
    pub fn writer(self) -> UserSliceWriter {
        UserSliceWriter {
            ptr: self.ptr,
            length: self.length,
        }
    }

    /// To read it, then to write it.
    pub fn reader_writer(self) -> (UserSliceReader, UserSliceWriter) {
        (self.clone().reader(), self.writer())
    }
}

/// Reads a [`UserSlice`] from its start to its end.
pub struct UserSliceReader {
    ptr: UserPtr,
    length: usize,
}

impl UserSliceReader {
    fn advance(&mut self, n: usize) {
        self.ptr = self.ptr.wrapping_byte_add(n);
        self.length -= n;
    }

    /// Leaves out `num_skip` bytes.
    pub fn skip(&mut self, num_skip: usize) -> Result {
        if num_skip > self.length {
            return Err(EFAULT);
        }
        self.advance(num_skip);
        Ok(())
    }

    /// A second reader of what is left: for code that looks ahead and does not trust what it saw.
    pub fn clone_reader(&self) -> UserSliceReader {
        UserSliceReader {
            ptr: self.ptr,
            length: self.length,
        }
    }

    /// How many bytes are left.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Reads raw bytes, all of `out`. On an error the reader stays where it was.
    pub fn read_raw(&mut self, out: &mut [MaybeUninit<u8>]) -> Result {
        let len = out.len();
        if len > self.length {
            return Err(EFAULT);
        }
        // SAFETY: uaccess.h: `out` is writable, the user's address may be anything.
        let left = unsafe {
            bindings::drv_copy_from_user(out.as_mut_ptr().cast(), self.ptr.as_raw(), len)
        };
        if left != 0 {
            return Err(EFAULT);
        }
        self.advance(len);
        Ok(())
    }

    /// Reads all of `out`.
    pub fn read_slice(&mut self, out: &mut [u8]) -> Result {
        // SAFETY: read_raw() never makes a byte uninitialised.
        let out = unsafe { &mut *(core::ptr::from_mut(out) as *mut [MaybeUninit<u8>]) };
        self.read_raw(out)
    }

    /// Reads into `out` from `offset` on, as much as both have; returns how much.
    pub fn read_slice_partial(&mut self, out: &mut [u8], offset: usize) -> Result<usize> {
        let end = offset.saturating_add(self.len()).min(out.len());
        let Some(dst) = out.get_mut(offset..end) else {
            return Ok(0);
        };
        self.read_slice(dst)?;
        Ok(dst.len())
    }

    /// Reads a value.
    pub fn read<T: FromBytes>(&mut self) -> Result<T> {
        let mut out = MaybeUninit::<T>::uninit();
        // SAFETY: the bytes of a MaybeUninit may be anything.
        let bytes = unsafe {
            core::slice::from_raw_parts_mut(
                out.as_mut_ptr().cast::<MaybeUninit<u8>>(),
                size_of::<T>(),
            )
        };
        self.read_raw(bytes)?;
        // SAFETY: all bytes were read, and any bytes are a value.
        Ok(unsafe { out.assume_init() })
    }

    /// Reads all that is left to the end of `buf`.
    pub fn read_all<A: Allocator>(mut self, buf: &mut Vec<u8, A>, flags: Flags) -> Result {
        let len = self.length;
        buf.reserve(len, flags)?;
        self.read_raw(&mut buf.spare_capacity_mut()[..len])?;
        // SAFETY: they were just read.
        unsafe { buf.inc_len(len) };
        Ok(())
    }

    /// Reads a string with its NUL, which is added if the reader ends before it comes. `E2BIG` if `buf` is too small.
    pub fn strcpy_into_buf(self, buf: &mut [u8]) -> Result<&CStr> {
        if buf.is_empty() {
            return Err(EINVAL);
        }
        let max = self.length.min(buf.len());
        // SAFETY: uaccess.h: buf has room for max bytes, the user's address may be anything.
        let n =
            unsafe { bindings::drv_strncpy_from_user(buf.as_mut_ptr(), self.ptr.as_raw(), max) };
        if n < 0 {
            return Err(crate::error::Error::from_errno(n as i32));
        }
        let n = n as usize;
        if n == max {
            // No NUL in sight: there must be room for ours.
            *buf.get_mut(n).ok_or(E2BIG)? = 0;
        }
        CStr::from_bytes_with_nul(buf.get(..=n).ok_or(E2BIG)?).map_err(|_| EFAULT)
    }
}

/// Writes a [`UserSlice`] from its start to its end.
pub struct UserSliceWriter {
    ptr: UserPtr,
    length: usize,
}

impl UserSliceWriter {
    /// How many bytes there is room for.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Writes all of `data`.
    pub fn write_slice(&mut self, data: &[u8]) -> Result {
        if data.len() > self.length {
            return Err(EFAULT);
        }
        // SAFETY: uaccess.h: `data` is borrowed for the call, the user's address may be anything.
        let left = unsafe {
            bindings::drv_copy_to_user(self.ptr.as_raw(), data.as_ptr().cast(), data.len())
        };
        if left != 0 {
            return Err(EFAULT);
        }
        self.ptr = self.ptr.wrapping_byte_add(data.len());
        self.length -= data.len();
        Ok(())
    }

    /// Writes a value.
    pub fn write<T: AsBytes>(&mut self, value: &T) -> Result {
        self.write_slice(value.as_bytes())
    }
}

/// Reads a string with its NUL into `dst`; `ENAMETOOLONG` if it does not fit.
pub fn strncpy_from_user(ptr: UserPtr, dst: &mut [u8]) -> Result<&CStr> {
    // SAFETY: uaccess.h: dst has room for its length, the user's address may be anything.
    let n = unsafe { bindings::drv_strncpy_from_user(dst.as_mut_ptr(), ptr.as_raw(), dst.len()) };
    if n < 0 {
        return Err(crate::error::Error::from_errno(n as i32));
    }
    let text = dst.get(..=n as usize).ok_or(ENAMETOOLONG)?;
    CStr::from_bytes_with_nul(text).map_err(|_| EFAULT)
}
