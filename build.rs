//! Compiles the C shims and tells the linker which symbols `unitd` exports.

use std::path::Path;
use std::{env, fs};

/// C files for what Rust cannot: owning a `va_list`, and leaving a thread by unwinding.
const SHIMS: &[&str] = &[
    "src/capi/engine_shim.c",
    "src/capi/format_variadic.c",
    "src/capi/process_shim.c",
    "src/capi/thread_shim.c",
    "src/capi/unit_variadic.c",
];

/// The names that a loaded module may take from the daemon, one a line, sorted.
const EXPORTS: &str = "exports/nxt.syms";

/// More of them, which are only in the debug ABI.
const DEBUG_EXPORTS: &str = "exports/debug.syms";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut shims = cc::Build::new();
    // Position independent code and hidden names: the shims also become part of shared objects.
    shims
        .std("c11")
        .pic(true)
        .flag("-fvisibility=hidden")
        .warnings(true);
    for shim in SHIMS {
        println!("cargo::rerun-if-changed={shim}");
        shims.file(shim);
    }
    println!("cargo::rerun-if-changed=src/capi/variadic.h");
    shims.compile("nxt_shims");
    export_from_daemon();
    link_options();
}

/// The linker options that `./configure --ld-opt` was given.
fn link_options() {
    println!("cargo::rerun-if-env-changed=NXT_LD_OPT");
    for option in env::var("NXT_LD_OPT")
        .unwrap_or_default()
        .split_whitespace()
    {
        println!("cargo::rustc-link-arg-bin=unitd={option}");
    }
}

/// The names of a list.
fn exported(list: &str) -> Vec<String> {
    println!("cargo::rerun-if-changed={list}");
    let names = fs::read_to_string(list).unwrap_or_else(|error| panic!("{list}: {error}"));
    let names: Vec<String> = names.lines().map(str::to_string).collect();
    assert!(names.is_sorted(), "{list} is not sorted");
    names
}

/// An executable exports nothing by itself: each name gets into a dynamic list, and is made a root
/// of the link, because nothing in the daemon may call it.
fn export_from_daemon() {
    let mut names = exported(EXPORTS);
    if env::var_os("CARGO_FEATURE_DEBUG").is_some() {
        names.extend(exported(DEBUG_EXPORTS));
    }

    let mut list = String::from("{\n");
    for name in &names {
        list.push_str(&format!("    {name};\n"));
        println!("cargo::rustc-link-arg-bin=unitd=-Wl,-u,{name}");
    }
    list.push_str("};\n");
    let path = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("unitd.list");
    fs::write(&path, list).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    println!(
        "cargo::rustc-link-arg-bin=unitd=-Wl,--dynamic-list={}",
        path.display()
    );
}
