//! Background work: one thread that delivers, indexes and deletes, started with the server and ended with it. HTTP workers may
//! die and be replaced meanwhile.

use std::{io, rc::Rc, sync::Arc, thread, time::Duration};

use tokio::{
    runtime::Builder,
    sync::{mpsc, oneshot},
    task::{LocalSet, spawn_local},
    time::sleep,
};
use tracing::{error, info, warn};

use crate::{
    delivery::{client::DeliveryClient, queue},
    store::{
        Database, Store,
        erasure_completion::{OutstandingErasures, Patience},
        retention::Retention,
    },
};

/// How long a task that panicked waits before it starts again.
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(10);

/// How long a refusal is in memory at most.
const REFUSALS_PAUSE: Duration = Duration::from_mins(1);

/// How often new sends are looked for that can be indexed, while there are new sends.
const INDEX_PAUSE: Duration = Duration::from_secs(10);

/// How often erasures are looked for that are not complete: a command may have made them.
const ERASURES_PAUSE: Duration = Duration::from_secs(10);

/// How often it is tried to complete them.
const OUTSTANDING_ERASURES_PAUSE: Duration = Duration::from_secs(1);

/// Starts a task; runs on the background thread, inside its `LocalSet`.
type Start = Box<dyn FnOnce() + Send>;

/// The background thread; ended when it is dropped.
pub(crate) struct Background {
    handle: BackgroundHandle,
    /// Taken by the thread.
    starts: Option<mpsc::UnboundedReceiver<Start>>,
    thread: Option<(oneshot::Sender<()>, thread::JoinHandle<()>)>,
}

/// A way to start tasks on the background thread.
#[derive(Clone)]
pub(crate) struct BackgroundHandle(mpsc::UnboundedSender<Start>);

impl Background {
    /// Without a thread yet: tasks wait for [`Background::start`].
    pub(crate) fn new() -> Self {
        let (sender, starts) = mpsc::unbounded_channel();
        Self { handle: BackgroundHandle(sender), starts: Some(starts), thread: None }
    }

    pub(crate) fn handle(&self) -> &BackgroundHandle {
        &self.handle
    }

    /// Starts the thread, and the tasks that wait for it.
    ///
    /// Errors: the system gives no thread.
    pub(crate) fn start(&mut self) -> io::Result<()> {
        let Some(mut starts) = self.starts.take() else { return Ok(()) };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("background".to_owned()).spawn(move || {
            let tasks = LocalSet::new();
            let start_all = async {
                while let Some(start) = starts.recv().await {
                    start();
                }
            };
            let run = tasks.run_until(async {
                tokio::select! {
                    () = start_all => {}
                    // Stopped, or dropped with the server.
                    _ = stopped => {}
                }
            });
            runtime.block_on(run);
            // Tasks end where they wait. A delivery that is being tried stays due in the file.
            drop(tasks);
            runtime.shutdown_background();
        })?;
        self.thread = Some((stop, thread));
        Ok(())
    }

    /// Ends every task, and waits for the thread.
    pub(crate) fn stop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            let _ = stop.send(());
            if thread.join().is_err() {
                error!("the background thread has panicked");
            }
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
    }
}

impl BackgroundHandle {
    /// Delivers what is sent in a new database, from its first delivery until it ends. `database` yields it from its owner, which
    /// lives as long.
    pub(crate) fn deliver<O: Send + Sync + 'static>(
        &self,
        owner: Arc<O>,
        database: fn(&O) -> &Database,
        client: DeliveryClient,
    ) {
        self.start(move || {
            keep_running("deliveries", move || {
                let (client, owner) = (client.clone(), Arc::clone(&owner));
                async move {
                    // Not opened before: most worlds of a fake never have a delivery.
                    if database(&owner).may_have_deliveries().await {
                        queue::run(Rc::new(database(&owner).store()), client).await;
                    }
                }
            });
        });
    }

    /// Does the background work of a server's database until it ends. Deletes old rows now, and again each time that
    /// `sweep_pause` has passed.
    pub(crate) fn maintain(
        &self,
        database: Arc<Database>,
        client: DeliveryClient,
        retention: Retention,
        sweep_pause: Duration,
    ) {
        self.start(move || {
            // One for all tasks: each has a connection to the file, which takes memory and a part of the start.
            let store = Rc::new(database.store());
            let of = || Rc::clone(&store);
            let (deliveries, index, erasures, refusals, sweeps) = (of(), of(), of(), of(), of());
            keep_running("deliveries", move || queue::run(Rc::clone(&deliveries), client.clone()));
            keep_running("index", move || index_sends(Rc::clone(&index)));
            keep_running("erasures", move || complete_erasures(Rc::clone(&erasures)));
            keep_running("refusals", move || write_refusals(Rc::clone(&refusals)));
            if retention != Retention::default() {
                keep_running("retention", move || sweep(Rc::clone(&sweeps), retention, sweep_pause));
            }
        });
    }

    fn start(&self, start: impl FnOnce() + Send + 'static) {
        // The thread ends with the server, and then there is nothing to start any more.
        let _ = self.0.send(Box::new(start));
    }
}

/// Runs a task until it ends. One that panics starts again: a defect of ours must not stop it for good.
fn keep_running<F: Future<Output = ()> + 'static>(name: &'static str, make: impl Fn() -> F + 'static) {
    spawn_local(async move {
        while let Err(ended) = spawn_local(make()).await {
            error!(%ended, "{name} start again after a panic");
            sleep(PAUSE_AFTER_PANIC).await;
        }
    });
}

/// Writes refusals once a minute.
async fn write_refusals(store: Rc<Store>) {
    loop {
        sleep(REFUSALS_PAUSE).await;
        if let Err(error) = store.write_refusals().await {
            warn!(%error, "the refusals of the last minute are not kept");
        }
    }
}

/// Fills the index of the sends after them, until the database ends.
async fn index_sends(store: Rc<Store>) {
    let mut commits = store.listen();
    loop {
        if let Err(error) = store.index_sends().await {
            warn!(%error, "the index of the sends cannot be filled; the next try comes after the next send");
        }
        if !commits.changed().await {
            return;
        }
        sleep(INDEX_PAUSE).await;
    }
}

/// Completes erasures as soon as the log can be emptied.
async fn complete_erasures(store: Rc<Store>) {
    // What was logged last.
    let (mut outstanding, mut has_failed) = (0, false);
    loop {
        match store.complete_erasures(Patience::None).await {
            Ok(OutstandingErasures { count, .. }) => {
                match (outstanding, count) {
                    (0, 1..) => warn!(
                        erasures = count,
                        "the log of the database still holds data of erased clients: a program has been reading the database all the time; end it, or let it read in shorter transactions"
                    ),
                    (1.., 0) => info!("the log of the database is emptied: all erasures are complete"),
                    _ => {}
                }
                (outstanding, has_failed) = (count, false);
            }
            Err(error) if !has_failed => {
                warn!(%error, "it is not known whether all erasures are complete; the next try comes later");
                has_failed = true;
            }
            Err(_) => {}
        }
        sleep(if outstanding > 0 { OUTSTANDING_ERASURES_PAUSE } else { ERASURES_PAUSE }).await;
    }
}

async fn sweep(store: Rc<Store>, retention: Retention, pause: Duration) {
    loop {
        if let Err(error) = store.sweep(retention).await {
            warn!(%error, "old rows cannot be deleted; the next try comes later");
        }
        sleep(pause).await;
    }
}
