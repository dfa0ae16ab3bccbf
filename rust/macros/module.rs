//! `module!`.

use crate::helpers::{err, template, Cursor, Error, Result};
use proc_macro::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};

/// The keys in their only order; the flag says whether one is required.
const KEYS: [(&str, bool); 9] = [
    ("type", true),
    ("name", true),
    ("authors", false),
    ("description", false),
    ("license", true),
    ("alias", false),
    ("firmware", false),
    ("imports_ns", false),
    ("params", false),
];

struct Param {
    name: Ident,
    ty: Ident,
    default: TokenStream,
    description: String,
}

#[derive(Default)]
struct Info {
    ty: TokenStream,
    name: String,
    /// `key=value` lines for modinfo.
    text: Vec<(String, String)>,
    params: Vec<Param>,
}

/// The text of a plain string literal, as a key's value or an element of its list.
fn string(c: &mut Cursor) -> Result<String> {
    let span = c.span();
    let mut t = c.next();
    // Through a macro_rules! `$x:literal` or `$x:expr` it comes in an invisible group.
    while let Some(TokenTree::Group(g)) = &t {
        if g.delimiter() != Delimiter::None {
            break;
        }
        t = Cursor::new(g.stream()).next();
    }
    let text = match t {
        Some(TokenTree::Literal(l)) => l.to_string(),
        _ => return err(span, "expected a string literal"),
    };
    match text.strip_prefix('"').and_then(|s| s.strip_suffix('"')) {
        Some(s) if !s.contains('\\') && s.is_ascii() => Ok(s.to_string()),
        _ => err(
            span,
            "expected a string literal in plain ASCII without escapes",
        ),
    }
}

fn strings(c: &mut Cursor) -> Result<Vec<String>> {
    let mut inner = Cursor::new(c.group(Delimiter::Bracket)?.stream());
    let mut v = Vec::new();
    while !inner.at_end() {
        v.push(string(&mut inner)?);
        if !inner.at_end() {
            inner.punct(',')?;
        }
    }
    Ok(v)
}

fn params(c: &mut Cursor) -> Result<Vec<Param>> {
    let mut inner = Cursor::new(c.group(Delimiter::Brace)?.stream());
    let mut v = Vec::new();
    while !inner.at_end() {
        let name = inner.ident()?;
        inner.punct(':')?;
        let ty = inner.ident()?;
        let mut body = Cursor::new(inner.group(Delimiter::Brace)?.stream());
        let key = |body: &mut Cursor, k: &str| -> Result<()> {
            if !body.eat_ident(k) {
                return err(body.span(), format!("expected `{k}`"));
            }
            body.punct(':')
        };
        key(&mut body, "default")?;
        let default = body.expr();
        body.punct(',')?;
        key(&mut body, "description")?;
        let description = string(&mut body)?;
        body.eat_punct(',');
        if !body.at_end() {
            return err(body.span(), "unexpected token in a parameter");
        }
        inner.eat_punct(',');
        v.push(Param {
            name,
            ty,
            default,
            description,
        });
    }
    Ok(v)
}

fn parse(ts: TokenStream) -> Result<Info> {
    let (mut c, mut info) = (Cursor::new(ts), Info::default());
    let mut at = 0;
    while !c.at_end() {
        let key = c.ident()?;
        let k = key.to_string();
        let Some(i) = KEYS.iter().position(|(n, _)| *n == k) else {
            return err(key.span(), format!("unknown key `{k}`"));
        };
        if i < at {
            let order: Vec<_> = KEYS.iter().map(|(n, _)| *n).collect();
            return err(
                key.span(),
                format!(
                    "duplicate or misplaced key `{k}`; the order is {}",
                    order.join(", ")
                ),
            );
        }
        missing(&KEYS[at..i], key.span())?;
        at = i + 1;
        c.punct(':')?;
        match k.as_str() {
            "type" => info.ty = c.until(crate::helpers::is_comma),
            "name" => info.name = string(&mut c)?,
            "params" => info.params = params(&mut c)?,
            "authors" | "alias" | "firmware" | "imports_ns" => {
                let what = match k.as_str() {
                    "authors" => "author",
                    "imports_ns" => "import_ns",
                    other => other,
                };
                for s in strings(&mut c)? {
                    info.text.push((what.into(), s));
                }
            }
            _ => info.text.push((k, string(&mut c)?)),
        }
        c.punct(',')?;
    }
    missing(&KEYS[at..], Span::call_site())?;
    Ok(info)
}

