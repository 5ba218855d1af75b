//! What a commit does besides its answers: who is woken, what is counted, and when facts count as changed.

use futures_util::FutureExt;
use prometheus_client::{encoding::text, registry::Registry};
use rstest::rstest;

use super::*;
use crate::store::refusals::pending::PendingRefusals;

/// A writer, and what it notifies.
struct Watched {
    harness: Harness,
    generation: Generation,
    commits: CommitNotifier,
    outbox_changes: CommitNotifier,
    metrics: StoreMetrics,
}

impl Watched {
    fn new() -> Self {
        let (generation, metrics) = (Generation::default(), StoreMetrics::default());
        let (commits, outbox_changes) = (CommitNotifier::new(), CommitNotifier::new());
        let listeners = CommitListeners {
            file: None,
            generation: generation.clone(),
            commits: commits.clone(),
            outbox_changes: outbox_changes.clone(),
            refusals: PendingRefusals::default(),
            metrics: metrics.clone(),
        };
        Self { harness: Harness::with(8, listeners), generation, commits, outbox_changes, metrics }
    }

    /// Runs a job in a batch of its own. Returns the generation that it has seen.
    async fn run(&self, effect: CommitEffect) -> u64 {
        let job = self.harness.submitter.submit(move |batch| Ok::<_, StoreError>((batch.generation, effect)));
        job.await.expect("a commit")
    }

    /// The counts of commits, and the sum of their jobs.
    fn counted(&self) -> (String, String) {
        let mut registry = Registry::default();
        registry.register("jobs", "", self.metrics.batch_jobs.clone());
        registry.register("seconds", "", self.metrics.commit_seconds.clone());
        let mut text = String::new();
        text::encode(&mut text, &registry).expect("text");
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.expect("a line").trim().to_owned()
        };
        assert_eq!(value("jobs_count"), value("seconds_count"));
        (value("jobs_count"), value("jobs_sum"))
    }
}

#[rstest]
#[case(CommitEffect::Nothing, false, false, 0, "0")]
#[case(CommitEffect::Record, true, false, 0, "1")]
#[case(CommitEffect::Queued, true, true, 0, "1")]
#[case(CommitEffect::Facts, false, true, 1, "1")]
fn an_effect_wakes_whom_it_concerns(
    #[case] effect: CommitEffect,
    #[case] wakes_readers: bool,
    #[case] wakes_deliveries: bool,
    #[case] raises: u64,
    #[case] counted: &str,
) {
    run(async {
        let watched = Watched::new();
        // The first batch of a process counts as after a change by another.
        let first = watched.run(CommitEffect::Nothing).await;
        let (mut readers, mut deliveries) = (watched.commits.listen(), watched.outbox_changes.listen());
        assert_eq!(watched.run(effect).await, first, "nothing has changed in between");
        watched.harness.writer.finish();
        assert_eq!(readers.changed().now_or_never().is_some(), wakes_readers);
        assert_eq!(deliveries.changed().now_or_never().is_some(), wakes_deliveries);
        assert_eq!(watched.generation.current(), first + raises);
        assert_eq!(watched.counted().0, counted);
    });
}

#[test]
fn a_change_by_another_process_raises_the_generation_once() {
    run(async {
        let watched = Watched::new();
        let first = watched.run(CommitEffect::Record).await;
        assert_eq!(watched.run(CommitEffect::Record).await, first);
        let other = Connection::open(watched.harness.folder.path().join("test.db")).expect("a connection");
        other.execute("insert into client (id) values (1)", []).expect("a row");
        assert_eq!(watched.run(CommitEffect::Record).await, first + 1);
        assert_eq!(watched.run(CommitEffect::Record).await, first + 1);
        watched.harness.writer.finish();
    });
}

