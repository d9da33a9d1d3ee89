/* The application module and its typed configuration. */

#ifndef NXT_APPLICATION_H
#define NXT_APPLICATION_H

#include <nxt_conf.h>
#include <nxt_unit_typedefs.h>

@ nxt_app_type_t

@ NXT_APP_EXTERNAL

@ NXT_APP_PYTHON

@ NXT_APP_PHP

@ NXT_APP_PERL

@ NXT_APP_RUBY

@ NXT_APP_JAVA

@ NXT_APP_WASM

@ NXT_APP_WASM_WC

@ NXT_APP_UNKNOWN

@ nxt_application_setup_t

@ struct nxt_app_module_t

@ nxt_app_lang_module_t

@ nxt_external_app_conf_t

@ nxt_python_app_conf_t

@ nxt_php_app_conf_t

@ nxt_perl_app_conf_t

@ nxt_ruby_app_conf_t

@ nxt_java_app_conf_t

@ nxt_wasm_app_conf_t

@ nxt_wasm_wc_app_conf_t

@ struct nxt_common_app_conf_t

/** What a module defines. */
NXT_EXPORT extern nxt_app_module_t nxt_app_module;

/** What runs programs of their own. */
extern nxt_app_module_t nxt_external_module;

@ nxt_app_parse_type

@ nxt_app_lang_module

@ nxt_app_set_logs

@ nxt_unit_default_init

#endif /* NXT_APPLICATION_H */
