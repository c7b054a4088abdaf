//! The training data, chunk by chunk: which chunk comes when, the one that is there, and the order of its samples. Data that is
//! there as a whole is one chunk.

use super::dataset::Dataset;
use super::options::TrainingOptions;
use super::order::Order;
use super::position::Position;
use crate::random::{RandomStream, Stream};
use crate::{Error, ErrorCode, Result};

/// Most chunks.
const MAX_CHUNKS: usize = 1 << 20;

/// Words of the random stream that are an epoch's own, so that its order of chunks depends on no other's. More than a shuffle
/// of [`MAX_CHUNKS`] draws.
const WORDS_AN_EPOCH: u64 = 1 << 32;

/// Chunks of training data.
pub(super) struct Feed {
    seed: u32,
    order: Order,
    sizes: Vec<u32>,
    /// Of each chunk that has been there and may come again.
    fingerprints: Vec<Option<u64>>,
    loaded: Option<(u32, Dataset)>,
    /// The chunks in the order of an epoch, and which epoch that is.
    chunks: Vec<u32>,
    epoch: Option<u32>,
    /// The samples of the visited chunk, in the order of its batches.
    pub(super) samples: Vec<u32>,
}

impl Feed {
    pub(super) fn new(seed: u32, options: &TrainingOptions) -> Self {
        Self {
            seed,
            order: Order::new(options),
            sizes: Vec::new(),
            fingerprints: Vec::new(),
            loaded: None,
            chunks: Vec::new(),
            epoch: None,
            samples: Vec::new(),
        }
    }

    /// Says how many samples each chunk will have. Nothing of earlier data is left.
    pub(super) fn announce(&mut self, sizes: &[u32]) -> Result<()> {
        let refuse = |code, path: String, message: &str| Err(Error::new(code, path, message));
        if sizes.is_empty() || sizes.len() > MAX_CHUNKS {
            let message = format!("there are {} chunks: give at least one, at most {MAX_CHUNKS}", sizes.len());
            return refuse(ErrorCode::EmptyData, "sizes".to_owned(), &message);
        }
        if let Some(chunk) = sizes.iter().position(|&size| size == 0) {
            return refuse(ErrorCode::EmptyData, format!("sizes[{chunk}]"), "a chunk needs at least one sample");
        }
        self.sizes = sizes.to_vec();
        self.fingerprints = vec![None; sizes.len()];
        (self.loaded, self.epoch) = (None, None);
        Ok(())
    }

    /// Makes room for another chunk: before it is copied, so that no two are held. Data that is one chunk stays.
    pub(super) fn make_room(&mut self, chunk: u32) -> Result<()> {
        if chunk as usize >= self.sizes.len() {
            let message = format!("there is no chunk {chunk}: {} were announced", self.sizes.len());
            return Err(Error::new(ErrorCode::InvalidOption, "chunk", message));
        }
        self.loaded.take_if(|_| self.sizes.len() > 1);
        Ok(())
    }

    /// Takes a chunk in, which has to be as it was before.
    pub(super) fn take(&mut self, chunk: u32, data: Dataset) -> Result<()> {
        let (count, size) = (data.count(), self.sizes[chunk as usize]);
        if count != size as usize {
            let message = format!("chunk {chunk} has {count} samples, {size} were announced");
            return Err(Error::new(ErrorCode::ShapeMismatch, format!("sizes[{chunk}]"), message));
        }
        let known = &mut self.fingerprints[chunk as usize];
        if known.is_some_and(|known| known != data.fingerprint()) {
            let message = format!("chunk {chunk} is not what it was before: give the same data each time");
            return Err(Error::new(ErrorCode::InvalidOption, "data", message));
        }
        if self.sizes.len() > 1 {
            *known = Some(data.fingerprint());
        }
        self.loaded = Some((chunk, data));
        Ok(())
    }

    /// What tells each chunk that has been there from other data.
    pub(super) fn fingerprints(&self) -> Vec<Option<u64>> {
        let mut known = self.fingerprints.clone();
        if let Some((chunk, data)) = &self.loaded {
            known[*chunk as usize] = Some(data.fingerprint());
        }
        known
    }

    /// Takes over what was known of chunks that have not been here yet.
    pub(super) fn remember(&mut self, fingerprints: Vec<Option<u64>>) {
        for (mine, known) in self.fingerprints.iter_mut().zip(fingerprints) {
            *mine = mine.or(known);
        }
    }

