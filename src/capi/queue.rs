//! `nxt_queue.h`: what of the intrusive list is no macro.

use libc::c_void;

use crate::abi::queue::{nxt_queue_compare_t, nxt_queue_link_t, nxt_queue_t};
use crate::capi::guard;

type Link = *mut nxt_queue_link_t;

/// Takes a link out of its list.
///
/// # Safety
/// The link and its neighbours are valid.
pub(crate) unsafe fn remove_link(link: Link) {
    // SAFETY: by the caller's promise.
    unsafe {
        (*(*link).prev).next = (*link).next;
        (*(*link).next).prev = (*link).prev;
        (*link).next = std::ptr::null_mut();
        (*link).prev = std::ptr::null_mut();
    }
}

/// Adds a link at the end of a list.
///
/// # Safety
/// The list is valid, and the link is in none.
pub(crate) unsafe fn append_link(queue: *mut nxt_queue_t, link: Link) {
    // SAFETY: by the caller's promise.
    unsafe {
        let head = &raw mut (*queue).head;
        (*link).prev = (*head).prev;
        (*link).next = head;
        (*(*head).prev).next = link;
        (*head).prev = link;
    }
}

/// Adds a link at the start of a list.
///
/// # Safety
/// As [`append_link`].
pub(crate) unsafe fn prepend_link(queue: *mut nxt_queue_t, link: Link) {
    // SAFETY: by the caller's promise.
    unsafe {
        let head = &raw mut (*queue).head;
        (*link).prev = head;
        (*link).next = (*head).next;
        (*(*head).next).prev = link;
        (*head).next = link;
    }
}

/// The middle link; of an even number the first of the second half. Of an empty list its head.
///
/// # Safety
/// `queue` is NULL or an initialised list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_queue_middle(queue: *mut nxt_queue_t) -> *mut nxt_queue_link_t {
    guard("nxt_queue_middle", std::ptr::null_mut(), || {
        if queue.is_null() {
            return std::ptr::null_mut();
        }
        // SAFETY: not NULL, and by the caller's promise all links are alive.
        unsafe {
            let head: Link = &raw mut (*queue).head;
            // One walks twice as fast as the other; the head ends the walk.
            let (mut middle, mut fast) = ((*head).next, (*head).next);
            while fast != head && (*fast).next != head {
                middle = (*middle).next;
                fast = (*(*fast).next).next;
            }
            middle
        }
    })
}

/// Cuts the first `count` links off a chain that ends with NULL: the rest of it.
///
/// # Safety
/// All links are alive.
unsafe fn cut(mut link: Link, count: usize) -> Link {
    // SAFETY: by the caller's promise.
    unsafe {
        for _ in 1..count {
            if link.is_null() {
                return link;
            }
            link = (*link).next;
        }
        if link.is_null() {
            return link;
        }
        std::mem::replace(&mut (*link).next, std::ptr::null_mut())
    }
}

/// Sorts a list; equal links stay in their order.
///
/// # Safety
/// `queue` is NULL or an initialised list; `cmp` is NULL or takes its links.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_queue_sort(
    queue: *mut nxt_queue_t,
    cmp: nxt_queue_compare_t,
    data: *const c_void,
) {
    guard("nxt_queue_sort", (), || {
        let Some(cmp) = cmp.filter(|_| !queue.is_null()) else {
            return;
        };
        // A merge sort from below: runs of one link, of two, of four. In between only `next` holds.
        // SAFETY: not NULL, and by the caller's promise all links are alive.
        unsafe {
            let head: Link = &raw mut (*queue).head;
            if (*head).next == head {
                return;
            }
            (*(*head).prev).next = std::ptr::null_mut();
            let mut width = 1usize;
            loop {
                let mut rest = (*head).next;
                let mut tail = head;
                let mut merges = 0;
                while !rest.is_null() {
                    merges += 1;
                    let mut one = rest;
                    let mut two = cut(one, width);
                    rest = cut(two, width);
                    while !(one.is_null() && two.is_null()) {
                        let second = one.is_null() || (!two.is_null() && cmp(data, one, two) > 0);
                        let from = if second { &mut two } else { &mut one };
                        (*tail).next = *from;
                        tail = *from;
                        *from = (*tail).next;
                    }
                }
                (*tail).next = std::ptr::null_mut();
                if merges <= 1 {
                    break;
                }
                width *= 2;
            }
            // The links back, and the ring.
            let mut link = head;
            while !(*link).next.is_null() {
                (*(*link).next).prev = link;
                link = (*link).next;
            }
            (*link).next = head;
            (*head).prev = link;
        }
    });
}
