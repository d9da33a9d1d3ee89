//! The hash through its exported functions, with an allocator that counts and can fail.

use std::collections::HashMap;

use libc::c_void;

use crate::abi::errno::{NXT_DECLINED, NXT_ERROR, NXT_OK};
use crate::abi::lvlhsh::{nxt_lvlhsh_each_t, nxt_lvlhsh_proto_t, nxt_lvlhsh_query_t, nxt_lvlhsh_t};
use crate::abi::string::nxt_str_t;
use crate::capi::lvlhsh::{
    nxt_lvlhsh_delete, nxt_lvlhsh_each, nxt_lvlhsh_find, nxt_lvlhsh_insert, nxt_lvlhsh_peek,
    nxt_lvlhsh_retrieve,
};

/// What the tests pass as pool.
struct Pool {
    blocks: HashMap<usize, usize>,
    /// Allocations until they fail.
    left: usize,
}

unsafe extern "C" fn allocate(pool: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the tests pass a pool, which nobody else uses meanwhile.
    let pool = unsafe { &mut *pool.cast::<Pool>() };
    if pool.left == 0 {
        return std::ptr::null_mut();
    }
    pool.left -= 1;
    // SAFETY: size is a power of two that malloc can align to.
    let memory = unsafe { libc::memalign(size, size) };
    // SAFETY: the block has `size` bytes. Stale content must not matter.
    unsafe { memory.cast::<u8>().write_bytes(0xAA, size) };
    pool.blocks.insert(memory.addr(), size);
    memory
}

unsafe extern "C" fn free(pool: *mut c_void, memory: *mut c_void) {
    // SAFETY: as in `allocate`.
    let pool = unsafe { &mut *pool.cast::<Pool>() };
    assert!(
        pool.blocks.remove(&memory.addr()).is_some(),
        "freed what was not allocated"
    );
    // SAFETY: the block came from memalign.
    unsafe { libc::free(memory) };
}

/// An entry is a number in the place of an address; its key is the number but for the top bit.
unsafe extern "C" fn test(query: *mut nxt_lvlhsh_query_t, data: *mut c_void) -> i32 {
    // SAFETY: the tests pass a valid query.
    let key = unsafe { (*query).key.length };
    if data.addr() & !(1 << 63) == key {
        NXT_OK
    } else {
        NXT_DECLINED
    }
}

fn proto(bucket_size: u32, shift: [u8; 8]) -> nxt_lvlhsh_proto_t {
    nxt_lvlhsh_proto_t {
        bucket_end: (bucket_size - 8) / 12 * 3,
        bucket_size,
        bucket_mask: bucket_size - 1,
        shift,
        test: Some(test),
        alloc: Some(allocate),
        free: Some(free),
    }
}

struct Hash {
    root: nxt_lvlhsh_t,
    proto: nxt_lvlhsh_proto_t,
    pool: Pool,
    hash: fn(usize) -> u32,
}

impl Hash {
    fn new(proto: nxt_lvlhsh_proto_t, hash: fn(usize) -> u32) -> Hash {
        let pool = Pool {
            blocks: HashMap::new(),
            left: usize::MAX,
        };
        Hash {
            root: nxt_lvlhsh_t {
                slot: std::ptr::null_mut(),
            },
            proto,
            pool,
            hash,
        }
    }

    fn query(&mut self, key: usize, value: usize) -> nxt_lvlhsh_query_t {
        nxt_lvlhsh_query_t {
            key_hash: (self.hash)(key),
            replace: 0,
            key: nxt_str_t {
                length: key,
                start: std::ptr::null_mut(),
            },
            value: std::ptr::without_provenance_mut(value),
            proto: &raw const self.proto,
            pool: (&raw mut self.pool).cast(),
            data: std::ptr::null_mut(),
        }
    }

    fn insert(&mut self, key: usize, value: usize, replace: u32) -> (i32, usize) {
        let mut query = self.query(key, value);
        query.replace = replace;
        // SAFETY: root and query are valid.
        let result = unsafe { nxt_lvlhsh_insert(&raw mut self.root, &raw mut query) };
        (result, query.value.addr())
    }

    fn find(&mut self, key: usize) -> Option<usize> {
        let mut query = self.query(key, 0);
        // SAFETY: root and query are valid.
        let result = unsafe { nxt_lvlhsh_find(&raw mut self.root, &raw mut query) };
        (result == NXT_OK).then(|| query.value.addr())
    }

    fn delete(&mut self, key: usize) -> Option<usize> {
        let mut query = self.query(key, 0);
        // SAFETY: root and query are valid.
        let result = unsafe { nxt_lvlhsh_delete(&raw mut self.root, &raw mut query) };
        (result == NXT_OK).then(|| query.value.addr())
    }

