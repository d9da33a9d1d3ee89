//! Loading a language module and reading what it exports.
//!
//! A module is a shared object with the symbol `nxt_app_module` of type `nxt_app_module_t`. Its
//! `compat` array must be the two words {13500, 0}: the release, and no debug build (1 in a build
//! for the debug ABI). Everything else behind the symbol may only be read if the release agrees,
//! and only called if both do.

use std::ffi::{CStr, c_char};
use std::path::Path;

use super::app_context::AppContext;
use super::modules::Mount;
use crate::abi::application::nxt_app_module_t;
use crate::abi::fs_mount::nxt_fs_mount_t;
use crate::abi::process::nxt_process_start_t;
use crate::abi::version::DEBUG_ABI;
use crate::sys::dl::{Flags, Library, LoadError};

/// What the `compat` array of a module must hold: `NXT_VERNUM` and `NXT_DEBUG`.
pub(super) const COMPAT: [u32; 2] = [super::state::VERSION_NUMBER, DEBUG_ABI];

/// More mounts than any module has: a length that is not one.
const MAX_MOUNTS: u32 = 4096;

/// Why a file is not a module; the texts are log records.
#[derive(Debug, thiserror::Error)]
pub(super) enum ModuleError {
    /// dlopen(3)
    #[error("dlopen(\"{0}\") failed: \"{1}\"")]
    Open(String, LoadError),
    /// dlsym(3)
    #[error("dlsym(\"{0}\", \"nxt_app_module\") failed: \"{1}\"")]
    Symbol(String, LoadError),
}

/// An open module.
#[derive(Debug)]
pub(super) struct LoadedModule {
    library: Library,
    module: nxt_app_module_t,
}

impl LoadedModule {
    /// Opens a file of the modules directory; its initialisers run.
    pub(super) fn open(path: &Path, flags: Flags) -> Result<LoadedModule, ModuleError> {
        let name = || path.display().to_string();
        // SAFETY: modules are code that the administrator installed to be run by this daemon.
        let library = unsafe { Library::open(path, flags | Flags::GLOBAL) }
            .map_err(|error| ModuleError::Open(name(), error))?;
        let symbol = library
            .symbol(c"nxt_app_module")
            .map_err(|error| ModuleError::Symbol(name(), error))?;
        // SAFETY: the symbol of this name is a `nxt_app_module_t` by the contract of the module
        // ABI, whose first members are the same in all releases that have the symbol.
        let module = unsafe { symbol.cast::<nxt_app_module_t>().as_ptr().read_unaligned() };
        Ok(LoadedModule { library, module })
    }

    /// Whether it was built for this release: what it says of itself can be read.
    pub(super) fn is_of_release(&self) -> bool {
        self.compat().is_some_and(|words| words[0] == COMPAT[0])
    }

    /// Whether it was built for this release and this debug setting: it can be run.
    pub(super) fn is_compatible(&self) -> bool {
        self.compat() == Some(COMPAT)
    }

    fn compat(&self) -> Option<[u32; 2]> {
        let module = &self.module;
        if module.compat_length != size_of_val(&COMPAT) || module.compat.is_null() {
            return None;
        }
        // SAFETY: the module says that this many bytes are there; they are read unaligned.
        Some(unsafe { module.compat.cast::<[u32; 2]>().read_unaligned() })
    }

    /// The language's name.
    pub(super) fn name(&self) -> String {
        let name = &self.module.r#type;
        if name.start.is_null() || name.length > 256 {
            return String::new();
        }
        // SAFETY: a `nxt_str_t` of the module's constant data, valid while the module is open.
        let bytes = unsafe { std::slice::from_raw_parts(name.start, name.length) };
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// The language's version.
    pub(super) fn version(&self) -> String {
        text(self.module.version)
    }

    /// What the language needs inside of a new root.
    pub(super) fn mounts(&self) -> Vec<Mount> {
        let module = &self.module;
        if module.mounts.is_null() || module.nmounts > MAX_MOUNTS {
            return Vec::new();
        }
        // SAFETY: the module says that its constant array has this many elements.
        let mounts = unsafe { std::slice::from_raw_parts(module.mounts, module.nmounts as usize) };
        mounts.iter().map(mount).collect()
    }

    /// Calls the module's `setup`, if it has one; false if it failed.
    pub(super) fn setup(&self, context: &AppContext) -> bool {
        match self.module.setup {
            // SAFETY: the pointers of a context are of objects that live until the process ends;
            // the module is compatible with their layout. Prototypes have one thread.
            Some(setup) => unsafe { setup(context.task, context.process, context.conf) == 0 },
            None => true,
        }
    }

    /// The function that runs an application process, and the promise that the module stays open.
    pub(super) fn into_start(self) -> Start {
        let start = Start(self.module.start);
        self.library.keep();
        start
    }
}

/// The entry of an application process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start(nxt_process_start_t);

impl Start {
    /// Runs the application; true if the module says that all is well.
    pub(super) fn call(self, context: &AppContext) -> bool {
        match self.0 {
            // SAFETY: as for `setup`; the module stays open (`into_start`).
            Some(start) => unsafe { start(context.task, context.data) == 0 },
            None => false,
        }
    }
}

fn mount(mount: &nxt_fs_mount_t) -> Mount {
    Mount {
        src: text(mount.src.cast()),
        dst: text(mount.dst.cast()),
        name: text(mount.name.cast()),
        kind: mount.r#type,
        flags: mount.flags,
        data: text(mount.data.cast()),
    }
}

fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: texts of a compatible module end with a zero byte and live as long as the module.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}
