//! The queue of deliveries: each channel has few in flight, so that a slow or dead gateway delays no other channel.
//!
//! Only what is in flight is kept in memory, so a crash leaves nothing to recover: a delivery without a recorded outcome is still
//! pending in the file, and due.

use std::{
    collections::HashMap,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinSet,
    time::sleep,
};
use tracing::{info, warn};

use crate::delivery::{
    client::{DeliveryClient, GatewayAnswer, TryResult},
    failures::Failures,
    schedule,
};
use crate::{
    store::{
        Store,
        directory::Gateway,
        error::StoreError,
        outbox::{ChannelWork, DeliveryOutcome, DueDelivery, DueWork},
    },
    survey::{
        ids::{ChannelId, SendingId},
        time::Time,
    },
};

/// How many deliveries of one channel are in flight at once.
const IN_FLIGHT: usize = 4;

/// The same after a failure: one is enough to find out when the gateway is back.
const IN_FLIGHT_OF_FAILING: usize = 1;

/// How long the queue waits at most before it reads the file again: another process (`surveyd apply`) may have given a channel
/// an address.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// How long to wait before a read or write of the file is tried again.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(500);

/// Limits the threads that wait for gateways, of all channels and databases of the program together. A gateway that does not
/// answer takes at most four of them, and one once it has failed.
static THREADS: Semaphore = Semaphore::const_new(256);

/// Limits how many of these threads are of pings, so that pings delay no delivery.
static PINGS: Semaphore = Semaphore::const_new(16);

/// What is in flight in one channel.
#[derive(Clone, Default)]
struct ChannelQueue {
    in_flight: Vec<SendingId>,
    has_failed: bool,
}

impl ChannelQueue {
    fn room(&self) -> usize {
        let most = if self.has_failed { IN_FLIGHT_OF_FAILING } else { IN_FLIGHT };
        most.saturating_sub(self.in_flight.len())
    }
}

/// A try whose outcome is recorded.
struct Done {
    channel: ChannelId,
    id: SendingId,
    outcome: DeliveryOutcome,
    description: String,
}

/// Delivers what is sent in a database, on the calling thread's `LocalSet`, until the database ends.
pub(crate) async fn run(store: Rc<Store>, client: DeliveryClient) {
    let (channels, failures, tries) = (HashMap::new(), Failures::default(), JoinSet::new());
    DeliveryQueue { store, client, channels, failures, tries }.run().await;
}

struct DeliveryQueue {
    store: Rc<Store>,
    client: DeliveryClient,
    channels: HashMap<ChannelId, ChannelQueue>,
    failures: Failures,
    tries: JoinSet<Done>,
}

impl DeliveryQueue {
    async fn run(&mut self) {
        let mut wakes = self.store.listen_for_deliveries();
        if let Err(error) = self.report_failing().await {
            warn!(%error, "the deliveries of before the start cannot be read");
        }
        loop {
            let pause = match self.start_due().await {
                Ok(next) => self.until(next),
                Err(error) => {
                    warn!(%error, "the due deliveries cannot be read");
                    PAUSE_AFTER_ERROR
                }
            };
            tokio::select! {
                goes_on = wakes.changed() => if !goes_on { return },
                Some(done) = self.tries.join_next() => self.on_done(done.ok()),
                () = sleep(pause) => {}
            }
            while let Some(done) = self.tries.try_join_next() {
                self.on_done(done.ok());
            }
        }
    }

    /// Reports the channels whose last try failed before the start. Their next success is a recovery, too.
    async fn report_failing(&mut self) -> Result<(), StoreError> {
        for channel in self.store.channel_deliveries().await? {
            if let Some(since) = channel.failing_since
                && self.failures.failed(channel.channel, Instant::now())
            {
                self.channels.entry(channel.channel).or_default().has_failed = true;
                let (channel, result) = (channel.channel.0, channel.last_result);
                warn!(channel, %since, result, "the gateway of this channel was failing before the start");
            }
        }
        Ok(())
    }

    /// Starts the tries that are due, as far as there is room; returns when the next delivery is due.
    async fn start_due(&mut self) -> Result<Option<Time>, StoreError> {
        let channels = self.channels.clone();
        let room = move |channel| {
            channels.get(&channel).map_or((IN_FLIGHT, Vec::new()), |queue| (queue.room(), queue.in_flight.clone()))
        };
        let DueWork { channels, has_ended_secret, next } = self.store.due(room).await?;
        for ChannelWork { channel, gateway, due } in channels {
            let Some(gateway) = gateway else {
                self.store.cancel(channel).await?;
                // There may be more than one step cancels.
                return Ok(Some(self.store.now()));
            };
            for due in due {
                self.channels.entry(channel).or_default().in_flight.push(due.sending_id);
                let (store, client, gateway) = (Rc::clone(&self.store), self.client.clone(), gateway.clone());
                self.tries.spawn_local(async move { deliver(&store, client, channel, gateway, due).await });
            }
        }
        if has_ended_secret {
            self.store.remove_ended_secrets().await?;
        }
        Ok(next)
    }

