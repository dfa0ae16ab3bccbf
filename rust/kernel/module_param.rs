//! Modules' parameters. C contract: `include/drv/module.h`.

use crate::{
    bindings,
    error::Result,
    str::{parse_int::ParseInt, BStr},
};
use core::cell::UnsafeCell;

/// Types that a parameter can have.
pub trait ModuleParam: Sized + Copy {
    /// Reads a value.
    fn try_from_param_arg(arg: &BStr) -> Result<Self>;
}

macro_rules! params {
    ($($t:ty)*) => { $(
        impl ModuleParam for $t {
            fn try_from_param_arg(arg: &BStr) -> Result<Self> {
                <$t as ParseInt>::from_str(arg)
            }
        }
    )* };
}
params! { i8 u8 i16 u16 i32 u32 i64 u64 isize usize }

/// A parameter: set before the module's init runs, constant from then on.
pub struct ModuleParamAccess<T>(UnsafeCell<T>);

// SAFETY: written by __read() alone, before anybody else runs code of the module.
unsafe impl<T: Sync> Sync for ModuleParamAccess<T> {}

impl<T: ModuleParam> ModuleParamAccess<T> {
    /// With a default. For `module!`.
    #[doc(hidden)]
    pub const fn new(default: T) -> Self {
        ModuleParamAccess(UnsafeCell::new(default))
    }

    /// The value.
    pub fn value(&self) -> &T {
        // SAFETY: constant since before the module's init.
        unsafe { &*self.0.get() }
    }

    /// Takes the value from the command line, if it has one. For `module!`, once, before init.
    #[doc(hidden)]
    pub fn __read(&self, name: &[u8]) -> Result {
        let mut len = 0;
        // SAFETY: module.h: a name of the given length; len is writable.
        let text = unsafe { bindings::drv_param(name.as_ptr(), name.len(), &mut len) };
        if text.is_null() {
            return Ok(());
        }
        // SAFETY: module.h: len bytes that live for ever.
        let text = unsafe { core::slice::from_raw_parts(text, len) };
        let value = T::try_from_param_arg(BStr::from_bytes(text)).inspect_err(|_| {
            crate::pr_err!(
                "{}: invalid value `{}`\n",
                BStr::from_bytes(name),
                BStr::from_bytes(text)
            );
        })?;
        // SAFETY: only `module!` calls this, before anybody reads the value.
        unsafe { *self.0.get() = value };
        Ok(())
    }
}
