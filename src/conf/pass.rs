//! The targets of `pass`: `applications/NAME[/TARGET]`, `upstreams/NAME`, `routes[/NAME]`.

use super::percent;

/// Where a request is handed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassTarget {
    /// An application, or one target of it.
    Application {
        /// Its name.
        name: String,
        /// The target's name; without one the first target serves.
        target: Option<String>,
    },
    /// A group of servers.
    Upstream(String),
    /// A named route, or the anonymous one.
    Route(Option<String>),
}

/// Why a text is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassError {
    /// An empty segment, too many segments or a broken percent-encoding.
    #[error("the value is invalid")]
    Invalid,
    /// Nothing can have this name.
    #[error("the location is invalid")]
    NoSuchPlace,
}

impl PassTarget {
    /// Reads a target; each of its segments is percent-encoded.
    pub fn parse(text: &str) -> Result<PassTarget, PassError> {
        let mut segments = Vec::with_capacity(3);
        for segment in text.split('/') {
            if segment.is_empty() || segments.len() == 3 {
                return Err(PassError::Invalid);
            }
            segments.push(percent::decode(segment.as_bytes()).ok_or(PassError::Invalid)?);
        }
        let mut names = Vec::with_capacity(3);
        for segment in segments {
            // Every name of a document is UTF-8.
            names.push(String::from_utf8(segment).map_err(|_| PassError::NoSuchPlace)?);
        }
        let mut names = names.into_iter();
        let (kind, name, target) = (names.next(), names.next(), names.next());
        match (kind.as_deref(), name, target) {
            (Some("applications"), Some(name), target) => {
                Ok(PassTarget::Application { name, target })
            }
            (Some("upstreams"), Some(name), None) => Ok(PassTarget::Upstream(name)),
            (Some("routes"), name, None) => Ok(PassTarget::Route(name)),
            _ => Err(PassError::NoSuchPlace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded() {
        let application = |name: &str, target: Option<&str>| {
            Ok(PassTarget::Application {
                name: name.into(),
                target: target.map(Into::into),
            })
        };
        assert_eq!(PassTarget::parse("applications/a"), application("a", None));
        assert_eq!(
            PassTarget::parse("applications/a%2Fb/%74"),
            application("a/b", Some("t"))
        );
        assert_eq!(
            PassTarget::parse("upstreams/u"),
            Ok(PassTarget::Upstream("u".into()))
        );
        assert_eq!(PassTarget::parse("routes"), Ok(PassTarget::Route(None)));
        assert_eq!(
            PassTarget::parse("routes/r"),
            Ok(PassTarget::Route(Some("r".into())))
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "/",
            "routes/",
            "/routes",
            "applications//t",
            "applications/a/b/c",
            "routes/%",
            "routes/%2x",
        ] {
            assert_eq!(PassTarget::parse(text), Err(PassError::Invalid), "{text}");
        }
        for text in [
            "applications",
            "upstreams",
            "upstreams/a/b",
            "routes/a/b",
            "nowhere/a",
            "routes/%ff",
        ] {
            assert_eq!(
                PassTarget::parse(text),
                Err(PassError::NoSuchPlace),
                "{text}"
            );
        }
    }
}
