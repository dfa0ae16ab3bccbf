//! `#[kunit_tests(suite)]`.

use crate::helpers::{err, template, Cursor, Result};
use proc_macro::{Delimiter, Group, Ident, Literal, TokenStream, TokenTree};

/// The functions marked `#[test]`.
fn tests(body: TokenStream) -> Vec<Ident> {
    let (mut c, mut found, mut marked) = (Cursor::new(body), Vec::new(), false);
    while let Some(t) = c.next() {
        match t {
            TokenTree::Group(g) if g.stream().to_string().trim() == "test" => marked = true,
            TokenTree::Ident(i) if i.to_string() == "fn" => {
                if let (true, Some(TokenTree::Ident(name))) = (marked, c.peek()) {
                    found.push(name.clone());
                }
                marked = false;
            }
            _ => {}
        }
    }
    found
}

/// The body without its `#[test]`s, which mean nothing to a compiler that makes no test program.
fn unmarked(body: TokenStream) -> TokenStream {
    let (mut c, mut out) = (Cursor::new(body), TokenStream::new());
    while let Some(t) = c.next() {
        if matches!(&t, TokenTree::Punct(p) if p.as_char() == '#') {
            if matches!(c.peek(), Some(TokenTree::Group(g)) if g.stream().to_string().trim() == "test")
            {
                c.next();
                continue;
            }
        }
        out.extend([t]);
    }
    out
}

// Sound: link_section "ktest" holds pointers to struct ktest, which KTest's layout is (include/drv/test.h).
const ENTRY: &str = r#"
    const _: () = {
        extern "C" fn run() {
            ::kernel::kunit::__finish(__NAME());
        }
        static TEST: ::kernel::kunit::KTest = ::kernel::kunit::KTest::new(__SUITE, __TEXT, run);
        #[used]
        #[link_section = "ktest"]
        static POINTER: &::kernel::kunit::KTest = &TEST;
    };"#;

// Failed assertions count, and the test goes on.
const ASSERTIONS: &str = "
    #[allow(unused_imports)]
    use ::kernel::{__kunit_assert as assert, __kunit_assert_eq as assert_eq};";

/// For the host the module as it is, under `cfg(test)`; for the kernel one that registers its tests, under `cfg(CONFIG_TESTS)`.
pub(crate) fn expand(attr: TokenStream, ts: TokenStream) -> Result<TokenStream> {
    let mut a = Cursor::new(attr);
    let suite = a.ident()?;
    if !a.at_end() {
        return err(a.span(), "expected the name of the suite alone");
    }
    let mut toks: Vec<_> = ts.into_iter().collect();
    let body = match toks.pop() {
        Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Brace => g.stream(),
        _ => return err(suite.span(), "#[kunit_tests] is for a module with its body"),
    };
    let head: TokenStream = toks.into_iter().collect();
    let string = |s: &str| -> TokenStream {
        TokenTree::Literal(Literal::c_string(
            &std::ffi::CString::new(s).expect("a name"),
        ))
        .into()
    };
    let mut inside = template(ASSERTIONS, &[]);
    inside.extend(unmarked(body.clone()));
    for name in tests(body.clone()) {
        inside.extend(template(
            ENTRY,
            &[
                ("__SUITE", string(&suite.to_string())),
                ("__TEXT", string(&name.to_string())),
                ("__NAME", TokenTree::Ident(name).into()),
            ],
        ));
    }
    let group = |ts| TokenTree::Group(Group::new(Delimiter::Brace, ts)).into();
    Ok(template(
        "#[cfg(test)] __HEAD __HOST #[cfg(all(CONFIG_TESTS, not(test)))] __HEAD __KERNEL",
        &[
            ("__HEAD", head),
            ("__HOST", group(body)),
            ("__KERNEL", group(inside)),
        ],
    ))
}
