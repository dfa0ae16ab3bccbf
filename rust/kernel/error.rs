//! Kernel errors. C contract: `include/drv/errno.h`.

use crate::{alloc::AllocError, bindings, ffi, fmt, prelude::CStr};
use core::num::NonZeroI32;

/// An errno: between `-MAX_ERRNO` and -1.
///
/// # Invariants
///
/// The value is in that range.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(NonZeroI32);

/// The kernel's result.
pub type Result<T = (), E = Error> = core::result::Result<T, E>;

macro_rules! codes {
    ($($name:ident $doc:literal,)*) => {
        /// The errors by name.
        pub mod code {
            use super::*;
            pub use super::internal_code::*;
            $(
                #[doc = $doc]
                pub const $name: Error = Error::from_const(bindings::$name as i32);
            )*
        }
        const NAMES: &[(i32, &CStr)] = &[$((bindings::$name as i32, {
            match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                Ok(s) => s,
                Err(_) => panic!(),
            }
        })),*];
    };
}

codes! {
    EPERM "Operation not permitted.",
    ENOENT "No such file or directory.",
    ESRCH "No such process.",
    EINTR "Interrupted system call.",
    EIO "I/O error.",
    ENXIO "No such device or address.",
    E2BIG "Argument list too long.",
    ENOEXEC "Exec format error.",
    EBADF "Bad file number.",
    ECHILD "No child processes.",
    EAGAIN "Try again.",
    ENOMEM "Out of memory.",
    EACCES "Permission denied.",
    EFAULT "Bad address.",
    ENOTBLK "Block device required.",
    EBUSY "Device or resource busy.",
    EEXIST "File exists.",
    EXDEV "Cross-device link.",
    ENODEV "No such device.",
    ENOTDIR "Not a directory.",
    EISDIR "Is a directory.",
    EINVAL "Invalid argument.",
    ENFILE "File table overflow.",
    EMFILE "Too many open files.",
    ENOTTY "Not a typewriter.",
    ETXTBSY "Text file busy.",
    EFBIG "File too large.",
    ENOSPC "No space left on device.",
    ESPIPE "Illegal seek.",
    EROFS "Read-only file system.",
    EMLINK "Too many links.",
    EPIPE "Broken pipe.",
    EDOM "Argument out of the function's domain.",
    ERANGE "Result not representable.",
    EDEADLK "Resource deadlock would occur.",
    ENAMETOOLONG "File name too long.",
    ENOSYS "Function not implemented.",
    ENOTEMPTY "Directory not empty.",
    ENODATA "No data available.",
    ETIME "Timer expired.",
    EPROTO "Protocol error.",
    EBADMSG "Not a data message.",
    EOVERFLOW "Value too large for the type.",
    EILSEQ "Illegal byte sequence.",
    EMSGSIZE "Message too long.",
    EOPNOTSUPP "Operation not supported.",
    EADDRINUSE "Address already in use.",
    ENETDOWN "Network is down.",
    ENOBUFS "No buffer space available.",
    ETIMEDOUT "Connection timed out.",
    EALREADY "Operation already in progress.",
    EINPROGRESS "Operation now in progress.",
    ESTALE "Stale file handle.",
    ECANCELED "Operation cancelled.",
    ERESTARTSYS "Restart the system call if the handler says so.",
    ERESTARTNOINTR "Restart the system call.",
    ERESTARTNOHAND "Restart the system call if there is no handler.",
    ENOIOCTLCMD "No such ioctl here: ENOTTY to the program.",
    ERESTART_RESTARTBLOCK "Restart through restart_syscall.",
}

