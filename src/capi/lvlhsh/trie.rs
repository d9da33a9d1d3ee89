//! The level hash itself: a trie over the bits of a hash, from the lowest up.
//!
//! It stands beside its shims, and not on a floor of safe code, because nothing but C uses it and
//! every step of it is a step through C's memory: the root word is the caller's, nodes come from
//! the caller's allocator, equality is the caller's callback.
//!
//! A node is NULL, or a *level* (an array of nodes, as many as the prototype's `shift` says for this
//! depth), or a *bucket*, which has bit 0 of its address set. A bucket holds entries, each a value
//! and its whole hash, packed into three 32-bit words; an entry whose value is NULL is free. The
//! word after the last entry (`bucket_end`) begins the address of a further bucket, which exists only
//! where the levels are used up. No level and no bucket in the trie is empty.
//!
//! The allocator is asked for `bucket_size` and for the sizes of levels, nothing else, and must align
//! to 8 bytes at least. A callback must not change the hash it is called from.

use std::ptr::NonNull;

use libc::c_void;

use crate::abi::errno::NXT_OK;
use crate::abi::lvlhsh::{nxt_lvlhsh_each_t, nxt_lvlhsh_proto_t, nxt_lvlhsh_query_t};

/// An entry of the caller's.
pub(super) type Entry = NonNull<c_void>;

/// Words of an entry: the value's two and the hash.
const ENTRY_WORDS: usize = 3;
/// The lowest bit of a bucket's address in a node.
const BUCKET: usize = 1;

/// The bucket of a cursor whose walk is over.
const WALK_DONE: usize = usize::MAX;

/// What the prototype says, checked.
pub(super) struct Shape<'a> {
    proto: &'a nxt_lvlhsh_proto_t,
    pool: *mut c_void,
    /// Entries of a bucket.
    capacity: usize,
}

impl<'a> Shape<'a> {
    /// `None` if a bucket has no room for an entry and the link that follows the entries.
    pub(super) fn new(proto: &'a nxt_lvlhsh_proto_t, pool: *mut c_void) -> Option<Shape<'a>> {
        let capacity = proto.bucket_end as usize / ENTRY_WORDS;
        let link_end = (proto.bucket_end as usize)
            .checked_mul(4)?
            .checked_add(size_of::<Node>())?;
        (capacity > 0 && link_end <= proto.bucket_size as usize).then_some(Shape {
            proto,
            pool,
            capacity,
        })
    }

    /// Allocates `size` bytes, all zero.
    ///
    /// # Safety
    /// The prototype's allocator takes this pool.
    unsafe fn allocate(&self, size: usize) -> Option<NonNull<c_void>> {
        // SAFETY: by the caller's promise.
        let memory = NonNull::new(unsafe { self.proto.alloc?(self.pool, size) })?;
        // SAFETY: the allocator answers `size` bytes that are now ours.
        unsafe { memory.cast::<u8>().write_bytes(0, size) };
        Some(memory)
    }

    /// # Safety
    /// `memory` came from `allocate` with the same prototype and pool, and nothing names it any more.
    unsafe fn free(&self, memory: *mut c_void) {
        if let Some(free) = self.proto.free {
            // SAFETY: by the caller's promise.
            unsafe { free(self.pool, memory) };
        }
    }

    /// Asks the callback whether `entry` is what the query looks for.
    ///
    /// # Safety
    /// The query is valid and `entry` is one of its hash.
    unsafe fn test(&self, query: *mut nxt_lvlhsh_query_t, entry: Entry) -> bool {
        // SAFETY: by the caller's promise.
        self.proto
            .test
            .is_some_and(|test| unsafe { test(query, entry.as_ptr()) } == NXT_OK)
    }
}

/// Which part of a hash a level looks at.
#[derive(Clone, Copy)]
struct Depth {
    level: usize,
    used_bits: u32,
}

impl Depth {
    const TOP: Depth = Depth {
        level: 0,
        used_bits: 0,
    };

