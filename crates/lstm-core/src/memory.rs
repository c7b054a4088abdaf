//! Memory of the fast path: one aligned block, planned once into regions, never allocated again while it fits.

mod fence;

use std::ops::{Deref, DerefMut, Range};

use crate::{Error, ErrorCode, Result};

/// f32 values of one cache line, which is also the widest vector.
pub(crate) const LINE: usize = 16;

/// f32 values between two regions, for nobody to touch.
const FENCE: usize = if cfg!(address_sanitizer) { LINE } else { 0 };

#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([f32; LINE]);

/// A run of f32 that starts on a cache line.
#[derive(Default, Clone)]
pub(crate) struct AlignedBuffer {
    lines: Vec<Line>,
}

impl AlignedBuffer {
    /// `length` zeros, rounded up to whole cache lines.
    pub(crate) fn zeros(length: usize) -> Result<Self> {
        let mut buffer = Self::default();
        buffer.grow(length)?;
        Ok(buffer)
    }

    /// Makes room for `length` values. What was there stays; new values are zero.
    pub(crate) fn grow(&mut self, length: usize) -> Result<()> {
        let lines = length.div_ceil(LINE);
        fence::allow(self);
        if lines > self.lines.len() {
            let megabytes = lines * size_of::<Line>() / 1_000_000;
            self.lines.try_reserve_exact(lines - self.lines.len()).map_err(|_| {
                Error::new(
                    ErrorCode::OutOfMemory,
                    "",
                    format!(
                        "{megabytes} MB of memory are not to be had; use a smaller batch, fewer steps or fewer units"
                    ),
                )
            })?;
            self.lines.resize(lines, Line([0.0; LINE]));
        }
        fence::forbid(&self[length..]);
        Ok(())
    }
}

impl Deref for AlignedBuffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        // SAFETY: `Line` is `repr(C)` over LINE f32 values without padding, so the lines are LINE times as many f32.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * LINE) }
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`; the borrow of `self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.lines.len() * LINE) }
    }
}

/// A part of an arena, starting on a cache line.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Region {
    start: usize,
    length: usize,
}

impl Region {
    /// The indices of the region in its arena.
    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.start + self.length
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(self) -> bool {
        self.length == 0
    }

    /// From its start to where the next region may start: whole cache lines, then the fence.
    fn planned(self) -> usize {
        self.length.next_multiple_of(LINE) + FENCE
    }
}

/// Lays regions one after the other.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    end: usize,
}

impl Plan {
    /// The next `length` values, from a cache line on.
    pub(crate) fn take(&mut self, length: usize) -> Region {
        let region = Region { start: self.end, length };
        self.end += region.planned();
        region
    }

    /// Values planned so far.
    pub(crate) fn length(&self) -> usize {
        self.end
    }
}

/// Exclusive slices of regions of one arena. Regions of one plan never overlap.
pub(crate) fn disjoint<const N: usize>(arena: &mut [f32], regions: [Region; N]) -> [&mut [f32]; N] {
    for region in regions.into_iter().filter(|region| region.length > 0) {
        let (own, fence) = arena[region.start..][..region.planned()].split_at(region.length);
        fence::allow(own);
        fence::forbid(fence);
    }
    arena.get_disjoint_mut(regions.map(Region::range)).expect("regions of one plan are disjoint and within its arena")
}

/// A slice that several threads write at once, each at rows of its own.
#[derive(Clone, Copy)]
pub(crate) struct SharedRows<'a> {
    start: *mut f32,
    length: usize,
    exclusive: std::marker::PhantomData<&'a mut [f32]>,
}

// SAFETY: access is only through `at`, whose callers keep to disjoint rows.
unsafe impl Send for SharedRows<'_> {}
// SAFETY: as above.
unsafe impl Sync for SharedRows<'_> {}

impl<'a> SharedRows<'a> {
    pub(crate) fn new(values: &'a mut [f32]) -> Self {
        Self { start: values.as_mut_ptr(), length: values.len(), exclusive: std::marker::PhantomData }
    }

    /// What lies behind the first `offset` values.
    #[inline(always)]
    pub(crate) fn skip(self, offset: usize) -> Self {
        assert!(offset <= self.length);
        Self { start: self.start.wrapping_add(offset), length: self.length - offset, ..self }
    }

