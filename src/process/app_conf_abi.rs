//! The configuration of an application in the form that C modules read: `nxt_common_app_conf_t`.
//!
//! Everything here is made once in a prototype, before its application processes are forked from
//! it, and lives until the process ends: the memory is leaked on purpose. A `nxt_conf_value_t` is a
//! [`Value`] behind an opaque pointer.
#![cfg_attr(not(test), forbid(unsafe_code))]

use std::ffi::{CString, c_char};

use super::app_conf::AppConf;
use super::modules::{split_type, type_number};
use crate::abi::application::*;
use crate::abi::conf::nxt_conf_value_t;
use crate::abi::string::nxt_str_t;
use crate::conf::json::Value;

/// The C form of `conf`; `user` is whom the application runs as.
pub(super) fn build(
    conf: &'static AppConf,
    user: &str,
    shared_port_fd: i32,
    shared_queue_fd: i32,
) -> nxt_common_app_conf_t {
    let object = Members(&conf.json);
    nxt_common_app_conf_t {
        name: str_of(&conf.name),
        r#type: str_of(&conf.kind),
        user: str_of(user),
        group: object.str("group"),
        stdout_log: object.cstr("stdout"),
        stderr_log: object.cstr("stderr"),
        working_directory: object.cstr("working_directory"),
        environment: object.value("environment"),
        isolation: object.value("isolation"),
        limits: object.value("limits"),
        shm_limit: conf.shm_limit,
        request_limit: conf.request_limit,
        shared_port_fd,
        shared_queue_fd,
        u: language(type_number(split_type(&conf.kind).0), &object),
        self_: pointer(&conf.json),
    }
}

/// The options of the application's language.
fn language(kind: Option<nxt_app_type_t>, o: &Members) -> nxt_app_conf_u {
    match kind.unwrap_or(NXT_APP_WASM) {
        NXT_APP_EXTERNAL => nxt_app_conf_u {
            external: nxt_external_app_conf_t {
                executable: o.cstr("executable"),
                arguments: o.value("arguments"),
            },
        },
        NXT_APP_PYTHON => nxt_app_conf_u {
            python: nxt_python_app_conf_t {
                home: o.cstr("home"),
                path: o.value("path"),
                protocol: o.str("protocol"),
                threads: o.number("threads"),
                thread_stack_size: o.number("thread_stack_size"),
                targets: o.value("targets"),
            },
        },
        NXT_APP_PHP => nxt_app_conf_u {
            php: nxt_php_app_conf_t {
                targets: o.value("targets"),
                options: o.value("options"),
            },
        },
        NXT_APP_PERL => nxt_app_conf_u {
            perl: nxt_perl_app_conf_t {
                script: o.cstr("script"),
                threads: o.number("threads"),
                thread_stack_size: o.number("thread_stack_size"),
            },
        },
        NXT_APP_RUBY => nxt_app_conf_u {
            ruby: nxt_ruby_app_conf_t {
                script: o.str("script"),
                threads: o.number("threads"),
                hooks: o.str("hooks"),
            },
        },
        NXT_APP_JAVA => nxt_app_conf_u {
            java: nxt_java_app_conf_t {
                classpath: o.value("classpath"),
                webapp: o.cstr("webapp"),
                options: o.value("options"),
                unit_jars: o.cstr("unit_jars"),
                threads: o.number("threads"),
                thread_stack_size: o.number("thread_stack_size"),
            },
        },
        NXT_APP_WASM_WC => nxt_app_conf_u {
            wasm_wc: nxt_wasm_wc_app_conf_t {
                component: o.cstr("component"),
                access: o.value("access"),
            },
        },
        // The member that covers the whole union.
        _ => nxt_app_conf_u {
            wasm: nxt_wasm_app_conf_t {
                module: o.cstr("module"),
                request_handler: o.cstr("request_handler"),
                malloc_handler: o.cstr("malloc_handler"),
                free_handler: o.cstr("free_handler"),
                module_init_handler: o.cstr("module_init_handler"),
                module_end_handler: o.cstr("module_end_handler"),
                request_init_handler: o.cstr("request_init_handler"),
                request_end_handler: o.cstr("request_end_handler"),
                response_end_handler: o.cstr("response_end_handler"),
                access: o.value("access"),
            },
        },
    }
}

/// Members of an object that lives until the process ends.
struct Members(&'static Value);

impl Members {
    fn text(&self, name: &str) -> Option<&'static str> {
        self.0.get_member(name)?.as_str()
    }

    fn str(&self, name: &str) -> nxt_str_t {
        self.text(name).map_or(nxt_str_t::NULL, str_of)
    }

    /// A text with a zero byte inside cannot be a C string and counts as absent.
    fn cstr(&self, name: &str) -> *mut c_char {
        match self.text(name).map(CString::new) {
            Some(Ok(text)) => text.into_raw(),
            _ => std::ptr::null_mut(),
        }
    }

    fn number(&self, name: &str) -> u32 {
        let number = self.0.get_member(name).and_then(Value::as_integer);
        number
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(0)
    }

    fn value(&self, name: &str) -> *mut nxt_conf_value_t {
        self.0
            .get_member(name)
            .map_or(std::ptr::null_mut(), pointer)
    }
}

fn pointer(value: &'static Value) -> *mut nxt_conf_value_t {
    std::ptr::from_ref(value).cast_mut().cast()
}

/// A `nxt_str_t` on a copy that ends with a zero byte, as some modules expect.
pub(super) fn str_of(text: &str) -> nxt_str_t {
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
    nxt_str_t {
        length: text.len(),
        start: bytes.leak().as_mut_ptr(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn a_module_reads_what_was_configured() {
        let body = br#"{"type":"python 3.11","path":["/a"],"home":"/venv","threads":4,"protocol":"asgi","module":"m"}"#;
        let body = [b"app\0", &body[..]].concat();
        let conf: &'static AppConf = Box::leak(Box::new(AppConf::from_message(&body).unwrap()));
        let c = build(conf, "nobody", 5, 6);
        let text = |s: nxt_str_t| {
            // SAFETY: made by `str_of`.
            String::from_utf8(unsafe { std::slice::from_raw_parts(s.start, s.length) }.to_vec())
                .unwrap()
        };
        assert_eq!(
            (text(c.name), text(c.r#type), text(c.user)),
            ("app".into(), "python 3.11".into(), "nobody".into())
        );
        assert!(c.group.start.is_null() && c.stdout_log.is_null() && c.environment.is_null());
        assert_eq!(
            (c.shared_port_fd, c.shared_queue_fd, c.shm_limit),
            (5, 6, 104857600)
        );
        // SAFETY: the type is Python, so that this member holds.
        let python = unsafe { c.u.python };
        // SAFETY: made from a `CString`.
        assert_eq!(unsafe { CStr::from_ptr(python.home) }, c"/venv");
        assert_eq!((python.threads, python.thread_stack_size), (4, 0));
        assert_eq!(text(python.protocol), "asgi");
        assert!(python.targets.is_null());
        // SAFETY: both point at values of `conf`, which lives for ever.
        let (path, whole) = unsafe { (&*python.path.cast::<Value>(), &*c.self_.cast::<Value>()) };
        assert_eq!(path.element(0).unwrap().as_str(), Some("/a"));
        assert_eq!(whole.get_member("module").unwrap().as_str(), Some("m"));
    }
}
