//! Zones with every byte of what they hand out in use.

use std::alloc::{Layout, alloc, dealloc};

use super::*;
use zone::FreeError;

struct Memory {
    start: *mut u8,
    layout: Layout,
}

impl Memory {
    fn new(size: usize) -> Memory {
        let layout = Layout::from_size_align(size, 4096).unwrap();
        // SAFETY: the size is not 0.
        let start = unsafe { alloc(layout) };
        assert!(!start.is_null());
        Memory { start, layout }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.start, self.layout) };
    }
}

#[test]
fn allocations_do_not_overlap_and_all_comes_back() {
    for page_size in [64, 1024, 4096, 8192] {
        let memory = Memory::new(1 << 20);
        let mut held: Vec<(*mut u8, usize, u8)> = Vec::new();
        let mut number = 1u32;
        // SAFETY: the memory outlives the zone, and nothing is used after it was freed.
        unsafe {
            let zone = nxt_mem_zone_init(memory.start, 1 << 20, page_size);
            assert_eq!(zone.cast(), memory.start);
            let all = (1..).take_while(|pages| {
                let whole = nxt_mem_zone_align(zone, 1, pages * page_size as usize);
                nxt_mem_zone_free(zone, whole);
                !whole.is_null()
            });
            let largest = all.count();
            for step in 0..5000u32 {
                number = crate::base::murmur::hash2(&number.to_le_bytes());
                let size = number as usize % (3 * page_size as usize);
                if number.is_multiple_of(3) && !held.is_empty() {
                    let (freed, size, byte) = held.swap_remove(size % held.len());
                    let bytes = std::slice::from_raw_parts(freed, size);
                    assert!(bytes.iter().all(|found| *found == byte));
                    nxt_mem_zone_free(zone, freed.cast());
                    continue;
                }
                let alignment = 1 << ((number >> 8) % 14);
                let allocated = nxt_mem_zone_align(zone, alignment, size).cast::<u8>();
                if allocated.is_null() {
                    continue;
                }
                assert!(allocated.addr().is_multiple_of(alignment));
                allocated.write_bytes(step as u8, size);
                held.push((allocated, size, step as u8));
            }
            for (freed, size, byte) in held {
                let bytes = std::slice::from_raw_parts(freed, size);
                assert!(bytes.iter().all(|found| *found == byte));
                nxt_mem_zone_free(zone, freed.cast());
            }
            let whole = nxt_mem_zone_align(zone, 1, largest * page_size as usize);
            assert!(!whole.is_null());
        }
    }
}

#[test]
fn wrong_arguments() {
    let memory = Memory::new(65536);
    // SAFETY: the memory outlives the zone.
    unsafe {
        assert!(nxt_mem_zone_init(memory.start, 65536, 1000).is_null());
        assert!(nxt_mem_zone_init(memory.start, 65536, 0).is_null());
        assert!(nxt_mem_zone_init(memory.start, 65536, 65536).is_null());
        assert!(nxt_mem_zone_init(memory.start, 100, 4096).is_null());
        assert!(nxt_mem_zone_init(ptr::null_mut(), 65536, 4096).is_null());
        let zone = nxt_mem_zone_init(memory.start, 65536, 4096);
        assert!(nxt_mem_zone_align(zone, 3, 16).is_null());
        assert!(nxt_mem_zone_align(zone, 0, 16).is_null());
        assert!(nxt_mem_zone_align(zone, 1 << 40, 16).is_null());
        assert!(nxt_mem_zone_align(zone, 1, 65536).is_null());
        assert!(nxt_mem_zone_align(zone, 1, usize::MAX).is_null());
        assert!(nxt_mem_zone_align(ptr::null_mut(), 1, 1).is_null());
        nxt_mem_zone_free(ptr::null_mut(), ptr::null_mut());

        let zone = Zone::open(zone.cast()).unwrap();
        let (chunk, run) = (
            zone.allocate(1, 16).unwrap(),
            zone.allocate(1, 9000).unwrap(),
        );
        for (wrong, error) in [
            (chunk.add(1), FreeError::NotAStart),
            (run.add(1), FreeError::NotAStart),
            (run.add(4096), FreeError::NotAStart),
            (memory.start, FreeError::Unknown),
            (memory.start.wrapping_add(65536), FreeError::Unknown),
            (ptr::null_mut(), FreeError::Unknown),
        ] {
            assert_eq!(zone.free(wrong), Err(error));
        }
        let other = zone.allocate(1, 16).unwrap();
        assert_eq!(zone.free(chunk), Ok(()));
        assert_eq!(zone.free(chunk), Err(FreeError::AlreadyFree));
        assert_eq!(zone.free(other), Ok(()));
        assert_eq!(zone.free(run), Ok(()));
        // It may be in the middle of a larger free run now.
        assert!(zone.free(run).is_err());
    }
}
