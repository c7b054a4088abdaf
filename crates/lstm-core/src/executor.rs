//! Who runs the parts of a job: the calling thread, or a pool of threads. Parts write apart, so the bits are the same.

use crate::{Error, ErrorCode, Result};

/// Floating-point operations below which a job stays on one thread: waking another costs some microseconds.
const WORTH_A_THREAD: usize = 2_000_000;

/// Runs jobs that were cut into independent parts.
pub(crate) struct Executor {
    threads: usize,
    #[cfg(feature = "threads")]
    pool: Option<rayon::ThreadPool>,
}

impl Executor {
    /// An executor of `threads` threads, or of as many as the machine has cores.
    pub(crate) fn new(threads: Option<usize>) -> Result<Self> {
        let threads = threads.unwrap_or_else(available_threads);
        #[cfg(feature = "threads")]
        {
            let pool = (threads > 1)
                .then(|| rayon::ThreadPoolBuilder::new().num_threads(threads).build())
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

    /// Runs `job` for each part of `0..parts`, all at once where there are threads, and waits for the last.
    #[cfg_attr(not(feature = "threads"), expect(clippy::unused_self, reason = "the pool is there with threads only"))]
    pub(crate) fn run(&self, parts: usize, job: impl Fn(usize) + Sync) {
        #[cfg(feature = "threads")]
        if let Some(pool) = self.pool.as_ref().filter(|_| parts > 1) {
            let job = &job;
            pool.scope(|scope| {
                for part in 1..parts {
                    scope.spawn(move |_| job(part));
                }
                job(0);
            });
            return;
        }
        (0..parts).for_each(job);
    }
}

/// Threads that this build can use on this machine.
pub(crate) fn available_threads() -> usize {
    if cfg!(feature = "threads") { std::thread::available_parallelism().map_or(1, std::num::NonZero::get) } else { 1 }
}
