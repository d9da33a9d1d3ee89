//! Shared objects opened with dlopen(3).

use std::ffi::{CStr, CString, c_void};
use std::path::Path;
use std::ptr::NonNull;

use bitflags::bitflags;

bitflags! {
    /// How to open a shared object.
    #[derive(Clone, Copy, Debug)]
    pub struct Flags: i32 {
        /// Resolve each function when it is first called.
        const LAZY = libc::RTLD_LAZY;
        /// Resolve everything at once, so that a missing symbol is known.
        const NOW = libc::RTLD_NOW;
        /// Its symbols serve the objects that are opened later.
        const GLOBAL = libc::RTLD_GLOBAL;
    }
}

/// The loader's words for a failure.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(pub String);

/// An open shared object; closed when dropped unless [`Library::keep`] is called.
#[derive(Debug)]
pub struct Library {
    handle: NonNull<c_void>,
}

impl Library {
    /// Opens a shared object and runs its initialisers.
    ///
    /// # Safety
    ///
    /// The file's initialisers run with the rights of this process: the caller vouches for the
    /// file (an administrator put it into the modules directory).
    pub unsafe fn open(path: &Path, flags: Flags) -> Result<Library, LoadError> {
        use std::os::unix::ffi::OsStrExt;
        let name = CString::new(path.as_os_str().as_bytes())
            .map_err(|_| LoadError("the file name has a zero byte".to_owned()))?;
        // SAFETY: `name` is a C string; the caller vouches for the initialisers.
        let handle = unsafe { libc::dlopen(name.as_ptr(), flags.bits()) };
        match NonNull::new(handle) {
            Some(handle) => Ok(Library { handle }),
            None => Err(last_error()),
        }
    }

    /// The address of a symbol; valid as long as the library is open.
    pub fn symbol(&self, name: &CStr) -> Result<NonNull<c_void>, LoadError> {
        // SAFETY: the handle is open as long as `self` lives, `name` is a C string.
        let address = unsafe { libc::dlsym(self.handle.as_ptr(), name.as_ptr()) };
        NonNull::new(address).ok_or_else(last_error)
    }

    /// Leaves the object open until the process ends.
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: the handle came from dlopen and is closed once.
        unsafe { libc::dlclose(self.handle.as_ptr()) };
    }
}

fn last_error() -> LoadError {
    // SAFETY: dlerror returns null or a C string that lives until the next dl call of this thread.
    let text = unsafe {
        let text = libc::dlerror();
        if text.is_null() {
            None
        } else {
            Some(CStr::from_ptr(text).to_string_lossy().into_owned())
        }
    };
    LoadError(text.unwrap_or_else(|| "(null)".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_a_library_and_finds_its_symbols() {
        // SAFETY: the C library is loaded already.
        let libc = unsafe { Library::open(Path::new("libc.so.6"), Flags::NOW) }.unwrap();
        assert!(libc.symbol(c"getpid").is_ok());
        assert!(
            libc.symbol(c"nxt_no_such_symbol")
                .unwrap_err()
                .0
                .contains("nxt_no_such_symbol")
        );
    }

    #[test]
    fn says_what_is_missing() {
        // SAFETY: there is no such file, nothing runs.
        let error =
            unsafe { Library::open(Path::new("/no/such/file.so"), Flags::LAZY) }.unwrap_err();
        assert!(error.0.contains("/no/such/file.so"), "{error}");
    }
}
