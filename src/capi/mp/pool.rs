//! The memory pool itself.
//!
//! Memory comes from the C library's heap in *clusters*, which are cut into pages, and, for what is
//! larger than a page, in *large blocks*. A page holds chunks of one size (a power of two), or one
//! allocation, or many small ones that are never freed one by one. Both kinds of block are in one
//! tree by address, so that a pointer alone tells what is to be freed.
//!
//! All bookkeeping lies outside of the memory handed out, but for large blocks that need no
//! special alignment: their descriptor stands before them.

use std::ptr;

use libc::c_void;

use super::block::{Block, JOINED, Kind, Page, Use, compare, init_ring, link, unlink};
use super::sizes::{ALIGNMENT, Sizes};
use crate::abi::rbtree::nxt_rbtree_t;
use crate::abi::task::nxt_work_t;
use crate::capi::malloc;
use crate::capi::rbtree::tree::{self, Tree};

/// Chunk sizes of a page: 2^5 chunks to 2.
const CLASSES: usize = 5;

/// Why a pointer cannot be freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FreeError {
    #[error("is out of pool")]
    Unknown,
    #[error("points to non-freeable memory")]
    NotFreeable,
    #[error("points to already free memory")]
    AlreadyFree,
    #[error("does not point to the start of an allocation")]
    NotAStart,
}

/// A pool. It lies in the C library's heap, and only its address is handed out.
pub(super) struct Pool {
    sizes: Sizes,
    retain: u32,
    blocks: nxt_rbtree_t,
    free_pages: Page,
    /// Pages with free chunks, by class.
    chunk_pages: [Page; CLASSES],
    /// What is left of the shared page in use.
    shared: *mut u8,
    shared_left: usize,
    cleanup: *mut nxt_work_t,
    /// The place behind the pool for the descriptor of a cluster, or NULL if that is in use.
    spare: *mut Block,
}

impl Pool {
    /// A pool with one owner; NULL when there is no memory.
    pub(super) fn create(sizes: Sizes) -> *mut Pool {
        let pool =
            malloc::nxt_malloc(size_of::<Pool>() + Block::cluster_size(&sizes)).cast::<Pool>();
        if pool.is_null() {
            return pool;
        }
        // SAFETY: not NULL, so ours; each field is written, but for those of the heads of rings that
        // do not count.
        unsafe {
            (&raw mut (*pool).sizes).write(sizes);
            (&raw mut (*pool).retain).write(1);
            (&raw mut (*pool).shared).write(ptr::null_mut());
            (&raw mut (*pool).shared_left).write(0);
            (&raw mut (*pool).cleanup).write(ptr::null_mut());
            (&raw mut (*pool).spare).write(Pool::own_block(pool));
            tree::init(&raw mut (*pool).blocks, Some(compare));
            init_ring(&raw mut (*pool).free_pages);
            for class in 0..CLASSES {
                init_ring(&raw mut (*pool).chunk_pages[class]);
            }
        }
        pool
    }

    /// The place for the descriptor of a cluster that comes with every pool, which saves an allocation:
    /// most pools have one cluster.
    ///
    /// # Safety
    /// The pool is alive.
    unsafe fn own_block(pool: *mut Pool) -> *mut Block {
        // SAFETY: `create` has allocated it behind the pool.
        unsafe { pool.add(1).cast() }
    }

    /// Frees a block, which is out of the tree.
    ///
    /// # Safety
    /// The pool is alive, the block one of its, which nobody uses afterwards.
    unsafe fn free_block(pool: *mut Pool, block: *mut Block) {
        // SAFETY: by the caller's promise.
        unsafe {
            if (*block).kind != Kind::Joined {
                libc::free((*block).memory);
            }
            Pool::free_descriptor(pool, block);
        }
    }

    /// # Safety
    /// As [`free_block`](Self::free_block), of which nothing is left but the descriptor.
    unsafe fn free_descriptor(pool: *mut Pool, block: *mut Block) {
        // SAFETY: by the caller's promise.
        unsafe {
            if block == Pool::own_block(pool) {
                (*pool).spare = block;
            } else {
                libc::free(block.cast());
            }
        }
    }

    /// # Safety
    /// The pool is alive.
    unsafe fn blocks(pool: *mut Pool) -> Option<Tree> {
        // SAFETY: initialised when the pool was made.
        unsafe { Tree::new(&raw mut (*pool).blocks) }
    }

    /// # Safety
    /// The pool is alive.
    pub(super) unsafe fn retain(pool: *mut Pool) {
        // SAFETY: by the caller's promise.
        unsafe { (*pool).retain = (*pool).retain.saturating_add(1) };
    }

