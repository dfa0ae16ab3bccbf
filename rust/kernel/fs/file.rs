//! Open files.

use crate::{
    bindings,
    sync::aref::{ARef, AlwaysRefCounted},
    types::Opaque,
};
use core::{ops::Deref, ptr::NonNull};

/// The flags of open(2), from `asm-generic/fcntl.h`'s ABI.
pub mod flags {
    /// Reading only.
    pub const O_RDONLY: u32 = 0;
    /// Writing only.
    pub const O_WRONLY: u32 = 1;
    /// Both.
    pub const O_RDWR: u32 = 2;
    /// The bits that say which.
    pub const O_ACCMODE: u32 = 3;
    /// Writes go to the end.
    pub const O_APPEND: u32 = 0o2000;
    /// Calls do not wait.
    pub const O_NONBLOCK: u32 = 0o4000;
    /// As `O_NONBLOCK`.
    pub const O_NDELAY: u32 = O_NONBLOCK;
    /// Writes reach the device.
    pub const O_SYNC: u32 = 0o4010000;
    /// Closed by execve.
    pub const O_CLOEXEC: u32 = 0o2000000;
}

macro_rules! file {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// # Invariants
        ///
        /// Counted; a reference to it implies that the count is not zero.
        #[repr(transparent)]
        pub struct $name {
            inner: Opaque<bindings::file>,
        }

        // SAFETY: file.h: drv_file_get() keeps it alive until drv_file_put().
        unsafe impl AlwaysRefCounted for $name {
            fn inc_ref(&self) {
                // SAFETY: alive, as there is a reference.
                unsafe { bindings::drv_file_get(self.inner.get()) }
            }
            unsafe fn dec_ref(obj: NonNull<Self>) {
                // SAFETY: the caller gives up its reference.
                unsafe { bindings::drv_file_put(obj.cast().as_ptr()) }
            }
        }
    };
}
file! {
    /// An open file that may be used from any task.
    File
}
file! {
    /// An open file in the hands of the task that opened it or was given it.
    LocalFile
}

// SAFETY: file.h: all functions may be called from any task.
unsafe impl Send for File {}
// SAFETY: file.h: all functions may be called from any task.
unsafe impl Sync for File {}

impl LocalFile {
    /// From C's.
    ///
    /// # Safety
    ///
    /// Alive for `'a`.
    pub unsafe fn from_raw_file<'a>(ptr: *const bindings::file) -> &'a LocalFile {
        // SAFETY: the caller's promise; the type is transparent.
        unsafe { &*ptr.cast() }
    }

    /// For C.
    pub fn as_ptr(&self) -> *mut bindings::file {
        self.inner.get()
    }

    /// The flags of [`flags`].
    pub fn flags(&self) -> u32 {
        // SAFETY: file.h: alive.
        unsafe { bindings::drv_file_flags(self.as_ptr()) }
    }

    /// The file for use from other tasks.
    ///
    /// # Safety
    ///
    /// No call that took the file's position without its lock is under way in this task.
    pub unsafe fn assume_no_fdget_pos(me: ARef<LocalFile>) -> ARef<File> {
        // SAFETY: the same object.
        unsafe { ARef::from_raw(ARef::into_raw(me).cast()) }
    }
}

impl File {
    /// From C's.
    ///
    /// # Safety
    ///
    /// Alive for `'a`, and no call that took its position without its lock is under way.
    pub unsafe fn from_raw_file<'a>(ptr: *const bindings::file) -> &'a File {
        // SAFETY: the caller's promise; the type is transparent.
        unsafe { &*ptr.cast() }
    }
}

impl Deref for File {
    type Target = LocalFile;
    fn deref(&self) -> &LocalFile {
        // SAFETY: a File can do all that a LocalFile can.
        unsafe { LocalFile::from_raw_file(self.inner.get()) }
    }
}