    /// The bits of the level at this depth; `None` where the levels are used up.
    fn bits(self, shape: &Shape<'_>) -> Option<u32> {
        shape
            .proto
            .shift
            .get(self.level)
            .map(|bits| u32::from(*bits))
            .filter(|bits| (1..usize::BITS - 3).contains(bits))
    }

    /// The position of `hash` in the level at this depth, and the depth below.
    fn step(self, hash: u32, bits: u32) -> (usize, Depth) {
        let rest = hash.checked_shr(self.used_bits).unwrap_or(0) as usize;
        (
            rest & ((1 << bits) - 1),
            Depth {
                level: self.level + 1,
                used_bits: self.used_bits + bits,
            },
        )
    }
}

/// The content of a node.
type Node = *mut c_void;

/// What a node is.
enum Kind {
    Empty,
    Level(*mut Node),
    Bucket(Bucket),
}

fn kind(node: Node) -> Kind {
    if node.is_null() {
        Kind::Empty
    } else if node.addr() & BUCKET != 0 {
        Kind::Bucket(Bucket(node.map_addr(|address| address & !BUCKET).cast()))
    } else {
        Kind::Level(node.cast())
    }
}

/// A bucket; all access to its words goes through here. They are read and written unaligned, for a
/// value's two words need not lie on an eight-byte boundary.
#[derive(Clone, Copy)]
struct Bucket(*mut u32);

impl Bucket {
    /// A new bucket with no entries.
    ///
    /// # Safety
    /// As [`Shape::allocate`].
    unsafe fn new(shape: &Shape<'_>) -> Option<Bucket> {
        // SAFETY: by the caller's promise.
        unsafe { shape.allocate(shape.proto.bucket_size as usize) }
            .map(|memory| Bucket(memory.as_ptr().cast()))
    }

    fn node(self) -> Node {
        self.0.map_addr(|address| address | BUCKET).cast()
    }

    /// The entry in place `index`.
    ///
    /// # Safety
    /// The bucket is alive and `index` below the shape's capacity.
    unsafe fn value(self, index: usize) -> Option<Entry> {
        // SAFETY: the place lies inside the bucket.
        NonNull::new(unsafe {
            self.0
                .add(index * ENTRY_WORDS)
                .cast::<Node>()
                .read_unaligned()
        })
    }

    /// # Safety
    /// As [`value`](Self::value).
    unsafe fn set_value(self, index: usize, value: *mut c_void) {
        // SAFETY: the place lies inside the bucket.
        unsafe {
            self.0
                .add(index * ENTRY_WORDS)
                .cast::<Node>()
                .write_unaligned(value)
        };
    }

    /// # Safety
    /// As [`value`](Self::value).
    unsafe fn hash(self, index: usize) -> u32 {
        // SAFETY: the place lies inside the bucket.
        unsafe { self.0.add(index * ENTRY_WORDS + 2).read() }
    }

    /// # Safety
    /// As [`value`](Self::value).
    unsafe fn put(self, index: usize, hash: u32, value: *mut c_void) {
        // SAFETY: the place lies inside the bucket.
        unsafe {
            self.set_value(index, value);
            self.0.add(index * ENTRY_WORDS + 2).write(hash);
        }
    }

    /// The place of the link to the next bucket of a chain.
    ///
    /// # Safety
    /// The bucket is alive.
    unsafe fn link(self, shape: &Shape<'_>) -> *mut Node {
        // SAFETY: `Shape::new` has checked that the link lies inside the bucket.
        unsafe { self.0.add(shape.proto.bucket_end as usize).cast() }
    }

    /// The next bucket of the chain.
    ///
    /// # Safety
    /// The bucket is alive.
    unsafe fn next(self, shape: &Shape<'_>) -> Option<Bucket> {
        // SAFETY: by the caller's promise.
        let link = unsafe { self.link(shape).read_unaligned() };
        (!link.is_null()).then(|| Bucket(link.cast()))
    }

