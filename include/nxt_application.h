/* The application module and its typed configuration. */

#ifndef NXT_APPLICATION_H
#define NXT_APPLICATION_H

#include <nxt_conf.h>
#include <nxt_unit_typedefs.h>

/** The language of an application: one of the `NXT_APP_*` numbers. */
typedef unsigned int nxt_app_type_t;

/** A program of its own, linked with libunit. */
#define NXT_APP_EXTERNAL 0

/** Python. */
#define NXT_APP_PYTHON 1

/** PHP. */
#define NXT_APP_PHP 2

/** Perl. */
#define NXT_APP_PERL 3

/** Ruby. */
#define NXT_APP_RUBY 4

/** Java. */
#define NXT_APP_JAVA 5

/** WebAssembly. */
#define NXT_APP_WASM 6

/** WebAssembly component. */
#define NXT_APP_WASM_WC 7

/** None of these. */
#define NXT_APP_UNKNOWN 8

/**
 * Prepares the language in the prototype process; `NXT_OK` or `NXT_ERROR`.
 */
typedef nxt_int_t (*nxt_application_setup_t)(nxt_task_t *task,
                                             nxt_process_t *process,
                                             nxt_common_app_conf_t *conf);

/** What a language module exports under the name `nxt_app_module`. */
struct nxt_app_module_s {
    /** The size of `compat` in bytes. */
    size_t compat_length;
    /** `{NXT_VERNUM, NXT_DEBUG}` of the headers it was compiled with. */
    uint32_t *compat;
    /** The language's name in the configuration. */
    nxt_str_t type;
    /** The language's version. */
    const char *version;
    /** What its applications need to see inside a new root. */
    const nxt_fs_mount_t *mounts;
    /** How many mounts. */
    nxt_uint_t nmounts;
    /** Called in the prototype; may be NULL. */
    nxt_application_setup_t setup;
    /** Called in each application process. */
    nxt_process_start_t start;
};

/** A language that discovery has found. */
typedef struct nxt_app_lang_module_s {
    /** The language as a number. */
    nxt_app_type_t type;
    /** The language as text. */
    char *name;
    /** Its version. */
    uint8_t *version;
    /** The module's file. */
    char *file;
    /** The loaded module; NULL until it is loaded. */
    nxt_app_module_t *module;
    /** Its mounts, of `nxt_fs_mount_t`. */
    nxt_array_t *mounts;
} nxt_app_lang_module_t;

/** Options of a program of its own. */
typedef struct nxt_external_app_conf_s {
    /** The program. */
    char *executable;
    /** Its arguments, an array of strings. */
    nxt_conf_value_t *arguments;
} nxt_external_app_conf_t;

/** Options of Python. */
typedef struct nxt_python_app_conf_s {
    /** The virtual environment. */
    char *home;
    /** Where modules are looked for: a string or an array of strings. */
    nxt_conf_value_t *path;
    /** `wsgi`, `asgi` or nothing. */
    nxt_str_t protocol;
    /** Threads of one process. */
    uint32_t threads;
    /** Their stacks in bytes; 0 is the system's choice. */
    uint32_t thread_stack_size;
    /** Targets by name; without them `self` has `module` and `callable`. */
    nxt_conf_value_t *targets;
} nxt_python_app_conf_t;

/** Options of PHP. */
typedef struct nxt_php_app_conf_s {
    /**
     * Targets by name; without them `self` has `root`, `script`, `index`.
     */
    nxt_conf_value_t *targets;
    /** `file`, `admin` and `user` options. */
    nxt_conf_value_t *options;
} nxt_php_app_conf_t;

/** Options of Perl. */
typedef struct nxt_perl_app_conf_s {
    /** The PSGI script. */
    char *script;
    /** Threads of one process. */
    uint32_t threads;
    /** Their stacks in bytes; 0 is the system's choice. */
    uint32_t thread_stack_size;
} nxt_perl_app_conf_t;

/** Options of Ruby. */
typedef struct nxt_ruby_app_conf_s {
    /** The Rack script. */
    nxt_str_t script;
    /** Threads of one process. */
    uint32_t threads;
    /** The script with hooks. */
    nxt_str_t hooks;
} nxt_ruby_app_conf_t;

/** Options of Java. */
typedef struct nxt_java_app_conf_s {
    /** Further class path entries, an array of strings. */
    nxt_conf_value_t *classpath;
    /** The web application's folder or archive. */
    char *webapp;
    /** Options of the virtual machine, an array of strings. */
    nxt_conf_value_t *options;
    /** The folder of the module's own archives. */
    char *unit_jars;
    /** Threads of one process. */
    uint32_t threads;
    /** Their stacks in bytes; 0 is the system's choice. */
    uint32_t thread_stack_size;
} nxt_java_app_conf_t;

