//! A device to learn from, and to test the driver interface with: /dev/rust-misc-device keeps a number and a text.
//!
//! read(2) and write(2) are for the text, ioctl(2) for the number; each open file has its own. C contract:
//! `include/drv/miscdevice.h`.
#![no_std]
#![forbid(unsafe_code)]

use kernel::{
    fs::{File, Kiocb},
    ioctl::{_IO, _IOC_SIZE, _IOR, _IOW},
    iov::{IovIterDest, IovIterSource},
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration},
    prelude::*,
    sync::{new_mutex, Arc, Mutex},
    uaccess::{UserSlice, UserSliceReader, UserSliceWriter},
};

const RUST_MISC_DEV_HELLO: u32 = _IO('|' as u32, 0x80);
const RUST_MISC_DEV_GET_VALUE: u32 = _IOR::<i32>('|' as u32, 0x81);
const RUST_MISC_DEV_SET_VALUE: u32 = _IOW::<i32>('|' as u32, 0x82);

/// As much text as a file keeps.
const MAX_TEXT: usize = 1 << 20;

module! {
    type: RustMiscDeviceModule,
    name: "rust_misc_device",
    authors: ["The Ochre authors"],
    description: "A misc device in safe Rust",
    license: "GPL",
}

#[pin_data]
struct RustMiscDeviceModule {
    #[pin]
    miscdev: MiscDeviceRegistration<RustMiscDevice>,
}

impl kernel::InPlaceModule for RustMiscDeviceModule {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        pr_info!("Initialising Rust Misc Device Sample\n");
        let options = MiscDeviceOptions {
            name: c"rust-misc-device",
        };
        try_pin_init!(Self {
            miscdev <- MiscDeviceRegistration::register(options),
        })
    }
}

struct Inner {
    value: i32,
    text: KVVec<u8>,
}

/// What one open file keeps.
#[pin_data(PinnedDrop)]
struct RustMiscDevice {
    #[pin]
    inner: Mutex<Inner>,
}

#[vtable]
impl MiscDevice for RustMiscDevice {
    type Ptr = Arc<Self>;

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<Arc<Self>> {
        pr_debug!("Opening Rust Misc Device Sample\n");
        Arc::try_pin_init(
            try_pin_init!(Self {
                inner <- new_mutex!(Inner { value: 0, text: KVVec::new() }),
            }),
            GFP_KERNEL,
        )
    }

    /// Reads the text from the file's position on.
    fn read_iter(mut kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterDest<'_>) -> Result<usize> {
        let me = kiocb.file();
        let inner = me.inner.lock();
        iov.simple_read_from_buffer(kiocb.ki_pos_mut(), &inner.text)
    }

    /// Replaces the text; reading begins at its start again.
    fn write_iter(mut kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterSource<'_>) -> Result<usize> {
        if iov.len() > MAX_TEXT {
            return Err(EFBIG);
        }
        // Copied before the lock is taken: the program's page may be slow to come.
        let mut text = KVVec::new();
        let len = iov.copy_from_iter_vec(&mut text, GFP_KERNEL)?;
        let me = kiocb.file();
        core::mem::swap(&mut me.inner.lock().text, &mut text);
        *kiocb.ki_pos_mut() = 0;
        Ok(len)
    }

    fn ioctl(
        me: kernel::sync::ArcBorrow<'_, Self>,
        _file: &File,
        cmd: u32,
        arg: usize,
    ) -> Result<isize> {
        // The commands say how much of the program's memory they use.
        let arg = UserSlice::new(UserPtr::from_addr(arg), _IOC_SIZE(cmd));
        match cmd {
            RUST_MISC_DEV_GET_VALUE => me.get_value(arg.writer())?,
            RUST_MISC_DEV_SET_VALUE => me.set_value(arg.reader())?,
            RUST_MISC_DEV_HELLO => me.hello(),
            _ => return Err(ENOTTY),
        }
        Ok(0)
    }
}

#[pinned_drop]
impl PinnedDrop for RustMiscDevice {
    fn drop(self: Pin<&mut Self>) {
        pr_debug!("Exiting the Rust Misc Device Sample\n");
    }
}

impl RustMiscDevice {
    fn set_value(&self, mut reader: UserSliceReader) -> Result {
        let new_value = reader.read::<i32>()?;
        self.inner.lock().value = new_value;
        Ok(())
    }

    fn get_value(&self, mut writer: UserSliceWriter) -> Result {
        // The copy may sleep: the lock is given back first.
        let value = self.inner.lock().value;
        writer.write::<i32>(&value)
    }

    fn hello(&self) {
        pr_info!("Hello from the Rust Misc Device, {}!\n", current!().pid());
    }
}