    /// The place of the entry that the query looks for, in this bucket alone.
    ///
    /// # Safety
    /// The bucket is alive, the query valid and of this hash.
    unsafe fn position(
        self,
        shape: &Shape<'_>,
        query: *mut nxt_lvlhsh_query_t,
    ) -> Option<(usize, Entry)> {
        // SAFETY: by the caller's promise; each place is below the capacity.
        unsafe {
            let hash = (*query).key_hash;
            (0..shape.capacity)
                .filter(|index| self.hash(*index) == hash)
                .filter_map(|index| Some((index, self.value(index)?)))
                .find(|(_, entry)| shape.test(query, *entry))
        }
    }

    /// The first place that is taken, or that is free.
    ///
    /// # Safety
    /// The bucket is alive.
    unsafe fn first(self, shape: &Shape<'_>, taken: bool) -> Option<usize> {
        // SAFETY: each place is below the capacity.
        (0..shape.capacity).find(|index| unsafe { self.value(*index) }.is_some() == taken)
    }
}

/// What an insertion met.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    /// No equal entry.
    Added,
    /// This entry, which the new one has replaced if the query asked for it.
    Equal(Entry),
}

/// What a walk leaves behind of the levels it goes through.
trait Trail {
    /// The walk goes through the level that `place` names, which has 2^`bits` nodes.
    fn push(&mut self, place: *mut Node, bits: u32);
}

/// Nothing, for walks that change no level.
struct Untraced;

impl Trail for Untraced {
    fn push(&mut self, _place: *mut Node, _bits: u32) {}
}

/// The levels that a walk went through: the place that names each level, and the level's bits.
struct Path {
    steps: [(*mut Node, u32); 8],
    length: usize,
}

impl Path {
    const fn none() -> Path {
        Path {
            steps: [(std::ptr::null_mut(), 0); 8],
            length: 0,
        }
    }

    /// Frees the levels that have become empty, from the deepest up.
    ///
    /// # Safety
    /// The levels are alive and of this shape.
    unsafe fn prune(&self, shape: &Shape<'_>) {
        for (place, bits) in self.steps[..self.length].iter().rev() {
            // SAFETY: by the caller's promise; a level has 2^bits nodes.
            unsafe {
                let level = place.read().cast::<Node>();
                if (0..1usize << bits).any(|index| !level.add(index).read().is_null()) {
                    return;
                }
                place.write(std::ptr::null_mut());
                shape.free(level.cast());
            }
        }
    }
}

impl Trail for Path {
    fn push(&mut self, place: *mut Node, bits: u32) {
        // A depth has bits only below level 8, so that there is room.
        self.steps[self.length] = (place, bits);
        self.length += 1;
    }
}

/// A trie, by the address of its root node.
#[derive(Clone, Copy)]
pub(super) struct Trie(*mut Node);

impl Trie {
    /// # Safety
    /// `root` is writable while the trie is used, and holds NULL or what these functions have left
    /// there with the same prototype.
    pub(super) unsafe fn new(root: *mut Node) -> Trie {
        Trie(root)
    }

    /// The place of the node where `hash` ends: empty or a bucket.
    ///
    /// # Safety
    /// The trie is of this shape.
    unsafe fn descend(
        self,
        shape: &Shape<'_>,
        hash: u32,
        trail: &mut impl Trail,
    ) -> (*mut Node, Depth) {
        let (mut place, mut depth) = (self.0, Depth::TOP);
        // SAFETY: by the caller's promise every node below a level is alive, and a level at a depth
        // has as many nodes as its bits say.
        while let Kind::Level(level) = kind(unsafe { place.read() }) {
            let Some(bits) = depth.bits(shape) else { break };
            trail.push(place, bits);
            let (index, below) = depth.step(hash, bits);
            // SAFETY: `index` is below 2^bits.
            place = unsafe { level.add(index) };
            depth = below;
        }
        (place, depth)
    }

