//! [`Arc`]: shared ownership, without weak references.

use super::Refcount;
use crate::{
    alloc::{flags::Flags, AllocError, KBox},
    fmt,
    init::InPlaceInit,
    types::ForeignOwnable,
};
use core::{
    alloc::Layout,
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    ops::{Deref, DerefMut},
    pin::Pin,
    ptr::NonNull,
};
use pin_init::{InPlaceWrite, Init, PinInit};

/// A counted pointer to a shared value.
///
/// ```
/// use kernel::{prelude::*, sync::Arc};
/// let a = Arc::new(7, GFP_KERNEL)?;
/// let b = a.clone();
/// assert!(Arc::ptr_eq(&a, &b));
/// assert_eq!(*b, 7);
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// The pointer is valid, and one reference is the `Arc`'s. The value is pinned.
#[derive(core::marker::CoercePointee)]
#[repr(transparent)]
pub struct Arc<T: ?Sized> {
    ptr: NonNull<ArcInner<T>>,
    _p: PhantomData<ArcInner<T>>,
}

#[repr(C)]
struct ArcInner<T: ?Sized> {
    refcount: Refcount,
    data: T,
}

impl<T: ?Sized> ArcInner<T> {
    /// From a pointer to the value.
    ///
    /// # Safety
    ///
    /// It is from [`Arc::into_raw`], and the `ArcInner` is alive.
    unsafe fn container_of(ptr: *const T) -> NonNull<ArcInner<T>> {
        // SAFETY: valid, by the caller's promise.
        let value = Layout::for_value(unsafe { &*ptr });
        let count = Layout::new::<Refcount>();
        // repr(C): the value comes behind the count, at its alignment.
        let offset = (count.size() + value.align() - 1) & !(value.align() - 1);
        let inner = ptr as *mut ArcInner<T>;
        // SAFETY: inside the ArcInner's allocation.
        unsafe { NonNull::new_unchecked(inner.byte_sub(offset)) }
    }
}

// SAFETY: any of the references may be the last, and each gives out &T.
unsafe impl<T: ?Sized + Sync + Send> Send for Arc<T> {}
// SAFETY: as above; &Arc can be cloned.
unsafe impl<T: ?Sized + Sync + Send> Sync for Arc<T> {}

impl<T> Arc<T> {
    /// Where the value is behind the pointer of the allocation.
    pub const DATA_OFFSET: usize = core::mem::offset_of!(ArcInner<T>, data);

    /// Allocates and moves `contents` there.
    #[inline]
    pub fn new(contents: T, flags: Flags) -> Result<Self, AllocError> {
        let inner = KBox::new(
            ArcInner {
                refcount: Refcount::new(1),
                data: contents,
            },
            flags,
        )?;
        // SAFETY: the one reference that was counted.
        Ok(unsafe { Self::from_inner(NonNull::from(KBox::leak(inner))) })
    }

    /// The value's pointer; the reference is now the caller's.
    pub fn into_raw(self) -> *const T {
        let ptr = ManuallyDrop::new(self).ptr.as_ptr();
        // SAFETY: valid by the invariant.
        unsafe { &raw const (*ptr).data }
    }

    /// The value's pointer.
    pub fn as_ptr(this: &Self) -> *const T {
        // SAFETY: valid by the invariant.
        unsafe { &raw const (*this.ptr.as_ptr()).data }
    }

    /// From what [`Arc::into_raw`] gave.
    ///
    /// # Safety
    ///
    /// It came from there, and the caller gives up the reference.
    pub unsafe fn from_raw(ptr: *const T) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::from_inner(ArcInner::container_of(ptr)) }
    }
}

impl<T: ?Sized> Arc<T> {
    /// # Safety
    ///
    /// Alive, and the caller gives up one reference.
    unsafe fn from_inner(ptr: NonNull<ArcInner<T>>) -> Self {
        Arc {
            ptr,
            _p: PhantomData,
        }
    }

    /// A borrow that can be made an [`Arc`].
    pub fn as_arc_borrow(&self) -> ArcBorrow<'_, T> {
        // SAFETY: self keeps it alive for as long as the borrow.
        unsafe { ArcBorrow::new(self.ptr) }
    }

    /// Whether both are the same allocation.
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        core::ptr::addr_eq(this.ptr.as_ptr(), other.ptr.as_ptr())
    }

    /// Gives the reference back; the value, if it was the last.
    pub fn into_unique_or_drop(this: Self) -> Option<Pin<UniqueArc<T>>> {
        let me = ManuallyDrop::new(this);
        // SAFETY: valid by the invariant.
        let count = unsafe { &me.ptr.as_ref().refcount };
        if !count.dec_and_test() {
            return None;
        }
        count.set(1);
        // SAFETY: the only reference; the value of an Arc is pinned.
        Some(unsafe {
            Pin::new_unchecked(UniqueArc {
                inner: Arc::from_inner(me.ptr),
            })
        })
    }
}

