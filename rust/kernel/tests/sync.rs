use crate::{
    prelude::*,
    sync::{
        new_condvar, new_mutex, new_spinlock, Arc, ArcBorrow, Completion, CondVar, Mutex, Refcount,
        SpinLock, UniqueArc,
    },
    types::ForeignOwnable,
};
use std::thread;

extern "C" {
    #[thread_local]
    static fake_ref_reports: i32;
}

#[pin_data]
struct Shared {
    #[pin]
    m: Mutex<u64>,
    #[pin]
    s: SpinLock<u64>,
    #[pin]
    changed: CondVar,
}

fn shared() -> Arc<Shared> {
    let init = pin_init!(Shared {
        m <- new_mutex!(0),
        s <- new_spinlock!(0, "Shared::s"),
        changed <- new_condvar!(),
    });
    Arc::pin_init(init, GFP_KERNEL).unwrap()
}

#[test]
fn locks_exclude() {
    let a = shared();
    let threads: std::vec::Vec<_> = (0..4)
        .map(|_| {
            let a = a.clone();
            thread::spawn(move || {
                for _ in 0..1000 {
                    let v = *a.m.lock();
                    *a.m.lock() += 1;
                    assert!(*a.m.lock() > v);
                    *a.s.lock() += 1;
                }
            })
        })
        .collect();
    for t in threads {
        t.join().unwrap();
    }
    assert_eq!(*a.m.lock(), 4000);
    assert_eq!(*a.s.lock(), 4000);
    let g = a.m.lock();
    assert!(a.m.try_lock().is_none());
    drop(g);
    assert!(a.m.try_lock().is_some());
}

#[test]
fn condvar_wakes() {
    let a = shared();
    let b = a.clone();
    let t = thread::spawn(move || {
        let mut g = b.m.lock();
        while *g != 5 {
            b.changed.wait(&mut g);
        }
        *g = 6;
        b.changed.notify_all();
    });
    *a.m.lock() = 5;
    a.changed.notify_one();
    let mut g = a.m.lock();
    while *g != 6 {
        a.changed.notify_one();
        let _ = a.changed.wait_interruptible_timeout(&mut g, 1_000_000);
    }
    drop(g);
    t.join().unwrap();
}

#[test]
fn completion_is_for_ever() {
    let c = Arc::pin_init(Completion::new(), GFP_KERNEL).unwrap();
    let d = c.clone();
    let t = thread::spawn(move || d.wait_for_completion());
    c.complete_all();
    t.join().unwrap();
    c.wait_for_completion();
}

struct OnDrop<'a>(&'a core::cell::Cell<u32>);
impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn arc_drops_with_the_last_reference() {
    let n = core::cell::Cell::new(0);
    let a = Arc::new(OnDrop(&n), GFP_KERNEL).unwrap();
    let b: Arc<_> = a.as_arc_borrow().into();
    assert!(Arc::into_unique_or_drop(a).is_none());
    assert_eq!(n.get(), 0);
    let u = Arc::into_unique_or_drop(b).unwrap();
    assert_eq!(n.get(), 0);
    drop(u);
    assert_eq!(n.get(), 1);
}

#[test]
fn arc_raw_pointers_and_unsizing() {
    #[repr(align(64))]
    struct Aligned(u8);
    let a = Arc::new(Aligned(3), GFP_KERNEL).unwrap();
    let p = a.into_foreign();
    // SAFETY: from into_foreign() just now.
    let b: ArcBorrow<'_, Aligned> = unsafe { Arc::borrow(p) };
    assert_eq!(b.0, 3);
    // SAFETY: as above, and b is not used again.
    let a: Arc<Aligned> = unsafe { Arc::from_foreign(p) };
    assert_eq!(a.0, 3);
    let d: Arc<dyn core::fmt::Display> = Arc::new("text", GFP_KERNEL).unwrap();
    assert_eq!(d.clone().to_string(), "text");
    let mut u = UniqueArc::new(1, GFP_KERNEL).unwrap();
    *u += 1;
    let a: Arc<i32> = u.into();
    assert_eq!(*a, 2);
}

#[test]
fn refcount_saturates() {
    let r = Refcount::new(i32::MAX);
    r.inc();
    r.inc();
    assert!(r.read() < 0);
    for _ in 0..3 {
        assert!(!r.dec_and_test());
    }
    assert_eq!(r.read(), -0x4000_0000);
    let r = Refcount::new(0);
    r.inc();
    assert_eq!(r.read(), -0x4000_0000);
    // SAFETY: this thread's own.
    assert!(unsafe { fake_ref_reports } >= 2);
}
