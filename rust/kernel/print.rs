//! The kernel's log. C contract: `include/drv/log.h`.

use crate::{bindings, fmt};
use core::fmt::Write;

/// A line that is being put together on the stack; what does not fit is cut off, as in C.
struct Line {
    len: usize,
    text: [u8; bindings::DRV_LOG_MAX as usize],
}

impl Line {
    #[inline]
    fn new() -> Self {
        Line {
            len: 0,
            text: [0; bindings::DRV_LOG_MAX as usize],
        }
    }

    fn push(&mut self, s: &[u8]) {
        let room = &mut self.text[self.len..];
        let n = s.len().min(room.len());
        room[..n].copy_from_slice(&s[..n]);
        self.len += n;
    }

    fn text(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

impl Write for Line {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.push(s.as_bytes());
        Ok(())
    }
}

/// Logs. `prefix` is the module's name with its NUL; no text stands before a continuation. For the macros.
#[doc(hidden)]
#[cold]
#[inline(never)]
pub fn __log(level: u32, prefix: &[u8], args: fmt::Arguments<'_>) {
    let mut line = Line::new();
    if level != bindings::DRV_LOG_CONT {
        line.push(prefix.strip_suffix(b"\0").unwrap_or(prefix));
        line.push(b": ");
    }
    // A Display that fails cuts the line short.
    let _ = line.write_fmt(args);
    let text = line.text();
    // SAFETY: log.h: any text of the given length, borrowed for the call.
    unsafe { bindings::drv_log(level, text.as_ptr(), text.len()) }
}

/// Stops the machine: the message of a Rust panic is the reason.
#[cfg(all(target_os = "none", not(test)))]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let mut line = Line::new();
    let _ = write!(line, "rust: {info}");
    let text = line.text();
    // SAFETY: panic.h: any text of the given length.
    unsafe { bindings::drv_panic(text.as_ptr(), text.len()) };
    // It does not return, but not every bindgen says so.
    #[allow(unreachable_code)]
    loop {
        core::hint::spin_loop();
    }
}

/// Logs a warning with a backtrace and goes on; for `warn_on!`.
#[doc(hidden)]
#[cold]
pub fn __warn(args: fmt::Arguments<'_>) {
    let mut line = Line::new();
    let _ = line.write_fmt(args);
    let text = line.text();
    // SAFETY: panic.h: any text of the given length, borrowed for the call.
    unsafe { bindings::drv_warn(text.as_ptr(), text.len()) }
}

#[doc(hidden)]
pub mod levels {
    pub use crate::bindings::{
        DRV_LOG_ALERT as ALERT, DRV_LOG_CONT as CONT, DRV_LOG_CRIT as CRIT, DRV_LOG_DEBUG as DEBUG,
        DRV_LOG_EMERG as EMERG, DRV_LOG_ERR as ERR, DRV_LOG_INFO as INFO, DRV_LOG_NOTICE as NOTICE,
        DRV_LOG_WARNING as WARNING,
    };
}

/// Logs at a level; the module's name comes from the crate's root.
#[doc(hidden)]
#[macro_export]
#[allow(clippy::crate_in_macro_def)]
macro_rules! __print {
    ($level:ident, $($arg:tt)+) => {
        $crate::print::__log($crate::print::levels::$level, crate::__LOG_PREFIX, $crate::prelude::fmt!($($arg)+))
    };
}

/// Logs "system is unusable" (level 0).
#[macro_export]
macro_rules! pr_emerg { ($($arg:tt)*) => { $crate::__print!(EMERG, $($arg)*) }; }
/// Logs "action must be taken immediately" (level 1).
#[macro_export]
macro_rules! pr_alert { ($($arg:tt)*) => { $crate::__print!(ALERT, $($arg)*) }; }
/// Logs a critical condition (level 2).
#[macro_export]
macro_rules! pr_crit { ($($arg:tt)*) => { $crate::__print!(CRIT, $($arg)*) }; }
/// Logs an error (level 3).
#[macro_export]
macro_rules! pr_err { ($($arg:tt)*) => { $crate::__print!(ERR, $($arg)*) }; }
/// Logs a warning (level 4).
#[macro_export]
macro_rules! pr_warn { ($($arg:tt)*) => { $crate::__print!(WARNING, $($arg)*) }; }
/// Logs something normal but significant (level 5).
#[macro_export]
macro_rules! pr_notice { ($($arg:tt)*) => { $crate::__print!(NOTICE, $($arg)*) }; }
/// Logs information (level 6).
#[macro_export]
macro_rules! pr_info { ($($arg:tt)*) => { $crate::__print!(INFO, $($arg)*) }; }
/// Logs for debugging (level 7); nothing in a build without debug assertions.
#[macro_export]
macro_rules! pr_debug {
    ($($arg:tt)*) => {
        if cfg!(debug_assertions) {
            $crate::__print!(DEBUG, $($arg)*)
        }
    };
}
/// Goes on with the line before.
#[macro_export]
macro_rules! pr_cont { ($($arg:tt)*) => { $crate::__print!(CONT, $($arg)*) }; }

/// Runs the body the first time this place is reached.
#[doc(hidden)]
#[macro_export]
macro_rules! __once {
    ($($body:tt)*) => {{
        static DONE: core::sync::atomic::AtomicBool = core::sync::atomic::AtomicBool::new(false);
        if !DONE.load(core::sync::atomic::Ordering::Relaxed)
            && !DONE.swap(true, core::sync::atomic::Ordering::Relaxed)
        {
            $($body)*
        }
    }};
}
/// `pr_emerg!`, once.
#[macro_export]
macro_rules! pr_emerg_once { ($($arg:tt)*) => { $crate::__once!($crate::pr_emerg!($($arg)*)) }; }
/// `pr_alert!`, once.
#[macro_export]
macro_rules! pr_alert_once { ($($arg:tt)*) => { $crate::__once!($crate::pr_alert!($($arg)*)) }; }
/// `pr_crit!`, once.
#[macro_export]
macro_rules! pr_crit_once { ($($arg:tt)*) => { $crate::__once!($crate::pr_crit!($($arg)*)) }; }
/// `pr_err!`, once.
#[macro_export]
macro_rules! pr_err_once { ($($arg:tt)*) => { $crate::__once!($crate::pr_err!($($arg)*)) }; }
/// `pr_warn!`, once.
#[macro_export]
macro_rules! pr_warn_once { ($($arg:tt)*) => { $crate::__once!($crate::pr_warn!($($arg)*)) }; }
/// `pr_notice!`, once.
#[macro_export]
macro_rules! pr_notice_once { ($($arg:tt)*) => { $crate::__once!($crate::pr_notice!($($arg)*)) }; }
/// `pr_info!`, once.
#[macro_export]
macro_rules! pr_info_once { ($($arg:tt)*) => { $crate::__once!($crate::pr_info!($($arg)*)) }; }

/// Warns, with a backtrace, if the condition holds; its value is the condition.
#[macro_export]
macro_rules! warn_on {
    ($cond:expr) => {{
        let cond: bool = $cond;
        if cond {
            $crate::print::__warn(::core::format_args!(
                "{}:{}: {}",
                file!(),
                line!(),
                stringify!($cond)
            ));
        }
        cond
    }};
}
