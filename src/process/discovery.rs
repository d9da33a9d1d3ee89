//! The discovery process: loads every module once, to learn what it is, in a process that nobody
//! needs afterwards.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use super::module_loading::LoadedModule;
use super::modules::{Module, Modules, type_number};
use crate::sys::Errno;
use crate::sys::dl::Flags;
use crate::{alert, notice, warning};

/// The ending of a module's file name.
const SUFFIX: &str = ".unit.so";

/// Loads all modules of a directory, in order of their names. What is wrong with one is logged
/// and leaves it out.
pub(super) fn find_modules(folder: &Path) -> Modules {
    let files = module_files(folder);
    if files.is_empty() {
        let glob = folder.join(format!("*{SUFFIX}"));
        notice!("no modules matching: \"{}\" found", glob.display());
    }
    let mut modules: Vec<Module> = Vec::new();
    for file in files {
        if let Some(module) = describe(&file, &modules) {
            modules.push(module);
        }
    }
    Modules::new(modules)
}

fn module_files(folder: &Path) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                warning!(
                    "opendir(\"{}\") failed {}",
                    folder.display(),
                    Errno::from(&error)
                );
            }
            return Vec::new();
        }
    };
    let is_module = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(SUFFIX) && !name.starts_with('.')
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_module)
        .collect();
    files.sort();
    files
}

fn describe(file: &Path, known: &[Module]) -> Option<Module> {
    let loaded = match LoadedModule::open(file, Flags::NOW) {
        Ok(loaded) => loaded,
        Err(error) => {
            alert!("{error}");
            return None;
        }
    };
    if !loaded.is_of_release() {
        notice!("incompatible module {}", file.display());
        return None;
    }
    let (name, version) = (loaded.name(), loaded.version());
    notice!("module: {name} {version} \"{}\"", file.display());
    if !loaded.is_compatible() {
        notice!("incompatible module {}", file.display());
        return None;
    }
    let Some(kind) = type_number(&name) else {
        notice!("unknown module type {name}");
        return None;
    };
    if let Some(other) = known
        .iter()
        .find(|other| other.kind == kind && other.version == version)
    {
        notice!(
            "ignoring {} module with the same application language version {name} {version} as in {}",
            file.display(),
            other.file.display()
        );
        return None;
    }
    Some(Module {
        kind,
        name,
        version,
        file: file.to_owned(),
        mounts: loaded.mounts(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_with_the_ending_are_modules() {
        let folder = std::env::temp_dir().join(format!("nxt-discovery-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in [
            "b.unit.so",
            "a.unit.so",
            ".c.unit.so",
            "d.so",
            "e.unit.so.bak",
        ] {
            std::fs::write(folder.join(name), b"not a shared object").unwrap();
        }
        assert_eq!(
            module_files(&folder),
            [folder.join("a.unit.so"), folder.join("b.unit.so")]
        );
        assert_eq!(find_modules(&folder).summary().len(), 0);
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(module_files(&folder).is_empty());
    }
}