    /// Finds the entry that the query looks for: its bucket, the place that names the bucket, and
    /// the entry's place in it.
    ///
    /// # Safety
    /// The trie is of this shape; the query is valid and its callback takes this trie's entries.
    unsafe fn locate(
        self,
        shape: &Shape<'_>,
        query: *mut nxt_lvlhsh_query_t,
        trail: &mut impl Trail,
    ) -> Option<(*mut Node, Bucket, usize, Entry)> {
        // SAFETY: by the caller's promise all nodes on the way are alive.
        unsafe {
            let (mut place, _) = self.descend(shape, (*query).key_hash, trail);
            let Kind::Bucket(mut bucket) = kind(place.read()) else {
                return None;
            };
            loop {
                if let Some((index, entry)) = bucket.position(shape, query) {
                    return Some((place, bucket, index, entry));
                }
                place = bucket.link(shape);
                bucket = bucket.next(shape)?;
            }
        }
    }

    /// The entry that the query looks for.
    ///
    /// # Safety
    /// The trie is of this shape; the query is valid and its callback takes this trie's entries.
    pub(super) unsafe fn find(
        self,
        shape: &Shape<'_>,
        query: *mut nxt_lvlhsh_query_t,
    ) -> Option<Entry> {
        // SAFETY: the promise is the same.
        unsafe { self.locate(shape, query, &mut Untraced) }.map(|(_, _, _, entry)| entry)
    }

    /// Adds the query's value; `None` if there is no memory for it or the value is NULL. A failed
    /// insertion leaves every entry where it can be found.
    ///
    /// # Safety
    /// The trie is of this shape; the query is valid and its callbacks belong to this trie.
    pub(super) unsafe fn insert(
        self,
        shape: &Shape<'_>,
        query: *mut nxt_lvlhsh_query_t,
    ) -> Option<Inserted> {
        // SAFETY: by the caller's promise; each bucket reached is alive.
        unsafe {
            let (hash, value) = ((*query).key_hash, NonNull::new((*query).value)?);
            if let Some((_, bucket, index, old)) = self.locate(shape, query, &mut Untraced) {
                if (*query).replace != 0 {
                    bucket.set_value(index, value.as_ptr());
                }
                return Some(Inserted::Equal(old));
            }
            loop {
                let (place, depth) = self.descend(shape, hash, &mut Untraced);
                let Kind::Bucket(head) = kind(place.read()) else {
                    let bucket = Bucket::new(shape)?;
                    bucket.put(0, hash, value.as_ptr());
                    place.write(bucket.node());
                    return Some(Inserted::Added);
                };
                let mut chain = Some(head);
                while let Some(bucket) = chain {
                    if let Some(free) = bucket.first(shape, false) {
                        bucket.put(free, hash, value.as_ptr());
                        return Some(Inserted::Added);
                    }
                    chain = bucket.next(shape);
                }
                match depth.bits(shape) {
                    // The entries go one level down; then there may be room.
                    Some(bits) => split(shape, place, head, depth, bits)?,
                    None => {
                        let bucket = Bucket::new(shape)?;
                        bucket.put(0, hash, value.as_ptr());
                        bucket.link(shape).write_unaligned(head.0.cast());
                        place.write(bucket.node());
                        return Some(Inserted::Added);
                    }
                }
            }
        }
    }

    /// Removes the entry that the query looks for.
    ///
    /// # Safety
    /// The trie is of this shape; the query is valid and its callbacks belong to this trie.
    pub(super) unsafe fn delete(
        self,
        shape: &Shape<'_>,
        query: *mut nxt_lvlhsh_query_t,
    ) -> Option<Entry> {
        let mut path = Path::none();
        // SAFETY: by the caller's promise.
        unsafe {
            let (place, bucket, index, entry) = self.locate(shape, query, &mut path)?;
            remove(shape, place, bucket, index, &path);
            Some(entry)
        }
    }

