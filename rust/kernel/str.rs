//! Strings.

use crate::{
    alloc::{flags::Flags, AllocError, KVec},
    error::{code::*, Result},
    ffi, fmt,
};
use core::{fmt::Write, ops::Deref};

pub use core::ffi::CStr;

/// What the kernel wants of a C string besides what `core` offers.
pub trait CStrExt {
    /// The kernel's `char` pointer.
    fn as_char_ptr(&self) -> *const ffi::c_char;

    /// From the kernel's `char` pointer.
    ///
    /// # Safety
    ///
    /// As for [`CStr::from_ptr`].
    unsafe fn from_char_ptr<'a>(ptr: *const ffi::c_char) -> &'a Self;
}

impl CStrExt for CStr {
    fn as_char_ptr(&self) -> *const ffi::c_char {
        self.as_ptr().cast()
    }

    unsafe fn from_char_ptr<'a>(ptr: *const ffi::c_char) -> &'a Self {
        // SAFETY: the caller's promise.
        unsafe { CStr::from_ptr(ptr.cast()) }
    }
}

/// A C string from a literal.
#[macro_export]
macro_rules! c_str {
    ($str:expr) => {{
        const S: &$crate::str::CStr =
            match $crate::str::CStr::from_bytes_with_nul(concat!($str, "\0").as_bytes()) {
                Ok(s) => s,
                Err(_) => panic!("string contains an interior NUL"),
            };
        S
    }};
}

/// Bytes that are mostly text. Displays what is not printable as `\xNN`.
#[repr(transparent)]
pub struct BStr([u8]);

impl BStr {
    /// Its length in bytes.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// From bytes.
    pub const fn from_bytes(bytes: &[u8]) -> &Self {
        // SAFETY: BStr is a transparent wrapper of the slice.
        unsafe { &*(core::ptr::from_ref(bytes) as *const BStr) }
    }

    /// What follows `pattern` at the start, if it is there.
    pub fn strip_prefix(&self, pattern: impl AsRef<Self>) -> Option<&BStr> {
        self.0
            .strip_prefix(&pattern.as_ref().0)
            .map(Self::from_bytes)
    }
}

impl fmt::Display for BStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &b in &self.0 {
            match b {
                b'\t' => f.write_str("\\t")?,
                b'\n' => f.write_str("\\n")?,
                b'\r' => f.write_str("\\r")?,
                0x20..=0x7e => f.write_char(b as char)?,
                _ => write!(f, "\\x{b:02x}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for BStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for &b in &self.0 {
            match b {
                b'"' => f.write_str("\\\"")?,
                b'\\' => f.write_str("\\\\")?,
                _ => write!(f, "{}", BStr::from_bytes(&[b]))?,
            }
        }
        f.write_char('"')
    }
}

impl Deref for BStr {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for BStr {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl AsRef<BStr> for [u8] {
    fn as_ref(&self) -> &BStr {
        BStr::from_bytes(self)
    }
}

impl AsRef<BStr> for BStr {
    fn as_ref(&self) -> &BStr {
        self
    }
}

/// A [`BStr`] from a literal.
#[macro_export]
macro_rules! b_str {
    ($str:literal) => {{
        const S: &$crate::str::BStr = $crate::str::BStr::from_bytes($str.as_bytes());
        S
    }};
}

/// Writes text into a buffer; an error if it does not fit.
///
/// ```
/// use kernel::{fmt::Write, str::Formatter};
/// let mut buf = [0u8; 4];
/// let mut f = Formatter::new(&mut buf);
/// assert!(write!(f, "{}", 123).is_ok());
/// assert_eq!(f.bytes_written(), 3);
/// assert!(write!(f, "45").is_err());
/// ```
pub struct Formatter<'a> {
    buf: &'a mut [u8],
    pos: usize,
}

impl<'a> Formatter<'a> {
    /// Writes from the start of `buf`.
    pub fn new(buf: &'a mut [u8]) -> Self {
        Formatter { buf, pos: 0 }
    }

    /// How much has been written.
    pub fn bytes_written(&self) -> usize {
        self.pos
    }
}

impl fmt::Write for Formatter<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let room = self.buf.get_mut(self.pos..).ok_or(fmt::Error)?;
        room.get_mut(..s.len())
            .ok_or(fmt::Error)?
            .copy_from_slice(s.as_bytes());
        self.pos += s.len();
        Ok(())
    }
}

/// Counts what is written to it.
struct Counter(usize);

