//! The configuration of one application, as its prototype and its processes need it.
//!
//! It comes in the body of a `START_PROCESS` message from the router to main: the application's
//! name, a zero byte, and its object of the configuration as JSON text.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::time::Duration;

use crate::conf::json::{self, Value};
use crate::conf::limits::ProcessLimits;
use crate::process::isolation::Isolation;
use crate::process::modules::{split_type, type_number};

/// Default of `limits.shm`, bytes.
const SHM_LIMIT: usize = 100 * 1024 * 1024;

/// Default of `limits.start_timeout`, seconds: much longer than any application should need, so
/// that only those are killed that would never be ready.
const START_TIMEOUT: u64 = 300;

/// See the module head.
#[derive(Clone, Debug)]
pub(super) struct AppConf {
    /// The application's name.
    pub(super) name: String,
    /// Its `type`, as written.
    pub(super) kind: String,
    /// `user`, if given.
    pub(super) user: Option<String>,
    /// `group`, if given.
    pub(super) group: Option<String>,
    /// `stdout`
    pub(super) stdout: Option<PathBuf>,
    /// `stderr`
    pub(super) stderr: Option<PathBuf>,
    /// `working_directory`
    pub(super) working_directory: Option<PathBuf>,
    /// `environment`
    pub(super) environment: Vec<(String, String)>,
    /// `limits.shm`
    pub(super) shm_limit: usize,
    /// `limits.requests`; zero = off.
    pub(super) request_limit: u32,
    /// The members of `limits` that concern the system.
    pub(super) limits: ProcessLimits,
    /// `isolation`
    pub(super) isolation: Isolation,
    /// `limits.start_timeout`: how long the prototype and each process may take to become ready.
    pub(super) start_timeout: Option<Duration>,
    /// `limits.kill_timeout`
    pub(super) kill_timeout: Option<Duration>,
    /// The whole object.
    pub(super) json: Value,
}

/// Why a `START_PROCESS` body is refused; the router sent what it should not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AppConfError {
    /// There is no zero byte after the name, or the name is not UTF-8.
    #[error("router app configuration without a name")]
    Name,
    /// The JSON is none.
    #[error("router app configuration parsing error")]
    Json,
    /// A member has the wrong type or holds a zero byte.
    #[error("application \"{app}\": invalid \"{member}\" received from router")]
    Member {
        /// The application.
        app: String,
        /// The member.
        member: &'static str,
    },
    /// No such type.
    #[error("application \"{app}\": invalid app type \"{kind}\" received from router")]
    Type {
        /// The application.
        app: String,
        /// The type.
        kind: String,
    },
}

impl AppConf {
    /// Reads the body of `START_PROCESS`.
    pub(super) fn from_message(body: &[u8]) -> Result<AppConf, AppConfError> {
        let end = body
            .iter()
            .position(|&b| b == 0)
            .ok_or(AppConfError::Name)?;
        let name = std::str::from_utf8(&body[..end]).map_err(|_| AppConfError::Name)?;
        let json = json::parse(&body[end + 1..]).map_err(|_| AppConfError::Json)?;
        Self::new(name, json)
    }

