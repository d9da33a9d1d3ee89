//! The red-black tree itself.
//!
//! It stands beside its shims because every step of it is a step through the caller's memory. The
//! memory pool keeps its blocks in one, too.
//!
//! The sentinel is every missing child and the parent of the root, which is its left child; so the
//! root needs no case of its own. Nobody may rely on the sentinel's `parent`: removals use it.

use std::cmp::Ordering;
use std::ptr;

use crate::abi::rbtree::{nxt_rbtree_compare_t, nxt_rbtree_node_t, nxt_rbtree_t};

type Node = *mut nxt_rbtree_node_t;

const BLACK: u8 = 0;
const RED: u8 = 1;

/// Makes a tree empty.
///
/// # Safety
/// `tree` is writable.
pub(crate) unsafe fn init(tree: *mut nxt_rbtree_t, compare: nxt_rbtree_compare_t) {
    // SAFETY: by the caller's promise; the fields are written one by one, through their addresses,
    // because the place may hold nothing yet.
    unsafe {
        let sentinel = &raw mut (*tree).sentinel;
        sentinel.write(nxt_rbtree_node_t {
            left: sentinel,
            right: compare.map_or(ptr::null_mut(), |compare| {
                (compare as *const ()).cast_mut().cast()
            }),
            parent: sentinel,
            color: BLACK,
        });
    }
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    Equal,
    LessOrEqual,
    GreaterOrEqual,
}

/// One of the two children of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }
}

/// The place of a child.
///
/// # Safety
/// The node is alive.
unsafe fn child(node: Node, side: Side) -> *mut Node {
    // SAFETY: by the caller's promise.
    unsafe {
        match side {
            Side::Left => &raw mut (*node).left,
            Side::Right => &raw mut (*node).right,
        }
    }
}

/// Has the children of a node loaded while its comparison runs: one of the two is looked at next.
///
/// # Safety
/// The node is alive.
#[inline]
unsafe fn prefetch_children(node: Node) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: by the caller's promise; a prefetch does not read its address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>((*node).left.cast());
        _mm_prefetch::<_MM_HINT_T0>((*node).right.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = node;
}

/// Keeps the compiler from making one computation out of the two arms of a condition. Most comparisons
/// branch themselves, so that the processor, having foreseen that branch, foresees one here as well and
/// goes down ahead of the comparison's answer, for which a computation would wait.
#[inline]
fn branch() {
    #[cfg(not(miri))]
    // SAFETY: it is no instruction at all.
    unsafe {
        std::arch::asm!("", options(nomem, nostack, preserves_flags))
    };
}

/// A tree, by its sentinel.
#[derive(Clone, Copy)]
pub(crate) struct Tree {
    sentinel: Node,
    compare: unsafe extern "C" fn(Node, Node) -> isize,
}

impl Tree {
    /// `None` for NULL, and for a tree without a comparison.
    ///
    /// # Safety
    /// `tree` is NULL or was initialised and only changed by these functions; its nodes are alive and
    /// what its comparison takes. That holds as long as the result is used.
    pub(crate) unsafe fn new(tree: *mut nxt_rbtree_t) -> Option<Tree> {
        if tree.is_null() {
            return None;
        }
        // SAFETY: not NULL, so initialised; then `right` is NULL or the comparison that `init` has
        // put there, and an optional function pointer has the size of an address with NULL for
        // none.
        unsafe {
            let sentinel = &raw mut (*tree).sentinel;
            let compare = std::mem::transmute::<Node, nxt_rbtree_compare_t>((*sentinel).right)?;
            Some(Tree { sentinel, compare })
        }
    }

    /// Which child of its parent a node is. The root is a left child.
    ///
    /// # Safety
    /// The node is in the tree.
    unsafe fn side(node: Node) -> Side {
        // SAFETY: by the caller's promise its parent is alive.
        if unsafe { (*(*node).parent).left } == node {
            Side::Left
        } else {
            Side::Right
        }
    }

