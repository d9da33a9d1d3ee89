//! The nodes of a level hash as they lie in memory.
//!
//! A node is a word: NULL, or the address of a *level* or of a *bucket* with a number in its low bits,
//! which are free because levels and buckets are aligned to their sizes. Bit 0 tells a bucket; the
//! number above it is that of the entries of the bucket, or of the nodes of the level that are not
//! empty. So an empty one is known by the word that names it, and nothing is kept that is empty.
//!
//! A level is an array of nodes. A bucket is an array of entries, those in use first; an entry is a
//! value and its whole hash, packed into 12 bytes. The last word of a bucket is a node again: the next
//! bucket of a chain. There are chains only where the levels are used up.

use std::ptr::null_mut;

use libc::c_void;

use super::shape::Shape;
use crate::abi::lvlhsh::nxt_lvlhsh_query_t;

/// Bytes of an entry: the value and the hash.
pub(super) const ENTRY_SIZE: usize = 12;
/// Where the hash stands in it.
const HASH: usize = 8;

/// Tells a bucket from a level.
const BUCKET: usize = 1;
/// One entry of a bucket, or one node of a level.
const ONE: usize = 2;

/// Nodes that are looked at together.
const GROUP: usize = 8;

/// What a word of the hash names.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Node(*mut c_void);

impl Node {
    pub(super) const EMPTY: Node = Node(null_mut());

    /// A bucket with so many entries.
    fn of_bucket(bucket: Bucket, entries: usize) -> Node {
        Node(
            bucket
                .0
                .map_addr(|address| address | (entries * ONE) | BUCKET)
                .cast(),
        )
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_null()
    }

    pub(super) fn is_bucket(self) -> bool {
        self.0.addr() & BUCKET != 0
    }

    /// The bucket that this node names, and the number of its entries.
    ///
    /// # Safety
    /// The node is a bucket of this shape.
    #[inline]
    pub(super) unsafe fn bucket(self, shape: &Shape<'_>) -> (Bucket, usize) {
        let mask = shape.bucket_size() - 1;
        (
            Bucket(self.0.map_addr(|address| address & !mask).cast()),
            (self.0.addr() & mask) / ONE,
        )
    }

    /// The level that this node names.
    ///
    /// # Safety
    /// The node is a level of 2^`bits` nodes.
    #[inline]
    pub(super) unsafe fn level(self, bits: u32) -> Level {
        let mask = Level::size(bits) - 1;
        Level(self.0.map_addr(|address| address & !mask).cast())
    }

    /// The node with one entry, or one node, more.
    fn more(self) -> Node {
        Node(self.0.map_addr(|address| address + ONE))
    }

    /// Counts one more node of the level that `place` names.
    ///
    /// # Safety
    /// `place` names a level.
    pub(super) unsafe fn add_one(place: *mut Node) {
        // SAFETY: by the caller's promise.
        unsafe { place.write(place.read().more()) };
    }

    /// Counts one node less of the level of 2^`bits` nodes that `place` names. The last one leaves an
    /// empty node and the level, which is to be freed.
    ///
    /// # Safety
    /// `place` names a level.
    pub(super) unsafe fn take_one(place: *mut Node, bits: u32) -> Option<Level> {
        // SAFETY: by the caller's promise.
        unsafe {
            let node = place.read();
            let level = node.level(bits);
            let left = node.0.map_addr(|address| address - ONE);
            let last = left.addr() == level.0.addr();
            place.write(if last { Node::EMPTY } else { Node(left) });
            last.then_some(level)
        }
    }
}

/// An array of nodes.
#[derive(Clone, Copy)]
pub(super) struct Level(*mut Node);

impl Level {
    /// Bytes of a level.
    fn size(bits: u32) -> usize {
        size_of::<Node>() << bits
    }

