//! Procedural macros of the kernel crate, for the build host.
//!
//! Written over bare token trees, without syn and quote: their versions differ between distributions. What these macros
//! expand to is exempt from a driver's `#![forbid(unsafe_code)]`, so this crate is reviewed as unsafe code: a user's
//! expression is never put inside an `unsafe` block, and each template says why its own unsafe code is sound.

mod helpers;
mod kunit;
mod module;
mod pin_data;
mod pin_init;
mod vtable;
mod zeroable;

use proc_macro::TokenStream;

/// Declares a kernel module.
///
/// Keys, in this order: `type`, `name`, `authors`, `description`, `license`, `alias`, `firmware`, `imports_ns`, `params`;
/// `type`, `name` and `license` are required.
#[proc_macro]
pub fn module(ts: TokenStream) -> TokenStream {
    helpers::or_error(module::expand(ts))
}

/// Declares or implements a table of functions, some of which may be left out.
///
/// On a trait and on its impls: for each method `m` there is a constant `HAS_M`, true where an impl defines `m`.
#[proc_macro_attribute]
pub fn vtable(_attr: TokenStream, ts: TokenStream) -> TokenStream {
    helpers::or_error(vtable::expand(ts))
}

/// Makes a struct's pinned fields (`#[pin]`) known to `pin_init!`, and pins structurally exactly those.
#[proc_macro_attribute]
pub fn pin_data(attr: TokenStream, ts: TokenStream) -> TokenStream {
    helpers::or_error(pin_data::expand(attr, ts))
}

/// Implements `PinnedDrop`, the `Drop` of a struct marked `#[pin_data(PinnedDrop)]`.
#[proc_macro_attribute]
pub fn pinned_drop(_attr: TokenStream, ts: TokenStream) -> TokenStream {
    helpers::or_error(pin_data::pinned_drop(ts))
}

/// An initialiser of a pinned struct, in place: `pin_init!(S { a <- init, b: value, c }? E)`. Without `? E` it cannot fail.
#[proc_macro]
pub fn pin_init(ts: TokenStream) -> TokenStream {
    helpers::or_error(pin_init::expand(ts, true, "::core::convert::Infallible"))
}

/// An initialiser of a struct that may be moved afterwards; otherwise as `pin_init!`.
#[proc_macro]
pub fn init(ts: TokenStream) -> TokenStream {
    helpers::or_error(pin_init::expand(ts, false, "::core::convert::Infallible"))
}

/// `pin_init!` whose error is `kernel::error::Error` unless `? E` says otherwise.
#[proc_macro]
pub fn try_pin_init(ts: TokenStream) -> TokenStream {
    helpers::or_error(pin_init::expand(ts, true, "::kernel::error::Error"))
}

/// `init!` whose error is `kernel::error::Error` unless `? E` says otherwise.
#[proc_macro]
pub fn try_init(ts: TokenStream) -> TokenStream {
    helpers::or_error(pin_init::expand(ts, false, "::kernel::error::Error"))
}

/// Derives `Zeroable` for a struct all of whose fields are.
#[proc_macro_derive(Zeroable)]
pub fn derive_zeroable(ts: TokenStream) -> TokenStream {
    helpers::or_error(zeroable::derive(ts, zeroable::ZEROABLE))
}

/// Derives `FromBytes` (any bytes make a value) for a `#[repr(C)]` or `#[repr(transparent)]` struct all of whose fields are.
#[proc_macro_derive(FromBytes)]
pub fn derive_from_bytes(ts: TokenStream) -> TokenStream {
    helpers::or_error(zeroable::derive(ts, zeroable::FROM_BYTES))
}

/// Derives `AsBytes` (no padding, no interior mutability) for a `#[repr(C)]` or `#[repr(transparent)]` struct all of whose
/// fields are and that has no padding.
#[proc_macro_derive(AsBytes)]
pub fn derive_as_bytes(ts: TokenStream) -> TokenStream {
    helpers::or_error(zeroable::derive(ts, zeroable::AS_BYTES))
}

/// Makes a module of `#[test]` functions a suite of kernel unit tests. On the host they are ordinary tests.
#[proc_macro_attribute]
pub fn kunit_tests(attr: TokenStream, ts: TokenStream) -> TokenStream {
    helpers::or_error(kunit::expand(attr, ts))
}
