//! Derives of marker traits that hold for a struct when they hold for its fields.

use crate::helpers::{err, parse_struct, template, Cursor, Result, Struct};
use proc_macro::{Delimiter, TokenStream, TokenTree};

/// A trait to derive.
pub(crate) struct Trait {
    path: &'static str,
    needs_repr: bool,
    no_padding: bool,
}

pub(crate) const ZEROABLE: Trait = Trait {
    path: "::pin_init::Zeroable",
    needs_repr: false,
    no_padding: false,
};
pub(crate) const FROM_BYTES: Trait = Trait {
    path: "::kernel::transmute::FromBytes",
    needs_repr: true,
    no_padding: false,
};
pub(crate) const AS_BYTES: Trait = Trait {
    path: "::kernel::transmute::AsBytes",
    needs_repr: true,
    no_padding: true,
};

/// The types of all fields, also of a tuple struct.
fn field_types(s: &Struct) -> Result<Vec<TokenStream>> {
    if let Some(f) = &s.fields {
        return Ok(f.iter().map(|f| f.ty.clone()).collect());
    }
    let mut v = Vec::new();
    let mut tail = Cursor::new(s.tail.clone());
    if tail.is_group(Delimiter::Parenthesis) {
        let mut c = Cursor::new(tail.group(Delimiter::Parenthesis)?.stream());
        while !c.at_end() {
            c.attrs()?;
            c.vis();
            v.push(c.until(crate::helpers::is_comma));
            c.eat_punct(',');
        }
    }
    Ok(v)
}

fn has_repr(s: &Struct) -> bool {
    s.attrs.iter().any(|(g, _)| {
        let t = g.stream().to_string().replace(' ', "");
        t.starts_with("repr(") && (t.contains('C') || t.contains("transparent"))
    })
}

pub(crate) fn derive(ts: TokenStream, tr: Trait) -> Result<TokenStream> {
    let s = parse_struct(ts)?;
    if tr.needs_repr && !has_repr(&s) {
        return err(
            s.name.span(),
            "needs #[repr(C)] or #[repr(transparent)]: any other layout is the compiler's choice",
        );
    }
    if tr.no_padding && !s.generics.types.is_empty() {
        return err(
            s.name.span(),
            "padding cannot be ruled out in a generic struct",
        );
    }
    let path: TokenStream = tr.path.parse().expect("a path");
    let types = field_types(&s)?;
    let (mut bounds, mut sum) = (TokenStream::new(), TokenStream::new());
    for ty in types {
        bounds.extend(template(
            "for<'__a> __TY: __PATH,",
            &[("__TY", ty.clone()), ("__PATH", path.clone())],
        ));
        sum.extend(template(
            "+ ::core::mem::size_of::<__TY>()",
            &[("__TY", ty)],
        ));
    }
    // The bound is checked for each field where the impl is used; `for<'a>` keeps one that is false from being an error
    // that hides the rest. Padding is checked by adding up sizes.
    let name: TokenStream = TokenTree::Ident(s.name).into();
    let mut out = template(
        "#[automatically_derived] unsafe impl<__P> __PATH for __N<__A> where __W __B {}",
        &[
            ("__P", s.generics.params),
            ("__PATH", path),
            ("__N", name.clone()),
            ("__A", s.generics.args),
            ("__W", s.generics.wheres),
            ("__B", bounds.clone()),
        ],
    );
    if tr.no_padding {
        out.extend(template(
            "const _: () = ::core::assert!(::core::mem::size_of::<__N>() == 0 __S, \"the struct has padding\");",
            &[("__N", name), ("__S", sum)],
        ));
    }
    Ok(out)
}