/**
 * Options of WebAssembly; each handler is the name of a function in the module.
 */
typedef struct nxt_wasm_app_conf_s {
    /** The module's file. */
    const char *module;
    /** Serves a request. */
    const char *request_handler;
    /** Allocates. */
    const char *malloc_handler;
    /** Frees. */
    const char *free_handler;
    /** Called when the module is loaded. */
    const char *module_init_handler;
    /** Called before the module is dropped. */
    const char *module_end_handler;
    /** Called before a request. */
    const char *request_init_handler;
    /** Called after a request. */
    const char *request_end_handler;
    /** Called after a response. */
    const char *response_end_handler;
    /** What of the file system it may see. */
    nxt_conf_value_t *access;
} nxt_wasm_app_conf_t;

/** Options of a WebAssembly component. */
typedef struct nxt_wasm_wc_app_conf_s {
    /** The component's file. */
    const char *component;
    /** What of the file system it may see. */
    nxt_conf_value_t *access;
} nxt_wasm_wc_app_conf_t;

/**
 * The typed configuration of an application. C texts end with a NUL; what is not set is NULL or 0.
 */
struct nxt_common_app_conf_s {
    /** The application's name. */
    nxt_str_t name;
    /** Its type. */
    nxt_str_t type;
    /** The user it runs as. */
    nxt_str_t user;
    /** The group it runs as. */
    nxt_str_t group;
    /** Where its standard output goes. */
    char *stdout_log;
    /** Where its standard error goes. */
    char *stderr_log;
    /** The folder it starts in. */
    char *working_directory;
    /** Its environment, an object of strings. */
    nxt_conf_value_t *environment;
    /** Its isolation. */
    nxt_conf_value_t *isolation;
    /** Its limits. */
    nxt_conf_value_t *limits;
    /** Shared memory it may take, in bytes. */
    size_t shm_limit;
    /** Requests after which a process leaves; 0 is no limit. */
    uint32_t request_limit;
    /** The descriptor of the application's shared port. */
    nxt_fd_t shared_port_fd;
    /** The descriptor of the shared port's queue. */
    nxt_fd_t shared_queue_fd;
    /** The options of its language. */
    union {
        /** A program of its own. */
        nxt_external_app_conf_t external;
        /** Python. */
        nxt_python_app_conf_t python;
        /** PHP. */
        nxt_php_app_conf_t php;
        /** Perl. */
        nxt_perl_app_conf_t perl;
        /** Ruby. */
        nxt_ruby_app_conf_t ruby;
        /** Java. */
        nxt_java_app_conf_t java;
        /** WebAssembly. */
        nxt_wasm_app_conf_t wasm;
        /** WebAssembly component. */
        nxt_wasm_wc_app_conf_t wasm_wc;
    } u;
    /** Its whole object of the configuration. */
    nxt_conf_value_t *self;
};

/** What a module defines. */
NXT_EXPORT extern nxt_app_module_t nxt_app_module;

/** What runs programs of their own. */
extern nxt_app_module_t nxt_external_module;

/**
 * The number of an application type's name; `NXT_APP_UNKNOWN` if there is none.
 *
 * Requires:
 * `p` is NULL or has `length` readable bytes.
 */
nxt_app_type_t nxt_app_parse_type(uint8_t *p,
                                  size_t length);

/**
 * The language module for a type of the configuration, with the highest version that fits; NULL if
 * there is none.
 *
 * Requires:
 * `rt` is NULL or a runtime, its languages sorted by falling versions; `name` is NULL or valid.
 */
nxt_app_lang_module_t *nxt_app_lang_module(nxt_runtime_t *rt,
                                           nxt_str_t *name);

/**
 * Sends standard output and standard error of an application process to the files that its
 * configuration names, if the program runs in the background. `NXT_ERROR` if one of them cannot be
 * opened.
 */
nxt_int_t nxt_app_set_logs(void);

/**
 * Fills in how libunit starts in an application process of the daemon; all that the module has
 * to add are its callbacks and data. `NXT_ERROR` outside of an application process.
 *
 * Requires:
 * `init` is NULL or writable; `conf` is NULL or the configuration that the module was started with.
 */
nxt_int_t nxt_unit_default_init(nxt_task_t *task,
                                nxt_unit_init_t *init,
                                nxt_common_app_conf_t *conf);

#endif /* NXT_APPLICATION_H */
