//! [`Box`].

use super::{
    allocator::{KVmalloc, Kmalloc, Vmalloc},
    flags::{Flags, __GFP_ZERO},
    AllocError, Allocator, NumaNode,
};
use crate::{fmt, init::InPlaceInit, types::ForeignOwnable};
use core::{
    alloc::Layout,
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    ops::{Deref, DerefMut},
    pin::Pin,
    ptr::NonNull,
};
use pin_init::{InPlaceWrite, Init, PinInit, Zeroable, ZeroableOption};

/// An owned allocation with one value in it.
///
/// ```
/// use kernel::prelude::*;
/// let b = KBox::new(24_u64, GFP_KERNEL)?;
/// assert_eq!(*b, 24);
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// The pointer is an allocation of `A` with a valid `T` in it, or dangling if `T` has size 0.
#[repr(transparent)]
#[derive(core::marker::CoercePointee)]
pub struct Box<#[pointee] T: ?Sized, A: Allocator>(NonNull<T>, PhantomData<A>);

/// A [`Box`] of [`Kmalloc`].
pub type KBox<T> = Box<T, Kmalloc>;
/// A [`Box`] of [`Vmalloc`].
pub type VBox<T> = Box<T, Vmalloc>;
/// A [`Box`] of [`KVmalloc`].
pub type KVBox<T> = Box<T, KVmalloc>;

// SAFETY: it owns the T.
unsafe impl<T: ?Sized + Send, A: Allocator> Send for Box<T, A> {}
// SAFETY: it owns the T.
unsafe impl<T: ?Sized + Sync, A: Allocator> Sync for Box<T, A> {}
// SAFETY: it is a NonNull.
unsafe impl<T: ?Sized, A: Allocator> ZeroableOption for Box<T, A> {}

impl<T: ?Sized, A: Allocator> Box<T, A> {
    /// From what [`Box::into_raw`] gave.
    ///
    /// # Safety
    ///
    /// `raw` came from there, with the same `A`, and is not used otherwise.
    pub const unsafe fn from_raw(raw: *mut T) -> Self {
        // SAFETY: into_raw's pointers are not null.
        Box(unsafe { NonNull::new_unchecked(raw) }, PhantomData)
    }

    /// The pointer; the value is now the caller's to free.
    pub fn into_raw(b: Self) -> *mut T {
        ManuallyDrop::new(b).0.as_ptr()
    }

    /// A reference for ever.
    pub fn leak<'a>(b: Self) -> &'a mut T
    where
        T: 'a,
    {
        // SAFETY: valid by the type's invariant, and nobody frees it now.
        unsafe { &mut *Box::into_raw(b) }
    }

    /// Pins what is inside: it does not move when the box does.
    pub fn into_pin(b: Self) -> Pin<Self> {
        // SAFETY: the T stays where it is until dropped.
        unsafe { Pin::new_unchecked(b) }
    }
}

impl<T, A: Allocator> Box<MaybeUninit<T>, A> {
    /// The box, now with a value.
    ///
    /// # Safety
    ///
    /// There is one.
    pub unsafe fn assume_init(self) -> Box<T, A> {
        let raw = Box::into_raw(self);
        // SAFETY: the same allocation; the caller says that there is a T.
        unsafe { Box::from_raw(raw.cast()) }
    }

    /// Puts a value into it.
    pub fn write(mut self, value: T) -> Box<T, A> {
        (*self).write(value);
        // SAFETY: just written.
        unsafe { self.assume_init() }
    }
}

impl<T, A: Allocator> Box<T, A> {
    /// Allocates and moves `x` there.
    #[inline]
    pub fn new(x: T, flags: Flags) -> Result<Self, AllocError> {
        Ok(Self::new_uninit(flags)?.write(x))
    }

