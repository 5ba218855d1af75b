//! Settings in two stages: as written ([`layers`] of [`file`], environment and flags), and as used ([`Settings`]).

mod file;
mod layers;
mod values;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Result, bail, ensure};
use ipnet::IpNet;
use tracing::Level;

pub(crate) use self::{
    file::TlsFiles,
    layers::{EffectiveSetting, Flags, mistaken_variables},
    values::listen_address,
};
use crate::{
    delivery::{address::Policy, client::DeliveryClient},
    settings::{
        file::{RetentionSection, SettingsFile},
        layers::Layers,
        values::{networks, origins, parse_address, shell_word},
    },
    store::{OnNetwork, retention::Retention},
};

/// The settings that the program uses, checked once. Each is explained in `settings.toml`.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) database: PathBuf,
    pub(crate) database_on_network: OnNetwork,
    pub(crate) log: Level,
    pub(crate) log_requests: bool,
    /// The address that answers `GET /metrics` without a token.
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) admin: AdminListen,
    /// `None` for plain HTTP.
    pub(crate) tls: Option<TlsFiles>,
    /// The networks whose `X-Forwarded-For` is trusted.
    pub(crate) proxies: Vec<IpNet>,
    /// The origins of web pages that may call `/api`.
    pub(crate) origins: Vec<String>,
    pub(crate) delivery: DeliverySettings,
    pub(crate) retention: Retention,
    pub(crate) limits: Limits,
}

/// The address of `/admin` and `/metrics`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AdminListen {
    /// The address of `listen`.
    Same,
    /// A separate address, and no other.
    Own(SocketAddr),
    /// They are not answered at all.
    Off,
}

#[derive(Clone, Debug)]
pub(crate) struct DeliverySettings {
    pub(crate) policy: Policy,
    pub(crate) timeout: Duration,
}

impl DeliverySettings {
    pub(crate) fn client(&self) -> DeliveryClient {
        DeliveryClient::new(self.policy.clone(), self.timeout)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Jobs that may wait for the writer thread.
    pub(crate) queue: usize,
    /// Open connections of the main address.
    pub(crate) connections: usize,
    /// Of a request.
    pub(crate) head_bytes: usize,
    /// For the head of a request to arrive.
    pub(crate) head_timeout: Duration,
    /// For the body of a request to arrive.
    pub(crate) body_timeout: Duration,
    /// For the caller to read an answer.
    pub(crate) answer_timeout: Duration,
    /// For an idle connection to stay open.
    pub(crate) keep_alive: Duration,
}

impl Settings {
    /// The settings of a server: `settings.toml` < environment < flags.
    ///
    /// Errors: one sentence that names the file or variable, the key, and the value that it must have.
    pub(crate) fn load(flags: Flags) -> Result<Self> {
        Layers::of_server(&flags)?.written()?.check(flags)
    }

    /// The settings of a fake: environment < flags. It logs little, because its log is mixed with the output of tests.
    ///
    /// Errors: as for [`Settings::load`].
    pub(crate) fn for_fake(flags: Flags) -> Result<Self> {
        let mut settings = Layers::of_fake()?.written()?.check(flags)?;
        // The gateways of tests are on this machine. Not for strangers: the tokens of a fake are public.
        settings.delivery.policy.this_machine = settings.is_on_loopback();
        Ok(settings)
    }

    /// Every setting of a server with its origin, in the order of the keys.
    ///
    /// Errors: as for [`Settings::load`].
    pub(crate) fn explain(flags: Flags) -> Result<Vec<EffectiveSetting>> {
        let layers = Layers::of_server(&flags)?;
        layers.written()?.check(flags.clone())?;
        layers.effective(&flags)
    }

    /// Whether only this machine can call.
    pub(crate) fn is_on_loopback(&self) -> bool {
        self.listen.ip().to_canonical().is_loopback()
    }

    /// The whole path of the database, which must exist.
    pub(crate) fn whole_path(&self) -> PathBuf {
        self.database.canonicalize().unwrap_or_else(|_| self.database.clone())
    }