fn missing(keys: &[(&str, bool)], span: Span) -> Result<()> {
    match keys.iter().find(|(_, required)| *required) {
        Some((k, _)) => err(span, format!("missing key `{k}`")),
        None => Ok(()),
    }
}

fn tokens(s: &str) -> Result<TokenStream> {
    s.parse()
        .map_err(|_| Error(Span::call_site(), format!("cannot parse `{s}`")))
}

fn bytes(s: &str) -> TokenStream {
    TokenTree::Literal(Literal::byte_string(s.as_bytes())).into()
}

/// `mod module_parameters`, and the statements that read them from the command line.
fn parameters(info: &Info) -> (TokenStream, TokenStream) {
    let (mut statics, mut reads) = (TokenStream::new(), TokenStream::new());
    for p in &info.params {
        let args = [
            (
                "__NAME",
                TokenStream::from(TokenTree::Ident(p.name.clone())),
            ),
            ("__TY", TokenTree::Ident(p.ty.clone()).into()),
            ("__DEFAULT", p.default.clone()),
            (
                "__DOC",
                TokenTree::Literal(Literal::string(&p.description)).into(),
            ),
            ("__FULL", bytes(&format!("{}.{}", info.name, p.name))),
        ];
        statics.extend(template(
            "#[doc = __DOC]
            #[allow(non_upper_case_globals)]
            pub(crate) static __NAME: ::kernel::module_param::ModuleParamAccess<__TY> =
                ::kernel::module_param::ModuleParamAccess::new(__DEFAULT);",
            &args,
        ));
        reads.extend(template(
            "super::module_parameters::__NAME.__read(__FULL)?;",
            &args,
        ));
    }
    (statics, reads)
}

// Sound: C calls the two functions once each, in this order, and exit only if init returned 0 (include/drv/module.h);
// so __MODULE is written before it is read, and dropped once.
const WHOLE: &str = r#"
    #[doc(hidden)]
    pub(crate) static __LOG_PREFIX: &[u8] = __PREFIX;
    #[allow(dead_code)]
    static THIS_MODULE: ::kernel::ThisModule = unsafe { ::kernel::ThisModule::from_ptr(::core::ptr::null_mut()) };
    #[allow(dead_code)]
    type LocalModule = __TYPE;
    impl ::kernel::ModuleMetadata for __TYPE {
        const NAME: &'static ::kernel::str::CStr = __CNAME;
    }
    #[allow(dead_code, unused_imports)]
    mod module_parameters {
        __STATICS
    }
    #[doc(hidden)]
    mod __module_init {
        use super::LocalModule;

        static mut __MODULE: ::core::mem::MaybeUninit<LocalModule> = ::core::mem::MaybeUninit::uninit();

        fn __start() -> ::kernel::error::Result {
            __READS
            let init = <LocalModule as ::kernel::InPlaceModule>::init(&super::THIS_MODULE);
            unsafe { ::pin_init::PinInit::__pinned_init(init, (&raw mut __MODULE).cast::<LocalModule>()) }
        }

        #[no_mangle]
        #[link_section = ".init.text"]
        extern "C" fn __INIT_NAME() -> ::kernel::ffi::c_int {
            match __start() {
                Ok(()) => 0,
                Err(e) => e.to_errno(),
            }
        }

        #[no_mangle]
        extern "C" fn __EXIT_NAME() {
            unsafe { ::core::ptr::drop_in_place((&raw mut __MODULE).cast::<LocalModule>()) }
        }
    }
"#;

pub(crate) fn expand(ts: TokenStream) -> Result<TokenStream> {
    let info = parse(ts)?;
    let fn_name = info.name.replace('-', "_");
    let (statics, reads) = parameters(&info);
    Ok(template(
        WHOLE,
        &[
            ("__PREFIX", bytes(&format!("{}\0", info.name))),
            ("__TYPE", info.ty.clone()),
            ("__CNAME", tokens(&format!("c\"{}\"", info.name))?),
            ("__STATICS", statics),
            ("__READS", reads),
            ("__INIT_NAME", tokens(&format!("__{fn_name}_init"))?),
            ("__EXIT_NAME", tokens(&format!("__{fn_name}_exit"))?),
        ],
    ))
}
