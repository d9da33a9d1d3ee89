//! The application module and its typed configuration: `nxt_application.h`.
//!
//! A module exports one object, `nxt_app_module`. The host checks its `compat` words, then calls
//! `setup` in the prototype and `start` in each application process.

use libc::{c_char, c_uint};

use crate::abi::array::nxt_array_t;
use crate::abi::conf::nxt_conf_value_t;
use crate::abi::file::nxt_fd_t;
use crate::abi::fs_mount::nxt_fs_mount_t;
use crate::abi::process::{nxt_process_start_t, nxt_process_t};
use crate::abi::string::nxt_str_t;
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_int_t, nxt_uint_t};

/// The language of an application: one of the `NXT_APP_*` numbers.
pub type nxt_app_type_t = c_uint;
/// A program of its own, linked with libunit.
pub const NXT_APP_EXTERNAL: nxt_app_type_t = 0;
/// Python.
pub const NXT_APP_PYTHON: nxt_app_type_t = 1;
/// PHP.
pub const NXT_APP_PHP: nxt_app_type_t = 2;
/// Perl.
pub const NXT_APP_PERL: nxt_app_type_t = 3;
/// Ruby.
pub const NXT_APP_RUBY: nxt_app_type_t = 4;
/// Java.
pub const NXT_APP_JAVA: nxt_app_type_t = 5;
/// WebAssembly.
pub const NXT_APP_WASM: nxt_app_type_t = 6;
/// WebAssembly component.
pub const NXT_APP_WASM_WC: nxt_app_type_t = 7;
/// None of these.
pub const NXT_APP_UNKNOWN: nxt_app_type_t = 8;

/// Prepares the language in the prototype process; `NXT_OK` or `NXT_ERROR`.
pub type nxt_application_setup_t = Option<
    unsafe extern "C" fn(
        task: *mut nxt_task_t,
        process: *mut nxt_process_t,
        conf: *mut nxt_common_app_conf_t,
    ) -> nxt_int_t,
>;

/// What a language module exports under the name `nxt_app_module`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_app_module_t {
    /// The size of `compat` in bytes.
    pub compat_length: usize,
    /// `{NXT_VERNUM, NXT_DEBUG}` of the headers it was compiled with.
    pub compat: *mut u32,
    /// The language's name in the configuration.
    pub r#type: nxt_str_t,
    /// The language's version.
    pub version: *const c_char,
    /// What its applications need to see inside a new root.
    pub mounts: *const nxt_fs_mount_t,
    /// How many mounts.
    pub nmounts: nxt_uint_t,
    /// Called in the prototype; may be NULL.
    pub setup: nxt_application_setup_t,
    /// Called in each application process.
    pub start: nxt_process_start_t,
}

/// A language that discovery has found.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_app_lang_module_t {
    /// The language as a number.
    pub r#type: nxt_app_type_t,
    /// The language as text.
    pub name: *mut c_char,
    /// Its version.
    pub version: *mut u8,
    /// The module's file.
    pub file: *mut c_char,
    /// The loaded module; NULL until it is loaded.
    pub module: *mut nxt_app_module_t,
    /// Its mounts, of `nxt_fs_mount_t`.
    pub mounts: *mut nxt_array_t,
}

/// Options of a program of its own.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_external_app_conf_t {
    /// The program.
    pub executable: *mut c_char,
    /// Its arguments, an array of strings.
    pub arguments: *mut nxt_conf_value_t,
}

/// Options of Python.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_python_app_conf_t {
    /// The virtual environment.
    pub home: *mut c_char,
    /// Where modules are looked for: a string or an array of strings.
    pub path: *mut nxt_conf_value_t,
    /// `wsgi`, `asgi` or nothing.
    pub protocol: nxt_str_t,
    /// Threads of one process.
    pub threads: u32,
    /// Their stacks in bytes; 0 is the system's choice.
    pub thread_stack_size: u32,
    /// Targets by name; without them `self` has `module` and `callable`.
    pub targets: *mut nxt_conf_value_t,
}

/// Options of PHP.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_php_app_conf_t {
    /// Targets by name; without them `self` has `root`, `script`, `index`.
    pub targets: *mut nxt_conf_value_t,
    /// `file`, `admin` and `user` options.
    pub options: *mut nxt_conf_value_t,
}

/// Options of Perl.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_perl_app_conf_t {
    /// The PSGI script.
    pub script: *mut c_char,
    /// Threads of one process.
    pub threads: u32,
    /// Their stacks in bytes; 0 is the system's choice.
    pub thread_stack_size: u32,
}

/// Options of Ruby.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_ruby_app_conf_t {
    /// The Rack script.
    pub script: nxt_str_t,
    /// Threads of one process.
    pub threads: u32,
    /// The script with hooks.
    pub hooks: nxt_str_t,
}

/// Options of Java.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_java_app_conf_t {
    /// Further class path entries, an array of strings.
    pub classpath: *mut nxt_conf_value_t,
    /// The web application's folder or archive.
    pub webapp: *mut c_char,
    /// Options of the virtual machine, an array of strings.
    pub options: *mut nxt_conf_value_t,
    /// The folder of the module's own archives.
    pub unit_jars: *mut c_char,
    /// Threads of one process.
    pub threads: u32,
    /// Their stacks in bytes; 0 is the system's choice.
    pub thread_stack_size: u32,
}

