//! `nxt_thread_time.h`: the times that a thread keeps, and the texts made of them.

use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libc::{c_int, tm};

use crate::abi::log::NXT_LOG_DEBUG;
use crate::abi::string::nxt_str_t;
use crate::abi::thread::nxt_thread_t;
#[cfg(feature = "debug")]
use crate::abi::time::NXT_THREAD_TIME_MSEC;
use crate::abi::time::{
    NXT_THREAD_TIME_LOCAL, nxt_realtime_t, nxt_time_string_cache_t, nxt_time_string_t,
};
use crate::abi::types::{nxt_msec_t, nxt_time_t};
use crate::alert;
use crate::base::calendar;
use crate::capi::globals::nxt_debug;
use crate::capi::guard;
use crate::capi::malloc::{nxt_realloc, nxt_zalloc};
use crate::capi::time::{monotonic, nxt_localtime, realtime};

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// What the time thread has read last; 0 while there is none.
static SHARED: AtomicU64 = AtomicU64::new(0);

/// Reads the clock for a thread.
///
/// # Safety
/// `thr` is NULL or the calling thread's state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_time_update(thr: *mut nxt_thread_t) {
    // SAFETY: NULL or valid, by the caller's promise.
    if let Some(thread) = unsafe { thr.as_mut() } {
        thread.time.now.monotonic = match SHARED.load(Ordering::Relaxed) {
            0 => monotonic(),
            shared => shared,
        };
    }
}

/// Starts a thread that reads the clock each `interval` milliseconds, so that others need not.
#[unsafe(no_mangle)]
pub extern "C" fn nxt_time_thread_start(interval: nxt_msec_t) {
    guard("nxt_time_thread_start", (), || {
        let interval = Duration::from_millis(interval.max(1).into());
        let started = std::thread::Builder::new()
            .name("time".to_string())
            .spawn(move || {
                loop {
                    SHARED.store(monotonic(), Ordering::Relaxed);
                    // Not later than the next second begins.
                    let rest = SECOND - u64::from(realtime().nsec);
                    std::thread::sleep(interval.min(Duration::from_nanos(rest)));
                }
            });
        if let Err(error) = started {
            alert!("the time thread cannot be started: {error}");
        }
    });
}

/// Whether the clock on the wall is wanted by the millisecond: in the debug ABI, by a thread whose log
/// has records for developers.
fn tells_milliseconds(thread: &nxt_thread_t) -> bool {
    // SAFETY: a thread's log is NULL or valid; the object is read as C code does.
    cfg!(feature = "debug")
        && unsafe {
            let level = thread.log.as_ref().map_or(0, |log| log.level);
            level == NXT_LOG_DEBUG || nxt_debug.get().read() != 0
        }
}

/// Reads the clock on the wall, if a second has begun since it was read.
fn update_realtime(thread: &mut nxt_thread_t) {
    let step = if tells_milliseconds(thread) {
        1_000_000
    } else {
        SECOND
    };
    let now = &mut thread.time.now;
    if now.monotonic >= now.update {
        now.realtime = realtime();
        now.update = now.monotonic + (step - u64::from(now.realtime.nsec) % step);
    }
}

/// Seconds since the epoch.
///
/// # Safety
/// `thr` is NULL or the calling thread's state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_time(thr: *mut nxt_thread_t) -> nxt_time_t {
    guard("nxt_thread_time", 0, || {
        // SAFETY: NULL or valid, by the caller's promise.
        match unsafe { thr.as_mut() } {
            Some(thread) => {
                update_realtime(thread);
                thread.time.now.realtime.sec
            }
            None => realtime().sec,
        }
    })
}

/// The time since the epoch, in the thread's state.
///
/// # Safety
/// `thr` is NULL or the calling thread's state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_realtime(thr: *mut nxt_thread_t) -> *mut nxt_realtime_t {
    guard("nxt_thread_realtime", ptr::null_mut(), || {
        // SAFETY: NULL or valid, by the caller's promise.
        match unsafe { thr.as_mut() } {
            Some(thread) => {
                update_realtime(thread);
                &raw mut thread.time.now.realtime
            }
            None => ptr::null_mut(),
        }
    })
}

/// Frees the texts that a thread keeps.
///
/// # Safety
/// `thr` is NULL or a thread's state that nobody uses meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_time_free(thr: *mut nxt_thread_t) {
    guard("nxt_thread_time_free", (), || {
        // SAFETY: NULL or valid, by the caller's promise; the texts are from the C library's heap.
        unsafe {
            let Some(thread) = thr.as_mut() else {
                return;
            };
            let time = &mut thread.time;
            if time.strings.is_null() {
                return;
            }
            time.no_cache = 1;
            for index in 0..time.nstrings as usize {
                libc::free((*time.strings.add(index)).string.start.cast());
            }
            libc::free(time.strings.cast());
            time.strings = ptr::null_mut();
            time.nstrings = 0;
        }
    });
}

