//! Tasks. C contract: `include/drv/task.h`.

use crate::{
    bindings,
    sync::aref::AlwaysRefCounted,
    types::{NotThreadSafe, Opaque},
};
use core::{ops::Deref, ptr::NonNull};

/// A process's or thread's id in the initial namespace.
pub type Pid = bindings::pid_t;

/// A user id inside the kernel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kuid(u32);

impl Kuid {
    /// The user of whom the calling task acts.
    pub fn current_euid() -> Kuid {
        crate::current!().euid()
    }

    /// The id in the initial user namespace.
    pub fn into_uid_in_init_ns(self) -> u32 {
        self.0
    }
}

/// A thread.
///
/// # Invariants
///
/// Counted; a reference to it implies that the count is not zero.
#[repr(transparent)]
pub struct Task(Opaque<bindings::task>);

// SAFETY: task.h: all functions may be called from any task.
unsafe impl Send for Task {}
// SAFETY: task.h: all functions may be called from any task.
unsafe impl Sync for Task {}

// SAFETY: task.h: drv_task_get() keeps it alive until drv_task_put().
unsafe impl AlwaysRefCounted for Task {
    fn inc_ref(&self) {
        // SAFETY: alive, as there is a reference.
        unsafe { bindings::drv_task_get(self.as_ptr()) }
    }
    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: the caller gives up its reference.
        unsafe { bindings::drv_task_put(obj.cast().as_ptr()) }
    }
}

/// The calling task, for as long as it is certain to be the calling one: it cannot be sent elsewhere.
#[repr(transparent)]
pub struct CurrentTask(Task, NotThreadSafe);

impl Deref for CurrentTask {
    type Target = Task;
    fn deref(&self) -> &Task {
        &self.0
    }
}

/// The calling task, as `&CurrentTask` that lives as long as the block.
#[macro_export]
macro_rules! current {
    () => {
        // SAFETY: the temporary lives no longer than the statement, or the block that a `let` is in: in this task.
        unsafe { &*$crate::task::Task::current() }
    };
}

impl Task {
    /// The calling task.
    ///
    /// # Safety
    ///
    /// The result is used in this task only. Use [`current!`].
    pub unsafe fn current() -> impl Deref<Target = CurrentTask> {
        struct TaskRef(*const CurrentTask);
        impl Deref for TaskRef {
            type Target = CurrentTask;
            fn deref(&self) -> &CurrentTask {
                // SAFETY: task.h: alive as long as the caller runs in it.
                unsafe { &*self.0 }
            }
        }
        // SAFETY: task.h: in task context, where all callers of this crate are; the types are transparent.
        TaskRef(unsafe { bindings::drv_current() }.cast())
    }

    /// For C.
    pub fn as_ptr(&self) -> *mut bindings::task {
        self.0.get()
    }

    /// The thread's id.
    pub fn pid(&self) -> Pid {
        // SAFETY: task.h: alive.
        unsafe { bindings::drv_task_pid(self.as_ptr()) }
    }

    /// The process's id.
    pub fn tgid(&self) -> Pid {
        // SAFETY: task.h: alive.
        unsafe { bindings::drv_task_tgid(self.as_ptr()) }
    }

    /// The real user.
    pub fn uid(&self) -> Kuid {
        // SAFETY: task.h: alive.
        Kuid(unsafe { bindings::drv_task_uid(self.as_ptr()) }.val)
    }

    /// The effective user.
    pub fn euid(&self) -> Kuid {
        // SAFETY: task.h: alive.
        Kuid(unsafe { bindings::drv_task_euid(self.as_ptr()) }.val)
    }

    /// Whether a signal waits to be handled.
    pub fn signal_pending(&self) -> bool {
        // SAFETY: task.h: alive.
        unsafe { bindings::drv_task_signal_pending(self.as_ptr()) }
    }

    /// Wakes it if it sleeps.
    pub fn wake_up(&self) {
        // SAFETY: task.h: alive.
        unsafe { bindings::drv_task_wake(self.as_ptr()) }
    }
}

impl PartialEq for Task {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self, other)
    }
}
impl Eq for Task {}

/// Says that the caller may sleep here; the lock checker reports where it may not.
#[track_caller]
pub fn might_sleep() {
    if cfg!(CONFIG_LOCKCHECK) {
        // SAFETY: task.h: from any context; that is what it checks.
        unsafe { bindings::drv_might_sleep() }
    }
}
