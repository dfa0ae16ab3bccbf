//! The C side of the driver interface, made by bindgen from `include/drv`. For the kernel crate alone.
//!
//! Edition 2021, since bindgen before 0.71 writes `extern "C"` blocks without `unsafe`.
#![no_std]
#![allow(
    missing_docs,
    dead_code,
    non_upper_case_globals,
    non_snake_case,
    non_camel_case_types,
    unreachable_pub,
    improper_ctypes,
    unsafe_op_in_unsafe_fn,
    clippy::all
)]

include!(env!("OCHRE_BINDINGS"));