    /// Reads an application's object.
    pub(super) fn new(name: &str, json: Value) -> Result<AppConf, AppConfError> {
        let invalid = |member| AppConfError::Member {
            app: name.to_owned(),
            member,
        };
        let text = |member: &'static str| match json.get_member(member) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) if !text.contains('\0') => Ok(Some(text.to_owned())),
                _ => Err(invalid(member)),
            },
        };
        let number = |member: &'static str| {
            let value = json
                .get_member("limits")
                .and_then(|limits| limits.get_member(member));
            match value {
                None => Ok(None),
                Some(value) => match value.as_integer().map(u64::try_from) {
                    Some(Ok(number)) => Ok(Some(number)),
                    _ => Err(invalid(member)),
                },
            }
        };
        let kind = text("type")?.ok_or_else(|| invalid("type"))?;
        if type_number(split_type(&kind).0).is_none() {
            return Err(AppConfError::Type {
                app: name.to_owned(),
                kind,
            });
        }
        let mut environment = Vec::new();
        for (key, value) in json
            .get_member("environment")
            .into_iter()
            .flat_map(Value::members)
        {
            let value = value.as_str().ok_or_else(|| invalid("environment"))?;
            // Names that setenv(3) refuses.
            if key.is_empty() || key.contains(['=', '\0']) || value.contains('\0') {
                return Err(invalid("environment"));
            }
            environment.push((key.to_owned(), value.to_owned()));
        }
        Ok(AppConf {
            name: name.to_owned(),
            user: text("user")?,
            group: text("group")?,
            stdout: text("stdout")?.map(PathBuf::from),
            stderr: text("stderr")?.map(PathBuf::from),
            working_directory: text("working_directory")?
                .filter(|dir| !dir.is_empty())
                .map(PathBuf::from),
            environment,
            shm_limit: number("shm")?
                .map_or(SHM_LIMIT, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            request_limit: number("requests")?.map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX)),
            limits: json
                .get_member("limits")
                .map(ProcessLimits::from_json)
                .transpose()
                .map_err(|_| invalid("limits"))?
                .unwrap_or_default(),
            isolation: Isolation::from_json(json.get_member("isolation"))
                .ok_or_else(|| invalid("isolation"))?,
            start_timeout: Some(number("start_timeout")?.unwrap_or(START_TIMEOUT))
                .filter(|&seconds| seconds > 0)
                .map(seconds),
            kill_timeout: number("kill_timeout")?.map(seconds),
            kind,
            json,
        })
    }
}

/// Validation bounds the number; here it only must not make time overflow.
fn seconds(number: u64) -> Duration {
    Duration::from_secs(number.min(i32::MAX as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_configuration() {
        let body = br#"app/1 x{"type":"python 3","user":"u","group":"g","working_directory":"/w",
            "stdout":"/o","stderr":"/e","environment":{"A":"1","B":""},"limits":{"shm":1024,"requests":7}}"#;
        let body: Vec<u8> = body
            .iter()
            .map(|&b| if b == b'x' { 0 } else { b })
            .collect();
        let conf = AppConf::from_message(&body).unwrap();
        assert_eq!((&*conf.name, &*conf.kind), ("app/1 ", "python 3"));
        assert_eq!(
            (conf.user.as_deref(), conf.group.as_deref()),
            (Some("u"), Some("g"))
        );
        assert_eq!(conf.working_directory, Some("/w".into()));
        assert_eq!(
            (conf.stdout, conf.stderr),
            (Some("/o".into()), Some("/e".into()))
        );
        assert_eq!(
            conf.environment,
            [("A".into(), "1".into()), ("B".into(), String::new())]
        );
        assert_eq!((conf.shm_limit, conf.request_limit), (1024, 7));
    }

    #[test]
    fn defaults_are_those_of_unit() {
        let conf = AppConf::from_message(b"a\0{\"type\":\"external\"}").unwrap();
        assert_eq!((conf.shm_limit, conf.request_limit), (104857600, 0));
        assert_eq!((conf.user, conf.working_directory), (None, None));
        assert_eq!(conf.start_timeout, Some(Duration::from_secs(300)));
        assert_eq!(conf.kill_timeout, None);
        let never = AppConf::from_message(
            b"a\0{\"type\":\"external\",\"limits\":{\"start_timeout\":0,\"kill_timeout\":3}}",
        );
        let never = never.unwrap();
        assert_eq!(never.start_timeout, None);
        assert_eq!(never.kill_timeout, Some(Duration::from_secs(3)));
    }

    #[test]
    fn what_the_router_should_not_send_is_refused() {
        let error = |body: &[u8]| AppConf::from_message(body).unwrap_err();
        assert_eq!(error(b""), AppConfError::Name);
        assert_eq!(error(b"name"), AppConfError::Name);
        assert_eq!(error(b"a\0{"), AppConfError::Json);
        assert!(matches!(
            error(b"a\0{}"),
            AppConfError::Member { member: "type", .. }
        ));
        assert!(matches!(
            error(b"a\0{\"type\":\"cobol\"}"),
            AppConfError::Type { .. }
        ));
        let nul = br#"{"type":"external","stdout":"\u0000"}"#;
        let nul = [b"a\0", &nul[..]].concat();
        assert!(matches!(
            error(&nul),
            AppConfError::Member {
                member: "stdout",
                ..
            }
        ));
    }
}
