//! `#[vtable]`.

use crate::helpers::{err, Cursor, Result};
use proc_macro::{Delimiter, Group, TokenStream, TokenTree};
use std::fmt::Write;

/// The names of the functions in a trait's or impl's body, and of its `HAS_*` constants.
fn functions(body: TokenStream) -> (Vec<String>, Vec<String>) {
    let (mut c, mut fns, mut consts) = (Cursor::new(body), Vec::new(), Vec::new());
    while !c.at_end() {
        if c.eat_ident("fn") {
            if let Some(TokenTree::Ident(i)) = c.peek() {
                fns.push(i.to_string());
            }
        } else if c.eat_ident("const") {
            if let Some(TokenTree::Ident(i)) = c.peek() {
                consts.push(i.to_string());
            }
        } else {
            c.next();
        }
    }
    (fns, consts)
}

pub(crate) fn expand(ts: TokenStream) -> Result<TokenStream> {
    let mut toks: Vec<_> = ts.into_iter().collect();
    let is_trait = toks
        .iter()
        .take_while(|t| !matches!(t, TokenTree::Ident(i) if i.to_string() == "impl"))
        .any(|t| matches!(t, TokenTree::Ident(i) if i.to_string() == "trait"));
    let body = match toks.pop() {
        Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Brace => g,
        _ => {
            return err(
                proc_macro::Span::call_site(),
                "#[vtable] is for traits and impls",
            )
        }
    };
    let (fns, consts) = functions(body.stream());
    let mut extra = String::new();
    if is_trait {
        extra += "/// Implementations carry `#[vtable]` too.\nconst USE_VTABLE_ATTR: ();\n";
    } else {
        extra += "const USE_VTABLE_ATTR: () = ();\n";
    }
    for f in fns {
        let name = format!("HAS_{}", f.to_uppercase());
        if consts.contains(&name) {
            continue;
        }
        if is_trait {
            let _ = writeln!(extra, "/// Whether `{f}` is implemented.");
        }
        let _ = writeln!(extra, "const {name}: bool = {};", !is_trait);
    }
    let mut out = body.stream();
    out.extend(extra.parse::<TokenStream>().expect("constants that parse"));
    let mut g = Group::new(Delimiter::Brace, out);
    g.set_span(body.span());
    toks.push(TokenTree::Group(g));
    Ok(toks.into_iter().collect())
}
