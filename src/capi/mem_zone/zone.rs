//! The zone itself: a header, a descriptor for each page, and the pages.
//!
//! A page holds chunks of one size, a power of two, or is part of a run: of free pages, or of pages
//! that were allocated together. The first and the last page of a free run know its length, so that
//! neighbours join when a run is freed. Free runs are in lists by the highest bit of their length.
//! Nothing in the bookkeeping is an address, so that processes may have the zone in different places.

use std::sync::atomic::{AtomicU64, Ordering};

/// The alignment of every allocation of that size.
const MIN_CHUNK: usize = 16;
/// A page has at most so many chunks: a bit each.
const MAX_CHUNKS: usize = 256;
/// Lists of free runs, by the highest bit of their length.
const BINS: usize = 32;
/// Chunk sizes, by the number of times the smallest has to be doubled.
const CLASSES: usize = 32;
/// No page.
const NONE: u32 = u32::MAX;
/// What the header of a zone begins with.
const MAGIC: u64 = 0x6e78_745f_7a6f_6e65;

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Use {
    /// In the middle of a run.
    Inside,
    /// The first or last page of a free run.
    Free,
    /// The first page of a run that was allocated.
    Run,
    /// Chunks of the class in `class`.
    Chunks,
}

#[repr(C)]
struct Page {
    r#use: Use,
    class: u8,
    /// Chunks in use.
    used: u16,
    /// Pages of the run.
    run: u32,
    /// Neighbours in a list of free runs or of pages with free chunks.
    prev: u32,
    next: u32,
    /// Bit set: the chunk is in use.
    busy: [u64; MAX_CHUNKS / 64],
}

#[repr(C)]
struct Header {
    magic: u64,
    /// 0 is open.
    lock: AtomicU64,
    page_size: usize,
    min_chunk: usize,
    pages: u32,
    /// From the header to the first page.
    first_page: usize,
    bins: [u32; BINS],
    chunk_pages: [u32; CLASSES],
}

/// Why a pointer cannot be freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FreeError {
    #[error("is out of zone")]
    Unknown,
    #[error("does not point to the start of an allocation")]
    NotAStart,
    #[error("points to already free memory")]
    AlreadyFree,
}

/// A zone by its address.
#[derive(Clone, Copy)]
pub(super) struct Zone(*mut Header);

/// The lock of a zone, closed.
struct Closed<'a>(&'a AtomicU64);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Release);
    }
}

impl Zone {
    /// # Safety
    /// `start` is NULL or has `size` bytes that nobody else uses.
    pub(super) unsafe fn init(start: *mut u8, size: usize, page_size: usize) -> Option<Zone> {
        if start.is_null() || page_size < 64 || !start.addr().is_multiple_of(align_of::<Header>()) {
            return None;
        }
        let end = start.addr().checked_add(size)?;
        // As many pages as fit with their descriptors, the first one at a multiple of their size.
        let mut pages = size.checked_sub(size_of::<Header>())? / (page_size + size_of::<Page>());
        let first = loop {
            if pages == 0 || pages >= NONE as usize {
                return None;
            }
            let head = size_of::<Header>() + pages * size_of::<Page>();
            let first = (start.addr() + head).checked_next_multiple_of(page_size)?;
            if first.checked_add(pages * page_size)? <= end {
                break first;
            }
            pages -= 1;
        };
        let header = start.cast::<Header>();
        // SAFETY: the header and the descriptors lie before the first page, in the caller's memory.
        unsafe {
            header.write(Header {
                magic: MAGIC,
                lock: AtomicU64::new(0),
                page_size,
                min_chunk: (page_size / MAX_CHUNKS).max(MIN_CHUNK),
                pages: pages as u32,
                first_page: first - start.addr(),
                bins: [NONE; BINS],
                chunk_pages: [NONE; CLASSES],
            });
            let zone = Zone(header);
            for index in 0..pages {
                zone.page(index as u32).write(Page {
                    r#use: Use::Inside,
                    class: 0,
                    used: 0,
                    run: 0,
                    prev: NONE,
                    next: NONE,
                    busy: [0; MAX_CHUNKS / 64],
                });
            }
            zone.put_free(0, pages as u32);
            Some(zone)
        }
    }

    /// `None` for NULL and for what is no zone.
    ///
    /// # Safety
    /// `header` is NULL or came from `init` and is alive.
    pub(super) unsafe fn open(header: *mut Self) -> Option<Zone> {
        let header = header.cast::<Header>();
        // SAFETY: not NULL, so readable by the caller's promise.
        (!header.is_null() && unsafe { (*header).magic } == MAGIC).then_some(Zone(header))
    }

    pub(super) fn address(self) -> *mut u8 {
        self.0.cast()
    }

