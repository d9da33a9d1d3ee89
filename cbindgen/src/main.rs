//! Writes the C headers of `include/`.
//!
//! cbindgen prints a C declaration for every public type, constant and `extern "C"` function of
//! `src/abi` and `src/capi`. A template for each header says where a declaration goes, and has what
//! cbindgen cannot say: macros, static inline functions, variadic prototypes. In a template the line
//!
//!     @ NAME
//!
//! stands for the declaration of NAME, with its documentation as the comment. `@ struct NAME` is the
//! same for a type whose `typedef` was written before.
//!
//! Every declaration must have a place in exactly one template: a forgotten one is an error.
//!
//! Usage: `nxt-headers PROJECT [--check|--print]`; with `--check` nothing is written, and a header
//! that differs from what would be written is an error. `--print` shows what cbindgen makes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

/// What cbindgen shall not print: types that are opaque in C, for which the templates say `typedef
/// struct … …;`; a type with bit-fields; the inside of the variadic shims.
const EXCLUDED: &[&str] = &[
    "Global",
    "SharedStr",
    "nxt_atomic_t",
    "nxt_conf_op_t",
    "nxt_conf_value_t",
    "nxt_app_t",
    "nxt_conn_io_t",
    "nxt_event_engine_enter",
    "nxt_event_write_rate_t",
    "nxt_event_engine_next",
    "nxt_event_engine_wait",
    "nxt_fiber_main_t",
    "nxt_format",
    "nxt_process_title_set",
    "nxt_sem_t",
    "nxt_log_time_vhandler",
    "nxt_log_vhandler",
    "nxt_mem_zone_t",
    "nxt_mp_t",
    "nxt_sockaddr_u",
    "nxt_thread_context_address",
    "nxt_thread_enter",
    "nxt_thread_leave",
    "nxt_thread_spinlock_t",
    "nxt_thread_trampoline",
    "nxt_thread_wait_failed",
    "nxt_tls_lib_t",
    "nxt_tstr_state_t",
    "nxt_unit_log_text",
    "nxt_unit_req_log_text",
    "nxt_va_double",
    "nxt_va_int",
    "nxt_va_long",
    "nxt_va_pointer",
    "nxt_va_source_t",
    "nxt_websocket_header_t",
    "tzset",
];

