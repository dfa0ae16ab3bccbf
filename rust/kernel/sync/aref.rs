//! References to objects that C counts.

use core::{marker::PhantomData, mem::ManuallyDrop, ops::Deref, ptr::NonNull};

/// Types whose objects are always counted.
///
/// # Safety
///
/// An object lives as long as its count is not zero, and `&T` implies that it is not; `inc_ref` keeps it alive.
pub unsafe trait AlwaysRefCounted {
    /// Takes one more reference.
    fn inc_ref(&self);

    /// Gives one back.
    ///
    /// # Safety
    ///
    /// The caller owns it, and does not use the object afterwards on its strength.
    unsafe fn dec_ref(obj: NonNull<Self>);
}

/// An owned reference to such an object.
///
/// # Invariants
///
/// The pointer is valid, and one reference is the `ARef`'s.
pub struct ARef<T: AlwaysRefCounted> {
    ptr: NonNull<T>,
    _p: PhantomData<T>,
}

// SAFETY: it may be the last reference, and it gives out &T.
unsafe impl<T: AlwaysRefCounted + Sync + Send> Send for ARef<T> {}
// SAFETY: as above; &ARef can be cloned.
unsafe impl<T: AlwaysRefCounted + Sync + Send> Sync for ARef<T> {}

impl<T: AlwaysRefCounted> ARef<T> {
    /// From a pointer.
    ///
    /// # Safety
    ///
    /// The object is alive, and the caller gives up one reference to it.
    pub unsafe fn from_raw(ptr: NonNull<T>) -> Self {
        ARef {
            ptr,
            _p: PhantomData,
        }
    }

    /// The pointer; its reference is now the caller's.
    pub fn into_raw(me: Self) -> NonNull<T> {
        ManuallyDrop::new(me).ptr
    }
}

impl<T: AlwaysRefCounted> Clone for ARef<T> {
    fn clone(&self) -> Self {
        self.inc_ref();
        // SAFETY: the reference just taken.
        unsafe { ARef::from_raw(self.ptr) }
    }
}

impl<T: AlwaysRefCounted> Deref for ARef<T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: valid by the invariant.
        unsafe { self.ptr.as_ref() }
    }
}

impl<T: AlwaysRefCounted> From<&T> for ARef<T> {
    fn from(b: &T) -> Self {
        b.inc_ref();
        // SAFETY: the reference just taken.
        unsafe { ARef::from_raw(NonNull::from(b)) }
    }
}

impl<T: AlwaysRefCounted> Drop for ARef<T> {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, by the invariant.
        unsafe { T::dec_ref(self.ptr) }
    }
}