    /// # Safety
    /// The zone is alive for as long as the result is used.
    unsafe fn close<'a>(self) -> Closed<'a> {
        // SAFETY: by the caller's promise; the lock is only used atomically.
        let lock = unsafe { &(*self.0).lock };
        while lock
            .compare_exchange_weak(0, 1, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            // The lock is held for a few hundred instructions, unless its holder does not run.
            std::thread::yield_now();
        }
        Closed(lock)
    }

    /// The descriptor of a page.
    ///
    /// # Safety
    /// The zone is alive and has that page.
    unsafe fn page(self, index: u32) -> *mut Page {
        // SAFETY: the descriptors follow the header.
        unsafe { self.0.add(1).cast::<Page>().add(index as usize) }
    }

    /// The memory of a page.
    ///
    /// # Safety
    /// The zone is alive and has that page.
    unsafe fn memory(self, index: u32) -> *mut u8 {
        // SAFETY: by the caller's promise.
        unsafe {
            self.address()
                .add((*self.0).first_page + index as usize * (*self.0).page_size)
        }
    }

    /// Puts a page at the head of a list.
    ///
    /// # Safety
    /// The page is in no list; `head` is of this zone.
    unsafe fn link(self, head: *mut u32, index: u32) {
        // SAFETY: by the caller's promise.
        unsafe {
            let page = self.page(index);
            (*page).prev = NONE;
            (*page).next = *head;
            if *head != NONE {
                (*self.page(*head)).prev = index;
            }
            *head = index;
        }
    }

    /// Takes a page out of its list.
    ///
    /// # Safety
    /// The page is in the list of `head`.
    unsafe fn unlink(self, head: *mut u32, index: u32) {
        // SAFETY: by the caller's promise.
        unsafe {
            let (prev, next) = ((*self.page(index)).prev, (*self.page(index)).next);
            if prev == NONE {
                *head = next;
            } else {
                (*self.page(prev)).next = next;
            }
            if next != NONE {
                (*self.page(next)).prev = prev;
            }
        }
    }

    /// The list for free runs of a length.
    ///
    /// # Safety
    /// The zone is alive; the length is not 0.
    unsafe fn bin(self, length: u32) -> *mut u32 {
        // SAFETY: the highest bit of a 32-bit number is below 32.
        unsafe { &raw mut (*self.0).bins[length.ilog2() as usize] }
    }

    /// Makes a run free; its neighbours are not.
    ///
    /// # Safety
    /// The pages are of the zone and in no use.
    unsafe fn put_free(self, first: u32, length: u32) {
        if length == 0 {
            return;
        }
        // SAFETY: by the caller's promise.
        unsafe {
            for end in [first, first + length - 1] {
                (*self.page(end)).r#use = Use::Free;
                (*self.page(end)).run = length;
            }
            self.link(self.bin(length), first);
        }
    }

    /// Takes a free run out of its list.
    ///
    /// # Safety
    /// `first` is the first page of a free run.
    unsafe fn take_free(self, first: u32) -> u32 {
        // SAFETY: by the caller's promise.
        unsafe {
            let length = (*self.page(first)).run;
            self.unlink(self.bin(length), first);
            for end in [first, first + length - 1] {
                (*self.page(end)).r#use = Use::Inside;
                (*self.page(end)).run = 0;
            }
            length
        }
    }

    /// Memory; `None` when there is none, or the alignment is no power of two.
    ///
    /// # Safety
    /// The zone is alive.
    pub(super) unsafe fn allocate(self, alignment: usize, size: usize) -> Option<*mut u8> {
        if !alignment.is_power_of_two() {
            return None;
        }
        // SAFETY: by the caller's promise; the lock is held while the bookkeeping is used.
        unsafe {
            let _closed = self.close();
            let (page_size, min_chunk) = ((*self.0).page_size, (*self.0).min_chunk);
            let enough = size.max(alignment);
            if enough <= page_size / 2 {
                let chunk = enough.next_power_of_two().max(min_chunk);
                return self.take_chunk(chunk);
            }
            let length = u32::try_from(size.max(1).div_ceil(page_size)).ok()?;
            let step = u32::try_from(alignment.div_ceil(page_size)).ok()?;
            self.take_run(length, step).map(|first| self.memory(first))
        }
    }

