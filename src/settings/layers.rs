//! The layers of settings: defaults, file, environment, flags. Each overrides the ones before it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use config::{Config, Environment, File, FileFormat, Map, Source, Value};

use crate::settings::file::{DEFAULTS, SettingsFile};

/// The defaults of a fake that differ from those of a server.
const FAKE_DEFAULTS: &str = "log = \"warn\"\nlog_requests = false";

/// The context of an error that spans several keys or layers.
const UNUSABLE: &str = "the settings (settings.toml and the environment SURVEYD__…) cannot be used";

/// The file that is read from the working directory if no other is named.
const FILE: &str = "settings.toml";

/// The flags of the command line. They override everything else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) config: Option<PathBuf>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) database: Option<PathBuf>,
}

/// One setting in force. None of them is a secret: tokens are in the database.
#[derive(Debug)]
pub(crate) struct EffectiveSetting {
    /// The dotted name.
    pub(crate) key: String,
    /// In TOML.
    pub(crate) value: String,
    /// `default`, the name of a file, `environment …`, or `flag …`.
    pub(crate) origin: String,
}

/// All layers except the flags.
pub(super) struct Layers {
    merged: Config,
    keys: BTreeSet<String>,
    /// By key, for values that are not defaults.
    origins: BTreeMap<String, String>,
}

impl Layers {
    /// The layers of a server. Errors: see [`Settings::load`](super::Settings::load).
    pub(super) fn of_server(flags: &Flags) -> Result<Self> {
        let file = match &flags.config {
            Some(path) => Some(path.clone()),
            None => Path::new(FILE).exists().then(|| PathBuf::from(FILE)),
        };
        Self::read("", file.as_deref(), environment())
    }

    /// The layers of a fake: no file, so that a fake behaves the same in every working directory.
    pub(super) fn of_fake() -> Result<Self> {
        Self::read(FAKE_DEFAULTS, None, environment())
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
            // The parser says of an address without quotes that it is a bad number.
            let not_toml =
                || format!("the settings {name} are not TOML, in which text has quotes (listen = \"[::1]:8080\")");
            let values = source.collect().with_context(not_toml)?;
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

    pub(super) fn written(&self) -> Result<SettingsFile> {
        self.merged.clone().try_deserialize().context(UNUSABLE)
    }

    /// Every setting in force, in the order of the keys.
    pub(super) fn effective(&self, flags: &Flags) -> Result<Vec<EffectiveSetting>> {
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
            // Every JSON value except null and objects is also a TOML value.
            Ok(EffectiveSetting { key: key.clone(), value: value.to_string(), origin })
        };
        self.keys.iter().map(effective).collect()
    }
}

fn environment() -> Environment {
    let environment = Environment::with_prefix("SURVEYD").prefix_separator("__").separator("__").try_parsing(true);
    // A list is one variable, separated by commas.
    let environment = environment.list_separator(",");
    let lists = ["delivery.allow", "delivery.deny", "cors.origins", "proxies"];
    lists.into_iter().fold(environment, Environment::with_list_parse_key)
}

/// One sentence for each environment variable that is meant for a setting and is not read, because an underscore is missing.
///
/// Others that begin with `SURVEYD_` are nobody's mistake: Kubernetes sets `SURVEYD_PORT` next to a service of that name.
pub(crate) fn mistaken_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    // Of the hundred variables of a shell, most often none.
    let names: Vec<_> = names.filter(|name| name.to_uppercase().starts_with("SURVEYD_")).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let known = File::from_str(DEFAULTS, FileFormat::Toml).collect().map(|values| keys(&values)).unwrap_or_default();
    let single = |name: &str| name.to_uppercase().replace("__", "_");
    let sentence = |name: String| {
        let key = known.iter().find(|key| single(&variable(key)) == single(&name))?;
        let is_read = name.to_uppercase().starts_with("SURVEYD__");
        (!is_read).then(|| {
            format!("the environment variable {name} is not read; write {}, with two underscores", variable(key))
        })
    };
    names.into_iter().filter_map(sentence).collect()
}

/// The environment variable of a key.
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
