//! How threads wait for each other.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Turns of a waiting loop before the thread offers its core to others: some microseconds, more than the other parts of
/// a job need if they are running. Where there are fewer cores than threads, each turn more is lost time.
const SPINS: u32 = 200;

/// A waiting loop's turns so far.
#[derive(Default)]
pub(super) struct Turns(u32);

impl Turns {
    /// One turn of waiting. Gives how many there have been.
    pub(super) fn wait(&mut self) -> u32 {
        self.0 = self.0.saturating_add(1);
        if self.0 < SPINS {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
        self.0
    }
}

/// Where the parts of a job wait for each other between two steps.
pub(crate) struct Barrier {
    parts: usize,
    arrived: AtomicUsize,
    rounds: AtomicUsize,
}

impl Barrier {
    pub(crate) fn new(parts: usize) -> Self {
        Self { parts, arrived: AtomicUsize::new(0), rounds: AtomicUsize::new(0) }
    }

    /// Waits until every part has come here as often as this one. What they wrote before is then seen by all.
    pub(crate) fn wait(&self) {
        let round = self.rounds.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.parts {
            self.arrived.store(0, Ordering::Relaxed);
            self.rounds.store(round.wrapping_add(1), Ordering::Release);
            return;
        }
        let mut turns = Turns::default();
        while self.rounds.load(Ordering::Acquire) == round {
            turns.wait();
        }
    }
}
