use crate::{
    fs::{File, Kiocb},
    ioctl::*,
    iov::{IovIterDest, IovIterSource},
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration},
    module_param::ModuleParamAccess,
    prelude::*,
    str::{kstrtobool_bytes, BStr, Formatter},
    sync::{new_mutex, Mutex},
    transmute::{AsBytes, FromBytes},
    types::ScopeGuard,
    uaccess::UserSlice,
};

#[repr(C)]
struct FakeFile {
    refs: i32,
    flags: u32,
    private: *mut c_void,
}

extern "C" {
    #[thread_local]
    static fake_log: [u8; 976];
    #[thread_local]
    static fake_log_len: usize;
    #[thread_local]
    static fake_log_level: u32;
    fn fake_set_param(value: *const u8, len: usize);
    fn fake_open(f: *mut FakeFile) -> i32;
    fn fake_release(f: *mut FakeFile, ops: *const c_void);
    fn fake_ops() -> *const c_void;
    fn fake_read(f: *mut FakeFile, pos: *mut i64, buf: *mut u8, n: usize) -> isize;
    fn fake_write(f: *mut FakeFile, pos: *mut i64, buf: *mut u8, n: usize) -> isize;
    fn fake_ioctl(f: *mut FakeFile, cmd: u32, arg: u64) -> isize;
}

fn last_log() -> (u32, std::string::String) {
    // SAFETY: this thread's own.
    unsafe {
        let len = fake_log_len;
        (
            fake_log_level,
            std::string::String::from_utf8_lossy(&fake_log[..len]).into_owned(),
        )
    }
}

#[test]
fn log_lines_have_prefix_and_level() {
    pr_info!("value {}\n", 5);
    assert_eq!(last_log(), (6, "rust_kernel: value 5\n".into()));
    pr_err!("{:?}", EINVAL);
    assert_eq!(last_log(), (3, "rust_kernel: EINVAL".into()));
    pr_cont!(" more");
    assert_eq!(last_log(), (8, " more".into()));
    let long = "x".repeat(5000);
    pr_warn!("{long}");
    assert_eq!(last_log().1.len(), 976);
    for i in 0..3 {
        pr_notice_once!("once {i}");
    }
    assert_eq!(last_log().1, "rust_kernel: once 0");
}

#[test]
fn errors_convert() {
    assert_eq!(Error::from_errno(-22), EINVAL);
    assert_eq!(Error::from_errno(5), EINVAL);
    assert_eq!(Error::from_errno(-100_000), EINVAL);
    assert_eq!(ENOMEM.to_errno(), -12);
    assert_eq!(format!("{:?}", Error::from_errno(-4000)), "Error(4000)");
    let p: *mut u8 = EIO.to_ptr();
    assert_eq!(crate::error::from_err_ptr(p), Err(EIO));
    assert_eq!(crate::error::from_result(|| Err::<i32, _>(EIO)), -5);
}

#[test]
fn parameters_come_from_the_command_line() {
    let p = ModuleParamAccess::<i64>::new(7);
    assert_eq!(*p.value(), 7);
    // SAFETY: the text is static.
    unsafe { fake_set_param(b"-42".as_ptr(), 3) };
    p.__read(b"m.p").unwrap();
    assert_eq!(*p.value(), -42);
    // SAFETY: the text is static.
    unsafe { fake_set_param(b"4x".as_ptr(), 2) };
    assert_eq!(p.__read(b"m.p"), Err(EINVAL));
    assert_eq!(*p.value(), -42);
    // SAFETY: none.
    unsafe { fake_set_param(core::ptr::null(), 0) };
    p.__read(b"m.p").unwrap();
}

#[test]
fn user_memory_is_read_once_and_checked() {
    let data = [1u8, 2, 3, 4, 5, 6];
    let at = UserPtr::from_addr(data.as_ptr() as usize);
    let mut r = UserSlice::new(at, 6).reader();
    assert_eq!(r.read::<u16>().unwrap(), 0x0201);
    assert_eq!(r.read::<u64>(), Err(EFAULT));
    assert_eq!(r.len(), 4);
    r.skip(1).unwrap();
    assert_eq!(r.skip(4), Err(EFAULT));
    let mut v = KVec::new();
    r.read_all(&mut v, GFP_KERNEL).unwrap();
    assert_eq!(v, [4, 5, 6]);
    assert_eq!(
        UserSlice::new(UserPtr::null(), 4).reader().read::<u32>(),
        Err(EFAULT)
    );
    let mut out = [0u8; 4];
    let mut w = UserSlice::new(UserPtr::from_addr(out.as_mut_ptr() as usize), 4).writer();
    w.write(&0x11223344u32).unwrap();
    assert_eq!(w.write(&1u8), Err(EFAULT));
    assert_eq!(out, [0x44, 0x33, 0x22, 0x11]);
    let mut buf = [0u8; 8];
    let text = b"hello\0xx";
    let slice = |n| UserSlice::new(UserPtr::from_addr(text.as_ptr() as usize), n).reader();
    assert_eq!(slice(8).strcpy_into_buf(&mut buf).unwrap(), c"hello");
    assert_eq!(slice(3).strcpy_into_buf(&mut buf).unwrap(), c"hel");
    assert_eq!(slice(3).strcpy_into_buf(&mut buf[..3]), Err(E2BIG));
}