impl fmt::Write for Counter {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.0 = self.0.checked_add(s.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// An owned C string.
///
/// ```
/// use kernel::{prelude::*, str::CString};
/// let s = CString::try_from_fmt(fmt!("{}{}", "abc", 10))?;
/// assert_eq!(s.to_bytes_with_nul(), b"abc10\0");
/// assert_eq!(CString::try_from_fmt(fmt!("a\0b")).err(), Some(EINVAL));
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// Ends in the only NUL.
pub struct CString(KVec<u8>);

impl CString {
    /// From formatted text; `EINVAL` if there is a NUL in it.
    pub fn try_from_fmt(args: fmt::Arguments<'_>) -> Result<Self> {
        let mut count = Counter(0);
        count.write_fmt(args)?;
        let mut v = KVec::from_elem(0u8, count.0 + 1, crate::alloc::flags::GFP_KERNEL)?;
        let mut f = Formatter::new(&mut v[..count.0]);
        f.write_fmt(args)?;
        // A Display that writes less the second time leaves NULs: caught here too.
        if v[..count.0].contains(&0) {
            return Err(EINVAL);
        }
        Ok(CString(v))
    }

    /// A copy of `s`.
    pub fn try_from_cstr(s: &CStr, flags: Flags) -> Result<Self, AllocError> {
        let mut v = KVec::new();
        v.extend_from_slice(s.to_bytes_with_nul(), flags)?;
        Ok(CString(v))
    }
}

impl Deref for CString {
    type Target = CStr;
    fn deref(&self) -> &CStr {
        // SAFETY: the type's invariant.
        unsafe { CStr::from_bytes_with_nul_unchecked(&self.0) }
    }
}

impl TryFrom<&CStr> for CString {
    type Error = AllocError;
    fn try_from(s: &CStr) -> Result<Self, AllocError> {
        CString::try_from_cstr(s, crate::alloc::flags::GFP_KERNEL)
    }
}

impl fmt::Debug for CString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// y, t, e, 1, on: true; n, f, d, 0, off: false; in either case, and only the first characters count, as in lib/parse.h.
pub fn kstrtobool(s: &CStr) -> Result<bool> {
    kstrtobool_bytes(s.to_bytes())
}

/// [`kstrtobool`] of bytes.
pub fn kstrtobool_bytes(s: &[u8]) -> Result<bool> {
    match (s.first(), s.get(1)) {
        (Some(b'y' | b'Y' | b't' | b'T' | b'e' | b'E' | b'1'), _) => Ok(true),
        (Some(b'n' | b'N' | b'f' | b'F' | b'd' | b'D' | b'0'), _) => Ok(false),
        (Some(b'o' | b'O'), Some(b'n' | b'N')) => Ok(true),
        (Some(b'o' | b'O'), Some(b'f' | b'F')) => Ok(false),
        _ => Err(EINVAL),
    }
}

/// Reading numbers.
pub mod parse_int {
    use super::*;

    /// Integers that can be read from text: decimal, or after `0x`, `0o` or `0`, `0b` in that base.
    ///
    /// ```
    /// use kernel::{prelude::*, str::{parse_int::ParseInt, BStr}};
    /// assert_eq!(u8::from_str(b_str!("0x1f")), Ok(31));
    /// assert_eq!(i8::from_str(b_str!("-128")), Ok(-128));
    /// assert_eq!(i8::from_str(b_str!("128")), Err(EINVAL));
    /// ```
    pub trait ParseInt: Sized + TryFrom<u64> {
        /// Reads all of `src`.
        fn from_str(src: &BStr) -> Result<Self>;
    }

    fn magnitude(s: &[u8]) -> Result<u64> {
        let (digits, radix) = match s {
            [b'0', b'x' | b'X', rest @ ..] => (rest, 16),
            [b'0', b'o' | b'O', rest @ ..] => (rest, 8),
            [b'0', b'b' | b'B', rest @ ..] => (rest, 2),
            [b'0', _, ..] => (&s[1..], 8),
            _ => (s, 10),
        };
        // core's parser takes a sign, which has no place here.
        if !digits.first().is_some_and(u8::is_ascii_hexdigit) {
            return Err(EINVAL);
        }
        let text = core::str::from_utf8(digits)?;
        u64::from_str_radix(text, radix).map_err(|_| EINVAL)
    }

    macro_rules! parse {
        ($($ty:ident)*) => { $(
            impl ParseInt for $ty {
                fn from_str(src: &BStr) -> Result<Self> {
                    match src.first() {
                        Some(b'-') => {
                            let m = i128::from(magnitude(&src[1..])?);
                            $ty::try_from(-m).map_err(|_| EINVAL)
                        }
                        Some(b'+') => $ty::try_from(magnitude(&src[1..])?).map_err(|_| EINVAL),
                        _ => $ty::try_from(magnitude(src)?).map_err(|_| EINVAL),
                    }
                }
            }
        )* };
    }
    parse! { i8 u8 i16 u16 i32 u32 i64 u64 isize usize }
}
