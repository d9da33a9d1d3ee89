//! Buffers: pieces of request bodies and of responses.

use std::cell::{Cell, RefCell};
use std::ffi::c_char;
use std::mem::MaybeUninit;

use super::Request;
use crate::abi::unit::*;

use crate::ipc::segment::OutgoingRun;
use crate::ipc::{SharedChunk, copy_to};

/// What a buffer's bytes lie in.
pub(super) enum Memory {
    /// Nothing.
    None,
    /// A part of a message that the router sent; goes back to it when dropped.
    Shared(SharedChunk),
    /// Shared memory for a message to the router.
    Run(OutgoingRun),
    /// The heap.
    Heap(Box<[MaybeUninit<u8>]>),
    /// The received message itself; only valid while that is processed.
    Message,
}

impl Memory {
    /// Room on the heap.
    pub(super) fn heap(size: usize) -> Self {
        Memory::Heap(Box::new_uninit_slice(size))
    }
}

/// A buffer. It starts with what C sees.
#[repr(C)]
pub struct Buffer {
    buf: nxt_unit_buf_t,
    next: Cell<*const Buffer>,
    list: Cell<*const BufferList>,
    request: Cell<*const Request>,
    memory: RefCell<Memory>,
}

impl Buffer {
    pub(super) fn create() -> Box<Self> {
        let null = std::ptr::null_mut::<c_char>;
        Box::new(Buffer {
            buf: nxt_unit_buf_t {
                start: null().into(),
                free: null().into(),
                end: null().into(),
            },
            next: Cell::new(std::ptr::null()),
            list: Cell::new(std::ptr::null()),
            request: Cell::new(std::ptr::null()),
            memory: RefCell::new(Memory::None),
        })
    }

    /// The buffer that C names.
    ///
    /// # Safety
    /// The pointer is null or came from this library, and the buffer has not been sent or freed.
    pub unsafe fn from_ptr<'a>(buf: *mut nxt_unit_buf_t) -> Option<&'a Buffer> {
        // SAFETY: the caller's; the structure is the buffer's first field.
        unsafe { buf.cast::<Buffer>().as_ref() }
    }

    /// As C sees it.
    pub fn as_ptr(&self) -> *mut nxt_unit_buf_t {
        (&raw const self.buf).cast_mut()
    }

    pub(super) fn info(&self) -> &nxt_unit_buf_t {
        &self.buf
    }

    /// Bytes between `free` and `end`: room in an outgoing buffer, what is left in an incoming one.
    pub(super) fn rest(&self) -> usize {
        (self.buf.end.get() as usize).saturating_sub(self.buf.free.get() as usize)
    }

    /// Bytes between `start` and `free`.
    pub(super) fn filled(&self) -> usize {
        (self.buf.free.get() as usize).saturating_sub(self.buf.start.get() as usize)
    }

    /// Moves the current position.
    pub(super) fn advance(&self, n: usize) {
        self.buf
            .free
            .set(self.buf.free.get().wrapping_add(n.min(self.rest())));
    }

    /// Copies as much as fits behind what is filled; how much that was.
    pub(super) fn append(&self, bytes: &[u8]) -> usize {
        let n = bytes.len().min(self.rest());
        // SAFETY: `free..end` is writable memory of this buffer, by the contract that C code keeps
        // the pointers inside of it; the source is Rust memory and cannot overlap.
        unsafe { copy_to(self.buf.free.get().cast(), &bytes[..n]) };
        self.advance(n);
        n
    }

    /// Gives it memory; all of that is free (outgoing) or left (incoming).
    pub(super) fn set_memory(&self, memory: Memory) {
        let (start, size) = match &memory {
            Memory::None | Memory::Message => (std::ptr::null(), 0),
            Memory::Shared(chunk) => (chunk.as_ptr(), chunk.len()),
            Memory::Run(run) => (run.start().cast_const(), run.capacity()),
            Memory::Heap(bytes) => (bytes.as_ptr().cast(), bytes.len()),
        };
        self.memory.replace(memory);
        self.set_range(start.cast_mut().cast(), size);
    }

    /// Hides memory behind the first `size` bytes, so that the application gets what it asked for.
    pub(super) fn limit(&self, size: usize) {
        self.buf.end.set(self.buf.start.get().wrapping_add(size));
    }