#[test]
fn text_and_bytes() {
    assert_eq!(kstrtobool_bytes(b"yes"), Ok(true));
    assert_eq!(kstrtobool_bytes(b"oFf"), Ok(false));
    assert_eq!(kstrtobool_bytes(b""), Err(EINVAL));
    assert_eq!(BStr::from_bytes(b"a\n\xff").to_string(), "a\\n\\xff");
    let mut buf = [0u8; 3];
    let mut f = Formatter::new(&mut buf);
    assert!(core::fmt::Write::write_str(&mut f, "abcd").is_err());
    #[derive(FromBytes, AsBytes, Zeroable)]
    #[repr(C)]
    struct Header {
        a: u16,
        b: [u8; 2],
        c: u32,
    }
    let h = Header::from_bytes_copy(&[1, 0, 2, 3, 4, 0, 0, 0]).unwrap();
    assert_eq!((h.a, h.b, h.c), (1, [2, 3], 4));
    assert_eq!(h.as_bytes(), [1, 0, 2, 3, 4, 0, 0, 0]);
    assert!(Header::from_bytes(&[0; 7]).is_none());
}

#[test]
fn scope_guard_can_be_dismissed() {
    let mut n = 0;
    ScopeGuard::new(|| n += 1).dismiss();
    assert_eq!(n, 0);
    drop(ScopeGuard::new_with_data(3, |d| n = d));
    assert_eq!(n, 3);
}

#[pin_data]
struct Device {
    #[pin]
    value: Mutex<i32>,
}

#[vtable]
impl MiscDevice for Device {
    type Ptr = Pin<KBox<Self>>;

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<Pin<KBox<Self>>> {
        KBox::pin_init(pin_init!(Device { value <- new_mutex!(1) }), GFP_KERNEL)
    }
    fn read_iter(mut kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterDest<'_>) -> Result<usize> {
        let text = format!("{}", *kiocb.file().value.lock());
        iov.simple_read_from_buffer(kiocb.ki_pos_mut(), text.as_bytes())
    }
    fn write_iter(kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterSource<'_>) -> Result<usize> {
        let mut v = KVec::new();
        let n = iov.copy_from_iter_vec(&mut v, GFP_KERNEL)?;
        *kiocb.file().value.lock() = n as i32;
        Ok(n)
    }
    fn ioctl(me: Pin<&Self>, _file: &File, cmd: u32, arg: usize) -> Result<isize> {
        match cmd {
            0x7c80 => Ok(arg as isize + *me.value.lock() as isize),
            _ => Err(ENOTTY),
        }
    }
}

#[pin_data]
struct Module {
    #[pin]
    dev: MiscDeviceRegistration<Device>,
}

#[test]
fn misc_device_from_open_to_release() {
    let init = || {
        try_pin_init!(Module {
            dev <- MiscDeviceRegistration::register(MiscDeviceOptions { name: c"dev" }),
        })
    };
    let m = KBox::pin_init(init(), GFP_KERNEL).unwrap();
    assert_eq!(KBox::pin_init(init(), GFP_KERNEL).err(), Some(EBUSY));
    let mut f = FakeFile {
        refs: 1,
        flags: 0,
        private: core::ptr::null_mut(),
    };
    let f = &raw mut f;
    let mut buf = [0u8; 8];
    let mut pos = 0;
    // SAFETY: an open file and buffers of the given sizes.
    unsafe {
        assert_eq!(fake_open(f), 0);
        assert_eq!(fake_read(f, &mut pos, buf.as_mut_ptr(), 8), 1);
        assert_eq!((buf[0], pos), (b'1', 1));
        assert_eq!(fake_read(f, &mut pos, buf.as_mut_ptr(), 8), 0);
        assert_eq!(fake_write(f, &mut pos, buf.as_mut_ptr(), 5), 5);
        pos = 0;
        assert_eq!(fake_read(f, &mut pos, core::ptr::null_mut(), 8), -14);
        assert_eq!(fake_ioctl(f, 0x7c80, 10), 15);
        assert_eq!(fake_ioctl(f, 1, 0), -25);
        let ops = fake_ops();
        drop(m);
        assert_eq!(fake_open(f), -6);
        fake_release(f, ops);
    }
}

#[test]
fn ioctl_numbers() {
    assert_eq!(_IO('|' as u32, 0x80), 0x7c80);
    assert_eq!(_IOR::<i32>('|' as u32, 0x81), 0x8004_7c81);
    assert_eq!(_IOW::<i32>('|' as u32, 0x82), 0x4004_7c82);
    assert_eq!(_IOWR::<[u8; 300]>(1, 2), 0xc12c_0102);
    assert_eq!(_IOC_SIZE(0xc12c_0102), 300);
}
