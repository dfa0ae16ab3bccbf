//! The little of compiler_builtins that `core` refers to.
//!
//! The kernel has no floating point and no 128-bit division; what reaches one of these is a bug that tests should find.
#![feature(compiler_builtins, linkage)]
#![compiler_builtins]
#![no_builtins]
#![no_std]
#![allow(internal_features)]

macro_rules! forbidden {
    ($what:literal: $($name:ident)*) => { $(
        #[doc(hidden)]
        #[no_mangle]
        #[linkage = "weak"]
        pub extern "C" fn $name() -> ! {
            panic!(concat!("`", $what, "` should not be used"))
        }
    )* };
}

forbidden!("u128": __udivti3 __umodti3 __udivmodti4);
forbidden!("i128": __divti3 __modti3 __muloti4 __multi3);
forbidden!("f32": __addsf3 __subsf3 __mulsf3 __divsf3 __eqsf2 __nesf2 __gesf2 __gtsf2 __lesf2 __ltsf2 __unordsf2 __extendsfdf2);
forbidden!("f64": __adddf3 __subdf3 __muldf3 __divdf3 __eqdf2 __nedf2 __gedf2 __gtdf2 __ledf2 __ltdf2 __unorddf2 __truncdfsf2);