    /// Lifts the child on the other side into the place of `node`, and `node` down to `side`.
    ///
    /// # Safety
    /// The node is in the tree and has that child.
    unsafe fn rotate(self, node: Node, side: Side) {
        // SAFETY: by the caller's promise all nodes that are touched are alive.
        unsafe {
            let risen = child(node, side.other()).read();
            let moved = child(risen, side).read();
            child(node, side.other()).write(moved);
            // Also of the sentinel: after a rotation nobody asks where a missing child stands.
            (*moved).parent = node;
            self.replace(node, risen);
            child(risen, side).write(node);
            (*node).parent = risen;
        }
    }

    /// Puts `other` into the place of `node` at its parent.
    ///
    /// # Safety
    /// `node` is in the tree; `other` is alive.
    unsafe fn replace(self, node: Node, other: Node) {
        // SAFETY: by the caller's promise.
        unsafe {
            let parent = (*node).parent;
            child(parent, Tree::side(node)).write(other);
            (*other).parent = parent;
        }
    }

    /// # Safety
    /// `node` is alive, in no tree, and of the kind that the comparison takes.
    pub(crate) unsafe fn insert(self, node: Node) {
        // SAFETY: by the promises here and of `new`.
        unsafe {
            let mut parent = self.sentinel;
            let mut place = &raw mut (*parent).left;
            loop {
                let next = place.read();
                if next == self.sentinel {
                    break;
                }
                parent = next;
                prefetch_children(parent);
                if (self.compare)(node, parent) < 0 {
                    place = &raw mut (*parent).left;
                } else {
                    branch();
                    place = &raw mut (*parent).right;
                }
            }
            (*node).left = self.sentinel;
            (*node).right = self.sentinel;
            (*node).parent = parent;
            (*node).color = RED;
            place.write(node);
            self.balance_insertion(node);
        }
    }

    /// Ends a red node below a red parent, the only fault that an insertion makes.
    ///
    /// # Safety
    /// The node is red and in the tree.
    unsafe fn balance_insertion(self, mut node: Node) {
        // SAFETY: a red parent is not the root, so that there is a grandparent; the sentinel's
        // colour is black.
        unsafe {
            while (*(*node).parent).color == RED {
                let mut parent = (*node).parent;
                let grandparent = (*parent).parent;
                let side = Tree::side(parent);
                let uncle = child(grandparent, side.other()).read();
                if (*uncle).color == RED {
                    (*parent).color = BLACK;
                    (*uncle).color = BLACK;
                    (*grandparent).color = RED;
                    node = grandparent;
                    continue;
                }
                if Tree::side(node) != side {
                    self.rotate(parent, side);
                    parent = node;
                }
                (*parent).color = BLACK;
                (*grandparent).color = RED;
                self.rotate(grandparent, side.other());
                break;
            }
            (*(*self.sentinel).left).color = BLACK;
        }
    }

    /// # Safety
    /// `node` is of the kind that the comparison takes.
    pub(crate) unsafe fn find(self, node: Node, wanted: Match) -> Node {
        let mut best = ptr::null_mut();
        // SAFETY: by the promise of `new` all nodes are alive.
        unsafe {
            let mut next = (*self.sentinel).left;
            while next != self.sentinel {
                prefetch_children(next);
                let order = (self.compare)(node, next);
                if order == 0 {
                    return next;
                }
                if order < 0 {
                    if wanted == Match::GreaterOrEqual {
                        best = next;
                    }
                    next = (*next).left;
                } else {
                    branch();
                    if wanted == Match::LessOrEqual {
                        best = next;
                    }
                    next = (*next).right;
                }
            }
        }
        best
    }

    /// The node that `order` says `Equal` of, or NULL. It answers where what is looked for stands
    /// relative to a node, as the comparison of the tree would.
    ///
    /// # Safety
    /// None beyond that of `new`.
    #[inline]
    pub(crate) unsafe fn search(self, order: impl Fn(Node) -> Ordering) -> Node {
        // SAFETY: by the promise of `new` all nodes are alive.
        unsafe {
            let mut next = (*self.sentinel).left;
            while next != self.sentinel {
                next = match order(next) {
                    Ordering::Less => (*next).left,
                    Ordering::Equal => return next,
                    Ordering::Greater => {
                        branch();
                        (*next).right
                    }
                };
            }
            ptr::null_mut()
        }
    }

