//! The `match` object of a route step, compiled.

use super::CompileError;
use super::pattern::{Encoding, Folding, PatternList};
use crate::conf::address::AddressPattern;
use crate::conf::config::{Match, PatternSet};
use crate::http::encoding;
use crate::http::field::field_hash;
use crate::router::arguments::decode_form;
use crate::router::request::{Address, Request};
use crate::router::template::Condition;
use crate::router::variable::ResponseFacts;

/// Conditions that must all hold.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    condition: Option<Condition>,
    tls: Option<bool>,
    host: Option<PatternList>,
    uri: Option<PatternList>,
    method: Option<PatternList>,
    headers: Option<Vec<NamedPatterns>>,
    arguments: Option<Vec<NamedPatterns>>,
    cookies: Option<Vec<NamedPatterns>>,
    query: Option<PatternList>,
    source: Option<AddressList>,
    destination: Option<AddressList>,
}

/// Names whose values must match, every occurrence of them.
type NamedPatterns = Vec<(Name, PatternList)>;

#[derive(Debug)]
struct Name {
    text: Vec<u8>,
    hash: u16,
}

/// Patterns of addresses.
#[derive(Debug)]
pub(in crate::router) struct AddressList(Vec<AddressPattern>);

impl AddressList {
    pub(in crate::router) fn compile(
        texts: &[String],
        option: &'static str,
    ) -> Result<AddressList, CompileError> {
        let pattern = |text: &String| {
            AddressPattern::parse(text).map_err(|error| CompileError::Address {
                option,
                text: text.clone(),
                error,
            })
        };
        texts
            .iter()
            .map(pattern)
            .collect::<Result<_, _>>()
            .map(AddressList)
    }

    /// No negated pattern contains the address, and a positive one does if there are any; an empty
    /// list contains nothing.
    pub(in crate::router) fn contains(&self, address: &Address) -> bool {
        let socket = match address {
            Address::Ip(address) => Some(*address),
            Address::Unix(_) => None,
        };
        let among = |negated| {
            self.0
                .iter()
                .any(|pattern| pattern.negated == negated && pattern.contains(socket))
        };
        if among(true) || self.0.is_empty() {
            return false;
        }
        among(false) || self.0.iter().all(|pattern| pattern.negated)
    }
}

fn patterns(
    texts: &Option<Vec<String>>,
    option: &'static str,
    folding: Folding,
    encoding: Encoding,
) -> Result<Option<PatternList>, CompileError> {
    let list = texts
        .as_ref()
        .map(|texts| PatternList::compile(texts, folding, encoding));
    list.transpose()
        .map_err(|error| CompileError::Pattern { option, error })
}

fn named_patterns(
    sets: &Option<Vec<PatternSet>>,
    option: &'static str,
    folding: Folding,
    encoding: Encoding,
) -> Result<Option<Vec<NamedPatterns>>, CompileError> {
    let Some(sets) = sets else { return Ok(None) };
    let failed = |error| CompileError::Pattern { option, error };
    let one = |(name, texts): &(String, Vec<String>)| {
        let text = match encoding {
            Encoding::Form => {
                encoding::decode(name.as_bytes(), true).map_err(|error| failed(error.into()))?
            }
            _ => name.clone().into_bytes(),
        };
        let hash = field_hash(&text);
        let list = PatternList::compile(texts, folding, encoding).map_err(failed)?;
        Ok((Name { text, hash }, list))
    };
    let set = |set: &PatternSet| set.iter().map(one).collect::<Result<NamedPatterns, _>>();
    sets.iter().map(set).collect::<Result<_, _>>().map(Some)
}