    /// Some entry.
    ///
    /// # Safety
    /// The trie is of this shape.
    pub(super) unsafe fn peek(self, shape: &Shape<'_>) -> Option<Entry> {
        // SAFETY: by the caller's promise all nodes are alive.
        unsafe {
            let bucket = seek(shape, self.0.read(), Depth::TOP, &mut 0)?;
            bucket.value(bucket.first(shape, true)?)
        }
    }

    /// The entry after the one that the cursor stands at, or the first; `None` after the last.
    ///
    /// # Safety
    /// The trie is of this shape and was not changed since the cursor was cleared.
    pub(super) unsafe fn next(
        self,
        shape: &Shape<'_>,
        cursor: &mut nxt_lvlhsh_each_t,
    ) -> Option<Entry> {
        if cursor.bucket.addr() == WALK_DONE {
            return None;
        }
        // SAFETY: by the caller's promise all nodes are alive, and so is the cursor's bucket.
        unsafe {
            if cursor.bucket.is_null() {
                cursor.current = 0;
            }
            loop {
                let mut bucket = NonNull::new(cursor.bucket).map(|words| Bucket(words.as_ptr()));
                while let Some(here) = bucket {
                    for index in cursor.entry as usize..shape.capacity {
                        if let Some(entry) = here.value(index) {
                            cursor.bucket = here.0;
                            // Within the capacity of a bucket.
                            cursor.entry = index as u32 + 1;
                            return Some(entry);
                        }
                    }
                    cursor.entry = 0;
                    bucket = here.next(shape);
                }
                let more = cursor.bucket.is_null() || self.step(shape, &mut cursor.current);
                let found = more
                    .then(|| seek(shape, self.0.read(), Depth::TOP, &mut cursor.current))
                    .flatten();
                let Some(found) = found else {
                    cursor.bucket = std::ptr::without_provenance_mut(WALK_DONE);
                    return None;
                };
                cursor.bucket = found.0;
                cursor.entry = 0;
            }
        }
    }

    /// Moves a walk on from the bucket it stands at; `false` after the last place.
    ///
    /// # Safety
    /// The trie is of this shape.
    unsafe fn step(self, shape: &Shape<'_>, current: &mut u32) -> bool {
        let mut path = Path::none();
        // SAFETY: by the caller's promise.
        unsafe { self.descend(shape, *current, &mut path) };
        let steps = &path.steps[..path.length];
        let mut used: u32 = steps.iter().map(|(_, bits)| bits).sum();
        for (_, bits) in steps.iter().rev() {
            used -= bits;
            let mask = ((1u64 << bits) - 1) << used;
            let index = (u64::from(*current) & mask) + (1 << used);
            *current &= !(mask as u32);
            if index & mask != 0 {
                *current |= index as u32;
                return true;
            }
        }
        false
    }

    /// Removes some entry.
    ///
    /// # Safety
    /// The trie is of this shape and its callbacks belong to it.
    pub(super) unsafe fn retrieve(self, shape: &Shape<'_>) -> Option<Entry> {
        let (mut place, mut depth, mut path) = (self.0, Depth::TOP, Path::none());
        // SAFETY: by the caller's promise all nodes are alive, and a level at a depth has as many
        // nodes as its bits say.
        unsafe {
            loop {
                match kind(place.read()) {
                    Kind::Empty => return None,
                    Kind::Level(level) => {
                        let bits = depth.bits(shape)?;
                        path.push(place, bits);
                        place = (0..1usize << bits)
                            .map(|index| level.add(index))
                            .find(|node| !node.read().is_null())?;
                        depth = depth.step(0, bits).1;
                    }
                    Kind::Bucket(bucket) => {
                        let index = bucket.first(shape, true)?;
                        let entry = bucket.value(index)?;
                        remove(shape, place, bucket, index, &path);
                        return Some(entry);
                    }
                }
            }
        }
    }
}