    /// The database as a shell takes it on a command line, whatever folder that is in.
    pub(crate) fn database_argument(&self) -> String {
        format!("--database {}", shell_word(&self.whole_path().to_string_lossy()))
    }
}

impl SettingsFile {
    fn check(self, flags: Flags) -> Result<Settings> {
        let listen = match flags.listen {
            Some(address) => address,
            None => parse_address("listen", &self.listen, "")?,
        };
        let metrics_listen = match &*self.metrics.listen {
            "" => None,
            address => Some(parse_address("metrics.listen", address, ", or empty")?),
        };
        let admin = match &*self.admin.listen {
            "" => AdminListen::Same,
            "off" => AdminListen::Off,
            address => AdminListen::Own(parse_address("admin.listen", address, ", or off, or empty")?),
        };
        let tls = match (self.tls.cert.as_os_str().is_empty(), self.tls.key.as_os_str().is_empty()) {
            (true, true) => None,
            (false, false) => Some(self.tls),
            (true, false) => bail!("the setting tls.cert is empty and tls.key is not; TLS needs both"),
            (false, true) => bail!("the setting tls.key is empty and tls.cert is not; TLS needs both"),
        };
        let levels = [("error", Level::ERROR), ("warn", Level::WARN), ("info", Level::INFO), ("debug", Level::DEBUG)];
        let Some((_, log)) = levels.into_iter().find(|(name, _)| *name == self.log) else {
            bail!("the setting log is {:?}; it must be error, warn, info or debug", self.log);
        };
        let database = flags.database.unwrap_or(self.database);
        ensure!(!database.as_os_str().is_empty(), "the setting database is empty; it must name a file");
        let limits = self.limits;
        for (key, value) in [
            ("limits.queue", limits.queue),
            ("limits.connections", limits.connections),
            ("limits.head_timeout_ms", limits.head_timeout_ms),
            ("limits.body_timeout_ms", limits.body_timeout_ms),
            ("limits.answer_timeout_ms", limits.answer_timeout_ms),
            ("limits.keep_alive_ms", limits.keep_alive_ms),
            ("delivery.timeout_ms", self.delivery.timeout_ms),
        ] {
            ensure!(value > 0, "the setting {key} is 0; it must be 1 or more");
        }
        ensure!(limits.queue <= 1_000_000, "the setting limits.queue is {}; it must be 1000000 or less", limits.queue);
        let Self { retention: RetentionSection { sends_days, audit_days, refusals_days }, .. } = self;
        for (key, days) in [
            ("retention.sends_days", sends_days),
            ("retention.audit_days", audit_days),
            ("retention.refusals_days", refusals_days),
        ] {
            ensure!(
                days <= 36500,
                "the setting {key} is {days}; it must be 36500 days or less, or 0 to keep everything"
            );
        }
        ensure!(
            (1024..=65536).contains(&limits.head_bytes),
            "the setting limits.head_bytes is {}; it must be from 1024 to 65536",
            limits.head_bytes
        );
        let ms = |value: u32| Duration::from_millis(value.into());
        Ok(Settings {
            listen,
            database,
            database_on_network: if self.database_on_network { OnNetwork::Allow } else { OnNetwork::Refuse },
            log,
            log_requests: self.log_requests,
            metrics_listen,
            admin,
            tls,
            proxies: networks("proxies", &self.proxies)?,
            origins: origins(&self.cors.origins)?,
            delivery: DeliverySettings {
                policy: Policy {
                    allow: networks("delivery.allow", &self.delivery.allow)?,
                    deny: networks("delivery.deny", &self.delivery.deny)?,
                    this_machine: false,
                },
                timeout: ms(self.delivery.timeout_ms),
            },
            retention: Retention { sends_days, audit_days, refusals_days },
            limits: Limits {
                queue: limits.queue as usize,
                connections: limits.connections as usize,
                head_bytes: limits.head_bytes as usize,
                head_timeout: ms(limits.head_timeout_ms),
                body_timeout: ms(limits.body_timeout_ms),
                answer_timeout: ms(limits.answer_timeout_ms),
                keep_alive: ms(limits.keep_alive_ms),
            },
        })
    }
}