impl<T: ?Sized> Deref for Arc<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: valid by the invariant.
        unsafe { &self.ptr.as_ref().data }
    }
}

impl<T: ?Sized> AsRef<T> for Arc<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized> Clone for Arc<T> {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: valid by the invariant.
        unsafe { self.ptr.as_ref() }.refcount.inc();
        // SAFETY: the reference just taken.
        unsafe { Self::from_inner(self.ptr) }
    }
}

impl<T: ?Sized> Drop for Arc<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: valid by the invariant.
        if unsafe { self.ptr.as_ref() }.refcount.dec_and_test() {
            // SAFETY: made as a KBox, and nobody else has a reference.
            drop(unsafe { KBox::from_raw(self.ptr.as_ptr()) });
        }
    }
}

impl<T: ?Sized> From<UniqueArc<T>> for Arc<T> {
    fn from(u: UniqueArc<T>) -> Self {
        u.inner
    }
}

impl<T: ?Sized> From<Pin<UniqueArc<T>>> for Arc<T> {
    fn from(u: Pin<UniqueArc<T>>) -> Self {
        // SAFETY: the value of an Arc is pinned.
        unsafe { Pin::into_inner_unchecked(u) }.inner
    }
}

impl<T> InPlaceInit<T> for Arc<T> {
    type PinnedSelf = Self;

    fn try_pin_init<E: From<AllocError>>(
        init: impl PinInit<T, E>,
        flags: Flags,
    ) -> Result<Self, E> {
        UniqueArc::try_pin_init(init, flags).map(Into::into)
    }

    fn try_init<E: From<AllocError>>(init: impl Init<T, E>, flags: Flags) -> Result<Self, E> {
        UniqueArc::try_init(init, flags).map(Into::into)
    }
}

// SAFETY: into_raw() and from_raw() are inverse.
unsafe impl<T: 'static> ForeignOwnable for Arc<T> {
    const FOREIGN_ALIGN: usize = core::mem::align_of::<T>();
    type Borrowed<'a> = ArcBorrow<'a, T>;
    type BorrowedMut<'a> = ArcBorrow<'a, T>;

    fn into_foreign(self) -> *mut crate::ffi::c_void {
        self.into_raw().cast_mut().cast()
    }
    unsafe fn from_foreign(ptr: *mut crate::ffi::c_void) -> Self {
        // SAFETY: from into_foreign(), by the caller's promise.
        unsafe { Arc::from_raw(ptr.cast()) }
    }
    unsafe fn borrow<'a>(ptr: *mut crate::ffi::c_void) -> ArcBorrow<'a, T> {
        // SAFETY: alive during 'a, by the caller's promise.
        unsafe { ArcBorrow::from_raw(ptr.cast()) }
    }
    unsafe fn borrow_mut<'a>(ptr: *mut crate::ffi::c_void) -> ArcBorrow<'a, T> {
        // SAFETY: the caller promises more than borrow() needs.
        unsafe { Self::borrow(ptr) }
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for Arc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Arc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A borrowed [`Arc`]: one word, copied freely, without a count.
///
/// # Invariants
///
/// The pointer is valid for `'a`, and nobody has mutable access to the value.
pub struct ArcBorrow<'a, T: ?Sized> {
    inner: NonNull<ArcInner<T>>,
    _p: PhantomData<&'a T>,
}

// SAFETY: it can be made an Arc.
unsafe impl<T: ?Sized + Sync + Send> Send for ArcBorrow<'_, T> {}
// SAFETY: it can be made an Arc.
unsafe impl<T: ?Sized + Sync + Send> Sync for ArcBorrow<'_, T> {}

impl<T: ?Sized> Clone for ArcBorrow<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: ?Sized> Copy for ArcBorrow<'_, T> {}

impl<T: ?Sized> ArcBorrow<'_, T> {
    /// # Safety
    ///
    /// Alive for the lifetime.
    unsafe fn new(inner: NonNull<ArcInner<T>>) -> Self {
        ArcBorrow {
            inner,
            _p: PhantomData,
        }
    }
}

impl<T> ArcBorrow<'_, T> {
    /// From what [`Arc::into_raw`] gave.
    ///
    /// # Safety
    ///
    /// It came from there, and the reference stays for the lifetime.
    pub unsafe fn from_raw(ptr: *const T) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::new(ArcInner::container_of(ptr)) }
    }
}

