//! Unit tests in the kernel. C contract: `include/drv/test.h`.

use crate::{bindings, ffi::CStr, str::CStrExt};

/// A test as C knows it. For `#[kunit_tests]`.
#[doc(hidden)]
#[repr(transparent)]
pub struct KTest(bindings::drv_test);

// SAFETY: static strings and a function.
unsafe impl Sync for KTest {}

impl KTest {
    /// Of a suite, with a name.
    pub const fn new(suite: &'static CStr, name: &'static CStr, run: extern "C" fn()) -> Self {
        KTest(bindings::drv_test {
            suite: suite.as_ptr().cast(),
            name: name.as_ptr().cast(),
            run: Some(run),
        })
    }
}

/// Says whether something held; `text` and `file` are for the log.
#[doc(hidden)]
pub fn __check(file: &'static CStr, line: u32, text: &'static CStr, held: bool) -> bool {
    // SAFETY: test.h: static strings, in a running test.
    unsafe { bindings::drv_test_check(file.as_char_ptr(), line, text.as_char_ptr(), held) }
}

/// What a test returns.
#[doc(hidden)]
pub trait TestResult {
    /// Whether it is a success.
    fn is_ok(&self) -> bool;
}

impl TestResult for () {
    fn is_ok(&self) -> bool {
        true
    }
}

impl<T, E> TestResult for core::result::Result<T, E> {
    fn is_ok(&self) -> bool {
        core::result::Result::is_ok(self)
    }
}

/// The end of a test.
#[doc(hidden)]
pub fn __finish(result: impl TestResult) {
    __check(c"test", 0, c"the test returned Ok", result.is_ok());
}

/// `assert!` in a kernel test: a failure is counted, and the test goes on.
#[doc(hidden)]
#[macro_export]
macro_rules! __kunit_assert {
    ($cond:expr $(, $($arg:tt)*)?) => {{
        let held: bool = $cond;
        $crate::kunit::__check(
            $crate::c_str!(file!()),
            line!(),
            $crate::c_str!(stringify!($cond)),
            held,
        );
    }};
}

/// `assert_eq!` in a kernel test.
#[doc(hidden)]
#[macro_export]
macro_rules! __kunit_assert_eq {
    ($left:expr, $right:expr $(, $($arg:tt)*)?) => {
        $crate::__kunit_assert!($left == $right)
    };
}
