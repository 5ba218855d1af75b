//! Metrics that are read from the file when they are collected: the deliveries of each channel, the last backup, the tokens
//! that expire soon.

use std::{
    fmt,
    path::PathBuf,
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Unit,
};
use rusqlite::Connection;
use tracing::debug;

use crate::{
    store::{
        LocalDatabase,
        clock::Clock,
        error::StoreError,
        last_backup::{LastBackup, last_backup},
        metrics::Tries,
        outbox::channels::{ChannelDeliveries, channel_deliveries},
        status::expiring_tokens,
    },
    survey::time::Time,
    threads,
};

/// How long the metrics wait for the file. The others must be there when a disk does not answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the metrics take from the file.
#[derive(Debug)]
struct FileState {
    now: Time,
    channels: Vec<ChannelDeliveries>,
    last_backup: Option<LastBackup>,
    expiring_tokens: usize,
}

impl FileState {
    fn of(connection: &Connection, now: Time) -> Result<Self, StoreError> {
        Ok(Self {
            now,
            channels: channel_deliveries(connection, now)?,
            last_backup: last_backup(connection)?,
            expiring_tokens: expiring_tokens(connection, now)?.len(),
        })
    }
}

/// Reads the file, and encodes what it has.
pub(super) struct FileMetrics {
    path: PathBuf,
    clock: Clock,
    tries: Tries,
    /// The read that has not ended in time, so that a disk that does not answer holds one thread.
    reading: Mutex<Option<Receiver<Option<FileState>>>>,
}

impl fmt::Debug for FileMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileMetrics").field("path", &self.path).finish_non_exhaustive()
    }
}

impl FileMetrics {
    pub(super) fn new(path: PathBuf, clock: Clock, tries: Tries) -> Self {
        Self { path, clock, tries, reading: Mutex::default() }
    }

    /// None if the file cannot be read, or not in time.
    fn read(&self) -> Option<FileState> {
        let mut reading = self.reading.lock();
        let receiver = match reading.take() {
            Some(receiver) => receiver,
            None => self.start()?,
        };
        match receiver.recv_timeout(PATIENCE) {
            Err(mpsc::RecvTimeoutError::Timeout) => {
                *reading = Some(receiver);
                None
            }
            read => read.ok().flatten(),
        }
    }

    fn start(&self) -> Option<Receiver<Option<FileState>>> {
        let (sender, receiver) = mpsc::channel();
        let (path, now) = (self.path.clone(), self.clock.now());
        let read = move || {
            let state = LocalDatabase::open_reader(&path)
                .and_then(|database| database.read(|connection| FileState::of(connection, now)));
            let state = state.inspect_err(|error| debug!(%error, "the metrics of the file cannot be read")).ok();
            // The collector may have given up.
            let _ = sender.send(state);
        };
        threads::start("file-metrics", read).ok()?;
        Some(receiver)
    }

    fn tries(&self, encoder: &mut DescriptorEncoder<'_>, channels: &[ChannelDeliveries]) -> fmt::Result {
        for channel in channels {
            self.tries.begin(channel.channel);
        }
        let help = "Tries of deliveries, by channel and by what they left: delivered, pending (to be tried again), dead, cancelled.";
        let family = self.tries.family();
        family.encode(encoder.encode_descriptor("delivery_tries", help, None, family.metric_type())?)
    }
}

/// A gauge with a value for each channel.
struct ChannelGauge {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    value: fn(&ChannelDeliveries, Time) -> i64,
}

const CHANNEL_GAUGES: [ChannelGauge; 5] = [
    ChannelGauge {
        name: "delivery_pending",
        help: "Deliveries that wait for their first or next try, by channel.",
        unit: None,
        value: |channel, _| channel.pending,
    },
    ChannelGauge {
        name: "delivery_oldest_pending",
        help: "How long ago the oldest of them was sent; 0 if there is none.",
        unit: Some(Unit::Seconds),
        value: |channel, _| i64::try_from(channel.oldest_pending_seconds.unwrap_or(0)).unwrap_or(i64::MAX),
    },
    ChannelGauge {
        name: "delivery_dead",
        help: "Deliveries that ten tries did not deliver, by channel.",
        unit: None,
        value: |channel, _| channel.dead,
    },
    ChannelGauge {
        name: "delivery_off",
        help: "1 if the deliveries of the channel are switched off, for example by a 410 of its gateway.",
        unit: None,
        value: |channel, _| i64::from(channel.off.is_some()),
    },
    ChannelGauge {
        name: "delivery_failing",
        help: "For how long every try in the channel has failed; 0 if the last one succeeded.",
        unit: Some(Unit::Seconds),
        value: |channel, now| channel.failing_since.map_or(0, |since| (now.0 - since.0).max(0) / 1000),
    },
];

impl Collector for FileMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let state = self.read();
        let (now, channels) = state.as_ref().map_or((Time(0), &[][..]), |state| (state.now, &state.channels));
        self.tries(&mut encoder, channels)?;
        for ChannelGauge { name, help, unit, value } in CHANNEL_GAUGES {
            let mut family = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
            for channel in channels {
                let labels = [("channel", channel.channel.0)];
                ConstGauge::new(value(channel, now)).encode(family.encode_family(&labels)?)?;
            }
        }
        let backup_at = state.as_ref().and_then(|state| state.last_backup).map(|backup| backup.at.0 / 1000);
        let expiring = state.as_ref().map(|state| i64::try_from(state.expiring_tokens).unwrap_or(i64::MAX));
        for (name, help, unit, value) in [
            (
                "last_backup_timestamp",
                "When the last backup was made that was verified; absent if there is none.",
                Some(&Unit::Seconds),
                backup_at,
            ),
            ("tokens_expiring", "Valid tokens that expire within 30 days.", None, expiring),
        ] {
            let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
            value.map_or(Ok(()), |value| family.encode_gauge(&value))?;
        }
        Ok(())
    }
}
