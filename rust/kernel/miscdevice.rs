//! Small character devices. C contract: `include/drv/miscdevice.h`.

use crate::{
    bindings,
    error::{to_result, Error, Result, VTABLE_DEFAULT_ERROR},
    ffi,
    fs::{File, Kiocb},
    iov::{IovIterDest, IovIterSource},
    prelude::*,
    str::{CStr, CStrExt},
    types::{ForeignOwnable, Opaque},
};
use core::marker::PhantomData;

/// What a device is registered with.
#[derive(Copy, Clone)]
pub struct MiscDeviceOptions {
    /// Its name in /dev.
    pub name: &'static CStr,
}

/// A registered device: its node in /dev exists as long as this does.
///
/// # Invariants
///
/// `inner` holds a registration of C's for this very address.
#[repr(C)]
#[pin_data(PinnedDrop)]
pub struct MiscDeviceRegistration<T> {
    #[pin]
    inner: Opaque<*mut bindings::drv_misc>,
    _t: PhantomData<T>,
}

// SAFETY: miscdevice.h: from any task.
unsafe impl<T> Send for MiscDeviceRegistration<T> {}
// SAFETY: shared, it only lends itself to open().
unsafe impl<T> Sync for MiscDeviceRegistration<T> {}

impl<T: MiscDevice> MiscDeviceRegistration<T> {
    /// Registers a device.
    pub fn register(opts: MiscDeviceOptions) -> impl PinInit<Self, Error> {
        try_pin_init!(&this in Self {
            inner <- Opaque::try_ffi_init(move |slot: *mut *mut bindings::drv_misc| {
                // SAFETY: miscdevice.h: the name is static, the table too, `self` is pinned and used by open() for
                // nothing but MiscDeviceRegistration's shared methods, until drv_misc_deregister(); slot is writable.
                to_result(unsafe {
                    bindings::drv_misc_register(
                        opts.name.as_char_ptr(),
                        bindings::DRV_MISC_DYNAMIC_MINOR,
                        &VTable::<T>::OPS,
                        this.as_ptr().cast(),
                        slot,
                    )
                })
            }),
            _t: PhantomData,
        })
    }
}

#[pinned_drop]
impl<T> PinnedDrop for MiscDeviceRegistration<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: miscdevice.h: registered, by the invariant; not used afterwards.
        unsafe { bindings::drv_misc_deregister(*self.inner.get()) }
    }
}

/// What a device does.
#[vtable]
pub trait MiscDevice: Sized {
    /// What open() makes for each open file.
    type Ptr: ForeignOwnable + Send + Sync;

    /// Opens.
    fn open(file: &File, misc: &MiscDeviceRegistration<Self>) -> Result<Self::Ptr>;

    /// The last close.
    fn release(device: Self::Ptr, file: &File) {
        let _ = file;
        drop(device);
    }

