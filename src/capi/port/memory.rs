//! `nxt_port_memory.h`: content in shared memory, on the segments of `ipc::segment`.

use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use libc::c_void;

use super::nxt_port_post;
use crate::abi::buf::{IS_FILE, IS_PORT_MMAP, IS_PORT_MMAP_SENT, nxt_buf_t};
use crate::abi::errno::{NXT_ERROR, NXT_OK};
use crate::abi::file::nxt_fd_t;
use crate::abi::port::{nxt_port_recv_msg_t, nxt_port_send_msg_t, nxt_port_t};
use crate::abi::port_memory::{
    NXT_PORT_METHOD_ANY, NXT_PORT_METHOD_MMAP, NXT_PORT_METHOD_PLAIN, nxt_port_method_t,
    nxt_port_mmap_handler_t, nxt_port_mmap_msg_t, nxt_port_mmap_t, nxt_sendbuf_coalesce_t,
};
use crate::abi::process::{NXT_PROCESS_APP, nxt_port_mmaps_t, nxt_process_t};
use crate::abi::task::nxt_task_t;
use crate::abi::types::{nxt_bool_t, nxt_int_t, nxt_pid_t};
use crate::base::log::Level;
use crate::capi::buf_ts::{nxt_buf_mem_ts_alloc, nxt_buf_ts_handle};
use crate::capi::globals::nxt_pid;
use crate::capi::guard;
use crate::capi::log::task_record;
use crate::capi::malloc::nxt_realloc;
use crate::capi::mp::{nxt_mp_free, nxt_mp_release};
use crate::capi::process::{first_port, ports};
use crate::capi::runtime::processes::nxt_runtime_process_find;
use crate::capi::thread::{nxt_thread_mutex_lock, nxt_thread_mutex_unlock};
use crate::ipc::create_memory;
use crate::ipc::message::{ChunkRef, kind};
use crate::ipc::segment::{CHUNK_COUNT, CHUNK_SIZE, Segment, SegmentError, chunks_for};

/// The most segments that one process takes from another: 40 GiB of addresses.
const MAX_SEGMENTS: usize = 4096;

/// The C object and what follows it.
#[repr(C)]
struct Handler {
    face: nxt_port_mmap_handler_t,
    segment: Segment,
    /// Of a segment of this process.
    fd: Option<OwnedFd>,
}

/// This process.
fn own_pid() -> nxt_pid_t {
    // SAFETY: the object lives as long as the program.
    unsafe { nxt_pid.get().read() }
}

/// The object for a segment, held once.
fn new_handler(segment: Segment, fd: Option<OwnedFd>) -> *mut nxt_port_mmap_handler_t {
    Box::into_raw(Box::new(Handler {
        face: nxt_port_mmap_handler_t {
            hdr: segment.start().cast(),
            use_count: 1,
            fd: fd.as_ref().map_or(-1, AsRawFd::as_raw_fd),
        },
        segment,
        fd,
    }))
    .cast()
}

/// Adds or takes away a holder; without any the segment is unmapped.
///
/// # Safety
/// `handler` is NULL or from [`new_handler`] and held.
unsafe fn hold(handler: *mut nxt_port_mmap_handler_t, by: i64) {
    if handler.is_null() {
        return;
    }
    // SAFETY: not NULL, and by the caller's promise; C code uses the number atomically too.
    unsafe {
        let count = AtomicU64::from_ptr(&raw mut (*handler).use_count);
        if count.fetch_add(by as u64, Ordering::AcqRel) == by.wrapping_neg() as u64 && by < 0 {
            drop(Box::from_raw(handler.cast::<Handler>()));
        }
    }
}

/// # Safety
/// `handler` is from [`new_handler`] and held as long as the result is used.
unsafe fn segment<'a>(handler: *mut nxt_port_mmap_handler_t) -> &'a Segment {
    // SAFETY: by the caller's promise; the segment is never changed.
    unsafe { &(*handler.cast::<Handler>()).segment }
}

