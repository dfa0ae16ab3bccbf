//! The built-in drivers, started and used as C does it: through their modules' init and exit functions and the tables they
//! register. Host only, with the fakes.
#![feature(thread_local)]

use core::ffi::c_void;
use std::sync::Mutex;

extern crate rust_misc_device as _;

#[repr(C)]
struct FakeFile {
    refs: i32,
    flags: u32,
    private: *mut c_void,
}

extern "C" {
    fn __rust_misc_device_init() -> i32;
    fn __rust_misc_device_exit();
    fn fake_open(f: *mut FakeFile) -> i32;
    fn fake_release(f: *mut FakeFile, ops: *const c_void);
    fn fake_ops() -> *const c_void;
    fn fake_read(f: *mut FakeFile, pos: *mut i64, buf: *mut u8, n: usize) -> isize;
    fn fake_write(f: *mut FakeFile, pos: *mut i64, buf: *const u8, n: usize) -> isize;
    fn fake_ioctl(f: *mut FakeFile, cmd: u32, arg: u64) -> isize;
    static fake_live_allocs: i32;
    #[thread_local]
    static mut fake_fail_allocs: i32;
}

const HELLO: u32 = 0x7c80;
const GET_VALUE: u32 = 0x8004_7c81;
const SET_VALUE: u32 = 0x4004_7c82;
const EFAULT: isize = -14;

/// The fakes have one device: tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Starts the module, runs `f`, ends the module; everything that was allocated must be free again.
fn with_module(f: impl FnOnce()) {
    let _turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
    // SAFETY: read between calls.
    let before = unsafe { fake_live_allocs };
    // SAFETY: as C does it: once, before exit.
    assert_eq!(unsafe { __rust_misc_device_init() }, 0);
    f();
    // SAFETY: after init, and no file is open.
    unsafe { __rust_misc_device_exit() };
    // SAFETY: read between calls.
    assert_eq!(unsafe { fake_live_allocs }, before);
}

struct Open(Box<FakeFile>);

impl Open {
    fn new() -> Result<Self, i32> {
        let mut f = Box::new(FakeFile {
            refs: 1,
            flags: 2,
            private: core::ptr::null_mut(),
        });
        // SAFETY: a file that stays where it is until released.
        match unsafe { fake_open(&mut *f) } {
            0 => Ok(Open(f)),
            e => Err(e),
        }
    }
    fn read(&mut self, pos: &mut i64, n: usize) -> Vec<u8> {
        let mut v = vec![0; n];
        // SAFETY: an open file, and room for n bytes.
        let r = unsafe { fake_read(&mut *self.0, pos, v.as_mut_ptr(), n) };
        v.truncate(usize::try_from(r).unwrap());
        v
    }
    fn write(&mut self, pos: &mut i64, text: &[u8]) -> isize {
        // SAFETY: an open file, and len bytes.
        unsafe { fake_write(&mut *self.0, pos, text.as_ptr(), text.len()) }
    }
    fn ioctl(&mut self, cmd: u32, arg: u64) -> isize {
        // SAFETY: an open file; any argument will do.
        unsafe { fake_ioctl(&mut *self.0, cmd, arg) }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: open, and not used again; the device is still there.
        unsafe { fake_release(&mut *self.0, fake_ops()) }
    }
}

#[test]
fn each_open_file_has_its_own_value() {
    with_module(|| {
        let (mut a, mut b) = (Open::new().unwrap(), Open::new().unwrap());
        let (mut set, mut got) = (-77i32, 1i32);
        assert_eq!(a.ioctl(SET_VALUE, (&raw mut set) as u64), 0);
        assert_eq!(a.ioctl(GET_VALUE, (&raw mut got) as u64), 0);
        assert_eq!(got, -77);
        assert_eq!(b.ioctl(GET_VALUE, (&raw mut got) as u64), 0);
        assert_eq!(got, 0);
        assert_eq!(a.ioctl(HELLO, 0), 0);
    });
}

#[test]
fn bad_addresses_and_commands_are_errors() {
    with_module(|| {
        let mut a = Open::new().unwrap();
        for addr in [0, 8, u64::MAX, u64::MAX - 3, 1 << 63] {
            assert_eq!(a.ioctl(SET_VALUE, addr), EFAULT);
            assert_eq!(a.ioctl(GET_VALUE, addr), EFAULT);
        }
        assert_eq!(a.ioctl(0x1234, 0), -25);
    });
}

#[test]
fn what_was_written_is_read_in_parts() {
    with_module(|| {
        let mut a = Open::new().unwrap();
        let mut pos = 0;
        assert_eq!(a.write(&mut pos, b"hello world"), 11);
        assert_eq!(pos, 0);
        assert_eq!(a.read(&mut pos, 5), b"hello");
        assert_eq!(a.read(&mut pos, 100), b" world");
        assert_eq!(a.read(&mut pos, 100), b"");
        let mut at = i64::MAX;
        assert_eq!(a.read(&mut at, 100), b"");
        assert_eq!(a.write(&mut pos, &vec![1; (1 << 20) + 1]), -27);
        assert_eq!(a.write(&mut pos, &vec![7; 100_000]), 100_000);
        assert_eq!(a.read(&mut pos, 200_000), vec![7; 100_000]);
    });
}

#[test]
fn no_memory_is_an_error() {
    with_module(|| {
        // SAFETY: this thread's own.
        unsafe { fake_fail_allocs = 1 };
        assert_eq!(Open::new().err(), Some(-12));
        let mut a = Open::new().unwrap();
        // The doubling and the exact size.
        // SAFETY: this thread's own.
        unsafe { fake_fail_allocs = 2 };
        assert_eq!(a.write(&mut 0, b"x"), -12);
        assert_eq!(a.write(&mut 0, b"x"), 1);
    });
}
