//! Settings in two stages: as written (file, environment, flags), and as used.

mod values;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::Path,
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use config::{Config, Environment, File, FileFormat, Map, Source, Value};
use ipnet::IpNet;
use serde::Deserialize;
use tracing::Level;

use crate::settings::values::{networks, origins, parse_address};
use crate::{
    delivery::{address::Policy, client::DeliveryClient},
    store::retention::Retention,
};

/// Every key at its default. The documentation is the default: there is no second list to keep in step with it.
const DEFAULTS: &str = include_str!("../../settings.toml");

/// What is otherwise in a fake.
const DEFAULTS_OF_FAKE: &str = "log = \"warn\"\nlog_requests = false";

/// What is said where values and keys do not fit together.
const UNUSABLE: &str = "the settings (settings.toml and the environment SURVEYD__…) cannot be used";

/// The file that is read from the working directory where no other is named.
const FILE: &str = "settings.toml";

/// What the program runs with, checked once. Each field is explained in `settings.toml`.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where to answer.
    pub(crate) listen: SocketAddr,
    /// The SQLite file.
    pub(crate) database: PathBuf,
    /// How much goes to the log.
    pub(crate) log: Level,
    /// Whether each request leaves a line there.
    pub(crate) log_requests: bool,
    /// Where metrics are told without a token.
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// Where administrators are let in.
    pub(crate) admin: AdminListen,
    /// None for plain HTTP.
    pub(crate) tls: Option<TlsFiles>,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) proxies: Vec<IpNet>,
    /// The origins whose pages may call `/api`.
    pub(crate) origins: Vec<String>,
    /// Where deliveries may go.
    pub(crate) delivery: Delivery,
    /// How long what was done is kept.
    pub(crate) retention: Retention,
    /// What nothing may exceed.
    pub(crate) limits: Limits,
}

/// Where `/admin` and `/metrics` are answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AdminListen {
    /// Where everything else is.
    Same,
    /// On an address of their own, and nowhere else.
    Own(SocketAddr),
    /// Nowhere.
    Off,
}

/// The two files of TLS, in PEM.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TlsFiles {
    /// The certificate, with those that lead to its root behind it.
    pub(crate) cert: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

/// Where deliveries may go.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// To which addresses.
    pub(crate) policy: Policy,
    /// How long one try may take.
    pub(crate) timeout: Duration,
}

impl Delivery {
    /// A client that keeps to this.
    pub(crate) fn client(&self) -> DeliveryClient {
        DeliveryClient::new(self.policy.clone(), self.timeout)
    }
}

/// What nothing may exceed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Jobs that wait for the writer.
    pub(crate) queue: usize,
    /// Connections at once, on all addresses together.
    pub(crate) connections: usize,
    /// Bytes of a head.
    pub(crate) head_bytes: usize,
    /// For a head to arrive.
    pub(crate) head_timeout: Duration,
    /// For a body to arrive.
    pub(crate) body_timeout: Duration,
    /// For an answer to be taken.
    pub(crate) answer_timeout: Duration,
    /// For which an idle connection is kept.
    pub(crate) keep_alive: Duration,
}

/// What the command line says; it wins over everything else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    /// `--config`.
    pub(crate) config: Option<PathBuf>,
    /// `--listen`.
    pub(crate) listen: Option<SocketAddr>,
    /// `--database`.
    pub(crate) database: Option<PathBuf>,
}

#[derive(Deserialize)]
struct SettingsFile {
    listen: String,
    database: PathBuf,
    log: String,
    log_requests: bool,
    proxies: Vec<String>,
    admin: ListenSection,
    cors: CorsSection,
    delivery: DeliverySection,
    retention: RetentionSection,
    limits: LimitsSection,
    metrics: ListenSection,
    tls: TlsFiles,
}

#[derive(Deserialize)]
struct ListenSection {
    listen: String,
}

#[derive(Deserialize)]
struct CorsSection {
    origins: Vec<String>,
}

#[derive(Deserialize)]
struct DeliverySection {
    allow: Vec<String>,
    deny: Vec<String>,
    timeout_ms: u32,
}

#[derive(Deserialize)]
struct RetentionSection {
    sends_days: u32,
    audit_days: u32,
}

#[derive(Deserialize)]
struct LimitsSection {
    queue: u32,
    connections: u32,
    head_bytes: u32,
    head_timeout_ms: u32,
    body_timeout_ms: u32,
    answer_timeout_ms: u32,
    keep_alive_ms: u32,
}

impl Settings {
    /// The settings of a server: `settings.toml` < environment < flags.
    ///
    /// Errors: one sentence that names the file or variable, the key, and what it must be.
    pub(crate) fn load(flags: Flags) -> Result<Self> {
        Layers::of_server(&flags)?.written()?.check(flags)
    }

    /// The settings of a fake: no file, for it must start the same wherever it is started, and little in the log, which
    /// stands amid the output of tests.
    ///
    /// Errors: as for [`Settings::load`].
    pub(crate) fn for_fake(flags: Flags) -> Result<Self> {
        let mut settings = Layers::read(DEFAULTS_OF_FAKE, None, environment())?.written()?.check(flags)?;
        // The gateway of a test is on this machine.
        settings.delivery.policy.loopback = true;
        Ok(settings)
    }

    /// Every setting of a server in force, with where it comes from, in the order of their names.
    ///
    /// Errors: as for [`Settings::load`].
    pub(crate) fn explain(flags: Flags) -> Result<Vec<EffectiveSetting>> {
        let layers = Layers::of_server(&flags)?;
        layers.written()?.check(flags.clone())?;
        layers.effective(&flags)
    }
}