/// The place of a segment; `None` when there is no memory.
///
/// # Safety
/// `mmaps` is valid, and its mutex is closed.
unsafe fn place(mmaps: *mut nxt_port_mmaps_t, index: usize) -> Option<*mut nxt_port_mmap_t> {
    if index >= MAX_SEGMENTS {
        return None;
    }
    // SAFETY: by the caller's promise; new places are written before they are counted.
    unsafe {
        let have = (*mmaps).cap as usize;
        if index >= have {
            let room = (index + 1).max(have * 2).min(MAX_SEGMENTS);
            let size = room * size_of::<nxt_port_mmap_t>();
            let elts = nxt_realloc((*mmaps).elts.cast(), size).cast::<nxt_port_mmap_t>();
            if elts.is_null() {
                return None;
            }
            elts.add(have).write_bytes(0, room - have);
            (*mmaps).elts = elts;
            (*mmaps).cap = room as u32;
        }
        (*mmaps).size = (*mmaps).size.max(index as u32 + 1);
        Some((*mmaps).elts.add(index))
    }
}

/// Gives up all segments of a process; `free_elts` also the memory of their places.
///
/// # Safety
/// `port_mmaps` is NULL or valid, and nobody else uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_mmaps_destroy(
    port_mmaps: *mut nxt_port_mmaps_t,
    free_elts: nxt_bool_t,
) {
    guard("nxt_port_mmaps_destroy", (), || {
        if port_mmaps.is_null() {
            return;
        }
        // SAFETY: checked above; the first `size` places of `elts` are filled, and nobody else uses
        // them, as the caller promises.
        unsafe {
            for index in 0..(*port_mmaps).size as usize {
                let place = (*port_mmaps).elts.add(index);
                hold(
                    std::mem::replace(&mut (*place).mmap_handler, ptr::null_mut()),
                    -1,
                );
            }
            (*port_mmaps).size = 0;
            if free_elts != 0 {
                libc::free((*port_mmaps).elts.cast());
                (*port_mmaps).elts = ptr::null_mut();
                (*port_mmaps).cap = 0;
            }
        }
    });
}

/// Maps a segment that `process` has announced with the descriptor `fd`, which stays the caller's.
/// NULL if it is none, or none from that process to this one.
///
/// # Safety
/// `task` and `process` are NULL or valid; `fd` is open or -1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_incoming_port_mmap(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
    fd: nxt_fd_t,
) -> *mut nxt_port_mmap_handler_t {
    guard("nxt_port_incoming_port_mmap", ptr::null_mut(), || {
        if process.is_null() || fd < 0 {
            return ptr::null_mut();
        }
        // SAFETY: the process is checked above; `fd` is borrowed for this call, and its segments
        // are only used with their mutex closed.
        unsafe {
            let refused = |text: String| {
                task_record(task, Level::Warn, &text);
                ptr::null_mut()
            };
            let segment = match Segment::open(BorrowedFd::borrow_raw(fd)) {
                Ok(segment) => segment,
                Err(error) => return refused(error.to_string()),
            };
            let (src, dst) = (segment.src_pid(), segment.dst_pid());
            if src != (*process).pid || dst != own_pid() {
                return refused(
                    SegmentError::WrongPid {
                        found_src: src,
                        found_dst: dst,
                    }
                    .to_string(),
                );
            }
            let mmaps = &raw mut (*process).incoming;
            nxt_thread_mutex_lock(&raw mut (*mmaps).mutex);
            let place = place(mmaps, segment.id() as usize);
            let handler = match place {
                Some(place) => {
                    segment.set_sent_everywhere();
                    let handler = new_handler(segment, None);
                    hold(std::mem::replace(&mut (*place).mmap_handler, handler), -1);
                    handler
                }
                None => refused("failed to add mmap to incoming array".to_string()),
            };
            nxt_thread_mutex_unlock(&raw mut (*mmaps).mutex);
            handler
        }
    })
}

/// A descriptor of `size` bytes of shared memory of value zero; -1 if there is none.
///
/// # Safety
/// `task` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_shm_open(task: *mut nxt_task_t, size: usize) -> nxt_int_t {
    guard("nxt_shm_open", -1, || {
        if isize::try_from(size).is_err() {
            return -1;
        }
        match create_memory(size) {
            Ok(fd) => fd.into_raw_fd(),
            Err(error) => {
                // SAFETY: NULL or valid, by the caller's promise.
                unsafe { task_record(task, Level::Alert, &error.to_string()) };
                -1
            }
        }
    })
}

