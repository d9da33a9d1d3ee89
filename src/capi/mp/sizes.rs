//! The sizes of a pool.

/// The alignment of every allocation that does not say otherwise.
pub(super) const ALIGNMENT: usize = 16;
/// A page has at most so many chunks: one bit each.
pub(super) const MAX_CHUNKS: usize = 32;
/// A cluster has at most so many pages.
const MAX_PAGES: usize = 256;

/// The sizes of a pool, checked. Those of pages and chunks are powers of two, kept as shifts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) cluster: usize,
    pub(super) page_alignment: usize,
    page_shift: u8,
    chunk_shift: u8,
}

impl Sizes {
    /// `None` if they do not fit each other.
    pub(super) fn new(
        cluster: usize,
        page_alignment: usize,
        page: usize,
        min_chunk: usize,
    ) -> Option<Sizes> {
        let powers = [page_alignment, page, min_chunk];
        if !powers.iter().all(|size| size.is_power_of_two()) {
            return None;
        }
        let sizes = Sizes {
            cluster,
            page_alignment: page_alignment.max(ALIGNMENT),
            page_shift: page.trailing_zeros() as u8,
            chunk_shift: min_chunk.trailing_zeros() as u8,
        };
        // No division: pools are made for every request.
        let fit = page >= 64
            && page >= sizes.page_alignment
            && page >= min_chunk
            && 1 << (sizes.page_shift - sizes.chunk_shift) <= MAX_CHUNKS
            && (1..=MAX_PAGES).contains(&sizes.pages())
            && cluster & (page - 1) == 0;
        fit.then_some(sizes)
    }

    /// Bytes of a page.
    pub(super) fn page(&self) -> usize {
        1 << self.page_shift
    }

    /// Pages of a cluster.
    pub(super) fn pages(&self) -> usize {
        self.cluster >> self.page_shift
    }

    /// The page of a cluster, and the offset in it, of an offset in the cluster.
    pub(super) fn split(&self, offset: usize) -> (usize, usize) {
        (offset >> self.page_shift, offset & (self.page() - 1))
    }

    /// Where a page stands in its cluster.
    pub(super) fn page_offset(&self, number: u16) -> usize {
        usize::from(number) << self.page_shift
    }

    /// The class of chunks for `size` bytes: how often the smallest size has to be doubled.
    pub(super) fn class(&self, size: usize) -> u8 {
        let smallest = (1 << self.chunk_shift) - 1;
        let bits = usize::BITS - (size.saturating_sub(1) | smallest).leading_zeros();
        bits as u8 - self.chunk_shift
    }

    /// The size of the chunks of a class, as a shift.
    pub(super) fn class_shift(&self, class: u8) -> u8 {
        self.chunk_shift + class
    }

    /// The chunks of a page of a class, one bit each.
    pub(super) fn chunks(&self, class: u8) -> u32 {
        u32::MAX >> (MAX_CHUNKS - (1 << (self.page_shift - self.class_shift(class))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_the_smallest_chunk_that_fits() {
        for (page, min_chunk) in [(1024, 32), (128, 16), (64, 2), (64, 64), (8192, 512)] {
            let sizes = Sizes::new(8192, 16, page, min_chunk).expect("the sizes fit");
            for size in 0..=page {
                let chunk = 1 << sizes.class_shift(sizes.class(size));
                assert_eq!(chunk, size.next_power_of_two().max(min_chunk));
                assert_eq!(
                    sizes.chunks(sizes.class(size)).count_ones() as usize,
                    page / chunk
                );
            }
        }
    }
}