    /// A chunk of a size, which is that of a class.
    ///
    /// # Safety
    /// The zone is alive and closed.
    unsafe fn take_chunk(self, chunk: usize) -> Option<*mut u8> {
        // SAFETY: by the caller's promise; pages in the list have a free chunk.
        unsafe {
            let class = (chunk / (*self.0).min_chunk).ilog2() as usize;
            let chunks = (*self.0).page_size / chunk;
            let head = &raw mut (*self.0).chunk_pages[class];
            if *head == NONE {
                let first = self.take_run(1, 1)?;
                let page = self.page(first);
                (*page).r#use = Use::Chunks;
                (*page).class = class as u8;
                (*page).used = 0;
                (*page).busy = [0; MAX_CHUNKS / 64];
                self.link(head, first);
            }
            let index = *head;
            let page = self.page(index);
            let (word, bits) = (*page)
                .busy
                .iter()
                .copied()
                .enumerate()
                .find(|(_, bits)| *bits != u64::MAX)?;
            let bit = bits.trailing_ones() as usize;
            (&mut (*page).busy)[word] |= 1 << bit;
            (*page).used += 1;
            if usize::from((*page).used) == chunks {
                self.unlink(head, index);
            }
            Some(self.memory(index).add((word * 64 + bit) * chunk))
        }
    }

    /// A run of pages whose first one lies at a multiple of so many pages.
    ///
    /// # Safety
    /// The zone is alive and closed.
    unsafe fn take_run(self, length: u32, step: u32) -> Option<u32> {
        // SAFETY: by the caller's promise; lists hold the first pages of free runs.
        unsafe {
            let page_size = (*self.0).page_size;
            // Where in the address space of pages the first one lies.
            let base = self.memory(0).addr() / page_size;
            let smallest = length.ilog2() as usize;
            for bin in smallest..BINS {
                let mut first = (*self.0).bins[bin];
                while first != NONE {
                    let run = (*self.page(first)).run;
                    let at = base + first as usize;
                    let skip = at.next_multiple_of(step as usize) - at;
                    let rest = (run as usize).checked_sub(skip + length as usize);
                    if let Some(rest) = rest {
                        self.take_free(first);
                        // All of these are at most `run`.
                        let (skip, rest) = (skip as u32, rest as u32);
                        self.put_free(first, skip);
                        self.put_free(first + skip + length, rest);
                        let page = self.page(first + skip);
                        (*page).r#use = Use::Run;
                        (*page).run = length;
                        return Some(first + skip);
                    }
                    first = (*self.page(first)).next;
                }
            }
            None
        }
    }

    /// Frees an allocation.
    ///
    /// # Safety
    /// The zone is alive; if `memory` is an allocation of it, nobody uses it afterwards.
    pub(super) unsafe fn free(self, memory: *mut u8) -> Result<(), FreeError> {
        // SAFETY: by the caller's promise; the lock is held while the bookkeeping is used.
        unsafe {
            let _closed = self.close();
            let page_size = (*self.0).page_size;
            let offset = memory
                .addr()
                .checked_sub(self.memory(0).addr())
                .ok_or(FreeError::Unknown)?;
            let index = u32::try_from(offset / page_size)
                .ok()
                .filter(|index| *index < (*self.0).pages)
                .ok_or(FreeError::Unknown)?;
            let offset = offset % page_size;
            let page = self.page(index);
            match (*page).r#use {
                Use::Free => return Err(FreeError::AlreadyFree),
                Use::Inside => return Err(FreeError::NotAStart),
                Use::Run if offset != 0 => return Err(FreeError::NotAStart),
                Use::Run => {}
                Use::Chunks => {
                    let class = usize::from((*page).class);
                    let chunk = (*self.0).min_chunk << class;
                    if !offset.is_multiple_of(chunk) {
                        return Err(FreeError::NotAStart);
                    }
                    let (word, bit) = (offset / chunk / 64, offset / chunk % 64);
                    let busy = &mut (*page).busy;
                    if busy[word] & 1 << bit == 0 {
                        return Err(FreeError::AlreadyFree);
                    }
                    busy[word] &= !(1 << bit);
                    let head = &raw mut (*self.0).chunk_pages[class];
                    let was_full = usize::from((*page).used) == page_size / chunk;
                    (*page).used -= 1;
                    if (*page).used > 0 {
                        if was_full {
                            self.link(head, index);
                        }
                        return Ok(());
                    }
                    if !was_full {
                        self.unlink(head, index);
                    }
                    (*page).run = 1;
                }
            }
            self.free_run(index);
            Ok(())
        }
    }

    /// Frees a run and joins it with free neighbours.
    ///
    /// # Safety
    /// The zone is closed; `first` is the first page of a run that nobody uses.
    unsafe fn free_run(self, mut first: u32) {
        // SAFETY: by the caller's promise; the ends of free runs know their length.
        unsafe {
            let mut length = (*self.page(first)).run;
            (*self.page(first)).r#use = Use::Inside;
            (*self.page(first)).run = 0;
            let after = first + length;
            if after < (*self.0).pages && (*self.page(after)).r#use == Use::Free {
                length += self.take_free(after);
            }
            if first > 0 && (*self.page(first - 1)).r#use == Use::Free {
                let before = first - (*self.page(first - 1)).run;
                length += self.take_free(before);
                first = before;
            }
            self.put_free(first, length);
        }
    }
}
