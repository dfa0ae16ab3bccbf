//! [`Vec`].

use super::{
    allocator::{KVmalloc, Kmalloc, Vmalloc},
    flags::Flags,
    AllocError, Allocator, NumaNode,
};
use crate::{
    error::{code::EINVAL, Error},
    fmt,
};
use core::{
    alloc::Layout,
    marker::PhantomData,
    mem::{ManuallyDrop, MaybeUninit},
    ops::{Deref, DerefMut, Index, IndexMut},
    ptr::{self, NonNull},
    slice::{self, SliceIndex},
};
use pin_init::Zeroable;

/// A growable array.
///
/// ```
/// use kernel::prelude::*;
/// let mut v = KVec::new();
/// v.push(1, GFP_KERNEL)?;
/// v.extend_from_slice(&[2, 3], GFP_KERNEL)?;
/// assert_eq!(v, [1, 2, 3]);
/// assert_eq!(v.pop(), Some(3));
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// `ptr` is an allocation of `A` with room for `cap` elements, or dangling if that takes no memory; the first `len` are
/// valid, `len <= cap`. The size in bytes is at most `isize::MAX`.
pub struct Vec<T, A: Allocator> {
    ptr: NonNull<T>,
    cap: usize,
    len: usize,
    _p: PhantomData<(T, A)>,
}

/// A [`Vec`] of [`Kmalloc`].
pub type KVec<T> = Vec<T, Kmalloc>;
/// A [`Vec`] of [`Vmalloc`].
pub type VVec<T> = Vec<T, Vmalloc>;
/// A [`Vec`] of [`KVmalloc`].
pub type KVVec<T> = Vec<T, KVmalloc>;

// SAFETY: it owns the elements.
unsafe impl<T: Send, A: Allocator> Send for Vec<T, A> {}
// SAFETY: it owns the elements.
unsafe impl<T: Sync, A: Allocator> Sync for Vec<T, A> {}

/// No room for the element; it is given back.
#[derive(Debug)]
pub struct PushError<T>(pub T);

impl<T> From<PushError<T>> for Error {
    fn from(_: PushError<T>) -> Error {
        EINVAL
    }
}

/// The index was out of bounds.
#[derive(Debug, PartialEq, Eq)]
pub struct RemoveError;

impl From<RemoveError> for Error {
    fn from(_: RemoveError) -> Error {
        EINVAL
    }
}

/// Why an element could not be put at an index; it is given back.
#[derive(Debug)]
pub enum InsertError<T> {
    /// The index is beyond the end.
    IndexOutOfBounds(T),
    /// There is no room.
    OutOfCapacity(T),
}

impl<T> From<InsertError<T>> for Error {
    fn from(_: InsertError<T>) -> Error {
        EINVAL
    }
}

impl<T, A: Allocator> Vec<T, A> {
    const ZST: bool = core::mem::size_of::<T>() == 0;

    /// An empty one; allocates nothing.
    #[inline]
    pub const fn new() -> Self {
        Vec {
            ptr: NonNull::dangling(),
            cap: 0,
            len: 0,
            _p: PhantomData,
        }
    }

    /// An empty one with room for `capacity` elements.
    pub fn with_capacity(capacity: usize, flags: Flags) -> Result<Self, AllocError> {
        let mut v = Vec::new();
        v.set_capacity(capacity, flags)?;
        Ok(v)
    }

    /// How many elements it has room for.
    #[inline]
    pub fn capacity(&self) -> usize {
        if Self::ZST {
            usize::MAX
        } else {
            self.cap
        }
    }