/// A setting as it is in force. None is a secret: tokens are in the database.
#[derive(Debug)]
pub(crate) struct EffectiveSetting {
    /// Its dotted name.
    pub(crate) key: String,
    /// Its value, as TOML has it.
    pub(crate) value: String,
    /// Where it comes from: `default`, the name of a file, `environment …`, or `flag …`.
    pub(crate) origin: String,
}

/// The sources over one another, but for the flags.
struct Layers {
    merged: Config,
    keys: BTreeSet<String>,
    /// Of what is not a default.
    origins: BTreeMap<String, String>,
}

impl Layers {
    fn of_server(flags: &Flags) -> Result<Self> {
        let file = match &flags.config {
            Some(path) => Some(path.clone()),
            None => Path::new(FILE).exists().then(|| PathBuf::from(FILE)),
        };
        Self::read("", file.as_deref(), environment())
    }

    fn read(more_defaults: &str, file: Option<&Path>, environment: Environment) -> Result<Self> {
        let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
        let known = keys(&defaults.collect()?);
        let more_defaults = File::from_str(more_defaults, FileFormat::Toml);
        let mut builder = Config::builder().add_source(defaults).add_source(more_defaults);
        let mut origins = BTreeMap::new();
        if let Some(path) = file {
            let name = path.display();
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the settings {name}"))?;
            let source = File::from_str(&text, FileFormat::Toml);
            let values = source.collect().with_context(|| format!("the settings {name} are not TOML"))?;
            refuse_unknown(&values, &known, |key| format!("the settings {name} have an unknown key {key:?}"))?;
            origins.extend(keys(&values).into_iter().map(|key| (key, name.to_string())));
            builder = builder.add_source(source);
        }
        let values = environment.collect()?;
        refuse_unknown(&values, &known, |key| format!("the environment variable {} names no setting", variable(key)))?;
        origins.extend(keys(&values).into_iter().map(|key| (key.clone(), format!("environment {}", variable(&key)))));
        let merged = builder.add_source(environment).build().context(UNUSABLE)?;
        Ok(Self { merged, keys: known, origins })
    }

    fn written(&self) -> Result<SettingsFile> {
        self.merged.clone().try_deserialize().context(UNUSABLE)
    }

    fn effective(&self, flags: &Flags) -> Result<Vec<EffectiveSetting>> {
        let effective = |key: &String| {
            let flag = match &**key {
                "listen" => flags.listen.map(|address| address.to_string()),
                "database" => flags.database.as_ref().map(|path| path.display().to_string()),
                _ => None,
            };
            let (value, origin) = if let Some(value) = flag {
                (value.into(), format!("flag --{key}"))
            } else {
                let origin = self.origins.get(key).map_or("default", String::as_str);
                (self.merged.get::<serde_json::Value>(key)?, origin.to_owned())
            };
            // JSON's values, short of null and of tables, are TOML's.
            Ok(EffectiveSetting { key: key.clone(), value: value.to_string(), origin })
        };
        self.keys.iter().map(effective).collect()
    }
}

impl SettingsFile {
    fn check(self, flags: Flags) -> Result<Settings> {
        let listen = match flags.listen {
            Some(address) => address,
            None => parse_address("listen", &self.listen, "127.0.0.1:8080")?,
        };
        let metrics_listen = match &*self.metrics.listen {
            "" => None,
            address => Some(parse_address("metrics.listen", address, "127.0.0.1:9100, or empty")?),
        };
        let admin = match &*self.admin.listen {
            "" => AdminListen::Same,
            "off" => AdminListen::Off,
            address => AdminListen::Own(parse_address("admin.listen", address, "127.0.0.1:8081, off, or empty")?),
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
        let Self { retention: RetentionSection { sends_days, audit_days }, .. } = self;
        for (key, days) in [("retention.sends_days", sends_days), ("retention.audit_days", audit_days)] {
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
            log,
            log_requests: self.log_requests,
            metrics_listen,
            admin,
            tls,
            proxies: networks("proxies", &self.proxies)?,
            origins: origins(&self.cors.origins)?,
            delivery: Delivery {
                policy: Policy {
                    allow: networks("delivery.allow", &self.delivery.allow)?,
                    deny: networks("delivery.deny", &self.delivery.deny)?,
                    loopback: false,
                },
                timeout: ms(self.delivery.timeout_ms),
            },
            retention: Retention { sends_days, audit_days },
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

fn environment() -> Environment {
    let environment = Environment::with_prefix("SURVEYD").prefix_separator("__").separator("__").try_parsing(true);
    // A list is one variable, with commas.
    let environment = environment.list_separator(",");
    let lists = ["delivery.allow", "delivery.deny", "cors.origins", "proxies"];
    lists.into_iter().fold(environment, Environment::with_list_parse_key)
}

/// The variable of a key.
fn variable(key: &str) -> String {
    format!("SURVEYD__{}", key.to_uppercase().replace('.', "__"))
}

/// The dotted names of all values: `listen`, `limits.queue`, …
fn keys(values: &Map<String, Value>) -> BTreeSet<String> {
    values
        .iter()
        .flat_map(|(key, value)| match value.clone().into_table() {
            Ok(table) => keys(&table).into_iter().map(|inner| format!("{key}.{inner}")).collect(),
            Err(_) => vec![key.clone()],
        })
        .collect()
}

fn refuse_unknown(values: &Map<String, Value>, known: &BTreeSet<String>, say: impl Fn(&str) -> String) -> Result<()> {
    let given = keys(values);
    let Some(unknown) = given.difference(known).next() else { return Ok(()) };
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    bail!("{}; the keys are {}", say(unknown), known.join(", "))
}
