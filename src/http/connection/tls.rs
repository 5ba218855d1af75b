//! TLS: a certificate and its key, read at the start and again at SIGHUP.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use parking_lot::RwLock;
use rustls::{
    Error, InconsistentKeys, ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use tokio_rustls::TlsAcceptor;
use x509_parser::parse_x509_certificate;

use crate::survey::time::Time;

/// A client that offers only HTTP/2 is refused in the handshake: actix is built without it.
const PROTOCOL: &[u8] = b"http/1.1";

/// How long a PEM label is shown, in bytes: a longer one is hardly one.
const LONGEST_LABEL: usize = 40;

/// What the server presents to clients.
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

/// A certificate in use.
struct Current {
    config: Arc<ServerConfig>,
    not_after: Time,
}

impl Tls {
    /// Reads two PEM files: the certificate, followed by those that lead to its root, and its key.
    ///
    /// Errors: one sentence that names the file and says what is wrong with it.
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Self> {
        let current = RwLock::new(read(certificate, key)?);
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), current })
    }

    /// Reads the files again, for new connections.
    ///
    /// Errors: as for [`Tls::load`]; the certificate and key in use stay in use.
    pub(crate) fn reload(&self) -> Result<()> {
        let new = read(&self.certificate, &self.key)?;
        *self.current.write() = new;
        Ok(())
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.current.read().config).into()
    }

    /// When the certificate in use expires, or one that leads to its root.
    pub(crate) fn not_after(&self) -> Time {
        self.current.read().not_after
    }
}

/// When the certificate in a file expires, or one that leads to its root; also one that has expired already.
///
/// Errors: as for [`Tls::load`].
pub(crate) fn not_after(certificate: &Path) -> Result<Time> {
    first_to_expire(&read_chain(certificate)?, certificate)
}

/// The certificates of a file, at least one.
fn read_chain(certificate: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let name = certificate.display();
    let pem = read_pem(certificate).with_context(|| format!("cannot read the certificate {name} (tls.cert)"))?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.with_context(|| format!("the certificate {name} (tls.cert) is not whole"))?;
    ensure!(!chain.is_empty(), "there is no certificate in {name} (tls.cert); {}", content(&pem, "CERTIFICATE"));
    Ok(chain)
}

fn first_to_expire(chain: &[CertificateDer<'_>], path: &Path) -> Result<Time> {
    let not_after = |certificate: &CertificateDer<'_>| {
        let (_, parsed) = parse_x509_certificate(certificate).context("it is not an X.509 certificate")?;
        Ok(Time(parsed.validity().not_after.timestamp().saturating_mul(1000)))
    };
    let times: Result<Vec<_>> = chain.iter().map(not_after).collect();
    let times = times.with_context(|| format!("the certificate {} (tls.cert) cannot be used", path.display()))?;
    times.into_iter().min().with_context(|| format!("there is no certificate in {} (tls.cert)", path.display()))
}

fn read(certificate: &Path, key: &Path) -> Result<Current> {
    let (of_certificate, of_key) = (certificate.display(), key.display());
    let chain = read_chain(certificate)?;
    let not_after = first_to_expire(&chain, certificate)?;
    let first = chain.first().context("there is no certificate")?;
    check_time(first).with_context(|| format!("the certificate {of_certificate} (tls.cert) cannot be used"))?;
    let pem = read_pem(key).with_context(|| format!("cannot read the key {of_key} (tls.key)"))?;
    let private = match PrivateKeyDer::from_pem_slice(&pem) {
        _ if is_encrypted(&pem) => bail!(
            "the key {of_key} (tls.key) has a passphrase, and a server cannot ask for it; write it without one: openssl pkey -in {of_key} -out NEW"
        ),
        Err(pem::Error::NoItemsFound) => {
            bail!("there is no key in {of_key} (tls.key); {}", content(&pem, "PRIVATE KEY"))
        }
        private => private.with_context(|| format!("the key {of_key} (tls.key) is not whole"))?,
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().context("TLS cannot be used")?;
    let mut config = match config.with_no_client_auth().with_single_cert(chain, private) {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            bail!("the key {of_key} (tls.key) does not fit the certificate {of_certificate} (tls.cert)")
        }
        config => {
            config.with_context(|| format!("{of_certificate} and {of_key} (tls.cert, tls.key) cannot be used"))?
        }
    };
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Current { config: Arc::new(config), not_after })
}

/// Reads a PEM file. A byte-order mark, which some editors write, would hide its first line.
fn read_pem(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = fs::read(path)?;
    if bytes.starts_with("\u{feff}".as_bytes()) {
        bytes.drain(..'\u{feff}'.len_utf8());
    }
    Ok(bytes)
}

/// What a file has instead of what is looked for.
fn content(pem: &[u8], expected: &str) -> String {
    let text = String::from_utf8_lossy(pem);
    let label = text.lines().find_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----"));
    match label {
        _ if text.trim().is_empty() => "it is empty".to_owned(),
        Some(label) if label.len() <= LONGEST_LABEL => format!("it has a {label}, and must have a {expected}"),
        _ => format!("it must be PEM, which has a line -----BEGIN {expected}-----"),
    }
}

/// Whether a key has a passphrase. PKCS #8 has a label for it (RFC 7468, section 11), the older forms a header.
fn is_encrypted(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| line == "-----BEGIN ENCRYPTED PRIVATE KEY-----" || line.starts_with("Proc-Type: 4,ENCRYPTED"))
}

/// Errors: it is not a certificate, it has expired, or it is not valid yet.
fn check_time(certificate: &CertificateDer<'_>) -> Result<()> {
    let (_, parsed) = parse_x509_certificate(certificate).context("it is not an X.509 certificate")?;
    let (now, validity) = (jiff::Timestamp::now().as_second(), parsed.validity());
    ensure!(now <= validity.not_after.timestamp(), "it expired on {}", validity.not_after);
    ensure!(now >= validity.not_before.timestamp(), "it is not valid before {}", validity.not_before);
    Ok(())
}
