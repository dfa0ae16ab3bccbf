//! In-place initialisation with the kernel's allocations. The rest is in the crate `pin_init`.

use crate::{
    alloc::{flags::Flags, AllocError},
    error::{Error, Result},
};
use pin_init::{init_from_closure, pin_init_from_closure, Init, PinInit};

/// Smart pointers that can be made by running an initialiser in their memory.
pub trait InPlaceInit<T>: Sized {
    /// The pinned form.
    type PinnedSelf;

    /// Allocates and runs a pinned initialiser.
    fn try_pin_init<E>(init: impl PinInit<T, E>, flags: Flags) -> Result<Self::PinnedSelf, E>
    where
        E: From<AllocError>;

    /// [`InPlaceInit::try_pin_init`] for initialisers with other errors.
    fn pin_init<E>(init: impl PinInit<T, E>, flags: Flags) -> Result<Self::PinnedSelf>
    where
        Error: From<E>,
    {
        // SAFETY: only the error is changed.
        let init =
            unsafe { pin_init_from_closure(|slot| init.__pinned_init(slot).map_err(Error::from)) };
        Self::try_pin_init(init, flags)
    }

    /// Allocates and runs an initialiser.
    fn try_init<E>(init: impl Init<T, E>, flags: Flags) -> Result<Self, E>
    where
        E: From<AllocError>;

    /// [`InPlaceInit::try_init`] for initialisers with other errors.
    fn init<E>(init: impl Init<T, E>, flags: Flags) -> Result<Self>
    where
        Error: From<E>,
    {
        // SAFETY: only the error is changed.
        let init = unsafe { init_from_closure(|slot| init.__init(slot).map_err(Error::from)) };
        Self::try_init(init, flags)
    }
}