    /// Shows all of its memory again.
    pub(super) fn unlimit(&self) {
        if let Memory::Run(run) = &*self.memory.borrow() {
            self.buf
                .end
                .set(self.buf.start.get().wrapping_add(run.capacity()));
        }
    }

    /// Lets it show bytes that it does not own: those of the message in process.
    pub(super) fn set_message(&self, bytes: &[u8]) {
        self.memory.replace(Memory::Message);
        self.set_range(bytes.as_ptr().cast_mut().cast(), bytes.len());
    }

    fn set_range(&self, start: *mut c_char, size: usize) {
        self.buf.start.set(start);
        self.buf.free.set(start);
        self.buf.end.set(start.wrapping_add(size));
    }

    /// Takes its memory away.
    pub(super) fn take_memory(&self) -> Memory {
        self.memory.replace(Memory::None)
    }

    /// Whether its bytes outlive the message in process.
    pub(super) fn owns_bytes(&self) -> bool {
        !matches!(*self.memory.borrow(), Memory::None | Memory::Message)
    }

    /// Empties it for its next use.
    pub(super) fn reset(&self) {
        self.memory.replace(Memory::None);
        self.set_range(std::ptr::null_mut(), 0);
        self.next.set(std::ptr::null());
        self.list.set(std::ptr::null());
        self.request.set(std::ptr::null());
    }

    pub(super) fn set_request(&self, request: &Request) {
        self.request.set(request);
    }

    /// The request it belongs to.
    pub fn request(&self) -> Option<&Request> {
        // SAFETY: set while the buffer belongs to the request, which lives as long as its context.
        unsafe { self.request.get().as_ref() }
    }

    /// The next one of the same body (`nxt_unit_buf_next`).
    pub fn next(&self) -> Option<&Buffer> {
        // SAFETY: buffers stay allocated while they are in a list.
        unsafe { self.next.get().as_ref() }
    }

    /// Releases its memory and the buffer itself (`nxt_unit_buf_free`).
    pub fn discard(&self) {
        // SAFETY: a list outlives its buffers: both belong to one request or frame.
        if let Some(list) = unsafe { self.list.get().as_ref() } {
            list.remove(self);
        }
        match self.request() {
            Some(request) => request.context().recycle_buffer(self),
            None => self.reset(),
        }
    }
}

/// The buffers of a body or of a response, in order.
pub(super) struct BufferList {
    first: Cell<*const Buffer>,
}

impl BufferList {
    pub(super) const fn new() -> Self {
        BufferList {
            first: Cell::new(std::ptr::null()),
        }
    }

    pub(super) fn first(&self) -> Option<&Buffer> {
        // SAFETY: buffers stay allocated while they are in a list.
        unsafe { self.first.get().as_ref() }
    }

    /// Appends a buffer.
    pub(super) fn push(&self, buffer: &Buffer) {
        match self.iter().last() {
            Some(last) => last.next.set(buffer),
            None => self.first.set(buffer),
        }
        buffer.list.set(self);
    }

    /// Puts a buffer behind another one of this list.
    pub(super) fn insert_after(&self, place: &Buffer, buffer: &Buffer) {
        buffer.next.set(place.next.replace(buffer));
        buffer.list.set(self);
    }

    /// Moves all buffers of another list behind those of this one.
    pub(super) fn append(&self, other: &BufferList) {
        let Some(first) = other.first() else { return };
        for buffer in other.iter() {
            buffer.list.set(self);
        }
        other.first.set(std::ptr::null());
        match self.iter().last() {
            Some(last) => last.next.set(first),
            None => self.first.set(first),
        }
    }

    fn remove(&self, buffer: &Buffer) {
        let next = buffer.next.replace(std::ptr::null());
        buffer.list.set(std::ptr::null());
        if std::ptr::eq(self.first.get(), buffer) {
            self.first.set(next);
        } else if let Some(before) = self.iter().find(|b| std::ptr::eq(b.next.get(), buffer)) {
            before.next.set(next);
        }
    }

    /// Takes the first buffer out.
    pub(super) fn pop(&self) -> Option<&Buffer> {
        let buffer = self.first()?;
        self.remove(buffer);
        Some(buffer)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Buffer> {
        std::iter::successors(self.first(), |buffer| buffer.next())
    }
}