    /// How many elements there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All elements.
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        self
    }

    /// All elements.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self
    }

    /// Where the elements are.
    #[inline]
    pub fn as_ptr(&self) -> *const T {
        self.ptr.as_ptr()
    }

    /// Where the elements are.
    #[inline]
    pub fn as_mut_ptr(&mut self) -> *mut T {
        self.ptr.as_ptr()
    }

    /// Counts elements that were written into [`Vec::spare_capacity_mut`].
    ///
    /// # Safety
    ///
    /// They were, and there is room for them.
    #[inline]
    pub unsafe fn inc_len(&mut self, additional: usize) {
        debug_assert!(additional <= self.capacity() - self.len);
        self.len += additional;
    }

    /// The room behind the elements.
    pub fn spare_capacity_mut(&mut self) -> &mut [MaybeUninit<T>] {
        let room = self.capacity() - self.len;
        // SAFETY: len <= cap elements are behind ptr; the rest may be uninitialised as MaybeUninit.
        unsafe { slice::from_raw_parts_mut(self.ptr.as_ptr().add(self.len).cast(), room) }
    }

    fn layout(cap: usize) -> Result<Layout, AllocError> {
        Layout::array::<T>(cap).map_err(|_| AllocError)
    }

    /// Changes the capacity, which stays at least the length.
    fn set_capacity(&mut self, cap: usize, flags: Flags) -> Result<(), AllocError> {
        if Self::ZST || cap == self.cap {
            return Ok(());
        }
        let (new, old) = (Self::layout(cap)?, Self::layout(self.cap)?);
        let p = (self.cap != 0).then_some(self.ptr.cast());
        // SAFETY: an allocation of A with this layout, by the invariant; the same alignment.
        let p = unsafe { A::realloc(p, new, old, flags, NumaNode::NO_NODE)? };
        self.ptr = p.cast();
        self.cap = cap;
        Ok(())
    }

    /// Makes room for `additional` more elements; at least doubles, so that pushing takes constant time.
    #[inline]
    pub fn reserve(&mut self, additional: usize, flags: Flags) -> Result<(), AllocError> {
        if self.capacity() - self.len >= additional {
            return Ok(());
        }
        self.grow(additional, flags)
    }

    #[cold]
    fn grow(&mut self, additional: usize, flags: Flags) -> Result<(), AllocError> {
        let need = self.len.checked_add(additional).ok_or(AllocError)?;
        let double = self.cap.saturating_mul(2).max(4);
        self.set_capacity(need.max(double), flags)
            .or_else(|_| self.set_capacity(need, flags))
    }

    /// Adds an element.
    #[inline]
    pub fn push(&mut self, v: T, flags: Flags) -> Result<(), AllocError> {
        self.reserve(1, flags)?;
        // SAFETY: there is room now.
        unsafe { self.push_unchecked(v) };
        Ok(())
    }

    /// Adds an element without allocating.
    pub fn push_within_capacity(&mut self, v: T) -> Result<(), PushError<T>> {
        if self.len == self.capacity() {
            return Err(PushError(v));
        }
        // SAFETY: there is room.
        unsafe { self.push_unchecked(v) };
        Ok(())
    }

    /// # Safety
    ///
    /// There is room.
    #[inline]
    unsafe fn push_unchecked(&mut self, v: T) {
        // SAFETY: len < cap, by the caller's promise.
        unsafe {
            self.ptr.as_ptr().add(self.len).write(v);
            self.inc_len(1);
        }
    }

    /// Puts an element at `index` without allocating; those behind move by one.
    pub fn insert_within_capacity(&mut self, index: usize, v: T) -> Result<(), InsertError<T>> {
        if index > self.len {
            return Err(InsertError::IndexOutOfBounds(v));
        }
        if self.len == self.capacity() {
            return Err(InsertError::OutOfCapacity(v));
        }
        // SAFETY: there is room for one more element, and index is not beyond the end.
        unsafe {
            let p = self.ptr.as_ptr().add(index);
            ptr::copy(p, p.add(1), self.len - index);
            p.write(v);
            self.inc_len(1);
        }
        Ok(())
    }

    /// Takes the last element.
    pub fn pop(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        // SAFETY: it was valid, and is behind the end now.
        Some(unsafe { self.ptr.as_ptr().add(self.len).read() })
    }

    /// Takes the element at `i`; those behind move up.
    pub fn remove(&mut self, i: usize) -> Result<T, RemoveError> {
        if i >= self.len {
            return Err(RemoveError);
        }
        // SAFETY: i is in bounds; what is read is overwritten or behind the end afterwards.
        unsafe {
            let p = self.ptr.as_ptr().add(i);
            let v = p.read();
            ptr::copy(p.add(1), p, self.len - i - 1);
            self.len -= 1;
            Ok(v)
        }
    }

    /// Drops all elements behind the first `len`.
    pub fn truncate(&mut self, len: usize) {
        let Some(n) = self.len.checked_sub(len) else {
            return;
        };
        self.len = len;
        // SAFETY: these n were valid, and are behind the end now.
        unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(self.ptr.as_ptr().add(len), n)) };
    }

    /// Drops all elements; keeps the memory.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Takes all elements; keeps the memory.
    pub fn drain_all(&mut self) -> DrainAll<'_, T> {
        let n = core::mem::take(&mut self.len);
        DrainAll {
            // SAFETY: n valid elements that are behind the end now.
            elements: unsafe { slice::from_raw_parts_mut(self.ptr.as_ptr(), n) }.iter_mut(),
        }
    }

    /// Keeps the elements for which `keep` says true.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        let mut kept = 0;
        let mut i = 0;
        while i < self.len {
            if keep(&mut self[i]) {
                self.swap(kept, i);
                kept += 1;
            }
            i += 1;
        }
        self.truncate(kept);
    }

    /// Pointer, length and capacity; the memory is now the caller's.
    pub fn into_raw_parts(self) -> (*mut T, usize, usize) {
        let me = ManuallyDrop::new(self);
        (me.ptr.as_ptr(), me.len, me.capacity())
    }

    /// From what [`Vec::into_raw_parts`] gave.
    ///
    /// # Safety
    ///
    /// They came from there, with the same `A`, and are not used otherwise.
    pub unsafe fn from_raw_parts(ptr: *mut T, len: usize, cap: usize) -> Self {
        Vec {
            // SAFETY: into_raw_parts()'s pointers are not null.
            ptr: unsafe { NonNull::new_unchecked(ptr) },
            cap: if Self::ZST { 0 } else { cap },
            len,
            _p: PhantomData,
        }
    }
}

