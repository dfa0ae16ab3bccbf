//! `#[pin_data]` and `#[pinned_drop]`.

use crate::helpers::{err, parse_struct, template, Cursor, Field, Generics, Result, Struct};
use proc_macro::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

fn is_pinned(f: &Field) -> bool {
    f.attrs
        .iter()
        .any(|(g, _)| g.stream().to_string().trim() == "pin")
}

fn attrs(f: &Field) -> TokenStream {
    f.attrs
        .iter()
        .filter(|(g, _)| g.stream().to_string().trim() != "pin")
        .map(|(_, t)| t.clone())
        .collect()
}

fn ident(name: String, span: Span) -> TokenStream {
    TokenTree::Ident(Ident::new(&name, span)).into()
}

/// The struct as it was, without `#[pin]`.
fn plain_struct(s: &Struct, fields: &[Field]) -> TokenStream {
    let mut body = TokenStream::new();
    for f in fields {
        body.extend(template(
            "__A __V __N: __T,",
            &[
                ("__A", attrs(f)),
                ("__V", f.vis.clone()),
                ("__N", TokenTree::Ident(f.name.clone()).into()),
                ("__T", f.ty.clone()),
            ],
        ));
    }
    template(
        "__A __V struct __N __G where __W { __B }",
        &[
            ("__A", s.attrs.iter().map(|(_, t)| t.clone()).collect()),
            ("__V", s.vis.clone()),
            ("__N", TokenTree::Ident(s.name.clone()).into()),
            ("__G", s.generics.declared.clone()),
            ("__W", s.generics.wheres.clone()),
            ("__B", body),
        ],
    )
}

/// One method per field: how `pin_init!` learns whether a field is pinned, and how it initialises and shows it.
// Sound: the methods are unsafe and called by `pin_init!` only, with a pointer to that very field of the slot. A pinned
// field's projection is pinned because the whole slot stays where it is; another's is not, which is what "not structurally
// pinned" means.
fn field_methods(fields: &[Field]) -> TokenStream {
    let mut out = TokenStream::new();
    for f in fields {
        let src = if is_pinned(f) {
            "__VIS unsafe fn __NAME<__E>(self, slot: *mut __TY, init: impl ::pin_init::PinInit<__TY, __E>)
                -> ::core::result::Result<(), __E> {
                unsafe { ::pin_init::PinInit::__pinned_init(init, slot) }
            }
            __VIS unsafe fn __PROJECT<'__slot>(self, slot: &'__slot mut __TY)
                -> ::core::pin::Pin<&'__slot mut __TY> {
                unsafe { ::core::pin::Pin::new_unchecked(slot) }
            }"
        } else {
            "__VIS unsafe fn __NAME<__E>(self, slot: *mut __TY, init: impl ::pin_init::Init<__TY, __E>)
                -> ::core::result::Result<(), __E> {
                unsafe { ::pin_init::Init::__init(init, slot) }
            }
            __VIS unsafe fn __PROJECT<'__slot>(self, slot: &'__slot mut __TY) -> &'__slot mut __TY {
                slot
            }"
        };
        let span = f.name.span();
        out.extend(template(
            src,
            &[
                ("__VIS", f.vis.clone()),
                ("__NAME", TokenTree::Ident(f.name.clone()).into()),
                (
                    "__PROJECT",
                    ident(format!("__project_{}", raw(&f.name)), span),
                ),
                ("__TY", f.ty.clone()),
            ],
        ));
    }
    out
}

pub(crate) fn raw(i: &Ident) -> String {
    i.to_string().trim_start_matches("r#").to_string()
}