/// Splits a time into the parts of UTC; the other members of `tm` stay as they are.
///
/// # Safety
/// `tm` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_gmtime(s: nxt_time_t, tm: *mut tm) {
    guard("nxt_gmtime", (), || {
        if tm.is_null() {
            return;
        }
        let moment = calendar::moment(s);
        // SAFETY: not NULL, and by the caller's promise; years beyond the range of an int are cut.
        unsafe {
            (&raw mut (*tm).tm_sec).write(moment.second.into());
            (&raw mut (*tm).tm_min).write(moment.minute.into());
            (&raw mut (*tm).tm_hour).write(moment.hour.into());
            (&raw mut (*tm).tm_mday).write(moment.day.into());
            (&raw mut (*tm).tm_mon).write(moment.month.into());
            (&raw mut (*tm).tm_year).write((moment.year - 1900) as c_int);
            (&raw mut (*tm).tm_wday).write(moment.weekday.into());
            (&raw mut (*tm).tm_yday).write(moment.day_of_year.into());
        }
    });
}

/// The place of a text among those that threads keep, given at its first use.
///
/// # Safety
/// `ts` is valid.
unsafe fn slot(ts: *mut nxt_time_string_t) -> usize {
    const UNUSED: u64 = u64::MAX;
    static NEXT: AtomicU64 = AtomicU64::new(0);
    static GIVING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    // SAFETY: aligned and alive by the caller's promise, and C code leaves the member alone.
    let slot = unsafe { AtomicU64::from_ptr(&raw mut (*ts).slot) };
    if slot.load(Ordering::Acquire) == UNUSED {
        let _giving = GIVING.lock();
        if slot.load(Ordering::Acquire) == UNUSED {
            slot.store(NEXT.fetch_add(1, Ordering::Relaxed), Ordering::Release);
        }
    }
    slot.load(Ordering::Acquire) as usize
}

/// The text that a thread keeps in a place; `None` when there is no memory.
fn kept(thread: &mut nxt_thread_t, slot: usize) -> Option<&mut nxt_time_string_cache_t> {
    let time = &mut thread.time;
    let have = time.nstrings as usize;
    // SAFETY: `strings` has `nstrings` places from the C library's heap; the new ones are written
    // before they are counted.
    unsafe {
        if slot >= have {
            let size = (slot + 1).checked_mul(size_of::<nxt_time_string_cache_t>())?;
            let strings = nxt_realloc(time.strings.cast(), size).cast::<nxt_time_string_cache_t>();
            if strings.is_null() {
                return None;
            }
            for index in have..=slot {
                strings.add(index).write(nxt_time_string_cache_t {
                    last: -1,
                    #[cfg(feature = "debug")]
                    last_msec: 0,
                    string: nxt_str_t::NULL,
                });
            }
            time.strings = strings;
            time.nstrings = slot as u64 + 1;
        }
        Some(&mut *time.strings.add(slot))
    }
}

/// Writes a text made of the time to `buf`, which has room for it: the end of the text. The text is
/// made once a second and thread; `thr` NULL, or one that keeps no texts, makes it each time.
///
/// # Safety
/// `thr` is NULL or the calling thread's state, `ts` is NULL or valid, `buf` has room.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_thread_time_string(
    thr: *mut nxt_thread_t,
    ts: *mut nxt_time_string_t,
    buf: *mut u8,
) -> *mut u8 {
    guard("nxt_thread_time_string", buf, || {
        if ts.is_null() || buf.is_null() {
            return buf;
        }
        // SAFETY: NULL or valid, by the caller's promise; the handler writes at most `size` bytes.
        unsafe {
            let (handler, size, format) = ((*ts).handler, (*ts).size, (*ts).format);
            let Some(handler) = handler else {
                return buf;
            };
            let is_local = (*ts).timezone == NXT_THREAD_TIME_LOCAL;
            let split = |seconds: nxt_time_t, parts: *mut tm| {
                if is_local {
                    nxt_localtime(seconds, parts);
                } else {
                    nxt_gmtime(seconds, parts);
                }
            };
            let Some(thread) = thr.as_mut().filter(|thread| thread.time.no_cache == 0) else {
                let mut now = realtime();
                let mut parts = std::mem::MaybeUninit::<tm>::zeroed().assume_init();
                split(now.sec, &raw mut parts);
                return handler(buf, &raw mut now, &raw mut parts, size, format);
            };
            update_realtime(thread);
            let mut now = thread.time.now.realtime;
            let (parts, last) = if is_local {
                (
                    &raw mut thread.time.localtime,
                    &raw mut thread.time.last_localtime,
                )
            } else {
                (
                    &raw mut thread.time.gmtime,
                    &raw mut thread.time.last_gmtime,
                )
            };
            #[cfg(feature = "debug")]
            let by_millisecond = (*ts).msec == NXT_THREAD_TIME_MSEC && tells_milliseconds(thread);
            let Some(text) = kept(thread, slot(ts)) else {
                return buf;
            };
            #[cfg(feature = "debug")]
            if by_millisecond {
                let millisecond = now.nsec / 1_000_000;
                if text.last_msec != millisecond {
                    text.last_msec = millisecond;
                    text.last = -1;
                }
            }
            if text.last != now.sec {
                if last.read() != now.sec {
                    split(now.sec, parts);
                    last.write(now.sec);
                }
                if text.string.start.is_null() {
                    text.string.start = nxt_zalloc(size).cast();
                    if text.string.start.is_null() {
                        return buf;
                    }
                }
                let end = handler(text.string.start, &raw mut now, parts, size, format);
                let length = end.addr().saturating_sub(text.string.start.addr());
                text.string.length = length.min(size);
                text.last = now.sec;
            }
            buf.copy_from_nonoverlapping(text.string.start, text.string.length);
            buf.add(text.string.length)
        }
    })
}