/// What Rust has to write otherwise than C: (type, what cbindgen prints, what C says).
const MEMBERS: &[(&str, &str, &str)] = &[
    ("nxt_common_app_conf_t", "*self_;", "*self;"),
    (
        "nxt_common_app_conf_t",
        "nxt_app_conf_u u;",
        "@nxt_app_conf_u u;",
    ),
    (
        "nxt_buf_t",
        "uint8_t flags;",
        "uint8_t is_file:1, is_mmap:1, is_port_mmap:1, is_sync:1;\n    \
         uint8_t is_nobuf:1, is_flush:1, is_last:1, is_port_mmap_sent:1;",
    ),
    ("nxt_buf_t", "uint8_t thread_flags;", "uint8_t is_ts:1;"),
    (
        "nxt_http_field_t",
        "uint8_t flags;",
        "uint8_t skip:1;\n    uint8_t hopbyhop:1;",
    ),
    ("nxt_http_ver_t", "uint8_t str[8];", "uint8_t str[8] NXT_NONSTRING;"),
    ("nxt_http_ver_t", "nxt_http_ver_s_t s;", "@nxt_http_ver_s_t s;"),
    ("nxt_list_part_t", "char data[0];", "char data[];"),
    (
        "nxt_time_string_t",
        "nxt_atomic_uint_t slot;",
        "nxt_atomic_t slot;",
    ),
    (
        "nxt_fd_event_t",
        "uint8_t read;",
        "uint32_t read:8;",
    ),
    (
        "nxt_fd_event_t",
        "uint8_t write;",
        "uint32_t write:8;",
    ),
    (
        "nxt_fd_event_t",
        "uint8_t flags;",
        "uint8_t shutdown:1;\n    uint8_t epoll_eof:1;\n    uint8_t epoll_error:1;",
    ),
    (
        "nxt_event_interface_t",
        "nxt_fd_event_change_t delete_;",
        "nxt_fd_event_change_t delete;",
    ),
    (
        "nxt_event_engine_t",
        "uint64_t u[66];",
        "union {\n        nxt_poll_engine_t poll;\n        nxt_select_engine_t select;\n        \
         nxt_epoll_engine_t epoll;\n    } u;",
    ),
    (
        "nxt_port_msg_new_port_t",
        "nxt_process_type_t type;",
        "nxt_process_type_t type:8;",
    ),
    (
        "nxt_port_recv_msg_t",
        "nxt_port_recv_msg_u u;",
        "@nxt_port_recv_msg_u u;",
    ),
    (
        "nxt_sockaddr_t",
        "nxt_sockaddr_u u;",
        "union {\n        struct sockaddr sockaddr;\n        struct sockaddr_in sockaddr_in;\n        \
         struct sockaddr_in6 sockaddr_in6;\n        struct sockaddr_un sockaddr_un;\n    } u;",
    ),
    (
        "nxt_conn_t",
        "void *u;",
        "union {\n        void *tls;\n        nxt_thread_pool_t *thread_pool;\n    } u;",
    ),
    (
        "nxt_timer_change_t",
        "nxt_timer_operation_t change;",
        "nxt_timer_operation_t change:8;",
    ),
    (
        "nxt_timer_t",
        "uint16_t state;",
        "uint16_t change:14;\n    uint16_t enabled:1;\n    uint16_t queued:1;",
    ),
    (
        "nxt_unit_field_t",
        "uint8_t flags;",
        "uint8_t skip:1;\n    uint8_t hopbyhop:1;",
    ),
    ("nxt_unit_request_t", "fields[0];", "fields[];"),
    ("nxt_unit_response_t", "fields[0];", "fields[];"),
];

/// What is only in the debug ABI. The macro is always defined, as 0 or 1.
const DEBUG_ABI: &str = "NXT_DEBUG";

/// A Rust file and the declarations cbindgen makes of all of them.
fn sources(project: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut folders = vec![project.join("src/abi"), project.join("src/capi")];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries {
            let path = entry
                .map_err(|error| format!("{}: {error}", folder.display()))?
                .path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && path.file_stem().is_some_and(|stem| stem != "tests")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The names of the public types of a file: cbindgen by itself only prints those that functions use.
fn types_of(source: &Path) -> Result<Vec<String>, String> {
    let text =
        fs::read_to_string(source).map_err(|error| format!("{}: {error}", source.display()))?;
    let kinds = ["pub struct ", "pub union ", "pub type "];
    let name = |line: &str| {
        let rest = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
        rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .next()
            .map(str::to_string)
    };
    Ok(text
        .lines()
        .filter_map(name)
        .filter(|name| name.starts_with("nxt_"))
        .collect())
}

/// The text that cbindgen makes of all sources.
fn print(project: &Path) -> Result<String, String> {
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        style: cbindgen::Style::Type,
        no_includes: true,
        usize_is_size_t: true,
        documentation_style: cbindgen::DocumentationStyle::Doxy,
        line_length: 78,
        tab_width: 4,
        ..cbindgen::Config::default()
    };
    config
        .defines
        .insert("feature = debug".to_string(), DEBUG_ABI.to_string());
    config.export.exclude = EXCLUDED.iter().map(|name| name.to_string()).collect();
    config.export.item_types = vec![
        cbindgen::ItemType::Constants,
        cbindgen::ItemType::Structs,
        cbindgen::ItemType::Unions,
        cbindgen::ItemType::Typedefs,
        cbindgen::ItemType::Functions,
    ];
    let sources = sources(project)?;
    for source in &sources {
        config.export.include.extend(types_of(source)?);
    }
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in sources {
        builder = builder.with_src(source);
    }
    let bindings = builder.generate().map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (project, check) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [project] => (PathBuf::from(project), false),
        [project, "--check"] => (PathBuf::from(project), true),
        [project, "--print"] => {
            return report(print(Path::new(project)).map(|text| println!("{text}")));
        }
        _ => {
            eprintln!("usage: nxt-headers PROJECT [--check|--print]");
            return ExitCode::from(2);
        }
    };
    report(run(&project, check))
}

