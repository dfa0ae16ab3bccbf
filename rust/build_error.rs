//! What `build_error!` calls. Its object is not linked into a release kernel: a call that is left after optimisation is an
//! undefined symbol. With debug assertions, which keep such calls alive, it is linked, and panics.
#![no_std]
#![deny(missing_docs)]

/// Fails: at build time when constants are evaluated or when the kernel is linked, else when it is called.
#[inline(never)]
#[cold]
#[export_name = "rust_build_error"]
#[track_caller]
pub const fn build_error(msg: &'static str) -> ! {
    panic!("{}", msg);
}
