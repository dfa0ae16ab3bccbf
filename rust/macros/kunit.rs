//! `#[kunit_tests(suite)]`.

use crate::helpers::{err, Cursor, Result};
use proc_macro::{TokenStream, TokenTree};

/// Until the kernel's own test registry takes Rust suites, they run on the host: the module is compiled with `cfg(test)`.
pub(crate) fn expand(attr: TokenStream, ts: TokenStream) -> Result<TokenStream> {
    let mut a = Cursor::new(attr);
    a.ident()?;
    if !a.at_end() {
        return err(a.span(), "expected the name of the suite alone");
    }
    let mut out: TokenStream = "#[cfg(test)]".parse().expect("an attribute");
    out.extend(ts.into_iter().collect::<Vec<TokenTree>>());
    Ok(out)
}
