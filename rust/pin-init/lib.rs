//! Initialisation in place, of things that may not move afterwards.
//!
//! An initialiser ([`PinInit`], or [`Init`] for what may move) is a recipe: run on a slot of memory it either makes a value
//! there or leaves the slot as it was and returns an error. [`pin_init!`] makes one for a struct from those of its fields;
//! [`macro@pin_data`] says which of its fields are pinned with it.
//!
//! ```
//! use core::{marker::PhantomPinned, pin::Pin};
//! use pin_init::{pin_data, pin_init, stack_pin_init};
//!
//! #[pin_data]
//! struct Node {
//!     #[pin]
//!     address_matters: PhantomPinned,
//!     value: u32,
//!     twice: u32,
//! }
//! stack_pin_init!(let node = pin_init!(Node {
//!     address_matters: PhantomPinned,
//!     value: 21,
//!     twice: *value * 2,
//! }));
//! assert_eq!(node.twice, 42);
//! ```
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_op_in_unsafe_fn, missing_docs)]

#[cfg(test)]
extern crate self as pin_init;

#[doc(hidden)]
pub mod __internal;

pub use macros::{init, pin_data, pin_init, pinned_drop, Zeroable};

use core::{
    cell::UnsafeCell,
    convert::Infallible,
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    pin::Pin,
    ptr,
};

/// Makes a pinned `T` in place.
///
/// # Safety
///
/// When `__pinned_init` returns `Ok(())` the slot holds a valid `T`; when it returns `Err` the slot may be freed or reused
/// as uninitialised memory. It does not move what it makes.
#[must_use = "an initialiser does nothing until it is run"]
pub unsafe trait PinInit<T: ?Sized, E = Infallible>: Sized {
    /// Runs the initialiser.
    ///
    /// # Safety
    ///
    /// `slot` is valid for writes and not otherwise used meanwhile. On `Ok`, the caller drops the value in place before the
    /// memory is freed, and does not move it; on `Err` it does not drop it.
    unsafe fn __pinned_init(self, slot: *mut T) -> Result<(), E>;

    /// First makes the value, then runs `f` on it. If `f` fails the value is dropped.
    fn pin_chain<F>(self, f: F) -> ChainPinInit<Self, F, T, E>
    where
        F: FnOnce(Pin<&mut T>) -> Result<(), E>,
    {
        ChainPinInit(self, f, PhantomData)
    }
}

/// Makes a `T` in place that may be moved afterwards.
///
/// # Safety
///
/// As for [`PinInit`], and `__pinned_init` does the same as `__init`. The value may be moved.
#[must_use = "an initialiser does nothing until it is run"]
pub unsafe trait Init<T: ?Sized, E = Infallible>: PinInit<T, E> {
    /// Runs the initialiser.
    ///
    /// # Safety
    ///
    /// `slot` is valid for writes and not otherwise used meanwhile. On `Ok` the caller owns the value in it.
    unsafe fn __init(self, slot: *mut T) -> Result<(), E>;

    /// First makes the value, then runs `f` on it. If `f` fails the value is dropped.
    fn chain<F>(self, f: F) -> ChainInit<Self, F, T, E>
    where
        F: FnOnce(&mut T) -> Result<(), E>,
    {
        ChainInit(self, f, PhantomData)
    }
}

/// Owns nothing, is invariant in `T`, and mentions the error.
type Marker<T, E> = PhantomData<(fn(*mut T) -> *mut T, fn(E) -> E)>;

/// What [`PinInit::pin_chain`] returns.
pub struct ChainPinInit<I, F, T: ?Sized, E>(I, F, Marker<T, E>);

// SAFETY: Ok only if the value was made and `f` left it so; if `f` failed, the value was dropped.
unsafe impl<T: ?Sized, E, I, F> PinInit<T, E> for ChainPinInit<I, F, T, E>
where
    I: PinInit<T, E>,
    F: FnOnce(Pin<&mut T>) -> Result<(), E>,
{
    unsafe fn __pinned_init(self, slot: *mut T) -> Result<(), E> {
        // SAFETY: the caller's promises are passed on.
        unsafe { self.0.__pinned_init(slot)? };
        // SAFETY: the slot was just initialised and, as the caller promised, does not move.
        let value = unsafe { Pin::new_unchecked(&mut *slot) };
        (self.1)(value).inspect_err(|_| {
            // SAFETY: initialised above, and not used after this.
            unsafe { ptr::drop_in_place(slot) }
        })
    }
}

