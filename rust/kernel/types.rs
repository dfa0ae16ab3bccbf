//! Kernel types.

use crate::ffi;
use core::{
    cell::UnsafeCell,
    marker::{PhantomData, PhantomPinned},
    mem::{ManuallyDrop, MaybeUninit},
    ops::{Deref, DerefMut},
};
use pin_init::{PinInit, Wrapper, Zeroable};

/// Owned things that C can keep as a pointer.
///
/// # Safety
///
/// `from_foreign` undoes `into_foreign`; pointers are not null and aligned to `FOREIGN_ALIGN`.
pub unsafe trait ForeignOwnable: Sized {
    /// What pointers are aligned to.
    const FOREIGN_ALIGN: usize;
    /// A shared look at it while C owns it.
    type Borrowed<'a>;
    /// An exclusive look at it while C owns it.
    type BorrowedMut<'a>;

    /// Gives it to C.
    fn into_foreign(self) -> *mut ffi::c_void;

    /// Takes it back.
    ///
    /// # Safety
    ///
    /// `ptr` is from `into_foreign`, was not taken back since, and nothing borrowed from it lives.
    unsafe fn from_foreign(ptr: *mut ffi::c_void) -> Self;

    /// [`ForeignOwnable::from_foreign`], or None for a null pointer.
    ///
    /// # Safety
    ///
    /// As there, if `ptr` is not null.
    unsafe fn try_from_foreign(ptr: *mut ffi::c_void) -> Option<Self> {
        if ptr.is_null() {
            None
        } else {
            // SAFETY: not null, so the caller's promise holds.
            unsafe { Some(Self::from_foreign(ptr)) }
        }
    }

    /// Borrows it.
    ///
    /// # Safety
    ///
    /// `ptr` is from `into_foreign`, and is neither taken back nor mutably borrowed during `'a`.
    unsafe fn borrow<'a>(ptr: *mut ffi::c_void) -> Self::Borrowed<'a>;

    /// Borrows it exclusively.
    ///
    /// # Safety
    ///
    /// `ptr` is from `into_foreign`, and is neither taken back nor otherwise borrowed during `'a`.
    unsafe fn borrow_mut<'a>(ptr: *mut ffi::c_void) -> Self::BorrowedMut<'a>;
}

// SAFETY: the pointer is dangling, and nothing is behind it.
unsafe impl ForeignOwnable for () {
    const FOREIGN_ALIGN: usize = 1;
    type Borrowed<'a> = ();
    type BorrowedMut<'a> = ();
    fn into_foreign(self) -> *mut ffi::c_void {
        core::ptr::NonNull::dangling().as_ptr()
    }
    unsafe fn from_foreign(_: *mut ffi::c_void) -> Self {}
    unsafe fn borrow<'a>(_: *mut ffi::c_void) -> Self::Borrowed<'a> {}
    unsafe fn borrow_mut<'a>(_: *mut ffi::c_void) -> Self::BorrowedMut<'a> {}
}

/// Runs a function when the scope is left, unless it is dismissed.
///
/// ```
/// use kernel::types::ScopeGuard;
/// let mut n = 0;
/// {
///     let _g = ScopeGuard::new(|| n += 1);
/// }
/// assert_eq!(n, 1);
/// ```
pub struct ScopeGuard<T, F: FnOnce(T)>(ManuallyDrop<(T, F)>);

impl<T, F: FnOnce(T)> ScopeGuard<T, F> {
    /// Runs `cleanup` on `data` in the end.
    pub fn new_with_data(data: T, cleanup: F) -> Self {
        ScopeGuard(ManuallyDrop::new((data, cleanup)))
    }

    /// Does not run the function; returns the data.
    pub fn dismiss(self) -> T {
        let mut me = ManuallyDrop::new(self);
        // SAFETY: taken once: `me` is not dropped.
        unsafe { ManuallyDrop::take(&mut me.0) }.0
    }
}

impl ScopeGuard<(), fn(())> {
    /// Runs `cleanup` in the end.
    pub fn new(cleanup: impl FnOnce()) -> ScopeGuard<(), impl FnOnce(())> {
        ScopeGuard::new_with_data((), move |()| cleanup())
    }
}

impl<T, F: FnOnce(T)> Deref for ScopeGuard<T, F> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0 .0
    }
}

impl<T, F: FnOnce(T)> DerefMut for ScopeGuard<T, F> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0 .0
    }
}

impl<T, F: FnOnce(T)> Drop for ScopeGuard<T, F> {
    fn drop(&mut self) {
        // SAFETY: taken once: only dismiss() takes it too, and that keeps drop from running.
        let (data, cleanup) = unsafe { ManuallyDrop::take(&mut self.0) };
        cleanup(data);
    }
}

/// Something that C reads and writes: Rust assumes nothing about it, not even that it is initialised.
#[repr(transparent)]
pub struct Opaque<T> {
    value: UnsafeCell<MaybeUninit<T>>,
    _pin: PhantomPinned,
}

// SAFETY: zeroes are a MaybeUninit.
unsafe impl<T> Zeroable for Opaque<T> {}

impl<T> Opaque<T> {
    /// With a value.
    pub const fn new(value: T) -> Self {
        Opaque {
            value: UnsafeCell::new(MaybeUninit::new(value)),
            _pin: PhantomPinned,
        }
    }

    /// Without a value.
    pub const fn uninit() -> Self {
        Opaque {
            value: UnsafeCell::new(MaybeUninit::uninit()),
            _pin: PhantomPinned,
        }
    }

    /// Zeroed.
    pub const fn zeroed() -> Self {
        Opaque {
            value: UnsafeCell::new(MaybeUninit::zeroed()),
            _pin: PhantomPinned,
        }
    }

    /// An initialiser that calls `f`, which makes the value in place.
    pub fn ffi_init(f: impl FnOnce(*mut T)) -> impl PinInit<Self> {
        Self::try_ffi_init(move |slot| {
            f(slot);
            Ok::<(), core::convert::Infallible>(())
        })
    }

    /// An initialiser that calls `f`, which makes the value in place or fails.
    pub fn try_ffi_init<E>(f: impl FnOnce(*mut T) -> Result<(), E>) -> impl PinInit<Self, E> {
        // SAFETY: an Opaque need not be initialised, so that any outcome of f is right.
        unsafe { pin_init::pin_init_from_closure(move |slot: *mut Self| f(Self::cast_into(slot))) }
    }

    /// For C.
    #[inline]
    pub const fn get(&self) -> *mut T {
        self.value.get().cast::<T>()
    }

    /// For C.
    pub const fn cast_into(this: *const Self) -> *mut T {
        this.cast_mut().cast()
    }

    /// The `Opaque` around what C knows.
    pub const fn cast_from(this: *const T) -> *const Self {
        this.cast()
    }
}

impl<T> Wrapper<T> for Opaque<T> {
    fn pin_init<E>(init: impl PinInit<T, E>) -> impl PinInit<Self, E> {
        Self::try_ffi_init(|ptr: *mut T| {
            // SAFETY: the slot is writable and pinned. If it fails nothing is dropped: Opaque never drops.
            unsafe { init.__pinned_init(ptr) }
        })
    }
}

/// Keeps a type from being `Send` and `Sync`.
pub type NotThreadSafe = PhantomData<*mut ()>;

/// The value of [`type@NotThreadSafe`].
#[allow(non_upper_case_globals)]
pub const NotThreadSafe: NotThreadSafe = PhantomData;

pub use crate::sync::aref::{ARef, AlwaysRefCounted};
