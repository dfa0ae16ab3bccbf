//! Files. C contract: `include/drv/file.h`.

pub mod file;
mod kiocb;

pub use self::{
    file::{File, LocalFile},
    kiocb::Kiocb,
};
