//! Process titles, as `ps` and /proc/PID/cmdline show them.
//!
//! The kernel shows the memory in which it laid out the arguments, and beyond it that of the
//! environment if the last byte of the arguments is not zero any more. So the environment moves to
//! the heap once, and the whole area takes the title.

use std::ffi::{CStr, CString, OsString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicPtr, Ordering};

use once_cell::sync::OnceCell;

/// The memory that holds the title.
struct Area {
    start: usize,
    len: usize,
}

static AREA: OnceCell<Option<Area>> = OnceCell::new();
static MOVED: AtomicPtr<*mut c_char> = AtomicPtr::new(std::ptr::null_mut());
static ARGUMENTS: OnceCell<Vec<OsString>> = OnceCell::new();

unsafe extern "C" {
    static mut environ: *mut *mut c_char;
}

/// Saves the arguments and moves the environment. To be called first in `main`: without effect
/// if the process has several threads already, and the second time.
///
/// `std::env::args_os` gives garbage once a title is set: [`arguments`] has the original ones.
pub fn init() {
    init_where(|_| true);
}

/// The same for a program that knows where its first argument lies. Under an emulator that is not
/// where the kernel says, and then there are no titles.
pub fn init_at(first: usize) {
    init_where(|start| start == first);
}

fn init_where(starts: impl Fn(usize) -> bool) {
    ARGUMENTS.get_or_init(|| std::env::args_os().collect());
    AREA.get_or_init(|| {
        if super::process::threads() != Some(1) {
            return None;
        }
        let area = find_area().filter(|area| starts(area.start))?;
        // SAFETY: this is the only thread, and the standard library keeps no pointers into the
        // environment; C code that has some reads a title at worst, which ends with a zero byte.
        unsafe { move_environment() };
        Some(area)
    });
}

/// The command line as the process was started.
pub fn arguments() -> &'static [OsString] {
    ARGUMENTS.get().map_or(&[], Vec::as_slice)
}

/// Sets the title; does nothing before [`init`]. Too long a title is cut.
pub fn set(title: &[u8]) {
    let Some(Some(area)) = AREA.get() else {
        return;
    };
    let len = title.len().min(area.len - 1);
    // SAFETY: the area is the argument and environment memory of this process, mapped writable by
    // the kernel for its whole life; `init` made sure that nothing else refers to it.
    unsafe {
        let start = area.start as *mut u8;
        std::ptr::copy_nonoverlapping(title.as_ptr(), start, len);
        std::ptr::write_bytes(start.add(len), 0, area.len - len);
    }
}

/// Where the kernel put arguments and environment: fields 48 to 51 of /proc/self/stat.
fn find_area() -> Option<Area> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    parse_area(&stat)
}

fn parse_area(stat: &str) -> Option<Area> {
    // The second field is the program's name in brackets and may hold anything.
    let fields: Vec<&str> = stat
        .get(stat.rfind(')')? + 2..)?
        .split_ascii_whitespace()
        .collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<usize>().ok();
    let (arg_start, arg_end) = (field(48)?, field(49)?);
    let (env_start, env_end) = (field(50)?, field(51)?);
    if arg_start == 0 || arg_end <= arg_start {
        return None;
    }
    let end = if env_start == arg_end && env_end > env_start {
        env_end
    } else {
        arg_end
    };
    Some(Area {
        start: arg_start,
        len: end - arg_start,
    })
}

/// Copies all environment strings to the heap, where they stay for ever.
///
/// # Safety
///
/// No other thread may exist.
unsafe fn move_environment() {
    let mut copies: Vec<*mut c_char> = Vec::new();
    // SAFETY: `environ` is null or a null-terminated array of C strings, and nobody changes it
    // meanwhile (one thread).
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            let copy: CString = CStr::from_ptr(*entry).to_owned();
            copies.push(copy.into_raw());
            entry = entry.add(1);
        }
        copies.push(std::ptr::null_mut());
        environ = copies.leak().as_mut_ptr();
        // The C library takes another array when the environment grows; this one stays.
        std::hint::black_box(&MOVED).store(environ, Ordering::Relaxed);
    }
}

/// The title of the main process: its command line in brackets.
pub fn main_title(version: &str) -> Vec<u8> {
    let mut title = format!("unit: main v{version} [").into_bytes();
    for (i, argument) in arguments().iter().enumerate() {
        if i > 0 {
            title.push(b' ');
        }
        title.extend_from_slice(argument.as_bytes());
    }
    title.push(b']');
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_spans_arguments_and_environment() {
        let mut fields: Vec<String> = (3..=52).map(|n| n.to_string()).collect();
        let mut stat = |arg_end: usize| {
            fields[48 - 3] = "1000".into();
            fields[49 - 3] = arg_end.to_string();
            fields[50 - 3] = "1100".into();
            fields[51 - 3] = "1300".into();
            format!("1 (a) b) {}", fields.join(" "))
        };
        let area = parse_area(&stat(1100)).unwrap();
        assert_eq!((area.start, area.len), (1000, 300));
        let apart = parse_area(&stat(1090)).unwrap();
        assert_eq!((apart.start, apart.len), (1000, 90));
        assert!(parse_area(&stat(1000)).is_none());
        assert!(parse_area("").is_none());
    }
}
