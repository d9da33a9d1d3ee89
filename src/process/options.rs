//! The command line of `unitd`.
//!
//! Names, order of evaluation and messages are those of Unit 1.35.0: a value is the next argument
//! (`--log=x` is unknown), `--version` and `--help` act at once, later options override earlier
//! ones. Defaults come from the build's environment (`NXT_CONTROL`, `NXT_PID`, `NXT_LOG`,
//! `NXT_MODULESDIR`, `NXT_STATEDIR`, `NXT_TMPDIR`, `NXT_USER`, `NXT_GROUP`,
//! `NXT_CONFIGURE_OPTIONS`), else they are those of an installation under /usr/local.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::path::PathBuf;

/// The release that this daemon stands in for.
pub const VERSION: &str = "1.35.0";

/// The environment variable of the build if it is set, else the other value.
macro_rules! built_with {
    ($name:literal, $default:literal) => {
        match option_env!($name) {
            Some(value) => value,
            None => $default,
        }
    };
}

/// Default of `--control`.
pub const CONTROL: &str = built_with!(
    "NXT_CONTROL",
    "unix:/usr/local/var/run/unit/control.unit.sock"
);
/// Default of `--pid`.
pub const PID: &str = built_with!("NXT_PID", "/usr/local/var/run/unit/unit.pid");
/// Default of `--log`.
pub const LOG: &str = built_with!("NXT_LOG", "/usr/local/var/log/unit/unit.log");
/// Default of `--modulesdir`.
pub const MODULESDIR: &str = built_with!("NXT_MODULESDIR", "/usr/local/lib/unit/modules");
/// Default of `--statedir`.
pub const STATEDIR: &str = built_with!("NXT_STATEDIR", "/usr/local/var/lib/unit");
/// Default of `--tmpdir`.
pub const TMPDIR: &str = built_with!("NXT_TMPDIR", "/tmp");
/// Default of `--user`.
pub const USER: &str = built_with!("NXT_USER", "nobody");
/// Default of `--group`; empty for the user's primary group.
pub const GROUP: &str = built_with!("NXT_GROUP", "");
/// What the build was configured with: every argument after a space.
pub const CONFIGURE_OPTIONS: &str = built_with!("NXT_CONFIGURE_OPTIONS", "");

/// The mode of a control socket for which `--control-mode` says nothing.
const CONTROL_MODE: u32 = 0o600;

/// What the daemon was asked to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Fork into the background.
    pub daemon: bool,
    /// Address of the control API.
    pub control: String,
    /// Mode of the control socket's file.
    pub control_mode: u32,
    /// Owner of the control socket's file.
    pub control_user: Option<String>,
    /// Group of the control socket's file.
    pub control_group: Option<String>,
    /// The pid file.
    pub pid: PathBuf,
    /// The log file.
    pub log: PathBuf,
    /// Where the language modules are.
    pub modulesdir: PathBuf,
    /// Where the state is kept.
    pub statedir: PathBuf,
    /// Where temporary files go.
    pub tmpdir: PathBuf,
    /// User of everything but main.
    pub user: String,
    /// Group of everything but main; `None` = the user's primary group.
    pub group: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            daemon: true,
            control: CONTROL.to_owned(),
            control_mode: CONTROL_MODE,
            control_user: None,
            control_group: None,
            pid: PID.into(),
            log: LOG.into(),
            modulesdir: MODULESDIR.into(),
            statedir: STATEDIR.into(),
            tmpdir: TMPDIR.into(),
            user: USER.to_owned(),
            group: Some(GROUP)
                .filter(|group| !group.is_empty())
                .map(str::to_owned),
        }
    }
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Serve.
    Run(Box<Options>),
    /// Print [`version_text`] to standard error.
    Version,
    /// Print [`help_text`] to standard output.
    Help,
}

/// Why a command line is refused: one line for standard error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// An option at the end that needs a value.
    #[error("option \"{option}\" requires {what}")]
    MissingValue {
        /// The option's current name.
        option: &'static str,
        /// What it needs.
        what: &'static str,
    },
    /// Not an option.
    #[error("unknown option \"{option}\", try \"{program} -h\" for available options")]
    Unknown {
        /// The argument.
        option: String,
        /// The program's name as it was called.
        program: String,
    },
}