    /// Gives an owner up; the last one destroys the pool.
    ///
    /// # Safety
    /// As [`destroy`](Self::destroy) for the last owner.
    pub(super) unsafe fn release(pool: *mut Pool) {
        // SAFETY: by the caller's promise.
        unsafe {
            (*pool).retain = (*pool).retain.saturating_sub(1);
            if (*pool).retain == 0 {
                Pool::destroy(pool);
            }
        }
    }

    /// Runs the cleanups, the last one first, and frees everything.
    ///
    /// # Safety
    /// The pool is alive; nobody uses it or its memory afterwards, and what was registered as a
    /// cleanup may still be called.
    pub(super) unsafe fn destroy(pool: *mut Pool) {
        // SAFETY: by the caller's promise. A cleanup may use the pool, also to add another one.
        unsafe {
            while let Some(work) = (*pool).cleanup.as_ref() {
                let work = *work;
                (*pool).cleanup = work.next;
                if let Some(handler) = work.handler {
                    handler(work.task, work.obj, work.data);
                }
            }
            if let Some(blocks) = Pool::blocks(pool) {
                let mut next = blocks.root();
                while !blocks.is_end(next) {
                    let block = blocks.destroy_next(&mut next).cast::<Block>();
                    Pool::free_block(pool, block);
                }
            }
            libc::free(pool.cast());
        }
    }

    /// Whether all that was allocated is free again.
    ///
    /// # Safety
    /// The pool is alive.
    pub(super) unsafe fn is_empty(pool: *mut Pool) -> bool {
        // SAFETY: by the caller's promise.
        unsafe { Pool::blocks(pool).is_some_and(|blocks| blocks.is_end(blocks.root())) }
    }

    /// Freeable memory; NULL when there is none.
    ///
    /// # Safety
    /// The pool is alive.
    pub(super) unsafe fn alloc(pool: *mut Pool, size: usize) -> *mut u8 {
        // SAFETY: by the caller's promise.
        unsafe {
            if size > (*pool).sizes.page() {
                return Pool::large(pool, ALIGNMENT, size, true);
            }
            Pool::small(pool, size)
        }
    }

    /// Freeable memory with an alignment, which must be a power of two.
    ///
    /// # Safety
    /// The pool is alive.
    pub(super) unsafe fn align(pool: *mut Pool, alignment: usize, size: usize) -> *mut u8 {
        if !alignment.is_power_of_two() {
            return ptr::null_mut();
        }
        // SAFETY: by the caller's promise.
        unsafe {
            let sizes = &(*pool).sizes;
            let enough = size.max(alignment);
            if enough > sizes.page() || alignment > sizes.page_alignment {
                return Pool::large(pool, alignment, size, true);
            }
            // A chunk is aligned to its size, up to the alignment of pages.
            Pool::small(pool, enough)
        }
    }

    /// Memory that is freed with the pool.
    ///
    /// # Safety
    /// The pool is alive.
    pub(super) unsafe fn get(pool: *mut Pool, alignment: usize, size: usize) -> *mut u8 {
        // SAFETY: by the caller's promise; the shared page is one of this pool's.
        unsafe {
            let page_size = (*pool).sizes.page();
            if size > page_size {
                return Pool::large(pool, ALIGNMENT, size, false);
            }
            let skip = (*pool).shared.align_offset(alignment);
            match skip.checked_add(size) {
                Some(taken) if taken <= (*pool).shared_left && !(*pool).shared.is_null() => {
                    let memory = (*pool).shared.add(skip);
                    (*pool).shared = memory.add(size);
                    (*pool).shared_left -= taken;
                    return memory;
                }
                _ => {}
            }
            let page = Pool::take_page(pool, Use::Shared);
            if page.is_null() {
                return ptr::null_mut();
            }
            let memory = Pool::address(pool, page);
            // The page with more room left is the one to go on with.
            if page_size - size >= (*pool).shared_left {
                (*pool).shared = memory.add(size);
                (*pool).shared_left = page_size - size;
            }
            memory
        }
    }

    /// Registers work for the end of the pool; `false` when there is no memory.
    ///
    /// # Safety
    /// The pool is alive; the work can be done at its end.
    pub(super) unsafe fn cleanup(pool: *mut Pool, work: nxt_work_t) -> bool {
        // SAFETY: by the caller's promise; the memory has the size and alignment of a work.
        unsafe {
            let place = Pool::get(pool, align_of::<nxt_work_t>(), size_of::<nxt_work_t>())
                .cast::<nxt_work_t>();
            if place.is_null() {
                return false;
            }
            place.write(nxt_work_t {
                next: (*pool).cleanup,
                ..work
            });
            (*pool).cleanup = place;
            true
        }
    }

