//! The kernel, for drivers in Rust: safe forms of what `include/drv` declares, under Rust-for-Linux's names.
//!
//! The only crate with `unsafe`. Each unsafe block names the rule that it relies on, of the C header or of the type's
//! invariants.
#![cfg_attr(not(test), no_std)]
#![cfg_attr(test, feature(thread_local))]
#![feature(arbitrary_self_types, derive_coerce_pointee)]
#![deny(unsafe_op_in_unsafe_fn, missing_docs)]

extern crate self as kernel;

pub mod alloc;
pub mod build_assert;
pub mod error;
pub mod fmt;
pub mod fs;
pub mod init;
pub mod ioctl;
pub mod iov;
#[doc(hidden)]
pub mod kunit;
pub mod miscdevice;
pub mod module_param;
pub mod prelude;
pub mod print;
pub mod str;
pub mod sync;
pub mod task;
pub mod transmute;
pub mod types;
pub mod uaccess;

mod selftest;
#[cfg(test)]
mod tests;

#[doc(hidden)]
pub use bindings;
pub use ffi;
pub use macros;
pub use macros::{try_init, try_pin_init};

use error::{Error, Result};
use pin_init::PinInit;

/// What lines of this crate's own begin with in the log.
#[doc(hidden)]
pub(crate) static __LOG_PREFIX: &[u8] = b"rust_kernel\0";

/// A module, from its loading to its unloading. Unloading drops it.
pub trait Module: Sized + Sync + Send {
    /// Sets up.
    fn init(module: &'static ThisModule) -> Result<Self>;
}

/// A [`Module`] that is made in place.
pub trait InPlaceModule: Sync + Send {
    /// Sets up.
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error>;
}

impl<T: Module> InPlaceModule for T {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        let init = move |slot: *mut Self| {
            let m = <Self as Module>::init(module)?;
            // SAFETY: the slot is valid for writes.
            unsafe { slot.write(m) };
            Ok(())
        };
        // SAFETY: on Ok the slot holds a value.
        unsafe { pin_init::pin_init_from_closure(init) }
    }
}

/// What `module!` says about a module.
pub trait ModuleMetadata {
    /// Its name.
    const NAME: &'static str::CStr;
}

/// The module that the code is in. Built-in ones have none of C's.
pub struct ThisModule(*mut ffi::c_void);

// SAFETY: from any task.
unsafe impl Sync for ThisModule {}

impl ThisModule {
    /// For `module!`.
    ///
    /// # Safety
    ///
    /// Null, or the module that the caller is in.
    pub const unsafe fn from_ptr(ptr: *mut ffi::c_void) -> ThisModule {
        ThisModule(ptr)
    }

    /// For C.
    pub const fn as_ptr(&self) -> *mut ffi::c_void {
        self.0
    }
}

/// The struct around a field.
///
/// ```
/// struct Outer { a: u8, b: u32 }
/// let o = Outer { a: 1, b: 2 };
/// let p = &raw const o.b;
/// // SAFETY: `p` points to the `b` of an Outer.
/// let outer = unsafe { kernel::container_of!(p, Outer, b) };
/// assert_eq!(outer, &raw const o);
/// ```
#[macro_export]
macro_rules! container_of {
    ($field_ptr:expr, $container:ty, $($fields:tt)*) => {{
        let offset = ::core::mem::offset_of!($container, $($fields)*);
        $field_ptr.byte_sub(offset).cast::<$container>()
    }};
}