/// Chunks of one of the segments, or of a new one.
///
/// # Safety
/// `mmaps` is valid.
unsafe fn allocate(
    task: *mut nxt_task_t,
    mmaps: *mut nxt_port_mmaps_t,
    count: usize,
) -> Option<(*mut nxt_port_mmap_handler_t, u32)> {
    // SAFETY: by the caller's promise; the segments are only looked through under the mutex.
    unsafe {
        nxt_thread_mutex_lock(&raw mut (*mmaps).mutex);
        let mut found = None;
        for index in 0..(*mmaps).size as usize {
            let handler = (*(*mmaps).elts.add(index)).mmap_handler;
            if handler.is_null() || !segment(handler).is_sent_everywhere() {
                continue;
            }
            if let Some((chunk, _)) = segment(handler).allocate(count, count) {
                found = Some((handler, chunk));
                break;
            }
            segment(handler).set_oosm();
        }
        if found.is_none() {
            found = grow(task, mmaps, count);
        }
        if let Some((handler, _)) = found {
            hold(handler, 1);
        }
        nxt_thread_mutex_unlock(&raw mut (*mmaps).mutex);
        found
    }
}

/// Adds a segment and takes its first chunks.
///
/// # Safety
/// `mmaps` is valid, and its mutex is closed.
unsafe fn grow(
    task: *mut nxt_task_t,
    mmaps: *mut nxt_port_mmaps_t,
    count: usize,
) -> Option<(*mut nxt_port_mmap_handler_t, u32)> {
    // SAFETY: the caller holds the mutex, so that `size` and the places below it stay as they are,
    // and the new place is nobody else's.
    unsafe {
        let id = (*mmaps).size;
        let place = place(mmaps, id as usize)?;
        // The program says to whom it is sent, as it announces it.
        match Segment::create(id, own_pid(), 0, u16::MAX) {
            Ok((segment, fd)) => {
                let (chunk, _) = segment.allocate(count, count)?;
                let handler = new_handler(segment, Some(fd));
                (*place).mmap_handler = handler;
                Some((handler, chunk))
            }
            Err(error) => {
                (*mmaps).size = id;
                task_record(task, Level::Alert, &error.to_string());
                None
            }
        }
    }
}

/// A buffer of the calling thread's engine for content in shared memory.
///
/// # Safety
/// `task` has an engine; `handler` is held for the buffer.
unsafe fn buffer(
    task: *mut nxt_task_t,
    pool: *mut crate::abi::array::nxt_mp_t,
    handler: *mut nxt_port_mmap_handler_t,
    chunk: u32,
    count: usize,
    used: usize,
) -> *mut nxt_buf_t {
    // SAFETY: by the caller's promise; the caller has checked the chunks.
    unsafe {
        let b = nxt_buf_mem_ts_alloc(task, pool, 0);
        let start = segment(handler).chunk_start(chunk);
        let (false, Some(start)) = (b.is_null(), start) else {
            hold(handler, -1);
            return ptr::null_mut();
        };
        (*b).completion_handler = Some(complete);
        (*b).flags |= IS_PORT_MMAP;
        (*b).parent = handler.cast();
        (*b).mem.start = start;
        (*b).mem.pos = start;
        (*b).mem.free = start.wrapping_add(used);
        (*b).mem.end = start.wrapping_add(count * CHUNK_SIZE);
        b
    }
}

/// A buffer with room for `size` bytes in the shared memory of `mmaps`. NULL when there is none, or
/// `size` is more than a segment has.
///
/// # Safety
/// `task` and `mmaps` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_mmap_get_buf(
    task: *mut nxt_task_t,
    mmaps: *mut nxt_port_mmaps_t,
    size: usize,
) -> *mut nxt_buf_t {
    guard("nxt_port_mmap_get_buf", ptr::null_mut(), || {
        if task.is_null() || mmaps.is_null() {
            return ptr::null_mut();
        }
        // SAFETY: the two are checked above; the chunks are this call's own until the buffer has
        // them, or they are released.
        unsafe {
            let engine = super::own_engine(task);
            let count = chunks_for(size).max(1);
            if count > CHUNK_COUNT {
                let text = format!("requested buffer ({size}) too big");
                task_record(task, Level::Alert, &text);
                return ptr::null_mut();
            }
            if engine.is_null() {
                return ptr::null_mut();
            }
            let Some((handler, chunk)) = allocate(task, mmaps, count) else {
                return ptr::null_mut();
            };
            let b = buffer(task, (*engine).mem_pool, handler, chunk, count, 0);
            if b.is_null() {
                segment(handler).release(chunk, count);
            }
            b
        }
    })
}