/// Options of WebAssembly; each handler is the name of a function in the module.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_wasm_app_conf_t {
    /// The module's file.
    pub module: *const c_char,
    /// Serves a request.
    pub request_handler: *const c_char,
    /// Allocates.
    pub malloc_handler: *const c_char,
    /// Frees.
    pub free_handler: *const c_char,
    /// Called when the module is loaded.
    pub module_init_handler: *const c_char,
    /// Called before the module is dropped.
    pub module_end_handler: *const c_char,
    /// Called before a request.
    pub request_init_handler: *const c_char,
    /// Called after a request.
    pub request_end_handler: *const c_char,
    /// Called after a response.
    pub response_end_handler: *const c_char,
    /// What of the file system it may see.
    pub access: *mut nxt_conf_value_t,
}

/// Options of a WebAssembly component.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_wasm_wc_app_conf_t {
    /// The component's file.
    pub component: *const c_char,
    /// What of the file system it may see.
    pub access: *mut nxt_conf_value_t,
}

/// The options of one language; which member holds depends on the application's type.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "a union does not know its member"
)]
pub union nxt_app_conf_u {
    /// A program of its own.
    pub external: nxt_external_app_conf_t,
    /// Python.
    pub python: nxt_python_app_conf_t,
    /// PHP.
    pub php: nxt_php_app_conf_t,
    /// Perl.
    pub perl: nxt_perl_app_conf_t,
    /// Ruby.
    pub ruby: nxt_ruby_app_conf_t,
    /// Java.
    pub java: nxt_java_app_conf_t,
    /// WebAssembly.
    pub wasm: nxt_wasm_app_conf_t,
    /// WebAssembly component.
    pub wasm_wc: nxt_wasm_wc_app_conf_t,
}

/// The typed configuration of an application. C texts end with a NUL; what is not set is NULL or 0.
#[repr(C)]
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "holds a union")]
pub struct nxt_common_app_conf_t {
    /// The application's name.
    pub name: nxt_str_t,
    /// Its type.
    pub r#type: nxt_str_t,
    /// The user it runs as.
    pub user: nxt_str_t,
    /// The group it runs as.
    pub group: nxt_str_t,
    /// Where its standard output goes.
    pub stdout_log: *mut c_char,
    /// Where its standard error goes.
    pub stderr_log: *mut c_char,
    /// The folder it starts in.
    pub working_directory: *mut c_char,
    /// Its environment, an object of strings.
    pub environment: *mut nxt_conf_value_t,
    /// Its isolation.
    pub isolation: *mut nxt_conf_value_t,
    /// Its limits.
    pub limits: *mut nxt_conf_value_t,
    /// Shared memory it may take, in bytes.
    pub shm_limit: usize,
    /// Requests after which a process leaves; 0 is no limit.
    pub request_limit: u32,
    /// The descriptor of the application's shared port.
    pub shared_port_fd: nxt_fd_t,
    /// The descriptor of the shared port's queue.
    pub shared_queue_fd: nxt_fd_t,
    /// The options of its language.
    pub u: nxt_app_conf_u,
    /// Its whole object of the configuration.
    pub self_: *mut nxt_conf_value_t,
}

super::assert_layout!(nxt_app_module_t, size 72, align 8, compat_length @ 0, compat @ 8, r#type @ 16,
    version @ 32, mounts @ 40, nmounts @ 48, setup @ 56, start @ 64);
super::assert_layout!(nxt_app_lang_module_t, size 48, align 8, r#type @ 0, name @ 8, version @ 16, file @ 24,
    module @ 32, mounts @ 40);
super::assert_layout!(nxt_external_app_conf_t, size 16, align 8, executable @ 0, arguments @ 8);
super::assert_layout!(nxt_python_app_conf_t, size 48, align 8, home @ 0, path @ 8, protocol @ 16, threads @ 32,
    thread_stack_size @ 36, targets @ 40);
super::assert_layout!(nxt_php_app_conf_t, size 16, align 8, targets @ 0, options @ 8);
super::assert_layout!(nxt_perl_app_conf_t, size 16, align 8, script @ 0, threads @ 8, thread_stack_size @ 12);
super::assert_layout!(nxt_ruby_app_conf_t, size 40, align 8, script @ 0, threads @ 16, hooks @ 24);
super::assert_layout!(nxt_java_app_conf_t, size 40, align 8, classpath @ 0, webapp @ 8, options @ 16,
    unit_jars @ 24, threads @ 32, thread_stack_size @ 36);
super::assert_layout!(nxt_wasm_app_conf_t, size 80, align 8, module @ 0, request_handler @ 8, malloc_handler @ 16,
    free_handler @ 24, module_init_handler @ 32, module_end_handler @ 40, request_init_handler @ 48,
    request_end_handler @ 56, response_end_handler @ 64, access @ 72);
super::assert_layout!(nxt_wasm_wc_app_conf_t, size 16, align 8, component @ 0, access @ 8);
super::assert_layout!(nxt_app_conf_u, size 80, align 8, external @ 0, wasm @ 0);
super::assert_layout!(nxt_common_app_conf_t, size 224, align 8, name @ 0, r#type @ 16, user @ 32, group @ 48,
    stdout_log @ 64, stderr_log @ 72, working_directory @ 80, environment @ 88, isolation @ 96, limits @ 104,
    shm_limit @ 112, request_limit @ 120, shared_port_fd @ 124, shared_queue_fd @ 128, u @ 136, self_ @ 216);