fn report(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nxt-headers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(project: &Path, check: bool) -> Result<(), String> {
    let mut declarations = Declarations::read(&print(project)?);
    let templates = project.join("cbindgen/templates");
    let mut names: Vec<PathBuf> = fs::read_dir(&templates)
        .map_err(|error| format!("{}: {error}", templates.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "h"))
        .collect();
    names.sort();

    let mut different = Vec::new();
    for template in names {
        let Some(name) = template.file_name() else {
            continue;
        };
        let text = fs::read_to_string(&template)
            .map_err(|error| format!("{}: {error}", template.display()))?;
        let header = declarations
            .fill(&text)
            .map_err(|error| format!("{}: {error}", template.display()))?;
        let path = project.join("include").join(name);
        if fs::read_to_string(&path).is_ok_and(|old| old == header) {
            continue;
        }
        if check {
            different.push(path.display().to_string());
        } else {
            fs::write(&path, header).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    declarations.all_placed()?;
    if different.is_empty() {
        Ok(())
    } else {
        Err(format!("out of date: {}", different.join(", ")))
    }
}

/// cbindgen's declarations by name, and which of them have found their place.
struct Declarations {
    text: BTreeMap<String, String>,
    placed: BTreeSet<String>,
}

impl Declarations {
    /// cbindgen separates declarations by empty lines and has none inside of them.
    fn read(text: &str) -> Declarations {
        let text = text
            .split("\n\n")
            .filter_map(|block| {
                let block = unconditional(block.trim_matches('\n'));
                Some((name_of(block)?, polish(block)))
            })
            .collect();
        Declarations {
            text,
            placed: BTreeSet::new(),
        }
    }

    fn take(&mut self, name: &str) -> Result<String, String> {
        if !self.placed.insert(name.to_string()) {
            return Err(format!("{name} has a place already"));
        }
        self.text
            .get(name)
            .cloned()
            .ok_or_else(|| format!("{name} is not declared in src/abi or src/capi"))
    }

    fn fill(&mut self, template: &str) -> Result<String, String> {
        let mut header = String::new();
        for line in template.lines() {
            match line.strip_prefix("@ ") {
                Some(order) => header.push_str(&self.declaration(order)?),
                None => header.push_str(line),
            }
            header.push('\n');
        }
        Ok(header)
    }

    fn declaration(&mut self, order: &str) -> Result<String, String> {
        let (declared, name) = match order.strip_prefix("struct ") {
            Some(name) => (true, name),
            None => (false, order),
        };
        let mut text = self.take(name)?;
        for (_, printed, wanted) in MEMBERS.iter().filter(|(owner, ..)| *owner == name) {
            if !text.contains(printed) {
                return Err(format!("{name} has no member {printed:?}"));
            }
            text = match wanted.strip_prefix('@') {
                // A type that C has no name for stands where it is used.
                Some(member) => text.replace(printed, &self.unnamed(member)?),
                None => text.replace(printed, wanted),
            };
        }
        Ok(tagged(&text, name, declared))
    }

    /// `TYPE MEMBER;` as a member of an unnamed type.
    fn unnamed(&mut self, member: &str) -> Result<String, String> {
        let (name, rest) = member.split_once(' ').ok_or("a member without a name")?;
        let text = self.take(name)?;
        let body = text
            .split_once('{')
            .and_then(|(_, body)| body.rsplit_once('}'))
            .ok_or("a type without members")?
            .0;
        let kind = if text.contains("typedef union") {
            "union"
        } else {
            "struct"
        };
        Ok(format!(
            "{kind} {{{}    }} {rest}",
            body.replace('\n', "\n    ").trim_end_matches(' ')
        ))
    }

    fn all_placed(&self) -> Result<(), String> {
        let forgotten: Vec<&str> = self
            .text
            .keys()
            .filter(|name| !self.placed.contains(*name))
            .map(String::as_str)
            .collect();
        if forgotten.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "no template has a place for {}",
                forgotten.join(", ")
            ))
        }
    }
}

