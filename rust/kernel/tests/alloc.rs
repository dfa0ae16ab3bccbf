use crate::{prelude::*, str::CString};
use core::cell::Cell;

extern "C" {
    #[thread_local]
    static mut fake_fail_allocs: i32;
}

fn fail_next(n: i32) {
    // SAFETY: this thread's own.
    unsafe { fake_fail_allocs = n }
}

struct Loud<'a>(&'a Cell<u32>, u32);
impl Drop for Loud<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn box_allocates_drops_once_and_gives_back() {
    let n = Cell::new(0);
    let b = KBox::new(Loud(&n, 1), GFP_KERNEL).unwrap();
    assert_eq!(b.1, 1);
    drop(b);
    assert_eq!(n.get(), 1);
    let b = KBox::new(Loud(&n, 2), GFP_KERNEL).unwrap();
    let inner = KBox::into_inner(b);
    assert_eq!(n.get(), 1);
    drop(inner);
    let b = KBox::new(Loud(&n, 3), GFP_KERNEL).unwrap();
    let room = KBox::drop_contents(b);
    assert_eq!(n.get(), 3);
    drop(room.write(Loud(&n, 4)));
    assert_eq!(n.get(), 4);
}

#[test]
fn box_of_dyn_trait() {
    let b: KBox<dyn core::fmt::Display> = KBox::new(5, GFP_KERNEL).unwrap();
    assert_eq!(b.to_string(), "5");
}

#[test]
fn alignment_is_kept() {
    #[repr(align(256))]
    struct Big([u8; 300]);
    for _ in 0..8 {
        let b = KBox::new(Big([7; 300]), GFP_KERNEL).unwrap();
        assert_eq!((&raw const *b) as usize % 256, 0);
        assert_eq!(b.0[299], 7);
    }
}

#[test]
fn failure_is_an_error_and_loses_nothing() {
    let n = Cell::new(0);
    fail_next(1);
    assert!(KBox::new(Loud(&n, 1), GFP_KERNEL).is_err());
    assert_eq!(n.get(), 1);
    let mut v = KVec::new();
    v.push(1, GFP_KERNEL).unwrap();
    v.reserve(3, GFP_KERNEL).unwrap();
    let cap = v.capacity();
    while v.len() < cap {
        v.push(2, GFP_KERNEL).unwrap();
    }
    // Both the doubling and the exact size.
    fail_next(2);
    assert!(v.push(3, GFP_KERNEL).is_err());
    assert_eq!(v.len(), cap);
    assert_eq!(v[0], 1);
    v.push(3, GFP_KERNEL).unwrap();
    assert_eq!(v[cap], 3);
    assert_eq!(Error::from(crate::alloc::AllocError), ENOMEM);
}

#[test]
fn zeroed_only_when_asked() {
    let b = KBox::<[u8; 64]>::zeroed(GFP_KERNEL).unwrap();
    assert_eq!(*b, [0; 64]);
    let b = KBox::<[u8; 64]>::new_uninit(GFP_KERNEL).unwrap();
    // The fake fills memory that need not be zeroed.
    // SAFETY: the fake initialised it.
    assert_eq!(unsafe { *b.as_ptr().cast::<u8>() }, 0xa5);
}

#[test]
fn vec_operations() {
    let n = Cell::new(0);
    let mut v = KVec::new();
    for i in 0..10 {
        v.push(Loud(&n, i), GFP_KERNEL).unwrap();
    }
    v.retain(|l| l.1 % 2 == 0);
    assert_eq!(n.get(), 5);
    assert!(v.iter().map(|l| l.1).eq([0, 2, 4, 6, 8]));
    assert_eq!(v.remove(1).unwrap().1, 2);
    assert!(v.remove(9).is_err());
    v.truncate(3);
    assert_eq!(n.get(), 7);
    assert!(v.insert_within_capacity(4, Loud(&n, 9)).is_err());
    v.insert_within_capacity(0, Loud(&n, 9))
        .map_err(|_| ())
        .unwrap();
    assert!(v.iter().map(|l| l.1).eq([9, 0, 4, 6]));
    let mut it = v.into_iter();
    assert_eq!(it.next().unwrap().1, 9);
    let rest = it.collect(GFP_KERNEL);
    assert!(rest.iter().map(|l| l.1).eq([0, 4, 6]));
    let before = n.get();
    drop(rest);
    assert_eq!(n.get(), before + 3);
}

#[test]
fn vec_macro_resize_and_equality() {
    let mut v = kvec![1, 2, 3].unwrap();
    v.resize(5, 7, GFP_KERNEL).unwrap();
    assert_eq!(v, [1, 2, 3, 7, 7]);
    v.resize(1, 0, GFP_KERNEL).unwrap();
    assert_eq!(v, [1]);
    assert_eq!(kvec![9u8; 3].unwrap(), [9, 9, 9]);
    let drained: std::vec::Vec<_> = v.drain_all().collect();
    assert_eq!(drained, [1]);
    assert!(v.is_empty());
    let mut big = KVVec::from_elem(1u8, 100_000, GFP_KERNEL).unwrap();
    big.truncate(10);
    big.shrink_to(0, GFP_KERNEL).unwrap();
    assert_eq!(big.capacity(), 10);
    assert_eq!(big, [1; 10]);
}

#[test]
fn zero_sized_elements_take_no_memory() {
    fail_next(1);
    let mut v = KVec::new();
    for _ in 0..1000 {
        v.push((), GFP_KERNEL).unwrap();
    }
    assert_eq!(v.len(), 1000);
    let b = KBox::new((), GFP_KERNEL).unwrap();
    drop(b);
    fail_next(0);
}

#[test]
fn pin_slice_is_made_in_place() {
    let s = KBox::<usize>::pin_slice(|i| Ok::<_, Error>(i * 2), 4, GFP_KERNEL).unwrap();
    assert_eq!(*s, [0, 2, 4, 6]);
    let n = Cell::new(0);
    let r = KBox::<Loud<'_>>::pin_slice(
        |i| if i < 2 { Ok(Loud(&n, 0)) } else { Err(EIO) },
        4,
        GFP_KERNEL,
    );
    assert_eq!(r.err(), Some(EIO));
    assert_eq!(n.get(), 2);
}

#[test]
fn cstring_from_format() {
    let s = CString::try_from_fmt(fmt!("{}-{:#x}", "a", 255)).unwrap();
    assert_eq!(s.to_bytes(), b"a-0xff");
}