    /// A level of 2^`bits` empty nodes.
    ///
    /// # Safety
    /// As [`Shape::allocate`].
    pub(super) unsafe fn new(shape: &Shape<'_>, bits: u32) -> Option<Level> {
        // SAFETY: by the caller's promise; the memory has this size, and zero is an empty node.
        unsafe {
            let memory = shape.allocate(Level::size(bits))?;
            memory.cast::<u8>().write_bytes(0, Level::size(bits));
            Some(Level(memory.cast().as_ptr()))
        }
    }

    /// The node that names this level, with so many nodes in use.
    pub(super) fn node(self, nodes: usize) -> Node {
        Node(self.0.map_addr(|address| address | (nodes * ONE)).cast())
    }

    /// The place of a node.
    ///
    /// # Safety
    /// The level is alive and has more than `index` nodes.
    #[inline]
    pub(super) unsafe fn at(self, index: usize) -> *mut Node {
        // SAFETY: by the caller's promise.
        unsafe { self.0.add(index) }
    }

    /// The first node from `start` on that is not empty.
    ///
    /// # Safety
    /// The level is alive and has 2^`bits` nodes, and `start` is at most that.
    pub(super) unsafe fn first(self, bits: u32, start: usize) -> Option<usize> {
        // SAFETY: by the caller's promise; nobody writes to the level meanwhile.
        let nodes =
            unsafe { std::slice::from_raw_parts(self.0.add(start), (1usize << bits) - start) };
        let groups = nodes
            .chunks_exact(GROUP)
            .take_while(|group| group.iter().fold(0, |all, node| all | node.0.addr()) == 0);
        let skipped = groups.count() * GROUP;
        nodes[skipped..]
            .iter()
            .position(|node| !node.is_empty())
            .map(|index| start + skipped + index)
    }

    /// Frees the level.
    ///
    /// # Safety
    /// As [`Shape::free`].
    pub(super) unsafe fn free(self, shape: &Shape<'_>) {
        // SAFETY: by the caller's promise.
        unsafe { shape.free(self.0.cast()) };
    }
}

/// An array of entries, and a link. Values are read and written unaligned, for entries have 12 bytes.
#[derive(Clone, Copy)]
pub(super) struct Bucket(*mut u8);

impl Bucket {
    /// A bucket with one entry, as a node.
    ///
    /// # Safety
    /// As [`Shape::allocate`].
    pub(super) unsafe fn with(shape: &Shape<'_>, hash: u32, value: *mut c_void) -> Option<Node> {
        // SAFETY: by the caller's promise; the memory has room for an entry and the link.
        unsafe {
            let memory = shape.allocate(shape.bucket_size())?;
            let bucket = Bucket(memory.cast().as_ptr());
            bucket.put(0, hash, value);
            bucket.link(shape).write(Node::EMPTY);
            Some(Node::of_bucket(bucket, 1))
        }
    }

    /// The words of this bucket, for a cursor.
    pub(super) fn words(self) -> *mut u32 {
        self.0.cast()
    }

    /// The bucket of a cursor.
    ///
    /// # Safety
    /// `words` came from [`words`](Self::words).
    pub(super) unsafe fn from_words(words: *mut u32) -> Bucket {
        Bucket(words.cast())
    }

    /// The value of an entry.
    ///
    /// # Safety
    /// The bucket is alive and has more than `index` entries.
    #[inline]
    pub(super) unsafe fn value(self, index: usize) -> *mut c_void {
        // SAFETY: by the caller's promise.
        unsafe {
            self.0
                .add(index * ENTRY_SIZE)
                .cast::<*mut c_void>()
                .read_unaligned()
        }
    }

    /// # Safety
    /// As [`value`](Self::value).
    pub(super) unsafe fn set_value(self, index: usize, value: *mut c_void) {
        // SAFETY: by the caller's promise.
        unsafe {
            self.0
                .add(index * ENTRY_SIZE)
                .cast::<*mut c_void>()
                .write_unaligned(value);
        }
    }

    /// The hash of an entry.
    ///
    /// # Safety
    /// As [`value`](Self::value).
    #[inline]
    pub(super) unsafe fn hash(self, index: usize) -> u32 {
        // SAFETY: by the caller's promise; 12 bytes keep the alignment of a hash.
        unsafe { self.0.add(index * ENTRY_SIZE + HASH).cast::<u32>().read() }
    }

