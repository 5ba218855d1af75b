//! The settings as they are written in `settings.toml`, before they are checked. The keys are explained there.

use std::path::PathBuf;

use serde::Deserialize;

/// Every key with its default. The documentation is the list of defaults, so that the two cannot differ.
pub(super) const DEFAULTS: &str = include_str!("../../settings.toml");

#[derive(Deserialize)]
pub(super) struct SettingsFile {
    pub(super) listen: String,
    pub(super) database: PathBuf,
    pub(super) database_on_network: bool,
    pub(super) log: String,
    pub(super) log_requests: bool,
    pub(super) proxies: Vec<String>,
    pub(super) admin: ListenSection,
    pub(super) cors: CorsSection,
    pub(super) delivery: DeliverySection,
    pub(super) retention: RetentionSection,
    pub(super) limits: LimitsSection,
    pub(super) metrics: ListenSection,
    pub(super) tls: TlsFiles,
}

#[derive(Deserialize)]
pub(super) struct ListenSection {
    pub(super) listen: String,
}

#[derive(Deserialize)]
pub(super) struct CorsSection {
    pub(super) origins: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct DeliverySection {
    pub(super) allow: Vec<String>,
    pub(super) deny: Vec<String>,
    pub(super) timeout_ms: u32,
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "they are the keys of the section")]
pub(super) struct RetentionSection {
    pub(super) sends_days: u32,
    pub(super) audit_days: u32,
    pub(super) refusals_days: u32,
}

#[derive(Deserialize)]
pub(super) struct LimitsSection {
    pub(super) queue: u32,
    pub(super) connections: u32,
    pub(super) head_bytes: u32,
    pub(super) head_timeout_ms: u32,
    pub(super) body_timeout_ms: u32,
    pub(super) answer_timeout_ms: u32,
    pub(super) keep_alive_ms: u32,
}

/// The files of TLS, in PEM.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TlsFiles {
    /// The certificate, followed by the intermediate certificates.
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}