impl<T: Clone, A: Allocator> Vec<T, A> {
    /// Adds `n` clones of `value`.
    pub fn extend_with(&mut self, n: usize, value: T, flags: Flags) -> Result<(), AllocError> {
        if n == 0 {
            return Ok(());
        }
        self.reserve(n, flags)?;
        for _ in 1..n {
            // SAFETY: room for n was reserved.
            unsafe { self.push_unchecked(value.clone()) };
        }
        // SAFETY: as above; this is the n-th.
        unsafe { self.push_unchecked(value) };
        Ok(())
    }

    /// Adds clones of all of `other`.
    pub fn extend_from_slice(&mut self, other: &[T], flags: Flags) -> Result<(), AllocError> {
        self.reserve(other.len(), flags)?;
        for v in other {
            // SAFETY: room for all was reserved.
            unsafe { self.push_unchecked(v.clone()) };
        }
        Ok(())
    }

    /// `n` clones of `value`.
    pub fn from_elem(value: T, n: usize, flags: Flags) -> Result<Self, AllocError> {
        let mut v = Self::with_capacity(n, flags)?;
        v.extend_with(n, value, flags)?;
        Ok(v)
    }

    /// Makes the length `new_len`, with clones of `value` or by dropping elements.
    pub fn resize(&mut self, new_len: usize, value: T, flags: Flags) -> Result<(), AllocError> {
        match new_len.checked_sub(self.len) {
            Some(n) => self.extend_with(n, value, flags),
            None => {
                self.truncate(new_len);
                Ok(())
            }
        }
    }
}

impl<T> Vec<T, KVmalloc> {
    /// Gives memory back until there is room for `min_capacity` elements, or for those that there are.
    pub fn shrink_to(&mut self, min_capacity: usize, flags: Flags) -> Result<(), AllocError> {
        let cap = min_capacity.max(self.len);
        if Self::ZST || cap >= self.cap {
            return Ok(());
        }
        self.set_capacity(cap, flags)
    }
}

impl<T, A: Allocator> Drop for Vec<T, A> {
    fn drop(&mut self) {
        self.clear();
        if self.cap != 0 && !Self::ZST {
            if let Ok(layout) = Self::layout(self.cap) {
                // SAFETY: an allocation of A with this layout, by the invariant.
                unsafe { A::free(self.ptr.cast(), layout) };
            }
        }
    }
}

impl<T, A: Allocator> Default for Vec<T, A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, A: Allocator> Deref for Vec<T, A> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: len valid elements, by the invariant.
        unsafe { slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
}

impl<T, A: Allocator> DerefMut for Vec<T, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: len valid elements, by the invariant; owned.
        unsafe { slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
}

impl<T, I: SliceIndex<[T]>, A: Allocator> Index<I> for Vec<T, A> {
    type Output = I::Output;
    #[inline]
    fn index(&self, i: I) -> &I::Output {
        &(**self)[i]
    }
}

impl<T, I: SliceIndex<[T]>, A: Allocator> IndexMut<I> for Vec<T, A> {
    #[inline]
    fn index_mut(&mut self, i: I) -> &mut I::Output {
        &mut (**self)[i]
    }
}

impl<T: fmt::Debug, A: Allocator> fmt::Debug for Vec<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

macro_rules! eq {
    ($([$($g:tt)*] $lhs:ty, $rhs:ty;)*) => { $(
        impl<T: PartialEq<U>, U, $($g)*> PartialEq<$rhs> for $lhs {
            fn eq(&self, other: &$rhs) -> bool {
                self[..] == other[..]
            }
        }
    )* };
}
eq! {
    [A: Allocator, B: Allocator] Vec<T, A>, Vec<U, B>;
    [A: Allocator] Vec<T, A>, &[U];
    [A: Allocator] Vec<T, A>, &mut [U];
    [A: Allocator] &[T], Vec<U, A>;
    [A: Allocator] Vec<T, A>, [U];
    [A: Allocator] [T], Vec<U, A>;
    [A: Allocator, const N: usize] Vec<T, A>, [U; N];
    [A: Allocator, const N: usize] Vec<T, A>, &[U; N];
}
impl<T: Eq, A: Allocator> Eq for Vec<T, A> {}

