//! Token tree tools: a cursor, templates, and the parts of a struct.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use std::iter::Peekable;
use std::vec::IntoIter;

/// What went wrong and where.
pub(crate) struct Error(pub(crate) Span, pub(crate) String);

pub(crate) type Result<T> = std::result::Result<T, Error>;

pub(crate) fn err<T>(span: Span, text: impl Into<String>) -> Result<T> {
    Err(Error(span, text.into()))
}

/// The expansion, or a `compile_error!` at the right place.
pub(crate) fn or_error(r: Result<TokenStream>) -> TokenStream {
    match r {
        Ok(ts) => ts,
        Err(Error(span, text)) => {
            let mut bang = Punct::new('!', Spacing::Alone);
            bang.set_span(span);
            let mut body = Group::new(
                Delimiter::Brace,
                TokenTree::from(Literal::string(&text)).into(),
            );
            body.set_span(span);
            let toks: [TokenTree; 3] = [
                Ident::new("compile_error", span).into(),
                bang.into(),
                body.into(),
            ];
            toks.into_iter().collect()
        }
    }
}

/// Reads a token stream from left to right.
pub(crate) struct Cursor(Peekable<IntoIter<TokenTree>>);

impl Cursor {
    pub(crate) fn new(ts: TokenStream) -> Self {
        Cursor(ts.into_iter().collect::<Vec<_>>().into_iter().peekable())
    }

    pub(crate) fn next(&mut self) -> Option<TokenTree> {
        self.0.next()
    }

    pub(crate) fn peek(&mut self) -> Option<&TokenTree> {
        self.0.peek()
    }

    pub(crate) fn at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    pub(crate) fn span(&mut self) -> Span {
        self.peek().map_or_else(Span::call_site, |t| t.span())
    }

    pub(crate) fn is_punct(&mut self, c: char) -> bool {
        matches!(self.peek(), Some(TokenTree::Punct(p)) if p.as_char() == c)
    }

    pub(crate) fn is_ident(&mut self, s: &str) -> bool {
        matches!(self.peek(), Some(TokenTree::Ident(i)) if i.to_string() == s)
    }

    pub(crate) fn is_group(&mut self, d: Delimiter) -> bool {
        matches!(self.peek(), Some(TokenTree::Group(g)) if g.delimiter() == d)
    }

    pub(crate) fn eat_punct(&mut self, c: char) -> bool {
        let yes = self.is_punct(c);
        if yes {
            self.next();
        }
        yes
    }

    pub(crate) fn eat_ident(&mut self, s: &str) -> bool {
        let yes = self.is_ident(s);
        if yes {
            self.next();
        }
        yes
    }

    pub(crate) fn punct(&mut self, c: char) -> Result<()> {
        if self.eat_punct(c) {
            return Ok(());
        }
        err(self.span(), format!("expected `{c}`"))
    }

    pub(crate) fn ident(&mut self) -> Result<Ident> {
        let span = self.span();
        match self.next() {
            Some(TokenTree::Ident(i)) => Ok(i),
            _ => err(span, "expected an identifier"),
        }
    }

    pub(crate) fn group(&mut self, d: Delimiter) -> Result<Group> {
        let span = self.span();
        match self.next() {
            Some(TokenTree::Group(g)) if g.delimiter() == d => Ok(g),
            _ => err(span, format!("expected a {d:?} group")),
        }
    }

    /// `#[...]`s, each as its two tokens.
    pub(crate) fn attrs(&mut self) -> Result<Vec<(Group, TokenStream)>> {
        let mut v = Vec::new();
        while self.is_punct('#') {
            let hash = self.next().into_iter();
            let g = self.group(Delimiter::Bracket)?;
            let ts = hash.chain([TokenTree::Group(g.clone())]).collect();
            v.push((g, ts));
        }
        Ok(v)
    }

    /// `pub`, `pub(...)` or nothing.
    pub(crate) fn vis(&mut self) -> TokenStream {
        let mut out = TokenStream::new();
        if self.is_ident("pub") {
            out.extend(self.next());
            if self.is_group(Delimiter::Parenthesis) {
                out.extend(self.next());
            }
        }
        out
    }

    /// Everything up to a `stop` that is outside angle brackets (the stop stays), or to the end.
    pub(crate) fn until(&mut self, stop: impl Fn(&TokenTree) -> bool) -> TokenStream {
        let (mut out, mut depth, mut minus) = (TokenStream::new(), 0i32, false);
        while let Some(t) = self.peek() {
            if depth == 0 && stop(t) {
                break;
            }
            let mut now_minus = false;
            if let TokenTree::Punct(p) = t {
                match p.as_char() {
                    '<' => depth += 1,
                    '>' if !minus => depth -= 1,
                    '-' | '=' => now_minus = p.spacing() == Spacing::Joint,
                    _ => {}
                }
            }
            minus = now_minus;
            out.extend(self.next());
        }
        out
    }

    /// An expression up to a comma: angle brackets in it mean nothing.
    pub(crate) fn expr(&mut self) -> TokenStream {
        let mut out = TokenStream::new();
        while !self.at_end() && !self.is_punct(',') {
            // A turbofish is the one place where a comma may stand between angle brackets.
            let fish = self.is_punct(':');
            out.extend(self.next());
            if fish && self.is_punct(':') {
                out.extend(self.next());
                if self.is_punct('<') {
                    out.extend(self.angles());
                }
            }
        }
        out
    }

    /// `<...>`, which must be next.
    pub(crate) fn angles(&mut self) -> TokenStream {
        let mut out = TokenStream::new();
        out.extend(self.next());
        out.extend(self.until(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == '>')));
        out.extend(self.next());
        out
    }
}