    /// Allocates.
    #[inline]
    pub fn new_uninit(flags: Flags) -> Result<Box<MaybeUninit<T>, A>, AllocError> {
        let p = A::alloc(Layout::new::<MaybeUninit<T>>(), flags, NumaNode::NO_NODE)?;
        Ok(Box(p.cast(), PhantomData))
    }

    /// Allocates a zeroed value.
    pub fn zeroed(flags: Flags) -> Result<Self, AllocError>
    where
        T: Zeroable,
    {
        let b = Self::new_uninit(flags | __GFP_ZERO)?;
        // SAFETY: zeroes are a value of T.
        Ok(unsafe { b.assume_init() })
    }

    /// Allocates and moves `x` there, pinned.
    pub fn pin(x: T, flags: Flags) -> Result<Pin<Self>, AllocError> {
        Ok(Self::into_pin(Self::new(x, flags)?))
    }

    /// A pinned slice, each element made by the initialiser that `init` returns for its index.
    pub fn pin_slice<Func, Item, E>(
        mut init: Func,
        len: usize,
        flags: Flags,
    ) -> Result<Pin<Box<[T], A>>, E>
    where
        Func: FnMut(usize) -> Item,
        Item: PinInit<T, E>,
        E: From<AllocError>,
    {
        let mut v = super::Vec::<T, A>::with_capacity(len, flags)?;
        for i in 0..len {
            let slot = v.spare_capacity_mut().as_mut_ptr().cast::<T>();
            // SAFETY: there is room for len elements, of which i are made; none of them moves again.
            unsafe {
                init(i).__pinned_init(slot)?;
                v.inc_len(1);
            }
        }
        let (ptr, len, _) = v.into_raw_parts();
        // SAFETY: with_capacity() gives exactly this capacity, so that the layout is that of [T; len]; all are made.
        Ok(Box::into_pin(unsafe {
            Box::from_raw(core::ptr::slice_from_raw_parts_mut(ptr, len))
        }))
    }

    /// Frees the box and returns the value.
    pub fn into_inner(b: Self) -> T {
        // SAFETY: there is a value, and it is not used again: drop_contents's twin.
        let value = unsafe { b.0.read() };
        // SAFETY: the allocation as MaybeUninit, so that it is freed without dropping the value.
        drop(unsafe { Box::<MaybeUninit<T>, A>::from_raw(Box::into_raw(b).cast()) });
        value
    }

    /// Drops the value and keeps the memory.
    pub fn drop_contents(b: Self) -> Box<MaybeUninit<T>, A> {
        let p = Box::into_raw(b);
        // SAFETY: there is a value; it is not used again.
        unsafe { core::ptr::drop_in_place(p) };
        // SAFETY: the same allocation.
        unsafe { Box::from_raw(p.cast()) }
    }
}

impl<T: ?Sized, A: Allocator> Deref for Box<T, A> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: valid by the type's invariant; owned.
        unsafe { self.0.as_ref() }
    }
}

impl<T: ?Sized, A: Allocator> DerefMut for Box<T, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: valid by the type's invariant; owned.
        unsafe { self.0.as_mut() }
    }
}

impl<T: ?Sized, A: Allocator> Drop for Box<T, A> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: there is a value, by the invariant.
        let layout = Layout::for_value(unsafe { self.0.as_ref() });
        // SAFETY: it is not used again.
        unsafe { core::ptr::drop_in_place(self.0.as_ptr()) };
        // SAFETY: an allocation of A with this layout, by the invariant.
        unsafe { A::free(self.0.cast(), layout) }
    }
}

impl<T: ?Sized, A: Allocator> From<Box<T, A>> for Pin<Box<T, A>> {
    fn from(b: Box<T, A>) -> Self {
        Box::into_pin(b)
    }
}

impl<T, A: Allocator> InPlaceWrite<T> for Box<MaybeUninit<T>, A> {
    type Initialized = Box<T, A>;

    #[inline]
    fn write_init<E>(mut self, init: impl Init<T, E>) -> Result<Box<T, A>, E> {
        // SAFETY: the memory is ours; on an error it is freed as uninitialised.
        unsafe {
            init.__init(self.as_mut_ptr())?;
            Ok(self.assume_init())
        }
    }

