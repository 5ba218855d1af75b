//! What wakes a listener, and when a wait ends.

use futures_util::FutureExt;
use tokio::runtime::Builder;

use super::*;
use crate::store::error::StoreError;

#[test]
fn a_listener_hears_of_each_commit_after_it_began() {
    let commits = CommitNotifier::new();
    let mut early = commits.listen();
    assert_eq!((early.first().now_or_never(), early.changed().now_or_never()), (None, None));
    commits.wake();
    assert_eq!(early.changed().now_or_never(), Some(true));
    assert_eq!(early.changed().now_or_never(), None, "of one commit once");
    let mut late = commits.listen();
    assert_eq!(late.first().now_or_never(), Some(true), "also of a commit before");
    assert_eq!(late.changed().now_or_never(), None);
    commits.wake();
    assert_eq!((early.changed().now_or_never(), late.changed().now_or_never()), (Some(true), Some(true)));
}

#[test]
fn the_end_ends_every_wait() {
    let commits = CommitNotifier::new();
    let mut listener = commits.listen();
    commits.end();
    assert_eq!((listener.first().now_or_never(), listener.changed().now_or_never()), (Some(false), Some(false)));
    commits.wake();
    assert_eq!(listener.changed().now_or_never(), Some(false), "nothing comes after the end");
    let mut listener = CommitNotifier::new().listen();
    assert_eq!((listener.first().now_or_never(), listener.changed().now_or_never()), (Some(false), Some(false)));
}

#[test]
fn a_wait_ends_when_there_is_enough() {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _guard = runtime.enter();
    let commits = CommitNotifier::new();
    // Each look finds one more, and there is a commit before the next. None: it still waits.
    let find = |count, limit| {
        let look = async |found: &mut Vec<()>| {
            found.push(());
            commits.wake();
            Ok::<_, StoreError>(())
        };
        let wait = WaitFor { time: Duration::from_hours(1), count };
        wait.find(commits.listen(), limit, look).now_or_never().map(|found| found.map(|found| found.len()))
    };
    assert_eq!(find(1, 9), Some(Ok(1)));
    assert_eq!(find(3, 9), Some(Ok(3)));
    assert_eq!(find(9, 2), Some(Ok(2)), "a page is full");
    commits.end();
    assert_eq!(find(3, 9), Some(Ok(1)), "nothing comes any more");
}

#[test]
fn a_wait_without_commits_goes_on_until_its_time() {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let commits = CommitNotifier::new();
    let wait =
        |time| WaitFor { time, count: 1 }.find(commits.listen(), 9, async |_: &mut Vec<()>| Ok::<_, StoreError>(()));
    let _guard = runtime.enter();
    assert_eq!(wait(Duration::from_hours(1)).now_or_never(), None);
    assert_eq!(runtime.block_on(wait(Duration::ZERO)), Ok(vec![]));
    assert_eq!(runtime.block_on(wait(Duration::from_millis(1))), Ok(vec![]));
}
