//! Assertions at build time.

/// An assertion about constants.
#[macro_export]
macro_rules! static_assert {
    ($($t:tt)*) => {
        const _: () = ::core::assert!($($t)*);
    };
}

/// An assertion about constants inside a function, generic ones included.
#[macro_export]
macro_rules! const_assert {
    ($($t:tt)*) => {
        const { ::core::assert!($($t)*) }
    };
}

#[doc(hidden)]
pub use build_error::build_error as __build_error;

/// Fails the build if the code that calls it is not optimised away; with debug assertions it panics.
#[macro_export]
macro_rules! build_error {
    () => {
        $crate::build_assert::__build_error("")
    };
    ($msg:expr) => {
        $crate::build_assert::__build_error($msg)
    };
}

/// Fails the build unless the condition is seen to hold when it is compiled.
#[macro_export]
macro_rules! build_assert {
    ($cond:expr $(,)?) => {
        if !$cond {
            $crate::build_error!(concat!("assertion failed: ", stringify!($cond)));
        }
    };
    ($cond:expr, $msg:expr) => {
        if !$cond {
            $crate::build_error!($msg);
        }
    };
}