    fn until(&self, next: Option<Time>) -> Duration {
        let ms = next.map(|next| next.0.saturating_sub(self.store.now().0).max(0));
        ms.map_or(MAX_PAUSE, |ms| Duration::from_millis(ms.unsigned_abs()).min(MAX_PAUSE))
    }

    fn on_done(&mut self, done: Option<Done>) {
        // None is a try that panicked. It stays in flight, for it would panic again.
        let Some(Done { channel, id, outcome, description }) = done else { return };
        let has_failed = !matches!(outcome, DeliveryOutcome::Delivered);
        match outcome {
            DeliveryOutcome::Delivered if self.failures.succeeded(channel) => {
                info!(channel = channel.0, "the gateway of this channel accepts deliveries again");
            }
            DeliveryOutcome::Failed(_) if self.failures.failed(channel, Instant::now()) => {
                let (channel, sending_id) = (channel.0, id.0);
                warn!(channel, sending_id, result = description, "the gateway of this channel is failing");
            }
            // A channel that is switched off is reported where it is.
            DeliveryOutcome::Delivered | DeliveryOutcome::Failed(_) | DeliveryOutcome::Gone(..) => {}
        }
        let queue = self.channels.entry(channel).or_default();
        queue.in_flight.retain(|other| *other != id);
        queue.has_failed = has_failed;
        if queue.in_flight.is_empty() && !has_failed {
            self.channels.remove(&channel);
        }
    }
}

/// Makes one try, and records its outcome.
async fn deliver(
    store: &Store,
    client: DeliveryClient,
    channel: ChannelId,
    gateway: Gateway,
    due: DueDelivery,
) -> Done {
    let DueDelivery { sending_id: id, webhook_id, body, tries } = due;
    let url = gateway.url.clone();
    let TryResult { answer, description } = try_once(client, gateway, webhook_id, body).await;
    let outcome = match answer {
        GatewayAnswer::Accepted => DeliveryOutcome::Delivered,
        GatewayAnswer::Gone => DeliveryOutcome::Gone(channel, url),
        GatewayAnswer::Failed(retry_after) => {
            let wait = schedule::next(tries + 1, retry_after, getrandom::u64().unwrap_or_default());
            let next = wait.and_then(|wait| store.now().plus(i64::try_from(wait.as_millis()).ok()?));
            if next.is_none() {
                warn!(
                    channel = channel.0,
                    sending_id = id.0,
                    result = description,
                    "a delivery has failed for the last time"
                );
            }
            DeliveryOutcome::Failed(next)
        }
    };
    // It stays in flight until the outcome is recorded: otherwise it would be delivered again.
    let is_switched_off = loop {
        match store.record_outcome(channel, id, outcome.clone(), description.clone()).await {
            Ok(is_switched_off) => break is_switched_off,
            Err(error) => {
                warn!(channel = channel.0, sending_id = id.0, %error, "the outcome of a delivery cannot be recorded");
                sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    };
    if is_switched_off {
        let (channel, sending_id) = (channel.0, id.0);
        warn!(channel, sending_id, "the gateway answered 410 Gone; the deliveries of this channel are switched off");
    }
    Done { channel, id, outcome, description }
}

/// Makes one try, once there is room for its thread.
async fn try_once(client: DeliveryClient, gateway: Gateway, webhook_id: String, body: String) -> TryResult {
    match THREADS.acquire().await {
        Ok(permit) => try_on_thread(permit, client, gateway, webhook_id, body).await,
        Err(_) => failed("the program ends".to_owned()),
    }
}

/// Makes one try at once. None if as many pings or tries as may be wait for their gateways.
pub(crate) async fn ping(
    client: DeliveryClient,
    gateway: Gateway,
    webhook_id: String,
    body: String,
) -> Option<TryResult> {
    let permits = (PINGS.try_acquire().ok()?, THREADS.try_acquire().ok()?);
    Some(try_on_thread(permits, client, gateway, webhook_id, body).await)
}

fn failed(description: String) -> TryResult {
    TryResult { answer: GatewayAnswer::Failed(None), description }
}

/// Makes one try on a thread of its own, which may take its time: nothing else waits for it, not even the end of the program.
/// The thread keeps its permits, also when the caller goes.
async fn try_on_thread(
    permits: impl Send + 'static,
    client: DeliveryClient,
    gateway: Gateway,
    webhook_id: String,
    body: String,
) -> TryResult {
    let (sender, tried) = oneshot::channel();
    let run = move || {
        // The task that waited may have ended with the program.
        let _ = sender.send(client.deliver(&gateway, &webhook_id, &body));
        drop(permits);
    };
    match std::thread::Builder::new().name("delivery".to_owned()).spawn(run) {
        Ok(_) => tried.await.unwrap_or_else(|_| failed("the try ended by a defect of ours".to_owned())),
        Err(error) => failed(format!("there is no thread for it: {error}")),
    }
}