    #[inline]
    fn write_pin_init<E>(mut self, init: impl PinInit<T, E>) -> Result<Pin<Box<T, A>>, E> {
        // SAFETY: the memory is ours and pinned from here on; on an error it is freed as uninitialised.
        unsafe {
            init.__pinned_init(self.as_mut_ptr())?;
            Ok(Box::into_pin(self.assume_init()))
        }
    }
}

impl<T, A: Allocator> InPlaceInit<T> for Box<T, A> {
    type PinnedSelf = Pin<Self>;

    #[inline]
    fn try_pin_init<E: From<AllocError>>(
        init: impl PinInit<T, E>,
        flags: Flags,
    ) -> Result<Pin<Self>, E> {
        Self::new_uninit(flags)?.write_pin_init(init)
    }

    #[inline]
    fn try_init<E: From<AllocError>>(init: impl Init<T, E>, flags: Flags) -> Result<Self, E> {
        Self::new_uninit(flags)?.write_init(init)
    }
}

// SAFETY: into_raw() and from_raw() are inverse; the borrowed forms are references to the value.
unsafe impl<T: 'static, A: Allocator> ForeignOwnable for Box<T, A> {
    const FOREIGN_ALIGN: usize = core::mem::align_of::<T>();
    type Borrowed<'a> = &'a T;
    type BorrowedMut<'a> = &'a mut T;

    fn into_foreign(self) -> *mut crate::ffi::c_void {
        Box::into_raw(self).cast()
    }
    unsafe fn from_foreign(ptr: *mut crate::ffi::c_void) -> Self {
        // SAFETY: from into_foreign(), by the caller's promise.
        unsafe { Box::from_raw(ptr.cast()) }
    }
    unsafe fn borrow<'a>(ptr: *mut crate::ffi::c_void) -> &'a T {
        // SAFETY: live and not mutably borrowed, by the caller's promise.
        unsafe { &*ptr.cast() }
    }
    unsafe fn borrow_mut<'a>(ptr: *mut crate::ffi::c_void) -> &'a mut T {
        // SAFETY: live and not otherwise borrowed, by the caller's promise.
        unsafe { &mut *ptr.cast() }
    }
}

// SAFETY: as above, pinned.
unsafe impl<T: 'static, A: Allocator> ForeignOwnable for Pin<Box<T, A>> {
    const FOREIGN_ALIGN: usize = core::mem::align_of::<T>();
    type Borrowed<'a> = Pin<&'a T>;
    type BorrowedMut<'a> = Pin<&'a mut T>;

    fn into_foreign(self) -> *mut crate::ffi::c_void {
        // SAFETY: it stays pinned: only from_foreign() takes it back.
        Box::into_raw(unsafe { Pin::into_inner_unchecked(self) }).cast()
    }
    unsafe fn from_foreign(ptr: *mut crate::ffi::c_void) -> Self {
        // SAFETY: from into_foreign(), by the caller's promise; it was pinned.
        unsafe { Pin::new_unchecked(Box::from_raw(ptr.cast())) }
    }
    unsafe fn borrow<'a>(ptr: *mut crate::ffi::c_void) -> Pin<&'a T> {
        // SAFETY: live and not mutably borrowed, by the caller's promise; it is pinned.
        unsafe { Pin::new_unchecked(&*ptr.cast()) }
    }
    unsafe fn borrow_mut<'a>(ptr: *mut crate::ffi::c_void) -> Pin<&'a mut T> {
        // SAFETY: live and not otherwise borrowed, by the caller's promise; it is pinned.
        unsafe { Pin::new_unchecked(&mut *ptr.cast()) }
    }
}

impl<T: ?Sized + fmt::Display, A: Allocator> fmt::Display for Box<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug, A: Allocator> fmt::Debug for Box<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
