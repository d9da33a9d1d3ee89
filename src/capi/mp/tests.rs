//! Pools of several sizes, with every byte of what they hand out in use.

use super::*;

const SIZES: [[usize; 4]; 3] = [
    [1024, 128, 128, 16],
    [4096, 16, 4096, 128],
    [65536, 4096, 8192, 8192],
];

fn pool([cluster, alignment, page, chunk]: [usize; 4]) -> *mut nxt_mp_t {
    let pool = nxt_mp_create(cluster, alignment, page, chunk);
    assert!(!pool.is_null());
    pool
}

/// Memory that is filled with one byte.
struct Filled {
    memory: *mut u8,
    size: usize,
    byte: u8,
}

impl Filled {
    fn new(memory: *mut c_void, size: usize, byte: u8) -> Filled {
        assert!(!memory.is_null());
        // SAFETY: the pool has given `size` bytes.
        unsafe { memory.cast::<u8>().write_bytes(byte, size) };
        Filled {
            memory: memory.cast(),
            size,
            byte,
        }
    }

    fn check(&self) {
        // SAFETY: still ours.
        let bytes = unsafe { std::slice::from_raw_parts(self.memory, self.size) };
        assert!(bytes.iter().all(|byte| *byte == self.byte));
    }
}

#[test]
fn allocations_do_not_overlap_and_leave_nothing() {
    for sizes in SIZES {
        let mp = pool(sizes);
        let mut held: Vec<Filled> = Vec::new();
        let mut number = 1u32;
        // SAFETY: the pool is alive, and nothing is used after it was freed.
        unsafe {
            for step in 0..6000u32 {
                number = crate::base::murmur::hash2(&number.to_le_bytes());
                let size = number as usize % (3 * sizes[2]);
                if number.is_multiple_of(3) && !held.is_empty() {
                    let freed = held.swap_remove(size % held.len());
                    freed.check();
                    nxt_mp_free(mp, freed.memory.cast());
                } else {
                    let alignment = 1 << ((number >> 8) % 9);
                    let memory = if number & 64 == 0 {
                        let memory = nxt_mp_align(mp, alignment, size);
                        assert!(memory.addr().is_multiple_of(alignment));
                        memory
                    } else {
                        nxt_mp_alloc(mp, size)
                    };
                    held.push(Filled::new(memory, size, step as u8));
                }
            }
            for freed in held {
                freed.check();
                assert_eq!(nxt_mp_is_empty(mp), 0);
                nxt_mp_free(mp, freed.memory.cast());
            }
            assert_eq!(nxt_mp_is_empty(mp), 1);
            nxt_mp_destroy(mp);
        }
    }
}

#[test]
fn memory_that_goes_with_the_pool() {
    for sizes in SIZES {
        let mp = pool(sizes);
        let mut held = Vec::new();
        // SAFETY: the pool is alive.
        unsafe {
            for size in (0..2000).chain([sizes[2], sizes[2] + 1, 100_000]) {
                let (get, nget) = (nxt_mp_zget(mp, size), nxt_mp_nget(mp, size));
                assert!(get.addr().is_multiple_of(GET_ALIGNMENT));
                Filled {
                    memory: get.cast(),
                    size,
                    byte: 0,
                }
                .check();
                held.push(Filled::new(get, size, 1));
                held.push(Filled::new(nget, size, size as u8));
            }
            held.iter().for_each(Filled::check);
            // It cannot be freed by itself.
            nxt_mp_free(mp, held[7].memory.cast());
            held.iter().for_each(Filled::check);
            nxt_mp_destroy(mp);
        }
    }
}

#[test]
fn wrong_pointers_are_refused() {
    let mp: *mut Pool = pool(SIZES[0]).cast();
    use pool::FreeError::*;
    // SAFETY: the pool is alive.
    unsafe {
        let (chunk, page, large) = (
            Pool::alloc(mp, 16),
            Pool::alloc(mp, 100),
            Pool::alloc(mp, 1000),
        );
        let get = Pool::get(mp, 1, 1);
        for memory in [chunk, page, large] {
            assert_eq!(Pool::free(mp, memory.wrapping_add(1)), Err(NotAStart));
        }
        assert_eq!(Pool::free(mp, get), Err(NotFreeable));
        assert_eq!(Pool::free(mp, std::ptr::null_mut()), Err(Unknown));
        assert_eq!(Pool::free(mp, usize::MAX as *mut u8), Err(Unknown));
        for memory in [chunk, page] {
            assert_eq!(Pool::free(mp, memory), Ok(()));
            assert_eq!(Pool::free(mp, memory), Err(AlreadyFree));
        }
        assert_eq!(Pool::free(mp, large), Ok(()));
        assert_eq!(Pool::free(mp, large), Err(Unknown));
        Pool::destroy(mp);
    }
}

unsafe extern "C" fn note(_task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    // SAFETY: the test passes a vector.
    unsafe { (*obj.cast::<Vec<usize>>()).push(data.addr()) };
}

#[test]
fn cleanups_run_when_the_last_owner_goes() {
    let mp = pool(SIZES[0]);
    let mut noted: Vec<usize> = Vec::new();
    // SAFETY: the pool is alive, the vector outlives it.
    unsafe {
        for number in 1..=3 {
            let obj = (&raw mut noted).cast();
            assert_eq!(
                nxt_mp_cleanup(mp, Some(note), ptr::null_mut(), obj, number as *mut c_void),
                NXT_OK
            );
        }
        nxt_mp_retain(mp);
        nxt_mp_release(mp);
        assert!(noted.is_empty());
        nxt_mp_release(mp);
    }
    assert_eq!(noted, [3, 2, 1]);
}

#[test]
fn impossible_sizes() {
    for [cluster, alignment, page, chunk] in [
        [1024, 100, 128, 16],
        [1024, 128, 100, 16],
        [1024, 128, 128, 12],
        [1024, 128, 32, 16],
        [1024, 256, 128, 16],
        [1024, 16, 128, 256],
        [1024, 16, 1024, 16],
        [64, 16, 128, 16],
        [1000, 16, 128, 16],
        [128 * 257, 16, 128, 16],
        [0, 0, 0, 0],
        [usize::MAX; 4],
    ] {
        assert_eq!(nxt_mp_test_sizes(cluster, alignment, page, chunk), 0);
        assert!(nxt_mp_create(cluster, alignment, page, chunk).is_null());
    }
    let mp = pool(SIZES[0]);
    // SAFETY: the pool is alive.
    unsafe {
        for size in [usize::MAX, usize::MAX / 2, u32::MAX as usize] {
            assert!(nxt_mp_alloc(mp, size).is_null());
            assert!(nxt_mp_zalloc(mp, size).is_null());
            assert!(nxt_mp_align(mp, 4096, size).is_null());
            assert!(nxt_mp_get(mp, size).is_null());
            assert!(nxt_mp_nget(mp, size).is_null());
        }
        assert!(nxt_mp_align(mp, 3, 16).is_null());
        assert!(nxt_mp_align(mp, 0, 16).is_null());
        assert_eq!(nxt_mp_is_empty(mp), 1);
        nxt_mp_destroy(mp);
        assert!(nxt_mp_alloc(ptr::null_mut(), 1).is_null());
    }
}