    fn retrieve(&mut self) -> Option<usize> {
        let pool = (&raw mut self.pool).cast();
        // SAFETY: root and prototype are valid.
        let entry = unsafe { nxt_lvlhsh_retrieve(&raw mut self.root, &raw const self.proto, pool) };
        (!entry.is_null()).then(|| entry.addr())
    }

    fn peek(&mut self) -> Option<usize> {
        // SAFETY: root and prototype are valid.
        let entry = unsafe { nxt_lvlhsh_peek(&raw mut self.root, &raw const self.proto) };
        (!entry.is_null()).then(|| entry.addr())
    }

    /// What a walk answers; `visit` may remove that entry.
    fn walk(&mut self, mut visit: impl FnMut(&mut Hash, usize)) -> Vec<usize> {
        let mut cursor = nxt_lvlhsh_each_t {
            proto: &raw const self.proto,
            bucket: std::ptr::null_mut(),
            current: u32::MAX,
            entry: u32::MAX,
            entries: u32::MAX,
        };
        let mut entries = Vec::new();
        loop {
            // SAFETY: root and cursor are valid.
            let entry = unsafe { nxt_lvlhsh_each(&raw mut self.root, &raw mut cursor) };
            if entry.is_null() {
                // The end stays the end.
                // SAFETY: as above.
                let again = unsafe { nxt_lvlhsh_each(&raw mut self.root, &raw mut cursor) };
                assert!(again.is_null());
                return entries;
            }
            entries.push(entry.addr());
            visit(self, entry.addr());
        }
    }

    fn is_empty(&self) -> bool {
        self.root.slot.is_null() && self.pool.blocks.is_empty()
    }
}

const DEFAULT: [u8; 8] = [4, 4, 4, 4, 4, 4, 4, 0];

/// Shapes from usual to narrow, and hashes from good to hopeless.
fn variants() -> Vec<Hash> {
    let mixed: fn(usize) -> u32 = |key| (key as u32).wrapping_mul(0x9E37_79B1);
    let constant: fn(usize) -> u32 = |_| 0xFFFF_FFFF;
    let few: fn(usize) -> u32 = |key| (key as u32 % 3) << 30;
    let mut all = Vec::new();
    for hash in [mixed, constant, few] {
        for (size, shift) in [
            (128, DEFAULT),
            (128, [10, 4, 4, 4, 4, 4, 4, 0]),
            (32, [1, 1, 0, 0, 0, 0, 0, 0]),
            (64, [4; 8]),
            (32, [0; 8]),
        ] {
            all.push(Hash::new(proto(size, shift), hash));
        }
    }
    all
}

#[test]
fn behaves_like_a_map_and_gives_all_memory_back() {
    for mut hash in variants() {
        let count = 400;
        for key in 1..=count {
            assert_eq!(hash.insert(key, key, 0).0, NXT_OK);
        }
        for key in 1..=count {
            assert_eq!(hash.find(key), Some(key));
        }
        assert_eq!(hash.find(count + 1), None);
        assert_eq!(hash.delete(count + 1), None);
        // Every third goes; the holes are filled again.
        for key in (1..=count).step_by(3) {
            assert_eq!(hash.delete(key), Some(key));
            assert_eq!(hash.find(key), None);
        }
        for key in (1..=count).step_by(6) {
            assert_eq!(hash.insert(key, key, 0).0, NXT_OK);
        }
        for key in 1..=count {
            let gone = key % 3 == 1 && key % 6 != 1;
            assert_eq!(hash.find(key), (!gone).then_some(key));
        }
        for key in 1..=count {
            hash.delete(key);
        }
        assert!(hash.is_empty());
    }
}

#[test]
fn a_walk_meets_every_entry_once() {
    for mut hash in variants() {
        assert!(hash.walk(|_, _| ()).is_empty());
        for count in [1, 2, 11, 300] {
            for key in 1..=count {
                hash.insert(key, key, 0);
            }
            let mut met = hash.walk(|_, _| ());
            met.sort_unstable();
            assert!(met.into_iter().eq(1..=count));
        }
    }
}

#[test]
fn a_walk_goes_on_where_its_entry_was_removed() {
    for step in [1, 2, 3] {
        for mut hash in variants() {
            for key in 1..=300 {
                hash.insert(key, key, 0);
            }
            let mut met = hash.walk(|hash, entry| {
                if entry % step == 0 {
                    assert_eq!(hash.delete(entry), Some(entry));
                }
            });
            met.sort_unstable();
            assert!(met.into_iter().eq(1..=300));
            for key in 1..=300 {
                assert_eq!(hash.find(key), (key % step != 0).then_some(key));
                hash.delete(key);
            }
            assert!(hash.is_empty());
        }
    }
}

#[test]
fn peek_answers_an_entry_that_stays() {
    for mut hash in variants() {
        assert_eq!(hash.peek(), None);
        for key in 1..=300 {
            hash.insert(key, key, 0);
        }
        for _ in 0..300 {
            let entry = hash.peek().expect("there are entries left");
            assert_eq!(hash.peek(), Some(entry));
            assert_eq!(hash.delete(entry), Some(entry));
        }
        assert!(hash.is_empty());
    }
}