    /// # Safety
    /// `node` is in the tree.
    pub(crate) unsafe fn delete(self, node: Node) {
        // SAFETY: by the promises here and of `new`. The sentinel's parent may be written: it says
        // where the missing child stands that the balance starts from.
        unsafe {
            let (color, orphan);
            if (*node).left == self.sentinel || (*node).right == self.sentinel {
                color = (*node).color;
                orphan = if (*node).left == self.sentinel {
                    (*node).right
                } else {
                    (*node).left
                };
                self.replace(node, orphan);
            } else {
                // The next greater node, which has no left child, takes the place.
                let mut heir = (*node).right;
                if (*heir).left == self.sentinel {
                    orphan = (*heir).right;
                    (*orphan).parent = heir;
                } else {
                    while (*heir).left != self.sentinel {
                        heir = (*heir).left;
                    }
                    let parent = (*heir).parent;
                    orphan = (*heir).right;
                    (*parent).left = orphan;
                    (*orphan).parent = parent;
                    (*heir).right = (*node).right;
                    (*(*heir).right).parent = heir;
                }
                color = (*heir).color;
                self.replace(node, heir);
                (*heir).left = (*node).left;
                (*(*heir).left).parent = heir;
                (*heir).color = (*node).color;
            }
            if color == BLACK {
                self.balance_deletion(orphan);
            }
            if cfg!(feature = "debug") {
                // A node that is used after its removal is found out.
                (*node).left = ptr::null_mut();
                (*node).right = ptr::null_mut();
                (*node).parent = ptr::null_mut();
            }
        }
    }

    /// Gives back the black node that is missing on the way to `node`.
    ///
    /// # Safety
    /// `node` is in the tree, or the sentinel with its parent set.
    unsafe fn balance_deletion(self, mut node: Node) {
        // SAFETY: a node with one black too few has a sibling that is not the sentinel.
        unsafe {
            while node != (*self.sentinel).left && (*node).color == BLACK {
                let parent = (*node).parent;
                let side = Tree::side(node);
                let mut sibling = child(parent, side.other()).read();
                if (*sibling).color == RED {
                    (*sibling).color = BLACK;
                    (*parent).color = RED;
                    self.rotate(parent, side);
                    sibling = child(parent, side.other()).read();
                }
                let near = child(sibling, side).read();
                let far = child(sibling, side.other()).read();
                if (*near).color == BLACK && (*far).color == BLACK {
                    (*sibling).color = RED;
                    node = parent;
                    continue;
                }
                if (*far).color == BLACK {
                    (*near).color = BLACK;
                    (*sibling).color = RED;
                    self.rotate(sibling, side.other());
                    sibling = near;
                }
                (*sibling).color = (*parent).color;
                (*parent).color = BLACK;
                (*child(sibling, side.other()).read()).color = BLACK;
                self.rotate(parent, side);
                node = (*self.sentinel).left;
            }
            (*node).color = BLACK;
        }
    }

    /// The least node at or below `next`, taken out without balance; `next` is moved on.
    ///
    /// # Safety
    /// `next` is in the tree, or the sentinel.
    pub(crate) unsafe fn destroy_next(self, next: &mut Node) -> Node {
        // SAFETY: by the promises here and of `new`.
        unsafe {
            if *next == self.sentinel {
                return ptr::null_mut();
            }
            let mut node = *next;
            while (*node).left != self.sentinel {
                node = (*node).left;
            }
            let (parent, heir) = ((*node).parent, (*node).right);
            // Also where `node` is its parent's right child: what is left of it was taken before.
            child(parent, Tree::side(node)).write(heir);
            (*heir).parent = parent;
            *next = if heir == self.sentinel { parent } else { heir };
            node
        }
    }

    /// The root, or the sentinel.
    ///
    /// # Safety
    /// None beyond that of `new`.
    pub(crate) unsafe fn root(self) -> Node {
        // SAFETY: by the promise of `new`.
        unsafe { (*self.sentinel).left }
    }

    /// Whether `node` is the sentinel.
    pub(crate) fn is_end(self, node: Node) -> bool {
        node == self.sentinel
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