macro_rules! internal_codes {
    ($($name:ident $value:literal $doc:literal,)*) => {
        /// Kernel-internal errors that the C core does not use.
        mod internal_code {
            use super::*;
            $(
                #[doc = $doc]
                pub const $name: Error = Error::from_const($value);
            )*
        }
    };
}
// Linux's numbers, for drivers written against it.
internal_codes! {
    EPROBE_DEFER 517 "The driver asks to be probed again later.",
    EOPENSTALE 518 "Open found a stale entry.",
    ENOPARAM 519 "Parameter not supported.",
    EBADHANDLE 521 "Illegal file handle.",
    ENOTSYNC 522 "Update synchronisation mismatch.",
    EBADCOOKIE 523 "Cookie is stale.",
    ENOTSUPP 524 "Operation is not supported.",
    ETOOSMALL 525 "Buffer or request is too small.",
    ESERVERFAULT 526 "An untranslatable error occurred.",
    EBADTYPE 527 "Type not supported by server.",
    EJUKEBOX 528 "Request initiated, but will not complete before timeout.",
    EIOCBQUEUED 529 "The operation will complete later.",
    ERECALLCONFLICT 530 "Conflict with recalled state.",
    ENOGRACE 531 "Grace period refused.",
}

impl Error {
    const fn from_const(errno: i32) -> Error {
        match NonZeroI32::new(-errno) {
            Some(e) if errno > 0 && errno <= bindings::MAX_ERRNO as i32 => Error(e),
            _ => panic!("not an errno"),
        }
    }

    /// From a negative errno. Anything else is a bug of the C side: it is reported and becomes `EINVAL`.
    pub fn from_errno(errno: ffi::c_int) -> Error {
        if errno >= 0 || errno < -(bindings::MAX_ERRNO as i32) {
            crate::pr_warn!("attempted to create an `Error` from {}\n", errno);
            return code::EINVAL;
        }
        match NonZeroI32::new(errno) {
            Some(e) => Error(e),
            None => code::EINVAL,
        }
    }

    /// The negative errno.
    pub const fn to_errno(self) -> ffi::c_int {
        self.0.get()
    }

    /// As an error pointer.
    pub fn to_ptr<T>(self) -> *mut T {
        (self.0.get() as isize) as *mut T
    }

    /// Its name, `EINVAL` for instance.
    pub fn name(&self) -> Option<&'static CStr> {
        NAMES
            .iter()
            .find(|(n, _)| *n == -self.to_errno())
            .map(|(_, s)| *s)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name().and_then(|s| s.to_str().ok()) {
            Some(name) => f.debug_tuple(name).finish(),
            None => f.debug_tuple("Error").field(&-self.0.get()).finish(),
        }
    }
}

macro_rules! from {
    ($($ty:ty => $code:ident,)*) => { $(
        impl From<$ty> for Error {
            fn from(_: $ty) -> Error {
                code::$code
            }
        }
    )* };
}
from! {
    AllocError => ENOMEM,
    core::num::TryFromIntError => EINVAL,
    core::str::Utf8Error => EINVAL,
    core::alloc::LayoutError => ENOMEM,
    core::fmt::Error => EINVAL,
    core::ffi::FromBytesWithNulError => EINVAL,
    core::ffi::FromBytesUntilNulError => EINVAL,
}

impl From<core::convert::Infallible> for Error {
    fn from(e: core::convert::Infallible) -> Error {
        match e {}
    }
}

/// C's 0 or negative errno as a [`Result`].
///
/// ```
/// use kernel::error::{code::*, to_result};
/// assert_eq!(to_result(-12), Err(ENOMEM));
/// assert_eq!(to_result(0), Ok(()));
/// ```
pub fn to_result(err: ffi::c_int) -> Result {
    if err < 0 {
        Err(Error::from_errno(err))
    } else {
        Ok(())
    }
}

/// An error pointer or a good one.
pub fn from_err_ptr<T>(ptr: *mut T) -> Result<*mut T> {
    let v = ptr as isize;
    if (-(bindings::MAX_ERRNO as isize)..0).contains(&v) {
        return Err(Error::from_errno(v as i32));
    }
    Ok(ptr)
}

/// Runs `f`; the value, or the negative errno, in the integer type that C wants.
pub fn from_result<T, F>(f: F) -> T
where
    T: From<i16>,
    F: FnOnce() -> Result<T>,
{
    match f() {
        Ok(v) => v,
        // An errno always fits: MAX_ERRNO is 4095.
        Err(e) => T::from(e.to_errno() as i16),
    }
}

/// The body of the default of an optional method of a `#[vtable]` trait: never runs.
pub const VTABLE_DEFAULT_ERROR: &str =
    "This function must not be called, see the #[vtable] documentation.";
