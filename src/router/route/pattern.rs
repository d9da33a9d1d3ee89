//! Text patterns of `match` and `types`: exact, with `*`, negated by `!`, regular expressions
//! after `~`; and lists of them.

use memchr::memmem::Finder;
use pcre2::bytes::{Regex, RegexBuilder};

use crate::http::encoding;

/// How the texts of an option are prepared and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::router) enum Folding {
    /// As written.
    None,
    /// The pattern is put into upper case.
    Upper,
    /// The pattern is put into lower case.
    Lower,
    /// Pattern and text are compared without regard to case.
    Ignore,
}

/// How the texts of an option are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::router) enum Encoding {
    /// As written.
    None,
    /// Percent escapes.
    Percent,
    /// Percent escapes, and `+` for a space.
    Form,
}

/// Why a text is not a pattern.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// PCRE2 refuses it.
    #[error("invalid regular expression: {0}")]
    Regex(#[from] pcre2::Error),
    /// A broken percent escape.
    #[error(transparent)]
    Escape(#[from] encoding::BadEscape),
}

/// Several patterns of one option.
#[derive(Debug)]
pub(in crate::router) struct PatternList {
    negative: Vec<Matcher>,
    positive: Vec<Matcher>,
}

#[derive(Debug)]
enum Matcher {
    Exact { text: Box<[u8]>, ignore_case: bool },
    Wild(Box<Wild>),
    Regex(Box<Regex>),
}

/// A pattern with `*` in it.
#[derive(Debug)]
struct Wild {
    prefix: Box<[u8]>,
    suffix: Box<[u8]>,
    middle: Vec<Substring>,
    /// Bytes of all pieces together.
    min_len: usize,
    ignore_case: bool,
}

#[derive(Debug)]
enum Substring {
    Exact(Box<Finder<'static>>),
    /// Longer than nothing.
    IgnoreCase(Box<[u8]>),
}

impl PatternList {
    pub(in crate::router) fn compile(
        texts: &[String],
        folding: Folding,
        encoding: Encoding,
    ) -> Result<PatternList, PatternError> {
        let mut list = PatternList {
            negative: Vec::new(),
            positive: Vec::new(),
        };
        for text in texts {
            match text.strip_prefix('!') {
                Some(rest) => list
                    .negative
                    .push(Matcher::compile(rest, folding, encoding)?),
                None => list
                    .positive
                    .push(Matcher::compile(text, folding, encoding)?),
            }
        }
        Ok(list)
    }

    /// No negated pattern matches its text, and a positive one does if there are any.
    pub(in crate::router) fn matches(&self, text: &[u8]) -> Result<bool, pcre2::Error> {
        for pattern in &self.negative {
            if pattern.matches(text)? {
                return Ok(false);
            }
        }
        for pattern in &self.positive {
            if pattern.matches(text)? {
                return Ok(true);
            }
        }
        Ok(self.positive.is_empty())
    }

    /// The texts that the list accepts, if it consists of exact ones alone.
    pub(in crate::router) fn exact_texts(&self) -> Option<Vec<&[u8]>> {
        if !self.negative.is_empty() || self.positive.is_empty() {
            return None;
        }
        let mut texts = Vec::with_capacity(self.positive.len());
        for pattern in &self.positive {
            match pattern {
                Matcher::Exact {
                    text,
                    ignore_case: false,
                } => texts.push(&**text),
                _ => return None,
            }
        }
        Some(texts)
    }
}

impl Matcher {
    fn compile(text: &str, folding: Folding, encoding: Encoding) -> Result<Matcher, PatternError> {
        if let Some(expression) = text.strip_prefix('~') {
            let regex = RegexBuilder::new()
                .jit_if_available(true)
                .build(expression)?;
            return Ok(Matcher::Regex(Box::new(regex)));
        }
        let piece = |text: &str| -> Result<Box<[u8]>, PatternError> {
            let mut bytes = match encoding {
                Encoding::None => text.as_bytes().to_vec(),
                Encoding::Percent => encoding::decode(text.as_bytes(), false)?,
                Encoding::Form => encoding::decode(text.as_bytes(), true)?,
            };
            match folding {
                Folding::None => {}
                Folding::Upper => bytes.make_ascii_uppercase(),
                Folding::Lower | Folding::Ignore => bytes.make_ascii_lowercase(),
            }
            Ok(bytes.into())
        };
        let ignore_case = folding == Folding::Ignore;
        let Some((first, rest)) = text.split_once('*') else {
            return Ok(Matcher::Exact {
                text: piece(text)?,
                ignore_case,
            });
        };
        let (inner, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        let (prefix, suffix) = (piece(first)?, piece(last)?);
        let mut min_len = prefix.len() + suffix.len();
        let mut middle = Vec::new();
        for text in inner.split('*').filter(|text| !text.is_empty()) {
            let text = piece(text)?;
            min_len += text.len();
            middle.push(match ignore_case {
                true => Substring::IgnoreCase(text),
                false => Substring::Exact(Box::new(Finder::new(&text).into_owned())),
            });
        }
        let wild = Wild {
            prefix,
            suffix,
            middle,
            min_len,
            ignore_case,
        };
        Ok(Matcher::Wild(Box::new(wild)))
    }

    fn matches(&self, text: &[u8]) -> Result<bool, pcre2::Error> {
        match self {
            Matcher::Exact {
                text: own,
                ignore_case,
            } => Ok(same(own, text, *ignore_case)),
            Matcher::Wild(wild) => Ok(wild.matches(text)),
            Matcher::Regex(regex) => regex.is_match(text),
        }
    }
}

fn same(own: &[u8], text: &[u8], ignore_case: bool) -> bool {
    if ignore_case {
        own.eq_ignore_ascii_case(text)
    } else {
        own == text
    }
}

impl Wild {
    fn matches(&self, text: &[u8]) -> bool {
        if text.len() < self.min_len {
            return false;
        }
        let (prefix, rest) = text.split_at(self.prefix.len());
        let (mut rest, suffix) = rest.split_at(rest.len() - self.suffix.len());
        if !same(&self.prefix, prefix, self.ignore_case)
            || !same(&self.suffix, suffix, self.ignore_case)
        {
            return false;
        }
        for part in &self.middle {
            let end = match part {
                Substring::Exact(finder) => finder.find(rest).map(|at| at + finder.needle().len()),
                Substring::IgnoreCase(own) => rest
                    .windows(own.len())
                    .position(|window| own.eq_ignore_ascii_case(window))
                    .map(|at| at + own.len()),
            };
            match end {
                Some(end) => rest = &rest[end..],
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str], folding: Folding, encoding: Encoding) -> PatternList {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        PatternList::compile(&texts, folding, encoding).unwrap()
    }

    fn matches(pattern: &str, text: &str) -> bool {
        list(&[pattern], Folding::None, Encoding::None)
            .matches(text.as_bytes())
            .unwrap()
    }

    #[test]
    fn wildcards() {
        for (pattern, yes, no) in [
            ("", &[""][..], &["a"][..]),
            ("abc", &["abc"], &["", "ab", "abcd", "ABC"]),
            ("*", &["", "a"], &[]),
            ("a*", &["a", "ab"], &["", "ba"]),
            ("*a", &["a", "ba"], &["", "ab"]),
            ("*a*", &["a", "bab"], &["", "b"]),
            ("a*b", &["ab", "axb"], &["a", "b", "abc", "ba"]),
            ("ab*ba", &["abba", "abxba"], &["aba"]),
            ("a*b*c", &["abc", "a-b-c"], &["ac", "acb", "abbx"]),
            ("*a*b*", &["ab", "xaxbx"], &["ba"]),
            ("a*bc*cd", &["abccd", "abcxcd"], &["abcd"]),
            ("!abc", &["", "abcd"], &["abc"]),
            ("!", &["a"], &[""]),
            ("!*a*", &["", "b"], &["bab"]),
        ] {
            for text in yes {
                assert!(matches(pattern, text), "{pattern} {text}");
            }
            for text in no {
                assert!(!matches(pattern, text), "{pattern} {text}");
            }
        }
    }

    #[test]
    fn regular_expressions() {
        assert!(matches("~b+", "abbc"));
        assert!(!matches("~^b", "abbc"));
        assert!(!matches("~B", "abbc"));
        assert!(matches("!~^b", "abbc"));
        assert!(matches("~^$", ""));
        assert!(matches("~", "anything"));
        let bad = PatternList::compile(&["~(".into()], Folding::None, Encoding::None);
        assert!(matches!(bad, Err(PatternError::Regex(_))));
    }

    #[test]
    fn case_and_encoding() {
        let one = |pattern, folding, encoding, text: &str| {
            list(&[pattern], folding, encoding)
                .matches(text.as_bytes())
                .unwrap()
        };
        assert!(one("get", Folding::Upper, Encoding::None, "GET"));
        assert!(one(
            "*.Example.COM",
            Folding::Lower,
            Encoding::None,
            "a.example.com"
        ));
        assert!(one("a*C*e", Folding::Ignore, Encoding::None, "AbcdE"));
        assert!(one("Abc", Folding::Ignore, Encoding::None, "aBC"));
        assert!(one("/%2A%20*", Folding::None, Encoding::Percent, "/* x"));
        assert!(!one("/%2A", Folding::None, Encoding::Percent, "/x"));
        assert!(one("a+b%2B", Folding::None, Encoding::Form, "a b+"));
        assert!(one("a+b", Folding::None, Encoding::Percent, "a+b"));
        let bad = PatternList::compile(&["%zz".into()], Folding::None, Encoding::Percent);
        assert!(matches!(bad, Err(PatternError::Escape(_))));
    }

    #[test]
    fn lists() {
        let check = |texts: &[&str], text: &str| {
            list(texts, Folding::None, Encoding::None)
                .matches(text.as_bytes())
                .unwrap()
        };
        assert!(check(&[], "anything"));
        assert!(check(&["a", "b"], "b") && !check(&["a", "b"], "c"));
        assert!(check(&["!a", "!b"], "c") && !check(&["!a", "!b"], "b"));
        // Order does not matter.
        for texts in [["a*", "!ab"], ["!ab", "a*"]] {
            assert!(check(&texts, "ac") && !check(&texts, "ab") && !check(&texts, "c"));
        }
    }

    #[test]
    fn lists_of_exact_texts() {
        let exact = list(&["/a", "/b"], Folding::None, Encoding::Percent);
        assert_eq!(exact.exact_texts(), Some(vec![&b"/a"[..], b"/b"]));
        for texts in [&["/a*"][..], &["!/a"], &["~/a"], &["/a", "!b"], &[]] {
            assert_eq!(
                list(texts, Folding::None, Encoding::None).exact_texts(),
                None
            );
        }
        assert_eq!(
            list(&["/a"], Folding::Ignore, Encoding::None).exact_texts(),
            None
        );
    }
}