/// `project()` and what it returns.
// Sound: exactly the `#[pin]` fields become pinned, and the struct is Unpin only if they are.
fn projection(s: &Struct, fields: &[Field]) -> TokenStream {
    let (mut decl, mut init) = (TokenStream::new(), TokenStream::new());
    for f in fields {
        let (d, i) = if is_pinned(f) {
            (
                "__V __N: ::core::pin::Pin<&'__pin mut __T>,",
                "__N: unsafe { ::core::pin::Pin::new_unchecked(&mut __this.__N) },",
            )
        } else {
            ("__V __N: &'__pin mut __T,", "__N: &mut __this.__N,")
        };
        let args = [
            ("__V", f.vis.clone()),
            ("__N", TokenTree::Ident(f.name.clone()).into()),
            ("__T", f.ty.clone()),
        ];
        decl.extend(template(d, &args));
        init.extend(template(i, &args));
    }
    let g = &s.generics;
    template(
        "
        #[doc(hidden)]
        #[allow(dead_code)]
        __VIS struct __PROJ<'__pin, __P> where __W {
            __DECL
            #[doc(hidden)]
            ___pin_phantom_data: ::core::marker::PhantomData<&'__pin mut ()>,
        }
        impl<__P> __NAME<__A> where __W {
            /// Pin-projects all fields.
            #[inline]
            #[allow(dead_code)]
            __VIS fn project<'__pin>(self: ::core::pin::Pin<&'__pin mut Self>) -> __PROJ<'__pin, __A> {
                let __this = unsafe { ::core::pin::Pin::get_unchecked_mut(self) };
                __PROJ {
                    __INIT
                    ___pin_phantom_data: ::core::marker::PhantomData,
                }
            }
        }",
        &[
            ("__VIS", s.vis.clone()),
            (
                "__PROJ",
                ident(format!("{}Projection", s.name), s.name.span()),
            ),
            ("__NAME", TokenTree::Ident(s.name.clone()).into()),
            ("__P", g.params.clone()),
            ("__A", g.args.clone()),
            ("__W", g.wheres.clone()),
            ("__DECL", decl),
            ("__INIT", init),
        ],
    )
}

// Sound: PinnedDrop::drop is given the only token, at the one point where the language would drop the struct.
const DROP_PINNED: &str = "
    impl<__P> ::core::ops::Drop for __NAME<__A> where __W {
        fn drop(&mut self) {
            let pinned = unsafe { ::core::pin::Pin::new_unchecked(self) };
            let token = unsafe { ::pin_init::__internal::OnlyCallFromDrop::new() };
            ::pin_init::PinnedDrop::drop(pinned, token);
        }
    }";

// A plain Drop would get `&mut self` to something pinned: two overlapping impls make it an error.
const DROP_FORBIDDEN: &str = "
    trait MustNotImplDrop {}
    #[allow(drop_bounds)]
    impl<__T: ::core::ops::Drop + ?::core::marker::Sized> MustNotImplDrop for __T {}
    impl<__P> MustNotImplDrop for __NAME<__A> where __W {}
    #[allow(non_camel_case_types)]
    trait UselessPinnedDropImpl_you_need_to_specify_PinnedDrop {}
    impl<__T: ::pin_init::PinnedDrop + ?::core::marker::Sized>
        UselessPinnedDropImpl_you_need_to_specify_PinnedDrop for __T {}
    impl<__P> UselessPinnedDropImpl_you_need_to_specify_PinnedDrop for __NAME<__A> where __W {}";

// Sound: HasPinData's methods are those made above for this struct.
const GLUE: &str = "
    #[doc(hidden)]
    __VIS struct __ThePinData<__P> where __W {
        __phantom: ::core::marker::PhantomData<fn(__NAME<__A>) -> __NAME<__A>>,
    }
    impl<__P> ::core::clone::Clone for __ThePinData<__A> where __W {
        fn clone(&self) -> Self { *self }
    }
    impl<__P> ::core::marker::Copy for __ThePinData<__A> where __W {}
    #[allow(dead_code, non_snake_case, clippy::missing_safety_doc)]
    impl<__P> __ThePinData<__A> where __W { __METHODS }
    unsafe impl<__P> ::pin_init::__internal::HasPinData for __NAME<__A> where __W {
        type PinData = __ThePinData<__A>;
        unsafe fn __pin_data() -> Self::PinData {
            __ThePinData { __phantom: ::core::marker::PhantomData }
        }
    }
    unsafe impl<__P> ::pin_init::__internal::PinData for __ThePinData<__A> where __W {
        type Datee = __NAME<__A>;
    }
    #[allow(dead_code)]
    struct __Unpin<'__pin, __P> where __W {
        __phantom_pin: ::core::marker::PhantomData<fn(&'__pin ()) -> &'__pin ()>,
        __phantom: ::core::marker::PhantomData<fn(__NAME<__A>) -> __NAME<__A>>,
        __PINNED
    }
    impl<'__pin, __P> ::core::marker::Unpin for __NAME<__A>
        where __W __Unpin<'__pin, __A>: ::core::marker::Unpin {}
    __DROP";

