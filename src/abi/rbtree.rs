//! The red-black tree of `nxt_rbtree.h`, whose nodes lie inside the objects they order.
//!
//! The sentinel is in the tree: it stands for every missing child, and its `left` is the root. Its
//! `right` holds the comparison, for nothing ever goes right of the sentinel.

/// A node.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_rbtree_node_t {
    /// The lesser ones.
    pub left: *mut nxt_rbtree_node_t,
    /// The greater ones, and those that compare equal.
    pub right: *mut nxt_rbtree_node_t,
    /// The node above.
    pub parent: *mut nxt_rbtree_node_t,
    /// 0 is black, 1 is red.
    pub color: u8,
}

/// A node without its colour, which the object may keep where it has a byte to spare: the byte
/// that follows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_rbtree_part_t {
    /// As in a node.
    pub left: *mut nxt_rbtree_node_t,
    /// As in a node.
    pub right: *mut nxt_rbtree_node_t,
    /// As in a node.
    pub parent: *mut nxt_rbtree_node_t,
}

/// A tree.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct nxt_rbtree_t {
    /// The sentinel.
    pub sentinel: nxt_rbtree_node_t,
}

/// Negative, zero or positive as `node1` is before, equal to or after `node2`.
pub type nxt_rbtree_compare_t = Option<
    unsafe extern "C" fn(node1: *mut nxt_rbtree_node_t, node2: *mut nxt_rbtree_node_t) -> isize,
>;

super::assert_layout!(nxt_rbtree_node_t, size 32, align 8, left @ 0, right @ 8, parent @ 16, color @ 24);
super::assert_layout!(nxt_rbtree_part_t, size 24, align 8, left @ 0, right @ 8, parent @ 16);
super::assert_layout!(nxt_rbtree_t, size 32, align 8, sentinel @ 0);