/// The first bucket at or after the place that `current` names, level by level from the lowest bits
/// up; `current` is moved there.
///
/// # Safety
/// The node is alive and of this shape at this depth.
unsafe fn seek(shape: &Shape<'_>, node: Node, depth: Depth, current: &mut u32) -> Option<Bucket> {
    let level = match kind(node) {
        Kind::Empty => return None,
        Kind::Bucket(bucket) => return Some(bucket),
        Kind::Level(level) => level,
    };
    let bits = depth.bits(shape)?;
    let (first, below) = depth.step(*current, bits);
    for index in first..1 << bits {
        // SAFETY: a level has 2^bits nodes, which are alive.
        let found = unsafe { seek(shape, level.add(index).read(), below, current) };
        if found.is_some() {
            return found;
        }
        // On to the next node, at the first place below it.
        let kept = *current & !(u32::MAX.checked_shl(depth.used_bits).unwrap_or(0));
        let next = (index as u64 + 1) << depth.used_bits;
        *current = kept | next as u32;
    }
    None
}

/// Empties one place of `bucket`, which `place` names, and frees what has no entries any more.
///
/// # Safety
/// All of it is alive and of this shape; `path` leads to `place`.
unsafe fn remove(shape: &Shape<'_>, place: *mut Node, bucket: Bucket, index: usize, path: &Path) {
    // SAFETY: by the caller's promise.
    unsafe {
        bucket.set_value(index, std::ptr::null_mut());
        if bucket.first(shape, true).is_some() {
            return;
        }
        let next = bucket.next(shape);
        let head = kind(place.read_unaligned());
        // A link inside a chain is a plain address, the head of a chain a node.
        let name = match (next, head) {
            (None, _) => std::ptr::null_mut(),
            (Some(next), Kind::Bucket(_)) => next.node(),
            (Some(next), _) => next.0.cast(),
        };
        place.write_unaligned(name);
        shape.free(bucket.0.cast());
        if name.is_null() {
            path.prune(shape);
        }
    }
}

/// Puts a level in the place of the full bucket `old`, and its entries into buckets below. `None`
/// if there is no memory; then all is as it was.
///
/// # Safety
/// `place` names `old`, a single bucket at this depth; both are alive and of this shape.
unsafe fn split(
    shape: &Shape<'_>,
    place: *mut Node,
    old: Bucket,
    depth: Depth,
    bits: u32,
) -> Option<()> {
    let size = size_of::<Node>().checked_shl(bits)?;
    // SAFETY: by the caller's promise; a bucket below cannot overflow, as it gets at most the
    // entries of one.
    unsafe {
        let level = shape.allocate(size)?.cast::<Node>().as_ptr();
        for index in 0..shape.capacity {
            let Some(entry) = old.value(index) else {
                continue;
            };
            let hash = old.hash(index);
            let below = level.add(depth.step(hash, bits).0);
            let bucket = match kind(below.read()) {
                Kind::Bucket(bucket) => bucket,
                _ => match Bucket::new(shape) {
                    Some(bucket) => {
                        below.write(bucket.node());
                        bucket
                    }
                    None => {
                        discard(shape, level, bits);
                        return None;
                    }
                },
            };
            let free = bucket.first(shape, false)?;
            bucket.put(free, hash, entry.as_ptr());
        }
        place.write(level.cast());
        shape.free(old.0.cast());
    }
    Some(())
}

/// Frees a level that was never in the trie, with its buckets.
///
/// # Safety
/// The level has 2^bits nodes, each empty or a single bucket.
unsafe fn discard(shape: &Shape<'_>, level: *mut Node, bits: u32) {
    // SAFETY: by the caller's promise.
    unsafe {
        for index in 0..1usize << bits {
            if let Kind::Bucket(bucket) = kind(level.add(index).read()) {
                shape.free(bucket.0.cast());
            }
        }
        shape.free(level.cast());
    }
}

#[cfg(test)]
mod tests;