    /// # Safety
    /// The pool is alive, the page one of its.
    unsafe fn address(pool: *mut Pool, page: *mut Page) -> *mut u8 {
        // SAFETY: by the caller's promise the page lies in its cluster.
        unsafe {
            (*Block::of(page))
                .start
                .add((*pool).sizes.page_offset((*page).number))
        }
    }

    /// A chunk or a page.
    ///
    /// # Safety
    /// The pool is alive, `size` at most that of a page.
    unsafe fn small(pool: *mut Pool, size: usize) -> *mut u8 {
        // SAFETY: by the caller's promise; rings of chunk pages hold pages with a free chunk.
        unsafe {
            let sizes = &(*pool).sizes;
            if size > sizes.page() / 2 {
                let page = Pool::take_page(pool, Use::Whole);
                return if page.is_null() {
                    ptr::null_mut()
                } else {
                    Pool::address(pool, page)
                };
            }
            let class = sizes.class(size);
            let head = &raw mut (*pool).chunk_pages[usize::from(class)];
            let mut page = (*head).next;
            if page == head {
                page = Pool::take_page(pool, Use::Chunks);
                if page.is_null() {
                    return ptr::null_mut();
                }
                (*page).class = class;
                (*page).free = sizes.chunks(class);
                link(head, page);
            }
            let chunk = (*page).free.trailing_zeros();
            (*page).free &= (*page).free - 1;
            if (*page).free == 0 {
                unlink(page);
            }
            Pool::address(pool, page).add((chunk as usize) << sizes.class_shift(class))
        }
    }

    /// A page for a use, out of all rings; NULL when there is no memory.
    ///
    /// # Safety
    /// The pool is alive.
    unsafe fn take_page(pool: *mut Pool, r#use: Use) -> *mut Page {
        // SAFETY: by the caller's promise.
        unsafe {
            let head = &raw mut (*pool).free_pages;
            if (*head).next == head && !Pool::add_cluster(pool) {
                return ptr::null_mut();
            }
            let page = (*head).next;
            unlink(page);
            (*page).r#use = r#use;
            (*Block::of(page)).used_pages += 1;
            page
        }
    }