/// What [`Init::chain`] returns.
pub struct ChainInit<I, F, T: ?Sized, E>(I, F, Marker<T, E>);

// SAFETY: Ok only if the value was made and `f` left it so; if `f` failed, the value was dropped.
unsafe impl<T: ?Sized, E, I, F> Init<T, E> for ChainInit<I, F, T, E>
where
    I: Init<T, E>,
    F: FnOnce(&mut T) -> Result<(), E>,
{
    unsafe fn __init(self, slot: *mut T) -> Result<(), E> {
        // SAFETY: the caller's promises are passed on.
        unsafe { self.0.__init(slot)? };
        // SAFETY: the slot was just initialised and is the caller's alone.
        (self.1)(unsafe { &mut *slot }).inspect_err(|_| {
            // SAFETY: initialised above, and not used after this.
            unsafe { ptr::drop_in_place(slot) }
        })
    }
}

// SAFETY: the same as __init.
unsafe impl<T: ?Sized, E, I, F> PinInit<T, E> for ChainInit<I, F, T, E>
where
    I: Init<T, E>,
    F: FnOnce(&mut T) -> Result<(), E>,
{
    unsafe fn __pinned_init(self, slot: *mut T) -> Result<(), E> {
        // SAFETY: the caller's promises include those of __init.
        unsafe { self.__init(slot) }
    }
}

struct InitClosure<F, T: ?Sized, E>(F, Marker<T, E>);

// SAFETY: the maker of the closure promised it.
unsafe impl<T: ?Sized, F, E> PinInit<T, E> for InitClosure<F, T, E>
where
    F: FnOnce(*mut T) -> Result<(), E>,
{
    #[inline]
    unsafe fn __pinned_init(self, slot: *mut T) -> Result<(), E> {
        (self.0)(slot)
    }
}

// SAFETY: the maker of the closure promised it.
unsafe impl<T: ?Sized, F, E> Init<T, E> for InitClosure<F, T, E>
where
    F: FnOnce(*mut T) -> Result<(), E>,
{
    #[inline]
    unsafe fn __init(self, slot: *mut T) -> Result<(), E> {
        (self.0)(slot)
    }
}

/// An initialiser from a closure.
///
/// # Safety
///
/// The closure does what [`PinInit::__pinned_init`] must.
#[inline]
pub const unsafe fn pin_init_from_closure<T: ?Sized, E>(
    f: impl FnOnce(*mut T) -> Result<(), E>,
) -> impl PinInit<T, E> {
    InitClosure(f, PhantomData)
}

/// An initialiser from a closure.
///
/// # Safety
///
/// The closure does what [`Init::__init`] must.
#[inline]
pub const unsafe fn init_from_closure<T: ?Sized, E>(
    f: impl FnOnce(*mut T) -> Result<(), E>,
) -> impl Init<T, E> {
    InitClosure(f, PhantomData)
}

// SAFETY: a value is moved into the slot.
unsafe impl<T, E> Init<T, E> for T {
    #[inline]
    unsafe fn __init(self, slot: *mut T) -> Result<(), E> {
        // SAFETY: the slot is valid for writes.
        unsafe { slot.write(self) };
        Ok(())
    }
}

// SAFETY: a value that could be moved until now is moved into the slot.
unsafe impl<T, E> PinInit<T, E> for T {
    #[inline]
    unsafe fn __pinned_init(self, slot: *mut T) -> Result<(), E> {
        // SAFETY: the slot is valid for writes.
        unsafe { slot.write(self) };
        Ok(())
    }
}

// SAFETY: Ok's value is moved into the slot; with Err it stays uninitialised.
unsafe impl<T, E> Init<T, E> for Result<T, E> {
    #[inline]
    unsafe fn __init(self, slot: *mut T) -> Result<(), E> {
        // SAFETY: the slot is valid for writes.
        unsafe { slot.write(self?) };
        Ok(())
    }
}

// SAFETY: Ok's value is moved into the slot; with Err it stays uninitialised.
unsafe impl<T, E> PinInit<T, E> for Result<T, E> {
    #[inline]
    unsafe fn __pinned_init(self, slot: *mut T) -> Result<(), E> {
        // SAFETY: the slot is valid for writes.
        unsafe { slot.write(self?) };
        Ok(())
    }
}

/// Leaves memory uninitialised, which a `MaybeUninit` may be.
#[inline]
pub fn uninit<T, E>() -> impl Init<MaybeUninit<T>, E> {
    // SAFETY: uninitialised memory is a value of MaybeUninit.
    unsafe { init_from_closure(|_| Ok(())) }
}

