//! `nxt_mem_zone.h`: an allocator inside of memory that the caller brings, which may be shared.

use std::ptr;

use libc::c_void;

use crate::abi::types::nxt_uint_t;
use crate::base::log::Level;
use crate::capi::guard;
use crate::capi::log::thread_record;

mod zone;

use zone::Zone;

/// A zone; C code only ever handles its address.
#[repr(C)]
#[derive(Debug)]
pub struct nxt_mem_zone_t {
    _opaque: [u8; 0],
}

/// Makes a zone of `zone_size` bytes at `start`, where its bookkeeping goes, too: the answer is `start`,
/// or NULL if the page size is no power of two or no page fits.
///
/// # Safety
/// `start` is NULL or has `zone_size` bytes, which belong to the zone from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mem_zone_init(
    start: *mut u8,
    zone_size: usize,
    page_size: nxt_uint_t,
) -> *mut nxt_mem_zone_t {
    guard("nxt_mem_zone_init", ptr::null_mut(), || {
        if !page_size.is_power_of_two() {
            thread_record(Level::Alert, "mem zone page size must be a power of 2");
            return ptr::null_mut();
        }
        // SAFETY: the caller's promise is the same.
        match unsafe { Zone::init(start, zone_size, page_size as usize) } {
            Some(zone) => zone.address().cast(),
            None => ptr::null_mut(),
        }
    })
}

/// Memory at a multiple of `alignment`, a power of two; NULL when there is none, with an alert in the
/// log.
///
/// # Safety
/// `zone` is NULL or a zone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mem_zone_align(
    zone: *mut nxt_mem_zone_t,
    alignment: usize,
    size: usize,
) -> *mut c_void {
    guard("nxt_mem_zone_align", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        let Some(zone) = (unsafe { Zone::open(zone.cast()) }) else {
            return ptr::null_mut();
        };
        // SAFETY: the zone is alive.
        match unsafe { zone.allocate(alignment, size) } {
            Some(memory) => memory.cast(),
            None => {
                let text =
                    format!("nxt_mem_zone_align({alignment}, {size}) failed, not enough memory");
                thread_record(Level::Alert, &text);
                ptr::null_mut()
            }
        }
    })
}

/// Memory of value zero; NULL when there is none.
///
/// # Safety
/// `zone` is NULL or a zone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mem_zone_zalloc(
    zone: *mut nxt_mem_zone_t,
    size: usize,
) -> *mut c_void {
    // SAFETY: the caller's promise is the same; the memory has `size` bytes.
    unsafe {
        let memory = nxt_mem_zone_align(zone, 1, size);
        if !memory.is_null() {
            memory.cast::<u8>().write_bytes(0, size);
        }
        memory
    }
}

/// Frees memory of a zone. Anything else is an alert in the log.
///
/// # Safety
/// `zone` is NULL or a zone; memory of it that is freed is not used afterwards.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_mem_zone_free(zone: *mut nxt_mem_zone_t, p: *mut c_void) {
    guard("nxt_mem_zone_free", (), || {
        // SAFETY: the caller's promise is the same.
        unsafe {
            if let Some(zone) = Zone::open(zone.cast())
                && let Err(error) = zone.free(p.cast())
            {
                let text = format!("nxt_mem_zone_free({p:p}): the pointer {error}");
                thread_record(Level::Alert, &text);
            }
        }
    });
}

#[cfg(test)]
mod tests;