impl Conditions {
    pub(super) fn compile(source: &Match) -> Result<Conditions, CompileError> {
        let condition = source
            .condition
            .as_deref()
            .map(Condition::compile)
            .transpose();
        let addresses = |texts: &Option<Vec<String>>, option| {
            texts
                .as_ref()
                .map(|texts| AddressList::compile(texts, option))
                .transpose()
        };
        let (none, percent, form) = (Encoding::None, Encoding::Percent, Encoding::Form);
        Ok(Conditions {
            condition: condition.map_err(|error| CompileError::Template {
                option: "if",
                error,
            })?,
            tls: source
                .scheme
                .as_deref()
                .map(|scheme| scheme.eq_ignore_ascii_case("https")),
            host: patterns(&source.host, "host", Folding::Lower, none)?,
            uri: patterns(&source.uri, "uri", Folding::None, percent)?,
            method: patterns(&source.method, "method", Folding::Upper, none)?,
            headers: named_patterns(&source.headers, "headers", Folding::Ignore, none)?,
            arguments: named_patterns(&source.arguments, "arguments", Folding::None, form)?,
            cookies: named_patterns(&source.cookies, "cookies", Folding::None, none)?,
            query: patterns(&source.query, "query", Folding::None, form)?,
            source: addresses(&source.source, "source")?,
            destination: addresses(&source.destination, "destination")?,
        })
    }

    /// The paths that alone can satisfy the conditions, if they are listed exactly.
    pub(super) fn exact_paths(&self) -> Option<Vec<&[u8]>> {
        self.uri.as_ref().and_then(PatternList::exact_texts)
    }

    /// Whether all hold; an error is one of a regular expression at run time.
    pub(super) fn hold(&self, request: &mut Request) -> Result<bool, pcre2::Error> {
        let list = |patterns: &Option<PatternList>, text: &[u8]| {
            patterns
                .as_ref()
                .map_or(Ok(true), |patterns| patterns.matches(text))
        };
        if let Some(condition) = &self.condition
            && !condition.holds(request, &ResponseFacts::default())
        {
            return Ok(false);
        }
        if self.tls.is_some_and(|tls| tls != request.tls)
            || !list(&self.host, request.head.host().unwrap_or_default())?
            || !list(&self.uri, request.path())?
            || !list(&self.method, request.head.method())?
            || !headers_match(&self.headers, request)?
        {
            return Ok(false);
        }
        if let Some(sets) = &self.arguments
            && !values_match(sets, request.arguments())?
        {
            return Ok(false);
        }
        if let Some(sets) = &self.cookies
            && !values_match(sets, request.cookies())?
        {
            return Ok(false);
        }
        if let Some(query) = &self.query
            && !query.matches(&decode_form(request.head.query()))?
        {
            return Ok(false);
        }
        Ok(self
            .source
            .as_ref()
            .is_none_or(|list| list.contains(&request.remote))
            && self
                .destination
                .as_ref()
                .is_none_or(|list| list.contains(&request.local)))
    }
}

/// Whether any set holds: each of its names occurs and every occurrence matches. No set at all
/// holds too.
fn any_set(
    sets: &[NamedPatterns],
    mut holds: impl FnMut(&Name, &PatternList) -> Result<bool, pcre2::Error>,
) -> Result<bool, pcre2::Error> {
    'sets: for set in sets {
        for (name, patterns) in set {
            if !holds(name, patterns)? {
                continue 'sets;
            }
        }
        return Ok(true);
    }
    Ok(sets.is_empty())
}

fn all_match<'a>(
    values: impl Iterator<Item = &'a [u8]>,
    patterns: &PatternList,
) -> Result<bool, pcre2::Error> {
    let mut occurs = false;
    for value in values {
        occurs = true;
        if !patterns.matches(value)? {
            return Ok(false);
        }
    }
    Ok(occurs)
}

fn headers_match(
    sets: &Option<Vec<NamedPatterns>>,
    request: &Request,
) -> Result<bool, pcre2::Error> {
    let Some(sets) = sets else { return Ok(true) };
    let head = &request.head;
    any_set(sets, |name, patterns| {
        let fields = head.fields().iter().filter(|field| {
            field.hash == name.hash && head.get(field.name).eq_ignore_ascii_case(&name.text)
        });
        all_match(fields.map(|field| head.get(field.value)), patterns)
    })
}

fn values_match(
    sets: &[NamedPatterns],
    values: &[(Vec<u8>, Vec<u8>)],
) -> Result<bool, pcre2::Error> {
    any_set(sets, |name, patterns| {
        let same = values.iter().filter(|(other, _)| *other == name.text);
        all_match(same.map(|(_, value)| value.as_slice()), patterns)
    })
}
