//! C's basic types as the kernel's ABI has them: `char` is unsigned, `long` is as wide as a pointer.
#![no_std]
#![deny(missing_docs)]

macro_rules! alias {
    ($($name:ident = $ty:ty;)*) => { $(
        #[doc = concat!("C's `", stringify!($name), "`.")]
        #[allow(non_camel_case_types)]
        pub type $name = $ty;
        const _: () = assert!(core::mem::size_of::<$ty>() == core::mem::size_of::<core::ffi::$name>());
    )* };
}

alias! {
    c_char = u8;
    c_schar = i8;
    c_uchar = u8;
    c_short = i16;
    c_ushort = u16;
    c_int = i32;
    c_uint = u32;
    c_long = isize;
    c_ulong = usize;
    c_longlong = i64;
    c_ulonglong = u64;
}

pub use core::ffi::{c_void, CStr};