    /// # Safety
    /// The pool is alive.
    unsafe fn add_cluster(pool: *mut Pool) -> bool {
        // SAFETY: what is allocated is ours; of blocks and pages each field is written here, by the tree
        // or by the ring, but for those of pages that count in use only.
        unsafe {
            let sizes = &(*pool).sizes;
            let Some(blocks) = Pool::blocks(pool) else {
                return false;
            };
            let mut block = std::mem::replace(&mut (*pool).spare, ptr::null_mut());
            if block.is_null() {
                block = malloc::nxt_malloc(Block::cluster_size(sizes)).cast();
            }
            if block.is_null() {
                return false;
            }
            let Some((memory, start)) = cluster_memory(sizes) else {
                Pool::free_descriptor(pool, block);
                return false;
            };
            (&raw mut (*block).kind).write(Kind::Cluster);
            (&raw mut (*block).used_pages).write(0);
            (&raw mut (*block).memory).write(memory);
            (&raw mut (*block).start).write(start);
            (&raw mut (*block).size).write(sizes.cluster);
            blocks.insert(block.cast());
            for number in (0..sizes.pages()).rev() {
                let page = Block::page(block, number);
                (&raw mut (*page).number).write(number as u16);
                (&raw mut (*page).r#use).write(Use::Free);
                link(&raw mut (*pool).free_pages, page);
            }
            true
        }
    }

    /// A block of its own.
    ///
    /// # Safety
    /// The pool is alive.
    unsafe fn large(pool: *mut Pool, alignment: usize, size: usize, freeable: bool) -> *mut u8 {
        // SAFETY: what is allocated is ours and large enough for what is written to it.
        unsafe {
            let Some(blocks) = Pool::blocks(pool) else {
                return ptr::null_mut();
            };
            // Blocks of 4 GiB and more are a mistake somewhere.
            if size >= u32::MAX as usize {
                return ptr::null_mut();
            }
            let (memory, block, start, kind);
            if alignment <= ALIGNMENT && !size.is_power_of_two() {
                memory = malloc::nxt_malloc(JOINED + size);
                if memory.is_null() {
                    return ptr::null_mut();
                }
                block = memory.cast::<Block>();
                start = memory.cast::<u8>().add(JOINED);
                kind = Kind::Joined;
            } else {
                // Sizes that are a power of two fill whole pages of the heap: nothing is added.
                memory = malloc::nxt_memalign(alignment.max(size_of::<*mut c_void>()), size);
                if memory.is_null() {
                    return ptr::null_mut();
                }
                block = malloc::nxt_malloc(size_of::<Block>()).cast::<Block>();
                if block.is_null() {
                    libc::free(memory);
                    return ptr::null_mut();
                }
                start = memory.cast::<u8>();
                kind = Kind::Separate;
            }
            (&raw mut (*block).kind).write(kind);
            (&raw mut (*block).freeable).write(freeable);
            (&raw mut (*block).memory).write(memory);
            (&raw mut (*block).start).write(start);
            (&raw mut (*block).size).write(size);
            blocks.insert(block.cast());
            start
        }
    }

    /// Frees one allocation.
    ///
    /// # Safety
    /// The pool is alive; if `memory` is an allocation of it, nobody uses it afterwards.
    pub(super) unsafe fn free(pool: *mut Pool, memory: *mut u8) -> Result<(), FreeError> {
        // SAFETY: by the caller's promise; only the address of `memory` is looked at before it is
        // known where it lies.
        unsafe {
            let blocks = Pool::blocks(pool).ok_or(FreeError::Unknown)?;
            let block = Block::find(blocks, memory.addr());
            if block.is_null() {
                return Err(FreeError::Unknown);
            }
            let offset = memory.addr() - (*block).start.addr();
            if (*block).kind == Kind::Cluster {
                return Pool::free_in_cluster(pool, blocks, block, offset);
            }
            if offset != 0 {
                return Err(FreeError::NotAStart);
            }
            if !(*block).freeable {
                return Err(FreeError::NotFreeable);
            }
            blocks.delete(block.cast());
            Pool::free_block(pool, block);
            Ok(())
        }
    }

    /// # Safety
    /// The pool is alive, the cluster one of its, `offset` inside.
    unsafe fn free_in_cluster(
        pool: *mut Pool,
        blocks: Tree,
        cluster: *mut Block,
        offset: usize,
    ) -> Result<(), FreeError> {
        // SAFETY: by the caller's promise.
        unsafe {
            let sizes = &(*pool).sizes;
            let (number, offset) = sizes.split(offset);
            let page = Block::page(cluster, number);
            match (*page).r#use {
                Use::Free => return Err(FreeError::AlreadyFree),
                Use::Shared => return Err(FreeError::NotFreeable),
                Use::Whole if offset != 0 => return Err(FreeError::NotAStart),
                Use::Whole => {}
                Use::Chunks => {
                    let shift = sizes.class_shift((*page).class);
                    if !offset.is_multiple_of(1 << shift) {
                        return Err(FreeError::NotAStart);
                    }
                    let bit = 1 << (offset >> shift);
                    if (*page).free & bit != 0 {
                        return Err(FreeError::AlreadyFree);
                    }
                    let was_full = (*page).free == 0;
                    (*page).free |= bit;
                    if (*page).free != sizes.chunks((*page).class) {
                        if was_full {
                            let class = usize::from((*page).class);
                            link(&raw mut (*pool).chunk_pages[class], page);
                        }
                        return Ok(());
                    }
                    if !was_full {
                        unlink(page);
                    }
                }
            }
            (*page).r#use = Use::Free;
            link(&raw mut (*pool).free_pages, page);
            (*cluster).used_pages -= 1;
            if (*cluster).used_pages == 0 {
                for number in 0..sizes.pages() {
                    unlink(Block::page(cluster, number));
                }
                blocks.delete(cluster.cast());
                Pool::free_block(pool, cluster);
            }
            Ok(())
        }
    }
}

/// Memory for a cluster: what the heap has answered, and where the cluster begins in it.
///
/// `posix_memalign` cuts off what stands before and after and frees it, which takes longer than the
/// rest of making a small pool. So where an alignment is small beside the cluster it is left room for.
fn cluster_memory(sizes: &Sizes) -> Option<(*mut c_void, *mut u8)> {
    let alignment = sizes.page_alignment;
    if alignment > sizes.cluster / 8 {
        let memory = malloc::nxt_memalign(alignment, sizes.cluster);
        return (!memory.is_null()).then_some((memory, memory.cast()));
    }
    // malloc aligns to 16 itself.
    let slack = alignment - ALIGNMENT;
    let memory = malloc::nxt_malloc(sizes.cluster + slack);
    if memory.is_null() {
        return None;
    }
    let lead = memory.addr().wrapping_neg() & (alignment - 1);
    // SAFETY: the lead is at most the slack, which was allocated.
    Some((memory, unsafe { memory.cast::<u8>().add(lead) }))
}

const _: () = assert!(align_of::<Block>() <= align_of::<Pool>());