/// An array, each element made by the initialiser that `make` returns for its index.
pub fn init_array_from_fn<I, const N: usize, T, E>(
    mut make: impl FnMut(usize) -> I,
) -> impl Init<[T; N], E>
where
    I: Init<T, E>,
{
    let init = move |slot: *mut [T; N]| {
        // SAFETY: only Init's own promises are passed on, element by element.
        unsafe { each(slot.cast::<T>(), N, |i, p| make(i).__init(p)) }
    };
    // SAFETY: on Ok all elements are initialised, on Err none is.
    unsafe { init_from_closure(init) }
}

/// A pinned array, each element made by the initialiser that `make` returns for its index.
pub fn pin_init_array_from_fn<I, const N: usize, T, E>(
    mut make: impl FnMut(usize) -> I,
) -> impl PinInit<[T; N], E>
where
    I: PinInit<T, E>,
{
    let init = move |slot: *mut [T; N]| {
        // SAFETY: an array that stays where it is pins its elements.
        unsafe { each(slot.cast::<T>(), N, |i, p| make(i).__pinned_init(p)) }
    };
    // SAFETY: on Ok all elements are initialised, on Err none is.
    unsafe { pin_init_from_closure(init) }
}

/// Initialises `n` elements at `base`; drops those that were made if one fails or panics.
///
/// # Safety
///
/// `base` is valid for writes of `n` elements; `f` initialises the element it is given, or fails.
unsafe fn each<T, E>(
    base: *mut T,
    n: usize,
    mut f: impl FnMut(usize, *mut T) -> Result<(), E>,
) -> Result<(), E> {
    struct Made<T>(*mut T, usize);
    impl<T> Drop for Made<T> {
        fn drop(&mut self) {
            // SAFETY: the first self.1 elements were initialised.
            unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(self.0, self.1)) }
        }
    }
    let mut made = Made(base, 0);
    while made.1 < n {
        // SAFETY: made.1 < n, so it is inside the array.
        f(made.1, unsafe { base.add(made.1) })?;
        made.1 += 1;
    }
    core::mem::forget(made);
    Ok(())
}

/// Runs `make` when the initialiser runs, then the initialiser it returns.
pub fn pin_init_scope<T, E, F, I>(make: F) -> impl PinInit<T, E>
where
    F: FnOnce() -> Result<I, E>,
    I: PinInit<T, E>,
{
    // SAFETY: all promises are those of the inner initialiser.
    unsafe { pin_init_from_closure(move |slot| make()?.__pinned_init(slot)) }
}

/// Runs `make` when the initialiser runs, then the initialiser it returns.
pub fn init_scope<T, E, F, I>(make: F) -> impl Init<T, E>
where
    F: FnOnce() -> Result<I, E>,
    I: Init<T, E>,
{
    // SAFETY: all promises are those of the inner initialiser.
    unsafe { init_from_closure(move |slot| make()?.__init(slot)) }
}

/// Types for which all bytes zero is a value.
///
/// # Safety
///
/// It is.
pub unsafe trait Zeroable {
    /// An initialiser that zeroes.
    fn init_zeroed() -> impl Init<Self>
    where
        Self: Sized,
    {
        init_zeroed()
    }

    /// The value.
    fn zeroed() -> Self
    where
        Self: Sized,
    {
        zeroed()
    }
}

/// Types whose `Option` has all bytes zero for `None`.
///
/// # Safety
///
/// It has.
pub unsafe trait ZeroableOption {}

// SAFETY: None is all zeroes, by ZeroableOption.
unsafe impl<T: ZeroableOption> Zeroable for Option<T> {}
// SAFETY: the null pointer optimisation is guaranteed for these.
unsafe impl<T> ZeroableOption for ptr::NonNull<T> {}
// SAFETY: as above.
unsafe impl<T> ZeroableOption for &T {}
// SAFETY: as above.
unsafe impl<T> ZeroableOption for &mut T {}

/// An initialiser that zeroes.
#[inline]
pub fn init_zeroed<T: Zeroable>() -> impl Init<T> {
    // SAFETY: all bytes zero is a value of T.
    unsafe {
        init_from_closure(|slot: *mut T| {
            slot.write_bytes(0, 1);
            Ok(())
        })
    }
}