    /// Samples of each chunk.
    pub(super) fn sizes(&self) -> &[u32] {
        &self.sizes
    }

    /// Whether the data comes in parts.
    pub(super) fn is_chunked(&self) -> bool {
        self.sizes.len() > 1
    }

    /// A chunk, if it is the one that is there.
    pub(super) fn chunk(&self, chunk: u32) -> Option<&Dataset> {
        self.loaded.as_ref().filter(|(loaded, _)| *loaded == chunk).map(|(_, data)| data)
    }

    /// Whichever chunk is there.
    pub(super) fn loaded(&self) -> Option<&Dataset> {
        self.loaded.as_ref().map(|(_, data)| data)
    }

    /// The chunk of a visit, if it is there, and its samples in their order.
    pub(super) fn visited(&self, chunk: u32) -> Option<(&Dataset, &[u32])> {
        self.chunk(chunk).map(|data| (data, &self.samples[..]))
    }

    /// Which chunk an epoch visits as its `visit`-th.
    pub(super) fn visit(&mut self, epoch: u32, visit: u32) -> u32 {
        if self.epoch != Some(epoch) {
            self.epoch = Some(epoch);
            let mut chunks = std::mem::take(&mut self.chunks);
            self.order_chunks(epoch, &mut chunks);
            self.chunks = chunks;
        }
        self.chunks[visit as usize]
    }

    /// The same of a feed that is only looked at.
    pub(super) fn chunk_of(&self, epoch: u32, visit: u32) -> u32 {
        let mut chunks = Vec::new();
        self.order_chunks(epoch, &mut chunks);
        chunks[visit as usize]
    }

    /// The chunks in the order of an epoch, which depends on nothing else.
    fn order_chunks(&self, epoch: u32, chunks: &mut Vec<u32>) {
        chunks.clear();
        chunks.extend(0..self.sizes.len() as u32);
        if self.order.shuffles() && self.is_chunked() {
            let place = u64::from(epoch) * WORDS_AN_EPOCH;
            RandomStream::at(self.seed, Stream::Chunks, place).shuffle(chunks);
        }
    }

    /// The chunk that the work at a position is done on, if any is.
    pub(super) fn at(&mut self, position: Position) -> Option<u32> {
        match position {
            Position::Scaling { chunk } => Some(chunk),
            Position::Training { epoch, visit, .. } => Some(self.visit(epoch, visit)),
            Position::Validation { .. } | Position::Finished { .. } => None,
        }
    }

    /// The chunk that is wanted after the one at a position, if there are several, and any is before `epochs` have ended.
    pub(super) fn after(&mut self, position: Position, epochs: u32) -> Option<u32> {
        let visits = self.sizes.len() as u32;
        let (epoch, visit) = match position {
            Position::Scaling { chunk } if chunk + 1 < visits => return Some(chunk + 1),
            Position::Scaling { .. } => (0, 0),
            Position::Training { epoch, visit, .. } if visit + 1 < visits => (epoch, visit + 1),
            Position::Training { epoch, .. } | Position::Validation { epoch, .. } => (epoch + 1, 0),
            Position::Finished { .. } => return None,
        };
        (visits > 1 && epoch < epochs).then(|| match visit {
            0 => self.chunk_of(epoch, 0),
            _ => self.visit(epoch, visit),
        })
    }

    /// Gets ready for the visit of a chunk: the order of its samples begins anew, unless it is the only one, whose order each
    /// epoch shuffles further.
    pub(super) fn begin_visit(&mut self, chunk: u32) {
        let size = self.sizes[chunk as usize];
        if self.is_chunked() || self.samples.len() != size as usize {
            self.samples.clear();
            self.samples.extend(0..size);
        }
        // What is not wanted next makes room at once.
        self.loaded.take_if(|(loaded, _)| *loaded != chunk);
    }

    /// Puts the samples of a chunk that is there into the order of the visit that begins.
    pub(super) fn arrange(&mut self, chunk: u32, random: &mut RandomStream) {
        if let Some((_, data)) = self.loaded.as_ref().filter(|(loaded, _)| *loaded == chunk) {
            self.order.arrange(&mut self.samples, random, |sample| data.length(sample as usize));
        }
    }
}
