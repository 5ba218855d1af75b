//! What can be counted of a database: what commits for its writer, how it commits, what comes of deliveries, and how large its
//! files are.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};

use crate::store::file::sidecar;
use crate::survey::gateway::DeliveryState;

/// Upper bounds of commit times, in seconds: from a disk that lies to the patience of a caller.
const COMMIT_SECONDS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 3.0];

/// Upper bounds of how many jobs share a commit; the last is as many as may.
const BATCH_JOBS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// What is counted. Clones count together.
#[derive(Clone)]
pub(crate) struct StoreMetrics {
    /// Jobs that wait. A channel does not tell its length.
    pub(crate) waiting: Gauge,
    /// How long the commits took that wrote something: the disk's share of what a send commits for.
    pub(crate) commit_seconds: Histogram,
    /// How many jobs each of those served.
    pub(crate) batch_jobs: Histogram,
    /// What came of deliveries.
    pub(crate) tries: Tries,
}

/// Tries of deliveries, by the state in which they left it.
#[derive(Clone)]
pub(crate) struct Tries(Family<[(&'static str, &'static str); 1], Counter>);

impl Tries {
    fn of(&self, state: DeliveryState) -> Counter {
        self.0.get_or_create_owned(&[("state", state.as_str())])
    }

    pub(crate) fn count(&self, state: DeliveryState) {
        self.of(state).inc();
    }
}

impl Default for Tries {
    /// All at 0: what appears only when it happens cannot be watched for.
    fn default() -> Self {
        use DeliveryState::{Cancelled, Dead, Delivered, Pending};
        let tries = Self(Family::default());
        for state in [Delivered, Pending, Dead, Cancelled] {
            tries.of(state);
        }
        tries
    }
}

impl Default for StoreMetrics {
    fn default() -> Self {
        Self {
            waiting: Gauge::default(),
            commit_seconds: Histogram::new(COMMIT_SECONDS),
            batch_jobs: Histogram::new(BATCH_JOBS),
            tries: Tries::default(),
        }
    }
}

/// Adds what is counted, and the sizes of the files.
pub(crate) fn register(registry: &mut Registry, counted: &StoreMetrics, database: &Path) {
    registry.register("writer_waiting_jobs", "Sends and changes that wait for the writer", counted.waiting.clone());
    let help = "How long the commits took that wrote something";
    registry.register_with_unit("writer_commit", help, Unit::Seconds, counted.commit_seconds.clone());
    registry.register("writer_batch_jobs", "How many jobs shared such a commit", counted.batch_jobs.clone());
    let help = "Tries of deliveries, by what they left: delivered, pending (to be tried again), dead, cancelled";
    registry.register("delivery_tries", help, counted.tries.0.clone());
    registry.register_collector(Box::new(Sizes(database.to_owned())));
}

/// The sizes of a database's files, looked up when they are asked for.
#[derive(Debug)]
struct Sizes(PathBuf);

impl Collector for Sizes {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let wal = sidecar(&self.0, "-wal");
        for (name, help, path) in [
            ("database", "Size of the database.", self.0.as_path()),
            ("wal", "Size of the write-ahead log beside it.", wal.as_path()),
        ] {
            // A file that cannot be asked for its size has none to tell.
            let size = fs::metadata(path).map_or(0, |file| file.len());
            let gauge = ConstGauge::new(i64::try_from(size).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, Some(&Unit::Bytes), gauge.metric_type())?)?;
        }
        Ok(())
    }
}