/// What [`Vec::drain_all`] returns.
pub struct DrainAll<'a, T> {
    elements: slice::IterMut<'a, T>,
}

impl<T> Iterator for DrainAll<'_, T> {
    type Item = T;
    fn next(&mut self) -> Option<T> {
        let p: *mut T = self.elements.next()?;
        // SAFETY: valid, and given out only once.
        Some(unsafe { p.read() })
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.elements.size_hint()
    }
}

impl<T> Drop for DrainAll<'_, T> {
    fn drop(&mut self) {
        let rest: *mut [T] = core::mem::take(&mut self.elements).into_slice();
        // SAFETY: these were not given out.
        unsafe { ptr::drop_in_place(rest) };
    }
}

/// The elements of a [`Vec`], by value.
///
/// # Invariants
///
/// `len` valid elements are at `ptr`, inside the allocation `buf` of `cap` elements.
pub struct IntoIter<T, A: Allocator> {
    ptr: *mut T,
    buf: NonNull<T>,
    len: usize,
    cap: usize,
    _p: PhantomData<(T, A)>,
}

// SAFETY: it owns the elements.
unsafe impl<T: Send, A: Allocator> Send for IntoIter<T, A> {}

impl<T, A: Allocator> IntoIter<T, A> {
    /// The elements that are left, in a [`Vec`] of the same memory.
    pub fn collect(self, flags: Flags) -> Vec<T, A> {
        let _ = flags;
        let me = ManuallyDrop::new(self);
        // SAFETY: len elements, inside an allocation of cap that begins at buf.
        unsafe {
            ptr::copy(me.ptr, me.buf.as_ptr(), me.len);
            Vec::from_raw_parts(me.buf.as_ptr(), me.len, me.cap)
        }
    }

    fn as_raw_mut_slice(&mut self) -> *mut [T] {
        ptr::slice_from_raw_parts_mut(self.ptr, self.len)
    }
}

impl<T, A: Allocator> Iterator for IntoIter<T, A> {
    type Item = T;
    fn next(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        let p = self.ptr;
        // SAFETY: it is inside the allocation, or one behind its end.
        self.ptr = unsafe { p.add(1) };
        // SAFETY: valid, and given out only once.
        Some(unsafe { p.read() })
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl<T, A: Allocator> Drop for IntoIter<T, A> {
    fn drop(&mut self) {
        // SAFETY: these were not given out.
        unsafe { ptr::drop_in_place(self.as_raw_mut_slice()) };
        // SAFETY: the allocation; no elements are left in it.
        drop(unsafe { Vec::<T, A>::from_raw_parts(self.buf.as_ptr(), 0, self.cap) });
    }
}

impl<T, A: Allocator> IntoIterator for Vec<T, A> {
    type Item = T;
    type IntoIter = IntoIter<T, A>;
    fn into_iter(self) -> IntoIter<T, A> {
        let buf = self.ptr;
        let (ptr, len, cap) = self.into_raw_parts();
        IntoIter {
            ptr,
            buf,
            len,
            cap,
            _p: PhantomData,
        }
    }
}

impl<'a, T, A: Allocator> IntoIterator for &'a Vec<T, A> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T, A: Allocator> IntoIterator for &'a mut Vec<T, A> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<T: Zeroable, A: Allocator> Vec<T, A> {
    /// `n` zeroed elements.
    pub fn zeroed(n: usize, flags: Flags) -> Result<Self, AllocError> {
        let mut v = Self::with_capacity(n, flags | super::flags::__GFP_ZERO)?;
        // SAFETY: the memory is zeroed, and zeroes are a value of T; there is room for n.
        unsafe { v.inc_len(n) };
        Ok(v)
    }
}

/// A [`KVec`] of the elements, or of `n` clones of one: `kvec![a, b]?`, `kvec![x; n]?`.
#[macro_export]
macro_rules! kvec {
    () => { $crate::alloc::KVec::new() };
    ($elem:expr; $n:expr) => {
        $crate::alloc::KVec::from_elem($elem, $n, $crate::alloc::flags::GFP_KERNEL)
    };
    ($($x:expr),+ $(,)?) => {
        match $crate::alloc::KBox::new([$($x),+], $crate::alloc::flags::GFP_KERNEL) {
            Ok(b) => Ok($crate::alloc::KVec::from(b)),
            Err(e) => Err(e),
        }
    };
}

impl<T, A: Allocator, const N: usize> From<super::Box<[T; N], A>> for Vec<T, A> {
    fn from(b: super::Box<[T; N], A>) -> Self {
        let p = super::Box::into_raw(b).cast::<T>();
        // SAFETY: the layout of [T; N] is that of N elements; all are valid.
        unsafe { Vec::from_raw_parts(p, N, N) }
    }
}
