//! Unit tests, on the host with the fakes of `rust/host_fakes`.

mod alloc;
mod misc;
mod sync;