pub(crate) fn is_comma(t: &TokenTree) -> bool {
    matches!(t, TokenTree::Punct(p) if p.as_char() == ',')
}

/// Parses `src` and puts `args` in the place of the identifiers that name them (`__X` by convention).
pub(crate) fn template(src: &str, args: &[(&str, TokenStream)]) -> TokenStream {
    let ts: TokenStream = src.parse().expect("a template that parses");
    substitute(ts, args)
}

fn substitute(ts: TokenStream, args: &[(&str, TokenStream)]) -> TokenStream {
    let mut out = TokenStream::new();
    for t in ts {
        match t {
            TokenTree::Group(g) => {
                out.extend([TokenTree::Group(Group::new(
                    g.delimiter(),
                    substitute(g.stream(), args),
                ))]);
            }
            TokenTree::Ident(ref i) => {
                let name = i.to_string();
                match args.iter().find(|(n, _)| *n == name) {
                    Some((_, with)) => out.extend(with.clone()),
                    None => out.extend([t]),
                }
            }
            _ => out.extend([t]),
        }
    }
    out
}

/// The generics of an item, in the three forms in which they are needed.
#[derive(Clone, Default)]
pub(crate) struct Generics {
    /// `'a, T: Bound, const N: usize,` as after `impl<`: always with a trailing comma if not empty.
    pub(crate) params: TokenStream,
    /// `'a, T, N,` as after the name of the type.
    pub(crate) args: TokenStream,
    /// What follows `where`, with a trailing comma if not empty.
    pub(crate) wheres: TokenStream,
    /// `<...>` as it was written, defaults included.
    pub(crate) declared: TokenStream,
    /// The type parameters' names.
    pub(crate) types: Vec<Ident>,
}

/// One field.
pub(crate) struct Field {
    pub(crate) attrs: Vec<(Group, TokenStream)>,
    pub(crate) vis: TokenStream,
    pub(crate) name: Ident,
    pub(crate) ty: TokenStream,
}

/// A struct; `fields` is None if it has no named ones, and then `tail` is what was there instead.
pub(crate) struct Struct {
    pub(crate) attrs: Vec<(Group, TokenStream)>,
    pub(crate) vis: TokenStream,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) fields: Option<Vec<Field>>,
    pub(crate) tail: TokenStream,
}

fn comma() -> TokenStream {
    ",".parse().expect("a comma")
}

pub(crate) fn parse_generics(c: &mut Cursor) -> Result<Generics> {
    let mut g = Generics::default();
    if !c.is_punct('<') {
        return Ok(g);
    }
    g.declared = c.angles();
    let inner: Vec<_> = g.declared.clone().into_iter().collect();
    let mut p = Cursor::new(inner[1..inner.len() - 1].iter().cloned().collect());
    while !p.at_end() {
        let mut arg = TokenStream::new();
        let mut is_type = false;
        let mut full = TokenStream::new();
        if p.is_punct('\'') {
            arg.extend(p.next());
            arg.extend(p.next());
            full.extend(arg.clone());
        } else {
            if p.is_ident("const") {
                full.extend(p.next());
            } else {
                is_type = true;
            }
            let name = p.ident()?;
            if is_type {
                g.types.push(name.clone());
            }
            arg.extend([TokenTree::Ident(name.clone())]);
            full.extend([TokenTree::Ident(name)]);
        }
        full.extend(p.until(
            |t| matches!(t, TokenTree::Punct(p) if p.as_char() == ',' || p.as_char() == '='),
        ));
        if p.is_punct('=') {
            p.until(is_comma);
        }
        p.eat_punct(',');
        g.params.extend([full, comma()]);
        g.args.extend([arg, comma()]);
    }
    Ok(g)
}

fn parse_where(c: &mut Cursor, g: &mut Generics) {
    if c.eat_ident("where") {
        g.wheres = c.until(|t| {
            matches!(t, TokenTree::Punct(p) if p.as_char() == ';')
                || matches!(t, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace)
        });
        let last = g.wheres.clone().into_iter().last();
        if last.is_some_and(|t| !is_comma(&t)) {
            g.wheres.extend(comma());
        }
    }
}

fn parse_fields(ts: TokenStream) -> Result<Vec<Field>> {
    let (mut c, mut v) = (Cursor::new(ts), Vec::new());
    while !c.at_end() {
        let attrs = c.attrs()?;
        let vis = c.vis();
        let name = c.ident()?;
        c.punct(':')?;
        let ty = c.until(is_comma);
        c.eat_punct(',');
        v.push(Field {
            attrs,
            vis,
            name,
            ty,
        });
    }
    Ok(v)
}

pub(crate) fn parse_struct(ts: TokenStream) -> Result<Struct> {
    let mut c = Cursor::new(ts);
    let attrs = c.attrs()?;
    let vis = c.vis();
    if !c.eat_ident("struct") {
        return err(c.span(), "expected a struct");
    }
    let name = c.ident()?;
    let mut generics = parse_generics(&mut c)?;
    parse_where(&mut c, &mut generics);
    let mut fields = None;
    let mut tail = TokenStream::new();
    if c.is_group(Delimiter::Brace) {
        fields = Some(parse_fields(c.group(Delimiter::Brace)?.stream())?);
    } else {
        while let Some(t) = c.next() {
            tail.extend([t]);
        }
    }
    Ok(Struct {
        attrs,
        vis,
        name,
        generics,
        fields,
        tail,
    })
}