/// Options with a value: the name, the name that replaces it, what the value is.
const VALUES: [(&str, &str, &str); 14] = [
    ("--control", "--control", "socket address"),
    ("--control-mode", "--control-mode", "a mode"),
    ("--control-user", "--control-user", "a username"),
    ("--control-group", "--control-group", "a group name"),
    ("--pid", "--pid", "filename"),
    ("--log", "--log", "filename"),
    ("--modulesdir", "--modulesdir", "directory"),
    ("--modules", "--modulesdir", "directory"),
    ("--statedir", "--statedir", "directory"),
    ("--state", "--statedir", "directory"),
    ("--tmpdir", "--tmpdir", "directory"),
    ("--tmp", "--tmpdir", "directory"),
    ("--user", "--user", "username"),
    ("--group", "--group", "group name"),
];

/// Reads a command line, the program's name first. `warn` gets the lines for standard error that
/// do not stop the daemon, in order.
pub fn parse(
    arguments: &[OsString],
    mut warn: impl FnMut(String),
) -> Result<Command, OptionsError> {
    let mut options = Options::default();
    let (program, rest) = match arguments {
        [program, rest @ ..] => (program.to_string_lossy().into_owned(), rest),
        [] => ("unitd".to_owned(), arguments),
    };
    let mut rest = rest.iter();
    while let Some(argument) = rest.next() {
        let argument = argument.to_string_lossy();
        match &*argument {
            "--no-daemon" => options.daemon = false,
            "--version" => return Ok(Command::Version),
            "--help" | "-h" => return Ok(Command::Help),
            name => {
                let Some(&(written, option, what)) = VALUES.iter().find(|known| known.0 == name)
                else {
                    return Err(OptionsError::Unknown {
                        option: name.to_owned(),
                        program,
                    });
                };
                if written != option {
                    warn(format!(
                        "option \"{written}\" is deprecated; use \"{option}\" instead"
                    ));
                }
                let value = rest
                    .next()
                    .ok_or(OptionsError::MissingValue { option, what })?;
                options.set(option, value);
            }
        }
    }
    Ok(Command::Run(Box::new(options)))
}

impl Options {
    fn set(&mut self, option: &str, value: &OsString) {
        let text = || value.to_string_lossy().into_owned();
        match option {
            "--control" => self.control = text(),
            "--control-mode" => self.control_mode = parse_mode(&text()),
            "--control-user" => self.control_user = Some(text()),
            "--control-group" => self.control_group = Some(text()),
            "--pid" => self.pid = value.into(),
            "--log" => self.log = value.into(),
            "--modulesdir" => self.modulesdir = value.into(),
            "--statedir" => self.statedir = value.into(),
            "--tmpdir" => self.tmpdir = value.into(),
            "--user" => self.user = text(),
            "--group" => self.group = Some(text()).filter(|group| !group.is_empty()),
            _ => unreachable!("every name of VALUES has its arm"),
        }
    }
}

/// As strtoul(3) with base 8: leading octal digits count; nothing or zero means the default.
fn parse_mode(text: &str) -> u32 {
    let digits = text.trim_start().trim_start_matches('+');
    let end = digits
        .find(|c: char| !('0'..='7').contains(&c))
        .unwrap_or(digits.len());
    match u32::from_str_radix(&digits[..end], 8) {
        Ok(mode) if mode != 0 => mode & 0o7777,
        _ => CONTROL_MODE,
    }
}

/// The two lines of `--version`.
pub fn version_text() -> String {
    format!("unit version: {VERSION}\nconfigured as ./configure{CONFIGURE_OPTIONS}\n")
}

