//! Who runs the parts of a job: the calling thread and a pool of others. Parts write apart, so the bits are the same.

#[cfg(feature = "threads")]
mod pool;
mod waiting;

use crate::{Error, ErrorCode, Result};

pub(crate) use waiting::Barrier;

/// Floating-point operations a thread, some 50 µs of them: waking another takes about 10 µs.
const WORTH_A_THREAD: usize = 5_000_000;

/// Runs jobs that were cut into independent parts.
pub(crate) struct Executor {
    threads: usize,
    #[cfg(feature = "threads")]
    pool: Option<pool::Pool>,
}

impl Executor {
    /// An executor of `threads` threads, or of as many as the machine has cores.
    pub(crate) fn new(threads: Option<usize>) -> Result<Self> {
        let threads = threads.unwrap_or_else(available_threads);
        #[cfg(feature = "threads")]
        {
            // The calling thread is one of them.
            let pool = (threads > 1)
                .then(|| pool::Pool::new(threads - 1))
                .transpose()
                .map_err(|error| Error::new(ErrorCode::OutOfMemory, "threads", format!("no threads: {error}")))?;
            Ok(Self { threads, pool })
        }
        #[cfg(not(feature = "threads"))]
        if threads == 1 {
            Ok(Self { threads })
        } else {
            let message = format!("this build runs on 1 thread, not on {threads}; leave `threads` out");
            Err(Error::new(ErrorCode::InvalidOption, "threads", message))
        }
    }

    /// Threads that jobs may use.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Parts that a job of `operations` floating-point operations is worth cutting into.
    pub(crate) fn parts(&self, operations: usize) -> usize {
        (operations / WORTH_A_THREAD + 1).min(self.threads)
    }

    /// Runs `job` for each part of `0..parts`, which is at most [`threads`](Self::threads), and waits for the last. All
    /// parts run at the same time, each on a thread of its own, so that they may wait for each other.
    pub(crate) fn run(&self, parts: usize, job: impl Fn(usize) + Sync) {
        debug_assert!(parts <= self.threads);
        #[cfg(feature = "threads")]
        if let Some(pool) = self.pool.as_ref().filter(|_| parts > 1) {
            pool.run(parts, &job);
            return;
        }
        (0..parts).for_each(job);
    }
}

/// Threads that this build can use on this machine.
pub(crate) fn available_threads() -> usize {
    if cfg!(feature = "threads") { std::thread::available_parallelism().map_or(1, std::num::NonZero::get) } else { 1 }
}