    /// read(2) and its relatives.
    fn read_iter(kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterDest<'_>) -> Result<usize> {
        let _ = (kiocb, iov);
        crate::build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// write(2) and its relatives.
    fn write_iter(kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterSource<'_>) -> Result<usize> {
        let _ = (kiocb, iov);
        crate::build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// ioctl(2).
    fn ioctl(
        device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        file: &File,
        cmd: u32,
        arg: usize,
    ) -> Result<isize> {
        let _ = (device, file, cmd, arg);
        crate::build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// ioctl(2) of a 32-bit program.
    fn compat_ioctl(
        device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        file: &File,
        cmd: u32,
        arg: usize,
    ) -> Result<isize> {
        let _ = (device, file, cmd, arg);
        crate::build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// C's table for a `T`, and what is in it. All functions are called by C alone, as miscdevice.h says.
struct VTable<T: MiscDevice>(PhantomData<T>);

impl<T: MiscDevice> VTable<T> {
    const OPS: bindings::drv_misc_ops = bindings::drv_misc_ops {
        open: Some(Self::open),
        release: Some(Self::release),
        read_iter: if T::HAS_READ_ITER {
            Some(Self::read_iter)
        } else {
            None
        },
        write_iter: if T::HAS_WRITE_ITER {
            Some(Self::write_iter)
        } else {
            None
        },
        ioctl: if T::HAS_IOCTL {
            Some(Self::ioctl)
        } else {
            None
        },
        compat_ioctl: if T::HAS_COMPAT_IOCTL {
            Some(Self::compat_ioctl)
        } else if T::HAS_IOCTL {
            Some(Self::ioctl)
        } else {
            None
        },
        poll: None,
    };

    /// # Safety
    ///
    /// As miscdevice.h says of open.
    unsafe extern "C" fn open(
        this: *mut ffi::c_void,
        file: *mut bindings::file,
        private: *mut *mut ffi::c_void,
    ) -> ffi::c_int {
        // SAFETY: `this` is the registration that register() gave; C borrows it during the call.
        let misc = unsafe { &*this.cast::<MiscDeviceRegistration<T>>() };
        // SAFETY: the file is borrowed during the call.
        let file = unsafe { File::from_raw_file(file) };
        match T::open(file, misc) {
            Ok(p) => {
                // SAFETY: C gave room for one pointer.
                unsafe { *private = p.into_foreign() };
                0
            }
            Err(e) => e.to_errno(),
        }
    }

    /// # Safety
    ///
    /// As miscdevice.h says of release.
    unsafe extern "C" fn release(private: *mut ffi::c_void, file: *mut bindings::file) {
        // SAFETY: from open(), and the last use of it.
        let p = unsafe { T::Ptr::from_foreign(private) };
        // SAFETY: the file is borrowed during the call.
        T::release(p, unsafe { File::from_raw_file(file) });
    }

    /// # Safety
    ///
    /// As miscdevice.h says of read_iter.
    unsafe extern "C" fn read_iter(
        private: *mut ffi::c_void,
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> ffi::c_long {
        // SAFETY: kiocb and iter are ours during the call; private is from open().
        let (kiocb, iov) =
            unsafe { (Kiocb::from_raw(kiocb, private), IovIterDest::from_raw(iter)) };
        match T::read_iter(kiocb, iov) {
            Ok(n) => n as ffi::c_long,
            Err(e) => e.to_errno() as ffi::c_long,
        }
    }

    /// # Safety
    ///
    /// As miscdevice.h says of write_iter.
    unsafe extern "C" fn write_iter(
        private: *mut ffi::c_void,
        kiocb: *mut bindings::kiocb,
        iter: *mut bindings::iov_iter,
    ) -> ffi::c_long {
        // SAFETY: kiocb and iter are ours during the call; private is from open().
        let (kiocb, iov) = unsafe {
            (
                Kiocb::from_raw(kiocb, private),
                IovIterSource::from_raw(iter),
            )
        };
        match T::write_iter(kiocb, iov) {
            Ok(n) => n as ffi::c_long,
            Err(e) => e.to_errno() as ffi::c_long,
        }
    }

    /// # Safety
    ///
    /// As miscdevice.h says of ioctl.
    unsafe extern "C" fn ioctl(
        private: *mut ffi::c_void,
        file: *mut bindings::file,
        cmd: u32,
        arg: u64,
    ) -> ffi::c_long {
        // SAFETY: private is from open() and only borrowed while the file is open; so is the file.
        let (device, file) = unsafe { (T::Ptr::borrow(private), File::from_raw_file(file)) };
        match T::ioctl(device, file, cmd, arg as usize) {
            Ok(n) => n,
            Err(e) => e.to_errno() as ffi::c_long,
        }
    }

    /// # Safety
    ///
    /// As miscdevice.h says of compat_ioctl.
    unsafe extern "C" fn compat_ioctl(
        private: *mut ffi::c_void,
        file: *mut bindings::file,
        cmd: u32,
        arg: u64,
    ) -> ffi::c_long {
        // SAFETY: private is from open() and only borrowed while the file is open; so is the file.
        let (device, file) = unsafe { (T::Ptr::borrow(private), File::from_raw_file(file)) };
        match T::compat_ioctl(device, file, cmd, arg as usize) {
            Ok(n) => n,
            Err(e) => e.to_errno() as ffi::c_long,
        }
    }
}