/// A declaration of the debug ABI only, without the condition, which stands in its template.
fn unconditional(block: &str) -> &str {
    block
        .strip_prefix(&format!("#if defined({DEBUG_ABI})\n"))
        .and_then(|rest| rest.strip_suffix("\n#endif"))
        .unwrap_or(block)
}

/// Members of the debug ABI only: in one section, with the condition of C.
fn debug_members(text: &str) -> String {
    let begin = format!("#if defined({DEBUG_ABI})\n");
    text.replace("\n#endif\n    ;", ";\n#endif")
        .replace(&format!("#endif\n{begin}"), "")
        .replace(&begin, &format!("#if ({DEBUG_ABI})\n"))
}

/// The declaration without its comment.
fn code_of(block: &str) -> &str {
    match block
        .strip_prefix("/*")
        .and_then(|rest| rest.split_once("*/\n"))
    {
        Some((_, code)) => code,
        None => block,
    }
}

/// What a block declares.
fn name_of(block: &str) -> Option<String> {
    let code = code_of(block);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let last_name = |text: &str| {
        text.rsplit(|c| !is_name(c))
            .find(|word| !word.is_empty())
            .map(str::to_string)
    };
    if let Some(definition) = code.strip_prefix("#define ") {
        return definition.split_whitespace().next().map(str::to_string);
    }
    if let Some((_, pointer)) = code
        .strip_prefix("typedef ")
        .and_then(|code| code.split_once("(*"))
    {
        if !code.contains('{') {
            return pointer.split(')').next().map(str::to_string);
        }
    }
    if code.starts_with("typedef ") {
        return last_name(code);
    }
    last_name(code.split_once('(')?.0)
}

/// Comments for C readers, and C's names for system types.
fn polish(block: &str) -> String {
    let links = block
        .replace("# Safety", "Requires:")
        .replace("[`", "`")
        .replace("`]", "`");
    let mut text = debug_members(&links)
        .replace("ptrdiff_t", "ssize_t")
        .replace(" iovec ", " struct iovec ")
        .replace(" sockaddr *", " struct sockaddr *")
        .replace("(in6_addr *", "(struct in6_addr *")
        .replace("(tm ", "(struct tm ")
        .replace(" tm *", " struct tm *")
        .replace(" tm gmtime", " struct tm gmtime")
        .replace(" tm localtime", " struct tm localtime")
        .replace("typedef stat ", "typedef struct stat ");
    // A comment of one line takes one line.
    while let Some(start) = text.find("/**\n") {
        let (before, comment) = text.split_at(start);
        let Some((comment, after)) = comment["/**\n".len()..].split_once("*/") else {
            break;
        };
        let lines: Vec<&str> = comment
            .lines()
            .map(|line| line.trim().trim_start_matches('*').trim())
            .collect();
        let comment = match lines[..] {
            [line, ""] if line.len() < 66 => format!("/** {line} */"),
            _ => format!("/**@\n{comment}*/"),
        };
        text = format!("{before}{comment}{after}");
    }
    text.replace("/**@\n", "/**\n")
}

/// Gives a type its tag: `nxt_x_t` is `struct nxt_x_s` or `union nxt_x_u`.
fn tagged(text: &str, name: &str, declared: bool) -> String {
    for (kind, end) in [("struct", "_s"), ("union", "_u")] {
        let Some((comment, body)) = text.split_once(&format!("typedef {kind} {{")) else {
            continue;
        };
        let tag = format!("{}{end}", name.strip_suffix("_t").unwrap_or(name));
        return if declared {
            let body = body.strip_suffix(&format!(" {name};")).unwrap_or(body);
            format!("{comment}{kind} {tag} {{{body};")
        } else {
            format!("{comment}typedef {kind} {tag} {{{body}")
        };
    }
    text.to_string()
}