/// The text of `--help`.
pub fn help_text() -> String {
    let group = match GROUP {
        "" => "user's primary group".to_owned(),
        group => format!("\"{group}\""),
    };
    let quoted = |text: &str| format!("\"{text}\"");
    let entries: [(&str, &str, Option<String>); 16] = [
        (
            "--version",
            "print the version and how the daemon was configured",
            None,
        ),
        ("--no-daemon", "stay in the foreground", None),
        (
            "--control ADDRESS",
            "address of the control API's socket",
            Some(quoted(CONTROL)),
        ),
        (
            "--control-mode MODE",
            "octal mode of the control API's socket file",
            Some("0600".to_owned()),
        ),
        (
            "--control-user USER",
            "owner of the control API's socket file",
            None,
        ),
        (
            "--control-group GROUP",
            "group of the control API's socket file",
            None,
        ),
        ("--pid FILE", "file for the process id", Some(quoted(PID))),
        ("--log FILE", "log file", Some(quoted(LOG))),
        (
            "--modulesdir DIR",
            "directory of the language modules",
            Some(quoted(MODULESDIR)),
        ),
        (
            "--statedir DIR",
            "directory of the state",
            Some(quoted(STATEDIR)),
        ),
        (
            "--tmpdir DIR",
            "directory for temporary files",
            Some(quoted(TMPDIR)),
        ),
        (
            "--modules DIR",
            "[deprecated] the same as --modulesdir",
            None,
        ),
        ("--state DIR", "[deprecated] the same as --statedir", None),
        ("--tmp DIR", "[deprecated] the same as --tmpdir", None),
        (
            "--user USER",
            "user of the processes without privileges",
            Some(quoted(USER)),
        ),
        (
            "--group GROUP",
            "group of the processes without privileges",
            Some(group),
        ),
    ];
    let mut text = "\nunit options:\n".to_owned();
    for (option, meaning, default) in entries {
        text += &format!("\n  {option:<23} {meaning}\n");
        if let Some(default) = default {
            text += &format!("  {:<23} default: {default}\n", "");
        }
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> (Result<Command, OptionsError>, Vec<String>) {
        let arguments: Vec<OsString> = ["/sbin/unitd"]
            .into_iter()
            .chain(line.split_ascii_whitespace())
            .map(OsString::from)
            .collect();
        let mut warnings = Vec::new();
        let result = parse(&arguments, |warning| warnings.push(warning));
        (result, warnings)
    }

    fn options(line: &str) -> Options {
        match parse_line(line).0 {
            Ok(Command::Run(options)) => *options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn every_option_has_its_place_and_the_last_one_counts() {
        let all = options(
            "--no-daemon --control 127.0.0.1:1 --control-mode 0660 --control-user u --control-group g \
             --pid /p --log /l --log /l2 --modulesdir /m --statedir /s --tmpdir /t --user a --group b",
        );
        assert_eq!(
            all,
            Options {
                daemon: false,
                control: "127.0.0.1:1".into(),
                control_mode: 0o660,
                control_user: Some("u".into()),
                control_group: Some("g".into()),
                pid: "/p".into(),
                log: "/l2".into(),
                modulesdir: "/m".into(),
                statedir: "/s".into(),
                tmpdir: "/t".into(),
                user: "a".into(),
                group: Some("b".into()),
            }
        );
        assert_eq!(options(""), Options::default());
    }

    #[test]
    fn old_names_work_and_warn() {
        let (result, warnings) = parse_line("--modules /m --state /s --tmp /t");
        let Ok(Command::Run(options)) = result else {
            panic!("{result:?}")
        };
        assert_eq!(
            (&*options.modulesdir, &*options.statedir, &*options.tmpdir),
            ("/m".as_ref(), "/s".as_ref(), "/t".as_ref())
        );
        assert_eq!(
            warnings[0],
            "option \"--modules\" is deprecated; use \"--modulesdir\" instead"
        );
        assert_eq!(warnings.len(), 3);
        let (result, warnings) = parse_line("--tmp");
        assert_eq!(
            result.unwrap_err().to_string(),
            "option \"--tmpdir\" requires directory"
        );
        assert_eq!(
            warnings,
            ["option \"--tmp\" is deprecated; use \"--tmpdir\" instead"]
        );
    }

    #[test]
    fn version_and_help_act_at_once() {
        assert_eq!(
            parse_line("--log /l --version --nonsense").0,
            Ok(Command::Version)
        );
        assert_eq!(parse_line("-h --version").0, Ok(Command::Help));
        assert_eq!(parse_line("--help").0, Ok(Command::Help));
        assert!(parse_line("--nonsense --version").0.is_err());
    }

    #[test]
    fn what_is_not_an_option_is_named() {
        for wrong in ["--log=/x", "-v", "x", "--Log"] {
            let error = parse_line(wrong).0.unwrap_err().to_string();
            let text =
                format!("unknown option \"{wrong}\", try \"/sbin/unitd -h\" for available options");
            assert_eq!(error, text);
        }
        let error = parse_line("--control-mode").0.unwrap_err().to_string();
        assert_eq!(error, "option \"--control-mode\" requires a mode");
    }

    #[test]
    fn a_mode_that_is_no_octal_number_means_the_default() {
        let cases = [
            ("0660", 0o660),
            ("777x", 0o777),
            ("0", 0o600),
            ("rw", 0o600),
            ("8", 0o600),
            ("", 0o600),
        ];
        for (text, mode) in cases {
            assert_eq!(parse_mode(text), mode, "{text}");
        }
    }

    #[test]
    fn help_has_every_option() {
        let help = help_text();
        assert!(help.starts_with("\nunit options:\n") && help.ends_with("\n\n"));
        for (name, ..) in VALUES {
            assert!(help.contains(&format!("\n  {name} ")), "{name}");
        }
    }
}
