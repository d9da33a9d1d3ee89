//! `nxt_rbtree.h`: the red-black tree of C callers.

use std::ptr;

use crate::abi::rbtree::{
    nxt_rbtree_compare_t, nxt_rbtree_node_t, nxt_rbtree_part_t, nxt_rbtree_t,
};
use crate::capi::guard;

pub(crate) mod tree;

use tree::{Match, Tree};

/// Makes a tree empty; `compare` orders its nodes.
///
/// # Safety
/// `tree` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_rbtree_init(tree: *mut nxt_rbtree_t, compare: nxt_rbtree_compare_t) {
    guard("nxt_rbtree_init", (), || {
        if !tree.is_null() {
            // SAFETY: not NULL, and the caller passes a place of its own.
            unsafe { tree::init(tree, compare) };
        }
    });
}

/// Adds a node, after those that compare equal. The node's colour is the byte after `node`.
///
/// # Safety
/// `tree` is NULL or a tree; `node` is NULL or a node of the kind that the tree's `compare` takes,
/// in no tree, with room for its colour.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_rbtree_insert(tree: *mut nxt_rbtree_t, node: *mut nxt_rbtree_part_t) {
    guard("nxt_rbtree_insert", (), || {
        // SAFETY: the caller's promise is that of `Tree::new` and `insert`.
        unsafe {
            if let Some(tree) = Tree::new(tree)
                && !node.is_null()
            {
                tree.insert(node.cast());
            }
        }
    });
}

/// As the three functions that look for a node.
///
/// # Safety
/// As those functions.
unsafe fn find(
    tree: *mut nxt_rbtree_t,
    node: *mut nxt_rbtree_part_t,
    wanted: Match,
) -> *mut nxt_rbtree_node_t {
    // SAFETY: the caller's promise is that of `Tree::new` and `find`.
    unsafe {
        match Tree::new(tree) {
            Some(tree) if !node.is_null() => tree.find(node.cast(), wanted),
            _ => ptr::null_mut(),
        }
    }
}

/// A node that compares equal to `node`, or NULL.
///
/// # Safety
/// `tree` is NULL or a tree; `node` is NULL or of the kind that the tree's `compare` takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_rbtree_find(
    tree: *mut nxt_rbtree_t,
    node: *mut nxt_rbtree_part_t,
) -> *mut nxt_rbtree_node_t {
    guard("nxt_rbtree_find", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        unsafe { find(tree, node, Match::Equal) }
    })
}

/// The last node that does not come after `node`, or NULL.
///
/// # Safety
/// As [`nxt_rbtree_find`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_rbtree_find_less_or_equal(
    tree: *mut nxt_rbtree_t,
    node: *mut nxt_rbtree_part_t,
) -> *mut nxt_rbtree_node_t {
    guard("nxt_rbtree_find_less_or_equal", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        unsafe { find(tree, node, Match::LessOrEqual) }
    })
}

/// The first node that does not come before `node`, or NULL.
///
/// # Safety
/// As [`nxt_rbtree_find`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_rbtree_find_greater_or_equal(
    tree: *mut nxt_rbtree_t,
    node: *mut nxt_rbtree_part_t,
) -> *mut nxt_rbtree_node_t {
    guard("nxt_rbtree_find_greater_or_equal", ptr::null_mut(), || {
        // SAFETY: the caller's promise is the same.
        unsafe { find(tree, node, Match::GreaterOrEqual) }
    })
}

/// Takes a node out of its tree.
///
/// # Safety
/// `tree` is NULL or a tree; `node` is NULL or a node of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_rbtree_delete(tree: *mut nxt_rbtree_t, node: *mut nxt_rbtree_part_t) {
    guard("nxt_rbtree_delete", (), || {
        // SAFETY: the caller's promise is that of `Tree::new` and `delete`.
        unsafe {
            if let Some(tree) = Tree::new(tree)
                && !node.is_null()
            {
                tree.delete(node.cast());
            }
        }
    });
}

/// Takes the least of the nodes below `next` out of a tree that is given up: the tree is not kept in
/// balance and may only be emptied further. `next`, at first the root, is moved on; it is the
/// sentinel when the tree is empty.
///
/// # Safety
/// `tree` is NULL or a tree; `next` is NULL or names a node of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_rbtree_destroy_next(
    tree: *mut nxt_rbtree_t,
    next: *mut *mut nxt_rbtree_node_t,
) -> *mut nxt_rbtree_node_t {
    guard("nxt_rbtree_destroy_next", ptr::null_mut(), || {
        // SAFETY: the caller's promise is that of `Tree::new` and `destroy_next`.
        unsafe {
            match (Tree::new(tree), next.as_mut()) {
                (Some(tree), Some(next)) => tree.destroy_next(next),
                _ => ptr::null_mut(),
            }
        }
    })
}
