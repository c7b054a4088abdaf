//! Threads that wait for parts of jobs.
//!
//! A training step is some ten jobs of a fraction of a millisecond, with next to nothing between them. A thread that slept
//! after each would have to be woken for the next: that takes some 30 µs, and often ends on the waking thread's own core,
//! where it waits for what it was to help with. So a thread without work looks for more for a while before it sleeps.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle, park};

use super::waiting::Turns;

/// Turns of waiting before a thread without work sleeps: some 100 µs.
const TURNS_AWAKE: u32 = 500;

/// What a thread is asked to do: nothing, a part of a job, or to end.
const IDLE: u8 = 0;
const WORK: u8 = 1;
const STOP: u8 = 2;

type Job<'a> = &'a (dyn Fn(usize) + Sync);
type Panic = Box<dyn Any + Send>;

/// Threads beside the calling one.
pub(super) struct Pool {
    /// Locked while a job runs: there is one at a time.
    workers: Mutex<Vec<Worker>>,
}

impl Pool {
    pub(super) fn new(threads: usize) -> std::io::Result<Self> {
        let workers = (0..threads).map(|_| Worker::new()).collect::<std::io::Result<_>>()?;
        Ok(Self { workers: Mutex::new(workers) })
    }

    /// Runs part 0 of a job here and the others on threads of their own, all at once, and waits for the last.
    pub(super) fn run(&self, parts: usize, job: Job) {
        let workers = lock(&self.workers);
        let workers = &workers[..parts - 1];
        // SAFETY: the job outlives all uses of it: nothing between here and the last `finish` unwinds or returns.
        let lasting = unsafe { std::mem::transmute::<Job<'_>, Job<'static>>(job) };
        for (index, worker) in workers.iter().enumerate() {
            worker.start(lasting, index + 1);
        }
        let mut panic = catch_unwind(AssertUnwindSafe(|| job(0))).err();
        for worker in workers {
            panic = panic.or(worker.finish());
        }
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

struct Worker {
    seat: Arc<Seat>,
    thread: Option<JoinHandle<()>>,
}

/// Where a thread finds its work and leaves how it ended.
#[derive(Default)]
struct Seat {
    state: AtomicU8,
    work: Mutex<Option<(Job<'static>, usize)>>,
    panic: Mutex<Option<Panic>>,
}

impl Worker {
    fn new() -> std::io::Result<Self> {
        let seat = Arc::new(Seat::default());
        let thread = Builder::new().name("gatewise".into()).spawn({
            let seat = Arc::clone(&seat);
            move || seat.serve()
        })?;
        Ok(Self { seat, thread: Some(thread) })
    }

    fn start(&self, job: Job<'static>, part: usize) {
        *lock(&self.seat.work) = Some((job, part));
        self.tell(WORK);
    }

    /// Waits until the thread's part is done, and gives its panic if it had one.
    fn finish(&self) -> Option<Panic> {
        let mut turns = Turns::default();
        while self.seat.state.load(Ordering::Acquire) != IDLE {
            turns.wait();
        }
        lock(&self.seat.panic).take()
    }

    fn tell(&self, state: u8) {
        self.seat.state.store(state, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.tell(STOP);
        if let Some(thread) = self.thread.take() {
            // It catches every panic of its jobs.
            let _ = thread.join();
        }
    }
}

impl Seat {
    /// A thread's whole life.
    fn serve(&self) {
        while self.awaits_work() {
            if let Some((job, part)) = lock(&self.work).take() {
                *lock(&self.panic) = catch_unwind(AssertUnwindSafe(|| job(part))).err();
            }
            self.state.store(IDLE, Ordering::Release);
        }
    }

    /// Waits for work. False if there will be no more.
    fn awaits_work(&self) -> bool {
        let mut turns = Turns::default();
        loop {
            match self.state.load(Ordering::Acquire) {
                WORK => return true,
                STOP => return false,
                _ if turns.wait() < TURNS_AWAKE => {}
                _ => park(),
            }
        }
    }
}

/// Locks what no panic leaves half-written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::thread::{current, sleep};
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_part_runs_once_on_a_thread_of_its_own_awake_or_asleep() {
        let pool = Pool::new(3).unwrap();
        for round in 0..100 {
            let parts = 2 + round % 3;
            let threads = Mutex::new(vec![None; parts]);
            pool.run(parts, &|part| {
                let before = threads.lock().unwrap()[part].replace(current().id());
                assert_eq!(before, None, "part {part} ran twice");
            });
            let mut threads: Vec<_> = threads.into_inner().unwrap().into_iter().map(Option::unwrap).collect();
            assert_eq!(threads[0], current().id());
            threads.sort_by_key(|id| format!("{id:?}"));
            threads.dedup();
            assert_eq!(threads.len(), parts);
            if round % 20 == 0 {
                sleep(Duration::from_millis(5));
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_after_all_parts_have_ended_and_the_pool_goes_on() {
        let pool = Pool::new(2).unwrap();
        for panicking in 0..3 {
            let ended = AtomicUsize::new(0);
            let result = catch_unwind(AssertUnwindSafe(|| {
                pool.run(3, &|part| {
                    assert_ne!(part, panicking, "as it should");
                    sleep(Duration::from_millis(2));
                    ended.fetch_add(1, Ordering::Relaxed);
                });
            }));
            assert!(result.is_err());
            assert_eq!(ended.load(Ordering::Relaxed), 2);
        }
        let ran = AtomicUsize::new(0);
        pool.run(3, &|_| {
            ran.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(ran.load(Ordering::Relaxed), 3);
    }
}
