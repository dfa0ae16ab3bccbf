//! [`Completion`].

use super::{new_condvar, new_spinlock, CondVar, SpinLock};
use pin_init::{pin_data, pin_init, PinInit};

/// Something that happens once, and that many can wait for.
#[pin_data]
pub struct Completion {
    #[pin]
    done: SpinLock<bool>,
    #[pin]
    wait: CondVar,
}

impl Completion {
    /// Not done.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            done <- new_spinlock!(false, "Completion::done"),
            wait <- new_condvar!("Completion::wait"),
        })
    }

    /// It has happened: wakes all who wait, now or later.
    pub fn complete_all(&self) {
        *self.done.lock() = true;
        self.wait.notify_all();
    }

    /// Sleeps until it has happened.
    pub fn wait_for_completion(&self) {
        let mut done = self.done.lock();
        while !*done {
            self.wait.wait(&mut done);
        }
    }
}
