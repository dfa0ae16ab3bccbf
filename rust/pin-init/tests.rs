use super::*;
use core::{cell::Cell, marker::PhantomPinned};

struct Loud<'a>(&'a Cell<u32>);
impl Drop for Loud<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[pin_data]
struct Pair<'a, T: Clone, const N: usize>
where
    T: PartialEq,
{
    first: Loud<'a>,
    #[pin]
    second: T,
    array: [u8; N],
}

#[test]
fn failing_field_drops_earlier_ones() {
    let drops = &Cell::new(0);
    let make = |fail: bool| {
        let drops = &drops;
        pin_init!(Pair<'_, u32, 2> {
            first: Loud(drops),
            second <- if fail { Err("no") } else { Ok(7) },
            array: [1, 2],
        }? &'static str)
    };
    {
        stack_try_pin_init!(let p = make(false));
        let p = p.unwrap();
        assert_eq!((p.second, p.array), (7, [1, 2]));
        assert_eq!(drops.get(), 0);
    }
    assert_eq!(drops.get(), 1);
    stack_try_pin_init!(let p = make(true));
    assert_eq!(p.err(), Some("no"));
    assert_eq!(drops.get(), 2);
}

#[pin_data(PinnedDrop)]
struct SelfRef {
    me: *const SelfRef,
    #[pin]
    _pin: PhantomPinned,
    drops: *const Cell<u32>,
}

#[pinned_drop]
impl PinnedDrop for SelfRef {
    fn drop(self: Pin<&mut Self>) {
        let drops = unsafe { &*self.drops };
        drops.set(drops.get() + 1);
    }
}

#[test]
fn this_is_the_final_address_and_drop_runs_once() {
    let drops = &Cell::new(0);
    {
        stack_pin_init!(let s = pin_init!(&this in SelfRef {
            me: this.as_ptr(),
            _pin: PhantomPinned,
            drops,
        }));
        assert!(ptr::eq(s.me, &*s));
        assert_eq!(drops.get(), 0);
    }
    assert_eq!(drops.get(), 1);
}

#[derive(Zeroable, Debug, PartialEq)]
struct Many {
    a: u8,
    b: u64,
    c: [u16; 4],
}

#[test]
fn zeroed_tail_fills_the_rest_and_code_runs() {
    let ran = Cell::new(false);
    let ran = &ran;
    stack_try_pin_init!(let m = init!(Many {
        b: 5,
        _: { ran.set(true) },
        ..Zeroable::init_zeroed()
    }? ()));
    assert_eq!(
        *m.unwrap(),
        Many {
            a: 0,
            b: 5,
            c: [0; 4]
        }
    );
    assert!(ran.get());
}

#[test]
fn array_elements_are_dropped_when_one_fails() {
    let drops = &Cell::new(0);
    let init =
        init_array_from_fn::<_, 4, Loud<'_>, u8>(|i| if i == 3 { Err(9) } else { Ok(Loud(drops)) });
    stack_try_pin_init!(let a = init);
    assert!(matches!(a, Err(9)));
    assert_eq!(drops.get(), 3);
}

#[test]
fn projection_pins_exactly_the_pinned_fields() {
    let drops = &Cell::new(0);
    stack_pin_init!(let p = pin_init!(Pair::<'_, u32, 1> { first: Loud(drops), second: 1, array: [0] }));
    let proj = p.as_mut().project();
    let second: Pin<&mut u32> = proj.second;
    *second.get_mut() = 3;
    let array: &mut [u8; 1] = proj.array;
    array[0] = 4;
    assert_eq!((p.second, p.array), (3, [4]));
}