pub(crate) fn expand(attr: TokenStream, ts: TokenStream) -> Result<TokenStream> {
    let mut a = Cursor::new(attr);
    let has_drop = a.eat_ident("PinnedDrop");
    if !a.at_end() {
        return err(a.span(), "expected nothing or `PinnedDrop`");
    }
    let s = parse_struct(ts)?;
    let Some(fields) = &s.fields else {
        return err(
            s.name.span(),
            "#[pin_data] needs a struct with named fields",
        );
    };
    let mut pinned = TokenStream::new();
    for f in fields.iter().filter(|f| is_pinned(f)) {
        pinned.extend(template(
            "__N: __T,",
            &[
                ("__N", TokenTree::Ident(f.name.clone()).into()),
                ("__T", f.ty.clone()),
            ],
        ));
    }
    let Generics {
        params,
        args,
        wheres,
        ..
    } = s.generics.clone();
    let common = [
        ("__VIS", s.vis.clone()),
        ("__NAME", TokenTree::Ident(s.name.clone()).into()),
        ("__P", params),
        ("__A", args),
        ("__W", wheres),
        ("__METHODS", field_methods(fields)),
        ("__PINNED", pinned),
    ];
    let mut with_drop = common.to_vec();
    let drop = if has_drop {
        DROP_PINNED
    } else {
        DROP_FORBIDDEN
    };
    with_drop.push(("__DROP", template(drop, &common)));
    let mut out = plain_struct(&s, fields);
    out.extend(template(
        "const _: () = { __BODY };",
        &[("__BODY", {
            let mut b = projection(&s, fields);
            b.extend(template(GLUE, &with_drop));
            b
        })],
    ));
    Ok(out)
}

/// Gives `drop` its second parameter, the token, and the impl its `unsafe`.
pub(crate) fn pinned_drop(ts: TokenStream) -> Result<TokenStream> {
    let mut toks: Vec<_> = ts.into_iter().collect();
    let Some(TokenTree::Group(body)) = toks.pop() else {
        return err(Span::call_site(), "#[pinned_drop] is for an impl");
    };
    let mut out = TokenStream::new();
    let mut c = Cursor::new(toks.into_iter().collect());
    for (_, attr) in c.attrs()? {
        out.extend(attr);
    }
    if !c.eat_ident("impl") {
        return err(c.span(), "expected `impl PinnedDrop for ...`");
    }
    out.extend("unsafe impl".parse::<TokenStream>().expect("tokens"));
    while let Some(t) = c.next() {
        // However the trait was named, it is this one.
        if matches!(&t, TokenTree::Ident(i) if i.to_string() == "PinnedDrop") {
            out.extend(template("::pin_init::PinnedDrop", &[]));
        } else {
            out.extend([t]);
        }
    }
    let mut new_body = TokenStream::new();
    let mut b = Cursor::new(body.stream());
    while let Some(t) = b.next() {
        let is_fn = matches!(&t, TokenTree::Ident(i) if i.to_string() == "fn");
        new_body.extend([t]);
        if !is_fn {
            continue;
        }
        new_body.extend([TokenTree::Ident(b.ident()?)]);
        let mut params = b.group(Delimiter::Parenthesis)?.stream();
        let tail = params.clone().into_iter().last();
        if !tail.is_some_and(|t| crate::helpers::is_comma(&t)) {
            params.extend(template(",", &[]));
        }
        params.extend(template("_: ::pin_init::__internal::OnlyCallFromDrop", &[]));
        new_body.extend([TokenTree::Group(Group::new(Delimiter::Parenthesis, params))]);
    }
    out.extend([TokenTree::Group(Group::new(Delimiter::Brace, new_body))]);
    Ok(out)
}