/// Makes room for `size` more bytes in a buffer of shared memory, if the chunks behind it are free;
/// `NXT_ERROR` if there is not even room for `min_size`.
///
/// # Safety
/// `task` and `b` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_mmap_increase_buf(
    task: *mut nxt_task_t,
    b: *mut nxt_buf_t,
    size: usize,
    min_size: usize,
) -> nxt_int_t {
    guard("nxt_port_mmap_increase_buf", NXT_ERROR, || {
        // SAFETY: NULL or valid, by the caller's promise; such a buffer holds its segment.
        unsafe {
            if b.is_null() || (*b).flags & IS_PORT_MMAP == 0 {
                task_record(task, Level::Warn, "failed to increase, not a mmap buffer");
                return NXT_ERROR;
            }
            let room = (*b).mem.end.addr().saturating_sub((*b).mem.free.addr());
            if size <= room {
                return NXT_OK;
            }
            let segment = segment((*b).parent.cast());
            let want = chunks_for(size - room);
            let first = segment
                .chunk_of((*b).mem.end)
                .map_or(CHUNK_COUNT, |chunk| chunk as usize);
            let got = (first..first.saturating_add(want).min(CHUNK_COUNT))
                .take_while(|chunk| segment.claim(*chunk))
                .count();
            if got < want && min_size > room + got * CHUNK_SIZE {
                segment.release(first as u32, got);
                return NXT_ERROR;
            }
            (*b).mem.end = (*b).mem.end.wrapping_add(got * CHUNK_SIZE);
            NXT_OK
        }
    })
}

/// Releases the chunks of a chain of buffers, except for those that the receiver releases.
unsafe extern "C" fn complete(task: *mut nxt_task_t, obj: *mut c_void, data: *mut c_void) {
    guard("nxt_port_mmap_buf_completion", (), || {
        // SAFETY: the handler belongs to buffers of this file, which nobody uses any more.
        unsafe {
            if nxt_buf_ts_handle(task, obj, data) != 0 {
                return;
            }
            let mut b = obj.cast::<nxt_buf_t>();
            while !b.is_null() {
                let (next, handler, pool) = ((*b).next, (*b).parent.cast(), (*b).data.cast());
                release_chunks(task, b, segment(handler));
                hold(handler, -1);
                nxt_mp_free(pool, b.cast());
                nxt_mp_release(pool);
                b = next;
            }
        }
    });
}

/// # Safety
/// `b` is a buffer in `segment`.
unsafe fn release_chunks(task: *mut nxt_task_t, b: *mut nxt_buf_t, segment: &Segment) {
    // SAFETY: the caller promises that the buffer lies in the segment; how much of it is released
    // is cut to what the segment has.
    unsafe {
        let incoming = segment.src_pid() != own_pid();
        // A process that was forked meanwhile has no business with its parent's memory.
        if incoming && segment.dst_pid() != own_pid() {
            return;
        }
        let mem = (*b).mem;
        let Some(start) = segment.chunk_of(mem.start) else {
            return;
        };
        let all = chunks_for(mem.end.addr().saturating_sub(mem.start.addr()));
        let sent = if (*b).flags & IS_PORT_MMAP_SENT != 0 {
            chunks_for(mem.pos.addr().saturating_sub(mem.start.addr())).min(all)
        } else {
            0
        };
        segment.release(start + sent as u32, all - sent);
        if incoming && segment.take_oosm() {
            let runtime = (*task)
                .thread
                .as_ref()
                .map_or(ptr::null_mut(), |thread| thread.runtime);
            let process = nxt_runtime_process_find(runtime, segment.src_pid());
            nxt_process_broadcast_shm_ack(task, process);
        }
    }
}