#[test]
fn memory_that_is_not_aligned_is_given_back() {
    unsafe extern "C" fn allocate_askew(pool: *mut c_void, size: usize) -> *mut c_void {
        // SAFETY: the test passes a pool.
        unsafe { allocate(pool, 2 * size).wrapping_byte_add(size / 2) }
    }
    unsafe extern "C" fn free_askew(pool: *mut c_void, memory: *mut c_void) {
        // SAFETY: buckets of 128 bytes came from `allocate_askew`.
        unsafe { free(pool, memory.wrapping_byte_sub(64)) };
    }
    let shape = nxt_lvlhsh_proto_t {
        alloc: Some(allocate_askew),
        free: Some(free_askew),
        ..proto(128, DEFAULT)
    };
    let mut hash = Hash::new(shape, |_| 7);
    assert_eq!(hash.insert(1, 1, 0).0, NXT_ERROR);
    assert!(hash.is_empty());
}

#[test]
fn impossible_buckets_are_refused() {
    for (bucket_end, bucket_size) in [(30, 0), (30, 100), (2, 128), (30, 16), (30, 8), (0, 64)] {
        let shape = nxt_lvlhsh_proto_t {
            bucket_end,
            bucket_size,
            ..proto(128, DEFAULT)
        };
        let mut hash = Hash::new(shape, |_| 7);
        assert_eq!(hash.insert(1, 1, 0).0, NXT_ERROR);
        assert_eq!(hash.find(1), None);
        assert!(hash.is_empty());
    }
}

#[test]
fn retrieve_drains_the_hash() {
    for mut hash in variants() {
        for key in 1..=300 {
            hash.insert(key, key, 0);
        }
        let mut drained: Vec<usize> = std::iter::from_fn(|| hash.retrieve()).collect();
        drained.sort_unstable();
        assert!(drained.into_iter().eq(1..=300));
        assert!(hash.is_empty());
    }
}

#[test]
fn an_equal_entry_is_kept_or_replaced() {
    let mut hash = Hash::new(proto(128, DEFAULT), |_| 7);
    let second = 5 | 1 << 63;
    assert_eq!(hash.insert(5, 5, 0), (NXT_OK, 5));
    assert_eq!(hash.insert(5, second, 0), (NXT_DECLINED, 5));
    assert_eq!(hash.find(5), Some(5));
    assert_eq!(hash.insert(5, second, 1), (NXT_OK, 5));
    assert_eq!(hash.find(5), Some(second));
    assert_eq!(hash.delete(5), Some(second));
    assert!(hash.is_empty());
}

#[test]
fn without_memory_an_insertion_fails_and_nothing_is_lost() {
    for mut hash in variants() {
        let mut kept = Vec::new();
        for key in 1..=100 {
            // Fail at each allocation that the insertion makes, in turn.
            for allowed in 0.. {
                hash.pool.left = allowed;
                let result = hash.insert(key, key, 0).0;
                if result == NXT_OK {
                    break;
                }
                assert_eq!(result, NXT_ERROR);
                assert_eq!(hash.find(key), None);
                assert!(kept.iter().all(|key| hash.find(*key) == Some(*key)));
            }
            kept.push(key);
        }
        for key in kept {
            assert_eq!(hash.delete(key), Some(key));
        }
        assert!(hash.is_empty());
    }
}

#[test]
fn null_arguments_are_refused() {
    let mut hash = Hash::new(proto(128, DEFAULT), |_| 7);
    let null = std::ptr::null_mut();
    let mut query = hash.query(1, 1);
    // SAFETY: NULL is allowed by these functions.
    unsafe {
        assert_eq!(
            nxt_lvlhsh_find(std::ptr::null_mut(), &raw mut query),
            NXT_DECLINED
        );
        assert_eq!(
            nxt_lvlhsh_find(&raw mut hash.root, std::ptr::null_mut()),
            NXT_DECLINED
        );
        assert_eq!(
            nxt_lvlhsh_insert(&raw mut hash.root, std::ptr::null_mut()),
            NXT_ERROR
        );
        assert_eq!(
            nxt_lvlhsh_delete(&raw mut hash.root, std::ptr::null_mut()),
            NXT_DECLINED
        );
        assert!(nxt_lvlhsh_retrieve(&raw mut hash.root, std::ptr::null(), null).is_null());
        query.proto = std::ptr::null();
        assert_eq!(
            nxt_lvlhsh_insert(&raw mut hash.root, &raw mut query),
            NXT_ERROR
        );
    }
    // An entry that is NULL could never be found.
    assert_eq!(hash.insert(1, 0, 0).0, NXT_ERROR);
    assert!(hash.is_empty());
}
