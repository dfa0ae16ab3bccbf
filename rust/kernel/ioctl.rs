//! Numbers of ioctls: direction, size, type, number, as man 2 ioctl_list has them.
#![allow(non_snake_case)]

use crate::build_assert;
use core::mem::size_of;

const NRBITS: u32 = 8;
const TYPEBITS: u32 = 8;
const SIZEBITS: u32 = 14;
const DIRBITS: u32 = 2;
const TYPESHIFT: u32 = NRBITS;
const SIZESHIFT: u32 = TYPESHIFT + TYPEBITS;
const DIRSHIFT: u32 = SIZESHIFT + SIZEBITS;
const NONE: u32 = 0;
const WRITE: u32 = 1;
const READ: u32 = 2;

#[inline(always)]
const fn _IOC(dir: u32, ty: u32, nr: u32, size: usize) -> u32 {
    build_assert!(dir < 1 << DIRBITS);
    build_assert!(ty < 1 << TYPEBITS);
    build_assert!(nr < 1 << NRBITS);
    build_assert!(size < 1 << SIZEBITS);
    (dir << DIRSHIFT) | (ty << TYPESHIFT) | nr | ((size as u32) << SIZESHIFT)
}

/// Without an argument.
#[inline(always)]
pub const fn _IO(ty: u32, nr: u32) -> u32 {
    _IOC(NONE, ty, nr, 0)
}

/// The program reads a `T`.
#[inline(always)]
pub const fn _IOR<T>(ty: u32, nr: u32) -> u32 {
    _IOC(READ, ty, nr, size_of::<T>())
}

/// The program writes a `T`.
#[inline(always)]
pub const fn _IOW<T>(ty: u32, nr: u32) -> u32 {
    _IOC(WRITE, ty, nr, size_of::<T>())
}

/// The program writes a `T` and reads one.
#[inline(always)]
pub const fn _IOWR<T>(ty: u32, nr: u32) -> u32 {
    _IOC(READ | WRITE, ty, nr, size_of::<T>())
}

/// The direction.
pub const fn _IOC_DIR(nr: u32) -> u32 {
    (nr >> DIRSHIFT) & ((1 << DIRBITS) - 1)
}

/// The type.
pub const fn _IOC_TYPE(nr: u32) -> u32 {
    (nr >> TYPESHIFT) & ((1 << TYPEBITS) - 1)
}

/// The number.
pub const fn _IOC_NR(nr: u32) -> u32 {
    nr & ((1 << NRBITS) - 1)
}

/// The argument's size.
pub const fn _IOC_SIZE(nr: u32) -> usize {
    ((nr >> SIZESHIFT) & ((1 << SIZEBITS) - 1)) as usize
}
