//! The router's threads that serve clients.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::counters::{Totals, WorkerCounters};
use super::generation::Generation;
use super::hub::{Event, Hub};
use super::worker::{self, WorkerCommand, WorkerSeed};

struct Thread {
    commands: UnboundedSender<WorkerCommand>,
    handle: JoinHandle<()>,
    /// Fails when the thread has ended.
    ended: oneshot::Receiver<()>,
    counters: Arc<WorkerCounters>,
}

/// The threads, and what all of them counted, those that left included.
#[derive(Default)]
pub(super) struct Threads {
    running: Vec<Thread>,
    /// Told to leave; they may still serve.
    leaving: Vec<Thread>,
    /// What those counted that are gone.
    past: Totals,
}

impl Threads {
    /// Sees to it that there are `count` threads, and has all of them serve `generation`. Each
    /// receiver hears from a thread that has done its part, or fails with the thread.
    pub(super) fn apply(
        &mut self,
        count: usize,
        generation: &Arc<Generation>,
        hub: &Arc<Hub>,
        tmpdir: &Path,
    ) -> Vec<oneshot::Receiver<()>> {
        self.forget_gone();
        let mut done = Vec::with_capacity(count);
        for thread in self.running.drain(count.min(self.running.len())..) {
            // It finishes what it serves and leaves; nobody waits for it.
            done.push(retire(&thread.commands));
            self.leaving.push(thread);
        }
        for thread in &self.running {
            done.push(give(&thread.commands, generation));
        }
        while self.running.len() < count {
            match self.spawn(generation, hub, tmpdir) {
                Ok(applied) => done.push(applied),
                Err(error) => {
                    crate::alert!("a router thread cannot be started: {error}");
                    break;
                }
            }
        }
        done
    }

    fn spawn(
        &mut self,
        generation: &Arc<Generation>,
        hub: &Arc<Hub>,
        tmpdir: &Path,
    ) -> std::io::Result<oneshot::Receiver<()>> {
        let (commands, commands_in) = unbounded_channel();
        let counters = Arc::new(WorkerCounters::default());
        let seed = WorkerSeed {
            commands: commands_in,
            counters: counters.clone(),
            index: self.running.len(),
            temp_path: tmpdir.to_owned(),
            hub: hub.clone(),
        };
        let applied = give(&commands, generation);
        let hub = hub.clone();
        let (lives, ended) = oneshot::channel();
        let handle = std::thread::Builder::new()
            .name("router".to_owned())
            .spawn(move || {
                let _lives: oneshot::Sender<()> = lives;
                let ended =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| worker::run(seed)));
                match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        crate::alert!("a router thread failed: {error}");
                        hub.ask(Event::ThreadLost);
                    }
                    // The panic itself is in the log.
                    Err(_) => hub.ask(Event::ThreadLost),
                }
            })?;
        self.running.push(Thread {
            commands,
            handle,
            ended,
            counters,
        });
        Ok(applied)
    }

    fn forget_gone(&mut self) {
        for thread in self
            .leaving
            .extract_if(.., |thread| thread.handle.is_finished())
        {
            let counted = Totals::of([&*thread.counters]);
            self.past.accepted += counted.accepted;
            // What it did not count any more as closed is closed.
            self.past.closed += counted.accepted;
            self.past.requests += counted.requests;
        }
    }

    /// The sums over all threads.
    pub(super) fn totals(&self) -> Totals {
        let threads = self.running.iter().chain(&self.leaving);
        let mut sum = Totals::of(threads.map(|thread| &*thread.counters));
        sum.accepted += self.past.accepted;
        sum.closed += self.past.closed;
        sum.requests += self.past.requests;
        sum
    }

    /// Has all threads leave when they have finished what they serve. Each receiver hears from a
    /// thread that has closed its listeners, or fails with the thread.
    pub(super) fn retire(&mut self) -> Vec<oneshot::Receiver<()>> {
        let retired = self.running.drain(..);
        let (threads, closed): (Vec<Thread>, Vec<_>) = retired
            .map(|thread| {
                let closed = retire(&thread.commands);
                (thread, closed)
            })
            .unzip();
        self.leaving.extend(threads);
        closed
    }

    /// Has the threads that leave give up what they still serve.
    pub(super) fn expire(&self) {
        for thread in &self.leaving {
            let _ = thread.commands.send(WorkerCommand::Expire);
        }
    }

    /// Ready when every thread that was told to leave is gone.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waits = |thread: &mut Thread| {
            !thread.ended.is_terminated() && Pin::new(&mut thread.ended).poll(cx).is_pending()
        };
        // Not `any`, which would leave the others without a waker.
        match self.leaving.iter_mut().map(waits).filter(|&w| w).count() {
            0 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Connections that are open.
    pub(super) fn open_connections(&self) -> u64 {
        let totals = self.totals();
        totals.accepted.saturating_sub(totals.closed)
    }

    /// Has all threads leave and waits for them.
    pub(super) fn quit(&mut self) {
        for thread in &self.running {
            let _ = thread.commands.send(WorkerCommand::Quit);
        }
        for thread in self.running.drain(..) {
            let _ = thread.handle.join();
        }
    }
}

fn retire(commands: &UnboundedSender<WorkerCommand>) -> oneshot::Receiver<()> {
    let (closed, heard) = oneshot::channel();
    let _ = commands.send(WorkerCommand::Retire(closed));
    heard
}

fn give(
    commands: &UnboundedSender<WorkerCommand>,
    generation: &Arc<Generation>,
) -> oneshot::Receiver<()> {
    let (applied, heard) = oneshot::channel();
    let _ = commands.send(WorkerCommand::Apply(generation.clone(), applied));
    heard
}
