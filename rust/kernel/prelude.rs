//! What nearly every module needs: `use kernel::prelude::*;`.

pub use core::{
    mem::{align_of, align_of_val, size_of, size_of_val},
    pin::Pin,
};

pub use crate::ffi::{
    c_char, c_int, c_long, c_longlong, c_schar, c_short, c_uchar, c_uint, c_ulong, c_ulonglong,
    c_ushort, c_void, CStr,
};

pub use macros::{kunit_tests, module, vtable};

/// `format_args!`, as kernel code names it.
pub use core::format_args as fmt;

pub use pin_init::{init, pin_data, pin_init, pinned_drop, InPlaceWrite, Init, PinInit, Zeroable};

pub use crate::{
    alloc::{flags::*, Box, KBox, KVBox, KVVec, KVec, VBox, VVec, Vec},
    b_str, build_assert, build_error, const_assert, current,
    error::{code::*, Error, Result},
    init::InPlaceInit,
    kvec, pr_alert, pr_alert_once, pr_cont, pr_crit, pr_crit_once, pr_debug, pr_emerg,
    pr_emerg_once, pr_err, pr_err_once, pr_info, pr_info_once, pr_notice, pr_notice_once, pr_warn,
    pr_warn_once, static_assert,
    str::CStrExt,
    try_init, try_pin_init,
    uaccess::UserPtr,
    warn_on, ThisModule,
};