    /// # Safety
    /// The bucket is alive and has room for more than `index` entries.
    unsafe fn put(self, index: usize, hash: u32, value: *mut c_void) {
        // SAFETY: by the caller's promise.
        unsafe {
            self.set_value(index, value);
            self.0
                .add(index * ENTRY_SIZE + HASH)
                .cast::<u32>()
                .write(hash);
        }
    }

    /// Copies an entry to another place of the bucket.
    ///
    /// # Safety
    /// As [`value`](Self::value), for both.
    unsafe fn copy(self, from: usize, to: usize) {
        // SAFETY: by the caller's promise.
        unsafe { self.put(to, self.hash(from), self.value(from)) };
    }

    /// The place of the next bucket of a chain.
    ///
    /// # Safety
    /// The bucket is alive and of this shape.
    #[inline]
    pub(super) unsafe fn link(self, shape: &Shape<'_>) -> *mut Node {
        // SAFETY: the link is the last word; buckets are aligned to their size.
        unsafe {
            self.0
                .add(shape.bucket_size() - size_of::<Node>())
                .cast::<Node>()
        }
    }

    /// The place among the first `entries` of that which the query looks for.
    ///
    /// # Safety
    /// The bucket is alive and has so many entries; the query is valid and of this hash.
    #[inline]
    pub(super) unsafe fn position(
        self,
        shape: &Shape<'_>,
        entries: usize,
        query: *mut nxt_lvlhsh_query_t,
    ) -> Option<usize> {
        // SAFETY: by the caller's promise; the last entry comes first, as `peek` takes that.
        unsafe {
            let hash = (*query).key_hash;
            (0..entries)
                .rev()
                .find(|index| self.hash(*index) == hash && shape.test(query, self.value(*index)))
        }
    }

    /// Adds an entry to the bucket that `place` names.
    ///
    /// # Safety
    /// The bucket is alive, of this shape and not full.
    pub(super) unsafe fn push(shape: &Shape<'_>, place: *mut Node, hash: u32, value: *mut c_void) {
        // SAFETY: by the caller's promise.
        unsafe {
            let node = place.read();
            let (bucket, entries) = node.bucket(shape);
            bucket.put(entries, hash, value);
            place.write(node.more());
        }
    }

    /// Removes an entry of the bucket that `place` names. The last entry takes its place, and with the
    /// only entry goes the bucket.
    ///
    /// # Safety
    /// The bucket is alive, of this shape and has more than `index` entries.
    pub(super) unsafe fn remove(shape: &Shape<'_>, place: *mut Node, index: usize) {
        // SAFETY: by the caller's promise.
        unsafe {
            let (bucket, entries) = place.read().bucket(shape);
            let last = entries - 1;
            if last == 0 {
                place.write(bucket.link(shape).read());
                bucket.free(shape);
                return;
            }
            if index != last {
                bucket.copy(last, index);
            }
            place.write(Node::of_bucket(bucket, last));
        }
    }

    /// Keeps those of the first `entries` that `keep` says so of their hashes: the bucket as a node.
    ///
    /// # Safety
    /// The bucket is alive and has so many entries; at least one is kept.
    pub(super) unsafe fn retain(self, entries: usize, keep: impl Fn(u32) -> bool) -> Node {
        let mut kept = 0;
        for index in 0..entries {
            // SAFETY: by the caller's promise.
            unsafe {
                if keep(self.hash(index)) {
                    self.copy(index, kept);
                    kept += 1;
                }
            }
        }
        Node::of_bucket(self, kept)
    }

    /// Frees the bucket.
    ///
    /// # Safety
    /// As [`Shape::free`].
    pub(super) unsafe fn free(self, shape: &Shape<'_>) {
        // SAFETY: by the caller's promise.
        unsafe { shape.free(self.0.cast()) };
    }
}
