//! The descriptors of what a pool has from the heap: blocks, and the pages of clusters.

use std::cmp::Ordering;

use libc::c_void;

use super::sizes::{ALIGNMENT, Sizes};
use crate::abi::rbtree::{nxt_rbtree_node_t, nxt_rbtree_part_t};
use crate::capi::rbtree::tree::Tree;

/// What a page is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Use {
    Free,
    /// One allocation.
    Whole,
    /// Allocations that are not freed one by one.
    Shared,
    /// Chunks of the class in `Page::class`.
    Chunks,
}

/// A page of a cluster. Free pages, and pages with free chunks of one class, are in a ring.
#[repr(C)]
pub(super) struct Page {
    pub(super) prev: *mut Page,
    pub(super) next: *mut Page,
    /// Bit set: the chunk is free.
    pub(super) free: u32,
    pub(super) number: u16,
    pub(super) r#use: Use,
    pub(super) class: u8,
}

/// The head of a ring of pages; only its links count.
///
/// # Safety
/// `head` is writable.
pub(super) unsafe fn init_ring(head: *mut Page) {
    // SAFETY: by the caller's promise.
    unsafe {
        (*head).prev = head;
        (*head).next = head;
    }
}

/// # Safety
/// The page is in no ring; the head is of a ring.
pub(super) unsafe fn link(head: *mut Page, page: *mut Page) {
    // SAFETY: by the caller's promise all pages of the ring are alive.
    unsafe {
        (*page).prev = head;
        (*page).next = (*head).next;
        (*(*page).next).prev = page;
        (*head).next = page;
    }
}

/// # Safety
/// The page is in a ring.
pub(super) unsafe fn unlink(page: *mut Page) {
    // SAFETY: by the caller's promise all pages of the ring are alive.
    unsafe {
        (*(*page).prev).next = (*page).next;
        (*(*page).next).prev = (*page).prev;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Cluster,
    /// The descriptor is an allocation of its own.
    Separate,
    /// The descriptor stands at the start of the allocation.
    Joined,
}

/// A stretch of memory from the heap; of a cluster, the descriptors of its pages follow.
#[repr(C)]
pub(super) struct Block {
    pub(super) node: nxt_rbtree_part_t,
    pub(super) color: u8,
    pub(super) kind: Kind,
    pub(super) freeable: bool,
    pub(super) used_pages: u16,
    /// What the heap has answered, unless the descriptor is that. Leak checkers look for this address.
    pub(super) memory: *mut c_void,
    /// Where the memory handed out begins.
    pub(super) start: *mut u8,
    pub(super) size: usize,
}

/// What stands before a large block; a whole number of alignments.
pub(super) const JOINED: usize = size_of::<Block>().next_multiple_of(ALIGNMENT);

impl Block {
    /// Bytes of the descriptor of a cluster, with those of its pages.
    pub(super) fn cluster_size(sizes: &Sizes) -> usize {
        size_of::<Block>() + sizes.pages() * size_of::<Page>()
    }

    /// # Safety
    /// The block is a cluster with more than `index` pages.
    pub(super) unsafe fn page(block: *mut Block, index: usize) -> *mut Page {
        // SAFETY: the descriptors follow the block.
        unsafe { block.add(1).cast::<Page>().add(index) }
    }

    /// The cluster of a page.
    ///
    /// # Safety
    /// The page is of a cluster.
    pub(super) unsafe fn of(page: *mut Page) -> *mut Block {
        // SAFETY: the descriptor of page 0 stands right after the block.
        unsafe { page.sub(usize::from((*page).number)).cast::<Block>().sub(1) }
    }

    /// The block of a tree that an address lies in, or NULL.
    ///
    /// # Safety
    /// The nodes of the tree are blocks that are alive.
    pub(super) unsafe fn find(blocks: Tree, address: usize) -> *mut Block {
        // SAFETY: by the caller's promise; the node is the first member of a block.
        let found = unsafe {
            blocks.search(|node| {
                let block = node.cast::<Block>();
                let start = (*block).start.addr();
                if address < start {
                    Ordering::Less
                } else if address - start < (*block).size.max(1) {
                    Ordering::Equal
                } else {
                    Ordering::Greater
                }
            })
        };
        found.cast()
    }
}

/// The order of the blocks of a pool.
///
/// # Safety
/// The nodes are blocks that are alive.
pub(super) unsafe extern "C" fn compare(
    one: *mut nxt_rbtree_node_t,
    two: *mut nxt_rbtree_node_t,
) -> isize {
    // SAFETY: the nodes of this tree are the first members of blocks.
    let (one, two) = unsafe { ((*one.cast::<Block>()).start, (*two.cast::<Block>()).start) };
    one.cmp(&two) as isize
}

const _: () = {
    // The tree's node is the start of a block, with the colour right after the links.
    assert!(std::mem::offset_of!(Block, node) == 0);
    assert!(std::mem::offset_of!(Block, color) == std::mem::offset_of!(nxt_rbtree_node_t, color));
    assert!(align_of::<Page>() <= align_of::<Block>());
};
