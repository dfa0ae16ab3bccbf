//! `pin_init!` and its variants.

use crate::helpers::{err, template, Cursor, Result};
use crate::pin_data::raw;
use proc_macro::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};

enum Step {
    /// `name: value`
    Value(Ident, TokenStream),
    /// `name <- initialiser`
    Init(Ident, TokenStream),
    /// `_: { ... }`
    Code(Group),
}

struct Input {
    /// `&this in`
    this: Option<Ident>,
    /// The struct's path, with turbofish.
    path: TokenStream,
    steps: Vec<Step>,
    /// `..Zeroable::init_zeroed()` at the end.
    zeroed: bool,
    error: Option<TokenStream>,
}

/// `A<B>` may be written for `A::<B>`.
fn parse_path(c: &mut Cursor) -> TokenStream {
    let mut path = TokenStream::new();
    let mut after_name = false;
    while !c.at_end() && !c.is_group(Delimiter::Brace) {
        if c.is_punct('<') {
            if after_name {
                path.extend(template("::", &[]));
            }
            path.extend(c.angles());
            after_name = false;
        } else {
            after_name = matches!(c.peek(), Some(TokenTree::Ident(_)));
            // A path that comes through a macro_rules! `$t:path` is wrapped in an invisible group.
            match c.next() {
                Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::None => {
                    path.extend(parse_path(&mut Cursor::new(g.stream())));
                }
                t => path.extend(t),
            }
        }
    }
    path
}

fn parse_steps(ts: TokenStream) -> Result<(Vec<Step>, bool)> {
    let (mut c, mut steps) = (Cursor::new(ts), Vec::new());
    while !c.at_end() {
        if c.is_punct('.') {
            let tail = c.until(|_| false).to_string().replace(' ', "");
            if !tail.starts_with("..") || !tail.ends_with("init_zeroed()") {
                return err(
                    c.span(),
                    "only `..Zeroable::init_zeroed()` may end the list",
                );
            }
            return Ok((steps, true));
        }
        for (g, _) in c.attrs()? {
            return err(g.span(), "attributes are not supported here");
        }
        if c.eat_ident("_") {
            c.punct(':')?;
            steps.push(Step::Code(c.group(Delimiter::Brace)?));
            c.eat_punct(',');
            continue;
        }
        let name = c.ident()?;
        let step = if c.at_end() || c.is_punct(',') {
            Step::Value(name.clone(), TokenTree::Ident(name).into())
        } else if c.eat_punct(':') {
            Step::Value(name, c.expr())
        } else {
            match c.next() {
                Some(TokenTree::Punct(p))
                    if p.as_char() == '<' && p.spacing() == Spacing::Joint =>
                {
                    c.punct('-')?;
                }
                _ => return err(name.span(), "expected `:` or `<-` after the field's name"),
            }
            Step::Init(name, c.expr())
        };
        steps.push(step);
        if !c.at_end() {
            c.punct(',')?;
        }
    }
    Ok((steps, false))
}

fn parse(ts: TokenStream) -> Result<Input> {
    let mut c = Cursor::new(ts);
    let mut this = None;
    if c.eat_punct('&') {
        this = Some(c.ident()?);
        if !c.eat_ident("in") {
            return err(c.span(), "expected `in`");
        }
    }
    let path = parse_path(&mut c);
    let (steps, zeroed) = parse_steps(c.group(Delimiter::Brace)?.stream())?;
    let mut error = None;
    if c.eat_punct('?') {
        error = Some(c.until(|_| false));
    }
    if !c.at_end() {
        return err(c.span(), "unexpected token after the initialiser");
    }
    Ok(Input {
        this,
        path,
        steps,
        zeroed,
        error,
    })
}

// Sound: `__slot` is valid for writes of the struct and a field of it is written once. The user's expression is evaluated
// outside the unsafe block. From then on the guard drops the field if a later step fails, and the reference handed to
// later steps borrows the guard.
const VALUE: &str = "
    {
        let __value = __EXPR;
        #[allow(unused_unsafe, non_snake_case)]
        unsafe { ::core::ptr::write(&raw mut (*__slot).__NAME, __value) };
    }";
const INIT_PINNED: &str = "
    {
        let __init = __EXPR;
        #[allow(unused_unsafe, non_snake_case)]
        unsafe { __data.__NAME(&raw mut (*__slot).__NAME, __init)? };
    }";
const INIT_UNPINNED: &str = "
    {
        let __init = __EXPR;
        #[allow(unused_unsafe, non_snake_case)]
        unsafe { ::pin_init::Init::__init(__init, &raw mut (*__slot).__NAME)? };
    }";
const GUARD_PINNED: &str = "
    #[allow(unused_unsafe, non_snake_case)]
    let mut __GUARD = unsafe { ::pin_init::__internal::DropGuard::new(&raw mut (*__slot).__NAME) };
    #[allow(unused_variables, unused_unsafe, non_snake_case)]
    let __NAME = unsafe { __data.__PROJECT(__GUARD.let_binding()) };";