/// The chunks that a buffer's content lies in; `None` if it does not start where a chunk does.
///
/// # Safety
/// `b` is a buffer of shared memory.
pub(super) unsafe fn chunk_of(b: *const nxt_buf_t) -> Option<ChunkRef> {
    // SAFETY: by the caller's promise; such a buffer holds its segment.
    unsafe {
        if (*b).parent.is_null() {
            return None;
        }
        let segment = segment((*b).parent.cast());
        let (pos, free) = ((*b).mem.pos, (*b).mem.free);
        let chunk = segment.chunk_of(pos)?;
        let size = u32::try_from(free.addr().checked_sub(pos.addr())?).ok()?;
        (segment.chunk_start(chunk) == Some(pos) && segment.contains(chunk, size)).then_some(
            ChunkRef {
                segment: segment.id(),
                chunk,
                size,
            },
        )
    }
}

/// Puts the chunks that a message names in the place of its content.
///
/// # Safety
/// `msg` is valid, `task` too.
pub(super) unsafe fn read_chunks(
    task: *mut nxt_task_t,
    msg: *mut nxt_port_recv_msg_t,
) -> Result<(), SegmentError> {
    // SAFETY: the caller promises a message with its chain; `end` is the link of the last buffer
    // that was appended to it, and each is written once.
    unsafe {
        let named = (*msg).buf;
        let runtime = (*task)
            .thread
            .as_ref()
            .map_or(ptr::null_mut(), |thread| thread.runtime);
        let process = nxt_runtime_process_find(runtime, (*msg).port_msg.pid);
        (*msg).size = 0;
        let mut end: *mut *mut nxt_buf_t = &raw mut (*msg).buf;
        end.write(ptr::null_mut());
        let mut b = named;
        while !b.is_null() {
            let size = (*b).mem.free.addr().saturating_sub((*b).mem.pos.addr());
            let bytes = crate::capi::bytes((*b).mem.pos, size);
            for chunk in ChunkRef::parse(bytes) {
                let new = incoming(task, (*msg).port, process, chunk)?;
                end.write(new);
                end = &raw mut (*new).next;
                (*msg).size += chunk.size as usize;
            }
            (*b).mem.pos = (*b).mem.free;
            b = (*b).next;
        }
        Ok(())
    }
}

/// A buffer for chunks of another process.
///
/// # Safety
/// `process` is NULL or valid; the others are valid.
unsafe fn incoming(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    process: *mut nxt_process_t,
    named: ChunkRef,
) -> Result<*mut nxt_buf_t, SegmentError> {
    let unknown = Err(SegmentError::Unknown(named.segment));
    if process.is_null() {
        return unknown;
    }
    // SAFETY: not NULL, and by the caller's promise; segments are only looked up under the mutex.
    unsafe {
        let mmaps = &raw mut (*process).incoming;
        nxt_thread_mutex_lock(&raw mut (*mmaps).mutex);
        let handler = if named.segment < (*mmaps).size {
            (*(*mmaps).elts.add(named.segment as usize)).mmap_handler
        } else {
            ptr::null_mut()
        };
        if !handler.is_null() {
            hold(handler, 1);
        }
        nxt_thread_mutex_unlock(&raw mut (*mmaps).mutex);
        if handler.is_null() {
            return unknown;
        }
        if !segment(handler).contains(named.chunk, named.size) {
            hold(handler, -1);
            return Err(SegmentError::OutOfRange {
                chunk: named.chunk,
                size: named.size,
            });
        }
        let size = named.size as usize;
        let count = chunks_for(size);
        let b = buffer(task, (*port).mem_pool, handler, named.chunk, count, size);
        if b.is_null() { unknown } else { Ok(b) }
    }
}

/// Puts the content in shared memory that a message names in the place of the message's own; chunks
/// that cannot be found, and those after them, are left out.
///
/// # Safety
/// `task` and `msg` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_mmap_read(task: *mut nxt_task_t, msg: *mut nxt_port_recv_msg_t) {
    guard("nxt_port_mmap_read", (), || {
        if task.is_null() || msg.is_null() {
            return;
        }
        // SAFETY: the two are checked above, and the caller promises that they are valid.
        unsafe {
            if (*msg).port.is_null() {
                return;
            }
            if let Err(error) = read_chunks(task, msg) {
                let text = format!("failed to get mmap buffer: {error}");
                task_record(task, Level::Error, &text);
            }
        }
    });
}