/// The value whose bytes are all zero.
#[inline]
pub const fn zeroed<T: Zeroable>() -> T {
    // SAFETY: all bytes zero is a value of T.
    unsafe { core::mem::zeroed() }
}

macro_rules! zeroable {
    ($($({$($g:tt)*})? $t:ty,)*) => { $(
        // SAFETY: all bytes zero is a value of this type.
        unsafe impl$($($g)*)? Zeroable for $t {}
    )* };
}
zeroable! {
    bool, char, u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, (),
    {<T: ?Sized>} PhantomData<T>,
    core::marker::PhantomPinned,
    {<T>} *mut T,
    {<T>} *const T,
    {<T>} MaybeUninit<T>,
    {<T: Zeroable>} UnsafeCell<T>,
    {<T: Zeroable>} ManuallyDrop<T>,
    {<T: Zeroable, const N: usize>} [T; N],
    core::sync::atomic::AtomicBool, core::sync::atomic::AtomicI32, core::sync::atomic::AtomicU32,
    core::sync::atomic::AtomicI64, core::sync::atomic::AtomicU64, core::sync::atomic::AtomicUsize,
    Option<core::num::NonZeroU8>, Option<core::num::NonZeroU16>, Option<core::num::NonZeroU32>,
    Option<core::num::NonZeroU64>, Option<core::num::NonZeroI32>, Option<core::num::NonZeroUsize>,
}

macro_rules! zeroable_fn {
    ($($($a:ident),*;)*) => { $(
        // SAFETY: the null pointer optimisation is guaranteed for functions.
        unsafe impl<$($a,)* R> ZeroableOption for extern "C" fn($($a),*) -> R {}
        // SAFETY: as above.
        unsafe impl<$($a,)* R> ZeroableOption for unsafe extern "C" fn($($a),*) -> R {}
    )* };
}
zeroable_fn! { ; A; A, B; A, B, C; A, B, C, D; A, B, C, D, F; A, B, C, D, F, G; }

/// Does in its `drop` what `Drop` would, for a pinned struct. Implemented with [`macro@pinned_drop`].
///
/// # Safety
///
/// Only by that attribute.
pub unsafe trait PinnedDrop: __internal::HasPinData {
    /// Drops. The token keeps others from calling it.
    fn drop(self: Pin<&mut Self>, token: __internal::OnlyCallFromDrop);
}

/// Memory with a value made later, in place.
pub trait InPlaceWrite<T> {
    /// What it becomes.
    type Initialized;

    /// Makes the value.
    fn write_init<E>(self, init: impl Init<T, E>) -> Result<Self::Initialized, E>;

    /// Makes the value, and pins it.
    fn write_pin_init<E>(self, init: impl PinInit<T, E>) -> Result<Pin<Self::Initialized>, E>;
}

/// Types that are one pinned value of another type.
pub trait Wrapper<T> {
    /// Makes the wrapper from an initialiser of what is inside.
    fn pin_init<E>(init: impl PinInit<T, E>) -> impl PinInit<Self, E>;
}

/// Makes a pinned local variable: `stack_pin_init!(let x = init)`, of type `Pin<&mut T>`. The initialiser cannot fail.
#[macro_export]
macro_rules! stack_pin_init {
    (let $var:ident $(: $t:ty)? = $init:expr) => {
        let __init = $init;
        let __slot = ::core::pin::pin!($crate::__internal::StackInit$(::<$t>)?::uninit());
        #[allow(unused_mut)]
        let mut $var = match $crate::__internal::StackInit::init(__slot, __init) {
            Ok(v) => v,
            Err(e) => {
                let never: ::core::convert::Infallible = e;
                match never {}
            }
        };
    };
}

/// As [`stack_pin_init!`], for an initialiser that may fail: `x` is a `Result`, or `=?` returns the error.
#[macro_export]
macro_rules! stack_try_pin_init {
    (let $var:ident $(: $t:ty)? = $init:expr) => {
        let __init = $init;
        let __slot = ::core::pin::pin!($crate::__internal::StackInit$(::<$t>)?::uninit());
        #[allow(unused_mut)]
        let mut $var = $crate::__internal::StackInit::init(__slot, __init);
    };
    (let $var:ident $(: $t:ty)? =? $init:expr) => {
        let __init = $init;
        let __slot = ::core::pin::pin!($crate::__internal::StackInit$(::<$t>)?::uninit());
        #[allow(unused_mut)]
        let mut $var = $crate::__internal::StackInit::init(__slot, __init)?;
    };
}

#[cfg(test)]
mod tests;