/// Jobs of one batch: each sees whether an earlier one has changed facts, and all share a commit.
#[test]
fn a_job_sees_the_changes_of_its_batch() {
    run(async {
        let watched = Watched::new();
        let gate = watched.harness.gate().await;
        let mut jobs = Vec::new();
        for effect in [CommitEffect::Record, CommitEffect::Facts, CommitEffect::Nothing] {
            let submitter = watched.harness.submitter.clone();
            jobs.push(spawn_local(async move {
                submitter.submit(move |batch| Ok::<_, StoreError>((batch.generation, effect))).await
            }));
            yield_now().await;
        }
        gate.open().await;
        let mut seen = Vec::new();
        for job in jobs {
            seen.push(job.await.expect("no panic").expect("a commit"));
        }
        watched.harness.writer.finish();
        let before = seen[0];
        assert_eq!(seen, [before, before, u64::MAX]);
        assert_eq!(watched.generation.current(), before + 1);
        assert_eq!(watched.counted(), ("1".to_owned(), "4.0".to_owned()), "with the gate's job");
    });
}

/// A job that failed after it had written something takes its whole batch back. The jobs after it do not run.
#[test]
fn a_batch_that_is_given_up_leaves_nothing() {
    run(async {
        let watched = Watched::new();
        let harness = &watched.harness;
        let (mut readers, mut deliveries) = (watched.commits.listen(), watched.outbox_changes.listen());
        let gate = harness.gate().await;
        let first = harness.submit(CommitEffect::Queued, insert_client(1)).await;
        let submitter = harness.submitter.clone();
        let failing = spawn_local(async move {
            submitter
                .submit(|batch| {
                    insert_client(2)(batch.connection)?;
                    batch.give_up();
                    Err::<((), _), _>(StoreError::conflict("no"))
                })
                .await
        });
        yield_now().await;
        let last = harness.submit(CommitEffect::Record, insert_client(3)).await;
        gate.open().await;
        assert!(failing.await.expect("no panic").is_err());
        for lost in [first, last] {
            assert!(lost.await.expect("no panic").is_err());
        }
        assert_eq!(harness.clients(), [0; 0]);
        assert_eq!((readers.changed().now_or_never(), deliveries.changed().now_or_never()), (None, None));
        assert_eq!(watched.counted().0, "0", "nothing was committed");
        let next = harness.submit(CommitEffect::Record, insert_client(4)).await;
        assert_eq!(next.await.expect("no panic"), Ok(()));
        assert_eq!(harness.clients(), [4]);
        harness.writer.finish();
    });
}

/// Whatever a refusal has seen of its batch, it waits for the commit.
#[rstest]
fn a_refusal_waits_for_what_it_saw(#[values(CommitEffect::Facts, CommitEffect::Queued)] effect: CommitEffect) {
    run(async {
        let harness = Harness::new(8);
        let gate = harness.gate().await;
        // The constraint fails only at the commit.
        let sql = "pragma defer_foreign_keys = on; insert into form_channel (form_id, channel_id) values (1, 1)";
        let change = harness.submit(effect, |connection| Ok(connection.execute_batch(sql)?)).await;
        let refusal = harness.submit(CommitEffect::Nothing, |_| Ok(())).await;
        gate.open().await;
        assert!(change.await.expect("no panic").is_err());
        assert!(refusal.await.expect("no panic").is_err());
        let other = Connection::open(harness.folder.path().join("test.db")).expect("a connection");
        assert_eq!(other.execute_batch("begin immediate"), Ok(()), "a failed commit holds no lock");
        drop(other);
        harness.writer.finish();
    });
}

#[test]
fn a_writer_that_has_stopped_takes_no_job() {
    run(async {
        let harness = Harness::new(8);
        assert_eq!(harness.submitter.submit_and_forget(|batch| insert_client(1)(batch.connection)), Ok(()));
        harness.writer.finish();
        assert_eq!(harness.clients(), [1], "a job that nobody waits for is committed, too");
        let refused = Err(StoreError::Busy("the writer has stopped".to_owned()));
        assert_eq!(harness.submitter.submit_and_forget(|_| Ok(())), refused);
        let change = harness.submitter.change(CommitEffect::Record, |_| Ok(())).await;
        assert_eq!(change, refused);
    });
}