/// Names the chunks of the stretches in `sb`, which lie in the buffers of `msg`, in `mmsg_buf`, and
/// makes that the only stretch.
///
/// # Safety
/// The addresses are NULL or valid; `mmsg_buf` has room for a name of 12 bytes for each stretch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_mmap_write(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    msg: *mut nxt_port_send_msg_t,
    sb: *mut nxt_sendbuf_coalesce_t,
    mmsg_buf: *mut c_void,
) {
    let _ = port;
    guard("nxt_port_mmap_write", (), || {
        if msg.is_null() || sb.is_null() || mmsg_buf.is_null() {
            return;
        }
        // SAFETY: all are checked above; `iobuf` has `niov` stretches, and the caller promises room
        // for a name of each.
        unsafe {
            let mut b = (*msg).buf;
            let names = mmsg_buf.cast::<nxt_port_mmap_msg_t>();
            for index in 0..(*sb).niov as usize {
                let stretch = (*sb).iobuf.add(index).read();
                while !b.is_null() && (*b).mem.pos.cast() != stretch.iov_base {
                    b = (*b).next;
                }
                let Some(chunk) = (!b.is_null()).then(|| chunk_of(b)).flatten() else {
                    let text = format!("failed to find buf for iobuf[{index}]");
                    return task_record(task, Level::Error, &text);
                };
                names.add(index).write_unaligned(nxt_port_mmap_msg_t {
                    mmap_id: chunk.segment,
                    chunk_id: chunk.chunk,
                    size: stretch.iov_len as u32,
                });
            }
            let size = (*sb).niov as usize * size_of::<nxt_port_mmap_msg_t>();
            (*sb).iobuf.write(libc::iovec {
                iov_base: mmsg_buf,
                iov_len: size,
            });
            (*sb).niov = 1;
            (*sb).size = size;
            (*msg).port_msg.mmap = 1;
        }
    });
}

/// How the content of a chain of buffers travels. One that is mixed travels with the message.
///
/// # Safety
/// `task` is NULL or valid, `b` is NULL or a chain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_port_mmap_get_method(
    task: *mut nxt_task_t,
    port: *mut nxt_port_t,
    b: *mut nxt_buf_t,
) -> nxt_port_method_t {
    let _ = port;
    guard("nxt_port_mmap_get_method", NXT_PORT_METHOD_PLAIN, || {
        let (mut b, mut method) = (b, NXT_PORT_METHOD_ANY);
        while !b.is_null() {
            // SAFETY: `b` is not NULL, and a link of the caller's chain.
            unsafe {
                let size = if (*b).flags & IS_FILE != 0 {
                    (*b).file_end - (*b).file_pos
                } else {
                    (*b).mem.free.addr() as i64 - (*b).mem.pos.addr() as i64
                };
                let this = if (*b).flags & IS_PORT_MMAP != 0 {
                    NXT_PORT_METHOD_MMAP
                } else {
                    NXT_PORT_METHOD_PLAIN
                };
                if size != 0 && method != NXT_PORT_METHOD_ANY && this != method {
                    task_record(task, Level::Error, "mixing plain and mmap buffers");
                    return NXT_PORT_METHOD_PLAIN;
                }
                if size != 0 {
                    method = this;
                }
                b = (*b).next;
            }
        }
        method
    })
}

/// Tells a process of an application, on all its ports, that there is room in its shared memory.
///
/// # Safety
/// `task` and `process` are NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nxt_process_broadcast_shm_ack(
    task: *mut nxt_task_t,
    process: *mut nxt_process_t,
) {
    guard("nxt_process_broadcast_shm_ack", (), || {
        // SAFETY: NULL or valid, by the caller's promise.
        unsafe {
            let port = first_port(process);
            if !task.is_null() && !port.is_null() && (*port).r#type == NXT_PROCESS_APP {
                nxt_port_post(task, port, Some(acknowledge), process.cast());
            }
        }
    });
}

unsafe extern "C" fn acknowledge(task: *mut nxt_task_t, port: *mut nxt_port_t, data: *mut c_void) {
    let _ = port;
    // SAFETY: a posted function gets what it was posted with.
    unsafe {
        for port in ports(data.cast()) {
            let kind = u32::from(kind::SHM_ACK) | crate::abi::port::NXT_PORT_MSG_LAST;
            super::send::nxt_port_socket_write2(task, port, kind, -1, -1, 0, 0, ptr::null_mut());
        }
    }
}