impl<T: ?Sized> From<ArcBorrow<'_, T>> for Arc<T> {
    fn from(b: ArcBorrow<'_, T>) -> Self {
        // SAFETY: alive by the invariant; the extra reference is not dropped.
        let arc = ManuallyDrop::new(unsafe { Arc::from_inner(b.inner) });
        (*arc).clone()
    }
}

impl<T: ?Sized> Deref for ArcBorrow<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: valid by the invariant.
        unsafe { &self.inner.as_ref().data }
    }
}

/// An [`Arc`] with the only reference: the value can be changed.
pub struct UniqueArc<T: ?Sized> {
    inner: Arc<T>,
}

impl<T> UniqueArc<T> {
    /// Allocates and moves `value` there.
    pub fn new(value: T, flags: Flags) -> Result<Self, AllocError> {
        Ok(UniqueArc {
            inner: Arc::new(value, flags)?,
        })
    }

    /// Allocates.
    pub fn new_uninit(flags: Flags) -> Result<UniqueArc<MaybeUninit<T>>, AllocError> {
        let mut inner = KBox::<ArcInner<MaybeUninit<T>>>::new_uninit(flags)?;
        // SAFETY: only the count is written; the value may be uninitialised as MaybeUninit.
        let inner = unsafe {
            (&raw mut (*inner.as_mut_ptr()).refcount).write(Refcount::new(1));
            inner.assume_init()
        };
        Ok(UniqueArc {
            // SAFETY: the one reference that was counted.
            inner: unsafe { Arc::from_inner(NonNull::from(KBox::leak(inner))) },
        })
    }
}

impl<T> UniqueArc<MaybeUninit<T>> {
    /// Puts a value into it.
    pub fn write(mut self, value: T) -> UniqueArc<T> {
        (*self).write(value);
        // SAFETY: just written.
        unsafe { self.assume_init() }
    }

    /// With a value.
    ///
    /// # Safety
    ///
    /// There is one.
    pub unsafe fn assume_init(self) -> UniqueArc<T> {
        let ptr = ManuallyDrop::new(self).inner.ptr;
        UniqueArc {
            // SAFETY: the same allocation and reference; the caller says that there is a T.
            inner: unsafe { Arc::from_inner(ptr.cast()) },
        }
    }

    /// Runs an initialiser in it.
    pub fn init_with<E>(mut self, init: impl Init<T, E>) -> Result<UniqueArc<T>, E> {
        // SAFETY: the memory is ours; on an error it is freed as uninitialised.
        unsafe {
            init.__init(self.as_mut_ptr())?;
            Ok(self.assume_init())
        }
    }

    /// Runs a pinned initialiser in it.
    pub fn pin_init_with<E>(mut self, init: impl PinInit<T, E>) -> Result<Pin<UniqueArc<T>>, E> {
        // SAFETY: the memory is ours and pinned from here on; on an error it is freed as uninitialised.
        unsafe {
            init.__pinned_init(self.as_mut_ptr())?;
            Ok(Pin::new_unchecked(self.assume_init()))
        }
    }
}

impl<T> InPlaceWrite<T> for UniqueArc<MaybeUninit<T>> {
    type Initialized = UniqueArc<T>;
    fn write_init<E>(self, init: impl Init<T, E>) -> Result<UniqueArc<T>, E> {
        self.init_with(init)
    }
    fn write_pin_init<E>(self, init: impl PinInit<T, E>) -> Result<Pin<UniqueArc<T>>, E> {
        self.pin_init_with(init)
    }
}

impl<T> InPlaceInit<T> for UniqueArc<T> {
    type PinnedSelf = Pin<Self>;

    fn try_pin_init<E: From<AllocError>>(
        init: impl PinInit<T, E>,
        flags: Flags,
    ) -> Result<Pin<Self>, E> {
        UniqueArc::new_uninit(flags)?.pin_init_with(init)
    }

    fn try_init<E: From<AllocError>>(init: impl Init<T, E>, flags: Flags) -> Result<Self, E> {
        UniqueArc::new_uninit(flags)?.init_with(init)
    }
}

impl<T: ?Sized> From<UniqueArc<T>> for Pin<UniqueArc<T>> {
    fn from(u: UniqueArc<T>) -> Self {
        // SAFETY: the value stays where it is until dropped.
        unsafe { Pin::new_unchecked(u) }
    }
}

impl<T: ?Sized> Deref for UniqueArc<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for UniqueArc<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the only reference, so that nobody else looks at the value.
        unsafe { &mut self.inner.ptr.as_mut().data }
    }
}
