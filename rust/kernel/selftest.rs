//! Tests of the kernel crate on the C code behind it: they run in QEMU, and on the host on the fakes.

use macros::kunit_tests;

#[kunit_tests(rust_kernel)]
mod tests {
    use crate::{
        prelude::*,
        str::CString,
        sync::{new_condvar, new_mutex, new_spinlock, Arc, CondVar, Mutex, SpinLock},
    };
    use core::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn memory_is_aligned_and_keeps_its_contents() -> Result {
        #[repr(align(128))]
        struct Aligned([u8; 200]);
        let b = KBox::new(Aligned([3; 200]), GFP_KERNEL)?;
        assert!((&raw const *b) as usize % 128 == 0);
        assert!(b.0 == [3; 200]);
        assert!(*KBox::<[u64; 100]>::zeroed(GFP_KERNEL)? == [0; 100]);
        let mut v = KVec::new();
        for i in 0..5000u32 {
            v.push(i, GFP_KERNEL)?;
        }
        assert!(v.iter().enumerate().all(|(i, x)| i == *x as usize));
        let mut big = KVVec::from_elem(7u8, 300_000, GFP_KERNEL)?;
        big.extend_from_slice(&[8; 300_000], GFP_KERNEL)?;
        assert_eq!(big[299_999], 7);
        assert_eq!(big[599_999], 8);
        big.truncate(10);
        big.shrink_to(0, GFP_KERNEL)?;
        assert_eq!(big, [7; 10]);
        Ok(())
    }

    #[pin_data]
    struct Locks {
        #[pin]
        m: Mutex<u32>,
        #[pin]
        s: SpinLock<u32>,
        #[pin]
        c: CondVar,
    }

    #[test]
    fn locks_are_taken_and_given_back() -> Result {
        let l = KBox::pin_init(
            pin_init!(Locks {
                m <- new_mutex!(1),
                s <- new_spinlock!(2),
                c <- new_condvar!(),
            }),
            GFP_KERNEL,
        )?;
        let guard = l.m.lock();
        assert!(l.m.try_lock().is_none());
        drop(guard);
        *l.s.lock() += 1;
        assert!(l.m.try_lock().is_some());
        assert_eq!(*l.s.lock(), 3);
        l.c.notify_all();
        let mut guard = l.m.lock();
        // Nobody will come: the time runs out, and the lock is held again.
        let _ = l.c.wait_interruptible_timeout(&mut guard, 1000);
        *guard += 1;
        assert_eq!(*guard, 2);
        Ok(())
    }

    #[test]
    fn last_reference_drops() -> Result {
        static DROPS: AtomicU32 = AtomicU32::new(0);
        struct Loud;
        impl Drop for Loud {
            fn drop(&mut self) {
                DROPS.fetch_add(1, Ordering::Relaxed);
            }
        }
        let before = DROPS.load(Ordering::Relaxed);
        let a = Arc::new(Loud, GFP_KERNEL)?;
        let b = a.clone();
        drop(a);
        assert_eq!(DROPS.load(Ordering::Relaxed), before);
        drop(b);
        assert_eq!(DROPS.load(Ordering::Relaxed), before + 1);
        Ok(())
    }

    #[test]
    fn text_is_formatted() -> Result {
        let s = CString::try_from_fmt(fmt!("{:>5}|{:#06x}|{:?}", 42, 255, EINVAL))?;
        assert_eq!(s.to_bytes(), b"   42|0x00ff|EINVAL");
        Ok(())
    }
}
