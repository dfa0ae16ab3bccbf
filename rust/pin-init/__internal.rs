//! What the macros' expansions use. Not for anybody else.

use super::{PhantomData, PinInit};
use core::{mem::MaybeUninit, pin::Pin, ptr};

/// Proof that an initialiser ran to its end.
pub struct InitOk(());

impl InitOk {
    /// # Safety
    ///
    /// Only at the end of an expansion of `pin_init!`, where every field has been initialised.
    pub unsafe fn new() -> Self {
        InitOk(())
    }
}

/// A struct's table of fields.
///
/// # Safety
///
/// Only by `#[pin_data]`.
pub unsafe trait HasPinData {
    /// The table.
    type PinData: PinData;

    /// # Safety
    ///
    /// Only in an expansion of `pin_init!`.
    unsafe fn __pin_data() -> Self::PinData;
}

/// The table itself.
///
/// # Safety
///
/// Only by `#[pin_data]`.
pub unsafe trait PinData: Copy {
    /// The struct.
    type Datee: ?Sized + HasPinData;

    /// Gives a closure its type.
    fn __make_closure<F, E>(self, f: F) -> F
    where
        F: FnOnce(*mut Self::Datee) -> Result<InitOk, E>,
    {
        f
    }
}

/// As [`HasPinData`] for `init!`; every type has it.
///
/// # Safety
///
/// Only by the impl below.
pub unsafe trait HasInitData {
    /// The table.
    type InitData: InitData;

    /// # Safety
    ///
    /// Only in an expansion of `init!`.
    unsafe fn __init_data() -> Self::InitData;
}

/// As [`PinData`] for `init!`.
///
/// # Safety
///
/// Only by the impl below.
pub unsafe trait InitData: Copy {
    /// The struct.
    type Datee: ?Sized + HasInitData;

    /// Gives a closure its type.
    fn __make_closure<F, E>(self, f: F) -> F
    where
        F: FnOnce(*mut Self::Datee) -> Result<InitOk, E>,
    {
        f
    }
}

/// The table of any type: it has no fields, since none is pinned.
pub struct AllData<T: ?Sized>(PhantomData<fn(*mut T) -> *mut T>);

impl<T: ?Sized> Clone for AllData<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: ?Sized> Copy for AllData<T> {}

// SAFETY: this is the impl that the trait speaks of.
unsafe impl<T: ?Sized> HasInitData for T {
    type InitData = AllData<T>;

    unsafe fn __init_data() -> Self::InitData {
        AllData(PhantomData)
    }
}

// SAFETY: this is the impl that the trait speaks of.
unsafe impl<T: ?Sized> InitData for AllData<T> {
    type Datee = T;
}

/// Drops an initialised field unless it is forgotten.
pub struct DropGuard<T: ?Sized>(*mut T);

impl<T: ?Sized> DropGuard<T> {
    /// # Safety
    ///
    /// `p` points to an initialised value that nobody else uses or drops as long as the guard lives.
    #[inline]
    pub unsafe fn new(p: *mut T) -> Self {
        DropGuard(p)
    }

    /// The value.
    #[inline]
    pub fn let_binding(&mut self) -> &mut T {
        // SAFETY: new()'s caller promised that it is valid and only ours; the result borrows the guard.
        unsafe { &mut *self.0 }
    }
}

impl<T: ?Sized> Drop for DropGuard<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: new()'s caller promised that it is valid and only ours.
        unsafe { ptr::drop_in_place(self.0) }
    }
}

/// Proof of being called from a `Drop` that `#[pin_data(PinnedDrop)]` made.
pub struct OnlyCallFromDrop(());

impl OnlyCallFromDrop {
    /// # Safety
    ///
    /// Only there.
    pub unsafe fn new() -> Self {
        OnlyCallFromDrop(())
    }
}

/// The room of a `stack_pin_init!` variable.
pub struct StackInit<T> {
    value: MaybeUninit<T>,
    is_init: bool,
    _pin: core::marker::PhantomPinned,
}

impl<T> StackInit<T> {
    /// Room without a value.
    #[inline]
    pub fn uninit() -> Self {
        StackInit {
            value: MaybeUninit::uninit(),
            is_init: false,
            _pin: core::marker::PhantomPinned,
        }
    }

    /// Makes the value.
    #[inline]
    pub fn init<E>(self: Pin<&mut Self>, init: impl PinInit<T, E>) -> Result<Pin<&mut T>, E> {
        // SAFETY: nothing is moved out of it.
        let this = unsafe { self.get_unchecked_mut() };
        if this.is_init {
            // SAFETY: is_init says that there is a value; it is not used again.
            unsafe { this.value.assume_init_drop() };
            this.is_init = false;
        }
        // SAFETY: the room is ours, and pinned since self is; Drop drops the value.
        unsafe { init.__pinned_init(this.value.as_mut_ptr())? };
        this.is_init = true;
        // SAFETY: initialised, and pinned as a part of self.
        Ok(unsafe { Pin::new_unchecked(this.value.assume_init_mut()) })
    }
}

impl<T> Drop for StackInit<T> {
    #[inline]
    fn drop(&mut self) {
        if self.is_init {
            // SAFETY: is_init says that there is a value.
            unsafe { self.value.assume_init_drop() };
        }
    }
}
