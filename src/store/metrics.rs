//! Metrics of a database: the jobs that wait for its writer, its commits, the results of deliveries, the sizes of its files.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};
use serde::Serialize;

use crate::{
    store::file::sidecar,
    survey::{gateway::DeliveryState, ids::ChannelId},
    unix::free_bytes,
};

/// Upper bounds of commit times: from a disk that does not sync to the patience of a caller.
const COMMIT_SECONDS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 3.0];

/// Upper bounds of how many jobs share a commit; the last is the limit of a batch.
const BATCH_JOBS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// The counters; clones count together.
#[derive(Clone)]
pub(super) struct StoreMetrics {
    /// Jobs that wait for the writer. Counted here: a channel does not know its length.
    pub(super) waiting: Gauge,
    /// How many may wait.
    pub(super) queue_limit: usize,
    /// How long commits took that wrote something: the disk's share of the time that a send waits.
    pub(super) commit_seconds: Histogram,
    /// How many jobs shared each of those commits.
    pub(super) batch_jobs: Histogram,
    pub(super) tries: Tries,
}

/// Tries of deliveries, by channel and by the delivery's state after the try.
#[derive(Clone, Default)]
pub(super) struct Tries(Family<TryLabels, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TryLabels {
    channel: i64,
    state: &'static str,
}

/// The tries of a channel since the server was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TriesSinceStart {
    pub(crate) delivered: u64,
    pub(crate) failed_tries: u64,
}

impl Tries {
    fn of(&self, channel: ChannelId, state: DeliveryState) -> Counter {
        self.0.get_or_create_owned(&TryLabels { channel: channel.0, state: state.as_str() })
    }

    pub(super) fn count(&self, channel: ChannelId, state: DeliveryState) {
        self.of(channel, state).inc();
    }

    /// All of a channel at 0: an alert cannot watch for a counter that appears only when it first counts.
    pub(super) fn begin(&self, channel: ChannelId) {
        for state in DeliveryState::OF_DELIVERIES {
            self.of(channel, state);
        }
    }

    /// How many there were in a channel.
    pub(super) fn since_start(&self, channel: ChannelId) -> TriesSinceStart {
        let [pending, delivered, dead, cancelled] =
            DeliveryState::OF_DELIVERIES.map(|state| self.of(channel, state).get());
        TriesSinceStart { delivered, failed_tries: pending + dead + cancelled }
    }

    pub(super) fn family(&self) -> &Family<TryLabels, Counter> {
        &self.0
    }
}

impl Default for StoreMetrics {
    fn default() -> Self {
        Self {
            waiting: Gauge::default(),
            queue_limit: 0,
            commit_seconds: Histogram::new(COMMIT_SECONDS),
            batch_jobs: Histogram::new(BATCH_JOBS),
            tries: Tries::default(),
        }
    }
}

pub(super) fn register(registry: &mut Registry, counted: &StoreMetrics, database: &Path) {
    registry.register("writer_waiting_jobs", "Sends and changes that wait for the writer", counted.waiting.clone());
    let help = "How long the commits took that wrote something";
    registry.register_with_unit("writer_commit", help, Unit::Seconds, counted.commit_seconds.clone());
    registry.register("writer_batch_jobs", "How many jobs shared such a commit", counted.batch_jobs.clone());
    registry.register_collector(Box::new(Sizes(database.to_owned())));
}

/// The sizes of a database's files, read when the metrics are.
#[derive(Debug)]
struct Sizes(PathBuf);

impl Collector for Sizes {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let wal = sidecar(&self.0, "-wal");
        for (name, help, path) in [
            ("database", "Size of the database.", self.0.as_path()),
            ("wal", "Size of the write-ahead log next to it.", wal.as_path()),
        ] {
            // 0 for a file that does not exist or cannot be read.
            encode_bytes(&mut encoder, name, help, fs::metadata(path).map_or(0, |file| file.len()))?;
        }
        let help = "What may still be written to the disk of the database.";
        encode_bytes(&mut encoder, "free", help, free_bytes(&self.0).unwrap_or(0))
    }
}

fn encode_bytes(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, bytes: u64) -> fmt::Result {
    let gauge = ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX));
    gauge.encode(encoder.encode_descriptor(name, help, Some(&Unit::Bytes), gauge.metric_type())?)
}