const GUARD_UNPINNED: &str = "
    #[allow(unused_unsafe, non_snake_case)]
    let mut __GUARD = unsafe { ::pin_init::__internal::DropGuard::new(&raw mut (*__slot).__NAME) };
    #[allow(unused_variables, non_snake_case)]
    let __NAME = __GUARD.let_binding();";
// Sound: if all bytes zero is a value of the struct, it is one of each field.
const ZEROED: &str = "
    {
        fn __is_zeroable<__T: ::pin_init::Zeroable>(_: *mut __T) {}
        __is_zeroable(__slot);
        unsafe { ::core::ptr::write_bytes(__slot, 0, 1) };
    }";
// Sound: a slot is never null.
const THIS: &str = "
    #[allow(unused_variables, non_snake_case)]
    let __THIS = unsafe { ::core::ptr::NonNull::new_unchecked(__slot) };";

// Sound: the closure initialises every field, which the literal that is never built makes the compiler check, or drops
// what it has initialised and returns an error. Only `InitOk`, which safe code cannot make, reports success: an early
// `return Ok(..)` in an expression of the user's does not compile.
const WHOLE: &str = "
    {
        #[allow(unused_imports)]
        use ::pin_init::__internal::{HasInitData as _, HasPinData as _};
        let __data = unsafe { __PATH::__GET() };
        let __init = ::pin_init::__internal::__KIND::__make_closure::<_, __ERR>(
            __data,
            move |__slot| {
                __STEPS
                #[allow(unreachable_code, unused_unsafe, clippy::diverging_sub_expression)]
                let _ = || unsafe { ::core::ptr::write(__slot, __PATH { __LITERAL }) };
                __FORGET
                ::core::result::Result::Ok(unsafe { ::pin_init::__internal::InitOk::new() })
            },
        );
        let __init = move |__slot| -> ::core::result::Result<(), __ERR> {
            __init(__slot).map(|_| ())
        };
        unsafe { ::pin_init::__FROM::<_, __ERR>(__init) }
    }";

/// The code for one field, and what the check and the end need to know about it.
fn field(
    name: &Ident,
    code: &str,
    expr: TokenStream,
    pinned: bool,
    literal: &mut TokenStream,
    forget: &mut TokenStream,
) -> TokenStream {
    let span = name.span();
    let ident = |s: String| -> TokenStream { TokenTree::Ident(Ident::new(&s, span)).into() };
    let args = [
        ("__NAME", TokenTree::Ident(name.clone()).into()),
        ("__EXPR", expr),
        ("__GUARD", ident(format!("__guard_{}", raw(name)))),
        ("__PROJECT", ident(format!("__project_{}", raw(name)))),
    ];
    literal.extend(template("__NAME: ::core::panic!(),", &args));
    forget.extend(template("::core::mem::forget(__GUARD);", &args));
    let mut out = template(code, &args);
    out.extend(template(
        if pinned { GUARD_PINNED } else { GUARD_UNPINNED },
        &args,
    ));
    out
}

pub(crate) fn expand(ts: TokenStream, pinned: bool, error: &str) -> Result<TokenStream> {
    let input = parse(ts)?;
    let (mut steps, mut literal, mut forget) =
        (TokenStream::new(), TokenStream::new(), TokenStream::new());
    if let Some(this) = input.this {
        steps.extend(template(THIS, &[("__THIS", TokenTree::Ident(this).into())]));
    }
    if input.zeroed {
        steps.extend(template(ZEROED, &[]));
    }
    for step in input.steps {
        let (name, expr, code) = match step {
            Step::Value(n, e) => (n, e, VALUE),
            Step::Init(n, e) if pinned => (n, e, INIT_PINNED),
            Step::Init(n, e) => (n, e, INIT_UNPINNED),
            Step::Code(g) => {
                steps.extend([TokenTree::Group(g)]);
                steps.extend(template(";", &[]));
                continue;
            }
        };
        steps.extend(field(&name, code, expr, pinned, &mut literal, &mut forget));
    }
    if input.zeroed {
        literal.extend(template("..::core::mem::zeroed()", &[]));
    }
    let error = input
        .error
        .unwrap_or_else(|| error.parse().expect("a path"));
    let (get, kind, from) = if pinned {
        ("__pin_data", "PinData", "pin_init_from_closure")
    } else {
        ("__init_data", "InitData", "init_from_closure")
    };
    let word = |s: &str| -> TokenStream { s.parse().expect("a name") };
    Ok(template(
        WHOLE,
        &[
            ("__PATH", input.path),
            ("__GET", word(get)),
            ("__KIND", word(kind)),
            ("__FROM", word(from)),
            ("__ERR", error),
            ("__STEPS", steps),
            ("__LITERAL", literal),
            ("__FORGET", forget),
        ],
    ))
}