    /// Values in all.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// A pointer to the value at `offset`.
    ///
    /// # Safety
    /// `offset` is within the slice, and no other thread touches what is read or written through the pointer.
    #[inline(always)]
    pub(crate) unsafe fn at(&self, offset: usize) -> *mut f32 {
        debug_assert!(offset < self.length);
        // SAFETY: the caller keeps `offset` within the slice.
        unsafe { self.start.add(offset) }
    }
}

/// A slice that is read while other threads may write other rows of the same memory.
#[derive(Clone, Copy)]
pub(crate) struct ReadRows<'a> {
    start: *const f32,
    length: usize,
    shared: std::marker::PhantomData<&'a [f32]>,
}

// SAFETY: reading is only through `at`, whose callers keep to rows that nobody writes.
unsafe impl Send for ReadRows<'_> {}
// SAFETY: as above.
unsafe impl Sync for ReadRows<'_> {}

impl ReadRows<'_> {
    /// What lies behind the first `offset` values.
    #[inline(always)]
    pub(crate) fn skip(self, offset: usize) -> Self {
        assert!(offset <= self.length);
        Self { start: self.start.wrapping_add(offset), length: self.length - offset, ..self }
    }

    /// Values in all.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// A pointer to the value at `offset`.
    ///
    /// # Safety
    /// `offset` is within the slice, and nobody writes what is read through the pointer.
    #[inline(always)]
    pub(crate) unsafe fn at(&self, offset: usize) -> *const f32 {
        debug_assert!(offset < self.length);
        // SAFETY: the caller keeps `offset` within the slice.
        unsafe { self.start.add(offset) }
    }
}

impl<'a> From<&'a [f32]> for ReadRows<'a> {
    fn from(values: &'a [f32]) -> Self {
        Self { start: values.as_ptr(), length: values.len(), shared: std::marker::PhantomData }
    }
}

impl<'a> From<SharedRows<'a>> for ReadRows<'a> {
    fn from(rows: SharedRows<'a>) -> Self {
        Self { start: rows.start, length: rows.length, shared: std::marker::PhantomData }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_start_on_a_cache_line_and_keep_their_values() {
        let mut buffer = AlignedBuffer::zeros(5).unwrap();
        assert_eq!((buffer.as_ptr() as usize % 64, buffer.len()), (0, 16));
        buffer[4] = 3.0;
        buffer.grow(1000).unwrap();
        assert_eq!((buffer.as_ptr() as usize % 64, buffer[4], buffer[999]), (0, 3.0, 0.0));
    }

    #[test]
    fn too_much_memory_is_an_error() {
        let error = AlignedBuffer::zeros(usize::MAX / 64).err().unwrap();
        assert_eq!(error.code, ErrorCode::OutOfMemory);
    }

    #[test]
    fn planned_regions_are_disjoint_and_aligned() {
        let mut plan = Plan::default();
        let (a, b) = (plan.take(3), plan.take(20));
        let mut arena = AlignedBuffer::zeros(plan.length()).unwrap();
        let [first, second] = disjoint(&mut arena, [a, b]);
        assert_eq!((first.len(), second.len(), second.as_ptr() as usize % 64), (3, 20, 0));
    }

    #[cfg(address_sanitizer)]
    #[test]
    fn what_belongs_to_no_region_is_fenced() {
        let mut plan = Plan::default();
        let (a, b) = (plan.take(3), plan.take(20));
        let mut arena = AlignedBuffer::zeros(plan.length()).unwrap();
        disjoint(&mut arena, [a, b]);
        let forbidden: Vec<_> = (0..arena.len()).filter(|&at| fence::is_forbidden(&raw const arena[at])).collect();
        assert_eq!(forbidden, (3..32).chain(52..80).collect::<Vec<_>>());

        let mut buffer = AlignedBuffer::zeros(5).unwrap();
        assert!(!fence::is_forbidden(&raw const buffer[4]) && fence::is_forbidden(&raw const buffer[5]));
        buffer.grow(6).unwrap();
        assert!(!fence::is_forbidden(&raw const buffer[5]) && fence::is_forbidden(&raw const buffer[6]));
    }
}
